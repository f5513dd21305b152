"""What has been kept for long enough: found and removed in steps, and which table holds what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from bot.domain.agreements import OPEN_STATES, UNANSWERED, RequestState, RevokeReason, Signature
from bot.domain.breaches import BreachCase
from bot.domain.effects import EffectKind, EffectState, Notice, lane_of_member, lane_of_role
from bot.domain.retention import DataClass
from bot.storage import forgetting, ledger, proofs, rows
from bot.storage.case_tables import breach_cases, breach_drafts, officers, suspensions
from bot.storage.cases import case_of
from bot.storage.database import Transaction
from bot.storage.tables import (
    agreement_versions,
    alarms,
    effects,
    erasures,
    groups,
    holders,
    invitations,
    invited,
    is_open_as_indexed,
    ledger_entries,
    signature_requests,
    signatures,
    sweeps,
)

_requests = signature_requests.c
_columns = signatures.c
_newer = signature_requests.alias("newer")
_is_open = _requests.state.in_(OPEN_STATES)
_REFUSALS = (RevokeReason.WITHDRAWN, RevokeReason.OBJECTED)

_CASE = (DataClass.CASE,)
STATED: Mapping[str, tuple[DataClass, ...] | str] = {
    "groups": "One row for each group, without anybody in it: the ledger stands on it.",
    "agreement_versions": (DataClass.AGREEMENT,),
    "agreement_translations": (DataClass.AGREEMENT,),
    "signature_requests": (
        DataClass.REQUEST,
        DataClass.LEFT_REQUEST,
        DataClass.REPLACED_REQUEST,
    ),
    "signatures": (DataClass.SIGNATURE, DataClass.ENDED_SIGNATURE),
    "proofs": (DataClass.PROOF, DataClass.NAMELESS_PROOF),
    "ledger_entries": (DataClass.LEDGER, DataClass.LEDGER_WORDS),
    "effects": (DataClass.ACTIVITY,),
    "alarms": (DataClass.ACTIVITY,),
    "invitations": (DataClass.ACTIVITY,),
    "invited": (DataClass.INVITED,),
    "holders": (DataClass.HOLDER,),
    "erasures": "A mark without a name: whoever was erased is left in peace while they stay.",
    "sweeps": "One row for each group: how far its member list was read, and numbers.",
    "officers": (DataClass.OFFICER,),
    "breach_cases": (DataClass.CASE, DataClass.CASE_STUB),
    "breach_reports": _CASE,
    "breach_evidence": _CASE,
    "breach_timeline": _CASE,
    "breach_recusals": _CASE,
    "breach_letters": _CASE,
    "breach_decisions": _CASE,
    "breach_calls": _CASE,
    "case_reminders": _CASE,
    "breach_drafts": (DataClass.DRAFT_DECISION,),
    "case_access": (DataClass.CASE_ACCESS,),
    "suspensions": (DataClass.SUSPENSION,),
    "operator_keys": "Names of the operator's keys; they go when another key takes their place.",
    "marks": "Small facts about the installation, without anybody in them.",
}
"""For every table, what it holds of which the retention is stated, or why it stays."""


# People who left ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Leavers:
    """People who left a group by an instant.

    `everybody` is True where the bot has been away from the server for as long: nobody is there
    any more. `among` names some of them, when the others do not matter now.
    """

    group_key: str
    before: datetime
    everybody: bool
    among: Sequence[int] | None = None

    def has_left(self) -> ColumnElement[bool]:
        """Whether an open request is that of one of them."""
        found = _has_left(self.before, everybody=self.everybody)
        return found if self.among is None else and_(_requests.member_id.in_(self.among), found)


def _has_left(
    before: datetime, *, after: datetime | None = None, everybody: bool = False
) -> ColumnElement[bool]:
    """Everybody has, where the bot has been away from the server for as long."""
    has_left = _requests.left_at <= before
    if after is not None:
        return and_(has_left, _requests.left_at > after)
    return or_(has_left, _requests.left_at.is_(None)) if everybody else has_left


def _left_unsigned(group_key: str, has_left: ColumnElement[bool]) -> tuple[Any, ...]:
    has_signature = exists().where(
        _columns.group_key == group_key, _columns.member_id == _requests.member_id
    )
    return _requests.group_key == group_key, _is_open, has_left, ~has_signature


async def count_left_unsigned(
    tx: Transaction, group_key: str, after: datetime | None, before: datetime
) -> int:
    """How many people without a signature left in this time."""
    unsigned = _left_unsigned(group_key, _has_left(before, after=after))
    return (await tx.execute(select(func.count()).where(*unsigned))).scalar_one()


async def list_left_unsigned(tx: Transaction, leavers: Leavers, limit: int) -> list[int]:
    """Those without a signature, to whom nothing is being sent just now."""
    is_sent = exists().where(
        effects.c.request_id == _requests.id, effects.c.state == EffectState.RUNNING
    )
    unsigned = _left_unsigned(leavers.group_key, leavers.has_left())
    query = select(_requests.member_id).where(*unsigned, ~is_sent)
    found = await tx.execute(query.order_by(_requests.left_at).limit(limit))
    return list(found.scalars())


async def forget_people(
    tx: Transaction, group_key: str, member_ids: Collection[int], now: datetime
) -> int:
    """Remove what a group holds about people who are not there and have no signature.

    Returns:
        How many of their requests are gone.
    """
    ids = list(member_ids)
    lanes = [lane(group_key, one) for one in ids for lane in (lane_of_member, lane_of_role)]
    await tx.execute(
        delete(effects).where(effects.c.lane.in_(lanes), effects.c.state != EffectState.RUNNING)
    )
    # By the people alone: with the group in the question, SQLite would walk through all of it.
    mine = select(_requests.id, _requests.group_key).where(_requests.member_id.in_(ids))
    found = [row.id for row in await tx.execute(mine) if row.group_key == group_key]
    gone = await forgetting.drop_requests(tx, found)
    lists = select(invitations.c.id).where(invitations.c.group_key == group_key)
    await tx.execute(
        delete(invited).where(
            invited.c.invitation_id.in_(lists),
            invited.c.member_id.in_(ids),
            invited.c.request_id.is_(None),
        )
    )
    await tx.execute(
        delete(holders).where(holders.c.group_key == group_key, holders.c.member_id.in_(ids))
    )
    await proofs.forget_in_ledger(tx, group_key, ids, now)
    return gone


# Signatures --------------------------------------------------------------------------------------


def _signatures() -> Any:
    return select(
        signatures,
        agreement_versions.c.number.label("version_number"),
        agreement_versions.c.outdated_at,
    ).join_from(signatures, agreement_versions, agreement_versions.c.id == _columns.version_id)


def _left_signed(group_key: str, has_left: ColumnElement[bool]) -> tuple[Any, ...]:
    # The people first: whoever is there is not even looked at.
    people = select(_requests.member_id).where(_requests.group_key == group_key, _is_open, has_left)
    return (
        _columns.group_key == group_key,
        _columns.revoked_at.is_(None),
        _columns.member_id.in_(people),
    )


async def count_signatures_due(
    tx: Transaction, group_key: str, after: datetime | None, before: datetime
) -> int:
    """How many signatures ended in this time, or stand of people who left in it."""
    ended = [_columns.group_key == group_key, _columns.revoked_at <= before]
    if after is not None:
        ended.append(_columns.revoked_at > after)
    left = _left_signed(group_key, _has_left(before, after=after))
    query = select(func.count()).select_from(signatures)
    ended_ones = (await tx.execute(query.where(*ended))).scalar_one()
    return ended_ones + (await tx.execute(query.where(*left))).scalar_one()


async def list_left_signed(tx: Transaction, leavers: Leavers, limit: int) -> list[int]:
    """Those with a signature that stands."""
    left = _left_signed(leavers.group_key, leavers.has_left())
    found = await tx.execute(select(_columns.member_id).where(*left).limit(limit))
    return list(found.scalars())


async def list_signatures_of(tx: Transaction, leavers: Leavers) -> list[Signature]:
    """The signatures of theirs that stand."""
    left = _left_signed(leavers.group_key, leavers.has_left())
    found = await tx.execute(_signatures().where(*left))
    return [rows.signature(tx, row) for row in found.mappings()]


async def list_ended(
    tx: Transaction, group_key: str, before: datetime, limit: int
) -> list[Signature]:
    """Signatures that had ended by then, the oldest first."""
    query = _signatures().where(_columns.group_key == group_key, _columns.revoked_at <= before)
    found = await tx.execute(query.order_by(_columns.revoked_at, _columns.id).limit(limit))
    return [rows.signature(tx, row) for row in found.mappings()]


async def settle_refusals(tx: Transaction, group_key: str, gone: Sequence[Signature]) -> None:
    """Have the open requests of these people say the no that a signature said which is gone.

    Whoever took a signature back is not asked again, reminded, or removed for want of an answer;
    and an acceptance that stands there from before is still no answer.
    """
    last: dict[int, Signature] = {}
    for signature in gone:
        last[signature.member_id] = signature
    query = select(_requests.id, _requests.member_id, _requests.state, _requests.created_at).where(
        _requests.group_key == group_key,
        _requests.member_id.in_(list(last)),
        is_open_as_indexed,
        _requests.newest_id.is_(None),
    )
    for request_id, member_id, state, created_at in (await tx.execute(query)).all():
        signature = last[member_id]
        refused_at = signature.revoked_at
        is_refusal = signature.revoke_reason in _REFUSALS
        is_unanswered = state in UNANSWERED and is_refusal and created_at <= refused_at
        if state == RequestState.SIGNED or is_unanswered:
            await tx.execute(
                update(signature_requests)
                .where(_requests.id == request_id)
                .values(state=RequestState.DECLINED, answered_at=refused_at)
            )


# Requests that were replaced ---------------------------------------------------------------------


async def list_replaced(tx: Transaction, group_key: str, before: datetime, limit: int) -> list[int]:
    """Closed requests in whose place another was made by then, or none at all.

    Not those by which it counts since when a member from before Pledge was asked, and none that
    a signature or something to do refers to.
    """
    newer = and_(
        _newer.c.group_key == group_key,
        _newer.c.member_id == _requests.member_id,
        _newer.c.id > _requests.id,
    )
    adopted = exists().where(
        holders.c.group_key == group_key, holders.c.member_id == _requests.member_id
    )
    query = (
        select(_requests.id)
        .where(
            _requests.group_key == group_key,
            _requests.state.in_((RequestState.CANCELLED, RequestState.EXPIRED)),
            _requests.created_at <= before,
            or_(~exists().where(newer), exists().where(newer, _newer.c.created_at <= before)),
            ~exists().where(_columns.request_id == _requests.id),
            ~exists().where(
                effects.c.request_id == _requests.id,
                effects.c.state.not_in(forgetting.FINISHED),
            ),
            ~adopted,
        )
        .limit(limit)
    )
    return list((await tx.execute(query)).scalars())


# The ledger --------------------------------------------------------------------------------------


async def list_words(
    tx: Transaction, group_key: str, before: datetime, after: int, limit: int
) -> tuple[list[int], int]:
    """Entries that say something of people of a group besides signatures and their ends.

    Args:
        tx: the open transaction.
        group_key: the group.
        before: those that were recorded by then.
        after: entries after this position.
        limit: how many entries of the ledger are looked at.

    Returns:
        Their positions, and where to go on.
    """
    columns = ledger_entries.c
    query = (
        select(
            columns.position, columns.recorded_at, columns.group_key, columns.kind, columns.subject
        )
        .where(columns.position > after)
        .order_by(columns.position)
        .limit(limit)
    )
    wanted: list[int] = []
    for position, recorded_at, key, kind, subject in await tx.execute(query):
        if recorded_at > before:
            break  # what follows is newer still
        after = position
        if key == group_key and subject is not None and kind in ledger.PASSING:
            wanted.append(position)
    return wanted, after


# What was done in Discord ------------------------------------------------------------------------

_TOLD_ONCE = (Notice.REMINDER, Notice.STILL_SIGNED)
"""Notices of an open request that are counted, or must not be sent again."""


async def drop_activity(tx: Transaction, group_key: str, before: datetime, limit: int) -> int:
    """Remove things to do that were finished by then, but for what an open request counts on."""
    counts = and_(
        effects.c.kind == EffectKind.NOTICE,
        effects.c.detail.in_(_TOLD_ONCE),
        exists().where(_requests.id == effects.c.request_id, _is_open),
    )
    page = (
        select(effects.c.id)
        .where(
            effects.c.state.in_(forgetting.FINISHED),
            effects.c.due_at <= before,
            effects.c.finished_at <= before,
            effects.c.group_key == group_key,
            ~counts,
        )
        .limit(limit)
    )
    ids = list((await tx.execute(page)).scalars())
    gone = await tx.execute(delete(effects).where(effects.c.id.in_(ids)))
    return gone.rowcount


async def drop_small(tx: Transaction, group_key: str, before: datetime) -> int:
    """Remove the few other things that were over by then: alarms, invitations, drafts, pauses."""
    cases = select(breach_cases.c.id).where(breach_cases.c.group_key == group_key)
    purged = cases.where(breach_cases.c.purged_at.is_not(None))
    is_over = and_(invitations.c.started_at.is_(None), invitations.c.counted_at <= before)
    statements = (
        delete(alarms).where(alarms.c.group_key == group_key, alarms.c.closed_at <= before),
        delete(invitations).where(
            invitations.c.group_key == group_key,
            or_(invitations.c.finished_at <= before, is_over),
            ~exists().where(invited.c.invitation_id == invitations.c.id),
        ),
        delete(breach_drafts).where(
            breach_drafts.c.case_id.in_(cases), breach_drafts.c.drafted_at <= before
        ),
        delete(suspensions).where(
            suspensions.c.case_id.in_(purged), suspensions.c.ended_at.is_not(None)
        ),
    )
    gone = [await tx.execute(statement) for statement in statements]
    return sum(one.rowcount for one in gone)


# Groups without their server ---------------------------------------------------------------------


async def drop_presence(tx: Transaction, group_key: str) -> int:
    """Remove what only a bot in the server needs to know; it begins anew should it come back."""
    mine = select(invitations.c.id).where(invitations.c.group_key == group_key)
    await tx.execute(delete(invited).where(invited.c.invitation_id.in_(mine)))
    gone = 0
    for table in (holders, officers, sweeps, alarms, invitations, erasures):
        gone += (await tx.execute(delete(table).where(table.c.group_key == group_key))).rowcount
    await tx.execute(
        update(groups)
        .where(groups.c.key == group_key)
        .values(panel_channel_id=None, panel_message_id=None, adopted_at=None)
    )
    return gone


async def drop_all_activity(tx: Transaction, group_key: str, limit: int) -> int:
    """Remove everything that was done or was still to be done in a server without the bot."""
    page = (
        select(effects.c.id)
        .where(effects.c.group_key == group_key, effects.c.state != EffectState.RUNNING)
        .limit(limit)
    )
    ids = list((await tx.execute(page)).scalars())
    return (await tx.execute(delete(effects).where(effects.c.id.in_(ids)))).rowcount


async def list_unpurged_cases(tx: Transaction, group_key: str, limit: int) -> list[BreachCase]:
    """Cases that are not a stub yet, whatever their state."""
    query = select(breach_cases).where(
        breach_cases.c.group_key == group_key, breach_cases.c.purged_at.is_(None)
    )
    found = await tx.execute(query.order_by(breach_cases.c.id).limit(limit))
    return [case_of(row) for row in found.mappings()]


async def drop_suspensions(tx: Transaction, group_key: str) -> int:
    """Remove every pause of a group; it lets nobody in, for there is no door any more."""
    gone = await tx.execute(delete(suspensions).where(suspensions.c.group_key == group_key))
    return gone.rowcount
