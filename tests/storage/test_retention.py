"""Every table says how long it keeps what it holds, and nothing of it is left in the file."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import RecordUnavailableError
from bot.domain.retention import RULES, DataClass, RetentionTerms
from bot.services import forewarning, members, purging
from bot.storage import database as storage
from bot.storage.database import Database
from bot.storage.retention import STATED
from bot.storage.tables import metadata
from tests.factories import KEYS, NEWCOMER, NOW, publish
from tests.services.test_ledger import GROUP, Story

TERMS = RetentionTerms()
ELSEWHERE = {DataClass.BACKUP}
"""What is in no table."""


def test_every_table_has_a_stated_retention_or_a_reason() -> None:
    assert set(STATED) == set(metadata.tables)
    for name, stated in STATED.items():
        if isinstance(stated, str):
            assert len(stated.split()) > 5, name
        else:
            assert stated
            assert set(stated) <= set(RULES)


def test_every_class_of_data_is_in_a_table() -> None:
    stated = {one for classes in STATED.values() if not isinstance(classes, str) for one in classes}
    assert stated | ELSEWHERE == set(DataClass)


@pytest.fixture
def in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without encryption, in which one can search as a thief with the key would."""

    def connect(uri: str, _key: str) -> sqlite3.Connection:
        return storage.sqlcipher.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False
        )

    monkeypatch.setattr(storage, "_connect", connect)


def holding(folder: Path, word: str) -> set[str]:
    """The files in which a word stands."""
    return {one.name for one in folder.iterdir() if word.encode() in one.read_bytes()}


@pytest.mark.parametrize("secure", [True, False])
async def test_nothing_that_went_is_left_in_the_file_or_its_log(
    in_the_open: None, tmp_path: Path, secure: bool
) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/open.db", KEYS)
    story = Story(database)
    await publish(database)
    people = range(NEWCOMER, NEWCOMER + 20)
    for member_id in people:
        await story.join(member_id)
        await members.say_goodbye(database, [GROUP], member_id, NOW)
    marker = f'"member_id":{NEWCOMER},'
    lane = f"member:{GROUP}:{NEWCOMER}"
    assert holding(tmp_path, marker) == {"open.db-wal"} == holding(tmp_path, lane)
    await database.drop_old_pages()
    assert holding(tmp_path, marker) == {"open.db"} == holding(tmp_path, lane)

    if not secure:
        # The search finds what is only unlinked; without this it would prove nothing.
        await _set_secure_delete_off(database)
    later = NOW + timedelta(days=200)
    await forewarning.warn(database, GROUP, TERMS, later)
    later += timedelta(days=7)
    gone = await purging.run_daily(database, GROUP, TERMS, later, later + timedelta(days=1))
    assert gone is not None
    assert gone.people == len(people)
    assert (tmp_path / "open.db-wal").stat().st_size == 0
    left = holding(tmp_path, marker) | holding(tmp_path, lane)
    assert left == (set() if secure else {"open.db"})
    await database.close()


async def _set_secure_delete_off(database: Database) -> None:
    async with database.write() as tx:
        await tx.exec_driver_sql("PRAGMA secure_delete = OFF")


async def test_log_stays_while_somebody_reads_an_older_state(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, KEYS)
    await publish(database)
    async with database.read() as tx:
        await tx.exec_driver_sql("SELECT count(*) FROM effects")
        await publish(database, "other")
        assert not await database.drop_old_pages()
    assert await database.drop_old_pages()
    await publish(database, "another")
    await database.close()


async def test_log_that_cannot_be_emptied_harms_nobody(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    await publish(database)
    with monkeypatch.context() as patched:
        patched.setattr(storage, "BUSY_TIMEOUT_MS", "no number")
        assert not await database.drop_old_pages()
    assert await database.drop_old_pages()
    await database.close()
    with pytest.raises(RecordUnavailableError):
        await database.drop_old_pages()


async def test_a_server_is_left_to_clean_up_by_itself(database: Database) -> None:
    assert await database.drop_old_pages()
