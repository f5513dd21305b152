"""Breach cases: their states, the steps between them, and the records they are made of."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.domain.errors import CaseStateError


class CaseState(StrEnum):
    """Where a case stands; every step between two of them is in its timeline."""

    OPEN = "open"
    IN_REVIEW = "in_review"
    DECIDED = "decided"
    CLOSED = "closed"


class CaseEvent(StrEnum):
    """The kinds of entries in a case's timeline."""

    REPORTED = "reported"
    EVIDENCE_ADDED = "evidence_added"
    CLAIMED = "claimed"
    NOTED = "noted"
    ASKED = "asked"
    ANSWERED = "answered"
    HEARD = "heard"
    """The accused was told what is alleged, and asked for their side."""
    DECIDED = "decided"
    CARRIED_OUT = "carried_out"
    SUSPENDED = "suspended"
    SUSPENSION_ENDED = "suspension_ended"
    APPEALED = "appealed"
    RECUSED = "recused"
    REOPENED = "reopened"
    CLOSED = "closed"
    UNSEALED = "unsealed"
    REPORT_WITHDRAWN = "report_withdrawn"
    MERGED = "merged"
    REMINDED = "reminded"
    """A clock ran out, and the moderators' channel was reminded."""
    RETENTION_EXTENDED = "retention_extended"


class Side(StrEnum):
    """Who did a step, as far as the timeline says: a side, never a name."""

    MODERATOR = "moderator"
    REPORTER = "reporter"
    ACCUSED = "accused"
    PLEDGE = "pledge"


class Clause(StrEnum):
    """Which part of the agreement a report says was broken."""

    COVERED = "covered"
    """What was said, who was there, messages, recordings, files."""
    EXCEPTIONS = "exceptions"
    """More was told than a danger or a duty asked for."""
    AFTERWARDS = "afterwards"
    """The duty that survives leaving."""
    UNSURE = "unsure"


class Source(StrEnum):
    """From where a report was made."""

    COMMAND = "command"
    MESSAGE = "message"
    PERSON = "person"


NO_BREACH = "no_breach"
"""The outcome of a case in which the agreement was not broken; every other one is the key of a
step of the agreement's own ladder."""

LADDER = ("reminder", "sign_again", "suspended", "removed", "legal")
"""The steps Pledge knows how to carry out, mildest first. A step of the ladder with another key is
told to the accused and carried out by people."""

NEEDS_NO_HEARING = (NO_BREACH, "reminder")
"""Outcomes that may be decided before the accused was heard."""


_STEPS = {
    CaseEvent.CLAIMED: ((CaseState.OPEN, CaseState.IN_REVIEW), CaseState.IN_REVIEW),
    CaseEvent.DECIDED: ((CaseState.IN_REVIEW,), CaseState.DECIDED),
    CaseEvent.APPEALED: ((CaseState.DECIDED,), CaseState.IN_REVIEW),
    CaseEvent.CLOSED: (
        (CaseState.OPEN, CaseState.IN_REVIEW, CaseState.DECIDED),
        CaseState.CLOSED,
    ),
    CaseEvent.MERGED: ((CaseState.OPEN, CaseState.IN_REVIEW), CaseState.CLOSED),
    CaseEvent.REOPENED: ((CaseState.DECIDED, CaseState.CLOSED), CaseState.IN_REVIEW),
}


def next_state(state: CaseState, step: CaseEvent) -> CaseState:
    """Where a step leads; one that changes no state leads to where the case is.

    Raises:
        CaseStateError: the case is not where this step begins.
    """
    if step not in _STEPS:
        return state
    allowed, then = _STEPS[step]
    if state not in allowed:
        raise CaseStateError
    return then


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachCase:
    """One case, without anything that would tell who reported it or who is accused.

    `case_number` counts within the group. `signed_version` is the number of the version that the
    accused had validly signed at the time of the incident; None means that there was none, or,
    while `has_accused` is False, that nobody is named. `feedback_at` is when the people who
    reported were last told something; `purged_at` is when all but this stub was destroyed.
    """

    id: int
    group_key: str
    case_number: int
    state: CaseState
    opened_at: datetime
    clause: Clause
    has_accused: bool
    signed_version_id: int | None = None
    claimed_by: int | None = None
    claimed_at: datetime | None = None
    first_looked_at: datetime | None = None
    feedback_at: datetime | None = None
    decided_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    merged_into: int | None = None
    kept_until: datetime | None = None
    purge_warned_at: datetime | None = None
    purged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportForm:
    """What somebody typed into the form, as they typed it.

    `incident_on` is None when they were not sure. `accused_id` is None when nobody is named.
    `quoted` are the words of a message that was reported, `link` leads to it.
    """

    what: str
    clause: Clause
    source: Source
    incident_on: date | None = None
    accused_id: int | None = None
    link: str | None = None
    quoted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachReport:
    """One person's report; a case that others were merged into has several.

    `reporter_id` is known only inside a transaction that may know it. `withdrawn_at` is set when
    the person took the report back.
    """

    id: int
    case_id: int
    reporter_id: int
    form: ReportForm
    received_at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that was handed in, without its bytes.

    `size` is that of what is kept, in bytes; `is_kept` is False when the bytes could not be had.
    What is kept differs from what was received when a picture told where it was taken.
    """

    id: int = 0
    case_id: int = 0
    report_id: int | None = None
    received_at: datetime | None = None
    name: str
    media_type: str
    received_sha256: str
    kept_sha256: str
    size: int = 0
    is_kept: bool = True


class Look(StrEnum):
    """Ways in which somebody sees what is in a case; each is remembered."""

    SHOWN = "shown"
    EVIDENCE = "evidence"
    EXPORTED = "exported"
    UNSEALED = "unsealed"
    """Saw who made the report that the entry names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One step of a case: what, when, by which side and, of moderators, by whom; and in words."""

    id: int
    case_id: int
    at: datetime
    kind: CaseEvent
    side: Side
    actor_id: int | None
    text: str | None


class LetterKind(StrEnum):
    """What Pledge writes to a party of a case by direct message."""

    ACKNOWLEDGED = "acknowledged"
    PROGRESS = "progress"
    QUESTION = "question"
    HEARING = "hearing"
    OUTCOME = "outcome"
    UNSEALED = "unsealed"
    SUSPENDED = "suspended"
    """Access is suspended for now, before anything is decided."""
    SUSPENSION_ENDED = "suspension_ended"
    NOBODY_LEFT = "nobody_left"
    """Nobody can take the case: where else the reporter can turn. To the accused: nobody can take
    their appeal."""
    EVIDENCE_LOST = "evidence_lost"
    """A file could not be kept: please send it again."""
    CLOSED = "closed"
    MERGED = "merged"
    """The report goes on under the number of another case."""
    REOPENED = "reopened"
    """To the accused: the case is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Something written to a party; `text` is what a moderator wrote, None if it is Pledge's own.

    `due_at` is until when an answer is waited for. `undelivered_at` says that the person takes no
    direct messages: it then waits for them in `/breach mine`.
    """

    id: int
    case_id: int
    side: Side
    kind: LetterKind
    created_at: datetime
    report_id: int | None = None
    text: str | None = None
    written_by: int | None = None
    due_at: datetime | None = None
    delivered_at: datetime | None = None
    undelivered_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, by whom and why; `suspended_until` belongs to the outcome `suspended`.

    A decision with `appeal_of` answers the appeal against that earlier decision. `carried_out_at`
    is when everything that Pledge does about it was done.
    """

    id: int
    case_id: int
    outcome: str
    reason: str
    decided_by: int
    decided_at: datetime
    suspended_until: datetime | None = None
    appeal_of: int | None = None
    appealed_at: datetime | None = None
    appeal: str | None = None
    carried_out_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClocks:
    """The times a group has set for its cases."""

    first_look: timedelta
    feedback: timedelta
    hearing: timedelta
    appeal: timedelta


UNDELIVERED_FACTOR = 2
"""Who could not be written to is given that many times as long."""


def may_appeal_until(
    decision: Decision, clocks: CaseClocks, told: Letter | None = None
) -> datetime | None:
    """Until when the accused may appeal; None when they may not: once, and not from an appeal.

    Args:
        decision: what was decided last.
        clocks: the times the group has set.
        told: the letter that tells them; None when there was none, or it is not there any more.
            The time counts from when it has reached them, or twice from when it could not.
    """
    if decision.outcome == NO_BREACH or decision.appeal_of is not None or decision.appealed_at:
        return None
    if told is None:
        return decision.decided_at + clocks.appeal
    if told.delivered_at is None and told.undelivered_at is not None:
        return told.undelivered_at + UNDELIVERED_FACTOR * clocks.appeal
    return max(decision.decided_at, told.delivered_at or told.created_at) + clocks.appeal


def is_appeal_over(
    decision: Decision, clocks: CaseClocks, told: Letter | None, now: datetime
) -> bool:
    """Whether nobody waits for an appeal any more; never while the letter is still on its way."""
    if told is not None and told.delivered_at is None and told.undelivered_at is None:
        return False
    until = may_appeal_until(decision, clocks, told)
    return until is None or now >= until
