"""What was decided in breach cases, what is about to be, and what was appealed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, delete, exists, func, insert, select, update

from bot.domain.breaches import (
    NO_BREACH,
    BreachCase,
    CaseEvent,
    CaseState,
    Decision,
    LetterKind,
    Side,
)
from bot.domain.rulings import OF_ACCESS, REMINDER, Ruling
from bot.storage import cases
from bot.storage.case_tables import (
    breach_cases,
    breach_decisions,
    breach_drafts,
    breach_letters,
    breach_timeline,
)
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref, seal_text, unseal, unseal_text

_columns = breach_decisions.c
_newer = breach_decisions.alias("newer")
_is_newest = ~exists().where(_newer.c.case_id == _columns.case_id, _newer.c.id > _columns.id)


def _decision(tx: Transaction, row: RowMapping) -> Decision:
    names = (column.name for column in breach_decisions.columns)
    values = {name: row[name] for name in names}
    values["reason"] = unseal_text(tx, values["reason"]) or ""
    values["appeal"] = unseal_text(tx, values["appeal"])
    return Decision(**values)


async def add(
    tx: Transaction,
    case_id: int,
    ruling: Ruling,
    decided_by: int,
    now: datetime,
    *,
    appeal_of: int | None = None,
) -> int:
    """Keep a decision; `appeal_of` is the one whose appeal it answers. Returns its id."""
    values = {
        "case_id": case_id,
        "outcome": ruling.outcome,
        "reason": seal_text(tx, ruling.reason),
        "decided_by": decided_by,
        "decided_at": now,
        "suspended_until": ruling.until,
        "appeal_of": appeal_of,
        "carried_out_at": now if ruling.outcome == NO_BREACH else None,
    }
    added = await tx.execute(insert(breach_decisions).values(values).returning(_columns.id))
    return added.scalar_one()


async def list_of_case(tx: Transaction, case_id: int) -> list[Decision]:
    """Every decision of a case, in order."""
    query = select(breach_decisions).where(_columns.case_id == case_id).order_by(_columns.id)
    return [_decision(tx, row) for row in (await tx.execute(query)).mappings()]


async def find_newest(tx: Transaction, case_id: int) -> Decision | None:
    """The decision that is in force."""
    found = await list_of_case(tx, case_id)
    return found[-1] if found else None


async def mark_appealed(tx: Transaction, decision_id: int, text: str, now: datetime) -> bool:
    """Keep an appeal; False when there is one already."""
    marked = await tx.execute(
        update(breach_decisions)
        .where(_columns.id == decision_id, _columns.appealed_at.is_(None))
        .values(appealed_at=now, appeal=seal_text(tx, text))
    )
    return marked.rowcount > 0


async def mark_carried_out(tx: Transaction, decision_id: int, now: datetime) -> None:
    """Everything that Pledge does about a decision was done."""
    await tx.execute(
        update(breach_decisions).where(_columns.id == decision_id).values(carried_out_at=now)
    )


async def list_uncarried(
    tx: Transaction, group_keys: Collection[str], after_id: int, limit: int
) -> list[tuple[BreachCase, Decision]]:
    """Decisions in force of which Pledge has not seen yet that they were carried out, in order."""
    query = (
        select(breach_decisions)
        .join_from(breach_decisions, breach_cases, breach_cases.c.id == _columns.case_id)
        .where(
            breach_cases.c.group_key.in_(group_keys),
            breach_cases.c.purged_at.is_(None),
            _columns.id > after_id,
            _columns.outcome.in_((REMINDER, *OF_ACCESS)),
            _columns.carried_out_at.is_(None),
            _is_newest,
        )
        .order_by(_columns.id)
        .limit(limit)
    )
    return await _with_cases(tx, query)


async def list_decided(
    tx: Transaction, group_keys: Collection[str], decided_before: datetime, limit: int
) -> list[tuple[BreachCase, Decision]]:
    """Decided cases of these groups with the decision in force, if that is not newer."""
    query = (
        select(breach_decisions)
        .join_from(breach_decisions, breach_cases, breach_cases.c.id == _columns.case_id)
        .where(
            breach_cases.c.group_key.in_(group_keys),
            breach_cases.c.state == CaseState.DECIDED,
            _columns.decided_at <= decided_before,
            _is_newest,
        )
        .order_by(_columns.id)
        .limit(limit)
    )
    return await _with_cases(tx, query)


async def list_numbers_against(tx: Transaction, group_key: str, member_id: int) -> list[int]:
    """Numbers of the decided cases in which this person is the accused, the newest first."""
    query = select(breach_cases.c.case_number).where(
        breach_cases.c.group_key == group_key,
        breach_cases.c.accused_ref == person_ref(tx, group_key, member_id),
        breach_cases.c.state == CaseState.DECIDED,
    )
    found = await tx.execute(query.order_by(breach_cases.c.case_number.desc()))
    return list(found.scalars())


async def _with_cases(tx: Transaction, query: Select[Any]) -> list[tuple[BreachCase, Decision]]:
    found = [_decision(tx, row) for row in (await tx.execute(query)).mappings()]
    return [(await cases.get(tx, decision.case_id), decision) for decision in found]


async def has_written_to_accused(tx: Transaction, case_id: int) -> bool:
    """Whether the accused was told in any way that there is a case."""
    query = select(func.count()).where(
        breach_letters.c.case_id == case_id, breach_letters.c.side == Side.ACCUSED
    )
    return (await tx.execute(query)).scalar_one() > 0


async def has_reached_accused(tx: Transaction, case_id: int, since: datetime) -> bool:
    """Whether the letter with an outcome has reached the accused since then."""
    letters = breach_letters.c
    query = select(func.count()).where(
        letters.case_id == case_id,
        letters.side == Side.ACCUSED,
        letters.kind == LetterKind.OUTCOME,
        letters.created_at >= since,
        letters.delivered_at.is_not(None),
    )
    return (await tx.execute(query)).scalar_one() > 0


# What is about to be decided ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A decision that a moderator has written and not confirmed.

    `last_step_id` is the newest step of the case that they have seen, `words` what they want to say
    to the accused.
    """

    id: int
    case_id: int
    moderator_id: int
    last_step_id: int
    ruling: Ruling
    words: str | None = None


_BESIDE = (CaseEvent.CARRIED_OUT, CaseEvent.REMINDED)
"""Steps of Pledge's own that tell nothing which could change a decision."""


async def find_last_step(tx: Transaction, case_id: int) -> int:
    """The id of the newest step of a case that a decision could depend on; 0 without any."""
    query = select(func.max(breach_timeline.c.id)).where(
        breach_timeline.c.case_id == case_id, breach_timeline.c.kind.not_in(_BESIDE)
    )
    return (await tx.execute(query)).scalar_one() or 0


async def put_draft(
    tx: Transaction,
    case_id: int,
    moderator_id: int,
    ruling: Ruling,
    now: datetime,
) -> int:
    """Keep what a moderator is about to decide, in place of what they had before.

    Args:
        tx: the open transaction.
        case_id: the case.
        moderator_id: the moderator.
        ruling: what they want to decide.
        now: the current instant.

    Returns:
        The draft's id.
    """
    await tx.execute(
        delete(breach_drafts).where(
            breach_drafts.c.case_id == case_id, breach_drafts.c.moderator_id == moderator_id
        )
    )
    values = {
        "case_id": case_id,
        "moderator_id": moderator_id,
        "drafted_at": now,
        "last_step_id": await find_last_step(tx, case_id),
        "outcome": ruling.outcome,
        "suspended_until": ruling.until,
        "reason": seal_text(tx, ruling.reason),
    }
    added = await tx.execute(insert(breach_drafts).values(values).returning(breach_drafts.c.id))
    return added.scalar_one()


async def find_draft(
    tx: Transaction, case_id: int, moderator_id: int, draft_id: int
) -> Draft | None:
    """A moderator's own draft; None when it was replaced, decided or dropped."""
    query = select(breach_drafts).where(
        breach_drafts.c.id == draft_id,
        breach_drafts.c.case_id == case_id,
        breach_drafts.c.moderator_id == moderator_id,
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    return Draft(
        id=row["id"],
        case_id=row["case_id"],
        moderator_id=row["moderator_id"],
        last_step_id=row["last_step_id"],
        ruling=Ruling(
            outcome=row["outcome"],
            reason=unseal(tx, row["reason"]).decode(),
            until=row["suspended_until"],
        ),
        words=unseal_text(tx, row["words"]),
    )


async def reword_draft(tx: Transaction, draft_id: int, words: str) -> None:
    """Other words to the accused."""
    await tx.execute(
        update(breach_drafts)
        .where(breach_drafts.c.id == draft_id)
        .values(words=seal_text(tx, words))
    )


async def delete_drafts(tx: Transaction, case_id: int, moderator_id: int | None = None) -> None:
    """Drop the drafts of a case, or those of one moderator."""
    whose = [] if moderator_id is None else [breach_drafts.c.moderator_id == moderator_id]
    await tx.execute(delete(breach_drafts).where(breach_drafts.c.case_id == case_id, *whose))
