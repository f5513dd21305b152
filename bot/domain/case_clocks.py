"""The clocks of a case: what is due when, and when the moderators are reminded of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.breaches import BreachCase, CaseClocks, CaseState

LONGEST_NOTICE = timedelta(days=1)
"""How long before a limit the reminder comes, at most; half the time where that is shorter."""

WARNED_BEFORE_PURGE = timedelta(days=14)
LONGEST_EXTENSION = timedelta(days=365)


class Clock(StrEnum):
    """What a case must not wait for too long."""

    FIRST_LOOK = "first_look"
    FEEDBACK = "feedback"
    """The people who reported are to be told how it stands."""
    HEARING = "hearing"
    """The time of the accused to answer: when it is over, a decision may be taken."""
    APPEAL = "appeal"
    """Somebody who has not decided before is to look at an appeal."""


class Stage(StrEnum):
    """A reminder comes before the limit, and at it."""

    BEFORE = "before"
    AT = "at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a case waits for besides its own dates.

    `heard_at` is when the accused was asked for their side and has not answered, `answer_until`
    until when they have time; `appealed_at` since when an appeal waits to be taken up.
    """

    heard_at: datetime | None = None
    answer_until: datetime | None = None
    appealed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One clock of one case: it began at `since` and runs out at `due_at`."""

    clock: Clock
    since: datetime
    due_at: datetime

    def stage(self, now: datetime) -> Stage | None:
        """Which reminder is due at `now`; None while it is too early for any."""
        if now >= self.due_at:
            return Stage.AT
        notice = min(LONGEST_NOTICE, (self.due_at - self.since) / 2)
        return Stage.BEFORE if now >= self.due_at - notice else None


def limits_of(case: BreachCase, waiting: Waiting, clocks: CaseClocks) -> list[Limit]:
    """The clocks that run for a case now; one that was handled does not run any more."""
    found: list[Limit] = []

    def add(clock: Clock, since: datetime, time: timedelta) -> None:
        found.append(Limit(clock=clock, since=since, due_at=since + time))

    if case.state is CaseState.OPEN and case.first_looked_at is None:
        add(Clock.FIRST_LOOK, case.opened_at, clocks.first_look)
    if case.state in (CaseState.OPEN, CaseState.IN_REVIEW):
        add(Clock.FEEDBACK, case.feedback_at or case.opened_at, clocks.feedback)
        if waiting.heard_at is not None and waiting.answer_until is not None:
            add(Clock.HEARING, waiting.heard_at, waiting.answer_until - waiting.heard_at)
        if waiting.appealed_at is not None and case.claimed_at is None:
            add(Clock.APPEAL, waiting.appealed_at, clocks.first_look)
    return found


class Due(StrEnum):
    """What a case waits for next, as whoever works on it is told."""

    FIRST_LOOK = "first_look"
    FEEDBACK = "feedback"
    HEARING = "hearing"
    APPEAL = "appeal"
    APPEAL_TIME = "appeal_time"
    """The accused may still appeal; after that the case closes."""


def due_next(case: BreachCase, waiting: Waiting, clocks: CaseClocks) -> tuple[Due, datetime] | None:
    """What is due next, and when; nothing is of a closed case."""
    if case.state is CaseState.DECIDED and case.decided_at is not None:
        return Due.APPEAL_TIME, case.decided_at + clocks.appeal
    limits = limits_of(case, waiting, clocks)
    if not limits:
        return None
    first = min(limits, key=lambda limit: limit.due_at)
    return Due(first.clock.value), first.due_at


def purge_at(case: BreachCase, kept: timedelta) -> datetime | None:
    """When all but a stub of a closed case is destroyed; None while it is not closed."""
    if case.closed_at is None or case.purged_at is not None:
        return None
    due = case.closed_at + kept
    return due if case.kept_until is None else max(due, case.kept_until)
