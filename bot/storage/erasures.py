"""Erases one person from one group; and whom nobody writes to by itself after that."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.effects import EffectState
from bot.storage.database import Transaction
from bot.storage.effects import ERASED
from bot.storage.sealing import person_ref
from bot.storage.tables import (
    effects,
    erasures,
    holders,
    invitations,
    invited,
    signature_requests,
    sweeps,
)

_columns = erasures.c
_effects = effects.c


async def erase_rows(tx: Transaction, group_key: str, member_id: int) -> None:
    """Delete what the person was asked and what was done for them; their signatures must be gone.

    What is being done in Discord at this moment stays until that is over, without what it was
    for: `bot.storage.effects.mark_finished` then deletes it.
    """
    asked = select(signature_requests.c.id).where(
        signature_requests.c.group_key == group_key,
        signature_requests.c.member_id == member_id,
    )
    of_person = (
        _effects.group_key == group_key,
        (_effects.member_id == member_id) | _effects.request_id.in_(asked),
    )
    in_hand = _effects.state == EffectState.RUNNING
    await tx.execute(delete(effects).where(*of_person, ~in_hand))
    await tx.execute(
        update(effects).where(*of_person, in_hand).values(detail=ERASED, request_id=None)
    )
    of_group = select(invitations.c.id).where(invitations.c.group_key == group_key)
    await tx.execute(
        delete(invited).where(
            invited.c.invitation_id.in_(of_group), invited.c.member_id == member_id
        )
    )
    await tx.execute(
        delete(holders).where(holders.c.group_key == group_key, holders.c.member_id == member_id)
    )
    await tx.execute(
        delete(signature_requests).where(
            signature_requests.c.group_key == group_key,
            signature_requests.c.member_id == member_id,
        )
    )
    # A reading of the member list that stopped at this person goes on with them.
    await tx.execute(
        update(sweeps)
        .where(sweeps.c.group_key == group_key, sweeps.c.after_id == member_id)
        .values(after_id=member_id - 1)
    )


# Whom nobody writes to ---------------------------------------------------------------------------


async def leave_in_peace(tx: Transaction, group_key: str, member_id: int, now: datetime) -> None:
    """From now on, nobody asks this person by itself as long as they stay in the server."""
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    values = {"erased_at": now, "seen_at": now}
    statement = make(erasures).values(
        group_key=group_key, member_ref=person_ref(tx, group_key, member_id), **values
    )
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["group_key", "member_ref"], set_=values)
    )


async def list_in_peace(
    tx: Transaction, group_key: str, member_ids: Collection[int]
) -> dict[int, datetime]:
    """Which of these people are left in peace, and since when."""
    found = await tx.execute(
        select(_columns.member_ref, _columns.erased_at).where(_columns.group_key == group_key)
    )
    since: dict[str, datetime] = {row[0]: row[1] for row in found}
    if not since:
        # In nearly every group at nearly every time: no names need be made for a whole page.
        return {}
    refs = {member_id: person_ref(tx, group_key, member_id) for member_id in member_ids}
    return {member_id: since[ref] for member_id, ref in refs.items() if ref in since}


async def list_after(
    tx: Transaction, group_key: str, member_ids: Collection[int], since: datetime
) -> set[int]:
    """Which of these people were erased, or lost the role by it, after an instant."""
    found = await tx.execute(
        select(_columns.member_ref).where(
            _columns.group_key == group_key,
            or_(_columns.erased_at > since, _columns.seen_at > since),
        )
    )
    refs = set(found.scalars())
    if not refs:
        return set()
    return {one for one in member_ids if person_ref(tx, group_key, one) in refs}


async def is_in_peace(tx: Transaction, group_key: str, member_id: int) -> bool:
    """Whether this person is left in peace."""
    mine = exists().where(
        _columns.group_key == group_key,
        _columns.member_ref == person_ref(tx, group_key, member_id),
    )
    return bool((await tx.execute(select(mine))).scalar_one())


async def forget(tx: Transaction, group_keys: Collection[str], *member_ids: int) -> None:
    """These people left, or have come of their own accord: to Pledge they are anybody."""
    for group_key in group_keys:
        for member_id in member_ids:
            await tx.execute(
                delete(erasures).where(
                    _columns.group_key == group_key,
                    _columns.member_ref == person_ref(tx, group_key, member_id),
                )
            )


async def mark_seen(
    tx: Transaction, group_key: str, member_ids: Collection[int], now: datetime
) -> None:
    """These people are in the server."""
    there = await list_in_peace(tx, group_key, member_ids)
    if there:
        refs = [person_ref(tx, group_key, member_id) for member_id in there]
        await tx.execute(
            update(erasures)
            .where(_columns.group_key == group_key, _columns.member_ref.in_(refs))
            .values(seen_at=now)
        )


async def forget_unseen(tx: Transaction, group_key: str, since: datetime) -> None:
    """Drop whoever a complete reading of the member list that began at `since` did not see."""
    await tx.execute(
        delete(erasures).where(_columns.group_key == group_key, _columns.seen_at < since)
    )
