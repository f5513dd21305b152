"""Which of the operator's keys a record needs, and the keys in it that outlive them.

Every key that a value of the record may be encrypted with has a row, so that nobody starts without
it and finds out later. The row holds, encrypted with that key, the keys by which rows are found
again: who was found under an old key must be found under a new one too.
"""

import json
from collections.abc import Mapping

from cryptography.fernet import InvalidToken
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import StorageError
from bot.domain.ledger import fact_in, subject_of
from bot.keys import LOOKUPS, SUBJECT_KEY, Keyring
from bot.storage.tables import ledger_entries, operator_keys

LOCK = 0x506C65646765 + 2
"""Names the lock of who writes the first row; any number will do, as long as it stays."""

OTHER_KEY = (
    "PLEDGE_KEY does not open this record. It was made with another key. Put back the key it was"
    " made with (`pledge keygen` makes keys for new records only). Nothing was changed."
)
KEY_MISSING = (
    "PLEDGE_KEY lacks a key: part of this record is still encrypted with one that is not given. Put"
    " it back, behind the others; `pledge keygen --rotate` says when it can go. Nothing was"
    " changed."
)
_columns = operator_keys.c


async def admit(tx: AsyncConnection, keys: Keyring, *, may_write: bool) -> Keyring:
    """See that the operator's keys are all that the record needs.

    Args:
        tx: the open transaction, on tables of this version.
        keys: what the operator gives.
        may_write: whether a record that has not named its keys yet may do so now.

    Returns:
        The same keys, with those by which this record finds its rows.

    Raises:
        StorageError: a key is missing, or none is the right one.
    """
    rows = await _read(tx)
    if not rows and may_write:
        if tx.dialect.name == "postgresql":
            # SQLite lets one writer in; here a second process would write the same row.
            await tx.execute(select(func.pg_advisory_xact_lock(LOCK)))
            rows = await _read(tx)
        if not rows:
            lookups = await _find_lookups(tx, keys)
            await _put(tx, keys.knowing(lookups))
            return keys.knowing(lookups)
    if not rows:
        return keys.knowing(await _find_lookups(tx, keys))
    rings = {ring.fingerprint: ring for ring in keys.each}
    known = rows.keys() & rings.keys()
    if not known:
        # The key of a file was proven already; a server opens with any.
        raise StorageError(OTHER_KEY if tx.dialect.name == "postgresql" else KEY_MISSING)
    if rows.keys() - rings.keys():
        raise StorageError(KEY_MISSING)
    fingerprint = min(known)
    return keys.knowing(_unwrap(rings[fingerprint], rows[fingerprint]))


async def take_over(tx: AsyncConnection, keys: Keyring) -> bool:
    """From now on new values are encrypted with the newest of these keys.

    Only for the one process that works on the record.

    Args:
        tx: the open transaction.
        keys: those that `admit` returned.

    Returns:
        Whether the record still needs older ones as well.
    """
    if await find_newest(tx) != keys.fingerprint:
        await tx.execute(update(operator_keys).values(is_newest=0))
        await tx.execute(delete(operator_keys).where(_columns.fingerprint == keys.fingerprint))
        await _put(tx, keys)
    return (await tx.execute(select(func.count()).select_from(operator_keys))).scalar_one() > 1


async def find_newest(tx: AsyncConnection) -> str | None:
    """The fingerprint of the key with which new values are encrypted."""
    query = select(_columns.fingerprint).where(_columns.is_newest == 1)
    return (await tx.execute(query)).scalar_one_or_none()


async def let_go(tx: AsyncConnection, keys: Keyring) -> int:
    """Forget every key but the newest: nothing needs them any more. Returns how many those were."""
    gone = delete(operator_keys).where(_columns.fingerprint != keys.fingerprint)
    return (await tx.execute(gone)).rowcount


async def _read(tx: AsyncConnection) -> Mapping[str, bytes]:
    found = await tx.execute(select(_columns.fingerprint, _columns.lookups))
    return {row[0]: row[1] for row in found}


async def _put(tx: AsyncConnection, keys: Keyring) -> None:
    lookups = json.dumps({purpose: keys.lookup(purpose).hex() for purpose in LOOKUPS})
    row = {
        "fingerprint": keys.fingerprint,
        "lookups": keys.each[0].fernet.encrypt(lookups.encode()),
        "is_newest": 1,
    }
    await tx.execute(insert(operator_keys).values(row))


def _unwrap(ring: Keyring, token: bytes) -> dict[str, bytes]:
    try:
        found: dict[str, str] = json.loads(ring.fernet.decrypt(token))
    except InvalidToken:
        raise StorageError(OTHER_KEY) from None
    return {purpose: bytes.fromhex(key) for purpose, key in found.items()}


async def _find_lookups(tx: AsyncConnection, keys: Keyring) -> dict[str, bytes]:
    """What a record from before this table finds its people by.

    Raises:
        StorageError: its ledger was written with none of these keys.
    """
    ring = keys.each[-1]
    query = select(ledger_entries.c.subject, ledger_entries.c.payload).where(
        ledger_entries.c.subject.is_not(None), ledger_entries.c.payload.is_not(None)
    )
    for subject, payload in await tx.execute(query.order_by(ledger_entries.c.position).limit(50)):
        member_id = fact_in(payload, "member_id")
        if isinstance(member_id, int):
            fitting = [
                one
                for one in keys.each
                if subject_of(one.derive(SUBJECT_KEY), member_id) == subject
            ]
            if not fitting:
                raise StorageError(OTHER_KEY)
            ring = fitting[0]
            break
    return {purpose: ring.derive(purpose) for purpose in LOOKUPS}
