"""Everything encrypted with a new key: while Pledge runs, after an interruption, and refused."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.domain.errors import NoDatabaseError, StorageError
from bot.keys import Keyring
from bot.services import backup, restore, rotation
from bot.services.rotation import RestartNeededError, Rotated
from bot.storage import resealing
from bot.storage.case_tables import breach_letters, breach_reports
from bot.storage.database import Database, Transaction
from bot.storage.sealing import seal
from tests.factories import KEY, KEYS, NOW
from tests.services.test_restore_cases import make_cases
from tests.storage.rows import files_in, nobody, read_all
from tests.storage.sealed import BOTH, NEW, NEW_KEY, THIRD_KEY, Sealed, fill_sealed, read_sealed
from tests.storage.test_database import contents

REVERSED = Keyring(f"{KEY} {NEW_KEY}")


async def run(url: str, keys: Keyring) -> Database:
    """What a start of Pledge does to the record."""
    rotation.renew_file(url, keys)
    database = await Database.open(url, keys)
    await database.hold_alone()
    await rotation.take_over(database)
    return database


async def look(url: str, keys: Keyring) -> Sealed:
    database = await Database.open(url, keys)
    found = await read_sealed(database)
    await database.close()
    return found


@pytest.fixture
async def filled(database_url: str) -> Sealed:
    database = await Database.open(database_url, KEYS)
    filled = await fill_sealed(database)
    await database.close()
    return filled


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "PAGE_ROWS", 1)


async def test_nothing_needs_the_old_key_when_everything_is_encrypted_anew(
    database_url: str, filled: Sealed
) -> None:
    told: list[tuple[int, int]] = []
    done = await rotation.rotate(database_url, BOTH, lambda *at: told.append(at))
    assert done.resealed == resealing.Resealed(renewed=len(filled))
    assert (done.retired, done.file_is_new, done.is_whole) == (1, True, True)
    assert told[-1] == (told[0][1], told[0][1])
    assert await look(database_url, NEW) == filled
    with pytest.raises(StorageError):
        await Database.open(database_url, KEYS)


async def test_second_time_there_is_nothing_to_do(database_url: str, filled: Sealed) -> None:
    await rotation.rotate(database_url, BOTH, nobody)
    for keys in (BOTH, NEW):
        again = await rotation.rotate(database_url, keys, nobody)
        assert again == Rotated(resealed=resealing.Resealed(), retired=0, file_is_new=True)
    assert await look(database_url, NEW) == filled


async def test_pledge_reads_and_writes_while_everything_is_encrypted_anew(
    database_url: str, filled: Sealed
) -> None:
    running = await run(database_url, BOTH)
    letter, written = ("breach_letters", "answer", 1), list[bytes]()
    async with running.read() as tx:
        ids = list((await tx.execute(select(breach_letters.c.id))).scalars())
    assert ids[0] == 1

    async def keep_answering() -> None:
        while True:
            words = f"answer {len(written)}".encode()
            async with running.write() as tx:
                change = update(breach_letters).where(breach_letters.c.id == 1)
                await tx.execute(change.values(answer=seal(tx, words)))
            written.append(words)
            assert (await read_sealed(running))[letter] == words

    writer = asyncio.create_task(keep_answering())
    done = await rotation.rotate(database_url, BOTH, nobody)
    assert done.is_whole and done.retired == 1
    assert not writer.done()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    last = (await read_sealed(running))[letter]
    await running.close()
    assert len(written) > 1
    assert await look(database_url, NEW) == filled | {letter: last}


@pytest.mark.parametrize("keys", [KEYS, REVERSED], ids=["the old key", "another order"])
async def test_pledge_that_would_go_on_with_the_old_key_must_be_restarted_first(
    database_url: str, filled: Sealed, keys: Keyring
) -> None:
    running = await run(database_url, keys)
    before = await read_all(running)
    with pytest.raises(RestartNeededError, match="Restart it"):
        await rotation.rotate(database_url, BOTH, nobody)
    assert await read_all(running) == before
    await running.close()
    running = await run(database_url, BOTH)
    assert (await rotation.rotate(database_url, BOTH, nobody)).is_whole
    await running.close()
    assert await look(database_url, NEW) == filled


async def test_old_key_is_not_let_go_when_another_pledge_began_meanwhile(
    database_url: str, filled: Sealed
) -> None:
    running = await run(database_url, BOTH)
    replaced = list[Database]()

    real = resealing.list_page

    async def restart_between(tx: Transaction, name: str, after: int) -> list[int]:
        if name == "suspensions" and not replaced:
            await running.close()
            replaced.append(await run(database_url, REVERSED))
        return await real(tx, name, after)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resealing, "list_page", restart_between)
        with pytest.raises(RestartNeededError):
            await rotation.rotate(database_url, BOTH, nobody)
    assert await read_sealed(replaced[0]) == filled
    await replaced[0].close()


async def test_every_key_is_kept_when_a_value_opens_with_none(
    database_url: str, filled: Sealed
) -> None:
    lost = Keyring(THIRD_KEY).fernet.encrypt(b"lost")
    database = await Database.open(database_url, KEYS)
    async with database.write() as tx:
        change = update(breach_reports).where(breach_reports.c.form.is_not(None))
        await tx.execute(change.values(form=lost))
    await database.close()
    done = await rotation.rotate(database_url, BOTH, nobody)
    assert (done.resealed.unreadable, done.retired, done.is_whole) == (1, 0, False)
    assert done.resealed.renewed == len(filled) - 1
    with pytest.raises(StorageError):
        await Database.open(database_url, NEW)
    # With the key that was forgotten, it comes to an end.
    all_three = Keyring(f"{NEW_KEY} {KEY} {THIRD_KEY}")
    done = await rotation.rotate(database_url, all_three, nobody)
    assert (done.resealed.renewed, done.retired, done.is_whole) == (1, 1, True)
    assert b"lost" in (await look(database_url, NEW)).values()


async def test_wrong_key_in_front_changes_nothing_when_the_right_one_is_missing(
    database_url: str, filled: Sealed, tmp_path: Path
) -> None:
    before = contents(f"sqlite:///{tmp_path}/any")
    with pytest.raises(StorageError, match="PLEDGE_KEY does not open this"):
        await rotation.rotate(database_url, Keyring(f"{NEW_KEY} {THIRD_KEY}"), nobody)
    assert contents(f"sqlite:///{tmp_path}/any") == before
    assert await look(database_url, KEYS) == filled


async def test_there_must_be_a_database(tmp_path: Path) -> None:
    with pytest.raises(NoDatabaseError):
        await rotation.rotate(f"sqlite:///{tmp_path}/nothing.db", BOTH, nobody)
    assert files_in(tmp_path) == set()


async def test_backup_from_before_opens_with_the_old_key_and_is_encrypted_anew_once_more(
    database_url: str, tmp_path: Path
) -> None:
    database = await Database.open(database_url, KEYS)
    await make_cases(database)
    filled = await read_sealed(database)
    await database.close()
    file = tmp_path / "a.backup"
    await backup.save(database_url, KEYS, file, NOW, nobody)
    assert (await rotation.rotate(database_url, BOTH, nobody)).resealed.renewed == len(filled) > 5

    async def put_back(keys: Keyring) -> None:
        await restore.restore(database_url, keys, file, NOW, overwrite=True, progress=nobody)

    with pytest.raises(StorageError, match="PLEDGE_KEY does not open this file"):
        await put_back(NEW)
    assert await look(database_url, NEW) == filled
    await put_back(BOTH)
    with pytest.raises(StorageError, match="PLEDGE_KEY"):
        await Database.open(database_url, NEW)
    running = await run(database_url, BOTH)
    assert (await rotation.rotate(database_url, BOTH, nobody)).is_whole
    await running.close()
    assert await look(database_url, NEW) == filled


async def test_backup_of_a_running_rotation_needs_both_keys(
    database_url: str, filled: Sealed, tmp_path: Path
) -> None:
    running = await run(database_url, BOTH)
    await backup.save(database_url, BOTH, tmp_path / "a.backup", NOW, nobody)
    await running.close()
    for keys in (KEYS, NEW):
        with pytest.raises(StorageError, match="PLEDGE_KEY"):
            await Database.open(f"sqlite:///{tmp_path}/a.backup", keys, migrate=False)
    assert await look(f"sqlite:///{tmp_path}/a.backup", BOTH) == filled


async def test_start_goes_on_with_the_old_key_of_the_file_when_it_cannot_be_changed(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader = await Database.open(sqlite_url, KEYS)
    async with reader.read() as tx:
        await tx.execute(select(breach_reports))
        running = await run(sqlite_url, BOTH)
    await reader.close()
    assert "The database file keeps its older key for now" in caplog.text
    done = await rotation.rotate(sqlite_url, BOTH, nobody)
    assert (done.file_is_new, done.is_whole) == (False, False)
    await running.close()
    assert (await rotation.rotate(sqlite_url, BOTH, nobody)).is_whole
    await (await Database.open(sqlite_url, NEW)).close()
