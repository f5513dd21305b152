"""Removing people who were asked, can read it and do not answer: warned twice before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import SignatureRequest
from bot.domain.effects import AlarmKind, Effect, EffectState, Notice
from bot.domain.ledger import LedgerKind
from bot.domain.reminders import (
    DAY,
    WARNINGS,
    WEEK,
    Outlook,
    find_due_warning,
    is_mass_removal,
    is_removal_due,
)
from bot.services import outbox
from bot.storage import effects, ledger, removals, requests, versions
from bot.storage.database import Database, Transaction
from bot.storage.removals import ASKED, RemovalRule

__all__ = ["RemovalRule"]

_WINDOW = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What came of looking who is to be removed; `guarded` are so many that nobody is."""

    people: int = 0
    acted: bool = False
    guarded: bool = False


async def warn(database: Database, rule: RemovalRule, now: datetime, limit: int) -> int:
    """Warn people who are to be removed, a week and a day before.

    Args:
        database: the open database.
        rule: what the group has settled.
        now: the current instant.
        limit: how many people at the most, to keep the pace of direct messages.

    Returns:
        How many are warned.
    """
    if limit <= 0:
        return 0
    async with database.write() as tx:
        if not await _may_decide(tx, rule.group_key):
            return 0
        # Nobody waits for the second word because many wait for the first.
        warned = await removals.add_warnings(tx, rule, DAY, now, limit)
        if limit > warned:
            warned += await removals.add_warnings(tx, rule, WEEK, now, limit - warned)
        return warned


async def remove(
    database: Database,
    rule: RemovalRule,
    members: int,
    now: datetime,
    *,
    confirmed: int | None = None,
) -> Decision:
    """Have those removed whom both warnings reached, unless they are so many that it is a doubt.

    Args:
        database: the open database.
        rule: what the group has settled.
        members: how many people the server has.
        now: the current instant.
        confirmed: how many a facilitator has agreed to; more than these are not touched.
    """
    async with database.write() as tx:
        if not await _may_decide(tx, rule.group_key):
            return Decision()
        key = rule.group_key
        people = await removals.count_due(tx, rule, now)
        recent = await removals.count_recent(tx, key, now - _WINDOW)
        is_agreed = confirmed is not None and people <= confirmed
        if people and not is_agreed and is_mass_removal(people + recent, members):
            facts = {"people": people, "members": members}
            await outbox.raise_alarm_in(tx, key, AlarmKind.MASS_REMOVAL, now, facts)
            return Decision(people=people, guarded=True)
        await effects.close_alarms(tx, key, [AlarmKind.MASS_REMOVAL], now)
        if people:
            await removals.add_removals(tx, rule, now, agreed=is_agreed)
        return Decision(people=people, acted=people > 0)


async def _may_decide(tx: Transaction, group_key: str) -> bool:
    """Not before anything is published, nor on the word of a backup that was put back."""
    if await versions.find_in_force(tx, group_key) is None:
        return False
    return (await versions.get_group(tx, group_key)).restored_from is None


async def prepare_warning(
    database: Database, effect: Effect, rule: RemovalRule, now: datetime
) -> SignatureRequest | None:
    """The request a warning speaks of, read again; None when the warning is not due any more."""
    request = await _find_silent(database, effect, rule)
    if request is None:
        return None
    days = find_due_warning(request, rule.after_days, now)
    return request if days and WARNINGS[days] == effect.detail else None


async def prepare_removal(
    database: Database, effect: Effect, rule: RemovalRule, now: datetime
) -> SignatureRequest | None:
    """The request of somebody who is to be removed, read again; None when they are to stay."""
    request = await _find_silent(database, effect, rule)
    is_due = request is not None and is_removal_due(request, rule.after_days, now)
    return request if is_due else None


async def _find_silent(
    database: Database, effect: Effect, rule: RemovalRule
) -> SignatureRequest | None:
    if effect.request_id is None:
        return None
    async with database.read() as tx:
        return await _find_silent_in(tx, effect.request_id, rule)


async def _find_silent_in(
    tx: Transaction, request_id: int, rule: RemovalRule
) -> SignatureRequest | None:
    if not await _may_decide(tx, rule.group_key):
        return None
    if not await removals.is_silent(tx, rule, request_id):
        return None
    return await requests.get(tx, request_id)


async def record_warned(database: Database, effect: Effect, now: datetime) -> None:
    """A warning has reached the person: the days count from now."""
    warning = Notice(effect.detail or "")
    days = next(days for days, notice in WARNINGS.items() if notice is warning)
    async with database.write() as tx:
        if effect.request_id is not None:
            await requests.mark(tx, effect.request_id, warned_before=days, warned_at=now)
        await effects.mark_finished(tx, effect.id, EffectState.DONE, "warned", now)


async def find_beginning(database: Database, group_key: str) -> datetime:
    """Since when the group has Pledge: whoever was there before is never removed."""
    async with database.read() as tx:
        return (await versions.get_group(tx, group_key)).created_at


def was_asked(effect: Effect) -> bool:
    """Whether an earlier try may have removed the person without our hearing of it."""
    return ASKED in (effect.detail or "").split()


async def mark_asked(database: Database, effect: Effect, rule: RemovalRule, now: datetime) -> bool:
    """Remember, before Discord is asked, that the person may be gone because of us.

    Returns:
        Whether they are still to be removed: what was recorded until this moment counts.
    """
    async with database.write() as tx:
        request = await _find_silent_in(tx, effect.request_id or 0, rule)
        if request is None or not is_removal_due(request, rule.after_days, now):
            return False
        await removals.mark_asked(tx, effect.id, effect.detail)
        return True


async def record_removed(
    database: Database, effect: Effect, now: datetime, *, certain: bool
) -> None:
    """The person was removed from the server.

    Args:
        database: the open database.
        effect: the removal.
        now: the current instant.
        certain: Discord said so; otherwise they are gone since it was asked, and may have left
            in that moment by themselves.
    """
    member_id = effect.member_id or 0
    async with database.write() as tx:
        erased = await effects.mark_finished(tx, effect.id, EffectState.DONE, "removed", now)
        # Of somebody who was erased: that it was done, and not to whom.
        subject_id = None if erased else member_id
        facts = {"certain": int(certain), **({} if erased else {"member_id": member_id})}
        kind = LedgerKind.KICKED
        await ledger.append(tx, effect.group_key, kind, facts, now, subject_id=subject_id)
        await requests.mark_left(tx, [effect.group_key], member_id, now)


async def find_outlook(database: Database, rule: RemovalRule, now: datetime) -> Outlook | None:
    """How many people would be removed if they stay silent, and when; None for nobody."""
    async with database.read() as tx:
        return await removals.find_outlook(tx, rule, now)
