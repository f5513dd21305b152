"""Opening the database: what is refused, what is encrypted, and what a crash leaves."""

import asyncio
import base64
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain.errors import StorageError
from bot.keys import Keyring
from bot.storage import migrations, versions
from bot.storage.database import Database, sqlcipher
from tests.factories import KEY, KEYS

ROOT = Path(__file__).parents[2]
OTHER_KEYS = Keyring(base64.urlsafe_b64encode(b"another key for tests, 32 bytes!").decode())
MARKER = "marigold-lantern-harbour"

WRITE_AND_DIE = f"""
import asyncio, os, signal, sys
from bot.keys import Keyring
from bot.storage import versions
from bot.storage.database import Database

async def main() -> None:
    database = await Database.open(sys.argv[1], Keyring({KEY!r}))
    async with database.write() as tx:
        await versions.put_mark(tx, "acknowledged", {MARKER!r})
    print("committed", flush=True)
    async with database.write() as tx:
        await versions.put_mark(tx, "unfinished", {MARKER!r})
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def contents(url: str) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of change of everything beside the database, without the index of the WAL."""
    folder = Path(url.removeprefix("sqlite:///")).parent
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith("-shm")
    }


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def refusal_of(url: str, keys: Keyring = KEYS) -> str:
    with pytest.raises(StorageError) as caught:
        await Database.open(url, keys)
    message = str(caught.value)
    assert "\n" not in message
    return message


async def read_marks(url: str) -> set[str]:
    database = await Database.open(url, KEYS)
    async with database.read() as tx:
        marks = set((await tx.execute(text("SELECT name FROM marks"))).scalars())
    await database.close()
    return marks


@pytest.fixture(params=["with -shm", "without -shm"])
def killed_url(sqlite_url: str, request: pytest.FixtureRequest) -> str:
    """A database whose program was killed in the middle of its second transaction."""
    killed = subprocess.run(
        [sys.executable, "-c", WRITE_AND_DIE, sqlite_url],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "committed\n"), killed.stderr
    if request.param == "without -shm":
        # As after a restart of the machine, or when both files were copied to another one.
        Path(f"{sqlite_url.removeprefix('sqlite:///')}-shm").unlink()
    return sqlite_url


# Refusals ----------------------------------------------------------------------------------------


async def test_file_is_left_alone_when_the_key_is_wrong(sqlite_url: str) -> None:
    before = contents(sqlite_url)
    message = await refusal_of(sqlite_url, OTHER_KEYS)
    assert "PLEDGE_KEY does not open this file" in message
    assert contents(sqlite_url) == before
    assert set(before) == {"pledge.db"}


@pytest.mark.parametrize("journal", ["delete", "wal"])
async def test_plain_file_is_left_alone_when_it_is_taken_for_ours(
    tmp_path: Path, journal: str
) -> None:
    plain = sqlite3.connect(tmp_path / "plain.db")
    plain.execute(f"PRAGMA journal_mode = {journal}")
    plain.execute("CREATE TABLE people (name TEXT)")
    plain.close()
    url = f"sqlite:///{tmp_path}/plain.db"
    before = contents(url)
    assert "PLEDGE_KEY does not open this file" in await refusal_of(url)
    assert contents(url) == before
    assert set(before) == {"plain.db"}


@pytest.mark.parametrize("raw", [b"xy", b"SQLite format 3\0" + b"x" * 5_000, b"garbage" * 2_000])
async def test_file_is_left_alone_when_it_is_no_database(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "notes.txt").write_bytes(raw)
    url = f"sqlite:///{tmp_path}/notes.txt"
    before = contents(url)
    assert "PLEDGE_KEY does not open this file" in await refusal_of(url)
    assert contents(url) == before


async def test_file_is_left_alone_when_a_newer_pledge_made_it(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, KEYS)
    async with database.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    before = contents(sqlite_url)
    message = await refusal_of(sqlite_url)
    assert "last used by a newer version of Pledge" in message
    assert contents(sqlite_url) == before


async def test_path_is_refused_with_the_reason_when_no_file_can_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert "Is a directory" in await refusal_of(f"sqlite:///{tmp_path}")
    assert "Not a directory" in await refusal_of(f"sqlite:///{tmp_path}/file/pledge.db")
    assert "needs a path to a file" in await refusal_of("sqlite://")


# What lies on the disk ---------------------------------------------------------------------------


async def test_disk_holds_nothing_readable_after_writes(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/pledge.db", KEYS)
    async with database.write() as tx:
        await versions.put_mark(tx, "marker", MARKER)
        await tx.execute(text("CREATE TABLE tansy (a TEXT) STRICT"))
    files = files_in(tmp_path)
    await database.close()
    files["closed"] = files_in(tmp_path)["pledge.db"]

    assert set(files) == {"pledge.db", "pledge.db-wal", "pledge.db-shm", "closed"}
    assert len(files["pledge.db-wal"]) > 4_096
    for name, raw in files.items():
        for word in (MARKER, "tansy", "signatures", "CREATE", "SQLite format"):
            assert word.encode() not in raw, (name, word)


async def test_files_belong_to_the_owner_alone(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        database = await Database.open(f"sqlite:///{tmp_path}/data/pledge.db", KEYS)
    finally:
        os.umask(umask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    await database.close()
    assert modes == {"pledge.db": 0o600, "pledge.db-wal": 0o600, "pledge.db-shm": 0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


async def test_path_may_hold_characters_that_mean_something_in_addresses(tmp_path: Path) -> None:
    path = tmp_path / "100% ü#1 & co" / "pledge.db"
    await (await Database.open(f"sqlite:///{path}", KEYS)).close()
    assert [file.name for file in path.parent.iterdir()] == ["pledge.db"]
    assert await read_marks(f"sqlite:///{path}") == set()


async def test_database_that_is_up_to_date_is_not_changed_when_opened(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(sqlite_url)
    monkeypatch.delattr(migrations.command, "upgrade")
    await (await Database.open(sqlite_url, KEYS)).close()
    assert contents(sqlite_url) == before


async def test_several_programs_can_write_to_one_database(sqlite_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(sqlite_url, KEYS) for _ in range(4)))
    for number, database in enumerate(opened):
        async with database.write() as tx:
            await versions.put_mark(tx, f"mark {number}", "there")
    for database in opened:
        await database.close()
    assert len(await read_marks(sqlite_url)) == 4


# Crashes -----------------------------------------------------------------------------------------


async def test_what_was_acknowledged_is_there_after_the_program_was_killed(killed_url: str) -> None:
    assert await read_marks(killed_url) == {"acknowledged"}


async def test_nothing_is_touched_by_a_wrong_key_after_the_program_was_killed(
    killed_url: str,
) -> None:
    before = contents(killed_url)
    assert set(before) == {"pledge.db", "pledge.db-wal"}
    assert "The file was not changed." in await refusal_of(killed_url, OTHER_KEYS)
    assert contents(killed_url) == before
    assert await read_marks(killed_url) == {"acknowledged"}


# The settings the rules ask for ------------------------------------------------------------------


async def test_every_connection_has_the_settings_that_keep_the_record_safe(
    sqlite_url: str,
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "secure_delete": 1,
        "temp_store": 2,
        "busy_timeout": 10_000,
        "cache_size": -16_384,
    }
    # Three at once, so that they are three connections.
    async with database.write() as one, database.read() as two, database.read() as three:
        for connection in (one, two, three):
            found = {
                name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in wanted
            }
            assert found == wanted
    await database.close()


async def test_the_connection_that_was_used_last_is_used_next(sqlite_url: str) -> None:
    # It has in memory what it has read of the file; the others would have to decrypt it again.
    database = await Database.open(sqlite_url, KEYS)
    made = set[Any]()
    async with database.read(), database.read():
        pass
    for _ in range(3):
        async with database.read() as tx:
            made.add((await tx.get_raw_connection()).driver_connection)
    assert len(made) == 1
    await database.close()


def test_sqlite_is_free_of_the_fault_that_damages_files_with_several_writers() -> None:
    assert sqlcipher.sqlite_version_info >= (3, 51, 3)
