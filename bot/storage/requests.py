"""Signature requests: who was asked what, where, and what they answered."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Select,
    Text,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from bot.domain.agreements import OPEN_STATES, RequestState, SignatureRequest
from bot.domain.effects import EffectKind, EffectState
from bot.domain.holders import Enforcement, Rules
from bot.storage import rows
from bot.storage.database import Transaction
from bot.storage.holders import select_over
from bot.storage.tables import (
    agreement_versions,
    effects,
    is_open_as_indexed,
    signature_requests,
    signatures,
)

_columns = signature_requests.c
_is_open = _columns.state.in_(OPEN_STATES)
MARKED_AT_ONCE = 5_000
_holds_signature = exists().where(
    signatures.c.request_id == _columns.id, signatures.c.revoked_at.is_(None)
)


def _requests() -> Select[Any]:
    return select(
        signature_requests, agreement_versions.c.number.label("version_number")
    ).outerjoin_from(
        signature_requests, agreement_versions, agreement_versions.c.id == _columns.version_id
    )


async def find_by_message(tx: Transaction, message_id: int) -> SignatureRequest | None:
    """The request whose two reactions stand under this message."""
    row = (
        (await tx.execute(_requests().where(_columns.message_id == message_id)))
        .mappings()
        .one_or_none()
    )
    return rows.request(row) if row else None


async def list_messages_of(tx: Transaction, member_id: int) -> dict[int, int]:
    """The messages on which a person was asked, whatever became of it: request by message."""
    query = select(_columns.message_id, _columns.id).where(
        _columns.member_id == member_id, _columns.message_id.is_not(None)
    )
    return {row[0]: row[1] for row in await tx.execute(query)}


async def get(tx: Transaction, request_id: int) -> SignatureRequest:
    """One request by its id, which must exist."""
    return rows.request(
        (await tx.execute(_requests().where(_columns.id == request_id))).mappings().one()
    )


async def find(tx: Transaction, request_id: int | None) -> SignatureRequest | None:
    """One request by its id; None when the person had it erased, or for no id."""
    row = (await tx.execute(_requests().where(_columns.id == request_id))).mappings().one_or_none()
    return rows.request(row) if row else None


async def find_open(tx: Transaction, group_key: str, member_id: int) -> SignatureRequest | None:
    """The one request that counts for a person in a group now."""
    query = _requests().where(
        _columns.group_key == group_key, _columns.member_id == member_id, _is_open
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return rows.request(row) if row else None


async def list_open_of(
    tx: Transaction, group_key: str, member_ids: Iterable[int]
) -> dict[int, SignatureRequest]:
    """The open requests of several people, by person."""
    query = _requests().where(
        _columns.group_key == group_key, _columns.member_id.in_(list(member_ids)), _is_open
    )
    found = [rows.request(row) for row in (await tx.execute(query)).mappings()]
    return {request.member_id: request for request in found}


async def find_uncertain(
    tx: Transaction, group_key: str, member_id: int, since: datetime
) -> SignatureRequest | None:
    """The request with a person's signature, when its message was last known before `since`."""
    query = _requests().where(
        _columns.group_key == group_key,
        _columns.member_id == member_id,
        _holds_signature,
        _columns.message_id.is_not(None),
        func.coalesce(_columns.checked_at, _columns.created_at) < since,
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return rows.request(row) if row else None


async def list_groups_of(tx: Transaction, member_id: int) -> list[str]:
    """Keys of the groups that have an open request for this person."""
    query = select(_columns.group_key).where(_columns.member_id == member_id, _is_open)
    return list((await tx.execute(query.order_by(_columns.group_key))).scalars())


async def list_readable(
    tx: Transaction,
    group_key: str,
    after_id: int,
    limit: int,
    *,
    waiting_before: datetime,
    answered_before: datetime,
) -> list[SignatureRequest]:
    """Requests of present members whose answer stands on a message, by ascending id.

    A request that was replaced counts while the signature given on it does: taking the
    acceptance back there is a withdrawal.

    Args:
        tx: the open transaction.
        group_key: the group.
        after_id: only requests with a greater id.
        limit: how many at the most.
        waiting_before: requests without an answer that were last known for certain by then.
        answered_before: the same for requests that were answered.
    """
    due = func.coalesce(_columns.checked_at, _columns.created_at) <= case(
        (_columns.state == RequestState.SENT, literal(waiting_before, _columns.checked_at.type)),
        else_=literal(answered_before, _columns.checked_at.type),
    )
    query = (
        _requests()
        .where(
            _columns.group_key == group_key,
            _columns.id > after_id,
            _columns.state.in_((RequestState.SENT, RequestState.SIGNED, RequestState.DECLINED))
            | _holds_signature,
            _columns.message_id.is_not(None),
            _columns.left_at.is_(None),
            due,
        )
        .order_by(_columns.id)
        .limit(limit)
    )
    return [rows.request(row) for row in (await tx.execute(query)).mappings()]


async def add(
    tx: Transaction,
    group_key: str,
    member_id: int,
    now: datetime,
    *,
    version_id: int | None,
    state: RequestState = RequestState.QUEUED,
) -> int:
    """Open a request and return its id; the database refuses a second open one."""
    row = await tx.execute(
        insert(signature_requests)
        .values(
            group_key=group_key,
            member_id=member_id,
            state=state,
            created_at=now,
            version_id=version_id,
        )
        .returning(_columns.id)
    )
    return row.scalar_one()


async def add_many(
    tx: Transaction, group_key: str, member_ids: Sequence[int], version_id: int, now: datetime
) -> None:
    """Open one queued request for each of these people, who must have none open."""
    if member_ids:
        values = {
            "group_key": group_key,
            "state": RequestState.QUEUED,
            "created_at": now,
            "version_id": version_id,
        }
        await tx.execute(
            insert(signature_requests), [{**values, "member_id": member} for member in member_ids]
        )


async def mark(tx: Transaction, request_id: int, **values: Any) -> None:
    """Set columns of one request."""
    await tx.execute(update(signature_requests).where(_columns.id == request_id).values(**values))


async def forget_warnings(tx: Transaction, group_key: str) -> None:
    """Nobody of this group counts as warned of their removal any more."""
    await tx.execute(
        update(signature_requests)
        .where(_columns.group_key == group_key, _is_open, _columns.warned_at.is_not(None))
        .values(warned_before=None, warned_at=None)
    )


async def mark_nudged(tx: Transaction, group_key: str, member_id: int, now: datetime) -> None:
    """This person is told that access has ended: a reminder of what waits has to wait, too."""
    await tx.execute(
        update(signature_requests)
        .where(
            _columns.group_key == group_key,
            _columns.member_id == member_id,
            _columns.state == RequestState.SENT,
        )
        .values(reminded_at=now)
    )


async def mark_checked(tx: Transaction, request_ids: Sequence[int], now: datetime) -> None:
    """Remember that the answers on these messages were known for certain at `now`."""
    await tx.execute(
        update(signature_requests)
        .where(
            _columns.id.in_(request_ids),
            _columns.checked_at.is_(None) | (_columns.checked_at < now),
        )
        .values(checked_at=now)
    )


async def mark_left(
    tx: Transaction, group_keys: Sequence[str], member_id: int, now: datetime
) -> int:
    """Remember that a person left the server; returns how many requests that touched."""
    result = await tx.execute(
        update(signature_requests)
        .where(
            _columns.group_key.in_(group_keys),
            _columns.member_id == member_id,
            _is_open,
            _columns.left_at.is_(None),
        )
        .values(left_at=now)
    )
    return result.rowcount


async def mark_absent(
    tx: Transaction,
    group_key: str,
    between: tuple[int, int | None],
    present: Collection[int],
    asked_before: datetime,
    now: datetime,
) -> list[int]:
    """Remember that people whom a page of the member list should have shown are not there.

    Args:
        tx: the open transaction.
        group_key: the group.
        between: the page shows the ids above the first and up to the second; None is no end.
        present: who is there all the same.
        asked_before: when the page was asked for; who came later may not be on it.
        now: the current instant.

    Returns:
        The people who left.
    """
    low, high = between
    # From one end to the other in the index of open requests, one for each person: of all that
    # is asked here, only who is between these ends makes them few.
    query = select(_columns.id, _columns.member_id, _columns.created_at, _columns.left_at).where(
        _columns.group_key == group_key,
        _columns.member_id > low,
        *([] if high is None else [_columns.member_id <= high]),
        is_open_as_indexed,
    )
    there = set(present)
    absent = {
        request_id: member_id
        for request_id, member_id, created_at, left_at in await tx.execute(query)
        if left_at is None and created_at < asked_before and member_id not in there
    }
    ids = list(absent)
    for start in range(0, len(ids), MARKED_AT_ONCE):
        chosen = ids[start : start + MARKED_AT_ONCE]
        await tx.execute(
            update(signature_requests).where(_columns.id.in_(chosen)).values(left_at=now)
        )
    return list(absent.values())


async def list_to_remind(
    tx: Transaction,
    group_key: str,
    days: Sequence[int],
    now: datetime,
    limit: int,
    reminded_before: datetime,
    rules: Rules | None = None,
) -> list[SignatureRequest]:
    """Unanswered requests of present people for which one of these days after asking has come.

    Args:
        tx: the open transaction.
        group_key: the group.
        days: whole days after the asking, the smallest first.
        now: the current instant.
        limit: how many at the most.
        reminded_before: nobody whose last reminder, also one by hand, is later than this.
        rules: by these, members from before Pledge whose time is over are told that instead.
    """
    takes_roles = rules is not None and rules.enforcement is Enforcement.REVOKE
    over = select_over(group_key, rules, now) if rules is not None and takes_roles else None
    reminded = func.coalesce(_columns.reminded_day, 0)
    due = [(_columns.sent_at <= now - timedelta(days=day)) & (reminded < day) for day in days]
    query = (
        _requests()
        .where(
            _columns.group_key == group_key,
            _columns.state == RequestState.SENT,
            _columns.left_at.is_(None),
            or_(_columns.reminded_at.is_(None), _columns.reminded_at <= reminded_before),
            or_(*due),
            *([_columns.member_id.not_in(over)] if over is not None else []),
        )
        .order_by(_columns.id)
        .limit(limit)
    )
    return [rows.request(row) for row in (await tx.execute(query)).mappings()]


async def retarget_queued(tx: Transaction, group_key: str, version_id: int) -> None:
    """Whoever still waits to be asked gets the text in force."""
    await tx.execute(
        update(signature_requests)
        .where(_columns.group_key == group_key, _columns.state == RequestState.QUEUED)
        .values(version_id=version_id)
    )


async def replace_superseded(
    tx: Transaction, group_key: str, version_id: int, now: datetime
) -> int:
    """Close the requests for older texts of people who wait or have signed, and open new ones.

    People who declined or withdrew are left in peace until they come back by themselves. It is
    done in the database alone, however many they are.

    Args:
        tx: the open transaction.
        group_key: the group.
        version_id: the text they are to be asked for, for which nobody was asked before.
        now: the current instant.

    Returns:
        How many people are asked anew.
    """
    waits = _columns.state.in_((RequestState.SENT, RequestState.BLOCKED))
    superseded = (
        _columns.group_key == group_key,
        _columns.version_id != version_id,
        _columns.left_at.is_(None),
        waits | ((_columns.state == RequestState.SIGNED) & _holds_signature),
    )
    # A person has one open request: the new ones begin closed, and open once the old ones are.
    added = select(
        _columns.group_key,
        _columns.member_id,
        literal(RequestState.CANCELLED.value),
        literal(now, _columns.created_at.type),
        literal(version_id),
    ).where(*superseded)
    names = ["group_key", "member_id", "state", "created_at", "version_id"]
    await tx.execute(insert(signature_requests).from_select(names, added.order_by(_columns.id)))
    await tx.execute(
        update(signature_requests).where(*superseded).values(state=RequestState.CANCELLED)
    )
    opened = await tx.execute(
        update(signature_requests)
        .where(
            _columns.group_key == group_key,
            _columns.version_id == version_id,
            _columns.state == RequestState.CANCELLED,
        )
        .values(state=RequestState.QUEUED)
    )
    return opened.rowcount


async def ask_queued(
    tx: Transaction,
    group_key: str,
    now: datetime,
    member_ids: Sequence[int] | None = None,
    *,
    asked_since: datetime | None = None,
) -> int:
    """Put the asking of queued people into the outbox once; returns how many.

    Args:
        tx: the open transaction.
        group_key: the group.
        now: the current instant.
        member_ids: the people; None means everybody who is queued in the group.
        asked_since: they may have been asked between then and now by a record that was lost.
    """
    lane = literal(f"member:{group_key}:") + cast(_columns.member_id, Text)
    waiting = exists().where(
        effects.c.request_id == _columns.id,
        effects.c.kind == EffectKind.ASK,
        effects.c.state.in_((EffectState.PENDING, EffectState.RUNNING, EffectState.HELD)),
    )
    selected = select(
        _columns.group_key,
        lane,
        literal(EffectKind.ASK.value),
        _columns.member_id,
        _columns.id,
        literal(EffectState.PENDING.value),
        literal(0),
        literal(now, effects.c.created_at.type),
        literal(now, effects.c.due_at.type),
        literal(asked_since.isoformat() if asked_since else None, effects.c.detail.type),
    ).where(
        _columns.group_key == group_key,
        _columns.state == RequestState.QUEUED,
        _columns.left_at.is_(None),
        ~waiting,
        *([] if member_ids is None else [_columns.member_id.in_(member_ids)]),
    )
    names = ["group_key", "lane", "kind", "member_id", "request_id", "state", "attempts"]
    result = await tx.execute(
        insert(effects).from_select(
            [*names, "created_at", "due_at", "detail"], selected.order_by(_columns.id)
        )
    )
    return result.rowcount
