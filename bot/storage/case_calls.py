"""Who was told privately that a case waits for them, and who was told that nobody is left."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.breaches import BreachCase, CaseEvent, LetterKind
from bot.storage.case_tables import breach_calls, breach_letters, breach_timeline
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref


async def add(
    tx: Transaction, case: BreachCase, member_id: int, now: datetime, *, reached: bool
) -> None:
    """Remember that somebody was told of a case, or that they take no direct messages."""
    told = {"at": now, "reached": int(reached)}
    ref = person_ref(tx, case.group_key, member_id)
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    await tx.execute(
        make(breach_calls)
        .values(case_id=case.id, member_ref=ref, **told)
        .on_conflict_do_update(index_elements=["case_id", "member_ref"], set_=told)
    )


async def list_uncalled(
    tx: Transaction, case: BreachCase, member_ids: Collection[int]
) -> list[int]:
    """Which of these people were not told yet, and not tried to tell.

    An appeal is a matter of its own: whoever was told of the case before is told of it anew.
    """
    appealed_at = (
        select(func.max(breach_timeline.c.at))
        .where(breach_timeline.c.case_id == case.id, breach_timeline.c.kind == CaseEvent.APPEALED)
        .scalar_subquery()
    )
    query = select(breach_calls.c.member_ref).where(
        breach_calls.c.case_id == case.id,
        or_(appealed_at.is_(None), breach_calls.c.at >= appealed_at),
    )
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
