"""The outbox: what is still to be done in Discord; and the alarms that are open."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from bot.domain.effects import (
    AlarmKind,
    Effect,
    EffectKind,
    EffectState,
    Notice,
    lane_of_member,
    lane_of_role,
)
from bot.storage import rows
from bot.storage.database import Transaction
from bot.storage.tables import alarms, effects

ERASED = Notice.ERASED.value
"""The detail of what is still to be done for somebody whose data were erased, whatever its kind:
when it is over, nothing of it is kept."""

_columns = effects.c
_UNFINISHED = (EffectState.PENDING, EffectState.RUNNING)
_earlier = effects.alias("earlier")
_role_lane = literal("role:") + _columns.group_key + ":" + cast(_columns.member_id, Text)


def _unfinished_before(lane: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(
        _earlier.c.lane == lane,
        _earlier.c.id < _columns.id,
        _earlier.c.state.in_(_UNFINISHED),
    )


# A notice speaks of the role, so it waits for what was to be done to it; the role waits for
# no message, however long direct messages are refused.
_waits_for_earlier = or_(
    _unfinished_before(_columns.lane),
    and_(_columns.kind == EffectKind.NOTICE, _unfinished_before(_role_lane)),
)


async def add(
    tx: Transaction,
    *,
    group_key: str,
    lane: str,
    kind: EffectKind,
    now: datetime,
    member_id: int | None = None,
    request_id: int | None = None,
    detail: str | None = None,
) -> None:
    """Put one thing to do at the end of its lane."""
    await _insert(
        tx,
        now,
        now,
        group_key=group_key,
        lane=lane,
        kind=kind,
        member_id=member_id,
        request_id=request_id,
        detail=detail,
    )


async def _insert(tx: Transaction, now: datetime, due_at: datetime, **values: Any) -> None:
    state = EffectState.PENDING
    statement = insert(effects).values(state=state, attempts=0, created_at=now, due_at=due_at)
    await tx.execute(statement.values(**values))


async def add_notice(
    tx: Transaction,
    group_key: str,
    member_id: int,
    notice: Notice,
    now: datetime,
    request_id: int | None = None,
) -> None:
    """Have a person told something by direct message, after what is in hand for them.

    Args:
        tx: the open transaction.
        group_key: the group.
        member_id: the person.
        notice: what they are told.
        now: the current instant.
        request_id: the request that it is about, if any.
    """
    await add(
        tx,
        group_key=group_key,
        lane=lane_of_member(group_key, member_id),
        kind=EffectKind.NOTICE,
        member_id=member_id,
        request_id=request_id,
        detail=notice,
        now=now,
    )


async def add_role_change(
    tx: Transaction,
    group_key: str,
    member_id: int,
    now: datetime,
    *,
    due_at: datetime | None = None,
    detail: str | None = None,
) -> None:
    """Have a person's role brought in step with the record, in the lane of their role.

    Args:
        tx: the open transaction.
        group_key: the group.
        member_id: the person.
        now: the current instant.
        due_at: when, if not at once.
        detail: `ERASED`, when nothing of it is to be kept.
    """
    await _insert(
        tx,
        now,
        due_at or now,
        group_key=group_key,
        lane=lane_of_role(group_key, member_id),
        kind=EffectKind.ALIGN_ROLE,
        member_id=member_id,
        detail=detail,
    )


async def claim(
    tx: Transaction,
    now: datetime,
    limit: int,
    group_keys: Collection[str],
    not_asking: Collection[str],
) -> list[Effect]:
    """Take up to `limit` effects that are due, each the first unfinished one of its lane.

    Args:
        tx: the open transaction.
        now: the current instant.
        limit: how many at the most.
        group_keys: groups that are configured; rows of others stay where they are.
        not_asking: groups that may send no new requests at the moment.
    """
    query = (
        select(_columns.id)
        .where(
            _columns.state == EffectState.PENDING,
            _columns.due_at <= now,
            _columns.group_key.in_(group_keys),
            ~_waits_for_earlier,
            (_columns.kind != EffectKind.ASK) | _columns.group_key.not_in(not_asking),
        )
        .order_by(_columns.due_at, _columns.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return await _take(tx, list((await tx.execute(query)).scalars()), now)


async def claim_next(tx: Transaction, lanes: Sequence[str], now: datetime) -> Effect | None:
    """Take what is due next in these lanes, unless it is a request to be sent."""
    query = (
        select(_columns.id)
        .where(
            _columns.lane.in_(lanes),
            _columns.state == EffectState.PENDING,
            _columns.due_at <= now,
            _columns.kind != EffectKind.ASK,
            ~_waits_for_earlier,
        )
        .order_by(_columns.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = await _take(tx, list((await tx.execute(query)).scalars()), now)
    return taken[0] if taken else None


async def _take(tx: Transaction, ids: Sequence[int], now: datetime) -> list[Effect]:
    if not ids:
        return []
    claimed = await tx.execute(
        update(effects)
        .where(_columns.id.in_(ids))
        .values(
            state=EffectState.RUNNING,
            attempts=_columns.attempts + 1,
            tried_at=func.coalesce(_columns.tried_at, literal(now, _columns.tried_at.type)),
        )
        .returning(effects)
    )
    return sorted((rows.effect(row) for row in claimed.mappings()), key=lambda effect: effect.id)


async def find_next_due_at(
    tx: Transaction, group_keys: Collection[str], kinds: Collection[EffectKind]
) -> datetime | None:
    """When the next effect of these groups and kinds, first in its lane, wants to run."""
    query = select(func.min(_columns.due_at)).where(
        _columns.state == EffectState.PENDING,
        _columns.group_key.in_(group_keys),
        _columns.kind.in_(kinds),
        ~_waits_for_earlier,
    )
    return (await tx.execute(query)).scalar_one()


async def mark_finished(
    tx: Transaction, effect_id: int, state: EffectState, outcome: str, now: datetime
) -> bool:
    """Close a row: `done`, or `dropped` when it cannot be done or has lost its purpose.

    Returns:
        Whether it was of somebody whose data were erased: then the row is gone, and nothing may
        be written anywhere that tells who it was.
    """
    closed = await tx.execute(
        update(effects)
        .where(_columns.id == effect_id)
        .values(state=state, outcome=outcome, finished_at=now)
        .returning(_columns.detail)
    )
    if closed.scalar_one_or_none() != ERASED:
        return False
    await tx.execute(delete(effects).where(_columns.id == effect_id))
    return True


async def mark_retry(tx: Transaction, effect_id: int, due_at: datetime, outcome: str) -> None:
    """Put a row back, to be tried again at `due_at`."""
    await tx.execute(
        update(effects)
        .where(_columns.id == effect_id)
        .values(state=EffectState.PENDING, due_at=due_at, outcome=outcome)
    )


async def mark_held(tx: Transaction, effect_id: int, outcome: str) -> None:
    """Set a row aside until somebody has mended what it needs."""
    await tx.execute(
        update(effects)
        .where(_columns.id == effect_id)
        .values(state=EffectState.HELD, outcome=outcome)
    )


async def release_held(
    tx: Transaction, group_key: str, kinds: Collection[EffectKind], now: datetime
) -> int:
    """Let the set-aside rows of a group and these kinds try again; returns how many."""
    result = await tx.execute(
        update(effects)
        .where(
            _columns.group_key == group_key,
            _columns.kind.in_(kinds),
            _columns.state == EffectState.HELD,
        )
        .values(state=EffectState.PENDING, due_at=now)
    )
    return result.rowcount


async def reclaim_running(tx: Transaction) -> int:
    """Put back what a process that died had in hand; returns how many rows."""
    result = await tx.execute(
        update(effects)
        .where(_columns.state == EffectState.RUNNING)
        .values(state=EffectState.PENDING)
    )
    return result.rowcount


async def has_waiting(tx: Transaction, lane: str, kind: EffectKind, detail: str | None) -> bool:
    """Whether the same thing already waits in this lane."""
    query = select(func.count()).where(
        _columns.lane == lane,
        _columns.kind == kind,
        _columns.state == EffectState.PENDING,
        _columns.detail == detail if detail is not None else _columns.detail.is_(None),
    )
    return (await tx.execute(query)).scalar_one() > 0


async def find_added(
    tx: Transaction, lane: str, kind: EffectKind, detail: str, until: datetime
) -> datetime | None:
    """When the same thing was last put into this lane, at that instant or before it."""
    query = select(func.max(_columns.created_at)).where(
        _columns.lane == lane,
        _columns.kind == kind,
        _columns.detail == detail,
        _columns.created_at <= until,
    )
    return (await tx.execute(query)).scalar_one()


async def was_added(tx: Transaction, request_id: int, kind: EffectKind, detail: str) -> bool:
    """Whether this was ever to be done about a request, whatever came of it."""
    query = select(func.count()).where(
        _columns.request_id == request_id, _columns.kind == kind, _columns.detail == detail
    )
    return (await tx.execute(query)).scalar_one() > 0


async def has_unfinished(tx: Transaction, lane: str, kind: EffectKind) -> bool:
    """Whether something of this kind waits, runs or was set aside in this lane."""
    query = select(func.count()).where(
        _columns.lane == lane,
        _columns.kind == kind,
        _columns.state.in_((*_UNFINISHED, EffectState.HELD)),
    )
    return (await tx.execute(query)).scalar_one() > 0


async def has_held(tx: Transaction, lane: str, kind: EffectKind) -> bool:
    """Whether something of this kind was set aside in this lane."""
    query = select(func.count()).where(
        _columns.lane == lane, _columns.kind == kind, _columns.state == EffectState.HELD
    )
    return (await tx.execute(query)).scalar_one() > 0


async def count_by_state(tx: Transaction) -> dict[EffectState, int]:
    """How many rows stand in each state."""
    query = select(_columns.state, func.count()).group_by(_columns.state)
    return {EffectState(row[0]): row[1] for row in await tx.execute(query)}


async def open_alarm(tx: Transaction, group_key: str, kind: AlarmKind, now: datetime) -> bool:
    """Open an alarm; False when it is open already, so that people are told once."""
    is_open = select(func.count()).where(
        alarms.c.group_key == group_key, alarms.c.kind == kind, alarms.c.closed_at.is_(None)
    )
    if (await tx.execute(is_open)).scalar_one():
        return False
    await tx.execute(insert(alarms).values(group_key=group_key, kind=kind, opened_at=now))
    return True


async def close_alarms(
    tx: Transaction, group_key: str, kinds: Collection[AlarmKind], now: datetime
) -> int:
    """Close these alarms of a group, if open; returns how many were."""
    result = await tx.execute(
        update(alarms)
        .where(
            alarms.c.group_key == group_key, alarms.c.kind.in_(kinds), alarms.c.closed_at.is_(None)
        )
        .values(closed_at=now)
    )
    return result.rowcount


async def list_open_alarms(tx: Transaction, kind: AlarmKind) -> set[str]:
    """Keys of the groups in which this alarm is open."""
    query = select(alarms.c.group_key).where(alarms.c.kind == kind, alarms.c.closed_at.is_(None))
    return set((await tx.execute(query)).scalars())


async def count_stuck(
    tx: Transaction, tried_before: datetime, kinds: Collection[EffectKind]
) -> dict[str, dict[EffectKind, int]]:
    """How many things of each kind, by group, were first tried before then and are not done.

    What waits because Discord wants fewer direct messages is not among them.
    """
    query = (
        select(_columns.group_key, _columns.kind, func.count())
        .where(
            _columns.state.in_(_UNFINISHED),
            _columns.kind.in_(kinds),
            _columns.tried_at < tried_before,
            func.coalesce(_columns.outcome, "").not_like("paused %"),
        )
        .group_by(_columns.group_key, _columns.kind)
    )
    found: dict[str, dict[EffectKind, int]] = {}
    for group_key, kind, count in await tx.execute(query):
        found.setdefault(group_key, {})[EffectKind(kind)] = count
    return found


async def pull_forward(tx: Transaction, latest: datetime, now: datetime) -> int:
    """Make due at once what is not due until after `latest`; returns how many rows."""
    result = await tx.execute(
        update(effects)
        .where(_columns.state == EffectState.PENDING, _columns.due_at > latest)
        .values(due_at=now)
    )
    return result.rowcount
