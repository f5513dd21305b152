"""Proofs: signatures that ended become them, and lose what names somebody when time is up."""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, delete, exists, insert, or_, select, update

from bot.domain.agreements import Method, Signature
from bot.domain.proofs import Proof
from bot.storage import ledger, signatures
from bot.storage.database import Transaction, keys_of
from bot.storage.proof_tables import proofs
from bot.storage.tables import agreement_versions, ledger_entries
from bot.storage.tables import signatures as standing

_columns = proofs.c


def subject_in(tx: Transaction, group_key: str, member_id: int) -> str:
    """The name of a person in the proofs of a group, which only the holder of the key can link.

    One per group, and none of those that the ledger or the cases know them by.
    """
    key = keys_of(tx).proof_key
    return hmac.new(key, f"{group_key}:{member_id}".encode(), hashlib.sha256).hexdigest()


async def keep(
    tx: Transaction,
    group_key: str,
    ended: Sequence[Signature],
    held_for: timedelta,
    now: datetime,
) -> int:
    """Put a proof in the place of each of these signatures of a group; their requests stay.

    Args:
        tx: the open transaction, in which the signatures were read.
        group_key: the group.
        ended: signatures that have ended.
        held_for: how long after its end a proof still leads to the person. If that is over
            already, it does not from the beginning, and the ledger forgets them too.
        now: the current instant.

    Returns:
        How many became a proof.

    Raises:
        ValueError: one of them still stands.
    """
    if not ended:
        return 0
    rows: list[dict[str, Any]] = []
    over: list[int] = []
    for signature in ended:
        subject = subject_in(tx, group_key, signature.member_id)
        proof = Proof.of(signature, subject, held_for)
        if proof.held_until <= now:
            proof = replace(proof, subject=None)
            over += proof.positions
        values = asdict(proof)
        del values["id"], values["version_number"]
        rows.append(values)
    await tx.execute(insert(proofs), rows)
    ids = [signature.id for signature in ended]
    await tx.execute(delete(standing).where(standing.c.id.in_(ids)))
    await ledger.erase_at(tx, group_key, over, now)
    return len(rows)


async def keep_of_member(
    tx: Transaction, group_key: str, member_id: int, held_for: timedelta, now: datetime
) -> int:
    """`keep`, of every signature of one person in a group that has ended; one that stands stays."""
    given = await signatures.list_of_member(tx, group_key, member_id)
    ended = [one for one in given if one.revoked_at is not None]
    return await keep(tx, group_key, ended, held_for, now)


def _proofs() -> Select[Any]:
    return select(proofs, agreement_versions.c.number.label("version_number")).join_from(
        proofs, agreement_versions, agreement_versions.c.id == _columns.version_id
    )


def _proof(row: RowMapping) -> Proof:
    values = dict(row)
    values["method"] = Method(values["method"])
    return Proof(**values)


async def list_of_member(tx: Transaction, group_key: str, member_id: int) -> list[Proof]:
    """The proofs that still lead to a person in a group, oldest first."""
    query = _proofs().where(_columns.subject == subject_in(tx, group_key, member_id))
    found = await tx.execute(query.order_by(_columns.id))
    return [_proof(row) for row in found.mappings()]


async def list_due(tx: Transaction, group_key: str, now: datetime, limit: int) -> list[Proof]:
    """Proofs that were held for long enough and still lead to somebody, the oldest first."""
    query = _proofs().where(
        _columns.group_key == group_key,
        _columns.subject.is_not(None),
        _columns.held_until <= now,
    )
    found = await tx.execute(query.order_by(_columns.held_until, _columns.id).limit(limit))
    return [_proof(row) for row in found.mappings()]


async def reduce(tx: Transaction, group_key: str, held: Collection[Proof], now: datetime) -> int:
    """Take from these proofs of a group what leads to somebody, also in the ledger.

    Returns:
        How many led to somebody.
    """
    ids = [proof.id for proof in held]
    reduced = await tx.execute(
        update(proofs)
        .where(_columns.id.in_(ids), _columns.group_key == group_key, _columns.subject.is_not(None))
        .values(subject=None)
    )
    positions = [position for proof in held for position in proof.positions]
    await ledger.erase_at(tx, group_key, positions, now)
    return reduced.rowcount


async def forget_in_ledger(
    tx: Transaction, group_key: str, member_ids: Collection[int], now: datetime
) -> int:
    """Destroy what the ledger says of these people besides signatures and proofs that are held.

    Returns:
        How many entries said something.
    """
    said = await ledger.list_said_of(tx, group_key, member_ids)
    here = ledger_entries.c.position
    held = select(here).where(
        here.in_(said),
        or_(
            exists().where(standing.c.signed_position == here),
            exists().where(standing.c.revoked_position == here),
            exists().where(_columns.signed_position == here, _columns.subject.is_not(None)),
            exists().where(_columns.revoked_position == here, _columns.subject.is_not(None)),
        ),
    )
    kept = set((await tx.execute(held)).scalars())
    return await ledger.erase_at(tx, group_key, set(said) - kept, now)
