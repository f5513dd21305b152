"""Transactions: one writer at a time, whole or not at all, on both engines."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.domain.agreements import RequestState
from bot.domain.errors import RecordUnavailableError, StorageError
from bot.storage import database as database_module
from bot.storage import requests, versions
from bot.storage.database import Database
from tests.connections import is_open, list_open
from tests.factories import KEYS, NEWCOMER, NOW, register

GROUP = "harbour-light"


@pytest_asyncio.fixture
async def neighbour(database: Database, database_url: str) -> AsyncIterator[Database]:
    """The same database, opened a second time."""
    neighbour = await Database.open(database_url, KEYS)
    yield neighbour
    await neighbour.close()


async def put(database: Database, name: str) -> None:
    async with database.write() as tx:
        await versions.put_mark(tx, name, "there")


async def has(database: Database, name: str) -> bool:
    async with database.read() as tx:
        return await versions.find_mark(tx, name) is not None


async def test_nothing_is_kept_when_the_block_fails(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write() as tx:
            await versions.put_mark(tx, "mark", "there")
            raise ZeroDivisionError
    assert not await has(database, "mark")
    await put(database, "next")
    assert await has(database, "next")


async def test_nothing_is_kept_when_the_task_is_cancelled(database: Database) -> None:
    written, never = asyncio.Event(), asyncio.Event()

    async def write_and_wait() -> None:
        async with database.write() as tx:
            await versions.put_mark(tx, "mark", "there")
            written.set()
            await never.wait()

    task = asyncio.create_task(write_and_wait())
    await written.wait()
    task.cancel()
    await asyncio.wait([task])
    assert not await has(database, "mark")
    await put(database, "next")
    assert await has(database, "next")


async def test_second_writer_waits_until_the_first_has_committed(database: Database) -> None:
    async with database.write() as tx:
        second = asyncio.create_task(put(database, "second"))
        await versions.put_mark(tx, "first", "there")
        _, waiting = await asyncio.wait([second], timeout=0.05)
        assert waiting == {second}
    await second
    assert await has(database, "first")
    assert await has(database, "second")


@pytest.mark.parametrize("engine_name", ["sqlite"])
async def test_writer_of_another_process_waits_and_does_not_fail(
    database: Database, neighbour: Database
) -> None:
    async with database.write() as tx:
        # Nothing was written yet: the transaction holds the right to write from its beginning.
        second = asyncio.create_task(put(neighbour, "second"))
        _, waiting = await asyncio.wait([second], timeout=0.05)
        assert waiting == {second}
        await versions.put_mark(tx, "first", "there")
    await second
    assert await has(database, "first")
    assert await has(database, "second")


async def test_reader_sees_one_state_while_others_write(
    database: Database, neighbour: Database
) -> None:
    async with database.read() as tx:
        assert await versions.find_mark(tx, "mark") is None
        await put(database, "mark")
        await put(neighbour, "mark")
        assert await versions.find_mark(tx, "mark") is None
    assert await has(database, "mark")


@pytest.mark.parametrize("engine_name", ["postgresql"])
async def test_reading_transaction_cannot_write_and_its_connection_can_again(
    database: Database,
) -> None:
    with pytest.raises(DBAPIError, match="read-only"):
        async with database.read() as tx:
            await versions.put_mark(tx, "mark", "there")
    await put(database, "mark")
    assert await has(database, "mark")


async def test_error_names_nobody_when_it_is_logged(database: Database) -> None:
    await register(database)
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as tx:
            await requests.add(tx, GROUP, NEWCOMER, NOW, version_id=None)
            await requests.add(tx, GROUP, NEWCOMER, NOW, version_id=None)
    assert str(NEWCOMER) not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as tx:
            state = RequestState.SENT  # without a message
            await requests.add(tx, GROUP, NEWCOMER, NOW, version_id=None, state=state)
    assert str(NEWCOMER) not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO groups (key, guild_id, created_at) VALUES ('a', 'not a number', 'x')",
        "INSERT INTO groups (key, guild_id, created_at) VALUES ('a', 1.5, 'x')",
        "INSERT INTO marks (name, value) VALUES ('a', x'00')",
    ],
)
async def test_value_of_another_type_is_refused(database: Database, statement: str) -> None:
    with pytest.raises(IntegrityError, match="cannot store"):
        async with database.write() as tx:
            await tx.execute(text(statement))


async def test_database_closes_only_after_the_transaction_in_hand(
    database: Database, neighbour: Database
) -> None:
    async with neighbour.write() as tx:
        closing = asyncio.create_task(neighbour.close())
        await versions.put_mark(tx, "mark", "there")
        _, waiting = await asyncio.wait([closing], timeout=0.05)
        assert waiting == {closing}
    await closing
    assert await has(database, "mark")


async def test_reader_in_hand_ends_as_it_began_when_the_database_is_closed(
    neighbour: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "PATIENCE_SECONDS", 0.05)
    async with neighbour.read() as tx:
        used: Any = (await tx.get_raw_connection()).driver_connection
        await versions.find_mark(tx, "mark")
        await neighbour.close()
        assert await versions.find_mark(tx, "mark") is None
    assert not is_open(used)


@pytest.mark.parametrize("is_given_up", [False, True])
@pytest.mark.parametrize("how", ["close", "reconnect"])
async def test_connection_that_is_being_opened_is_closed_like_the_others(
    neighbour: Database, how: str, is_given_up: bool
) -> None:
    await neighbour.reconnect()
    others = list_open()
    opening = asyncio.create_task(has(neighbour, "mark"))
    await asyncio.sleep(0)
    throwing_away = asyncio.create_task(getattr(neighbour, how)())
    await asyncio.sleep(0)
    if is_given_up:
        opening.cancel()
    await asyncio.wait([opening, throwing_away])
    await neighbour.close()
    assert [one for one in list_open() if one not in others] == []


async def test_nobody_begins_anything_when_the_database_is_closed(neighbour: Database) -> None:
    async with neighbour.write():
        closing = asyncio.create_task(neighbour.close())
        await asyncio.sleep(0)
        too_late = asyncio.create_task(put(neighbour, "mark"))
        await asyncio.sleep(0)
    await closing
    with pytest.raises(RecordUnavailableError):
        await too_late
    with pytest.raises(RecordUnavailableError):
        await has(neighbour, "mark")


async def test_second_process_is_refused_while_the_first_one_runs(
    database: Database, database_url: str
) -> None:
    await database.hold_alone()
    second = await Database.open(database_url, KEYS)

    with pytest.raises(StorageError, match="Another Pledge is running"):
        await second.hold_alone()
    await second.close()
    # The first one goes on, and another may come when it has ended.
    async with database.write() as tx:
        await tx.execute(text("SELECT 1"))
    await database.close()
    third = await Database.open(database_url, KEYS)
    await third.hold_alone()
    await third.close()
