"""Copies of a whole database: exact, of one moment, encrypted, and checked."""

import asyncio
import os
import shutil
import sqlite3
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.domain.effects import EffectKind
from bot.domain.errors import NoDatabaseError, StorageError
from bot.services import backup as service
from bot.services import signing
from bot.storage import backup, backup_file, migrations, versions
from bot.storage.database import Database
from bot.storage.tables import agreement_versions, metadata
from tests.conftest import _administer, _database_url
from tests.factories import KEYS, NOW, make_agreement, publish
from tests.storage.rows import (
    MARKER,
    files_in,
    fill,
    make_old,
    nobody,
    path_of,
    read_all,
    read_revision,
)
from tests.storage.test_database import OTHER_KEYS

GROUP = "harbour-light"
OTHER_TEXT = make_agreement(title="Another one")
COMMITS = 15
WORDS = (MARKER, "signatures", "CREATE TABLE", "SQLite format")


async def save(url: str, file: Path) -> service.Saved:
    return await service.save(url, KEYS, file, NOW, nobody)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where backups go, apart from the database."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with tables, on each engine in turn."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "target.db")
        yield f"sqlite:///{tmp_path}/target.db"
        return
    server = request.getfixturevalue("postgres_server")
    name, template = f"pledge_{uuid.uuid4().hex}", request.getfixturevalue("postgres_template")
    asyncio.run(_administer(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _database_url(server, name)
    asyncio.run(_administer(server, f"DROP DATABASE {name} WITH (FORCE)"))


# Rows --------------------------------------------------------------------------------------------


async def test_the_awkward_rows_leave_no_column_and_no_gap_untried(database: Database) -> None:
    await fill(database)
    rows = await read_all(database)
    for table in metadata.sorted_tables:
        for column in table.columns:
            values = [row[column.name] for row in rows[table.name]]
            assert any(value is not None for value in values), column
            assert any(value is None for value in values) is column.nullable, column


async def test_every_value_is_the_same_when_rows_go_from_engine_to_engine(
    database: Database, target_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "BATCH", 1)
    await fill(database)
    target = await Database.open(target_url, KEYS)
    told: list[tuple[int, int]] = []
    async with database.read() as source, target.write() as tx:
        counts = await backup.copy_rows(source, tx, lambda done, total: told.append((done, total)))
    expected = await read_all(database)
    assert await read_all(target) == expected
    assert counts == dict.fromkeys(expected, 2)
    assert told[-1] == (2 * len(expected), 2 * len(expected))
    await target.close()


async def test_what_somebody_signed_last_is_the_same_after_a_copy(
    database: Database, target_url: str
) -> None:
    await publish(database)
    for _ in range(2):
        await _sign_on(database, 41)
        await signing.withdraw(database, GROUP, 41, NOW)
    await _sign_on(database, 41)
    await _sign_on(database, 42)
    target = await Database.open(target_url, KEYS)
    async with database.read() as source, target.write() as tx:
        await backup.copy_rows(source, tx, nobody)
    expected, copied = await read_all(database), await read_all(target)
    assert copied == expected
    newest = {row["member_id"]: row["id"] for row in expected["signatures"]}
    assert {row["member_id"]: row["newest_id"] for row in copied["signature_requests"]} == newest
    # And it is kept up there as it was before.
    await signing.withdraw(target, GROUP, 42, NOW)
    requests = (await read_all(target))["signature_requests"]
    ends = {row["member_id"]: row["newest_end"] for row in requests}
    assert (ends[41], ends[42]) == (None, "withdrawn")
    await target.close()


async def test_row_numbers_go_on_where_they_were_when_rows_are_copied(
    database: Database, target_url: str
) -> None:
    await publish(database)
    async with database.write() as tx:
        # Numbers of rows that are gone are not given again either.
        await versions.put_draft(tx, GROUP, OTHER_TEXT, NOW)
        await versions.delete_draft(tx, GROUP)
    target = await Database.open(target_url, KEYS)
    async with database.read() as source, target.write() as tx:
        await backup.copy_rows(source, tx, nobody)
    given: list[int] = []
    for each in (database, target):
        async with each.write() as tx:
            await versions.put_draft(tx, GROUP, OTHER_TEXT, NOW)
        async with each.read() as tx:
            newest = select(agreement_versions.c.id).order_by(agreement_versions.c.id.desc())
            given.append((await tx.execute(newest.limit(1))).scalar_one())
    assert given[0] == given[1]
    await target.close()


async def test_clearing_empties_even_the_ledger_unless_it_is_rolled_back(
    database: Database, engine_name: str
) -> None:
    if engine_name == "sqlite":
        pytest.skip("an SQLite database is replaced as a file: rows are never cleared")
    await fill(database)
    before = await read_all(database)
    with pytest.raises(RuntimeError):
        async with database.write() as tx:
            await backup.clear(tx)
            raise RuntimeError
    assert await read_all(database) == before
    async with database.write() as tx:
        await backup.clear(tx)
    assert all(rows == [] for rows in (await read_all(database)).values())


# The file ----------------------------------------------------------------------------------------


async def test_backup_holds_exactly_what_the_database_holds(
    database: Database, database_url: str, folder: Path
) -> None:
    await publish(database)
    saved = await save(database_url, folder / "a.backup")
    copy = await Database.open(f"sqlite:///{folder}/a.backup", KEYS)
    rows, expected = await read_all(copy), await read_all(database)
    await copy.close()
    mark = {"name": backup_file.TAKEN_AT, "value": NOW.isoformat()}
    assert rows["marks"] == sorted([mark, *expected.pop("marks")], key=lambda row: row["name"])
    del rows["marks"]
    assert rows == expected
    assert saved.checked.contents.taken_at == NOW
    assert saved.checked.contents.versions == 1
    assert saved.checked.ledger.wrong == 0


async def test_backup_of_an_empty_database_is_an_empty_database(
    database: Database, database_url: str, folder: Path
) -> None:
    saved = await save(database_url, folder / "a.backup")
    assert (saved.checked.contents.groups, saved.checked.contents.newest_at) == (0, None)
    copy = await Database.open(f"sqlite:///{folder}/a.backup", KEYS, migrate=False)
    assert {name: len(rows) for name, rows in (await read_all(copy)).items() if rows} == {
        "marks": 1,
        "operator_keys": 1,
    }
    await copy.close()


async def test_backup_is_one_file_for_its_owner_alone_and_readable_to_nobody(
    database: Database, database_url: str, folder: Path
) -> None:
    await publish(database)
    async with database.write() as tx:
        await versions.put_mark(tx, "marker", MARKER)
    umask = os.umask(0)
    try:
        saved = await save(database_url, folder / "a.backup")
    finally:
        os.umask(umask)
    file = folder / "a.backup"
    assert files_in(folder) == {"a.backup"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    raw = file.read_bytes()
    assert len(raw) == saved.size > 50_000
    assert [word for word in WORDS if word.encode() in raw] == []


async def test_backup_can_be_read_from_a_folder_that_nobody_may_write_to(
    sqlite_url: str, folder: Path
) -> None:
    await save(sqlite_url, folder / "a.backup")
    before = (folder / "a.backup").read_bytes()
    reader = backup_file.connect_file(folder / "a.backup", KEYS, "ro")
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    reader.execute("SELECT * FROM marks").fetchall()
    assert files_in(folder) == {"a.backup"}
    reader.close()
    assert (folder / "a.backup").read_bytes() == before


async def test_backup_leaves_the_database_as_it_is(
    database: Database, database_url: str, folder: Path
) -> None:
    await publish(database)
    before = await read_all(database)
    await save(database_url, folder / "a.backup")
    assert await read_all(database) == before


async def test_backup_is_made_while_pledge_runs(
    database: Database, database_url: str, folder: Path
) -> None:
    await database.hold_alone()
    await save(database_url, folder / "a.backup")
    assert files_in(folder) == {"a.backup"}


# One moment --------------------------------------------------------------------------------------


async def _sign_on(database: Database, number: int) -> None:
    """One more person signs: a request, a signature, entries of the ledger, things to do."""
    offered = (await signing.offer(database, GROUP, number, NOW)).version
    await signing.accept_by_button(database, GROUP, number, offered.id, NOW)


async def _require_one_moment(saved: service.Saved, url: str) -> int:
    """Check that nothing in the backup lacks its other half; returns how many have signed."""
    copy = await Database.open(url, KEYS)
    rows = await read_all(copy)
    await copy.close()
    asked = {row["id"] for row in rows["signature_requests"]}
    entries = [row["position"] for row in rows["ledger_entries"]]
    signed = {row["signed_position"] for row in rows["signatures"]}
    assert {row["request_id"] for row in rows["signatures"]} == asked
    assert entries == list(range(1, len(entries) + 1))
    assert signed < set(entries)
    assert len(signed) == len(rows["signatures"]) == saved.checked.contents.signatures
    # Each signature wants a role.
    wanted = [row for row in rows["effects"] if row["kind"] == EffectKind.ALIGN_ROLE]
    assert len(wanted) == len(signed)
    assert saved.checked.ledger.wrong == 0
    return len(signed)


async def test_backup_is_of_one_moment_and_nobody_waits_when_others_keep_writing(
    sqlite_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_file, "PAGES", 2)
    database = await Database.open(sqlite_url, KEYS)
    await publish(database)
    for number in range(1, 21):
        await _sign_on(database, number)
    written, steps, stopping = threading.Semaphore(0), list[tuple[int, int]](), False

    async def keep_writing() -> int:
        number = 20
        while not stopping:
            number += 1
            await _sign_on(database, number)
            written.release()
        return number

    def after_each_step(done: int, total: int) -> None:
        # The copy goes on only after another commit: it cannot have kept anybody from writing.
        if len(steps) < COMMITS:
            assert written.acquire(timeout=30)
        steps.append((done, total))

    writer = asyncio.create_task(keep_writing())
    saved = await service.save(sqlite_url, KEYS, folder / "a.backup", NOW, after_each_step)
    stopping = True
    last = await writer
    await database.close()

    signed = await _require_one_moment(saved, f"sqlite:///{folder}/a.backup")
    assert 20 <= signed <= last - COMMITS + 1
    copied = steps[:COMMITS]
    assert copied == sorted(copied), "the copy began afresh"


@pytest.mark.parametrize("engine_name", ["postgresql"])
async def test_backup_of_a_server_is_of_one_moment_when_others_keep_writing(
    database: Database, database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "BATCH", 5)
    await publish(database)
    for number in range(1, 21):
        await _sign_on(database, number)
    stopping = False

    async def keep_writing() -> int:
        number = 20
        while not stopping:
            number += 1
            await _sign_on(database, number)
        return number

    writer = asyncio.create_task(keep_writing())
    saved = await save(database_url, folder / "a.backup")
    stopping = True
    last = await writer

    assert 20 <= await _require_one_moment(saved, f"sqlite:///{folder}/a.backup") < last - 5


# Refusals ----------------------------------------------------------------------------------------


async def refusal_of(url: str, file: Path) -> str:
    with pytest.raises(StorageError) as caught:
        await save(url, file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_no_file_is_ever_overwritten(sqlite_url: str, folder: Path) -> None:
    (folder / "a.backup").write_bytes(b"mine")
    assert "is there already; nothing was written" in await refusal_of(
        sqlite_url, folder / "a.backup"
    )
    assert (folder / "a.backup").read_bytes() == b"mine"
    before = path_of(sqlite_url).read_bytes()
    assert "is there already" in await refusal_of(sqlite_url, path_of(sqlite_url))
    assert path_of(sqlite_url).read_bytes() == before
    assert files_in(folder) == {"a.backup"}


async def test_file_that_somebody_made_meanwhile_is_not_overwritten(
    sqlite_url: str, folder: Path
) -> None:
    def make_it(_done: int, _total: int) -> None:
        (folder / "a.backup").write_bytes(b"mine")

    with pytest.raises(StorageError, match="is there already"):
        await service.save(sqlite_url, KEYS, folder / "a.backup", NOW, make_it)
    assert files_in(folder) == {"a.backup"}
    assert (folder / "a.backup").read_bytes() == b"mine"


async def test_folder_must_be_there(sqlite_url: str, folder: Path) -> None:
    message = await refusal_of(sqlite_url, folder / "nowhere" / "a.backup")
    assert f"the folder {folder / 'nowhere'} is not there" in message
    assert files_in(folder) == set()


async def test_database_must_be_there_and_is_not_made(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(NoDatabaseError):
        await save(f"sqlite:///{tmp_path}/nothing.db", folder / "a.backup")
    assert not (tmp_path / "nothing.db").exists()
    assert files_in(folder) == set()


async def test_key_must_fit(sqlite_url: str, folder: Path) -> None:
    with pytest.raises(StorageError, match="PLEDGE_KEY does not open this file"):
        await service.save(sqlite_url, OTHER_KEYS, folder / "a.backup", NOW, nobody)
    assert files_in(folder) == set()


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
async def test_damaged_database_makes_no_backup(sqlite_url: str, folder: Path, at: float) -> None:
    raw = bytearray(path_of(sqlite_url).read_bytes())
    raw[int(len(raw) * at)] ^= 1
    path_of(sqlite_url).write_bytes(raw)
    assert "damaged" in await refusal_of(sqlite_url, folder / "a.backup")
    assert files_in(folder) == set()


async def test_row_that_points_nowhere_is_found(sqlite_url: str, folder: Path) -> None:
    path = path_of(sqlite_url)
    writer = backup_file.connect_file(path, KEYS, "rw")
    writer.execute("PRAGMA foreign_keys = OFF")
    writer.execute(
        "INSERT INTO alarms (group_key, kind, opened_at) VALUES ('nobody', 'role_gone', 'x')"
    )
    writer.close()
    assert "it is damaged (foreign_key_check)" in await refusal_of(sqlite_url, folder / "a.backup")
    assert files_in(folder) == set()


def test_missing_row_is_found(sqlite_url: str) -> None:
    path = path_of(sqlite_url)
    counts = dict.fromkeys(metadata.tables, 0) | {"alembic_version": 1, "operator_keys": 1}
    backup_file.require_whole(path, KEYS, counts)
    with pytest.raises(StorageError, match="not as many rows"):
        backup_file.require_whole(path, KEYS, counts | {"signatures": 1})


async def test_wrong_ledger_is_told_and_the_backup_is_made_all_the_same(
    sqlite_url: str, folder: Path
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    await publish(database)
    async with database.write() as tx:
        await tx.execute(text("DROP TRIGGER ledger_entries_erase_only"))
        await tx.execute(text("UPDATE ledger_entries SET hash = commitment"))
    await database.close()
    saved = await save(sqlite_url, folder / "a.backup")
    assert saved.checked.ledger.wrong > 0
    assert files_in(folder) == {"a.backup"}


# Other versions of Pledge ------------------------------------------------------------------------


async def test_backup_before_an_upgrade_keeps_the_tables_of_the_old_version(
    tmp_path: Path, folder: Path
) -> None:
    await make_old(tmp_path / "old.db")
    saved = await save(f"sqlite:///{tmp_path}/old.db", folder / "a.backup")
    assert files_in(folder) == {"a.backup"}
    assert saved.checked.contents.signatures == 1
    for path in (tmp_path / "old.db", folder / "a.backup"):
        reader = backup_file.connect_file(path, KEYS, "ro")
        assert reader.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        reader.close()


async def test_backup_of_a_newer_database_is_refused(sqlite_url: str, folder: Path) -> None:
    database = await Database.open(sqlite_url, KEYS)
    assert await read_revision(database) == migrations.head()
    async with database.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    assert "newer version of Pledge" in await refusal_of(sqlite_url, folder / "a.backup")
    assert files_in(folder) == set()


def test_plain_file_is_no_backup(tmp_path: Path) -> None:
    plain = sqlite3.connect(tmp_path / "plain.db")
    plain.execute("CREATE TABLE people (name TEXT)")
    plain.close()
    with pytest.raises(StorageError, match="PLEDGE_KEY does not open this file"):
        backup_file.copy(tmp_path / "plain.db", tmp_path / "copy.db", KEYS, nobody)


async def test_file_of_another_program_with_our_key_is_no_backup(tmp_path: Path) -> None:
    other = backup_file.connect_file(tmp_path / "other.db", KEYS, "rwc")
    other.execute("CREATE TABLE people (name TEXT)")
    other.close()
    with pytest.raises(StorageError, match="this is not a record of Pledge"):
        backup_file.require_whole(tmp_path / "other.db", KEYS)
