"""Lists, counts and choices of cases: of each viewer exactly what they may know of."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, and_, cast, exists, func, literal, or_, select

from bot.domain.breaches import NO_BREACH, BreachCase, CaseState
from bot.domain.dossiers import Earlier
from bot.domain.effects import EffectKind
from bot.domain.entitlement import Handlers, Offices, Viewer
from bot.storage.case_tables import breach_cases, breach_decisions
from bot.storage.cases import case_of, has_no_part
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref
from bot.storage.tables import effects

_columns = breach_cases.c
_decisions = breach_decisions.c
_newer = breach_decisions.alias("newer")
_appealed_decision = exists().where(
    _decisions.case_id == _columns.id,
    _decisions.appealed_at.is_not(None),
    ~exists().where(_newer.c.case_id == _decisions.case_id, _newer.c.id > _decisions.id),
)
_is_appealed = and_(_columns.decided_at.is_(None), _appealed_decision)


def _has_decided(member_id: int) -> ColumnElement[bool]:
    return exists().where(_decisions.case_id == _columns.id, _decisions.decided_by == member_id)


def _is_left(
    tx: Transaction, group_key: str, members: Collection[int], *, appeal: bool = False
) -> ColumnElement[bool]:
    """The condition that somebody of these could take the case, or decide the appeal."""
    conditions = [
        and_(has_no_part(tx, group_key, member, merged=False), ~_has_decided(member))
        if appeal
        else has_no_part(tx, group_key, member, merged=False)
        for member in members
    ]
    return or_(literal(value=False), *conditions)


def in_hands_of(
    tx: Transaction, group_key: str, offices: Offices, *, appeal: bool = False
) -> dict[Handlers, ColumnElement[bool]]:
    """For each office the condition that a case is in its hands.

    It says of every case what `bot.domain.entitlement.handlers_of` says of one, but for those that
    were merged into another: to ask of each office who has a part in that would take too long, and
    so whoever stands in for the moderators may find them by their number only.
    """
    if not offices.are_known:
        return {Handlers.MODERATORS: literal(value=True)}
    owner = () if offices.owner is None else (offices.owner,)
    moderators, escalation, last = (
        _is_left(tx, group_key, members, appeal=appeal)
        for members in (offices.moderators, offices.escalation, owner)
    )
    return {
        Handlers.MODERATORS: moderators,
        Handlers.ESCALATION: and_(~moderators, escalation),
        Handlers.OWNER: and_(~moderators, ~escalation, last),
        Handlers.NOBODY: and_(~moderators, ~escalation, ~last),
    }


def is_open_to(
    tx: Transaction, group_key: str, viewer: Viewer, offices: Offices
) -> ColumnElement[bool]:
    """The condition that this person may have the case listed, counted and offered.

    It says of every case what `bot.domain.entitlement.may` says of one.
    """
    is_free = has_no_part(tx, group_key, viewer.member_id)
    if viewer.is_moderator:
        # Whoever is free and holds the office is somebody who is left in it.
        return is_free
    held = [
        handlers
        for handlers, holds in (
            (Handlers.ESCALATION, viewer.is_escalation),
            (Handlers.OWNER, viewer.is_owner),
        )
        if holds
    ]
    usual = in_hands_of(tx, group_key, offices)
    appeal = in_hands_of(tx, group_key, offices, appeal=True)
    cases = [usual[one] for one in held if one in usual]
    appeals = [appeal[one] for one in held if one in appeal]
    may_decide = and_(
        _is_appealed, ~_has_decided(viewer.member_id), or_(literal(value=False), *appeals)
    )
    return and_(is_free, or_(literal(value=False), *cases, may_decide))


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which of the cases somebody may see are wanted: by state, and by how their number begins."""

    states: Collection[CaseState]
    digits: str = ""


def _wanted(
    tx: Transaction, group_key: str, viewer: Viewer, offices: Offices, wanted: Range
) -> ColumnElement[bool]:
    conditions = [
        _columns.group_key == group_key,
        _columns.state.in_(wanted.states),
        _columns.purged_at.is_(None),
        is_open_to(tx, group_key, viewer, offices),
    ]
    if wanted.digits:
        conditions.append(
            cast(_columns.case_number, Text).startswith(wanted.digits, autoescape=True)
        )
    return and_(*conditions)


async def list_open_to(
    tx: Transaction,
    group_key: str,
    viewer: Viewer,
    offices: Offices,
    wanted: Range,
    *,
    limit: int,
    offset: int = 0,
) -> list[BreachCase]:
    """The cases of a group that this person may see, the newest first."""
    query = (
        select(breach_cases)
        .where(_wanted(tx, group_key, viewer, offices, wanted))
        .order_by(_columns.case_number.desc())
        .limit(limit)
        .offset(offset)
    )
    return [case_of(row) for row in (await tx.execute(query)).mappings()]


async def count_open_to(
    tx: Transaction, group_key: str, viewer: Viewer, offices: Offices, wanted: Range
) -> int:
    """How many cases there are that this person may see."""
    query = select(func.count()).select_from(breach_cases)
    found = await tx.execute(query.where(_wanted(tx, group_key, viewer, offices, wanted)))
    return found.scalar_one()


async def count_earlier(
    tx: Transaction, case: BreachCase, accused_id: int | None, viewer: Viewer, offices: Offices
) -> Earlier:
    """Other cases about the same person, of which this viewer may know."""
    if accused_id is None:
        return Earlier()
    query = (
        select(_columns.outcome, func.count())
        .where(
            _columns.accused_ref == person_ref(tx, case.group_key, accused_id),
            _columns.id != case.id,
            _columns.merged_into.is_(None),
            is_open_to(tx, case.group_key, viewer, offices),
        )
        .group_by(_columns.outcome)
        .order_by(_columns.outcome)
    )
    counts = {row[0]: row[1] for row in await tx.execute(query)}
    undecided = counts.pop(None, 0)
    mildest_first = sorted(counts.items(), key=lambda item: (item[0] != NO_BREACH, item[0]))
    return Earlier(outcomes=tuple(mildest_first), undecided=undecided)


async def list_without_moderators(
    tx: Transaction, group_key: str, offices: Offices, limit: int
) -> list[BreachCase]:
    """Unfinished cases which no moderator is left to take, or to decide the appeal of."""
    if not offices.are_known:
        return []
    usual = in_hands_of(tx, group_key, offices)[Handlers.MODERATORS]
    appeal = in_hands_of(tx, group_key, offices, appeal=True)[Handlers.MODERATORS]
    states = (CaseState.OPEN, CaseState.IN_REVIEW, CaseState.DECIDED)
    query = (
        select(breach_cases)
        .where(_columns.group_key == group_key, _columns.state.in_(states))
        .where(or_(~usual, and_(_is_appealed, ~appeal)))
        .order_by(_columns.case_number)
        .limit(limit)
    )
    return [case_of(row) for row in (await tx.execute(query)).mappings()]


async def list_unposted(tx: Transaction, group_key: str, limit: int) -> list[BreachCase]:
    """Unfinished cases for which nothing stands in the moderators' channel, nor is on its way."""
    is_on_its_way = exists().where(
        effects.c.kind == EffectKind.CASE_NOTICE,
        effects.c.detail == cast(_columns.id, Text),
        effects.c.finished_at.is_(None),
    )
    query = (
        select(breach_cases)
        .where(
            _columns.group_key == group_key,
            _columns.state != CaseState.CLOSED,
            _columns.notice_message_id.is_(None),
            ~is_on_its_way,
        )
        .order_by(_columns.case_number)
        .limit(limit)
    )
    return [case_of(row) for row in (await tx.execute(query)).mappings()]
