"""How long a party has to answer, and when the accused counts as heard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.breaches import CaseState, Letter, LetterKind, Side
from bot.domain.hearing import (
    delivered,
    is_waiting,
    may_answer,
    time_to_answer,
    undelivered,
    was_heard,
)
from tests.factories import NOW

DAY = timedelta(days=1)
HEARING = Letter(
    id=1,
    case_id=1,
    side=Side.ACCUSED,
    kind=LetterKind.HEARING,
    created_at=NOW,
    due_at=NOW + 3 * DAY,
)


def test_time_counts_from_delivery() -> None:
    there = delivered(HEARING, NOW + DAY)
    assert there.due_at == NOW + 4 * DAY
    assert not was_heard([there], NOW + 4 * DAY - timedelta(seconds=1))
    assert was_heard([there], NOW + 4 * DAY)


def test_no_time_runs_while_nobody_has_tried_to_deliver_it() -> None:
    assert not was_heard([HEARING], NOW + 100 * DAY)


def test_twice_the_time_is_waited_when_it_cannot_be_delivered() -> None:
    away = undelivered(HEARING, NOW + DAY)
    assert is_waiting(away)
    assert away.due_at == NOW + 7 * DAY
    assert not was_heard([away], NOW + 6 * DAY)
    assert was_heard([away], NOW + 7 * DAY)


def test_whole_time_begins_when_it_is_shown_after_all() -> None:
    away = undelivered(HEARING, NOW + DAY)
    shown = delivered(away, NOW + 5 * DAY)
    assert not is_waiting(shown)
    assert shown.due_at == NOW + 8 * DAY
    assert not was_heard([shown], NOW + 7 * DAY)


def test_first_delivery_stands_and_nothing_undoes_it() -> None:
    there = delivered(HEARING, NOW + DAY)
    assert delivered(there, NOW + 2 * DAY) == there
    assert undelivered(there, NOW + 2 * DAY) == there
    away = undelivered(HEARING, NOW)
    assert undelivered(away, NOW + DAY) == away


def test_answer_ends_the_waiting_at_once() -> None:
    answered = replace(delivered(HEARING, NOW), answered_at=NOW + timedelta(hours=1))
    assert was_heard([answered], NOW + timedelta(hours=1))


def test_what_was_alleged_last_is_what_counts() -> None:
    first = replace(delivered(HEARING, NOW), answered_at=NOW + DAY)
    second = replace(HEARING, id=2, created_at=NOW + 2 * DAY, due_at=NOW + 5 * DAY)
    assert not was_heard([first, second], NOW + 4 * DAY)
    assert was_heard([first, delivered(second, NOW + 2 * DAY)], NOW + 5 * DAY)


def test_question_is_no_hearing() -> None:
    question = replace(HEARING, kind=LetterKind.QUESTION, due_at=None, answered_at=NOW)
    assert not was_heard([question], NOW + 100 * DAY)
    assert time_to_answer(question) is None
    assert delivered(question, NOW).due_at is None
    assert undelivered(question, NOW).due_at is None


@pytest.mark.parametrize("state", list(CaseState))
def test_question_is_answered_until_closed_and_hearing_until_decided(state: CaseState) -> None:
    question = replace(HEARING, kind=LetterKind.QUESTION)
    assert may_answer(question, state) is (state is not CaseState.CLOSED)
    assert may_answer(HEARING, state) is (state in (CaseState.OPEN, CaseState.IN_REVIEW))
    assert not may_answer(replace(HEARING, kind=LetterKind.OUTCOME), state)
