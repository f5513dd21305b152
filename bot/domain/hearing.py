"""How long a party has to answer, and whether the accused was heard."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.breaches import UNDELIVERED_FACTOR, CaseState, Letter, LetterKind

ASKS = (LetterKind.QUESTION, LetterKind.HEARING)
"""Letters that can be answered."""


def time_to_answer(letter: Letter) -> timedelta | None:
    """How long the party has from when the letter reached them; None without a limit.

    `due_at` of a letter counts from when it was written, and is moved when it is known that it
    has arrived (`delivered`) or could not (`undelivered`). This is for one not yet delivered.
    """
    if letter.due_at is None:
        return None
    if letter.undelivered_at is not None:
        return (letter.due_at - letter.undelivered_at) / UNDELIVERED_FACTOR
    return letter.due_at - letter.created_at


def delivered(letter: Letter, now: datetime) -> Letter:
    """The letter has reached the person, or was shown to them: their time begins."""
    if letter.delivered_at is not None:
        return letter
    time = time_to_answer(letter)
    due_at = None if time is None else now + time
    return replace(letter, delivered_at=now, due_at=due_at)


def undelivered(letter: Letter, now: datetime) -> Letter:
    """It could not be delivered: it waits, and after twice the time it is waited for no longer."""
    if letter.delivered_at is not None or letter.undelivered_at is not None:
        return letter
    time = time_to_answer(letter)
    due_at = None if time is None else now + UNDELIVERED_FACTOR * time
    return replace(letter, undelivered_at=now, due_at=due_at)


def is_waiting(letter: Letter) -> bool:
    """Whether it could not be delivered, and the person has not seen it in `/breach mine`."""
    return letter.undelivered_at is not None and letter.delivered_at is None


def may_answer(letter: Letter, state: CaseState) -> bool:
    """Whether an answer, or an addition to one, is still taken.

    A question is answered until the case is closed; what is alleged, until it is decided: after
    that there is the appeal.
    """
    if letter.kind is LetterKind.HEARING:
        return state in (CaseState.OPEN, CaseState.IN_REVIEW)
    return letter.kind is LetterKind.QUESTION and state is not CaseState.CLOSED


def was_heard(letters: Iterable[Letter], now: datetime, since: datetime | None = None) -> bool:
    """Whether the accused was told what is alleged, and has answered or had the time to.

    What was alleged last is what counts. As long as nobody has tried to deliver it, no time runs.

    Args:
        letters: those of the case, in the order in which they were written.
        now: the current instant.
        since: when the case was reopened; what was alleged before that does not count.
    """
    hearings = [
        one
        for one in letters
        if one.kind is LetterKind.HEARING and (since is None or one.created_at >= since)
    ]
    if not hearings:
        return False
    last = hearings[-1]
    if last.answered_at is not None:
        return True
    is_tried = last.delivered_at is not None or last.undelivered_at is not None
    return is_tried and last.due_at is not None and now >= last.due_at
