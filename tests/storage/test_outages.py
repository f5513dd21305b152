"""A full disk, a read-only one, a server that goes away: nothing is half done, and it mends."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from bot.domain.errors import RecordUnavailableError, RecordUncertainError, StorageError
from bot.services import alarms
from bot.storage import database as database_module
from bot.storage import versions
from bot.storage.database import Database
from tests.conftest import _administer, _database_url
from tests.connections import is_open
from tests.factories import KEYS
from tests.storage.test_alone import kill_connections

ROOT = Path(__file__).resolve().parents[2]
on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"])


def open_with(monkeypatch: pytest.MonkeyPatch, pragma: Callable[[Any], str]) -> None:
    """Every connection to an SQLite file that is opened from now on gets this pragma."""
    original = database_module._open_file

    def open_file(*args: Any) -> Any:
        connection = original(*args)
        connection.execute(f"PRAGMA {pragma(connection)}").fetchall()
        return connection

    monkeypatch.setattr(database_module, "_open_file", open_file)


async def put(database: Database, name: str, size: int = 1) -> None:
    async with database.write() as tx:
        await versions.put_mark(tx, name, "x" * size)


async def names(database: Database) -> set[str]:
    async with database.read() as tx:
        return set((await tx.execute(text("SELECT name FROM marks"))).scalars())


async def test_connection_in_use_is_closed_when_all_others_were_thrown_away(
    database: Database,
) -> None:
    async with database.read() as tx:
        used: Any = (await tx.get_raw_connection()).driver_connection
        await tx.execute(text("SELECT name FROM marks"))
        await database.reconnect()
        await tx.execute(text("SELECT name FROM marks"))
    assert not is_open(used)
    assert await names(database) == set()


async def test_transaction_that_does_not_fit_leaves_nothing_behind(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    noticed: list[StorageError] = []
    database.on_outage = noticed.append
    await put(database, "before")
    with monkeypatch.context() as full:
        open_with(
            full, lambda c: f"max_page_count = {c.execute('PRAGMA page_count').fetchone()[0]}"
        )
        await database.reconnect()

        with pytest.raises(RecordUnavailableError, match="SQLITE_FULL") as caught:
            async with database.write() as tx:
                await versions.put_mark(tx, "small", "x")
                await versions.put_mark(tx, "large", "x" * 100_000)
        with pytest.raises(RecordUnavailableError):
            await alarms.try_to_write(database)
        assert await names(database) == {"before"}
    await database.reconnect()

    assert not isinstance(caught.value, RecordUncertainError)
    assert len(noticed) == 2
    await alarms.try_to_write(database)
    assert await names(database) == {"before", alarms.TRIAL}
    await database.close()


async def test_read_only_disk_is_an_outage(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    with monkeypatch.context() as read_only:
        open_with(read_only, lambda _connection: "query_only = ON")
        await database.reconnect()
        with pytest.raises(RecordUnavailableError, match="SQLITE_READONLY"):
            await put(database, "lost")
    await database.reconnect()

    await put(database, "kept")
    assert await names(database) == {"kept"}
    await database.close()


FULL_DISK = """
import asyncio, resource, sys
from bot.domain.errors import RecordUnavailableError
from bot.storage import versions
from bot.storage.database import Database
from tests.factories import KEYS
from tests.storage.test_alone import kill_connections

async def main(url):
    database = await Database.open(url, KEYS)
    told, kept = [], []
    database.on_outage = told.append

    async def put(name):
        try:
            async with database.write() as tx:
                await versions.put_mark(tx, name, "x" * 2000)
        except RecordUnavailableError:
            return
        kept.append(name)

    await put("first")
    # No file may grow beyond what the write-ahead log has now: the system itself says no.
    size = 150_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    for number in range(60):
        await put(f"full {number}")
    assert len(told) > 10, told
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await database.reconnect()
    await put("last")
    await database.close()
    print("\\n".join(kept))

asyncio.run(main(sys.argv[1]))
"""


async def test_everything_acknowledged_is_there_after_the_system_refused_to_write(
    sqlite_url: str,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FULL_DISK, sqlite_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    kept = output.decode().splitlines()
    assert kept[0] == "first"
    assert kept[-1] == "last"
    assert len(kept) < 60

    database = await Database.open(sqlite_url, KEYS)
    assert await names(database) == set(kept)
    async with database.read() as tx:
        assert (await tx.execute(text("PRAGMA integrity_check"))).scalar_one() == "ok"
    await database.close()


@on_postgresql
async def test_lost_connection_to_the_server_is_an_outage_and_passes(
    database: Database, database_url: str
) -> None:
    with pytest.raises(RecordUnavailableError):
        async with database.write() as tx:
            await versions.put_mark(tx, "lost", "x")
            await kill_connections(database_url)
            await versions.put_mark(tx, "lost, too", "x")

    await put(database, "kept")
    assert await names(database) == {"kept"}


@on_postgresql
async def test_nobody_knows_what_became_of_a_commit_without_an_answer(
    database: Database, database_url: str
) -> None:
    with pytest.raises(RecordUncertainError):
        async with database.write() as tx:
            await versions.put_mark(tx, "maybe", "x")
            await kill_connections(database_url)

    await put(database, "kept")
    assert "kept" in await names(database)


@on_postgresql
async def test_server_that_became_read_only_is_an_outage_until_it_is_not(
    database: Database, postgres_server: str, database_url: str
) -> None:
    name = make_url(database_url).database
    await _administer(postgres_server, f"ALTER DATABASE {name} SET transaction_read_only = on")
    await _administer(
        postgres_server, f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    )
    await database.reconnect()
    with pytest.raises(RecordUnavailableError, match="25006"):
        await put(database, "lost")

    await _administer(postgres_server, f"ALTER DATABASE {name} RESET ALL")
    await database.reconnect()
    await put(database, "kept")
    assert await names(database) == {"kept"}


async def test_fault_of_ours_is_no_outage(database: Database) -> None:
    noticed: list[StorageError] = []
    database.on_outage = noticed.append
    with pytest.raises((OperationalError, ProgrammingError)):
        async with database.write() as tx:
            await tx.execute(text("SELECT * FROM nowhere"))
    with pytest.raises(IntegrityError):
        async with database.write() as tx:
            await tx.execute(text("INSERT INTO marks (name) VALUES ('a')"))
    assert noticed == []


async def test_server_that_is_down_at_the_start_may_be_there_later(postgres_server: str) -> None:
    with pytest.raises(RecordUnavailableError, match="cannot be opened"):
        await Database.open("postgresql://pledge@127.0.0.1:1/pledge", KEYS)
    # One that is there and has no such database is the operator's to mend.
    with pytest.raises(StorageError, match="does not exist") as caught:
        await Database.open(_database_url(postgres_server, "nowhere"), KEYS)
    assert not isinstance(caught.value, RecordUnavailableError)
