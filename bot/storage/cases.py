"""Breach cases: found by number, listed for one viewer, and led from step to step."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)

from bot.domain.breaches import (
    BreachCase,
    CaseEvent,
    CaseState,
    Clause,
    Look,
    Side,
    TimelineEntry,
)
from bot.domain.effects import EffectKind, lane_of_group
from bot.domain.entitlement import CasePeople, Handlers
from bot.domain.errors import UnknownCaseError
from bot.domain.ledger import LedgerKind
from bot.storage import effects, ledger, versions
from bot.storage.case_tables import (
    breach_cases,
    breach_decisions,
    breach_recusals,
    breach_reports,
    breach_timeline,
    case_access,
)
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref, seal_json, seal_text, unseal_json, unseal_text

SKIPPED_NUMBERS = 100
"""How far a group's numbers of cases jump when a past is put back."""

_columns = breach_cases.c
_HIDDEN = ("accused", "accused_ref", "notice_channel_id", "notice_message_id")


def case_of(row: RowMapping) -> BreachCase:
    """One row of `breach_cases`, without what would tell who is accused."""
    values = {name: value for name, value in row.items() if name not in _HIDDEN}
    values["state"] = CaseState(values["state"])
    values["clause"] = Clause(values["clause"])
    return BreachCase(**values, has_accused=row["accused_ref"] is not None)


async def add(
    tx: Transaction,
    group_key: str,
    clause: Clause,
    accused_id: int | None,
    signed_version_id: int | None,
    now: datetime,
) -> BreachCase:
    """Open a case under the group's next number."""
    number = await _last_number(tx, group_key) + 1
    has_accused = accused_id is not None
    values = {
        "group_key": group_key,
        "case_number": number,
        "state": CaseState.OPEN,
        "opened_at": now,
        "clause": clause,
        "accused": seal_json(tx, accused_id) if has_accused else None,
        "accused_ref": person_ref(tx, group_key, accused_id) if has_accused else None,
        "signed_version_id": signed_version_id,
    }
    added = await tx.execute(insert(breach_cases).values(values).returning(breach_cases))
    return case_of(added.mappings().one())


async def _last_number(tx: Transaction, group_key: str) -> int:
    """The highest number of a case that a group may ever have given."""
    last = select(func.max(_columns.case_number)).where(_columns.group_key == group_key)
    skipped = int(await versions.find_mark(tx, _skipped_to(group_key)) or 0)
    return max((await tx.execute(last)).scalar_one() or 0, skipped)


async def skip_numbers(tx: Transaction, group_key: str) -> None:
    """Leave out some numbers: people may know cases by them of which the record knows nothing."""
    last = await _last_number(tx, group_key) + SKIPPED_NUMBERS
    await versions.put_mark(tx, _skipped_to(group_key), str(last))


def _skipped_to(group_key: str) -> str:
    return f"cases of {group_key} numbered to"


async def get(tx: Transaction, case_id: int) -> BreachCase:
    """One case by its row id."""
    found = await tx.execute(select(breach_cases).where(_columns.id == case_id))
    return case_of(found.mappings().one())


async def get_by_number(tx: Transaction, group_key: str, case_number: int) -> BreachCase:
    """One case by the number people know.

    Raises:
        UnknownCaseError: the group has none of this number.
    """
    query = select(breach_cases).where(
        _columns.group_key == group_key, _columns.case_number == case_number
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        raise UnknownCaseError
    return case_of(row)


async def mark(tx: Transaction, case_id: int, **values: Any) -> None:
    """Set columns of one case."""
    await tx.execute(update(breach_cases).where(_columns.id == case_id).values(**values))


async def find_accused(tx: Transaction, case_id: int) -> int | None:
    """Whom a case concerns."""
    query = select(_columns.accused).where(_columns.id == case_id)
    token = (await tx.execute(query)).scalar_one()
    return None if token is None else unseal_json(tx, token)


async def read_people(tx: Transaction, case_id: int) -> CasePeople:
    """Who has a part in a case, or has stepped back from it.

    Of a case that was merged into another also who has a part in that: the reports went there.
    """
    own = select(breach_cases).where(_columns.id == case_id).subquery()
    into = select(_columns.id, _columns.accused).join(
        own,
        and_(own.c.group_key == _columns.group_key, own.c.merged_into == _columns.case_number),
    )
    goes_on = (await tx.execute(into)).one_or_none()
    ids = [case_id] if goes_on is None else [case_id, goes_on.id]
    reporters = await tx.execute(
        select(breach_reports.c.reporter).where(
            breach_reports.c.case_id.in_(ids), breach_reports.c.reporter.is_not(None)
        )
    )
    recused = await tx.execute(
        select(breach_recusals.c.moderator_id).where(breach_recusals.c.case_id.in_(ids))
    )
    decisions = await tx.execute(
        select(breach_decisions.c.decided_by, breach_decisions.c.appealed_at)
        .where(breach_decisions.c.case_id == case_id)
        .order_by(breach_decisions.c.id)
    )
    decided = decisions.all()
    is_appealed = bool(decided) and decided[-1].appealed_at is not None
    accused = await find_accused(tx, case_id)
    if accused is None and goes_on is not None and goes_on.accused is not None:
        accused = unseal_json(tx, goes_on.accused)
    return CasePeople(
        reporters=frozenset(unseal_json(tx, token) for token in reporters.scalars()),
        accused=accused,
        recused=frozenset(recused.scalars()),
        deciders=frozenset(row.decided_by for row in decided if is_appealed),
    )


def has_no_part(
    tx: Transaction, group_key: str, member_id: int, *, merged: bool = True
) -> ColumnElement[bool]:
    """The condition that this person neither reported, nor is accused, nor has stepped back.

    Unless `merged` is False, a case that was merged into one in which they have a part is one, too.
    For lists, counts and autocomplete; `bot.domain.entitlement.may` says the same of one case.
    """
    ref = person_ref(tx, group_key, member_id)
    # Looked up once for the person, and not for each case.
    reported = select(breach_reports.c.case_id).where(breach_reports.c.reporter_ref == ref)
    stepped_back = select(breach_recusals.c.case_id).where(
        breach_recusals.c.moderator_id == member_id
    )
    is_not_accused = or_(_columns.accused_ref.is_(None), _columns.accused_ref != ref)
    has_none = and_(is_not_accused, _columns.id.not_in(reported), _columns.id.not_in(stepped_back))
    if not merged:
        return has_none
    # Three questions, as one with "or" would be answered by reading every case of the group.
    other = breach_cases.alias("other")
    numbers = select(other.c.case_number).where(other.c.group_key == group_key)
    theirs = union_all(
        numbers.where(other.c.accused_ref == ref),
        numbers.where(other.c.id.in_(reported)),
        numbers.where(other.c.id.in_(stepped_back)),
    )
    return and_(has_none, or_(_columns.merged_into.is_(None), _columns.merged_into.not_in(theirs)))


async def add_recusal(tx: Transaction, case_id: int, moderator_id: int, now: datetime) -> None:
    """This person steps back from the case; there is no way back."""
    values = {"case_id": case_id, "moderator_id": moderator_id, "at": now}
    await tx.execute(insert(breach_recusals).values(**values))


async def list_unsealed(tx: Transaction, case_id: int, moderator_id: int) -> frozenset[int]:
    """The reports of a case whose authors this person was shown."""
    query = select(case_access.c.report_id).where(
        case_access.c.moderator_id == moderator_id,
        case_access.c.act.startswith(Look.UNSEALED),
        case_access.c.report_id.in_(
            select(breach_reports.c.id).where(breach_reports.c.case_id == case_id)
        ),
    )
    return frozenset((await tx.execute(query)).scalars())


async def find_notice(tx: Transaction, case_id: int) -> tuple[int, int] | None:
    """Channel and message of the case's notice, if it was posted."""
    query = select(_columns.notice_channel_id, _columns.notice_message_id)
    channel_id, message_id = (await tx.execute(query.where(_columns.id == case_id))).one()
    return None if message_id is None else (channel_id, message_id)


async def add_step(
    tx: Transaction,
    case: BreachCase,
    kind: CaseEvent,
    side: Side,
    now: datetime,
    *,
    actor_id: int | None = None,
    text: str | None = None,
) -> int:
    """Add a step to the timeline, and commit the ledger to it.

    Args:
        tx: the open transaction.
        case: the case.
        kind: what was done.
        side: by which side.
        now: the current instant.
        actor_id: which moderator it was; None for every other side.
        text: in whose words, which are encrypted; the ledger does not have them.

    Returns:
        The entry's id.
    """
    values = {
        "case_id": case.id,
        "at": now,
        "kind": kind,
        "side": side,
        "actor_id": actor_id,
        "text": seal_text(tx, text),
    }
    added = await tx.execute(insert(breach_timeline).values(values).returning(breach_timeline.c.id))
    facts = {"case": case.case_number, "step": kind, "side": side, "at": now}
    await ledger.append(tx, case.group_key, LedgerKind.CASE, facts, now)
    return added.scalar_one()


async def list_timeline(tx: Transaction, case_id: int) -> list[TimelineEntry]:
    """Everything that was done with a case, in order."""
    return await _list_timelines(tx, [case_id])


async def list_whole_timeline(tx: Transaction, case: BreachCase) -> list[TimelineEntry]:
    """The same, together with what was done with the cases that were merged into it."""
    return await _list_timelines(tx, [case.id, *await list_merged(tx, case)])


async def list_merged(tx: Transaction, case: BreachCase) -> list[int]:
    """The row ids of the cases that were merged into this one, in order."""
    query = select(_columns.id).where(
        _columns.group_key == case.group_key, _columns.merged_into == case.case_number
    )
    return list((await tx.execute(query.order_by(_columns.id))).scalars())


async def _list_timelines(tx: Transaction, case_ids: list[int]) -> list[TimelineEntry]:
    query = select(breach_timeline).where(breach_timeline.c.case_id.in_(case_ids))
    return [
        TimelineEntry(
            id=row["id"],
            case_id=row["case_id"],
            at=row["at"],
            kind=CaseEvent(row["kind"]),
            side=Side(row["side"]),
            actor_id=row["actor_id"],
            text=unseal_text(tx, row["text"]),
        )
        for row in (await tx.execute(query.order_by(breach_timeline.c.id))).mappings()
    ]


async def find_reopened_at(tx: Transaction, case_id: int) -> datetime | None:
    """When a case was last reopened; None when it never was."""
    return (await tx.execute(reopened_at(case_id))).scalar_one()


def reopened_at(case_id: int) -> Select[Any]:
    """The query for it."""
    return select(func.max(breach_timeline.c.at)).where(
        breach_timeline.c.case_id == case_id, breach_timeline.c.kind == CaseEvent.REOPENED
    )


async def request_notice(tx: Transaction, case: BreachCase, now: datetime) -> None:
    """Have the case's message in the moderators' channel posted, or brought up to date, once."""
    lane = lane_of_group(case.group_key, f"case:{case.case_number}")
    if not await effects.has_waiting(tx, lane, EffectKind.CASE_NOTICE, str(case.id)):
        await effects.add(
            tx,
            group_key=case.group_key,
            lane=lane,
            kind=EffectKind.CASE_NOTICE,
            detail=str(case.id),
            now=now,
        )


async def log_access(
    tx: Transaction,
    case_id: int,
    moderator_id: int,
    act: Look,
    now: datetime,
    reason: str | None = None,
    report_id: int | None = None,
    *,
    office: Handlers = Handlers.MODERATORS,
) -> None:
    """Remember that somebody has seen, exported or unsealed a case, and in which office.

    `report_id` is the report whose author was shown.
    """
    values: dict[str, Any] = {"case_id": case_id, "at": now, "moderator_id": moderator_id}
    # One word for both; that of a moderator is the act alone.
    word = act if office is Handlers.MODERATORS else f"{act} {office}"
    values |= {"act": word, "report_id": report_id, "reason": seal_text(tx, reason)}
    await tx.execute(insert(case_access).values(**values))
