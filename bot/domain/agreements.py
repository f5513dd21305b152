"""The agreement, its versions, the requests to sign it and the signatures given."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from bot.domain.errors import (
    AlreadySignedError,
    ChangeKindRequiredError,
    NotAMemberError,
    OutdatedRequestError,
)

_SENTENCE = re.compile(r"(.+?)[.!?](?:\s|$)")
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the promise covers; the three parts are Markdown text."""

    covered: str
    not_covered: str
    exceptions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """One step of the ladder; `key` is what the outcome of a case refers to."""

    key: str
    text: str

    @property
    def name(self) -> str:
        """What readers know the step by, who never see its key: how it begins, in one line."""
        words = " ".join(self.text.split())
        sentence = _SENTENCE.match(words)
        name = sentence[1] if sentence else words
        return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1].rstrip()}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """How long a signature holds: `days`, or until it is withdrawn when `days` is None."""

    text: str
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What the participant and the facilitator each put their name to."""

    participant: str
    facilitator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The whole text, part by part, as one group offers it."""

    title: str
    purpose: str
    scope: Scope
    consequences: tuple[Consequence, ...]
    duration: Duration
    signatures: Statements
    summary: str | None = None
    crisis: str | None = None
    privacy: str | None = None

    def canonical(self) -> str:
        """The form that is stored and hashed: JSON, sorted keys, no spaces, Unicode NFC.

        Layout and comments of the YAML file do not reach it, so only a change of words
        makes a new version.
        """
        return json.dumps(
            _normalised(asdict(self)), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )

    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @classmethod
    def from_canonical(cls, text: str) -> Self:
        """Read back what `canonical` wrote."""
        raw: dict[str, Any] = json.loads(text)
        raw["scope"] = Scope(**raw["scope"])
        raw["consequences"] = tuple(Consequence(**step) for step in raw["consequences"])
        raw["duration"] = Duration(**raw["duration"])
        raw["signatures"] = Statements(**raw["signatures"])
        return cls(**raw)


def _normalised(value: Any) -> Any:
    match value:
        case str():
            text = value.replace("\r\n", "\n").replace("\r", "\n")
            return unicodedata.normalize("NFC", text).strip()
        case dict():
            return {key: _normalised(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list() | tuple():
            return [_normalised(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def changed_parts(before: Agreement, after: Agreement) -> tuple[str, ...]:
    """Names of the top-level parts whose canonical text differs, in reading order."""
    old, new = json.loads(before.canonical()), json.loads(after.canonical())
    return tuple(field.name for field in fields(Agreement) if old[field.name] != new[field.name])


class VersionState(StrEnum):
    """A version is drafted, published by a facilitator, and later superseded."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


class Change(StrEnum):
    """What a publish means for signatures already given."""

    FIRST = "first"
    MINOR = "minor"
    MATERIAL = "material"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementVersion:
    """One exact text of a group's agreement.

    `material_number` is the number of the newest version, at or before this one, that
    everybody had to sign: a signature on it or on anything later covers this version.
    `grace_ends_at` is until when older signatures counted after this one was published.
    `outdated_at` is when signatures on this text stop counting: the end of the grace of the first
    material change after it, which a second change does not move.
    """

    id: int
    group_key: str
    number: int
    state: VersionState
    text: str
    sha256: str
    created_at: datetime
    material_number: int | None = None
    change: Change | None = None
    published_by: int | None = None
    published_at: datetime | None = None
    grace_ends_at: datetime | None = None
    outdated_at: datetime | None = None

    @property
    def agreement(self) -> Agreement:
        """The text, part by part."""
        return Agreement.from_canonical(self.text)


def change_for(current: AgreementVersion | None, wanted: Change | None) -> Change:
    """Decide what kind of publish this is: the first needs no answer, every later one does.

    Raises:
        ChangeKindRequiredError: a version is in force and `wanted` says neither minor nor material.
    """
    if current is None:
        return Change.FIRST
    if wanted is None or wanted is Change.FIRST:
        raise ChangeKindRequiredError
    return wanted


class RequestState(StrEnum):
    """Where one person's signature request stands.

    One that was `signed` stays so when the signature is taken back, and so does one that waited
    then: an acceptance under it signs anew, and the person is left in peace.
    """

    QUEUED = "queued"
    SENT = "sent"
    BLOCKED = "blocked"
    SIGNED = "signed"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN_STATES = (
    RequestState.QUEUED,
    RequestState.SENT,
    RequestState.BLOCKED,
    RequestState.SIGNED,
    RequestState.DECLINED,
)
"""A person has at most one request in these states per group; the others are history."""


UNANSWERED = (RequestState.QUEUED, RequestState.SENT, RequestState.BLOCKED)
"""The open states of a request that nothing was said to yet."""


class Answer(StrEnum):
    """What a reaction on a request means."""

    ACCEPT = "accept"
    DECLINE = "decline"


def plain_emoji(emoji: str) -> str:
    """An emoji without the variation selector that some clients send and others do not."""
    return emoji.replace("\ufe0f", "")


class Method(StrEnum):
    """How a signature was given."""

    REACTION = "reaction"
    BUTTON = "button"
    ATTESTED = "attested"


class RevokeReason(StrEnum):
    """Why a signature stopped counting."""

    WITHDRAWN = "withdrawn"
    RENEWED = "renewed"
    EXPIRED = "expired"
    OUTDATED = "outdated"
    OBJECTED = "objected"
    """Recorded by a facilitator, and not what the person says."""
    UNCONFIRMED = "unconfirmed"
    """Found in a restored backup, of somebody whose role was gone: they may have withdrawn."""
    ERASED = "erased"
    """The person had what is kept about them erased, and their access ended with it."""
    CASE = "case"
    """Ended by the decision of a breach case: the person has to sign again."""


LAPSES = (RevokeReason.EXPIRED, RevokeReason.OUTDATED)
"""The ends that come by time alone, without anybody's doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One acceptance of one exact text.

    `signed_after` is set when the acceptance was found later: it was then given between
    `signed_after` and `signed_at`; the same holds for `revoked_after` and `revoked_at`.
    The two positions are those of its entries in the ledger. `outdated_at` is when the text it
    stands for stops counting (see `AgreementVersion`). `language` and `shown_sha256` say which
    translation the person was shown; None is the authoritative text. `attested_by` is the
    facilitator who recorded a signature given on paper or aloud, with a `note`.
    `reminded_before` is the smallest number of days before its end for which the person was
    reminded.
    """

    id: int
    group_key: str
    request_id: int
    member_id: int
    version_id: int
    version_number: int
    sha256: str
    receipt_number: str
    method: Method
    message_id: int | None
    signed_at: datetime
    signed_after: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_after: datetime | None = None
    revoke_reason: RevokeReason | None = None
    signed_position: int | None = None
    revoked_position: int | None = None
    outdated_at: datetime | None = None
    language: str | None = None
    shown_sha256: str | None = None
    attested_by: int | None = None
    note: str | None = None
    reminded_before: int | None = None

    def lasts(self, now: datetime) -> bool:
        """Whether it is neither revoked nor run out at `now`, whatever text it covers."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def is_valid(self, in_force: AgreementVersion | None, now: datetime) -> bool:
        """Whether this signature opens the door at `now`.

        It must be neither revoked nor expired, and cover the version in force: signed at
        or after its material number, or older while the grace runs that its own text was given.
        """
        if not self.lasts(now):
            return False
        if in_force is None or in_force.material_number is None:
            return False
        if self.version_number >= in_force.material_number:
            return True
        return self.outdated_at is not None and now < self.outdated_at

    def ends_at(self) -> datetime | None:
        """When it stops counting if nothing is done: it runs out, or its text does."""
        ends = [at for at in (self.expires_at, self.outdated_at) if at is not None]
        return min(ends, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequest:
    """What one person was asked, where, and what they answered last.

    `sent_at` is when the last message of the agreement reached Discord, `checked_at` when
    the answer on it was last known for certain, `left_at` when the person left the server.
    `accept_seen_at` is since when an acceptance is known to stand under the message: one that
    was there before a withdrawal by other means is no new acceptance. The two emoji are those
    the message was sent with, whatever the settings say by now. `reminded_day` is the last of
    the days after `sent_at` on which the person was reminded, `reminded_at` when that was last
    done, also by hand; `warned_before` is the smallest number of days before the removal of the
    unsigned for which a warning has reached them, at `warned_at`. `language` is that of the text
    in the message; None is the authoritative one. `returned_at` is when the person was last known
    to be back after they had left.
    """

    id: int
    group_key: str
    member_id: int
    state: RequestState
    created_at: datetime
    version_id: int | None = None
    version_number: int | None = None
    channel_id: int | None = None
    message_id: int | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    checked_at: datetime | None = None
    accept_seen_at: datetime | None = None
    left_at: datetime | None = None
    accept_emoji: str | None = None
    decline_emoji: str | None = None
    reminded_day: int | None = None
    reminded_at: datetime | None = None
    warned_before: int | None = None
    warned_at: datetime | None = None
    returned_at: datetime | None = None
    language: str | None = None

    def answer_of(self, emoji: str) -> Answer | None:
        """What this emoji means under the request's message, as the message itself says it."""
        wanted = plain_emoji(emoji)
        if self.accept_emoji is not None and plain_emoji(self.accept_emoji) == wanted:
            return Answer.ACCEPT
        if self.decline_emoji is not None and plain_emoji(self.decline_emoji) == wanted:
            return Answer.DECLINE
        return None

    @property
    def is_open(self) -> bool:
        """Whether this is the request that counts for the person now."""
        return self.state in OPEN_STATES

    def check_answerable(self, in_force: AgreementVersion | None) -> None:
        """Make sure an answer given to this request is an answer to the text in force.

        Raises:
            NotAMemberError: the person has left the server.
            OutdatedRequestError: the request was replaced, or its text needs signing again.
        """
        if not self.is_open or in_force is None or self.version_number is None:
            raise OutdatedRequestError
        if self.left_at is not None:
            raise NotAMemberError
        if self.version_number < (in_force.material_number or 0):
            raise OutdatedRequestError

    def check_declinable(self, signature: Signature | None) -> None:
        """A ❌ never takes a signature away: only the acceptance taken back does.

        Raises:
            AlreadySignedError: the person holds a signature that was not revoked.
        """
        if signature is not None and signature.revoked_at is None:
            raise AlreadySignedError


def expiry_of(agreement: Agreement, signed_at: datetime) -> datetime | None:
    """The instant a signature given at `signed_at` stops counting, or None for no end."""
    if agreement.duration.days is None:
        return None
    return signed_at + timedelta(days=agreement.duration.days)


class Standing(StrEnum):
    """One word for one person, as facilitators read it."""

    SIGNED = "signed"
    WAITING = "waiting"
    DECLINED = "declined"
    BLOCKED = "blocked"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    OUTDATED = "outdated"


def standing_of(
    request: SignatureRequest | None,
    signatures: Iterable[Signature],
    in_force: AgreementVersion | None,
    now: datetime,
) -> Standing | None:
    """Sum up one person; None when nothing is open between them and the group.

    `signatures` are all of that person in the group, in any order.
    """
    newest = max(signatures, key=lambda signature: signature.id, default=None)
    if newest is not None and newest.is_valid(in_force, now):
        return Standing.SIGNED
    if request is None or not request.is_open:
        return None
    if newest is None:
        return standing_without(request.state, None, has_signed=False, lasts=False)
    return standing_without(
        request.state, newest.revoke_reason, has_signed=True, lasts=newest.lasts(now)
    )


_TO_BE_SIGNED_AGAIN = (RevokeReason.UNCONFIRMED, RevokeReason.OBJECTED, RevokeReason.CASE)


def standing_without(
    state: RequestState, end: RevokeReason | None, *, has_signed: bool, lasts: bool
) -> Standing:
    """Where somebody stands who holds no valid signature.

    Args:
        state: of their open request.
        end: why their newest signature was revoked, if it was.
        has_signed: whether there is one.
        lasts: whether it is neither revoked nor run out, so that only its text is too old.
    """
    if state is RequestState.DECLINED:
        return Standing.DECLINED
    if state is RequestState.BLOCKED:
        return Standing.BLOCKED
    if not has_signed or end in _TO_BE_SIGNED_AGAIN:
        return Standing.WAITING
    if end is RevokeReason.WITHDRAWN:
        return Standing.WITHDRAWN if state is RequestState.SIGNED else Standing.WAITING
    if end is RevokeReason.OUTDATED or lasts:
        # One that lasts but is not valid: the grace is over, and it is about to be revoked.
        return Standing.OUTDATED
    return Standing.EXPIRED
