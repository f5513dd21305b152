"""Who was told privately that a case waits for them, and who was told that nobody is left."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import insert, select

from bot.domain.breaches import BreachCase, LetterKind
from bot.storage.case_tables import breach_calls, breach_letters
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref


async def add(
    tx: Transaction, case: BreachCase, member_id: int, now: datetime, *, reached: bool
) -> None:
    """Remember that somebody was told of a case, or that they take no direct messages."""
    values = {
        "case_id": case.id,
        "member_ref": person_ref(tx, case.group_key, member_id),
        "at": now,
        "reached": int(reached),
    }
    await tx.execute(insert(breach_calls).values(values))


async def list_uncalled(
    tx: Transaction, case: BreachCase, member_ids: Collection[int]
) -> list[int]:
    """Which of these people were not told yet, and not tried to tell."""
    query = select(breach_calls.c.member_ref).where(breach_calls.c.case_id == case.id)
    called = set((await tx.execute(query)).scalars())
    return sorted(one for one in member_ids if person_ref(tx, case.group_key, one) not in called)


async def list_told(tx: Transaction, case_id: int, kind: LetterKind) -> set[int]:
    """The reports of a case, the authors of which got such a letter."""
    query = select(breach_letters.c.report_id).where(
        breach_letters.c.case_id == case_id,
        breach_letters.c.kind == kind,
        breach_letters.c.report_id.is_not(None),
    )
    return set((await tx.execute(query)).scalars())
