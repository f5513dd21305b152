"""One process per database, whatever happens to the lock."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import make_url, text

from bot.domain.errors import InUseError, StorageError
from bot.storage import versions
from bot.storage.alone import lock_path
from bot.storage.database import Database
from tests.conftest import _administer
from tests.factories import KEYS

ROOT = Path(__file__).resolve().parents[2]
on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"])

HOLD = """
import asyncio, sys
from bot.storage.database import Database
from tests.factories import KEYS

async def main():
    database = await Database.open(sys.argv[1], KEYS)
    await database.hold_alone()
    print("held", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def second(database: Database, database_url: str) -> AsyncIterator[Database]:
    """Another process, as far as the database can see."""
    second = await Database.open(database_url, KEYS)
    yield second
    await second.close()


def path_of(url: str) -> Path:
    return Path(make_url(url).database or "")


async def put(database: Database, name: str) -> None:
    async with database.write() as tx:
        await versions.put_mark(tx, name, "x")


async def test_process_that_was_killed_leaves_no_lock(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, database_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    database = await Database.open(database_url, KEYS)
    with pytest.raises(InUseError):
        await database.hold_alone()
    process.kill()
    await process.wait()
    for _ in range(100):  # PostgreSQL needs a moment to see that its client is gone
        try:
            await database.hold_alone()
        except InUseError:
            async with database.read() as tx:
                await tx.execute(text("SELECT 1"))
            continue
        break
    await put(database, "ours now")
    await database.close()


async def test_lock_file_of_another_time_means_nothing(sqlite_url: str) -> None:
    lock_path(path_of(sqlite_url)).write_text("12345\n", encoding="utf-8")
    database = await Database.open(sqlite_url, KEYS)
    await database.hold_alone()
    await put(database, "ours")
    await database.close()


async def test_deleted_lock_file_lets_nobody_else_in_for_long(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, KEYS)
    await database.hold_alone()
    lock_path(path_of(sqlite_url)).unlink()

    await put(database, "ours")

    second = await Database.open(sqlite_url, KEYS)
    with pytest.raises(InUseError):
        await second.hold_alone()
    await second.close()
    await database.close()


async def test_process_that_lost_its_lock_file_to_another_writes_no_more(sqlite_url: str) -> None:
    noticed: list[StorageError] = []
    database = await Database.open(sqlite_url, KEYS)
    database.on_outage = noticed.append
    await database.hold_alone()
    lock_path(path_of(sqlite_url)).unlink()
    second = await Database.open(sqlite_url, KEYS)
    await second.hold_alone()

    with pytest.raises(InUseError):
        await put(database, "not ours any more")

    assert [type(error) for error in noticed] == [InUseError]
    await put(second, "theirs")
    await database.close()
    await second.close()


async def test_other_name_of_the_same_file_is_the_same_database(
    sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "link.db").symlink_to(path_of(sqlite_url))
    database = await Database.open(sqlite_url, KEYS)
    await database.hold_alone()
    second = await Database.open(f"sqlite:///{tmp_path}/link.db", KEYS)
    with pytest.raises(InUseError):
        await second.hold_alone()
    await second.close()
    await database.close()


FORK = """
import asyncio, os, sys, time
from bot.storage.alone import FileLock
from pathlib import Path

async def main(path):
    lock = FileLock(path)
    await lock.make_sure()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(1)
        time.sleep(60)
        os._exit(0)
    print(child, flush=True)
    os._exit(0)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_child_that_outlives_the_process_does_not_keep_the_lock(sqlite_url: str) -> None:
    path = path_of(sqlite_url)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FORK, str(path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await parent.communicate()
    child = int(output)
    try:
        os.kill(child, 0)
        database = await Database.open(sqlite_url, KEYS)
        await database.hold_alone()
        await database.close()
    finally:
        os.kill(child, signal.SIGKILL)


async def kill_connections(database_url: str) -> None:
    """End every connection to this database, as a restarted server does."""
    await _administer(
        database_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


@on_postgresql
async def test_lost_lock_is_taken_again_before_anything_is_written(
    database: Database, second: Database, database_url: str
) -> None:
    await database.hold_alone()
    await kill_connections(database_url)

    await put(database, "ours")

    with pytest.raises(InUseError):
        await second.hold_alone()


@on_postgresql
async def test_process_whose_lock_another_took_meanwhile_writes_no_more(
    database: Database, second: Database, database_url: str
) -> None:
    noticed: list[StorageError] = []
    database.on_outage = noticed.append
    await database.hold_alone()
    await kill_connections(database_url)
    await second.hold_alone()

    with pytest.raises(InUseError):
        await put(database, "not ours any more")

    assert [type(error) for error in noticed] == [InUseError]
    async with second.read() as tx:
        found = await tx.execute(text("SELECT count(*) FROM marks"))
        assert found.scalar_one() == 0


async def test_copy_of_a_database_is_another_database(sqlite_url: str, tmp_path: Path) -> None:
    database = await Database.open(sqlite_url, KEYS)
    await database.hold_alone()
    shutil.copy(path_of(sqlite_url), tmp_path / "copy.db")
    second = await Database.open(f"sqlite:///{tmp_path}/copy.db", KEYS)
    await second.hold_alone()
    await second.close()
    await database.close()
