"""The ledger's entries: added one after the other, never changed, and read in order."""

import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, insert, select, text, update

from bot.domain.ledger import (
    GENESIS,
    NO_ENTRIES,
    SALT_LENGTH,
    Entry,
    Facts,
    Head,
    LedgerKind,
    canonical,
    commit,
    fact_in,
    subject_of,
)
from bot.keys import SUBJECT_KEY
from bot.storage.database import Transaction, keys_of
from bot.storage.tables import ledger_entries

_columns = ledger_entries.c
_last = select(_columns.position, _columns.hash).order_by(_columns.position.desc()).limit(1)
_after = (
    select(ledger_entries)
    .where(_columns.position > bindparam("after"))
    .order_by(_columns.position)
    .limit(bindparam("page"))
)
_add = insert(ledger_entries)
# Built once: they run several times for every acceptance.

# As text and not as parameters: only so does SQLite see that the index of those few will do.
_are_checkpoints = text("kind = 'checkpoint'")
_are_publications = text("kind = 'published'")


PASSING = (
    LedgerKind.REQUESTED,
    LedgerKind.DECLINED,
    LedgerKind.GRANTED,
    LedgerKind.REMOVED,
    LedgerKind.KICKED,
    LedgerKind.SUSPENDED,
    LedgerKind.SUSPENSION_ENDED,
)
"""What is recorded of people beside their signatures: no signature and no proof stands on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What is to be recorded; `subject_id` is the account it is about, None for nobody's.

    `subject` is the name of that account in the ledger, where only that is known.
    """

    group_key: str | None
    kind: LedgerKind
    facts: Facts
    subject_id: int | None = None
    subject: str | None = None


async def append(
    tx: Transaction,
    group_key: str | None,
    kind: LedgerKind,
    facts: Facts,
    now: datetime,
    *,
    subject_id: int | None = None,
) -> int:
    """Record what happens in this transaction.

    Args:
        tx: the open transaction, in which what is recorded also takes place.
        group_key: the group; None for the whole installation.
        kind: what happens.
        facts: what one needs to know to check it later, the account's id included.
        now: the current instant.
        subject_id: the account it is about; what is said of it can be erased by it.

    Returns:
        The entry's position.
    """
    entry = NewEntry(group_key=group_key, kind=kind, facts=facts, subject_id=subject_id)
    return (await append_many(tx, [entry], now))[0]


async def append_many(tx: Transaction, entries: Sequence[NewEntry], now: datetime) -> list[int]:
    """Record several things at once, in this order; returns their positions."""
    if not entries:
        return []
    head = await find_head(tx)
    key = keys_of(tx).lookup(SUBJECT_KEY)
    position, previous, values = head.position, head.hash, list[dict[str, object]]()
    for new in entries:
        position += 1
        salt, payload = secrets.token_hex(SALT_LENGTH // 2), canonical(new.facts)
        entry = Entry(
            position=position,
            group_key=new.group_key,
            kind=new.kind.value,
            recorded_at=now,
            subject=new.subject if new.subject_id is None else subject_of(key, new.subject_id),
            commitment=commit(salt, payload),
            hash=GENESIS,
            salt=salt,
            payload=payload,
        )
        previous = entry.hash_after(previous)
        values.append(_row(replace(entry, hash=previous)))
    # Two writers cannot both follow the same entry: positions are unique.
    await tx.execute(_add, values)
    return list(range(head.position + 1, position + 1))


def _row(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in Entry.__slots__}


def _entry(row: RowMapping) -> Entry:
    return Entry(**row)


async def find_head(tx: Transaction) -> Head:
    """The last entry's position and hash."""
    row = (await tx.execute(_last)).one_or_none()
    return Head(position=row[0], hash=row[1]) if row else NO_ENTRIES


async def find_hash(tx: Transaction, position: int) -> str | None:
    """The hash of one entry, if it is there."""
    if position == 0:
        return GENESIS
    query = select(_columns.hash).where(_columns.position == position)
    return (await tx.execute(query)).scalar_one_or_none()


async def list_after(tx: Transaction, position: int, limit: int) -> list[Entry]:
    """The entries that follow a position, in order."""
    found = await tx.execute(_after, {"after": position, "page": limit})
    return [_entry(row) for row in found.mappings()]


async def erase(tx: Transaction, member_id: int, now: datetime) -> int:
    """Destroy what the entries say of a person, and record that this was done.

    The entries themselves stay, and so does the chain.

    Returns:
        How many entries said something.
    """
    subject = subject_of(keys_of(tx).lookup(SUBJECT_KEY), member_id)
    erased = await tx.execute(
        update(ledger_entries)
        .where(
            _columns.subject == subject,
            _columns.payload.is_not(None),
            _columns.kind != LedgerKind.ERASED,
        )
        .values(salt=None, payload=None)
    )
    if erased.rowcount:
        facts = {"entries": erased.rowcount}
        await append(tx, None, LedgerKind.ERASED, facts, now, subject_id=member_id)
    return erased.rowcount


async def erase_at(
    tx: Transaction, group_key: str, positions: Collection[int], now: datetime
) -> int:
    """Destroy what these entries of a group say of people, and record it once for each person.

    What was published stays, whoever did it: every signature refers to it.

    Returns:
        How many entries said something.
    """
    erased = await tx.execute(
        update(ledger_entries)
        .where(
            _columns.position.in_(list(positions)),
            _columns.group_key == group_key,
            _columns.subject.is_not(None),
            _columns.payload.is_not(None),
            _columns.kind.not_in((LedgerKind.ERASED, LedgerKind.PUBLISHED)),
        )
        .values(salt=None, payload=None)
        .returning(_columns.subject)
    )
    counts = Counter(str(subject) for subject in erased.scalars())
    said = [
        NewEntry(
            group_key=group_key, kind=LedgerKind.ERASED, facts={"entries": count}, subject=subject
        )
        for subject, count in sorted(counts.items())
    ]
    await append_many(tx, said, now)
    return counts.total()


async def list_said_of(tx: Transaction, group_key: str, member_ids: Collection[int]) -> list[int]:
    """Positions of what the entries of a group still say of these people.

    Not of what they published, and not of the erasing itself.
    """
    key = keys_of(tx).lookup(SUBJECT_KEY)
    query = select(_columns.position).where(
        _columns.subject.in_([subject_of(key, member_id) for member_id in member_ids]),
        _columns.group_key == group_key,
        _columns.payload.is_not(None),
        _columns.kind.not_in((LedgerKind.ERASED, LedgerKind.PUBLISHED)),
    )
    return list((await tx.execute(query)).scalars())


async def find_last_recorded_at(tx: Transaction) -> datetime | None:
    """When the last entry was recorded; None in an empty ledger."""
    query = select(ledger_entries.c.recorded_at).order_by(ledger_entries.c.position.desc()).limit(1)
    return (await tx.execute(query)).scalar_one_or_none()


# Checkpoints -------------------------------------------------------------------------------------


async def find(tx: Transaction, position: int) -> Entry | None:
    """One entry, if it is there."""
    query = select(ledger_entries).where(_columns.position == position)
    row = (await tx.execute(query)).mappings().one_or_none()
    return _entry(row) if row else None


async def find_last_checkpoint(tx: Transaction, group_key: str) -> Entry | None:
    """The last checkpoint of a group, which is the head that was posted there last."""
    query = select(ledger_entries).where(_are_checkpoints, _columns.group_key == group_key)
    query = query.order_by(_columns.position.desc()).limit(1)
    row = (await tx.execute(query)).mappings().one_or_none()
    return _entry(row) if row else None


async def find_checkpoint_of(tx: Transaction, group_key: str, position: int) -> Entry | None:
    """The checkpoint of a group that covers the entry at this position, if there is one yet."""
    query = select(ledger_entries).where(
        _are_checkpoints, _columns.group_key == group_key, _columns.position > position
    )
    row = (await tx.execute(query.order_by(_columns.position).limit(1))).mappings().one_or_none()
    return _entry(row) if row else None


async def list_checkpoint_hashes(tx: Transaction, group_key: str, before: int) -> list[str]:
    """The hashes of a group's checkpoints before a position, in order: one a day at most."""
    query = select(_columns.hash).where(
        _are_checkpoints, _columns.group_key == group_key, _columns.position < before
    )
    return list((await tx.execute(query.order_by(_columns.position))).scalars())


async def list_links(
    tx: Transaction, after: int, until: int, limit: int
) -> list[tuple[int, str, str]]:
    """Position, hash and kind of the entries after one position and up to another, in order."""
    query = select(_columns.position, _columns.hash, _columns.kind).where(
        _columns.position > after, _columns.position <= until
    )
    found = await tx.execute(query.order_by(_columns.position).limit(limit))
    return [(row[0], row[1], row[2]) for row in found]


async def find_publication(tx: Transaction, group_key: str, number: int) -> Entry | None:
    """The entry of the publishing of a version; None if it is not there or was erased."""
    query = select(ledger_entries).where(
        _are_publications, _columns.group_key == group_key, _columns.payload.is_not(None)
    )
    for row in (await tx.execute(query.order_by(_columns.position))).mappings():
        entry = _entry(row)
        if fact_in(entry.payload or "", "number") == number:
            return entry
    return None
