"""What may be decided in a breach case, and what must have happened before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.breaches import NEEDS_NO_HEARING, NO_BREACH, Decision
from bot.domain.errors import (
    HarsherOutcomeError,
    NobodyNamedError,
    SuspensionEndError,
    UnknownOutcomeError,
)

REMINDER, SIGN_AGAIN, SUSPENDED, REMOVED, LEGAL = (
    "reminder",
    "sign_again",
    "suspended",
    "removed",
    "legal",
)
"""The keys of `bot.domain.breaches.LADDER`."""

OF_ACCESS = (SIGN_AGAIN, SUSPENDED, REMOVED)
"""Outcomes that close the support channel to the accused."""

ABOUT_NOBODY = (NO_BREACH, LEGAL)
"""Outcomes of a case in which nobody is named."""

LONGEST_SUSPENSION = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a moderator wants to decide; `until` belongs to the outcome `suspended`."""

    outcome: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """On what a decision stands.

    `ladder` are the keys of the group's agreement, mildest first. `appealed` is the decision that
    an appeal runs against; whoever appealed has been heard. `reopened` is what was decided before
    the case was taken up again; `was_heard` is whether they were heard since then.
    """

    ladder: Sequence[str]
    has_accused: bool
    was_heard: bool
    appealed: Decision | None = None
    reopened: Decision | None = None

    def needs_hearing(self, outcome: str, until: datetime | None = None) -> bool:
        """Whether this outcome has to wait until the accused was heard.

        What is not graver than what was decided before the case was reopened rests on the hearing
        of then; anything graver rests on something new, which they have to be told first.
        """
        is_grave = self.has_accused and outcome not in NEEDS_NO_HEARING
        if not is_grave or self.was_heard or self.appealed is not None:
            return False
        ruling = Ruling(outcome=outcome, reason="", until=until)
        return self.reopened is None or _is_harsher(ruling, self.reopened, self.ladder)


def resolve(ruling: Ruling, grounds: Grounds, now: datetime) -> Ruling:
    """Make sure that this may be decided, but for the hearing; returns it with its end in place.

    A decision on an appeal confirms, softens or lifts the earlier one. To confirm a suspension is
    to leave its end where it is.

    Raises:
        UnknownOutcomeError: the agreement's ladder has no such step.
        NobodyNamedError: the case names nobody, so nothing can be decided against them.
        SuspensionEndError: a suspension lasts until a time to come, within ten years.
        HarsherOutcomeError: an appeal would end worse than without it.
    """
    outcome, earlier = ruling.outcome, grounds.appealed
    is_same = earlier is not None and outcome == earlier.outcome
    if outcome != NO_BREACH and outcome not in grounds.ladder and not is_same:
        raise UnknownOutcomeError
    if not grounds.has_accused and outcome not in ABOUT_NOBODY:
        raise NobodyNamedError
    if outcome != SUSPENDED:
        ruling = replace(ruling, until=None)
    elif earlier is not None and is_same and ruling.until in (None, earlier.suspended_until):
        # Confirmed, also when its end has come in the meantime.
        ruling = replace(ruling, until=earlier.suspended_until)
    elif ruling.until is None or not now < ruling.until <= now + LONGEST_SUSPENSION:
        raise SuspensionEndError
    if earlier is not None and _is_harsher(ruling, earlier, grounds.ladder):
        raise HarsherOutcomeError
    return ruling


def _is_harsher(ruling: Ruling, earlier: Decision, ladder: Sequence[str]) -> bool:
    def rank(outcome: str) -> int:
        return list(ladder).index(outcome) if outcome in ladder else -1

    if earlier.outcome not in ladder:
        # The ladder has changed since: only what is certainly milder or the same is allowed.
        return ruling.outcome not in (NO_BREACH, REMINDER, earlier.outcome)
    if ruling.outcome != earlier.outcome:
        return rank(ruling.outcome) > rank(earlier.outcome)
    until, before = ruling.until, earlier.suspended_until
    return until is not None and before is not None and until > before


def is_confirmed(ruling: Ruling, earlier: Decision | None) -> bool:
    """Whether an earlier decision simply stays in force."""
    return (
        earlier is not None
        and ruling.outcome == earlier.outcome
        and ruling.until == earlier.suspended_until
    )


def may_be_appealed(ruling: Ruling, grounds: Grounds) -> bool:
    """Whether the accused can appeal against such a decision, once."""
    return grounds.has_accused and ruling.outcome != NO_BREACH and grounds.appealed is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a decision would do, read at one moment.

    `step` are the words of the agreement for the outcome. `reports` counts those who would be
    written to, `tells_accused` whether the accused would: not when nothing is found against them
    and nobody has told them that there is a case. `is_paused` is whether their access is closed
    because of this case at the moment, `appeal_until` None when they could not appeal.
    """

    case_number: int
    ruling: Ruling
    step: str | None
    needs_hearing: bool
    has_accused: bool
    tells_accused: bool
    has_signature: bool
    is_paused: bool
    reports: int
    appealed: Decision | None
    appeal_until: datetime | None

    @property
    def is_confirmed(self) -> bool:
        """Whether what is in force simply stays so."""
        return is_confirmed(self.ruling, self.appealed)

    @property
    def closes_now(self) -> bool:
        """Whether the case is closed with it, as nobody can appeal."""
        return self.appeal_until is None
