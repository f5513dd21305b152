"""Invitations: who is to be asked, and how far the asking has come."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, insert, select, update

from bot.domain.agreements import OPEN_STATES, RequestState
from bot.domain.effects import EffectKind, EffectState
from bot.domain.invitations import Audience, Invitation, Kind, Progress
from bot.storage import erasures
from bot.storage.database import Transaction
from bot.storage.tables import (
    effects,
    holders,
    invitations,
    invited,
    signature_requests,
    signatures,
)

_columns = invitations.c
_listed = invited.c
_requests = signature_requests.c
_is_running = and_(_columns.started_at.is_not(None), _columns.finished_at.is_(None))


async def add(tx: Transaction, group_key: str, now: datetime) -> int:
    """Begin a list of people to ask; nobody is asked before it is marked as started."""
    values = {"group_key": group_key, "counted_at": now, "audience": Audience.EVERYBODY, "posts": 0}
    added = await tx.execute(insert(invitations).values(values).returning(_columns.id))
    return added.scalar_one()


async def find(tx: Transaction, invitation_id: int) -> Invitation | None:
    """One invitation by its id."""
    return await _find(tx, _columns.id == invitation_id)


async def find_running(tx: Transaction, group_key: str) -> Invitation | None:
    """The invitation of a group that is under way."""
    return await _find(tx, and_(_columns.group_key == group_key, _is_running))


async def _find(tx: Transaction, wanted: ColumnElement[bool]) -> Invitation | None:
    row = (await tx.execute(select(invitations).where(wanted))).mappings().one_or_none()
    if row is None:
        return None
    values = dict(row)
    values["audience"] = Audience(values["audience"])
    return Invitation(**values)


async def mark(tx: Transaction, invitation_id: int, **values: Any) -> None:
    """Set columns of one invitation."""
    await tx.execute(update(invitations).where(_columns.id == invitation_id).values(**values))


async def list_over(tx: Transaction, group_key: str, counted_before: datetime) -> list[int]:
    """Invitations whose list is not needed any more: finished, or counted then and not begun."""
    is_stale = and_(_columns.started_at.is_(None), _columns.counted_at < counted_before)
    query = select(_columns.id).where(
        _columns.group_key == group_key,
        is_stale | _columns.finished_at.is_not(None),
        exists().where(_listed.invitation_id == _columns.id),
    )
    return list((await tx.execute(query)).scalars())


async def forget_people(tx: Transaction, invitation_id: int, limit: int) -> int:
    """Drop up to `limit` people from a list; returns how many."""
    page = select(_listed.member_id).where(_listed.invitation_id == invitation_id).limit(limit)
    result = await tx.execute(
        delete(invited).where(
            _listed.invitation_id == invitation_id, _listed.member_id.in_(page.scalar_subquery())
        )
    )
    return result.rowcount


async def forget_member(tx: Transaction, group_keys: Collection[str], member_id: int) -> None:
    """Take somebody who left the server from the lists they were not asked from yet."""
    mine = select(_columns.id).where(_columns.group_key.in_(group_keys))
    await tx.execute(
        delete(invited).where(
            _listed.invitation_id.in_(mine.scalar_subquery()),
            _listed.member_id == member_id,
            _listed.request_id.is_(None),
        )
    )


async def list_adopted_after(
    tx: Transaction, group_key: str, after_id: int, limit: int
) -> list[int]:
    """Members from before Pledge with an id above `after_id`, ascending."""
    query = (
        select(holders.c.member_id)
        .where(
            holders.c.group_key == group_key,
            holders.c.adopted_at.is_not(None),
            holders.c.member_id > after_id,
        )
        .order_by(holders.c.member_id)
        .limit(limit)
    )
    return list((await tx.execute(query)).scalars())


async def add_people(
    tx: Transaction, invitation_id: int, group_key: str, member_ids: Collection[int]
) -> int:
    """Put those of these people on the list who need asking; returns how many.

    Whoever declined or withdrew has a request that says so, and is left in peace.
    """
    ids = set(member_ids) - await _list_covered(tx, group_key, member_ids)
    on_it = select(_listed.member_id).where(
        _listed.invitation_id == invitation_id, _listed.member_id.in_(list(ids))
    )
    ids -= set((await tx.execute(on_it)).scalars())
    adopted = select(holders.c.member_id).where(
        holders.c.group_key == group_key,
        holders.c.member_id.in_(list(ids)),
        holders.c.adopted_at.is_not(None),
    )
    members = set((await tx.execute(adopted)).scalars())
    if ids:
        rows = [
            {
                "invitation_id": invitation_id,
                "member_id": member_id,
                "kind": Kind.MEMBER if member_id in members else Kind.OTHER,
            }
            for member_id in sorted(ids)
        ]
        await tx.execute(insert(invited), rows)
    return len(ids)


async def _list_covered(tx: Transaction, group_key: str, member_ids: Collection[int]) -> set[int]:
    """Which of these have an open request, whatever came of it, or a signature, or were erased."""
    asked = select(_requests.member_id).where(
        _requests.group_key == group_key,
        _requests.member_id.in_(list(member_ids)),
        _requests.state.in_(OPEN_STATES),
    )
    signed = select(signatures.c.member_id).where(
        signatures.c.group_key == group_key,
        signatures.c.member_id.in_(list(member_ids)),
        signatures.c.revoked_at.is_(None),
    )
    in_peace = await erasures.list_in_peace(tx, group_key, member_ids)
    known = {*(await tx.execute(asked)).scalars(), *(await tx.execute(signed)).scalars()}
    return known | in_peace.keys()


async def count_people(tx: Transaction, invitation_id: int) -> dict[Kind, int]:
    """How many of each kind are on the list."""
    query = select(_listed.kind, func.count()).where(_listed.invitation_id == invitation_id)
    found = await tx.execute(query.group_by(_listed.kind))
    return {Kind(row[0]): row[1] for row in found}


def _on_list(invitation: Invitation) -> ColumnElement[bool]:
    mine = _listed.invitation_id == invitation.id
    is_all = invitation.audience is Audience.EVERYBODY
    return mine if is_all else and_(mine, _listed.kind == Kind.MEMBER)


async def take_next(
    tx: Transaction, invitation: Invitation, limit: int, looked_at: int
) -> tuple[list[int], bool]:
    """The next people to ask; who signed, declined or was asked since leaves the list.

    Args:
        tx: the open transaction.
        invitation: the invitation.
        limit: how many are wanted.
        looked_at: how many of the list are looked at; no fewer than `limit`.

    Returns:
        The people, and whether there may be more of them further on in the list.
    """
    query = (
        select(_listed.member_id)
        .where(_on_list(invitation), _listed.request_id.is_(None))
        .order_by(_listed.member_id)
        .limit(looked_at)
    )
    page = list((await tx.execute(query)).scalars())
    covered = await _list_covered(tx, invitation.group_key, page)
    if covered:
        await tx.execute(
            delete(invited).where(
                _listed.invitation_id == invitation.id, _listed.member_id.in_(list(covered))
            )
        )
    taken = [member_id for member_id in page if member_id not in covered][:limit]
    return taken, len(taken) < limit and len(page) == looked_at


async def link_requests(tx: Transaction, invitation: Invitation, member_ids: Sequence[int]) -> None:
    """Remember which requests these people were given."""
    request_id = (
        select(_requests.id)
        .where(
            _requests.group_key == invitation.group_key,
            _requests.member_id == _listed.member_id,
            _requests.state.in_(OPEN_STATES),
        )
        .correlate(invited)
        .scalar_subquery()
    )
    await tx.execute(
        update(invited)
        .where(_listed.invitation_id == invitation.id, _listed.member_id.in_(list(member_ids)))
        .values(request_id=request_id)
    )


def _queued(invitation: Invitation) -> Any:
    return select(_requests.id).where(
        _requests.group_key == invitation.group_key,
        _requests.state == RequestState.QUEUED,
        _requests.left_at.is_(None),
        exists().where(_listed.request_id == _requests.id, _listed.invitation_id == invitation.id),
    )


async def count_queued(tx: Transaction, invitation: Invitation) -> int:
    """How many have a request that was not sent yet."""
    query = select(func.count()).select_from(_queued(invitation).subquery())
    return (await tx.execute(query)).scalar_one()


async def cancel_unsent(tx: Transaction, invitation: Invitation, now: datetime) -> int:
    """Take back the requests nobody has begun to send; returns how many.

    One that was begun may be in front of the person already, or half of it: it goes out, and
    an answer to it counts.
    """
    queued = list((await tx.execute(_queued(invitation))).scalars())
    begun = select(effects.c.request_id).where(
        effects.c.request_id.in_(queued),
        effects.c.kind == EffectKind.ASK,
        effects.c.attempts > 0,
        effects.c.finished_at.is_(None),
    )
    unsent = sorted(set(queued) - set((await tx.execute(begun)).scalars()))
    await tx.execute(
        update(effects)
        .where(
            effects.c.request_id.in_(unsent),
            effects.c.kind == EffectKind.ASK,
            effects.c.finished_at.is_(None),
        )
        .values(state=EffectState.DROPPED, outcome="invitation stopped", finished_at=now)
    )
    await tx.execute(
        update(signature_requests)
        .where(_requests.id.in_(unsent))
        .values(state=RequestState.CANCELLED)
    )
    # Back on the list, where nobody takes them from any more.
    await tx.execute(
        update(invited)
        .where(_listed.invitation_id == invitation.id, _listed.request_id.in_(unsent))
        .values(request_id=None)
    )
    return len(unsent)


async def count_progress(tx: Transaction, invitation: Invitation) -> Progress:
    """How many were written to, cannot be reached, and wait."""
    state = _requests.state
    waits = and_(state == RequestState.QUEUED, _requests.left_at.is_(None))
    place = case(
        (_listed.request_id.is_(None), "settled" if invitation.stopped_at else "waiting"),
        (waits, "waiting"),
        (_requests.sent_at.is_not(None), "asked"),
        (state == RequestState.BLOCKED, "unreachable"),
        else_="settled",
    )
    query = (
        select(place, func.count())
        .select_from(invited.outerjoin(signature_requests, _requests.id == _listed.request_id))
        .where(_on_list(invitation))
        .group_by(place)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in await tx.execute(query)}
    return Progress(
        people=invitation.people or sum(counts.values()),
        asked=counts.get("asked", 0),
        unreachable=counts.get("unreachable", 0),
        waiting=counts.get("waiting", 0),
    )
