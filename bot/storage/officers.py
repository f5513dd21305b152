"""Who holds an office, as far as the member list and the offices' own acts have shown."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.entitlement import Office
from bot.storage import versions
from bot.storage.case_tables import officers
from bot.storage.database import Transaction

_columns = officers.c


async def add_seen(
    tx: Transaction, group_key: str, office: Office, member_ids: Collection[int], now: datetime
) -> None:
    """Note people who hold an office at this moment."""
    if not member_ids:
        return
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    values = {"group_key": group_key, "office": office, "seen_at": now}
    statement = make(officers).on_conflict_do_update(
        index_elements=["group_key", "office", "member_id"], set_={"seen_at": now}
    )
    await tx.execute(statement, [{**values, "member_id": one} for one in member_ids])


async def forget(tx: Transaction, group_key: str, office: Office, member_id: int) -> None:
    """This person does not hold the office any more."""
    await tx.execute(
        delete(officers).where(
            _columns.group_key == group_key,
            _columns.office == office,
            _columns.member_id == member_id,
        )
    )


async def forget_unseen(tx: Transaction, group_key: str, since: datetime) -> None:
    """Drop whoever a complete sweep that began at `since` did not see in office."""
    await tx.execute(
        delete(officers).where(_columns.group_key == group_key, _columns.seen_at < since)
    )


async def begin(tx: Transaction, group_key: str, roles: str, now: datetime) -> None:
    """A reading of the member list begins; `roles` says whom it looks for.

    While these are the same, what an earlier reading found still holds.
    """
    if (await _find_begun(tx, group_key))[0] != roles:
        await tx.execute(delete(officers).where(_columns.group_key == group_key))
        await versions.put_mark(tx, _begun(group_key), f"{now.isoformat()} {roles}")
        await versions.put_mark(tx, _read(group_key), "")


async def complete(tx: Transaction, group_key: str, since: datetime) -> None:
    """The whole list was read since then: whoever it did not show in office is dropped.

    A reading that began before it was known whom to look for does not count.
    """
    _, begun_at = await _find_begun(tx, group_key)
    if begun_at is not None and begun_at <= since:
        await forget_unseen(tx, group_key, since)
        await versions.put_mark(tx, _read(group_key), since.isoformat())


async def doubt(tx: Transaction, group_key: str) -> None:
    """The record is older than it should be: nobody is known before the list was read again."""
    await versions.put_mark(tx, _read(group_key), "")


async def are_known(tx: Transaction, group_key: str) -> bool:
    """Whether the member list was once read to its end for the offices as they are now."""
    return bool(await versions.find_mark(tx, _read(group_key)))


async def _find_begun(tx: Transaction, group_key: str) -> tuple[str, datetime | None]:
    begun_at, _, roles = (await versions.find_mark(tx, _begun(group_key)) or "").partition(" ")
    return roles, datetime.fromisoformat(begun_at) if begun_at else None


def _begun(group_key: str) -> str:
    return f"offices of {group_key} looked for"


def _read(group_key: str) -> str:
    return f"offices of {group_key} read"


async def list_holders(tx: Transaction, group_key: str, office: Office) -> frozenset[int]:
    """Everybody who is known to hold the office."""
    query = select(_columns.member_id).where(
        _columns.group_key == group_key, _columns.office == office
    )
    return frozenset((await tx.execute(query)).scalars())
