"""Receipts: what a person keeps of their signature, and what a stranger can tell from it.

A receipt holds the exact text, both signatures, and the entries of the ledger that tell of them,
with the way from there to a head that was posted. Whoever has the file and such a head needs
nothing else to check it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.agreements import RevokeReason
from bot.domain.checkpoints import Checkpoint, Link, Way
from bot.domain.ledger import Entry, Facts, Head, LedgerKind, canonical, kind_of_ending
from bot.domain.translations import Translation


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """An entry, and the way from it to the head of the receipt, once there is one."""

    link: Link
    way: Way | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One signature and what it stands for, as it was when the receipt was issued.

    `text` is what counts; `shown` is the translation that the person read, None if it was that.
    The facilitator's signature is the publishing of the version. The member's was given at
    `signed_at`, or between `signed_after` and then; so with `ended_at`. `head` is the head that
    was posted and covers all entries; None until it is. `published` is None when what the ledger
    said of the publishing was erased, or was before the ledger.
    """

    issued_at: datetime
    group_key: str
    group_name: str
    server_id: int
    receipt_number: str
    version: int
    sha256: str
    text: str
    shown: Translation | None
    facilitator_id: int
    published_at: datetime
    member_id: int
    method: str
    message_id: int | None
    signed_at: datetime
    signed_after: datetime | None
    expires_at: datetime | None
    attested_by: int | None
    in_force: bool
    ended_at: datetime | None
    ended_after: datetime | None
    reason: str | None
    head: Link | None
    published: Witness | None
    signed: Witness
    ended: Witness | None

    def posted_head(self) -> Head | None:
        """The head as it stands in the moderators' channel."""
        if self.head is None:
            return None
        return Head(position=self.head.entry.position, hash=self.head.entry.hash)

    def witnesses(self) -> tuple[Witness, ...]:
        """The entries it rests on, in their order."""
        return tuple(one for one in (self.published, self.signed, self.ended) if one is not None)


class Outcome(StrEnum):
    """What can be said of a receipt."""

    VALID = "valid"
    ALTERED = "altered"
    UNKNOWN = "unknown"


class Doubt(StrEnum):
    """Why a receipt is not valid, or cannot be told to be."""

    FORM = "form"
    """It is not as Pledge writes it."""
    CHECKSUM = "checksum"
    TEXT = "text"
    SHOWN = "shown"
    ENTRY = "entry"
    """An entry does not have the hash it must have, or does not say what it committed to."""
    FACTS = "facts"
    """The receipt says something else than its entries."""
    WAY = "way"
    """An entry is not covered by the head."""

    NOT_COVERED = "not_covered"
    NO_PUBLICATION = "no_publication"
    NO_HEAD = "no_head"
    OTHER_HEAD = "other_head"
    NO_RECEIPT = "no_receipt"
    """It does not even claim to be one."""


CANNOT_TELL = frozenset(
    {
        Doubt.NOT_COVERED,
        Doubt.NO_PUBLICATION,
        Doubt.NO_HEAD,
        Doubt.OTHER_HEAD,
        Doubt.NO_RECEIPT,
    }
)
"""These say nothing against the receipt; all others do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found, and why it is not better."""

    outcome: Outcome
    doubts: tuple[Doubt, ...] = ()

    @classmethod
    def of(cls, doubts: Iterator[Doubt]) -> "Judgement":
        """Sum up: one thing against it outweighs everything that cannot be told."""
        against, open_ = list[Doubt](), list[Doubt]()
        for doubt in doubts:
            (open_ if doubt in CANNOT_TELL else against).append(doubt)
        if against:
            return cls(outcome=Outcome.ALTERED, doubts=tuple(dict.fromkeys(against)))
        if open_:
            return cls(outcome=Outcome.UNKNOWN, doubts=tuple(open_))
        return cls(outcome=Outcome.VALID)


def judge(receipt: Receipt, head: Head | None) -> Judgement:
    """Tell whether a receipt is what the holder of the record issued.

    It is valid only if a head that was got elsewhere covers it: anybody can make up a receipt
    that fits itself.

    Args:
        receipt: what the file says.
        head: as it was posted; None when there is none to compare with.
    """
    return Judgement.of(_doubts(receipt, head))


def _doubts(receipt: Receipt, head: Head | None) -> Iterator[Doubt]:
    if _sha256(receipt.text) != receipt.sha256:
        yield Doubt.TEXT
    if receipt.shown is not None and _sha256(receipt.shown.text) != receipt.shown.sha256:
        yield Doubt.SHOWN
    if not all(witness.link.holds() for witness in receipt.witnesses()):
        yield Doubt.ENTRY
    if not all(_facts_agree(receipt)):
        yield Doubt.FACTS
    yield from _doubts_of_head(receipt, head)
    if receipt.published is None:
        yield Doubt.NO_PUBLICATION


def _doubts_of_head(receipt: Receipt, head: Head | None) -> Iterator[Doubt]:
    if receipt.head is None:
        if any(witness.way is not None for witness in receipt.witnesses()):
            yield Doubt.WAY
        yield Doubt.NOT_COVERED
        return
    if not _is_of_group(receipt.head.entry, receipt):
        yield Doubt.FACTS
    for witness in receipt.witnesses():
        if witness.way is None or not witness.way.leads(witness.link.entry, receipt.head):
            yield Doubt.WAY
    if head is None:
        yield Doubt.NO_HEAD
    elif head != receipt.posted_head():
        yield Doubt.OTHER_HEAD


def _is_of_group(head: Entry, receipt: Receipt) -> bool:
    said = Checkpoint.parse(head.payload or "")
    return (
        head.group_key == receipt.group_key
        and said is not None
        and said.server_id == receipt.server_id
    )


def _facts_agree(receipt: Receipt) -> Iterator[bool]:
    """Whether every entry says what the receipt says of the same thing."""
    signed = receipt.signed.link.entry
    yield _says(receipt.signed, receipt, LedgerKind.SIGNED, facts_of_member(receipt))
    if receipt.published is not None:
        published = receipt.published.link.entry
        facts = facts_of_facilitator(receipt)
        yield _says(receipt.published, receipt, LedgerKind.PUBLISHED, facts)
        yield published.position < signed.position
    if receipt.ended is None:
        yield receipt.reason is receipt.ended_at is receipt.ended_after is None
        return
    yield not receipt.in_force
    ended = receipt.ended.link.entry
    yield ended.subject == signed.subject
    yield ended.position > signed.position
    try:
        kind = kind_of_ending(RevokeReason(receipt.reason or ""))
    except ValueError:
        yield False
    else:
        yield _says(receipt.ended, receipt, kind, facts_of_end(receipt))


def _says(witness: Witness, receipt: Receipt, kind: LedgerKind, facts: Facts) -> bool:
    entry = witness.link.entry
    if entry.kind != kind or entry.group_key != receipt.group_key or entry.payload is None:
        return False
    try:
        said: dict[str, Any] = json.loads(entry.payload)
        wanted: dict[str, Any] = json.loads(canonical(facts))
        # An entry of an older Pledge may lack a fact; then the receipt must not claim one.
        return all(said.get(key) == value for key, value in wanted.items())
    except (ValueError, AttributeError, RecursionError):
        return False


def facts_of_facilitator(receipt: Receipt) -> Facts:
    """What the entry of the publishing must say."""
    return {
        "number": receipt.version,
        "sha256": receipt.sha256,
        "published_by": receipt.facilitator_id,
        "published_at": receipt.published_at,
    }


def facts_of_member(receipt: Receipt) -> Facts:
    """What the entry of the signature must say."""
    shown = receipt.shown
    return {
        "receipt_number": receipt.receipt_number,
        "member_id": receipt.member_id,
        "version": receipt.version,
        "sha256": receipt.sha256,
        "method": receipt.method,
        "message_id": receipt.message_id,
        "signed_at": receipt.signed_at,
        "signed_after": receipt.signed_after,
        "expires_at": receipt.expires_at,
        "language": None if shown is None else shown.language,
        "shown_sha256": None if shown is None else shown.sha256,
        "attested_by": receipt.attested_by,
    }


def facts_of_end(receipt: Receipt) -> Facts:
    """What the entry of the end must say."""
    return {
        "receipt_number": receipt.receipt_number,
        "member_id": receipt.member_id,
        "reason": receipt.reason,
        "revoked_at": receipt.ended_at,
        "revoked_after": receipt.ended_after,
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
