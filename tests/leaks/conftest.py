"""A log that keeps everything, and a place of its own for temporary files."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import log
from tests.leaks.search import QUIET, Everything


@pytest.fixture
def logged() -> Iterator[Everything]:
    """Every logger there is at DEBUG, but for those that Pledge itself keeps quiet."""
    root, everything = logging.getLogger(), Everything()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    log.configure(logging.DEBUG)
    for name in levels:
        if name.split(".")[0] not in QUIET:
            logging.getLogger(name).setLevel(logging.DEBUG)
    root.handlers[:] = [everything]
    root.setLevel(logging.DEBUG)
    yield everything
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


@pytest.fixture
def temporary(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go from now on, here and in other processes."""
    assert database_url  # a server that starts for the tests keeps its files elsewhere
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What the log that Pledge configures has written, with every library at DEBUG.

    But for those whose DEBUG Pledge never lets through: `tests/test_log.py`.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure(logging.DEBUG)
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    for name in levels:
        if name.split(".")[0] not in QUIET:
            logging.getLogger(name).setLevel(logging.DEBUG)
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)
