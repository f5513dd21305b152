"""The ledger: a chain of entries in which nothing can be changed or left out unseen.

Each entry commits to what it says and to the entry before it. What it says (its payload) can be
destroyed later, together with its salt: the commitment stays, tells nobody anything any more, and
the chain still holds.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from bot.domain.agreements import AgreementVersion, RevokeReason, Signature

GENESIS = "0" * 64
"""What the first entry follows."""

SALT_LENGTH = 64
"""Hexadecimal digits, so that nobody can move a character between salt and payload."""

Facts = Mapping[str, int | str | datetime | None]


class LedgerKind(StrEnum):
    """What happened. Later versions add kinds, and the chain does not mind."""

    PUBLISHED = "published"
    REQUESTED = "requested"
    """The agreement reached a person by direct message."""
    SIGNED = "signed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    """A signature ended for a reason other than withdrawal and expiry."""
    EXPIRED = "expired"
    GRANTED = "granted"
    REMOVED = "removed"
    """These two are of the role."""
    KICKED = "kicked"
    """Somebody who did not answer was removed from the server."""
    CASE = "case"
    """A step of a breach case: its number and what was done; no names and none of the words."""
    SUSPENDED = "suspended"
    SUSPENSION_ENDED = "suspension_ended"
    """These two are of somebody's access, whatever they have signed."""
    RESTORED = "restored"
    """A backup was put back."""
    ERASED = "erased"
    """What the ledger said of a person was destroyed."""
    CHECKPOINT = "checkpoint"
    """Covers all entries before it, so that each can be proved; see `bot.domain.checkpoints`."""


_ENDINGS = {
    RevokeReason.WITHDRAWN: LedgerKind.WITHDRAWN,
    RevokeReason.EXPIRED: LedgerKind.EXPIRED,
}
ENDINGS = (LedgerKind.WITHDRAWN, LedgerKind.REVOKED, LedgerKind.EXPIRED)
"""The kinds that end a signature."""


def kind_of_ending(reason: RevokeReason) -> LedgerKind:
    """Under which kind the end of a signature is recorded."""
    return _ENDINGS.get(reason, LedgerKind.REVOKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it is stored; salt and payload are None when they were erased."""

    position: int
    group_key: str | None
    kind: str
    recorded_at: datetime
    subject: str | None
    commitment: str
    hash: str
    salt: str | None
    payload: str | None

    def hash_after(self, previous: str) -> str:
        """The hash this entry has when it follows the one with the hash `previous`."""
        covered = [
            previous,
            self.position,
            self.group_key,
            self.kind,
            instant(self.recorded_at),
            self.subject,
            self.commitment,
        ]
        return hashlib.sha256(_json(covered).encode()).hexdigest()

    @property
    def is_erased(self) -> bool:
        """Whether what it said was destroyed."""
        return self.salt is None and self.payload is None

    def keeps_its_word(self) -> bool:
        """Whether it says what it committed to; nobody can tell of an erased one."""
        if self.is_erased:
            return True
        if self.salt is None or self.payload is None or len(self.salt) != SALT_LENGTH:
            return False
        return commit(self.salt, self.payload) == self.commitment


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry of a ledger: whoever keeps it can show later if anything was taken away."""

    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            ValueError: this is no head.
        """
        found = _HEAD.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(text)
        return cls(position=int(found[1]), hash=found[2])

    @classmethod
    def find(cls, text: str) -> Self | None:
        """The head that stands in a message, if there is one."""
        found = _HEAD.search(text)
        return cls(position=int(found[1]), hash=found[2]) if found else None


_HEAD = re.compile(r"(?<![0-9a-z])([0-9]{1,18}):([0-9a-f]{64})(?![0-9a-z])", re.ASCII)
NO_ENTRIES = Head(position=0, hash=GENESIS)
"""The head of a ledger in which nothing was recorded yet."""


def commit(salt: str, payload: str) -> str:
    """SHA-256 of salt and payload: says nothing about the payload to whoever lacks the salt."""
    return hashlib.sha256((salt + payload).encode()).hexdigest()


def subject_of(key: bytes, member_id: int) -> str:
    """The name of a person in the ledger, which only the holder of the key can link to them."""
    return hmac.new(key, str(member_id).encode(), hashlib.sha256).hexdigest()


def canonical(facts: Facts) -> str:
    """The one way to write facts down: JSON, sorted keys, no spaces, instants in UTC."""
    return _json(
        {
            key: instant(value) if isinstance(value, datetime) else value
            for key, value in facts.items()
        }
    )


def instant(at: datetime) -> str:
    """An instant in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# What the entries say ----------------------------------------------------------------------------


def facts_of_publish(version: AgreementVersion) -> Facts:
    """What is recorded when a version is put in force."""
    return {
        "number": version.number,
        "sha256": version.sha256,
        "change": version.change,
        "material_number": version.material_number,
        "published_by": version.published_by,
        "published_at": version.published_at,
        "grace_ends_at": version.grace_ends_at,
    }


def facts_of_signing(signature: Signature) -> Facts:
    """What is recorded when a signature is given."""
    return {
        "receipt_number": signature.receipt_number,
        "member_id": signature.member_id,
        "version": signature.version_number,
        "sha256": signature.sha256,
        "method": signature.method,
        "message_id": signature.message_id,
        "signed_at": signature.signed_at,
        "signed_after": signature.signed_after,
        "expires_at": signature.expires_at,
        "language": signature.language,
        "shown_sha256": signature.shown_sha256,
        "attested_by": signature.attested_by,
    }


def facts_of_ending(signature: Signature) -> Facts:
    """What is recorded when a signature ends."""
    return {
        "receipt_number": signature.receipt_number,
        "member_id": signature.member_id,
        "reason": signature.revoke_reason,
        "revoked_at": signature.revoked_at,
        "revoked_after": signature.revoked_after,
    }


def fact_in(payload: str, name: str) -> int | str | None:
    """One fact of a payload; None when it does not have it, or is none of ours."""
    try:
        value = json.loads(payload).get(name)
    except (ValueError, AttributeError):
        return None
    return value if isinstance(value, int | str) else None


def agrees(payload: str, facts: Facts) -> bool:
    """Whether a payload says the same as the record, as far as it speaks of the same things.

    An entry of an older Pledge may lack a fact that newer ones have, and the other way round.
    """
    try:
        said: dict[str, Any] = json.loads(payload)
        known: dict[str, Any] = json.loads(canonical(facts))
        shared = said.keys() & known.keys()
    except (ValueError, AttributeError):
        return False
    return bool(shared) and all(said[key] == known[key] for key in shared)
