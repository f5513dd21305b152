"""Writes out everybody of a group, where they stand and what they signed, for other programs.

However large the group, memory stays bounded: people are read a thousand at a time, and a file that
grows beyond what Discord takes is compressed from then on. Nothing is written to the disk.
"""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bot.domain.errors import ExportTooLargeError
from bot.storage import coverage, standings, versions
from bot.storage.coverage import Publish
from bot.storage.database import Database
from bot.storage.standings import Person

Form = Literal["csv", "json"]
BATCH = 1_000
"""People that are in memory at a time."""

LARGEST = 10 * 2**20
"""Bytes of a file; what Discord takes on every server, and so what is held in memory."""

COLUMNS = (
    "member_id",
    "name",
    "standing",
    "since",
    "version",
    "method",
    "attested_by",
    "signed_at",
    "signed_after",
    "valid_until",
    "receipt_number",
)
_TEXTS = (COLUMNS.index("name"), COLUMNS.index("receipt_number"))
"""Cells that are no number, word or instant of ours, and so could begin as they like."""

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula can begin; the last four are the wide forms, which some spreadsheets take too."""
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A finished file; `ending` is that of its name, and `people` how many are in it."""

    content: bytes
    ending: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody of a group that is small enough to be read at once, and what was published."""

    people: tuple[Person, ...]
    publishes: tuple[Publish, ...]


async def read_roster(
    database: Database, group_key: str, now: datetime, at_most: int
) -> Roster | None:
    """Everybody of a group, or None if there are more than `at_most`."""
    people: list[Person] = []
    async with aclosing(_batches(database, group_key, now)) as batches:
        async for batch in batches:
            people += batch
            if len(people) > at_most:
                return None
    async with database.read() as tx:
        publishes = await coverage.list_publishes(tx, group_key)
    return Roster(people=tuple(people), publishes=tuple(publishes))


async def write(
    database: Database,
    group_key: str,
    form: Form,
    now: datetime,
    *,
    names: Mapping[int, str],
    limit: int = LARGEST,
) -> File:
    """Everybody of a group as CSV or JSON, zipped if it is too large as it is.

    Args:
        database: the database.
        group_key: the group.
        form: CSV is RFC 4180 in UTF-8 with a byte order mark, for spreadsheets; cells that these
            would take for formulas begin with a quotation mark.
        now: the current instant.
        names: what people are called at the moment, as far as it is known.
        limit: bytes that Discord takes.

    Raises:
        ExportTooLargeError: it is too large even when it is zipped.
    """
    bundle = _Bundle(f"{group_key}.{form}", min(limit, LARGEST))
    people = 0
    bundle.add(_csv_head() if form == "csv" else _json_head(group_key, now))
    async with aclosing(_batches(database, group_key, now)) as batches:
        async for batch in batches:
            # Not here: with the packing it would keep everybody else waiting.
            await asyncio.to_thread(_add, bundle, form, batch, names, first=not people)
            people += len(batch)
    if form == "json":
        bundle.add("\n]}\n")
    content, is_zipped = bundle.finish()
    return File(content=content, ending=f"{form}.zip" if is_zipped else form, people=people)


async def _batches(
    database: Database, group_key: str, now: datetime
) -> AsyncGenerator[list[Person]]:
    async with database.read() as tx:
        in_force = await versions.find_in_force(tx, group_key)
        everybody = standings.read_everybody(tx, group_key, in_force, now, BATCH)
        async with aclosing(everybody) as batches:
            async for batch in batches:
                yield batch


class _Bundle:
    """A file in memory that turns into an archive as soon as it grows beyond `limit`."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._plain = io.BytesIO()
        self._packed = io.BytesIO()
        self._archive: zipfile.ZipFile | None = None
        self._entry: io.BufferedIOBase | zipfile.ZipExtFile | None = None

    def add(self, text: str) -> None:
        content = text.encode()
        if self._entry is None and self._plain.tell() + len(content) > self._limit:
            self._archive = zipfile.ZipFile(self._packed, "w", zipfile.ZIP_DEFLATED)
            self._entry = self._archive.open(self._name, "w")  # type: ignore[assignment]
            with self._plain.getbuffer() as kept:
                self._entry.write(kept)  # type: ignore[union-attr]
            self._plain.close()
        if self._entry is None:
            self._plain.write(content)
        else:
            self._entry.write(content)  # type: ignore[union-attr]
            self._check()

    def finish(self) -> tuple[bytes, bool]:
        if self._archive is None or self._entry is None:
            return self._plain.getvalue(), False
        self._entry.close()
        self._archive.close()
        self._check()
        return self._packed.getvalue(), True

    def _check(self) -> None:
        if self._packed.tell() > self._limit:
            raise ExportTooLargeError


def _add(
    bundle: _Bundle, form: Form, batch: list[Person], names: Mapping[int, str], *, first: bool
) -> None:
    rows = [_row(person, names.get(person.member_id)) for person in batch]
    bundle.add(_csv_lines(rows) if form == "csv" else _json_items(rows, first=first))


def _row(person: Person, name: str | None) -> tuple[str | int | None, ...]:
    return (
        str(person.member_id),
        name,
        person.standing.value,
        _instant(person.since),
        person.version_number,
        person.method.value if person.method else None,
        str(person.attested_by) if person.attested_by else None,
        _instant(person.signed_at),
        _instant(person.signed_after),
        _instant(person.ends_at),
        person.receipt_number,
    )


def _instant(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC).isoformat()[:19]}Z" if at else None


def _csv_head() -> str:
    return _BYTE_ORDER_MARK + _csv_lines([COLUMNS])


def _csv_lines(rows: list[tuple[str | int | None, ...]] | list[tuple[str, ...]]) -> str:
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows(map(_cells, rows))
    return lines.getvalue()


def _cells(row: tuple[str | int | None, ...]) -> list[str | int | None]:
    """Values of which no spreadsheet takes one for a formula."""
    cells = list(row)
    for column in _TEXTS:
        value = cells[column]
        if isinstance(value, str) and _is_dangerous(value):
            cells[column] = f"'{value}"
    return cells


def _is_dangerous(value: str) -> bool:
    return value.startswith(_DANGEROUS) or value.lstrip().startswith(_DANGEROUS)


def _json_head(group_key: str, now: datetime) -> str:
    head = json.dumps({"group": group_key, "made_at": _instant(now)}, ensure_ascii=False)
    return f'{head.removesuffix("}")}, "people": ['


def _json_items(rows: list[tuple[str | int | None, ...]], *, first: bool) -> str:
    items = [json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in rows]
    return ("\n" if first else ",\n") + ",\n".join(items)
