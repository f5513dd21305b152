"""Sweeps of the member list, and who was found to hold the role without a signature."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
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
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.agreements import OPEN_STATES, UNANSWERED, AgreementVersion, RequestState
from bot.domain.effects import EffectKind, EffectState, lane_of_role
from bot.domain.holders import Adoption, Rules, Source, Sweep
from bot.storage.database import Transaction
from bot.storage.tables import (
    agreement_versions,
    effects,
    groups,
    holders,
    signature_requests,
    signatures,
    sweeps,
)

_columns = holders.c
_lane = literal("role:") + _columns.group_key + ":" + cast(_columns.member_id, Text)
_is_handled = exists().where(
    effects.c.lane == _lane,
    effects.c.kind == EffectKind.ALIGN_ROLE,
    effects.c.state.in_((EffectState.PENDING, EffectState.RUNNING, EffectState.HELD)),
)

_asked = signature_requests.alias("asked")
_before = signature_requests.alias("before")
_counted_at_adoption = (
    select(func.coalesce(func.max(_before.c.id), 0))
    .where(
        _before.c.group_key == _columns.group_key,
        _before.c.member_id == _columns.member_id,
        _before.c.created_at <= _columns.adopted_at,
    )
    .correlate(holders)
    .scalar_subquery()
)
# What they were asked as members from before Pledge: a request that takes the place of an older
# one, as after a publish, gives nobody more time.
_was_asked = and_(
    _asked.c.group_key == _columns.group_key,
    _asked.c.member_id == _columns.member_id,
    _asked.c.id >= _counted_at_adoption,
)
_asked_at = (
    select(func.min(_asked.c.sent_at)).where(_was_asked).correlate(holders).scalar_subquery()
)
_was_reminded = exists().where(_was_asked, _asked.c.reminded_day.is_not(None)).correlate(holders)


def _upsert(tx: Transaction) -> Any:
    return (postgresql if tx.dialect.name == "postgresql" else sqlite).insert


async def find_sweep(tx: Transaction, group_key: str) -> Sweep | None:
    """The last sweep of a group, finished or under way."""
    query = select(sweeps).where(sweeps.c.group_key == group_key)
    row = (await tx.execute(query)).mappings().one_or_none()
    return Sweep(**row) if row else None


async def put_sweep(tx: Transaction, sweep: Sweep) -> None:
    """Remember where a sweep is."""
    values = {
        "started_at": sweep.started_at,
        "after_id": sweep.after_id,
        "members": sweep.members,
        "holders": sweep.holders,
        "finished_at": sweep.finished_at,
        "role_id": sweep.role_id,
    }
    statement = _upsert(tx)(sweeps).values(group_key=sweep.group_key, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["group_key"], set_=values))


async def delete_sweep(tx: Transaction, group_key: str) -> None:
    """Forget where a sweep was: the next one begins anew, and nothing is decided before."""
    await tx.execute(delete(sweeps).where(sweeps.c.group_key == group_key))


async def add_found(
    tx: Transaction, group_key: str, member_ids: Collection[int], now: datetime
) -> None:
    """Note people who were seen with the role and have no valid signature."""
    if not member_ids:
        return
    values = {"group_key": group_key, "found_at": now, "seen_at": now}
    statement = _upsert(tx)(holders).on_conflict_do_update(
        index_elements=["group_key", "member_id"], set_={"seen_at": now}
    )
    await tx.execute(statement, [{**values, "member_id": member} for member in member_ids])


async def is_known(tx: Transaction, group_key: str, member_id: int) -> bool:
    """Whether this person is noted already."""
    query = select(func.count()).where(
        _columns.group_key == group_key, _columns.member_id == member_id
    )
    return (await tx.execute(query)).scalar_one() > 0


async def is_kept(
    tx: Transaction, group_key: str, member_id: int, rules: Rules, now: datetime
) -> bool:
    """Whether this person keeps the role for now, as a member from before Pledge."""
    query = (
        select(func.count())
        .select_from(_with_requests())
        .where(_columns.member_id == member_id, ~_is_stranger(group_key, rules, now))
        .where(_columns.group_key == group_key)
    )
    return (await tx.execute(query)).scalar_one() > 0


async def forget(tx: Transaction, group_keys: Collection[str], member_id: int) -> None:
    """This person signed, left, or does not hold the role any more."""
    await tx.execute(
        delete(holders).where(_columns.group_key.in_(group_keys), _columns.member_id == member_id)
    )


async def forget_unseen(
    tx: Transaction, group_key: str, since: datetime, *, keep_adopted: bool
) -> None:
    """Drop whoever a complete sweep that began at `since` did not see with the role any more."""
    kept = [_columns.adopted_at.is_(None)] if keep_adopted else []
    await tx.execute(
        delete(holders).where(_columns.group_key == group_key, _columns.seen_at < since, *kept)
    )


async def forget_signed(
    tx: Transaction, in_force: AgreementVersion, paused: Collection[int], now: datetime
) -> None:
    """Drop whoever holds a valid signature by now, unless their access is `paused`."""
    await tx.execute(
        delete(holders).where(
            _columns.group_key == in_force.group_key,
            _columns.member_id.not_in(list(paused)),
            _has_valid_signature(in_force, now),
        )
    )


def _has_valid_signature(in_force: AgreementVersion, now: datetime) -> ColumnElement[bool]:
    """`bot.domain.agreements.Signature.is_valid`, for the person of a row."""
    covers = or_(
        agreement_versions.c.number >= in_force.material_number,
        agreement_versions.c.outdated_at > now,
    )
    return exists().where(
        signatures.c.group_key == _columns.group_key,
        signatures.c.member_id == _columns.member_id,
        signatures.c.revoked_at.is_(None),
        or_(signatures.c.expires_at.is_(None), signatures.c.expires_at > now),
        agreement_versions.c.id == signatures.c.version_id,
        covers,
    )


async def adopt_all(tx: Transaction, group_key: str, paused: Collection[int], now: datetime) -> int:
    """Let everybody found so far keep the role for the grace; returns how many they are.

    Not those whose role is being taken already, such as whoever has signed and withdrawn, and
    nobody whose access is `paused`.
    """
    adopted = await tx.execute(
        update(holders)
        .where(_columns.group_key == group_key, _columns.adopted_at.is_(None), ~_is_handled)
        .where(_columns.member_id.not_in(list(paused)))
        .values(adopted_at=now)
    )
    await tx.execute(update(groups).where(groups.c.key == group_key).values(adopted_at=now))
    return adopted.rowcount


async def end_adoption(tx: Transaction, group_key: str, member_id: int) -> None:
    """This person does not keep the role as a member from before Pledge any more."""
    await tx.execute(
        update(holders)
        .where(_columns.group_key == group_key, _columns.member_id == member_id)
        .values(adopted_at=None)
    )


def _with_requests() -> Any:
    return holders.outerjoin(
        signature_requests,
        and_(
            signature_requests.c.group_key == _columns.group_key,
            signature_requests.c.member_id == _columns.member_id,
            signature_requests.c.state.in_(OPEN_STATES),
        ),
    )


def _is_stranger(group_key: str, rules: Rules, now: datetime) -> ColumnElement[bool]:
    """Not adopted; or adopted, asked, reminded and silent until the grace was over; or said no."""
    request = signature_requests.c
    began = now - rules.grace
    grace_is_over = and_(
        _columns.adopted_at <= began,
        request.state.in_(UNANSWERED),
        _asked_at <= began,
        *([_was_reminded] if rules.reminds else []),
    )
    said_no = func.coalesce(request.state == RequestState.DECLINED, False)
    is_over = func.coalesce(grace_is_over, False)
    return and_(
        _columns.group_key == group_key,
        or_(_columns.adopted_at.is_(None), said_no, is_over),
    )


async def count_strangers(tx: Transaction, group_key: str, rules: Rules, now: datetime) -> int:
    """How many hold the role without any right to it, and nothing is being done about it."""
    query = (
        select(func.count())
        .select_from(_with_requests())
        .where(_is_stranger(group_key, rules, now), ~_is_handled)
    )
    return (await tx.execute(query)).scalar_one()


async def count_sources(
    tx: Transaction, group_key: str, rules: Rules, now: datetime, *, untold: bool
) -> dict[Source, int]:
    """How these came by the role; `untold` counts only those nobody was told of."""
    source = func.coalesce(_columns.source, Source.UNKNOWN.value)
    query = (
        select(source, func.count())
        .select_from(_with_requests())
        .where(
            _is_stranger(group_key, rules, now),
            ~_is_handled,
            *([_columns.told_at.is_(None)] if untold else []),
        )
        .group_by(source)
    )
    return {Source(row[0]): row[1] for row in await tx.execute(query)}


async def find_adoption(tx: Transaction, group_key: str, member_id: int) -> Adoption | None:
    """Since when this person keeps the role as a member from before Pledge, if they do."""
    query = select(_columns.adopted_at, _asked_at).where(
        _columns.group_key == group_key,
        _columns.member_id == member_id,
        _columns.adopted_at.is_not(None),
    )
    row = (await tx.execute(query)).one_or_none()
    return Adoption(adopted_at=row[0], asked_at=row[1]) if row else None


async def count_adopted(tx: Transaction, group_key: str) -> int:
    """How many members from before Pledge hold the role without a signature."""
    query = select(func.count()).where(
        _columns.group_key == group_key, _columns.adopted_at.is_not(None)
    )
    return (await tx.execute(query)).scalar_one()


async def count_unasked_adopted(tx: Transaction, group_key: str) -> int:
    """How many members from before Pledge were never asked, or have no open request."""
    asked = exists().where(
        signature_requests.c.group_key == _columns.group_key,
        signature_requests.c.member_id == _columns.member_id,
        signature_requests.c.state.in_(OPEN_STATES),
    )
    query = select(func.count()).where(
        _columns.group_key == group_key, _columns.adopted_at.is_not(None), ~asked
    )
    return (await tx.execute(query)).scalar_one()


async def list_adopted_of(tx: Transaction, group_key: str, member_ids: Collection[int]) -> set[int]:
    """Which of these people are members from before Pledge without a signature."""
    query = select(_columns.member_id).where(
        _columns.group_key == group_key,
        _columns.member_id.in_(list(member_ids)),
        _columns.adopted_at.is_not(None),
    )
    return set((await tx.execute(query)).scalars())


async def list_changing(
    tx: Transaction, group_key: str, member_ids: Collection[int], since: datetime
) -> set[int]:
    """Whose role is being changed, or was since then: what was read of it may be old."""
    lanes = {lane_of_role(group_key, member_id): member_id for member_id in member_ids}
    query = select(effects.c.lane).where(
        effects.c.lane.in_(list(lanes)),
        effects.c.kind == EffectKind.ALIGN_ROLE,
        or_(effects.c.finished_at.is_(None), effects.c.finished_at > since),
    )
    return {lanes[lane] for lane in (await tx.execute(query)).scalars()}


async def list_unexplained(tx: Transaction, group_key: str, limit: int) -> list[int]:
    """People who are not adopted, and of whom it is not known how they came by the role."""
    query = (
        select(_columns.member_id)
        .where(
            _columns.group_key == group_key,
            _columns.adopted_at.is_(None),
            _columns.source.is_(None),
            ~_is_handled,
        )
        .order_by(_columns.member_id)
        .limit(limit)
    )
    return list((await tx.execute(query)).scalars())


async def mark_sources(tx: Transaction, group_key: str, sources: Mapping[int, Source]) -> None:
    """Remember how these people came by the role."""
    for source in set(sources.values()):
        people = [member_id for member_id, found in sources.items() if found is source]
        await tx.execute(
            update(holders)
            .where(_columns.group_key == group_key, _columns.member_id.in_(people))
            .values(source=source)
        )


async def mark_told(tx: Transaction, group_key: str, rules: Rules, now: datetime) -> None:
    """The moderators' channel was told of all strangers there are now."""
    strangers = (
        select(_columns.member_id)
        .select_from(_with_requests())
        .where(_is_stranger(group_key, rules, now))
    )
    await tx.execute(
        update(holders)
        .where(_columns.group_key == group_key, _columns.member_id.in_(strangers))
        .values(told_at=now)
    )


async def add_role_changes(tx: Transaction, group_key: str, rules: Rules, now: datetime) -> int:
    """Put a role change for every stranger into the outbox; returns how many."""
    instant = effects.c.created_at.type
    selected = (
        select(
            _columns.group_key,
            _lane,
            literal(EffectKind.ALIGN_ROLE.value),
            _columns.member_id,
            literal(EffectState.PENDING.value),
            literal(0),
            literal(now, instant),
            literal(now, instant),
        )
        .select_from(_with_requests())
        .where(_is_stranger(group_key, rules, now), ~_is_handled)
        .order_by(_columns.member_id)
    )
    names = ["group_key", "lane", "kind", "member_id", "state", "attempts"]
    added = await tx.execute(
        insert(effects).from_select([*names, "created_at", "due_at"], selected)
    )
    return added.rowcount


async def list_silent(tx: Transaction, group_key: str, rules: Rules, now: datetime) -> list[int]:
    """Members from before Pledge whose time is over without an answer, and who are still here.

    Whoever declined was told of it at once.
    """
    query = select_over(group_key, rules, now).where(
        ~_is_handled, signature_requests.c.left_at.is_(None)
    )
    found = await tx.execute(query.order_by(_columns.member_id))
    return list(found.scalars())


def select_over(group_key: str, rules: Rules, now: datetime) -> Select[Any]:
    """Members from before Pledge whose time is over without an answer."""
    return (
        select(_columns.member_id)
        .select_from(_with_requests())
        .where(_is_stranger(group_key, rules, now), _columns.adopted_at.is_not(None))
        .where(signature_requests.c.state.in_(UNANSWERED))
    )


async def count_recent_changes(tx: Transaction, lane: str, since: datetime) -> int:
    """How often this person's role was looked at since then."""
    query = select(func.count()).where(
        effects.c.lane == lane,
        effects.c.kind == EffectKind.ALIGN_ROLE,
        effects.c.created_at >= since,
    )
    return (await tx.execute(query)).scalar_one()
