"""How long closed cases are kept: a warning first, then only a stub without anybody in it."""

from datetime import datetime, timedelta

from bot.domain.breaches import BreachCase, CaseEvent, CaseState, Side
from bot.domain.case_clocks import LONGEST_EXTENSION, WARNED_BEFORE_PURGE, purge_at
from bot.domain.effects import Facts, Report
from bot.domain.entitlement import Act, Viewer
from bot.domain.errors import CaseStateError
from bot.domain.ledger import LedgerKind
from bot.services import outbox
from bot.services.cases.opening import Desk, open_case
from bot.storage import case_upkeep, cases, ledger
from bot.storage.database import Database, Transaction

CASES_PER_RUN = 50


async def warn_of_purge(database: Database, group_key: str, kept: timedelta, now: datetime) -> int:
    """Tell the channel of the cases that go in two weeks, once for each.

    Args:
        database: the open database.
        group_key: the group.
        kept: how long a case is kept after it was closed.
        now: the current instant.

    Returns:
        How many cases it is told of.
    """
    async with database.write() as tx:
        closed_before = now - max(kept - WARNED_BEFORE_PURGE, timedelta())
        found = await case_upkeep.list_closed(
            tx, group_key, closed_before, now, CASES_PER_RUN, warned_before=None
        )
        for case in found:
            await cases.mark(tx, case.id, purge_warned_at=now)
        if found:
            goes_at = max(
                now + WARNED_BEFORE_PURGE, *(purge_at(case, kept) or now for case in found)
            )
            facts: Facts = {
                "cases": ", ".join(f"#{case.case_number}" for case in found),
                "count": len(found),
                "goes_at": goes_at.isoformat(),
            }
            await outbox.report_in(tx, group_key, Report.CASES_END, facts, now)
        return len(found)


async def purge_due(database: Database, group_key: str, kept: timedelta, now: datetime) -> int:
    """Destroy what was kept for long enough, each case in a transaction of its own.

    Nothing goes that the channel was not warned of two weeks before.

    Returns:
        How many cases are a stub from now on.
    """
    async with database.read() as tx:
        found = await case_upkeep.list_closed(
            tx,
            group_key,
            now - kept,
            now,
            CASES_PER_RUN,
            warned_before=now - WARNED_BEFORE_PURGE,
        )
    for case in found:
        async with database.write() as tx:
            await purge(tx, case, now)
    return len(found)


async def purge(tx: Transaction, case: BreachCase, now: datetime) -> None:
    """Make a stub of a case, and of those that were merged into it."""
    for merged in await cases.list_merged(tx, case):
        await case_upkeep.purge(tx, merged, now)
    await case_upkeep.purge(tx, case.id, now)
    facts = {"case": case.case_number, "step": "purged", "side": Side.PLEDGE, "at": now}
    await ledger.append(tx, case.group_key, LedgerKind.CASE, facts, now)


async def extend(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    until: datetime,
    reason: str,
    now: datetime,
) -> datetime:
    """Keep a closed case for longer, for a reason that stands in its timeline.

    Args:
        database: the open database.
        desk: the group.
        viewer: who wants to.
        case_number: the case.
        until: at least until when; not more than a year from now.
        reason: in their words.
        now: the current instant.

    Returns:
        Until when it is kept now.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is not closed, or was merged into another, with which it goes.
    """
    async with database.write() as tx:
        case = (await open_case(tx, desk, case_number, viewer, Act.EXTEND)).case
        is_over = case.purged_at is not None or case.merged_into is not None
        if case.state is not CaseState.CLOSED or is_over:
            raise CaseStateError
        kept_until = min(until, now + LONGEST_EXTENSION)
        # Before its new end it is warned of once more.
        await cases.mark(tx, case.id, kept_until=kept_until, purge_warned_at=None)
        await cases.add_step(
            tx,
            case,
            CaseEvent.RETENTION_EXTENDED,
            Side.MODERATOR,
            now,
            actor_id=viewer.member_id,
            text=reason,
        )
        return kept_until
