"""What only PostgreSQL can get wrong: a server that is not there, and its settings."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text

from bot.domain.errors import StorageError
from bot.storage.database import Database
from tests.conftest import _administer, _database_url
from tests.factories import KEYS

PASSWORD = "hunter2-in-the-address"
on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"])


@pytest.fixture
def empty_url(postgres_server: str) -> Iterator[str]:
    """The address of a database without tables."""
    name = f"pledge_{uuid.uuid4().hex}"
    asyncio.run(_administer(postgres_server, f"CREATE DATABASE {name}"))
    yield _database_url(postgres_server, name)
    asyncio.run(_administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))


async def refusal_of(url: str) -> str:
    with pytest.raises(StorageError) as caught:
        await Database.open(url, KEYS)
    message = str(caught.value)
    assert "\n" not in message
    assert PASSWORD not in message
    return message


@pytest.mark.parametrize("options", ["", "?sslmode=require", "?sslmode=nonsense"])
async def test_server_that_is_down_is_one_message_without_the_password(options: str) -> None:
    address = f"postgresql://pledge:{PASSWORD}@127.0.0.1:1/pledge{options}"
    assert "postgresql://pledge:***@127.0.0.1:1/pledge" in await refusal_of(address)


async def test_database_that_is_not_there_is_named(postgres_server: str) -> None:
    url = _database_url(postgres_server, "nowhere")
    assert 'database "nowhere" does not exist' in await refusal_of(url)


async def test_user_that_the_server_does_not_know_is_named(postgres_server: str) -> None:
    url = make_url(postgres_server).set(username="nobody", password=PASSWORD)
    message = await refusal_of(url.render_as_string(hide_password=False))
    assert 'role "nobody" does not exist' in message or "authentication failed" in message


@on_postgresql
async def test_connection_has_the_settings_that_keep_the_record_safe(database: Database) -> None:
    async with database.write() as tx:
        found = {
            name: (await tx.execute(text(f"SHOW {name}"))).scalar_one()
            for name in ("synchronous_commit", "timezone", "transaction_read_only")
        }
    assert found == {
        "synchronous_commit": "on",
        "timezone": "UTC",
        "transaction_read_only": "off",
    }


async def test_tables_are_made_once_when_several_open_a_new_database(empty_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(empty_url, KEYS) for _ in range(3)))
    for database in opened:
        async with database.read() as tx:
            count = (await tx.execute(text("SELECT count(*) FROM alembic_version"))).scalar_one()
        assert count == 1
        await database.close()


@on_postgresql
async def test_newer_database_is_refused_and_left_alone(
    database: Database, database_url: str
) -> None:
    async with database.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "last used by a newer version of Pledge" in await refusal_of(database_url)
    async with database.read() as tx:
        found = (await tx.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    assert found == "9999"
