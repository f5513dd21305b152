"""What is written to the parties of a case, and what they answer."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from bot.domain.breaches import BreachCase, Letter, LetterKind, Side
from bot.domain.effects import EffectKind, lane_of_letters
from bot.domain.errors import UnknownCaseError
from bot.storage import effects
from bot.storage.case_tables import breach_cases, breach_letters, breach_reports
from bot.storage.database import Transaction
from bot.storage.sealing import seal_text, unseal_json, unseal_text

_columns = breach_letters.c


def _letter(tx: Transaction, row: RowMapping) -> Letter:
    values: dict[str, Any] = dict(row)
    values["side"], values["kind"] = Side(values["side"]), LetterKind(values["kind"])
    values["text"] = unseal_text(tx, values["text"])
    values["answer"] = unseal_text(tx, values["answer"])
    return Letter(**values)


async def add(
    tx: Transaction,
    case: BreachCase,
    kind: LetterKind,
    now: datetime,
    *,
    report_id: int | None = None,
    text: str | None = None,
    written_by: int | None = None,
    due_at: datetime | None = None,
) -> int:
    """Write a letter and have it sent.

    Args:
        tx: the open transaction.
        case: the case it is about.
        kind: what it says.
        now: the current instant.
        report_id: whose report it answers; None writes to the accused.
        text: what a moderator wrote; None for a letter in Pledge's own words.
        written_by: that moderator.
        due_at: until when an answer is waited for.

    Returns:
        The letter's id, which is all that the outbox knows of it.
    """
    values = {
        "case_id": case.id,
        "report_id": report_id,
        "side": Side.ACCUSED if report_id is None else Side.REPORTER,
        "kind": kind,
        "created_at": now,
        "text": seal_text(tx, text),
        "written_by": written_by,
        "due_at": due_at,
    }
    added = await tx.execute(insert(breach_letters).values(values).returning(_columns.id))
    letter_id: int = added.scalar_one()
    await effects.add(
        tx,
        group_key=case.group_key,
        lane=lane_of_letters(case.group_key, case.id, report_id),
        kind=EffectKind.LETTER,
        detail=str(letter_id),
        now=now,
    )
    return letter_id


async def find(tx: Transaction, letter_id: int, *, lock: bool = False) -> Letter | None:
    """One letter; None when there is none of this id, or it was destroyed with its case.

    Args:
        tx: the open transaction.
        letter_id: its id.
        lock: keep other transactions from changing it before this one is over.
    """
    query = select(breach_letters).where(_columns.id == letter_id)
    if lock:
        query = query.with_for_update()
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else _letter(tx, row)


async def get(tx: Transaction, letter_id: int, *, lock: bool = False) -> Letter:
    """One letter.

    Raises:
        UnknownCaseError: there is none of this id.
    """
    letter = await find(tx, letter_id, lock=lock)
    if letter is None:
        raise UnknownCaseError
    return letter


async def list_of_case(tx: Transaction, case_id: int) -> list[Letter]:
    """Everything that was written to the parties of a case, in order."""
    query = select(breach_letters).where(_columns.case_id == case_id).order_by(_columns.id)
    return [_letter(tx, row) for row in (await tx.execute(query)).mappings()]


async def list_of_report(tx: Transaction, report_id: int) -> list[Letter]:
    """What was written to whoever made this report, in order."""
    query = select(breach_letters).where(_columns.report_id == report_id).order_by(_columns.id)
    return [_letter(tx, row) for row in (await tx.execute(query)).mappings()]


async def list_to_accused(tx: Transaction, case_id: int) -> list[Letter]:
    """What was written to whom a case concerns, in order."""
    query = select(breach_letters).where(_columns.case_id == case_id, _columns.report_id.is_(None))
    return [_letter(tx, row) for row in (await tx.execute(query.order_by(_columns.id))).mappings()]


async def find_outcome(tx: Transaction, case_id: int, since: datetime) -> Letter | None:
    """The letter that tells the accused what was decided at that instant, or after it."""
    query = select(breach_letters).where(
        _columns.case_id == case_id,
        _columns.report_id.is_(None),
        _columns.kind == LetterKind.OUTCOME,
        _columns.created_at >= since,
    )
    row = (await tx.execute(query.order_by(_columns.id.desc()).limit(1))).mappings().one_or_none()
    return None if row is None else _letter(tx, row)


async def find_recipient(tx: Transaction, letter: Letter) -> int | None:
    """Whom a letter is for, read at the moment of sending; None when that was destroyed."""
    if letter.report_id is not None:
        query = select(breach_reports.c.reporter).where(breach_reports.c.id == letter.report_id)
    else:
        query = select(breach_cases.c.accused).where(breach_cases.c.id == letter.case_id)
    token = (await tx.execute(query)).scalar_one_or_none()
    return None if token is None else unseal_json(tx, token)


async def mark(tx: Transaction, letter_id: int, **values: Any) -> None:
    """Set columns of one letter that are not encrypted."""
    await tx.execute(update(breach_letters).where(_columns.id == letter_id).values(**values))


async def put_answer(tx: Transaction, letter_id: int, answer: str, now: datetime) -> None:
    """Keep what the party has answered so far; the first time counts as when they did."""
    letter = await get(tx, letter_id)
    await mark(
        tx,
        letter_id,
        answered_at=letter.answered_at or now,
        answer=seal_text(tx, answer),
    )
