"""When reminders and warnings are due: property tests, leap days and clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.agreements import (
    Duration,
    Method,
    RequestState,
    Signature,
    SignatureRequest,
    expiry_of,
)
from bot.domain.effects import Notice
from bot.domain.reminders import (
    DAY,
    FORGOTTEN_AFTER,
    WARNINGS,
    WEEK,
    Period,
    find_due_mark,
    find_due_warning,
    is_mass_removal,
    is_removal_due,
    may_renew,
    stated_removal,
)
from tests.factories import NOW, make_agreement

DAYS = timedelta(days=1)
MARKS = (14, 3, 1)


def year(began_at: datetime = NOW, days: int = 365) -> list[Period]:
    return [Period(began_at=began_at, ends_at=began_at + days * DAYS)]


def test_each_mark_is_due_once() -> None:
    reminded, told = None, []
    for day in range(370):
        mark = find_due_mark(MARKS, year(), reminded, NOW + day * DAYS)
        if mark is not None:
            reminded = mark
            told.append((day, mark))
    assert told == [(351, 14), (362, 3), (364, 1)]


def test_whoever_was_due_for_several_is_reminded_of_the_nearest() -> None:
    assert find_due_mark(MARKS, year(), None, NOW + 363 * DAYS) == 3
    assert find_due_mark(MARKS, year(), 3, NOW + 363 * DAYS) is None


@pytest.mark.parametrize("late", [timedelta(), timedelta(seconds=1), 100 * DAYS])
def test_nobody_is_reminded_of_an_end_that_has_come(late: timedelta) -> None:
    assert find_due_mark(MARKS, year(), None, NOW + 365 * DAYS + late) is None


def test_mark_that_came_with_the_request_itself_is_left_out() -> None:
    grace = year(days=14)
    assert find_due_mark(MARKS, grace, None, NOW) is None
    assert find_due_mark(MARKS, grace, None, NOW + 10 * DAYS) is None
    assert find_due_mark(MARKS, grace, None, NOW + 11 * DAYS) == 3


def test_of_two_ends_the_nearer_one_counts() -> None:
    periods = [*year(), Period(began_at=NOW + 300 * DAYS, ends_at=NOW + 314 * DAYS)]
    assert find_due_mark(MARKS, periods, None, NOW + 311 * DAYS) == 3
    assert find_due_mark(MARKS, periods, 14, NOW + 313 * DAYS) == 1


@given(
    days=st.integers(1, 400),
    marks=st.lists(st.integers(1, 365), max_size=8, unique=True),
    looks=st.lists(st.integers(0, 24 * 420), max_size=60),
)
def test_a_mark_is_never_told_twice_nor_early_nor_late(
    days: int, marks: list[int], looks: list[int]
) -> None:
    reminded, told = None, list[int]()
    for hours in sorted(looks):
        now = NOW + timedelta(hours=hours)
        mark = find_due_mark(marks, year(days=days), reminded, now)
        if mark is not None:
            ends_at = NOW + days * DAYS
            assert ends_at - mark * DAYS <= now < ends_at
            assert mark < days
            told.append(mark)
            reminded = mark
    assert told == sorted(set(told), reverse=True)


# Instants are stored in UTC: calendars and zones do not matter ------------------------------------


@pytest.mark.parametrize(
    ("signed_at", "ends_at"),
    [
        (datetime(2027, 6, 1, 12, tzinfo=UTC), datetime(2028, 5, 31, 12, tzinfo=UTC)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2029, 2, 28, 12, tzinfo=UTC)),
        (datetime(2028, 2, 28, 23, 59, tzinfo=UTC), datetime(2029, 2, 27, 23, 59, tzinfo=UTC)),
        # The night in which Berlin's clocks go forward, and the one in which they go back.
        (
            datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/Berlin")),
            datetime(2027, 3, 29, 0, 30, tzinfo=UTC),
        ),
        (
            datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC),
            datetime(2027, 10, 25, 1, 30, tzinfo=UTC),
        ),
    ],
)
def test_a_year_is_365_days_of_24_hours(signed_at: datetime, ends_at: datetime) -> None:
    agreement = make_agreement(duration=Duration(text="For a year.", days=365))
    signed_at = signed_at.astimezone(UTC)
    assert expiry_of(agreement, signed_at) == ends_at
    (period,) = [Period(began_at=signed_at, ends_at=ends_at)]
    for mark in MARKS:
        due_at = ends_at - mark * DAYS
        assert find_due_mark([mark], [period], None, due_at) == mark
        assert find_due_mark([mark], [period], None, due_at - timedelta(seconds=1)) is None


# Renewal ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "day", "expected"),
    [(365, 350, False), (365, 351, True), (10, 4, False), (10, 5, True), (None, 4000, False)],
)
def test_signature_may_be_renewed_when_it_ends_soon(
    days: int | None, day: int, *, expected: bool
) -> None:
    signature = Signature(
        id=1,
        group_key="harbour-light",
        request_id=1,
        member_id=1,
        version_id=1,
        version_number=1,
        sha256="0" * 64,
        receipt_number="1",
        method=Method.BUTTON,
        message_id=None,
        signed_at=NOW,
        expires_at=None if days is None else NOW + days * DAYS,
    )
    assert may_renew(signature, 14 * DAYS, NOW + day * DAYS) is expected


# Removal ------------------------------------------------------------------------------------------


def request(**changes: object) -> SignatureRequest:
    values: dict[str, object] = {
        "id": 1,
        "group_key": "harbour-light",
        "member_id": 1,
        "state": RequestState.SENT,
        "created_at": NOW,
        "sent_at": NOW,
    }
    return SignatureRequest(**{**values, **changes})  # type: ignore[arg-type]


def test_first_warning_comes_a_week_before_and_never_at_once() -> None:
    assert find_due_warning(request(), 30, NOW + 22 * DAYS) is None
    assert find_due_warning(request(), 30, NOW + 23 * DAYS) == WEEK
    assert find_due_warning(request(), 2, NOW) is None
    assert find_due_warning(request(), 2, NOW + DAYS) == WEEK


def test_warnings_that_have_grown_old_begin_anew() -> None:
    warned_at = NOW + 23 * DAYS
    old = warned_at + FORGOTTEN_AFTER
    for warned in (WEEK, DAY):
        asked = request(warned_before=warned, warned_at=warned_at)
        assert find_due_warning(asked, 30, old) == WEEK
        assert not is_removal_due(asked, 30, old)


@pytest.mark.parametrize("state", [state for state in RequestState if state != "sent"])
def test_nobody_else_is_warned_or_removed(state: RequestState) -> None:
    late = NOW + 1000 * DAYS
    assert find_due_warning(request(state=state), 30, late) is None
    warned = request(state=state, warned_before=DAY, warned_at=late - 2 * DAYS)
    assert not is_removal_due(warned, 30, late)


@given(
    after=st.integers(2, 365),
    looks=st.lists(st.tuples(st.floats(0.01, 40), st.booleans(), st.integers(2, 365)), max_size=80),
)
def test_nobody_is_removed_without_both_warnings_and_a_day(
    after: int, looks: list[tuple[float, bool, int]]
) -> None:
    """Looks come at any time; a warning may not be delivered, and the setting may change."""
    asked, now = request(), NOW
    delivered: list[tuple[int, datetime, datetime]] = []
    for days, is_delivered, after_then in looks:
        now += timedelta(days=days)
        setting = after_then if days > 35 else after
        if is_removal_due(asked, setting, now):
            (first, first_at, _), (last, last_at, stated) = delivered[-2:]
            assert (first, last) == (WEEK, DAY)
            assert last_at - first_at >= 6 * DAYS
            assert now - last_at >= DAYS
            assert now >= stated
            assert now - NOW >= setting * DAYS
            break
        due = find_due_warning(asked, setting, now)
        if due is not None and is_delivered:
            arrived_at = now + timedelta(minutes=2)
            stated = stated_removal(WARNINGS[due], now, arrived_at)
            delivered.append((due, arrived_at, stated))
            asked = request(warned_before=due, warned_at=arrived_at)
            now = arrived_at


@given(waited=st.integers(0, 24 * 30 * 60))
def test_removal_that_a_warning_names_is_never_later_than_the_removal(waited: int) -> None:
    delivered_at = NOW + timedelta(minutes=waited)
    for days, notice in WARNINGS.items():
        stated = stated_removal(notice, NOW, delivered_at)
        assert delivered_at + days * DAYS - timedelta(hours=6) < stated
        assert stated <= delivered_at + days * DAYS


def test_warning_that_is_tried_again_within_hours_says_the_same() -> None:
    said = {
        stated_removal(Notice.REMOVAL_NEXT, NOW, NOW + timedelta(minutes=minutes))
        for minutes in range(0, 359, 7)
    }
    assert said == {NOW + DAYS}


@pytest.mark.parametrize(
    ("people", "members", "expected"),
    [(5, 5, False), (6, 60, False), (6, 59, True), (100, 1000, False), (101, 1000, True)],
)
def test_mass_removal(people: int, members: int, *, expected: bool) -> None:
    assert is_mass_removal(people, members) is expected
