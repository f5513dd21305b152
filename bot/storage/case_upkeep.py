"""What time does to cases: limits that run out, and the end of what is kept."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.breaches import BreachCase, CaseState, LetterKind
from bot.domain.case_clocks import Limit, Stage, Waiting
from bot.storage.case_tables import (
    breach_calls,
    breach_cases,
    breach_decisions,
    breach_drafts,
    breach_evidence,
    breach_letters,
    breach_recusals,
    breach_reports,
    breach_timeline,
    case_access,
    case_reminders,
    suspensions,
)
from bot.storage.cases import case_of, reopened_at
from bot.storage.database import Transaction

_columns = breach_cases.c
_later = breach_decisions.alias("later")


async def list_running(
    tx: Transaction, group_key: str, after_number: int, limit: int
) -> list[BreachCase]:
    """Cases that somebody still has to do something about, by ascending number."""
    query = (
        select(breach_cases)
        .where(
            _columns.group_key == group_key,
            _columns.state.in_((CaseState.OPEN, CaseState.IN_REVIEW)),
            _columns.case_number > after_number,
        )
        .order_by(_columns.case_number)
        .limit(limit)
    )
    return [case_of(row) for row in (await tx.execute(query)).mappings()]


async def read_waiting(tx: Transaction, case_id: int) -> Waiting:
    """What a case waits for besides its own dates, and besides what was before it was reopened."""
    reopened = reopened_at(case_id).scalar_subquery()
    hearing = await tx.execute(
        select(breach_letters.c.created_at, breach_letters.c.due_at)
        .where(
            breach_letters.c.case_id == case_id,
            breach_letters.c.kind == LetterKind.HEARING,
            breach_letters.c.answered_at.is_(None),
            or_(reopened.is_(None), breach_letters.c.created_at >= reopened),
        )
        .order_by(breach_letters.c.id.desc())
        .limit(1)
    )
    appeal = await tx.execute(
        select(func.max(breach_decisions.c.appealed_at)).where(
            breach_decisions.c.case_id == case_id,
            ~exists().where(_later.c.appeal_of == breach_decisions.c.id),
        )
    )
    row = hearing.one_or_none()
    return Waiting(
        heard_at=row[0] if row else None,
        answer_until=row[1] if row else None,
        appealed_at=appeal.scalar_one(),
    )


async def add_reminder(
    tx: Transaction, case_id: int, limit: Limit, stage: Stage, now: datetime
) -> bool:
    """Note that the channel is told of a limit; False if it was told already."""
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = (
        make(case_reminders)
        .values(case_id=case_id, clock=limit.clock, due_at=limit.due_at, stage=stage, at=now)
        .on_conflict_do_nothing()
        .returning(literal(1))
    )
    return (await tx.execute(statement)).one_or_none() is not None


async def list_closed(
    tx: Transaction,
    group_key: str,
    closed_before: datetime,
    now: datetime,
    limit: int,
    *,
    warned_before: datetime | None,
    even_unwarned: bool = False,
) -> list[BreachCase]:
    """Closed cases that have been kept for long enough, the oldest first.

    Those that were merged into another go with it, as only there it stands who has a part in them.

    Args:
        tx: the open transaction.
        group_key: the group.
        closed_before: those that were closed at this instant or earlier.
        now: the current instant; what is kept longer on somebody's word waits for its own day.
        limit: how many at the most.
        warned_before: only those of which the moderators were warned before this instant; None
            for those of which they were not.
        even_unwarned: whether or not they were warned: there is nobody who could be.
    """
    warned = _columns.purge_warned_at
    was_warned = warned.is_(None) if warned_before is None else warned <= warned_before
    query = (
        select(breach_cases)
        .where(
            _columns.group_key == group_key,
            _columns.state == CaseState.CLOSED,
            _columns.closed_at <= closed_before,
            _columns.purged_at.is_(None),
            _columns.merged_into.is_(None),
            _columns.kept_until.is_(None) | (_columns.kept_until <= now),
            true() if even_unwarned else was_warned,
        )
        .order_by(_columns.closed_at)
        .limit(limit)
    )
    return [case_of(row) for row in (await tx.execute(query)).mappings()]


async def purge(tx: Transaction, case_id: int, now: datetime) -> None:
    """Destroy what was said, who said it and who looked; a stub with the dates stays.

    Whoever is out of the group for good because of the case stays so: that row is kept.
    """
    await tx.execute(
        update(breach_cases)
        .where(_columns.id == case_id)
        .values(
            purged_at=now,
            accused=None,
            accused_ref=None,
            claimed_by=None,
            notice_channel_id=None,
            notice_message_id=None,
        )
    )
    await tx.execute(
        delete(suspensions).where(
            suspensions.c.case_id == case_id, suspensions.c.ended_at.is_not(None)
        )
    )
    await tx.execute(
        update(breach_decisions).where(breach_decisions.c.case_id == case_id).values(appeal_of=None)
    )
    # Of a report that was merged into this case, the memory of who looked may stand in the other.
    reports = select(breach_reports.c.id).where(breach_reports.c.case_id == case_id)
    await tx.execute(delete(case_access).where(case_access.c.report_id.in_(reports)))
    for table in (
        breach_calls,
        breach_evidence,
        breach_letters,
        case_access,
        breach_timeline,
        breach_decisions,
        breach_recusals,
        case_reminders,
        breach_drafts,
        breach_reports,
    ):
        await tx.execute(delete(table).where(table.c.case_id == case_id))


async def move_parts(tx: Transaction, from_id: int, into_id: int) -> None:
    """Give the reports of one case, and whatever was written to its parties, to another.

    Its timeline, its decisions and the memory of who looked stay where they were.
    """
    for table in (breach_reports, breach_evidence, breach_letters):
        await tx.execute(update(table).where(table.c.case_id == from_id).values(case_id=into_id))
    known = select(breach_recusals.c.moderator_id).where(breach_recusals.c.case_id == into_id)
    await tx.execute(
        breach_recusals.insert().from_select(
            ["case_id", "moderator_id", "at"],
            select(literal(into_id), breach_recusals.c.moderator_id, breach_recusals.c.at).where(
                breach_recusals.c.case_id == from_id, breach_recusals.c.moderator_id.not_in(known)
            ),
        )
    )


async def count_outcomes(
    tx: Transaction,
    group_key: str,
    is_wanted: ColumnElement[bool],
    since: datetime,
    until: datetime,
) -> dict[tuple[str, str | None], int]:
    """How many cases were opened in a time, by state and outcome; merged ones count once.

    `is_wanted` is the condition for a case to be counted, as `bot.storage.case_lists` has it.
    """
    query = (
        select(_columns.state, _columns.outcome, func.count())
        .where(
            _columns.group_key == group_key,
            _columns.opened_at >= since,
            _columns.opened_at < until,
            _columns.merged_into.is_(None),
            is_wanted,
        )
        .group_by(_columns.state, _columns.outcome)
    )
    return {(state, outcome): n for state, outcome, n in await tx.execute(query)}
