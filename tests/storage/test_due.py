"""What the timer asks of a large record is answered by an index."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio
from sqlalchemy import event, insert

from bot.domain.agreements import Change, Duration, Method, RequestState
from bot.domain.reminders import DAY, WEEK
from bot.storage import removals, requests, signatures, tables, versions
from bot.storage.database import Database, Transaction
from bot.storage.removals import RemovalRule
from tests.factories import KEYS, NOW, make_agreement, publish

GROUP = "harbour-light"
PEOPLE = 4_000
DAYS = timedelta(days=1)
LATE = NOW + 360 * DAYS
LARGE = re.compile(r"SCAN (signatures|signature_requests|effects)")
RULE = RemovalRule(group_key=GROUP, after_days=30, neighbours=("other",))


async def _fill(database: Database) -> None:
    """Half of the people have signed, the others do not answer."""
    agreement = make_agreement(duration=Duration(text="For a year.", days=365))
    old = await publish(database, agreement=agreement)
    await publish(database, "other")
    changed = make_agreement(purpose="Other.", duration=agreement.duration)
    now = NOW + 350 * DAYS
    await publish(database, agreement=changed, change=Change.MATERIAL, now=now)
    people = range(1, PEOPLE + 1)
    asked = [
        {
            "id": who,
            "group_key": GROUP,
            "member_id": who,
            "state": RequestState.SIGNED if who % 2 else RequestState.SENT,
            "created_at": NOW,
            "sent_at": NOW,
            "version_id": old.id,
            "message_id": who,
        }
        for who in people
    ]
    signed = [
        {
            "group_key": GROUP,
            "request_id": who,
            "member_id": who,
            "version_id": old.id,
            "sha256": old.sha256,
            "receipt_number": str(who),
            "method": Method.BUTTON,
            "signed_at": NOW,
            "expires_at": NOW + 365 * DAYS,
            "reminded_before": None if who < 20 else 1,
        }
        for who in people
        if who % 2
    ]
    async with database.write() as tx:
        await tx.execute(insert(tables.signature_requests), asked)
        await tx.execute(insert(tables.signatures), signed)


async def _ask(tx: Transaction) -> None:
    for counting in await signatures.list_counting_texts(tx, GROUP, LATE):
        await signatures.list_ending(tx, counting, (14, 3, 1), LATE, 50)
    await requests.list_to_remind(tx, GROUP, (1, 3), LATE, 50, LATE - DAYS)
    for days in (WEEK, DAY):
        await removals.add_warnings(tx, RULE, days, LATE, 50)
    await removals.count_due(tx, RULE, LATE)
    await removals.count_recent(tx, GROUP, LATE - DAYS)
    await removals.add_removals(tx, RULE, LATE, agreed=False)
    await removals.is_silent(tx, RULE, 7)
    await removals.find_outlook(tx, RULE, LATE)
    in_force = await versions.get_in_force(tx, GROUP)
    await signatures.list_lapsed(tx, in_force, LATE, 50)


@pytest_asyncio.fixture
async def large(sqlite_url: str) -> AsyncIterator[Database]:
    """A large record on SQLite; PostgreSQL may rightly read a table of this size as a whole."""
    database = await Database.open(sqlite_url, KEYS)
    await _fill(database)
    yield database
    await database.close()


async def test_no_question_of_the_timer_reads_a_whole_large_table(large: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, many: object) -> None:
        if not many and re.search(r"signature_requests|signatures|effects", statement):
            asked.append((statement, values))

    async with large.write() as tx:
        event.listen(tx.sync_connection, "before_cursor_execute", note)
        await _ask(tx)
        event.remove(tx.sync_connection, "before_cursor_execute", note)
        scans: list[str] = []
        for statement, values in asked:
            plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [str(row["detail"]) for row in plan.mappings()]
            scans += [
                step
                for step in steps
                if re.match(r"SCAN (signatures|signature_requests|effects)", step)
            ]
    assert len(asked) >= 9
    assert scans == []
