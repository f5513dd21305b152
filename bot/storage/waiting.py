"""People who were asked and have not answered, for reminders by hand."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, cast, func, insert, literal, or_, select, update

from bot.domain.agreements import RequestState
from bot.domain.effects import EffectKind, EffectState, Notice
from bot.storage.database import Transaction
from bot.storage.tables import effects, signature_requests

_columns = signature_requests.c


def _waits(group_key: str) -> ColumnElement[bool]:
    return and_(
        _columns.group_key == group_key,
        _columns.state == RequestState.SENT,
        _columns.left_at.is_(None),
    )


def _is_due(before: datetime) -> ColumnElement[bool]:
    return and_(
        _columns.sent_at <= before,
        or_(_columns.reminded_at.is_(None), _columns.reminded_at <= before),
    )


async def count_waiting(tx: Transaction, group_key: str, before: datetime) -> tuple[int, int]:
    """Present people without an answer: last written to by `before`, and since then."""
    query = select(func.count(), func.count().filter(_is_due(before))).where(_waits(group_key))
    everybody, due = (await tx.execute(query)).one()
    return due, everybody - due


async def mark_reminded(
    tx: Transaction, group_key: str, before: datetime, now: datetime, after_id: int, limit: int
) -> list[int]:
    """Note that the next of those due by `before` are reminded now.

    Args:
        tx: the open transaction.
        group_key: the group.
        before: nobody who was written to later than this.
        now: the current instant.
        after_id: only requests with a greater id.
        limit: how many at the most.

    Returns:
        Their requests, by ascending id.
    """
    page = (
        select(_columns.id)
        .where(_waits(group_key), _is_due(before), _columns.id > after_id)
        .order_by(_columns.id)
        .limit(limit)
    )
    marked = await tx.execute(
        update(signature_requests)
        .where(_columns.id.in_(page.scalar_subquery()))
        .values(reminded_at=now)
        .returning(_columns.id)
    )
    return sorted(marked.scalars())


async def add_reminders(
    tx: Transaction, request_ids: Sequence[int], now: datetime, due_at: datetime
) -> None:
    """Put a reminder of each of these requests into the outbox, to go out at `due_at`."""
    instant = effects.c.created_at.type
    selected = select(
        _columns.group_key,
        literal("member:") + _columns.group_key + ":" + cast(_columns.member_id, Text),
        literal(EffectKind.NOTICE.value),
        _columns.member_id,
        _columns.id,
        literal(Notice.REMINDER.value),
        literal(EffectState.PENDING.value),
        literal(0),
        literal(now, instant),
        literal(due_at, instant),
    ).where(_columns.id.in_(list(request_ids)))
    names = ["group_key", "lane", "kind", "member_id", "request_id", "detail", "state", "attempts"]
    await tx.execute(
        insert(effects).from_select(
            [*names, "created_at", "due_at"], selected.order_by(_columns.id)
        )
    )
