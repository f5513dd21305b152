"""Reminds whoever looks after a case that it waits, before a limit and at it."""

from datetime import datetime

from bot.domain.breaches import BreachCase, CaseClocks, CaseEvent, Side
from bot.domain.case_clocks import Stage, limits_of
from bot.domain.effects import Facts, Report
from bot.domain.entitlement import Handlers
from bot.services import outbox
from bot.services.cases import calling
from bot.services.cases.opening import Desk, read_offices
from bot.storage import case_upkeep, cases
from bot.storage.database import Database, Transaction

CASES_PER_RUN = 100


async def remind(database: Database, desk: Desk, clocks: CaseClocks, now: datetime) -> int:
    """Tell the channel of each limit that is near or over, once before it and once at it.

    What was handled meanwhile is not told of. After an absence only the limit is told of, not
    that it is near. Where no moderator is left to take a case, the channel hears nothing: those who
    read it have a part in it. Then whoever has come into their place is told privately.

    Args:
        database: the open database.
        desk: the group.
        clocks: the times the group has set.
        now: the current instant.

    Returns:
        How many reminders there are to send.
    """
    reminded, after = 0, 0
    while True:
        async with database.read() as tx:
            page = await case_upkeep.list_running(tx, desk.group_key, after, CASES_PER_RUN)
            due = [case for case in page if await _is_due(tx, case, clocks, now)]
        for case in due:
            async with database.write() as tx:
                newest = await cases.get(tx, case.id)
                handlers, _ = await calling.whose(tx, newest, await read_offices(tx, desk))
                if handlers is not Handlers.NOBODY:
                    reminded += await _remind(tx, newest, handlers, clocks, now)
        if len(page) < CASES_PER_RUN:
            return reminded
        after = page[-1].case_number


async def _is_due(tx: Transaction, case: BreachCase, clocks: CaseClocks, now: datetime) -> bool:
    waiting = await case_upkeep.read_waiting(tx, case.id)
    return any(limit.stage(now) for limit in limits_of(case, waiting, clocks))


async def _remind(
    tx: Transaction, case: BreachCase, handlers: Handlers, clocks: CaseClocks, now: datetime
) -> int:
    reminded = 0
    for limit in limits_of(case, await case_upkeep.read_waiting(tx, case.id), clocks):
        stage = limit.stage(now)
        if stage is None or not await case_upkeep.add_reminder(tx, case.id, limit, stage, now):
            continue
        reminded += 1
        facts: Facts = {
            "case": case.case_number,
            "clock": limit.clock,
            "stage": stage,
            "due_at": limit.due_at.isoformat(),
        }
        if handlers is Handlers.MODERATORS:
            await outbox.report_in(tx, case.group_key, Report.CASE_DUE, facts, now)
        else:
            await calling.remind_in(tx, case, facts, now)
        if stage is Stage.AT:
            await cases.add_step(tx, case, CaseEvent.REMINDED, Side.PLEDGE, now, text=limit.clock)
            await cases.request_notice(tx, case, now)
    return reminded
