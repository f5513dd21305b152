"""What an answer of Discord means, how long to wait, and what names a message."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.effects import (
    Verdict,
    lane_of_group,
    lane_of_member,
    nonce_of,
    retry_delay,
    verdict_on,
)

ids = st.integers(1, 2**63)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (50007, Verdict.BLOCKED),  # cannot send messages to this user
        (50278, Verdict.BLOCKED),  # no mutual server that allows it
        (40003, Verdict.PAUSE),  # opening direct messages too fast
        (20026, Verdict.PAUSE),  # flagged for spam
        (10007, Verdict.GONE),  # unknown member
        (10013, Verdict.GONE),  # unknown user
        (50001, Verdict.HOLD),  # missing access
        (50013, Verdict.HOLD),  # missing permissions
        (10003, Verdict.MISSING),  # unknown channel
        (10004, Verdict.MISSING),  # unknown server
        (10008, Verdict.MISSING),  # unknown message
        (10011, Verdict.MISSING),  # unknown role
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_code_of_discord_decides_whatever_the_status(
    code: int, status: int, verdict: Verdict
) -> None:
    assert verdict_on(status, code) is verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (None, Verdict.RETRY),  # the connection broke
        (401, Verdict.RETRY),  # the token was reset: the operator's to mend, nothing is lost
        (408, Verdict.RETRY),
        (429, Verdict.RETRY),  # Cloudflare, without a body
        (500, Verdict.RETRY),
        (502, Verdict.RETRY),
        (503, Verdict.RETRY),
        (524, Verdict.RETRY),
        (403, Verdict.HOLD),
        (404, Verdict.MISSING),
        (400, Verdict.REFUSED),
        (405, Verdict.REFUSED),
        (413, Verdict.REFUSED),
    ],
)
@pytest.mark.parametrize("code", [50035, 99999])
def test_status_decides_when_the_code_says_nothing(
    status: int | None, code: int, verdict: Verdict
) -> None:
    assert verdict_on(status, code) is verdict


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_answer_without_a_code_is_not_discords_own_and_is_tried_again(status: int) -> None:
    assert verdict_on(status, 0) is Verdict.RETRY


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_retry_comes_within_five_minutes_and_never_at_once(attempts: int, jitter: float) -> None:
    delay = retry_delay(attempts, jitter)
    assert timedelta(seconds=5) <= delay <= timedelta(minutes=5)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_retry_waits_no_less_when_one_more_try_failed(attempts: int, jitter: float) -> None:
    assert retry_delay(attempts, jitter) <= retry_delay(attempts + 1, jitter)


def test_retry_waits_twice_as_long_each_time_until_five_minutes() -> None:
    waits = [retry_delay(attempts, 1).total_seconds() for attempts in range(1, 8)]
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert retry_delay(1, 0).total_seconds() == 5


@given(ids, st.integers(0, 999))
def test_nonce_is_short_enough_for_discord_whatever_the_id(effect_id: int, part: int) -> None:
    assert 1 <= len(nonce_of(effect_id, part, "words")) <= 25


@given(st.tuples(ids, st.integers(0, 999)), st.tuples(ids, st.integers(0, 999)))
def test_nonce_differs_when_the_effect_or_the_part_differs(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    assert (nonce_of(*one, "words") == nonce_of(*other, "words")) is (one == other)


def test_lane_is_one_for_each_person_and_subject_of_a_group() -> None:
    lanes = [
        lane_of_member("harbour-light", 1),
        lane_of_member("harbour-light", 2),
        lane_of_member("north-star", 1),
        lane_of_group("harbour-light", "panel"),
        lane_of_group("north-star", "panel"),
        lane_of_group("harbour-light", "alarm"),
        lane_of_group("harbour-light", "1"),
    ]
    assert len(set(lanes)) == len(lanes)
