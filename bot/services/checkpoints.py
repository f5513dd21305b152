"""Writing checkpoints into the ledger, and proving single entries by them."""

from datetime import datetime

from bot.domain import merkle
from bot.domain.checkpoints import Checkpoint, Covering, Link, Way
from bot.domain.errors import StorageError
from bot.domain.ledger import NO_ENTRIES, Entry, Head, LedgerKind
from bot.storage import ledger, versions
from bot.storage.database import Database, Transaction

PAGE = 1_000

__all__ = ["Covering", "find_way", "gather", "link", "put_in"]


async def gather(database: Database, group_key: str) -> Covering:
    """Read what the next checkpoint of a group will cover, as far as it is recorded yet.

    For a long ledger without checkpoints this takes seconds, in which others can write.
    """
    async with database.read() as tx:
        return await _gather_in(tx, group_key, None)


async def _gather_in(tx: Transaction, group_key: str, covering: Covering | None) -> Covering:
    """Page by page: it takes no more memory for a long ledger than for a short one."""
    last = await ledger.find_last_checkpoint(tx, group_key)
    first = 1 if last is None else last.position
    if covering is None or covering.first != first:
        covering = Covering(first)
    until = (await ledger.find_head(tx)).position
    while page := await ledger.list_links(tx, covering.last, until, PAGE):
        for _, hash_, kind in page:
            covering.add(hash_, kind)
    return covering


async def put_in(
    tx: Transaction, group_key: str, now: datetime, covering: Covering | None = None
) -> Head:
    """Record a checkpoint of everything so far, unless nothing happened since the last one.

    Args:
        tx: the open transaction.
        group_key: the group in whose channel it is posted.
        now: the current instant.
        covering: what `gather` has read before.

    Returns:
        The group's newest checkpoint as a head; `NO_ENTRIES` of an empty ledger.
    """
    if await ledger.find_head(tx) == NO_ENTRIES:
        return NO_ENTRIES
    covering = await _gather_in(tx, group_key, covering)
    last = await ledger.find_last_checkpoint(tx, group_key)
    if last is not None and not covering.has_news:
        return Head(position=last.position, hash=last.hash)
    earlier = await ledger.list_checkpoint_hashes(tx, group_key, covering.last + 1)
    checkpoint = Checkpoint(
        first=covering.first,
        last=covering.last,
        root=covering.tree.root(),
        earlier=len(earlier),
        earlier_root=merkle.root(earlier),
        server_id=(await versions.list_groups(tx))[group_key],
    )
    await ledger.append(tx, group_key, LedgerKind.CHECKPOINT, checkpoint.facts(), now)
    return await ledger.find_head(tx)


async def link(tx: Transaction, entry: Entry) -> Link:
    """An entry with the hash of the one before it.

    Raises:
        StorageError: that one is missing.
    """
    previous = await ledger.find_hash(tx, entry.position - 1)
    if previous is None:
        raise StorageError(f"Entry {entry.position - 1} of the ledger is missing.")
    return Link(entry=entry, previous=previous)


async def find_way(tx: Transaction, entry: Entry, head: Entry) -> Way:
    """How a checkpoint covers an entry before it.

    Args:
        tx: the open transaction.
        entry: what is to be proved.
        head: a later checkpoint of a group.

    Raises:
        StorageError: the ledger is damaged where this would have to be read.
    """
    group_key = head.group_key or ""
    checkpoint = await ledger.find_checkpoint_of(tx, group_key, entry.position) or head
    said, top = _read(checkpoint), _read(head)
    finder = merkle.PathFinder(entry.position - said.first, said.last - said.first + 1)
    after = said.first - 1
    while page := await ledger.list_links(tx, after, said.last, PAGE):
        for _, hash_, _ in page:
            finder.add(hash_)
        after += len(page)
    checkpoint_path: tuple[str, ...] = ()
    if checkpoint.position != head.position:
        earlier = await ledger.list_checkpoint_hashes(tx, group_key, head.position)
        checkpoint_path = merkle.audit_path(earlier, said.earlier, top.earlier)
    return Way(
        path=finder.path(),
        checkpoint=await link(tx, checkpoint),
        checkpoint_path=checkpoint_path,
    )


def _read(checkpoint: Entry) -> Checkpoint:
    said = Checkpoint.parse(checkpoint.payload or "")
    if said is None:
        raise StorageError(f"Checkpoint {checkpoint.position} of the ledger cannot be read.")
    return said
