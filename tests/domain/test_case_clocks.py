"""What is due in a case, when the channel hears of it, and when it stops."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.breaches import BreachCase, CaseClocks, CaseState, Clause
from bot.domain.case_clocks import Clock, Limit, Stage, Waiting, limits_of, purge_at
from bot.services.cases.statistics import suppress
from tests.factories import NOW

DAY = timedelta(days=1)
CLOCKS = CaseClocks(first_look=3 * DAY, feedback=30 * DAY, hearing=3 * DAY, appeal=14 * DAY)
CASE = BreachCase(
    id=1,
    group_key="harbour-light",
    case_number=7,
    state=CaseState.OPEN,
    opened_at=NOW,
    clause=Clause.COVERED,
    has_accused=True,
)


def running(case: BreachCase, waiting: Waiting | None = None) -> dict[Clock, float]:
    limits = limits_of(case, waiting or Waiting(), CLOCKS)
    return {limit.clock: (limit.due_at - NOW) / DAY for limit in limits}


def test_a_new_case_waits_for_a_look_and_for_feedback() -> None:
    assert running(CASE) == {Clock.FIRST_LOOK: 3, Clock.FEEDBACK: 30}


def test_clocks_stop_when_they_are_handled() -> None:
    looked = replace(CASE, first_looked_at=NOW + DAY)
    assert running(looked) == {Clock.FEEDBACK: 30}
    told = replace(looked, state=CaseState.IN_REVIEW, feedback_at=NOW + 10 * DAY)
    assert running(told) == {Clock.FEEDBACK: 40}
    assert running(replace(told, state=CaseState.DECIDED)) == {}
    assert running(replace(told, state=CaseState.CLOSED)) == {}


def test_a_hearing_and_an_appeal_have_clocks_of_their_own() -> None:
    case = replace(CASE, state=CaseState.IN_REVIEW, first_looked_at=NOW)
    heard = Waiting(heard_at=NOW + DAY, answer_until=NOW + 4 * DAY)
    assert running(case, heard)[Clock.HEARING] == 4
    appealed = Waiting(appealed_at=NOW + 5 * DAY)
    assert running(case, appealed)[Clock.APPEAL] == 8
    assert Clock.APPEAL not in running(replace(case, claimed_at=NOW + 6 * DAY), appealed)


@pytest.mark.parametrize(
    ("days", "hours", "stage"),
    [
        (3, 47, None),
        (3, 48, Stage.BEFORE),
        (3, 71.9, Stage.BEFORE),
        (3, 72, Stage.AT),
        (1, 11, None),
        (1, 12, Stage.BEFORE),
        (1, 24, Stage.AT),
    ],
)
def test_the_reminder_comes_a_day_before_or_half_the_time(
    days: int, hours: float, stage: Stage | None
) -> None:
    limit = Limit(clock=Clock.FIRST_LOOK, since=NOW, due_at=NOW + days * DAY)
    assert limit.stage(NOW + timedelta(hours=hours)) is stage


def test_a_case_goes_when_it_was_closed_long_enough_and_nobody_asked_for_longer() -> None:
    assert purge_at(CASE, 365 * DAY) is None
    closed = replace(CASE, state=CaseState.CLOSED, closed_at=NOW)
    assert purge_at(closed, 365 * DAY) == NOW + 365 * DAY
    assert purge_at(replace(closed, kept_until=NOW + 400 * DAY), 365 * DAY) == NOW + 400 * DAY
    assert purge_at(replace(closed, kept_until=NOW + DAY), 365 * DAY) == NOW + 365 * DAY
    assert purge_at(replace(closed, purged_at=NOW), 365 * DAY) is None


def test_no_number_below_five_can_be_read_or_worked_out() -> None:
    plain = suppress(6, {"reminder": 5, "removed": 0})
    assert (plain.total, plain.running, plain.outcomes) == (11, 6, {"reminder": 5, "removed": 0})
    one = suppress(6, {"reminder": 5, "removed": 1})
    # Eleven in all and five and six would tell the one that is left out.
    assert (one.total, one.running, one.outcomes) == (None, 6, {"reminder": 5, "removed": None})
    two = suppress(3, {"reminder": 5, "removed": 2})
    # Ten in all would leave five for the two of them, and a total of seven two, one for each.
    assert (two.total, two.running, two.outcomes["removed"]) == (None, None, None)
    assert suppress(1, {}).total is None
    assert suppress(0, {}).total == 0
