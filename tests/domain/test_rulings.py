"""Which outcomes may be decided, and that an appeal never ends worse."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.breaches import LADDER, NO_BREACH, Decision
from bot.domain.errors import HarsherOutcomeError, SuspensionEndError, UnknownOutcomeError
from bot.domain.rulings import (
    OF_ACCESS,
    SUSPENDED,
    Grounds,
    Ruling,
    is_confirmed,
    may_be_appealed,
    resolve,
)
from tests.factories import NOW

DAY = timedelta(days=1)
OUTCOMES = (NO_BREACH, *LADDER)


def decision(outcome: str, days: int = 7) -> Decision:
    until = NOW + days * DAY if outcome == SUSPENDED else None
    return Decision(
        id=1,
        case_id=1,
        outcome=outcome,
        reason="",
        decided_by=1,
        decided_at=NOW - DAY,
        suspended_until=until,
        appealed_at=NOW,
    )


def grounds(appealed: Decision | None = None, *, heard: bool = True) -> Grounds:
    return Grounds(ladder=LADDER, has_accused=True, was_heard=heard, appealed=appealed)


@given(st.sampled_from(LADDER), st.sampled_from(OUTCOMES), st.none() | st.integers(1, 30))
def test_appeal_never_ends_worse(earlier: str, outcome: str, days: int | None) -> None:
    until = None if days is None else NOW + days * DAY
    ruling, before = Ruling(outcome=outcome, reason="", until=until), decision(earlier)
    rank = OUTCOMES.index
    try:
        resolved = resolve(ruling, grounds(before), NOW)
    except HarsherOutcomeError:
        is_longer = outcome == earlier == SUSPENDED and days is not None and days > 7
        assert rank(outcome) > rank(earlier) or is_longer
    except SuspensionEndError:
        assert outcome == SUSPENDED != earlier
        assert days is None
    else:
        assert rank(outcome) <= rank(earlier)
        assert (resolved.until is None) is (outcome != SUSPENDED)
        if outcome == earlier == SUSPENDED:
            assert resolved.until is not None
            assert resolved.until <= NOW + 7 * DAY


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_hearing_comes_before_whatever_is_above_a_reminder(outcome: str) -> None:
    is_mild = outcome in (NO_BREACH, "reminder")
    assert grounds(heard=False).needs_hearing(outcome) is not is_mild
    assert not grounds(heard=True).needs_hearing(outcome)
    assert not grounds(decision("removed"), heard=False).needs_hearing(outcome)


def test_what_left_the_ladder_since_can_be_confirmed_and_softened_only() -> None:
    before = decision("exile")
    assert is_confirmed(resolve(Ruling(outcome="exile", reason=""), grounds(before), NOW), before)
    resolve(Ruling(outcome="reminder", reason=""), grounds(before), NOW)
    with pytest.raises(HarsherOutcomeError):
        resolve(Ruling(outcome="removed", reason=""), grounds(before), NOW)
    with pytest.raises(UnknownOutcomeError):
        resolve(Ruling(outcome="exile", reason=""), grounds(), NOW)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_appeal_is_open_against_everything_but_nothing_and_an_appeal(outcome: str) -> None:
    ruling = Ruling(outcome=outcome, reason="")
    assert may_be_appealed(ruling, grounds()) is (outcome != NO_BREACH)
    assert not may_be_appealed(ruling, grounds(decision("removed")))


def test_outcomes_that_close_access_are_steps_of_the_ladder() -> None:
    assert set(OF_ACCESS) < set(LADDER)
