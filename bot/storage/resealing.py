"""Encrypts single values anew, page by page, with the newest of the operator's keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Column, LargeBinary, Table, func, select, update

from bot.keys import Keyring
from bot.storage.database import Transaction
from bot.storage.tables import metadata, operator_keys

PAGE_ROWS = 100
PAGE_BYTES = 1_000_000
"""A page ends with whichever comes first, so that nobody waits long for the one who writes."""

SEALED: dict[str, tuple[Table, list[Column[Any]]]] = {
    table.name: (table, columns)
    for table in metadata.sorted_tables
    if table is not operator_keys
    and (columns := [c for c in table.columns if isinstance(c.type, LargeBinary)])
}
"""By the name of its table, every column that holds values encrypted on their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What became of a page: values encrypted anew, and values that no given key opens."""

    renewed: int = 0
    unreadable: int = 0

    def __add__(self, other: "Resealed") -> "Resealed":
        return Resealed(
            renewed=self.renewed + other.renewed, unreadable=self.unreadable + other.unreadable
        )


async def count_rows(tx: Transaction) -> int:
    """How many rows there are to look at."""
    total = 0
    for table, _ in SEALED.values():
        total += (await tx.execute(select(func.count()).select_from(table))).scalar_one()
    return total


async def list_page(tx: Transaction, name: str, after: int) -> list[int]:
    """The ids of the next rows of a table after one; none at the end."""
    table, columns = SEALED[name]
    sizes = [func.coalesce(func.length(column), 0) for column in columns]
    query = select(table.c.id, *sizes).where(table.c.id > after).order_by(table.c.id)
    ids, total = list[int](), 0
    for row_id, *lengths in await tx.execute(query.limit(PAGE_ROWS)):
        total += sum(lengths)
        if ids and total > PAGE_BYTES:
            break
        ids.append(row_id)
    return ids


async def has_older(tx: Transaction, name: str, ids: Sequence[int], keys: Keyring) -> bool:
    """Whether a value in these rows does not open with the newest key alone."""
    (table, columns), newest = SEALED[name], keys.each[0]
    found = await tx.execute(select(*columns).where(table.c.id.in_(ids)))
    return any(token is not None and not _opens(newest, token) for row in found for token in row)


async def reseal(tx: Transaction, name: str, ids: Sequence[int], keys: Keyring) -> Resealed:
    """Encrypt anew what does not open with the newest key; when it was written is not changed.

    Args:
        tx: a transaction that may write.
        name: the table, one of `SEALED`.
        ids: its rows.
        keys: the operator's keys.
    """
    (table, columns), newest, done = SEALED[name], keys.each[0], Resealed()
    # Locked, so that what Pledge writes meanwhile is not overwritten with what was there before.
    query = select(table.c.id, *columns).where(table.c.id.in_(ids)).with_for_update()
    for row_id, *tokens in (await tx.execute(query)).all():
        changed: dict[str, bytes] = {}
        for column, token in zip(columns, tokens, strict=True):
            if token is None or _opens(newest, token):
                continue
            try:
                changed[column.name] = keys.fernet.rotate(token)
            except InvalidToken:
                done += Resealed(unreadable=1)
        if changed:
            await tx.execute(update(table).where(table.c.id == row_id).values(changed))
            done += Resealed(renewed=len(changed))
    return done


def _opens(ring: Keyring, token: bytes) -> bool:
    try:
        ring.fernet.decrypt(token)
    except InvalidToken:
        return False
    return True
