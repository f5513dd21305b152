"""A log that keeps everything, the bot on either engine, and a place for temporary files."""

import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot import log
from bot.client import Pledge
from bot.settings import Group
from bot.storage.database import Database
from tests.factories import KEYS
from tests.leaks.search import QUIET, Everything


@contextmanager
def at_debug() -> Iterator[logging.Logger]:
    """Every logger there is at DEBUG, but for those that Pledge itself keeps quiet.

    Gives the root, with the handler that Pledge configures.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    log.configure(logging.DEBUG)
    for name in levels:
        if name.split(".")[0] not in QUIET:
            logging.getLogger(name).setLevel(logging.DEBUG)
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


@pytest.fixture
def logged() -> Iterator[Everything]:
    """All that is logged, before the handler of Pledge has made it shorter."""
    with at_debug() as root:
        root.handlers[:] = [everything := Everything()]
        root.setLevel(logging.DEBUG)
        yield everything


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What the handler of Pledge has written since it was asked last."""
    with at_debug():
        yield lambda: capsys.readouterr().err


@pytest_asyncio.fixture
async def client(database_url: str, groups: list[Group]) -> AsyncIterator[Pledge]:
    """The real bot on either engine."""
    database = await Database.open(database_url, KEYS)
    yield Pledge(groups, database, KEYS)
    await database.close()


@pytest.fixture
def temporary(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go from now on, here and in other processes."""
    assert database_url  # a server that starts for the tests keeps its files elsewhere
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"
