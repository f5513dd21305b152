"""The log: what an operator needs, and nothing about people."""

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any

from typing_extensions import override

from bot.domain.errors import DomainError

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


_IDS = re.compile(r"(?<!\d)\d{17,20}(?!\d)")


def hide_ids(record: logging.LogRecord) -> bool:
    """Take Discord's ids out of a line: discord.py writes addresses with the ids of people."""
    record.msg, record.args = _IDS.sub("…", record.getMessage()), None
    return True


def shorten(record: logging.LogRecord) -> bool:
    """Keep of asyncio's lines what went wrong: it writes into them what it was with, and errors."""
    if record.name == "asyncio":
        record.msg = record.getMessage().partition("\n")[0].partition("(")[0].rstrip()
        record.args = None
    return True


_PLAIN = (DomainError, OSError)
"""Errors whose own words hold nothing that somebody wrote; OSError's are the system's."""


class _Formatter(logging.Formatter):
    """Shows where an error came from and what kind it is, and not what it says.

    Libraries put the value that they could not take into their messages: a word somebody typed, a
    row of a table, an address with a token.
    """

    @override
    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | Any
    ) -> str:
        return _IDS.sub("…", "\n".join(_told(ei[1])))


def _told(error: BaseException) -> list[str]:
    """An error and what it came from, the first one first."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [*_told(before), "", "After that:", ""] if before is not None else []
    lines.append("Traceback (most recent call last):")
    lines += "".join(traceback.format_tb(error.__traceback__)).splitlines()
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    lines.append(f"{kind}: {error}" if isinstance(error, _PLAIN) else kind)
    inner: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    for one in inner:
        lines += [f"  | {line}" for line in _told(one)]
    return lines


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
    handler.setFormatter(_Formatter(FORMAT))
    handler.addFilter(shorten)
    handler.addFilter(hide_ids)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("bot", "cogs"):
        logging.getLogger(name).setLevel(level)
    for name in ("discord", "aiohttp", "asyncio", "sqlalchemy", "aiosqlite", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
