"""Putting a backup back: what is refused, what comes back, and what is not repeated."""

import asyncio
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, select, text

from bot.domain.effects import AlarmKind, EffectKind
from bot.domain.errors import InUseError, RecordUnavailableError, StorageError
from bot.domain.invitations import Audience
from bot.domain.ledger import LedgerKind
from bot.services import backup, invitations, ledger, restore, signing
from bot.services.restore import LeaveNeededError, Restored
from bot.storage import effects, migrations, versions
from bot.storage.backup import SKIPPED_IDS
from bot.storage.database import Database, _postgres_engine, _sqlite_engine
from bot.storage.tables import effects as effects_table
from bot.storage.tables import sweeps
from tests.factories import KEYS, NEWCOMER, NOW, publish
from tests.storage.rows import Rows, files_in, make_old, nobody, path_of, read_all, read_revision
from tests.storage.test_backup import GROUP, target_url
from tests.storage.test_database import OTHER_KEYS

__all__ = ["target_url"]
TAKEN = NOW + timedelta(hours=1)
LATER = NOW + timedelta(days=2)
REPEATED = {
    EffectKind.ASK,
    EffectKind.ALIGN_ROLE,
    EffectKind.PANEL,
    EffectKind.REMOVE,
    EffectKind.CASE_NOTICE,
    EffectKind.CASE_CALL,
}
CHANGED = {"groups", "effects", "alarms", "sweeps", "marks", "ledger_entries"}


async def sign(database: Database, member_id: int) -> None:
    offered = (await signing.offer(database, GROUP, member_id, NOW)).version
    await signing.accept_by_button(database, GROUP, member_id, offered.id, NOW)


def contents(file: Path) -> bytes:
    return file.read_bytes()


async def read(url: str) -> Rows:
    database = await Database.open(url, KEYS, migrate=False)
    rows = await read_all(database)
    assert (await ledger.verify(database)).wrong == 0
    await database.close()
    return rows


async def put_back(url: str, file: Path, *, overwrite: bool = False) -> Restored:
    return await restore.restore(url, KEYS, file, LATER, overwrite=overwrite, progress=nobody)


async def refusal_of(url: str, file: Path, *, overwrite: bool = True) -> str:
    with pytest.raises(StorageError) as caught:
        await put_back(url, file, overwrite=overwrite)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
async def file(database: Database, database_url: str, tmp_path: Path) -> Path:
    """A backup in which one person has signed and things were about to be done."""
    await publish(database)
    await sign(database, NEWCOMER)
    async with database.write() as tx:
        for kind in EffectKind:
            await effects.add(tx, group_key=GROUP, lane=f"lane of {kind}", kind=kind, now=NOW)
        await tx.execute(
            effects_table.update()
            .where(effects_table.c.lane == "lane of panel")
            .values(state="held", attempts=4, tried_at=NOW)
        )
        await effects.open_alarm(tx, GROUP, AlarmKind.ROLE_GONE, NOW)
        await tx.execute(
            sweeps.insert().values(
                group_key=GROUP, started_at=NOW, after_id=7, members=9, holders=3
            )
        )
        await versions.mark_group(tx, GROUP, adopted_at=NOW)
    (tmp_path / "backups").mkdir()
    await backup.save(database_url, KEYS, tmp_path / "backups" / "a.backup", TAKEN, nobody)
    return tmp_path / "backups" / "a.backup"


# What comes back ---------------------------------------------------------------------------------


async def test_record_is_the_same_on_either_engine_but_for_what_the_past_cannot_know(
    file: Path, database: Database, target_url: str
) -> None:
    saved, raw = await read_all(database), contents(file)
    restored = await put_back(target_url, file)
    rows = await read(target_url)

    assert contents(file) == raw
    assert (restored.known_until, restored.aside) == (TAKEN, None)
    assert {name: rows[name] for name in rows if name not in CHANGED} == {
        name: saved[name] for name in saved if name not in CHANGED
    }
    assert rows["ledger_entries"][:-1] == saved["ledger_entries"]
    assert rows["ledger_entries"][-1]["kind"] == LedgerKind.RESTORED
    assert rows["ledger_entries"][-1]["recorded_at"] == LATER
    skipped = {"name": f"cases of {GROUP} numbered to", "value": "100"}
    assert rows["marks"] == sorted([skipped, *saved["marks"]], key=lambda row: row["name"])
    changed = {"restored_from": TAKEN, "adopted_at": None}
    assert rows["groups"] == [row | changed for row in saved["groups"]]


async def test_nothing_is_repeated_blindly_and_nothing_that_is_due_is_lost(
    file: Path, database: Database, target_url: str
) -> None:
    before = {row["id"]: row for row in (await read_all(database))["effects"]}
    unfinished = {number for number, row in before.items() if row["finished_at"] is None}
    await put_back(target_url, file)
    rows = await read(target_url)
    assert {row["kind"] for row in rows["effects"] if row["id"] in unfinished} == set(EffectKind)
    for row in rows["effects"]:
        old = before[row["id"]]
        changed: dict[str, Any]
        if old["finished_at"] is not None:
            changed = {}
        elif row["kind"] in REPEATED:
            changed = {
                "state": "pending",
                "attempts": max(old["attempts"], 1),
                "tried_at": None,
                "due_at": LATER,
            }
        else:
            changed = {"state": "dropped", "outcome": "restored", "finished_at": LATER}
        assert row == old | changed
    assert [row["closed_at"] for row in rows["alarms"]] == [LATER]
    assert rows["sweeps"] == []


async def test_invitation_asks_nobody_else_on_the_word_of_a_backup(
    database: Database, database_url: str, tmp_path: Path, target_url: str
) -> None:
    await publish(database)
    invitation_id = await invitations.begin_count(database, GROUP, NOW)
    await invitations.count_page(database, GROUP, invitation_id, [901, 902])
    await invitations.begin(database, GROUP, invitation_id, Audience.EVERYBODY, NOW)
    (tmp_path / "backups").mkdir()
    await backup.save(database_url, KEYS, tmp_path / "backups" / "a.backup", TAKEN, nobody)

    await put_back(target_url, tmp_path / "backups" / "a.backup")

    restored = await Database.open(target_url, KEYS)
    asking = await invitations.carry_on(restored, GROUP, 10, LATER)
    assert asking is not None
    assert asking.invitation.stopped_at == LATER
    assert (asking.progress.waiting, asking.progress.asked) == (0, 0)
    rows = await read_all(restored)
    assert {row["member_id"] for row in rows["signature_requests"]}.isdisjoint({901, 902})
    await restored.close()


async def test_numbers_given_after_the_backup_are_not_given_again(
    file: Path, target_url: str
) -> None:
    await put_back(target_url, file)
    database = await Database.open(target_url, KEYS)
    async with database.write() as tx:
        await effects.add(tx, group_key=GROUP, lane="new", kind=EffectKind.PANEL, now=LATER)
        query = select(effects_table.c.id).order_by(effects_table.c.id)
        *_, last, new = (await tx.execute(query)).scalars()
    await database.close()
    assert new == last + SKIPPED_IDS + 1


async def test_gap_begins_with_the_oldest_backup_when_one_after_the_other_was_put_back(
    file: Path, target_url: str, tmp_path: Path
) -> None:
    await put_back(target_url, file)
    second = tmp_path / "backups" / "second.backup"
    await backup.save(target_url, KEYS, second, LATER, nobody)
    restored = await put_back(target_url, second, overwrite=True)
    assert restored.known_until == LATER
    assert [row["restored_from"] for row in (await read(target_url))["groups"]] == [TAKEN]


@pytest.mark.parametrize("engine_name", ["sqlite"])
async def test_plain_copy_of_the_database_is_taken_for_a_backup_of_its_last_entry(
    file: Path, database: Database, database_url: str, target_url: str, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path_of(database_url)}{suffix}", copies / f"pledge.db{suffix}")
    restored = await put_back(target_url, copies / "pledge.db")
    assert restored.known_until == NOW
    assert len((await read(target_url))["signatures"]) == 1
    assert contents(file)


async def test_backup_of_an_older_version_is_brought_up_to_date(
    target_url: str, tmp_path: Path
) -> None:
    await make_old(tmp_path / "old.db")
    file = tmp_path / "a.backup"
    await backup.save(f"sqlite:///{tmp_path}/old.db", KEYS, file, TAKEN, nobody)
    await put_back(target_url, file)
    database = await Database.open(target_url, KEYS, migrate=False)
    assert await read_revision(database) == migrations.head()
    assert [row["receipt_number"] for row in (await read_all(database))["signatures"]] == [
        "AAAA-BBBB-CCCC"
    ]
    await database.close()


async def test_new_computer_needs_no_database_beforehand(file: Path, tmp_path: Path) -> None:
    await put_back(f"sqlite:///{tmp_path}/new/data/pledge.db", file)
    folder = tmp_path / "new" / "data"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "pledge.db": 0o600,
        "pledge.db.lock": 0o600,
    }
    assert len((await read(f"sqlite:///{folder}/pledge.db"))["signatures"]) == 1


async def test_link_to_the_database_stays_a_link(file: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "pledge-link.db").symlink_to(tmp_path / "disk" / "real.db")
    await put_back(f"sqlite:///{tmp_path}/pledge-link.db", file)
    assert (tmp_path / "pledge-link.db").is_symlink()
    assert files_in(tmp_path / "disk") == {"real.db", "real.db.lock"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another account")
async def test_account_of_the_service_owns_what_root_puts_back(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    os.chown(folder, 12_345, 12_346)
    await put_back(f"sqlite:///{folder}/pledge.db", file)
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()}
    assert owners == dict.fromkeys(("pledge.db", "pledge.db.lock"), (12_345, 12_346))


# What is in the way ------------------------------------------------------------------------------


async def test_record_that_is_there_is_replaced_only_with_leave(
    file: Path, database: Database, database_url: str
) -> None:
    await sign(database, NEWCOMER + 1)
    before = await read_all(database)
    await database.close()
    with pytest.raises(LeaveNeededError) as caught:
        await put_back(database_url, file)
    found = caught.value.found
    assert found is not None
    assert found.contents is not None
    assert (found.contents.signatures, caught.value.checked.contents.signatures) == (2, 1)
    assert found.later == 1
    assert await read(database_url) == before

    await put_back(database_url, file, overwrite=True)
    assert len((await read(database_url))["signatures"]) == 1


async def test_backup_of_another_record_is_named_as_one(
    file: Path, database: Database, target_url: str
) -> None:
    other = await Database.open(target_url, KEYS)
    await publish(other, "another-group")
    await other.close()
    with pytest.raises(LeaveNeededError) as caught:
        await put_back(target_url, file)
    assert caught.value.found is not None
    assert caught.value.found.later is None


async def test_wrong_ledger_is_put_back_only_with_leave(target_url: str, tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/wrong.db", KEYS)
    await publish(database)
    async with database.write() as tx:
        await tx.execute(text("UPDATE agreement_versions SET text = replace(text, 'a', 'e')"))
    await database.close()
    file = tmp_path / "a.backup"
    await backup.save(f"sqlite:///{tmp_path}/wrong.db", KEYS, file, TAKEN, nobody)
    with pytest.raises(LeaveNeededError) as caught:
        await put_back(target_url, file)
    assert (caught.value.found, caught.value.checked.ledger.wrong > 0) == (None, True)
    await put_back(target_url, file, overwrite=True)


async def test_running_pledge_is_left_alone(
    file: Path, database: Database, database_url: str
) -> None:
    await database.hold_alone()
    before = await read_all(database)
    with pytest.raises(InUseError):
        await put_back(database_url, file, overwrite=True)
    assert await read_all(database) == before


@pytest.mark.parametrize("engine_name", ["sqlite"])
async def test_file_that_another_program_has_open_is_left_alone(
    file: Path, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.backup_file.BUSY_TIMEOUT_MS", 100)
    before = await read_all(database)
    async with database.read() as tx:
        assert await effects.count_by_state(tx)
        with pytest.raises(RecordUnavailableError, match="another program has this file open"):
            await put_back(database_url, file, overwrite=True)
    assert await read_all(database) == before
    names = files_in(path_of(database_url).parent)
    assert {name for name in names if "restoring" in name} == set()


@pytest.mark.parametrize("keys", [OTHER_KEYS, None])
async def test_file_that_cannot_be_read_is_kept_whole_under_another_name(
    file: Path, tmp_path: Path, keys: Any
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    url = f"sqlite:///{folder}/pledge.db"
    if keys is None:
        (folder / "pledge.db").write_bytes(b"garbage" * 2_000)
    else:
        other = await Database.open(url, keys)
        async with other.write() as tx:
            await versions.put_mark(tx, "only in the wal", "there")
        for suffix in ("", "-wal"):
            shutil.copy(folder / f"pledge.db{suffix}", tmp_path / f"killed.db{suffix}")
        await other.close()
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"killed.db{suffix}", folder / f"pledge.db{suffix}")
    before = (folder / "pledge.db").read_bytes()

    with pytest.raises(LeaveNeededError) as caught:
        await put_back(url, file)
    assert caught.value.found is not None
    assert caught.value.found.contents is None
    restored = await put_back(url, file, overwrite=True)

    assert len((await read(url))["signatures"]) == 1
    assert restored.aside is not None
    assert restored.aside.read_bytes() == before
    if keys is not None:
        kept = await Database.open(f"sqlite:///{restored.aside}", keys)
        async with kept.read() as tx:
            assert await versions.find_mark(tx, "only in the wal") == "there"
        await kept.close()


async def test_what_an_interrupted_restore_left_is_cleared_away(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for suffix in ("", "-wal", "-shm", "-journal"):
        (folder / f".pledge.db-restoring.db{suffix}").write_bytes(b"rest")
    (folder / "pledge.db-wal").write_bytes(b"of a database that is gone")
    await put_back(f"sqlite:///{folder}/pledge.db", file)
    assert files_in(folder) == {"pledge.db", "pledge.db.lock"}


# What is no backup -------------------------------------------------------------------------------


async def _untouched(database: Database, url: str, file: Path) -> str:
    before = await read_all(database)
    message = await refusal_of(url, file)
    assert await read_all(database) == before
    return message


async def test_file_is_refused_and_nothing_changed_when_it_is_no_backup(
    database: Database, database_url: str, file: Path, tmp_path: Path
) -> None:
    raw, bad = contents(file), tmp_path / "bad.backup"
    middle = len(raw) // 2
    for content, reason in (
        (b"", "this file is empty"),
        (b"notes" * 3_000, "PLEDGE_KEY does not open this file"),
        (raw[:middle], "damaged or cut short"),
        (raw[:-1], "damaged or cut short"),
        (raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :], "damaged or cut short"),
    ):
        bad.write_bytes(content)
        message = await _untouched(database, database_url, bad)
        assert (reason in message, str(bad) in message) == (True, True), message
    assert "there is no such file" in await _untouched(database, database_url, tmp_path / "none")
    if database.dialect == "sqlite":
        path = path_of(database_url)
        assert "this is the database itself" in await _untouched(database, database_url, path)


async def test_key_must_be_the_one_of_the_backup(
    database: Database, database_url: str, file: Path
) -> None:
    before = await read_all(database)
    with pytest.raises(StorageError, match="PLEDGE_KEY does not open this file"):
        await restore.restore(
            database_url, OTHER_KEYS, file, LATER, overwrite=True, progress=nobody
        )
    assert await read_all(database) == before


async def test_backup_of_a_newer_version_is_refused(
    database: Database, database_url: str, file: Path
) -> None:
    newer = await Database.open(f"sqlite:///{file}", KEYS)
    async with newer.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await newer.close()
    assert "newer version of Pledge" in await _untouched(database, database_url, file)


@pytest.mark.parametrize("engine_name", ["postgresql"])
async def test_server_keeps_its_record_when_the_copying_fails(
    database: Database, database_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await read_all(database)

    async def fail(*_arguments: object) -> dict[str, int]:
        raise asyncio.CancelledError

    monkeypatch.setattr("bot.storage.backup._number_on", fail)
    monkeypatch.setattr("bot.storage.backup.set_back", _as_it_was)
    with pytest.raises(asyncio.CancelledError):
        await put_back(database_url, file, overwrite=True)
    assert await read_all(database) == before


async def _as_it_was(_tx: object, now: Any) -> Any:
    return now


async def test_refused_restore_leaves_an_older_database_as_it_is(
    database_url: str, tmp_path: Path
) -> None:
    database = await Database.open(database_url, KEYS)
    await publish(database)
    file = tmp_path / "a.backup"
    await backup.save(database_url, KEYS, file, NOW, nobody)
    async with database.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    await database.close()
    with pytest.raises((LeaveNeededError, StorageError)):
        await put_back(database_url, file)
    make = _postgres_engine if "postgres" in database_url else _sqlite_engine
    engine = make(make_url(database_url), KEYS)
    async with engine.connect() as connection:
        revision = await connection.execute(text("SELECT version_num FROM alembic_version"))
        assert revision.scalar_one() == "0006"
    await engine.dispose()
