"""What a party may know of their own cases; found by the keyed name of a person alone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, or_, select, update

from bot.domain.breaches import BreachCase, Decision
from bot.domain.entitlement import Handlers
from bot.storage.case_tables import (
    breach_cases,
    breach_decisions,
    breach_letters,
    breach_reports,
    case_access,
)
from bot.storage.cases import case_of
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref

_cases = breach_cases.c
_reports = breach_reports.c
_letters = breach_letters.c


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReport:
    """A report, for whoever made it: the row without its words."""

    id: int
    case_id: int
    received_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Somebody has looked at a case: when, how and in which office, not who."""

    at: datetime
    act: str
    office: Handlers = Handlers.MODERATORS


async def list_own_reports(
    tx: Transaction, group_key: str, member_id: int, case_id: int | None = None
) -> list[OwnReport]:
    """The reports that somebody made in a group, or of one case of it, in order."""
    query = select(
        _reports.id, _reports.case_id, _reports.received_at, _reports.withdrawn_at
    ).where(_reports.reporter_ref == person_ref(tx, group_key, member_id))
    if case_id is not None:
        query = query.where(_reports.case_id == case_id)
    found = (await tx.execute(query.order_by(_reports.id))).mappings()
    return [OwnReport(**row) for row in found]


async def list_accused_in(tx: Transaction, group_key: str, member_id: int) -> list[BreachCase]:
    """The cases that concern somebody and in which they were written to, in order.

    As long as nobody has written to them, they are not to know of it.
    """
    was_told = exists().where(_letters.case_id == _cases.id, _letters.report_id.is_(None))
    query = select(breach_cases).where(
        _cases.accused_ref == person_ref(tx, group_key, member_id),
        _cases.group_key == group_key,
        was_told,
    )
    return [case_of(row) for row in (await tx.execute(query.order_by(_cases.id))).mappings()]


async def mark_withdrawn(
    tx: Transaction, group_key: str, member_id: int, case_id: int, now: datetime
) -> int:
    """Whoever made a report in this case takes it back; returns how many reports that were."""
    result = await tx.execute(
        update(breach_reports)
        .where(
            _reports.case_id == case_id,
            _reports.reporter_ref == person_ref(tx, group_key, member_id),
            _reports.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )
    return result.rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The case that a report had opened, and until when it was there."""

    case_id: int
    until: datetime


async def find_origin(tx: Transaction, case: BreachCase, report: OwnReport) -> Origin | None:
    """Where a report was before its case was merged into this one; None when it is its own."""
    if case.opened_at == report.received_at:
        return None
    query = select(_cases.id, _cases.closed_at).where(
        _cases.group_key == case.group_key,
        _cases.merged_into == case.case_number,
        _cases.opened_at == report.received_at,
        _cases.closed_at.is_not(None),
    )
    row = (await tx.execute(query.order_by(_cases.id).limit(1))).one_or_none()
    return None if row is None else Origin(case_id=row[0], until=row[1])


async def list_access(tx: Transaction, case: BreachCase, report: OwnReport) -> list[Access]:
    """Who has looked at a report since it was made, in order, without whom.

    When its case was merged into another, the memory of before is with the one it had opened, and
    what was looked at in the other before that was not it.
    """
    access = case_access.c
    of_it = access.case_id == case.id
    origin = await find_origin(tx, case, report)
    if origin is not None:
        since = or_(access.at >= origin.until, access.report_id == report.id)
        of_it = or_(access.case_id == origin.case_id, and_(of_it, since))
    query = (
        select(access.at, access.act)
        .where(
            of_it,
            or_(access.report_id.is_(None), access.report_id == report.id),
            access.at >= report.received_at,
        )
        .order_by(access.id)
    )
    return [_access(row.at, row.act) for row in await tx.execute(query)]


def _access(at: datetime, word: str) -> Access:
    act, _, office = word.partition(" ")
    return Access(at=at, act=act, office=Handlers(office or Handlers.MODERATORS))


async def has_waiting(tx: Transaction, group_keys: Collection[str], member_id: int) -> bool:
    """Whether something could not be delivered to somebody, and waits for them."""
    refs = [person_ref(tx, group_key, member_id) for group_key in group_keys]
    waits = _letters.undelivered_at.is_not(None) & _letters.delivered_at.is_(None)
    to_reporter = exists().where(
        _reports.reporter_ref.in_(refs), _letters.report_id == _reports.id, waits
    )
    to_accused = exists().where(
        _cases.accused_ref.in_(refs),
        _letters.case_id == _cases.id,
        _letters.report_id.is_(None),
        waits,
    )
    found = await tx.execute(select(or_(to_reporter, to_accused)))
    return bool(found.scalar_one())


async def find_last_decision(tx: Transaction, case_id: int) -> Decision | None:
    """What was decided last in a case, without its reasons."""
    columns = breach_decisions.c
    query = (
        select(
            columns.id,
            columns.case_id,
            columns.outcome,
            columns.decided_by,
            columns.decided_at,
            columns.suspended_until,
            columns.appeal_of,
            columns.appealed_at,
        )
        .where(columns.case_id == case_id)
        .order_by(columns.id.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else Decision(reason="", **row)
