"""Several keys: what opens a record, what it refuses, and what stays when the key changes."""

from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, select, text

from bot.domain.errors import StorageError
from bot.keys import LOOKUPS, Keyring
from bot.services import ledger, signing
from bot.storage import file_key, operator_keys, resealing
from bot.storage.database import Database, keys_of
from bot.storage.sealing import person_ref
from bot.storage.tables import metadata
from bot.storage.tables import operator_keys as table
from tests.factories import KEY, KEYS, NEWCOMER, NOW, publish
from tests.storage.rows import files_in
from tests.storage.sealed import BOTH, NEW, NEW_KEY, THIRD, THIRD_KEY
from tests.storage.test_backup import GROUP
from tests.storage.test_database import contents


async def take_over(url: str, keys: Keyring) -> None:
    database = await Database.open(url, keys)
    async with database.write() as tx:
        await operator_keys.take_over(tx, keys_of(tx))
    await database.close()


async def refusal_of(url: str, keys: Keyring, *, migrate: bool = True) -> str:
    with pytest.raises(StorageError) as caught:
        await Database.open(url, keys, migrate=migrate)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def read_rows(url: str, keys: Keyring) -> dict[str, int]:
    database = await Database.open(url, keys)
    async with database.read() as tx:
        rows = await tx.execute(select(table.c.fingerprint, table.c.is_newest))
        found = {row[0]: row[1] for row in rows}
    await database.close()
    return found


def test_every_value_that_is_bytes_is_encrypted_anew_or_is_of_the_keys_themselves() -> None:
    binary = {
        (t.name, c.name)
        for t in metadata.sorted_tables
        for c in t.columns
        if isinstance(c.type, LargeBinary)
    }
    sealed = {(name, c.name) for name, (_, columns) in resealing.SEALED.items() for c in columns}
    assert binary - sealed == {("operator_keys", "lookups")}
    assert all([c.name for c in t.primary_key] == ["id"] for t, _ in resealing.SEALED.values())


async def test_record_names_its_key_when_it_is_made(database_url: str) -> None:
    assert await read_rows(database_url, KEYS) == {KEYS.fingerprint: 1}


async def test_wrong_keys_are_refused_and_change_nothing(
    database_url: str, engine_name: str, tmp_path: Path
) -> None:
    before = contents(f"sqlite:///{tmp_path}/any")
    for keys in (NEW, Keyring(f"{NEW_KEY} {THIRD_KEY}")):
        for migrate in (True, False):
            message = await refusal_of(database_url, keys, migrate=migrate)
            assert "PLEDGE_KEY does not open this" in message
    assert contents(f"sqlite:///{tmp_path}/any") == before
    assert set(before) == ({"pledge.db"} if engine_name == "sqlite" else set())
    assert await read_rows(database_url, KEYS) == {KEYS.fingerprint: 1}


async def test_right_key_opens_the_record_wherever_it_stands_among_others(
    database_url: str,
) -> None:
    for secret in (f"{NEW_KEY} {KEY}", f"{KEY} {NEW_KEY}", f"{THIRD_KEY} {NEW_KEY}\n{KEY} {KEY}"):
        assert await read_rows(database_url, Keyring(secret)) == {KEYS.fingerprint: 1}


async def test_new_key_is_needed_from_the_moment_it_encrypts(database_url: str) -> None:
    await take_over(database_url, BOTH)
    assert await read_rows(database_url, BOTH) == {NEW.fingerprint: 1, KEYS.fingerprint: 0}
    assert "PLEDGE_KEY lacks a key" in await refusal_of(database_url, KEYS)
    await take_over(database_url, Keyring(f"{KEY} {NEW_KEY}"))
    assert await read_rows(database_url, BOTH) == {NEW.fingerprint: 0, KEYS.fingerprint: 1}


async def test_old_key_is_needed_until_everything_is_encrypted_anew(
    database_url: str, tmp_path: Path, engine_name: str
) -> None:
    await take_over(database_url, BOTH)
    if engine_name == "sqlite":
        assert file_key.renew(tmp_path / "pledge.db", BOTH)
    assert "PLEDGE_KEY lacks a key" in await refusal_of(database_url, NEW)
    database = await Database.open(database_url, BOTH)
    async with database.write() as tx:
        assert await operator_keys.let_go(tx, keys_of(tx)) == 1
    await database.close()
    assert await read_rows(database_url, NEW) == {NEW.fingerprint: 1}


async def test_people_are_found_under_the_same_names_when_the_key_has_changed(
    database_url: str, engine_name: str, tmp_path: Path
) -> None:
    database = await Database.open(database_url, KEYS)
    await publish(database)
    offered = (await signing.offer(database, GROUP, NEWCOMER, NOW)).version
    await signing.accept_by_button(database, GROUP, NEWCOMER, offered.id, NOW)
    async with database.read() as tx:
        name = person_ref(tx, GROUP, NEWCOMER)
    await database.close()
    await take_over(database_url, BOTH)
    if engine_name == "sqlite":
        file_key.renew(tmp_path / "pledge.db", BOTH)
    database = await Database.open(database_url, BOTH)
    async with database.write() as tx:
        await operator_keys.let_go(tx, keys_of(tx))
    await database.close()
    database = await Database.open(database_url, NEW)
    async with database.read() as tx:
        assert person_ref(tx, GROUP, NEWCOMER) == name
        assert keys_of(tx).derive("sealing") != KEYS.derive("sealing")
    verified = await ledger.verify(database)
    assert (verified.wrong, verified.signatures) == (0, 1)
    await database.close()


async def test_record_from_before_finds_its_people_with_the_key_that_named_them(
    database_url: str, engine_name: str
) -> None:
    database = await Database.open(database_url, KEYS)
    await publish(database)
    offered = (await signing.offer(database, GROUP, NEWCOMER, NOW)).version
    await signing.accept_by_button(database, GROUP, NEWCOMER, offered.id, NOW)
    async with database.write() as tx:
        await tx.execute(table.delete())
    await database.close()
    if engine_name == "postgresql":
        # A file with another key does not open at all.
        assert "PLEDGE_KEY does not open this record" in await refusal_of(database_url, THIRD)
    database = await Database.open(database_url, Keyring(f"{NEW_KEY} {KEY} {THIRD_KEY}"))
    async with database.read() as tx:
        found = {purpose: keys_of(tx).lookup(purpose) for purpose in LOOKUPS}
    await database.close()
    assert found == {purpose: KEYS.derive(purpose) for purpose in LOOKUPS}


async def test_keys_to_find_people_by_are_encrypted_themselves(database: Database) -> None:
    async with database.read() as tx:
        token = (await tx.execute(select(table.c.lookups))).scalar_one()
        raw = (await tx.execute(text("SELECT * FROM operator_keys"))).one()
    assert token.startswith(b"gAAAA")
    for purpose in LOOKUPS:
        assert KEYS.derive(purpose).hex() not in repr(raw)


async def test_file_gets_the_newest_key_and_keeps_every_row(
    sqlite_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "pledge.db"
    database = await Database.open(sqlite_url, KEYS)
    await publish(database)
    await database.close()
    assert not file_key.has_newest(path, BOTH)
    assert file_key.renew(path, BOTH)
    assert not file_key.renew(path, BOTH)
    assert file_key.has_newest(path, NEW)
    assert "PLEDGE_KEY does not open this file" in await refusal_of(sqlite_url, KEYS)
    database = await Database.open(sqlite_url, BOTH)
    assert (await ledger.verify(database)).versions == 1
    await database.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert files_in(tmp_path) == {"pledge.db", "pledge.db.lock"}


async def test_file_that_somebody_has_open_keeps_its_key(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "pledge.db"
    database = await Database.open(sqlite_url, KEYS)
    async with database.read() as tx:
        await tx.execute(select(table))
        with pytest.raises(StorageError, match="another program has this file open"):
            file_key.renew(path, BOTH)
    await publish(database)
    await database.close()
    assert not file_key.has_newest(path, BOTH)
    assert ".pledge.db-rekeying.db" not in files_in(tmp_path)
