"""The log: what an operator needs, and nothing about people."""

import logging
import re
import sys
from typing import Any

from typing_extensions import override

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


_IDS = re.compile(r"(?<!\d)\d{17,20}(?!\d)")


def hide_ids(record: logging.LogRecord) -> bool:
    """Take Discord's ids out of a line: discord.py writes addresses with the ids of people."""
    record.msg, record.args = _IDS.sub("…", record.getMessage()), None
    return True


class _ToStandardError(logging.StreamHandler[Any]):
    """Writes to what standard error is at that moment: a bar in the terminal may stand in it."""

    @property
    @override
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, value: Any) -> None:
        """Set by the base class; what counts is looked up."""


def configure(level: int = logging.INFO) -> None:
    """Log to standard error.

    discord.py stays at WARNING whatever `level` is: its DEBUG prints whole frames and the tokens
    of interactions, its INFO the ids of sessions. The same holds for what lies below it.
    """
    handler = _ToStandardError()
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.addFilter(hide_ids)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("bot", "cogs"):
        logging.getLogger(name).setLevel(level)
    for name in ("discord", "aiohttp", "asyncio", "sqlalchemy", "aiosqlite", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
