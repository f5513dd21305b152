"""Whose access is paused: found by person or group without a name standing in the open."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import RowMapping, insert, or_, select, update

from bot.domain.breaches import BreachCase
from bot.domain.ledger import LedgerKind
from bot.domain.suspensions import Pause, Suspension, pause_of
from bot.storage import ledger
from bot.storage.case_tables import breach_cases, suspensions
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref, seal_json, unseal_json

_columns = suspensions.c
_runs = _columns.ended_at.is_(None)


def _suspension(tx: Transaction, row: RowMapping) -> Suspension:
    values = {name: row[name] for name in ("id", "group_key", "case_id", "began_at", "until")}
    return Suspension(
        **values,
        member_id=unseal_json(tx, row["member"]),
        provisional=bool(row["provisional"]),
        ended_at=row["ended_at"],
    )


async def begin(
    tx: Transaction,
    case: BreachCase,
    member_id: int,
    now: datetime,
    *,
    until: datetime | None,
    provisional: bool = False,
) -> None:
    """Close the group to somebody, and say so in the ledger, which names nobody and no case.

    Args:
        tx: the open transaction, which also has to put their role in step.
        case: because of which case.
        member_id: the person.
        now: the current instant.
        until: when it ends by itself; None is when somebody ends it.
        provisional: whether it comes before the decision.
    """
    values = {
        "group_key": case.group_key,
        "case_id": case.id,
        "member": seal_json(tx, member_id),
        "member_ref": person_ref(tx, case.group_key, member_id),
        "began_at": now,
        "until": until,
        "provisional": int(provisional),
    }
    await tx.execute(insert(suspensions).values(values))
    facts = {"until": until, "provisional": int(provisional)}
    kind = LedgerKind.SUSPENDED
    await ledger.append(tx, case.group_key, kind, facts, now, subject_id=member_id)


async def end(tx: Transaction, suspension: Suspension, now: datetime) -> None:
    """End one that runs, and say so in the ledger."""
    ended = await tx.execute(
        update(suspensions).where(_columns.id == suspension.id, _runs).values(ended_at=now)
    )
    if not ended.rowcount:
        return
    kind, member_id = LedgerKind.SUSPENSION_ENDED, suspension.member_id
    facts = {"began_at": suspension.began_at}
    await ledger.append(tx, suspension.group_key, kind, facts, now, subject_id=member_id)


async def list_running_against(tx: Transaction, group_key: str, member_id: int) -> list[Suspension]:
    """Everything that keeps this person out of a group at the moment."""
    query = select(suspensions).where(
        _columns.group_key == group_key,
        _columns.member_ref == person_ref(tx, group_key, member_id),
        _runs,
    )
    found = await tx.execute(query.order_by(_columns.id))
    return [_suspension(tx, row) for row in found.mappings()]


async def find_running(tx: Transaction, group_key: str, member_id: int) -> Pause | None:
    """Whether access is closed to this person whatever they have signed, and until when."""
    return pause_of(await list_running_against(tx, group_key, member_id))


async def list_running(tx: Transaction, group_key: str) -> dict[int, Pause]:
    """Everybody to whom a group is closed, by account."""
    query = select(suspensions).where(_columns.group_key == group_key, _runs)
    people: dict[int, list[Suspension]] = {}
    for row in (await tx.execute(query.order_by(_columns.id))).mappings():
        one = _suspension(tx, row)
        people.setdefault(one.member_id, []).append(one)
    pauses = {member_id: pause_of(found) for member_id, found in people.items()}
    return {member_id: pause for member_id, pause in pauses.items() if pause is not None}


async def list_running_of(
    tx: Transaction, group_key: str, member_ids: Collection[int]
) -> dict[int, Pause]:
    """To which of these people a group is closed."""
    # The few who are paused are read, rather than a name made for each of the many.
    wanted = set(member_ids)
    paused = await list_running(tx, group_key)
    return {member_id: pause for member_id, pause in paused.items() if member_id in wanted}


async def list_running_for(tx: Transaction, case: BreachCase) -> list[Suspension]:
    """What runs because of a case, or of one that was merged into it."""
    merged = select(breach_cases.c.id).where(
        breach_cases.c.group_key == case.group_key,
        breach_cases.c.merged_into == case.case_number,
    )
    query = select(suspensions).where(
        or_(_columns.case_id == case.id, _columns.case_id.in_(merged)), _runs
    )
    found = await tx.execute(query.order_by(_columns.id))
    return [_suspension(tx, row) for row in found.mappings()]


async def list_due(
    tx: Transaction, group_keys: Collection[str], now: datetime, limit: int
) -> list[Suspension]:
    """Those of these groups whose time is over and that still run, the oldest first."""
    query = (
        select(suspensions)
        .where(_columns.group_key.in_(group_keys), _runs, _columns.until <= now)
        .order_by(_columns.id)
        .limit(limit)
    )
    return [_suspension(tx, row) for row in (await tx.execute(query)).mappings()]


async def list_provisional(tx: Transaction, group_keys: Collection[str]) -> list[Suspension]:
    """Those of these groups that run before a decision."""
    query = select(suspensions).where(
        _columns.group_key.in_(group_keys), _runs, _columns.provisional == 1
    )
    found = await tx.execute(query.order_by(_columns.id))
    return [_suspension(tx, row) for row in found.mappings()]
