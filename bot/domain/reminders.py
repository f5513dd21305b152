"""What is due by time alone: reminders before an end, and warnings before a removal."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import RequestState, Signature, SignatureRequest
from bot.domain.effects import Notice

WEEK, DAY = 7, 1
"""How many days before a removal people are warned."""

WARNINGS = {WEEK: Notice.REMOVAL_NEAR, DAY: Notice.REMOVAL_NEXT}
"""The two warnings, in their order."""

TRY_AGAIN_AFTER = timedelta(days=7)
"""A warning or a removal that could not be done, or must not be, is not looked at before that."""

FORGOTTEN_AFTER = timedelta(days=14)
"""A warning this old does not count any more: nobody remembers it."""

BETWEEN_REMINDERS = timedelta(days=1)
"""Nobody is reminded of the same request more often, by whomever."""

GUARD_PEOPLE = 5
GUARD_SHARE = 10
"""Never more than 5 people who are more than 10 % of the server's members are removed in a day."""

_STATED_TO = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time that a signature counts for: until it runs out, or until its text does."""

    began_at: datetime
    ends_at: datetime


def find_due_mark(
    marks: Collection[int], periods: Iterable[Period], reminded: int | None, now: datetime
) -> int | None:
    """For how many days before the end a person is to be reminded now; None when they are not.

    The smallest that has come counts, so that whoever was due for several gets one reminder. A
    mark that had passed when the period began is never due: the request itself said as much.

    Args:
        marks: days before the end.
        periods: when the signature ends, for each reason.
        reminded: the smallest mark the person was reminded for already.
        now: the current instant.
    """
    come = [
        mark
        for period in periods
        for mark in marks
        if period.began_at < period.ends_at - timedelta(days=mark) <= now < period.ends_at
    ]
    mark = min(come, default=None)
    return mark if mark is not None and (reminded is None or mark < reminded) else None


def may_renew(signature: Signature, within: timedelta, now: datetime) -> bool:
    """Whether a signature that still holds may be replaced by a new one, as it ends soon.

    Never in the first half of its time: a short one is not renewed by a second press.

    Args:
        signature: the signature.
        within: how long before the end it may be renewed.
        now: the current instant.
    """
    if signature.expires_at is None:
        return False
    half = (signature.expires_at - signature.signed_at) / 2
    return signature.expires_at - min(within, half) <= now


def first_warning_after(after_days: int) -> timedelta:
    """How long after the asking the first warning is due: a week before, but never at once."""
    return timedelta(days=max(after_days - WEEK, 1))


def find_due_warning(request: SignatureRequest, after_days: int, now: datetime) -> int | None:
    """For how many days before the removal somebody is to be warned now; None when not.

    The days count from the warning that reached them, not from the asking: an outage puts the
    removal off, and skips no warning. Warnings that have grown old begin anew.
    """
    if request.state is not RequestState.SENT or request.sent_at is None:
        return None
    if request.warned_at is None or request.warned_at + FORGOTTEN_AFTER <= now:
        return WEEK if request.sent_at + first_warning_after(after_days) <= now else None
    next_at = max(
        request.warned_at + timedelta(days=WEEK - DAY),
        request.sent_at + timedelta(days=after_days - DAY),
    )
    return DAY if request.warned_before == WEEK and next_at <= now else None


def is_removal_due(request: SignatureRequest, after_days: int, now: datetime) -> bool:
    """Whether both warnings reached the person, the last of them a day ago, without an answer."""
    return (
        request.state is RequestState.SENT
        and request.warned_before == DAY
        and request.warned_at is not None
        and request.warned_at + timedelta(days=DAY) <= now < request.warned_at + FORGOTTEN_AFTER
        and request.sent_at is not None
        and request.sent_at + timedelta(days=after_days) <= now
    )


def stated_removal(notice: Notice, tried_at: datetime, now: datetime) -> datetime:
    """The earliest removal that a warning may name: never later than the removal itself.

    A warning that is tried again within hours says the same, so that it can be recognised.

    Args:
        notice: which warning.
        tried_at: when the first try to send it began.
        now: the current instant.
    """
    waited = max(now - tried_at, timedelta()) // _STATED_TO * _STATED_TO
    days = next(days for days, warning in WARNINGS.items() if warning is notice)
    return tried_at + waited + timedelta(days=days)


def is_mass_removal(people: int, members: int) -> bool:
    """Whether removing so many in a day is likelier to be a mistake than meant."""
    return people > GUARD_PEOPLE and people * 100 > members * GUARD_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How many people would be removed if they stay silent, and when the first at the earliest."""

    people: int
    first_at: datetime
