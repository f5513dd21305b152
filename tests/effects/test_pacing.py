"""The pace of asking, the breaks Discord asks for, and the budget of invalid requests."""

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from bot.effects.pacing import BURST, INVALID_BUDGET, INVALID_WINDOW, Pace
from tests.factories import NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HARBOUR, NORTH = "harbour-light", "north-star"


def spend_all(pace: Pace, group_key: str = HARBOUR) -> None:
    for _ in range(BURST):
        pace.spend(group_key, NOW)


# Asking ------------------------------------------------------------------------------------------


def test_small_group_is_asked_at_once_and_the_next_waits_for_the_pace() -> None:
    pace = Pace({HARBOUR: 20})
    for _ in range(BURST):
        assert pace.not_asking(NOW) == []
        assert pace.next_asking_at(NOW) == NOW
        pace.spend(HARBOUR, NOW)
    assert pace.not_asking(NOW) == [HARBOUR]
    assert pace.next_asking_at(NOW) == NOW + 3 * SECOND
    assert pace.not_asking(NOW + 2.9 * SECOND) == [HARBOUR]
    assert pace.not_asking(NOW + 3 * SECOND) == []


@given(st.integers(1, 60))
def test_group_is_asked_at_its_pace_over_an_hour(per_minute: int) -> None:
    pace, now, asked = Pace({HARBOUR: per_minute}), NOW, 0
    while now < NOW + timedelta(hours=1):
        if not pace.not_asking(now):
            pace.spend(HARBOUR, now)
            asked += 1
        now = max(pace.next_asking_at(now), now + SECOND / 10)
    assert 0.9 * per_minute * 60 <= asked <= per_minute * 60 + BURST


def test_group_does_not_save_up_when_nobody_is_asked_for_long() -> None:
    pace = Pace({HARBOUR: 20})
    spend_all(pace)
    later = NOW + timedelta(days=3)
    for _ in range(BURST):
        assert pace.not_asking(later) == []
        pace.spend(HARBOUR, later)
    assert pace.not_asking(later) == [HARBOUR]


def test_requests_that_went_out_too_many_are_paid_back_by_waiting() -> None:
    pace = Pace({HARBOUR: 20})
    for _ in range(BURST + 10):
        pace.spend(HARBOUR, NOW)
    assert pace.next_asking_at(NOW) == NOW + 33 * SECOND


def test_one_group_does_not_use_up_the_pace_of_another() -> None:
    pace = Pace({HARBOUR: 20, NORTH: 20})
    spend_all(pace)
    assert pace.not_asking(NOW) == [HARBOUR]
    # The group that may ask says nothing about when the one that waits may.
    assert pace.next_asking_at(NOW) == NOW + timedelta(seconds=3)


@given(st.integers(1, 60), st.integers(1, 30), st.integers(0, 10**8))
@example(7, 6, 1)
def test_asking_is_open_at_the_instant_that_was_given(
    per_minute: int, spent: int, microseconds: int
) -> None:
    pace = Pace({HARBOUR: per_minute})
    for _ in range(spent):
        pace.spend(HARBOUR, NOW)
    at = pace.next_asking_at(NOW + timedelta(microseconds=microseconds))
    assert pace.not_asking(at) == []


def test_pace_is_kept_when_the_clock_is_set_back() -> None:
    pace = Pace({HARBOUR: 20})
    spend_all(pace)
    earlier = NOW - timedelta(hours=1)
    assert pace.not_asking(earlier) == [HARBOUR]
    assert pace.next_asking_at(earlier) <= earlier + 3 * SECOND


# Breaks ------------------------------------------------------------------------------------------


def test_nobody_is_asked_anywhere_during_a_break() -> None:
    pace = Pace({HARBOUR: 20, NORTH: 60})
    until = pace.take_a_break(40003, NOW)
    assert until == NOW + 10 * MINUTE
    assert pace.not_asking(until - SECOND) == [HARBOUR, NORTH]
    assert pace.next_asking_at(NOW) == until
    assert pace.not_asking(until) == []
    assert pace.next_asking_at(until) == until


def test_break_is_longer_when_discord_flagged_the_bot() -> None:
    assert Pace({HARBOUR: 20}).take_a_break(20026, NOW) == NOW + 60 * MINUTE


def test_break_is_never_shortened_by_a_lesser_one() -> None:
    pace = Pace({HARBOUR: 20})
    flagged = pace.take_a_break(20026, NOW)
    assert pace.take_a_break(40003, NOW + MINUTE) == flagged
    assert pace.take_a_break(40003, flagged - MINUTE) == flagged + 9 * MINUTE
    assert pace.take_a_break(40003, flagged + 60 * MINUTE) == flagged + 70 * MINUTE


# The budget of invalid requests ------------------------------------------------------------------


def test_everything_stops_before_discord_bans_the_address() -> None:
    pace = Pace({HARBOUR: 20})
    for number in range(INVALID_BUDGET - 1):
        pace.count_invalid(NOW + number * SECOND / 10)
    last = NOW + 2 * MINUTE
    assert pace.over_budget_until(last) is None
    pace.count_invalid(last)
    assert INVALID_BUDGET <= 1_000
    assert pace.over_budget_until(last) == NOW + INVALID_WINDOW
    # The oldest has left the window: one more may be tried.
    assert pace.over_budget_until(NOW + INVALID_WINDOW) is None


def test_invalid_requests_are_forgotten_after_ten_minutes() -> None:
    pace = Pace({HARBOUR: 20})
    for _ in range(5 * INVALID_BUDGET):
        pace.count_invalid(NOW)
    assert pace.over_budget_until(NOW + 10 * MINUTE - SECOND) == NOW + 10 * MINUTE
    assert pace.over_budget_until(NOW + 10 * MINUTE) is None
