"""Looks for words wherever they must not be, in every form in which they could stand there."""

import base64
import logging
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select, table, text

from bot.storage.database import Database

QUIET = ("discord", "simcord", "aiohttp")
"""Whose DEBUG prints whole frames, so that Pledge never lets it (`bot.log`)."""


class Everything(logging.Handler):
    """Keeps all that is logged, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def forms_of(word: str) -> list[bytes]:
    """A word as it may stand in a file."""
    raw = word.encode()
    # Its middle, as base64 shows it wherever it begins.
    shifted = [base64.b64encode(bytes(n) + raw)[4:-4] for n in range(3)]
    return [raw, word.encode("utf-16-le"), raw.hex().encode(), *shifted]


def found(raw: bytes | str, words: Iterable[str]) -> list[str]:
    data = raw.encode() if isinstance(raw, str) else raw
    return [word for word in words if any(form in data for form in forms_of(word))]


async def read_rows(database: Database, name: str) -> list[str]:
    """Every row of a table as text, as somebody with the database but no key reads it."""
    async with database.read() as tx:
        rows = (await tx.execute(select(text("*")).select_from(table(name)))).all()
    return [
        " ".join(
            value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row
        )
        for row in rows
    ]


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
