"""The record's side of carrying a letter to a party: what to send now, and what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.breaches import BreachCase, CaseEvent, Letter, LetterKind
from bot.domain.effects import Effect, EffectKind, EffectState
from bot.domain.hearing import ASKS, delivered, may_answer, time_to_answer, undelivered
from bot.storage import case_letters, case_parties, cases, effects
from bot.storage.database import Database, Transaction

TOLD = (
    CaseEvent.CLAIMED,
    CaseEvent.HEARD,
    CaseEvent.DECIDED,
    CaseEvent.APPEALED,
    CaseEvent.REOPENED,
)
"""Steps of which a progress letter tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A letter that is to be sent now, and to whom, which is known until it is sent.

    `step` is what a progress letter tells of.
    """

    member_id: int
    letter: Letter
    case_number: int
    step: CaseEvent | None = None


async def prepare(database: Database, effect: Effect) -> Posting | None:
    """Read a letter and whom it is for; None when there is no need to send it any more.

    The limit for the answer counts from the first try to send it, so that every further try
    has the same words.

    Args:
        database: the open database.
        effect: the row of the outbox, which knows only the number of the letter.
    """
    async with database.read() as tx:
        letter = await case_letters.find(tx, int(effect.detail or 0))
        if letter is None or letter.delivered_at is not None:
            return None
        case = await cases.get(tx, letter.case_id)
        member_id = await case_letters.find_recipient(tx, letter)
        if member_id is None or not await _has_a_point(tx, letter, case, member_id):
            return None
        step = await _find_step(tx, letter) if letter.kind is LetterKind.PROGRESS else None
    time = time_to_answer(letter)
    if time is not None and letter.undelivered_at is None:
        letter = replace(letter, due_at=(effect.tried_at or letter.created_at) + time)
    return Posting(member_id=member_id, letter=letter, case_number=case.case_number, step=step)


async def _has_a_point(tx: Transaction, letter: Letter, case: BreachCase, member_id: int) -> bool:
    if letter.kind not in ASKS:
        return True
    if letter.report_id is not None:
        own = await case_parties.list_own_reports(tx, case.group_key, member_id, case.id)
        if any(one.id == letter.report_id and one.withdrawn_at is not None for one in own):
            return False
    return may_answer(letter, case.state)


async def _find_step(tx: Transaction, letter: Letter) -> CaseEvent | None:
    """The step in whose transaction the letter was written."""
    found = [
        one.kind
        for one in await cases.list_timeline(tx, letter.case_id)
        if one.at == letter.created_at and one.kind in TOLD
    ]
    return found[-1] if found else None


async def record_delivered(database: Database, effect: Effect, now: datetime) -> None:
    """The letter is in front of the person; the row is closed with it."""
    async with database.write() as tx:
        letter = await case_letters.find(tx, int(effect.detail or 0), lock=True)
        if letter is not None:
            there = delivered(letter, now)
            await case_letters.mark(
                tx,
                letter.id,
                delivered_at=there.delivered_at,
                due_at=there.due_at,
            )
        await effects.mark_finished(tx, effect.id, EffectState.DONE, "told", now)


async def record_undelivered_in(tx: Transaction, effect: Effect, now: datetime) -> None:
    """A letter could not be delivered, inside the transaction that closes its row.

    It waits in `/breach mine`, and the moderators see that it does. Nothing is done for rows of
    any other kind.
    """
    if effect.kind is not EffectKind.LETTER:
        return
    letter = await case_letters.find(tx, int(effect.detail or 0), lock=True)
    if letter is None or letter.delivered_at is not None:
        return
    waiting = undelivered(letter, now)
    await case_letters.mark(
        tx, letter.id, undelivered_at=waiting.undelivered_at, due_at=waiting.due_at
    )
    await cases.request_notice(tx, await cases.get(tx, letter.case_id), now)
