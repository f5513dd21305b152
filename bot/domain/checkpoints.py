"""Checkpoints: entries of the ledger by which others can be proved without showing the rest.

Every group has its own, because its heads are posted in its own channel, and each is the head
that is posted. It covers every entry since the group's checkpoint before it, that one included,
and all earlier checkpoints of the group. So the head that was posted last proves any older entry
by two short paths, and nothing needs to be told of anybody else.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.domain.audit import Finding, Flaw
from bot.domain.ledger import Entry, Facts, LedgerKind, canonical
from bot.domain.merkle import Tree, root_from_path

SERVER = "server_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a checkpoint says.

    `root` is over the hashes of the entries from `first` to `last`, `earlier_root` over those of
    the `earlier` checkpoints of the group before it. `server_id` is where the group lives.
    """

    first: int
    last: int
    root: str
    earlier: int
    earlier_root: str
    server_id: int

    def facts(self) -> Facts:
        """What is recorded of it."""
        return {
            "from": self.first,
            "to": self.last,
            "root": self.root,
            "earlier": self.earlier,
            "earlier_root": self.earlier_root,
            SERVER: self.server_id,
        }

    @classmethod
    def parse(cls, payload: str) -> "Checkpoint | None":
        """Read what `facts` became in the ledger; None for anything else."""
        try:
            said: dict[str, Any] = json.loads(payload)
            found = cls(
                first=said["from"],
                last=said["to"],
                root=said["root"],
                earlier=said["earlier"],
                earlier_root=said["earlier_root"],
                server_id=said[SERVER],
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        numbers = (found.first, found.last, found.earlier, found.server_id)
        if not all(type(number) is int for number in numbers):
            return None
        return found if canonical(found.facts()) == payload else None


class Covering:
    """What the next checkpoint of one group will cover, gathered entry by entry.

    Args:
        first: the position of the first entry it covers.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.tree = Tree()
        self.has_news = False
        """Whether anything but checkpoints is among it."""

    @property
    def last(self) -> int:
        """The position of the last entry that was added."""
        return self.first + self.tree.size - 1

    def add(self, hash_: str, kind: str) -> None:
        """The next entry."""
        self.tree.add(hash_)
        self.has_news = self.has_news or kind != LedgerKind.CHECKPOINT


class Checkpoints:
    """Checks the checkpoints of a ledger, entry by entry in their order."""

    def __init__(self) -> None:
        self._all = Tree()
        self._since: dict[str | None, Covering] = {}
        self._earlier: dict[str | None, Tree] = {}

    def check(self, entry: Entry) -> Iterator[Finding]:
        """What is wrong with the next entry, if it is a checkpoint."""
        if entry.kind == LedgerKind.CHECKPOINT:
            if not self._holds(entry):
                yield Finding(flaw=Flaw.CHECKPOINT, position=entry.position)
            self._earlier.setdefault(entry.group_key, Tree()).add(entry.hash)
            self._since[entry.group_key] = Covering(entry.position)
        self._all.add(entry.hash)
        for covering in self._since.values():
            covering.add(entry.hash, entry.kind)

    def _holds(self, entry: Entry) -> bool:
        if entry.payload is None:
            return True  # that its words are gone is found elsewhere
        said = Checkpoint.parse(entry.payload)
        since = self._since.get(entry.group_key)
        first, tree = (1, self._all) if since is None else (since.first, since.tree)
        earlier = self._earlier.get(entry.group_key, Tree())
        return said is not None and (
            said.first,
            said.last,
            said.root,
            said.earlier,
            said.earlier_root,
        ) == (first, entry.position - 1, tree.root(), earlier.size, earlier.root())


# Proving single entries --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An entry with the hash of the one before it."""

    entry: Entry
    previous: str

    def holds(self) -> bool:
        """Whether it says what it committed to, and has the hash that it must have."""
        entry = self.entry
        return (
            not entry.is_erased
            and entry.keeps_its_word()
            and entry.hash_after(self.previous) == entry.hash
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How an entry hangs together with a head.

    `path` leads from the entry to the root in `checkpoint`, and `checkpoint_path` from there to
    the root over the earlier checkpoints in the head; it is empty where the checkpoint is the head.
    """

    path: tuple[str, ...]
    checkpoint: Link
    checkpoint_path: tuple[str, ...]

    def leads(self, entry: Entry, head: Link) -> bool:
        """Whether the head covers this entry."""
        said = _said_by(self.checkpoint)
        top = _said_by(head)
        if said is None or top is None:
            return False
        size = said.last - said.first + 1
        if root_from_path(entry.hash, entry.position - said.first, size, self.path) != said.root:
            return False
        if self.checkpoint == head:
            return not self.checkpoint_path
        own = self.checkpoint.entry.hash
        found = root_from_path(own, said.earlier, top.earlier, self.checkpoint_path)
        return found == top.earlier_root


def _said_by(link: Link) -> Checkpoint | None:
    entry = link.entry
    if entry.kind != LedgerKind.CHECKPOINT or entry.payload is None or not link.holds():
        return None
    said = Checkpoint.parse(entry.payload)
    return said if said is not None and said.last == entry.position - 1 else None
