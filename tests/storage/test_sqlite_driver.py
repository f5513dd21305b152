"""How statements get to the thread of an SQLite connection, and what becomes of a broken trip."""

import asyncio
import sys
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

ROOT = Path(__file__).parents[2]
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


async def test_connection_that_was_told_to_stop_can_be_closed(tmp_path: Path) -> None:
    # As SQLAlchemy does it when the closing is cancelled, while that goes on behind a shield.
    connection = Connection(lambda: connect_file(tmp_path / "a.db", KEYS, "rwc"), iter_chunk_size=1)
    await connection
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    await asyncio.wait_for(closing, 60)
    await connection.wait_for_end(60)
    assert not connection._thread.is_alive()


GIVEN_UP = """
import asyncio, gc, random, sys
from bot.storage import versions
from bot.storage.database import Database
from tests.connections import take_open
from tests.factories import KEYS

async def main(url, dice):
    database = await Database.open(url, KEYS)

    async def work(transaction):
        while True:
            async with transaction() as tx:
                await versions.find_mark(tx, "mark")

    tasks = [asyncio.create_task(work(kind)) for kind in (database.read, database.write) * 2]
    await asyncio.sleep(dice.random() * 0.02)
    if dice.random() < 0.3:
        await database.reconnect()
        await asyncio.sleep(dice.random() * 0.002)
    for task in tasks:
        task.cancel()
    if dice.random() < 0.5:
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
    if dice.random() < 0.5:
        await asyncio.wait(tasks)
    await database.close()

for seed in range(40):
    asyncio.run(main(sys.argv[1], random.Random(seed)))
    assert take_open() == [], seed
    gc.collect()
"""


async def test_nothing_is_left_over_when_everything_in_hand_is_given_up_at_the_end(
    sqlite_url: str,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", GIVEN_UP, sqlite_url),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaints = await asyncio.wait_for(process.communicate(), 120)
    finally:
        if process.returncode is None:
            process.kill()
    assert complaints.decode() == ""
    assert process.returncode == 0
