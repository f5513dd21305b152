"""What Pledge holds about one person in one group, and what erasing it means."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.retention import RetentionTerms
from bot.domain.suspensions import Pause


class Part(StrEnum):
    """For what something is held, in the order in which a person is shown it."""

    AGREEMENT = "agreement"
    """What they were asked, answered and signed."""
    ACCESS = "access"
    """How they come by the role, and what closes the channel to them."""
    MESSAGES = "messages"
    """What Pledge has done, and has to do, for them in Discord."""
    LEDGER = "ledger"
    REPORTED = "reported"
    """Cases that they reported."""
    CONCERNED = "concerned"
    """Cases that concern them, as far as they were told."""
    OFFICE = "office"
    """What they did for the group."""


class Whereabouts(StrEnum):
    """Where somebody is who has their record erased, which says what is left to do in Discord."""

    HERE = "here"
    """In the group's server, or nobody can tell."""
    AWAY = "away"
    """Not in it: there is no role to take."""
    FORMER = "former"
    """The group is not looked after any more: nobody would do anything there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table, or of several that belong together, as far as the person may see it.

    `values` are by the names of their columns; instants are aware, what was encrypted is not.
    """

    part: Part
    table: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """A file that the person handed in themselves; `content` is what is kept of it."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """Everything that a person may see of what is held about them in one group, at one moment.

    `pause` is set while access is closed to them, whatever they have signed.
    """

    group_key: str
    read_at: datetime
    rows: tuple[Row, ...]
    files: tuple[OwnFile, ...] = ()
    pause: Pause | None = None

    def of(self, part: Part) -> list[Row]:
        """What is held for one purpose."""
        return [row for row in self.rows if row.part is part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What erasing goes for, and what stays.

    What goes: `ends_access` is whether the person has access, or is on the way to it, that ends;
    `requests`, `signatures`, `notes`, `messages`, `entries` (of the ledger) and `lists` (of people
    to be asked, or to be left in peace by a former group) count rows.
    What stays: `reported` and `concerned` are numbers of cases, of the latter those they were told
    of; `proofs` counts what is left of older signatures, `proven_until` is until when the last of
    all proofs can be matched with them; `acts` counts what they did for the group; `pause` is set
    while access is closed to them. `is_quiet` is whether they are left in peace already.
    `is_former` is whether nobody looks after the group any more, and `terms` is what is said about
    how long the rest stays.
    """

    ends_access: bool
    requests: int
    signatures: int
    notes: int
    messages: int
    entries: int
    lists: int
    reported: tuple[int, ...]
    concerned: tuple[int, ...]
    proofs: int
    proven_until: datetime | None
    acts: int
    pause: Pause | None
    is_quiet: bool
    is_former: bool
    terms: RetentionTerms

    @property
    def has_something(self) -> bool:
        """Whether there is anything that goes."""
        counts = (self.requests, self.signatures, self.messages, self.entries, self.lists)
        return self.ends_access or any(counts)

    @property
    def has_rest(self) -> bool:
        """Whether there is anything that stays."""
        stays = (self.reported, self.concerned, self.proofs, self.acts, self.pause)
        return self.is_quiet or any(map(bool, stays))

    def fingerprint(self) -> str:
        """Changes with whatever a person would want to know before they agree.

        Messages and entries come and go by themselves, and change nothing of what is agreed to.
        """
        facts = (
            self.ends_access,
            self.signatures,
            self.notes,
            self.reported,
            self.concerned,
            self.acts > 0,
            self.pause,
            self.is_former,
            self.terms,
        )
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
