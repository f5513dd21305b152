"""How statements get to the thread of an SQLite connection, and what becomes of a broken trip."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, make_url, select, update
from sqlalchemy.exc import IntegrityError

from bot.storage.database import Database, connect_file
from bot.storage.sqlite_driver import Connection
from bot.storage.tables import marks
from tests.factories import KEYS

ROWS = [{"name": name, "value": "x"} for name in ("one", "two", "three")]


@pytest.fixture
async def file(sqlite_url: str) -> AsyncIterator[Database]:
    database = await Database.open(sqlite_url, KEYS)
    yield database
    await database.close()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the thread was asked to do, in order."""
    asked: list[str] = []
    original = Connection._execute

    async def execute(self: Connection, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        asked.append(str(args[1]).split()[0] if len(args) > 1 else fn.__name__)
        return await original(self, fn, *args, **options)

    monkeypatch.setattr(Connection, "_execute", execute)
    return asked


async def names(database: Database) -> list[str]:
    async with database.read() as tx:
        return list((await tx.execute(select(marks.c.name).order_by(marks.c.name))).scalars())


async def test_statement_with_all_its_rows_is_one_trip(file: Database, trips: list[str]) -> None:
    assert await names(file) == []
    assert trips == ["BEGIN", "SELECT", "commit"]


async def test_many_rows_are_written_in_one_trip_and_counted(
    file: Database, trips: list[str]
) -> None:
    async with file.write() as tx:
        await tx.execute(insert(marks), ROWS)
        changed = await tx.execute(update(marks).where(marks.c.name != "one").values(value="y"))
        assert changed.rowcount == 2
        gone = await tx.execute(marks.delete().where(marks.c.name == "two").returning(marks.c.name))
        assert gone.scalars().all() == ["two"]
    assert trips == ["BEGIN", "INSERT", "UPDATE", "DELETE", "commit"]
    assert await names(file) == ["one", "three"]


async def test_refused_statement_leaves_nothing_behind(file: Database, trips: list[str]) -> None:
    with pytest.raises(IntegrityError):
        async with file.write() as tx:
            await tx.execute(insert(marks), ROWS[:1])
            await tx.execute(insert(marks), ROWS[:1])
    assert trips[-1] == "rollback"
    assert await names(file) == []


async def test_rows_of_a_stream_come_little_by_little(file: Database) -> None:
    async with file.write() as tx:
        await tx.execute(insert(marks), ROWS)
    async with file.read() as tx:
        found = await tx.stream(select(marks.c.name).order_by(marks.c.name))
        assert [row.name async for row in found] == ["one", "three", "two"]


async def test_transaction_given_up_while_it_waits_for_the_file_is_not_left_open(
    file: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connect_file(Path(make_url(sqlite_url).database or ""), KEYS, "rw")
    other.execute("BEGIN IMMEDIATE")
    original, waits = Connection.run, asyncio.Event()

    async def run(self: Connection, *arguments: Any) -> Any:
        waits.set()
        return await original(self, *arguments)

    monkeypatch.setattr(Connection, "run", run)

    async def write() -> None:
        async with file.write() as tx:
            await tx.execute(insert(marks), ROWS)

    giving_up = asyncio.create_task(write())
    await waits.wait()
    giving_up.cancel()
    await asyncio.wait([giving_up], timeout=0)
    other.execute("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await giving_up
    # Nobody holds the file now, and nothing was written.
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()
    assert await names(file) == []
    async with file.write() as tx:
        await tx.execute(insert(marks), ROWS)
    assert len(await names(file)) == len(ROWS)


async def test_rollback_comes_after_a_trip_that_nobody_waits_for_any_more(tmp_path: Path) -> None:
    connection = Connection(lambda: connect_file(tmp_path / "a.db", KEYS, "rwc"), iter_chunk_size=1)
    await connection
    may_begin = threading.Event()

    def begin() -> None:
        may_begin.wait()
        connection._conn.execute("BEGIN")

    trip = asyncio.create_task(connection._execute(begin))
    await asyncio.wait([trip], timeout=0)
    trip.cancel()
    rollback = asyncio.create_task(connection.rollback())
    await asyncio.wait([trip, rollback], timeout=0)
    may_begin.set()
    await rollback
    await connection._execute(lambda: None)
    assert not connection.in_transaction
    await connection.close()
