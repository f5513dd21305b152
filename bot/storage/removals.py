"""Who was asked, can read it and did not answer: warned of their removal, then removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from bot.domain.agreements import RequestState, RevokeReason
from bot.domain.effects import EffectKind, EffectState, Notice
from bot.domain.reminders import (
    DAY,
    FORGOTTEN_AFTER,
    TRY_AGAIN_AFTER,
    WARNINGS,
    WEEK,
    Outlook,
    first_warning_after,
)
from bot.storage.database import Transaction
from bot.storage.tables import effects, holders, signature_requests, signatures

AGREED = "agreed"
"""A facilitator has agreed to this removal."""

ASKED = "asked"
"""Discord was asked to remove the person; whether it did is not known yet."""

_columns = signature_requests.c
_elsewhere = signature_requests.alias("elsewhere")
_instant = _columns.warned_at.type
_ANSWERED = (RequestState.SIGNED, RequestState.DECLINED, RequestState.BLOCKED)
_REFUSALS = (RevokeReason.WITHDRAWN, RevokeReason.OBJECTED)
_UNFINISHED = (EffectState.PENDING, EffectState.RUNNING, EffectState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRule:
    """What a group has settled about people who do not answer.

    `neighbours` are the other groups on the same server: whoever belongs to one of them stays.
    """

    group_key: str
    after_days: int
    neighbours: Sequence[str] = ()


def _is_silent(rule: RemovalRule) -> ColumnElement[bool]:
    """Asked, in the server, and nothing at all says that they should stay."""
    keys = [rule.group_key, *rule.neighbours]
    has_signed = exists().where(
        signatures.c.group_key.in_(keys),
        signatures.c.member_id == _columns.member_id,
        signatures.c.revoked_at.is_(None),
    )
    holds_role = exists().where(
        holders.c.group_key.in_(keys), holders.c.member_id == _columns.member_id
    )
    has_refused = exists().where(
        signatures.c.group_key.in_(keys),
        signatures.c.member_id == _columns.member_id,
        signatures.c.revoke_reason.in_(_REFUSALS),
        # Not by the button or message of this request, but after it was made all the same.
        signatures.c.revoked_at >= _columns.created_at,
    )
    has_answered_elsewhere = exists().where(
        _elsewhere.c.group_key.in_(rule.neighbours),
        _elsewhere.c.member_id == _columns.member_id,
        _elsewhere.c.state.in_(_ANSWERED),
    )
    return and_(
        _columns.group_key == rule.group_key,
        _columns.state == RequestState.SENT,
        _columns.left_at.is_(None),
        ~has_signed,
        ~has_refused,
        ~holds_role,
        *([~has_answered_elsewhere] if rule.neighbours else []),
    )


def _was_tried(kind: EffectKind, detail: Notice | None, now: datetime) -> ColumnElement[bool]:
    return exists().where(
        effects.c.request_id == _columns.id,
        effects.c.kind == kind,
        *([] if detail is None else [effects.c.detail == detail]),
        or_(effects.c.state.in_(_UNFINISHED), effects.c.created_at > now - TRY_AGAIN_AFTER),
    )


def _remembers(now: datetime) -> ColumnElement[bool]:
    return and_(_columns.warned_at.is_not(None), _columns.warned_at > now - FORGOTTEN_AFTER)


def _wants_warning(rule: RemovalRule, days: int, now: datetime) -> ColumnElement[bool]:
    """`bot.domain.reminders.find_due_warning`, for the request of a row."""
    if days == WEEK:
        asked_by = now - first_warning_after(rule.after_days)
        return and_(~_remembers(now), _columns.sent_at <= asked_by)
    return and_(
        _remembers(now),
        _columns.warned_before == WEEK,
        _columns.warned_at <= now - timedelta(days=WEEK - DAY),
        _columns.sent_at <= now - timedelta(days=rule.after_days - DAY),
    )


def _wants_removal(rule: RemovalRule, now: datetime) -> ColumnElement[bool]:
    """`bot.domain.reminders.is_removal_due`, for the request of a row."""
    return and_(
        _remembers(now),
        _columns.warned_before == DAY,
        _columns.warned_at <= now - timedelta(days=DAY),
        _columns.sent_at <= now - timedelta(days=rule.after_days),
    )


async def is_silent(tx: Transaction, rule: RemovalRule, request_id: int) -> bool:
    """Whether the person of this request was asked, is here, and nothing says they should stay."""
    query = select(func.count()).where(_columns.id == request_id, _is_silent(rule))
    return (await tx.execute(query)).scalar_one() > 0


async def add_warnings(
    tx: Transaction, rule: RemovalRule, days: int, now: datetime, limit: int
) -> int:
    """Put the warnings that are due into the outbox; returns how many."""
    notice = WARNINGS[days]
    wanted = and_(
        _is_silent(rule),
        _wants_warning(rule, days, now),
        ~_was_tried(EffectKind.NOTICE, notice, now),
    )
    return await _add(tx, wanted, EffectKind.NOTICE, notice, now, limit)


async def count_due(tx: Transaction, rule: RemovalRule, now: datetime) -> int:
    """How many people are to be removed now."""
    query = select(func.count()).where(
        _is_silent(rule), _wants_removal(rule, now), ~_was_tried(EffectKind.REMOVE, None, now)
    )
    return (await tx.execute(query)).scalar_one()


async def count_recent(tx: Transaction, group_key: str, since: datetime) -> int:
    """How many removals were begun since then without a facilitator's word."""
    query = select(func.count()).where(
        # A row is never due before it was made; states and due times have an index.
        effects.c.state.in_(tuple(EffectState)),
        effects.c.due_at > since,
        effects.c.created_at > since,
        effects.c.group_key == group_key,
        effects.c.kind == EffectKind.REMOVE,
        func.coalesce(effects.c.detail, "").not_like(f"{AGREED}%"),
    )
    return (await tx.execute(query)).scalar_one()


async def add_removals(tx: Transaction, rule: RemovalRule, now: datetime, *, agreed: bool) -> int:
    """Put the removals that are due into the outbox; returns how many."""
    wanted = and_(
        _is_silent(rule), _wants_removal(rule, now), ~_was_tried(EffectKind.REMOVE, None, now)
    )
    return await _add(tx, wanted, EffectKind.REMOVE, AGREED if agreed else None, now, None)


async def _add(
    tx: Transaction,
    wanted: ColumnElement[bool],
    kind: EffectKind,
    detail: str | None,
    now: datetime,
    limit: int | None,
) -> int:
    lane = literal("member:") + _columns.group_key + ":" + cast(_columns.member_id, Text)
    values: dict[str, Any] = {
        "group_key": _columns.group_key,
        "lane": lane,
        "kind": literal(kind.value),
        "member_id": _columns.member_id,
        "request_id": _columns.id,
        "detail": literal(detail, effects.c.detail.type),
        "state": literal(EffectState.PENDING.value),
        "attempts": literal(0),
        "created_at": literal(now, effects.c.created_at.type),
        "due_at": literal(now, effects.c.due_at.type),
    }
    selected = select(*values.values()).where(wanted).order_by(_columns.id).limit(limit)
    added = await tx.execute(insert(effects).from_select(list(values), selected))
    return added.rowcount


async def mark_asked(tx: Transaction, effect_id: int, detail: str | None) -> None:
    """Discord is about to be asked to remove the person."""
    await tx.execute(
        update(effects)
        .where(effects.c.id == effect_id)
        .values(detail=f"{detail or ''} {ASKED}".strip())
    )


async def find_outlook(tx: Transaction, rule: RemovalRule, now: datetime) -> Outlook | None:
    """Who would be removed if they stay silent: everybody warned, or to be warned now."""
    remembers = _remembers(now)
    query = (
        select(remembers, _columns.warned_before, func.count(), func.min(_columns.warned_at))
        .where(_is_silent(rule), or_(remembers, _wants_warning(rule, WEEK, now)))
        .group_by(remembers, _columns.warned_before)
    )
    people, dates = 0, list[datetime]()
    for is_warned, days, count, warned_at in await tx.execute(query):
        people += count
        began_at = warned_at if is_warned else now
        dates.append(max(now, began_at + timedelta(days=days if is_warned else WEEK)))
    return Outlook(people=people, first_at=min(dates)) if people else None
