"""What facilitators ask of a large group is answered from indexes, on both engines."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from benchmarks.crowd import GROUP, NOW, fill, member_of
from bot.domain.agreements import Standing
from bot.domain.retention import RetentionTerms
from bot.services import export, forewarning, overview, purging, records
from bot.storage import requests
from bot.storage.database import Database
from tests.factories import KEYS

MEMBERS = 3_000
SMALL = {"agreement_versions", "groups"}
"""Tables of a few rows, which may be read as a whole."""

LAST_ENTRY = "SELECT ledger_entries.position, ledger_entries.hash \nFROM ledger_entries ORDER BY"
"""Reads one row, from the end."""


async def look_around(database: Database) -> None:
    """All that list, check, overview and export ask."""
    for standing in (None, *Standing):
        await records.list_standings(database, GROUP, standing, 1, 10, NOW)
    await records.check_member(database, GROUP, member_of(7), NOW)
    await overview.look_over(database, GROUP, NOW)
    await export.write(database, GROUP, "csv", NOW, names={})


async def purge(database: Database) -> None:
    """All that is asked every day about what was kept for long enough, with much of it due."""
    for days in (900, 908):
        now = NOW + timedelta(days=days)
        await forewarning.warn(database, GROUP, RetentionTerms(), now)
        gone = await purging.purge(database, GROUP, RetentionTerms(), now, steps=1_000)
    assert gone.signatures
    assert gone.people


async def record(
    database: Database, work: Callable[[Database], Awaitable[None]] = look_around
) -> list[tuple[str, Any]]:
    """Every question that is asked for something."""
    asked: list[tuple[str, Any]] = []
    engine = database._engine.sync_engine

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    await work(database)
    event.remove(engine, "before_cursor_execute", note)
    return asked


async def explain(database: Database, statement: str, values: Any) -> list[str]:
    is_sqlite = database.dialect == "sqlite"
    word = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    async with database.read() as tx:
        if not is_sqlite:
            # Of a few thousand rows it would rather read all; not if that is so dear.
            await tx.execute(text("SET LOCAL enable_seqscan = off"))
        found: Any = await tx.exec_driver_sql(f"{word} {statement}", values)
        return [row[3] if is_sqlite else row[0] for row in found]


def scanned(line: str) -> str | None:
    """The table that a line of a plan reads from beginning to end."""
    found = re.search(r"(?:^SCAN(?! CONSTANT)|\bSeq Scan on) (\w+)", line)
    return found[1] if found else None


def test_a_scan_is_told_from_a_search() -> None:
    assert scanned("SCAN signatures USING COVERING INDEX ix") == "signatures"
    assert scanned("  ->  Parallel Seq Scan on signatures  (cost=0.00)") == "signatures"
    assert scanned("SEARCH signatures USING INDEX ix (member_id=?)") is None
    assert scanned("  ->  Index Only Scan using ix on signatures") is None


@pytest.mark.parametrize("work", [look_around, purge])
async def test_no_question_reads_a_large_table_from_end_to_end(
    database: Database, work: Callable[[Database], Awaitable[None]]
) -> None:
    async with database.write() as tx:
        await fill(tx, MEMBERS, MEMBERS)
    if database.dialect == "postgresql":
        async with database.write() as tx:
            await tx.execute(text("ANALYZE"))
    asked = await record(database, work)
    assert len(asked) > 30
    scans = [
        (statement, line)
        for statement, values in dict(asked).items()
        for line in await explain(database, statement, values)
        if scanned(line) not in {None, *SMALL} and not statement.startswith(LAST_ENTRY)
    ]
    assert scans == []


async def test_whoever_left_is_found_by_the_index_of_open_requests(database: Database) -> None:
    async with database.write() as tx:
        await fill(tx, MEMBERS, MEMBERS)
    if database.dialect == "postgresql":
        async with database.write() as tx:
            await tx.execute(text("ANALYZE"))
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, _many: bool) -> None:
        asked.append((statement, values))

    event.listen(database._engine.sync_engine, "before_cursor_execute", note)
    there = [member_of(number) for number in range(1, 100) if number != 50]
    ends = (member_of(0), member_of(99))
    later = NOW + timedelta(days=999)
    async with database.write() as tx:
        left = await requests.mark_absent(tx, GROUP, ends, there, later, later)
        assert set(left) <= {member_of(50)}
    event.remove(database._engine.sync_engine, "before_cursor_execute", note)
    (looking,) = [one for one in asked if "signature_requests.member_id >" in one[0]]
    plan = "\n".join(await explain(database, *looking))
    assert "uq_signature_requests_open" in plan


async def test_people_are_counted_from_the_index_alone(sqlite_url: str) -> None:
    # PostgreSQL does so too, when it has been vacuumed since the rows were written.
    database = await Database.open(sqlite_url, KEYS)
    async with database.write() as tx:
        await fill(tx, 100, 10)
    asked = dict(await record(database))
    counting = [one for one in asked.items() if "GROUP BY signature_requests.state" in one[0]]
    assert counting
    for statement, values in counting:
        plan = "\n".join(await explain(database, statement, values))
        assert "COVERING INDEX ix_signature_requests_standing" in plan
    await database.close()
