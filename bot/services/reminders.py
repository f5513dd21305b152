"""Reminders, and the end of signatures: what is due to people by time alone."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from bot.domain.agreements import AgreementVersion, RequestState, RevokeReason, Signature
from bot.domain.effects import Notice
from bot.domain.holders import Rules
from bot.domain.reminders import BETWEEN_REMINDERS, Period, find_due_mark
from bot.storage import effects, requests, signatures, versions
from bot.storage.database import Database, Transaction
from bot.storage.signatures import CountingText

LAPSED_PER_RUN = 200


async def remind(
    database: Database,
    group_key: str,
    days: Sequence[int],
    now: datetime,
    limit: int,
    *,
    rules: Rules | None = None,
) -> int:
    """Remind people who have not answered yet, once for each of `days` after the asking.

    Whoever was due for several, as after an outage, gets one; whoever was reminded by hand, or
    told that access has ended, within a day gets it later.

    Args:
        database: the open database.
        group_key: the group.
        days: whole days after the asking, the smallest first.
        now: the current instant.
        limit: how many people at the most, to keep the pace of direct messages.
        rules: what the group has settled about members from before Pledge; those whose time is
            over are told that it is, and are reminded later.

    Returns:
        How many are reminded.
    """
    if not days or limit <= 0:
        return 0
    async with database.write() as tx:
        if await versions.find_in_force(tx, group_key) is None:
            return 0
        reminded_before = now - BETWEEN_REMINDERS
        due = await requests.list_to_remind(tx, group_key, days, now, limit, reminded_before, rules)
        for request in due:
            asked_at = request.sent_at or now
            day = max(day for day in days if asked_at + timedelta(days=day) <= now)
            await requests.mark(tx, request.id, reminded_day=day, reminded_at=now)
            await effects.add_notice(
                tx, group_key, request.member_id, Notice.REMINDER, now, request.id
            )
        return len(due)


async def remind_ending(
    database: Database, group_key: str, days: Sequence[int], now: datetime, limit: int
) -> int:
    """Remind people whose signature ends soon, once for each of `days` before the end.

    Args:
        database: the open database.
        group_key: the group.
        days: whole days before the end.
        now: the current instant.
        limit: how many people at the most, to keep the pace of direct messages.

    Returns:
        How many are reminded.
    """
    if not days or limit <= 0:
        return 0
    async with database.write() as tx:
        if (await versions.get_group(tx, group_key)).restored_from is not None:
            # A record that was put back may not know of the newer signatures.
            return 0
        reminded = 0
        for text in await signatures.list_counting_texts(tx, group_key, now):
            reminded += await _remind_signers(tx, text, days, now, limit - reminded)
            if reminded >= limit:
                break
        return reminded


async def _remind_signers(
    tx: Transaction, text: CountingText, days: Sequence[int], now: datetime, limit: int
) -> int:
    due = await signatures.list_ending(tx, text, days, now, limit)
    people = [signature.member_id for signature in due]
    waiting = await requests.list_open_of(tx, text.group_key, people)
    for signature in due:
        periods = _periods(signature, text.changed_at)
        mark = find_due_mark(days, periods, signature.reminded_before, now)
        if mark is None:
            continue
        await signatures.mark_reminded(tx, signature.id, mark)
        request = waiting.get(signature.member_id)
        if request is not None and request.state is RequestState.SENT:
            await requests.mark(tx, request.id, reminded_at=now)
        await effects.add_notice(tx, text.group_key, signature.member_id, Notice.ENDING, now)
    return len(due)


def _periods(signature: Signature, changed_at: datetime | None) -> list[Period]:
    periods: list[Period] = []
    if signature.expires_at is not None:
        periods.append(Period(began_at=signature.signed_at, ends_at=signature.expires_at))
    if signature.outdated_at is not None and changed_at is not None:
        periods.append(Period(began_at=changed_at, ends_at=signature.outdated_at))
    return periods


async def end_lapsed(database: Database, group_keys: Collection[str], now: datetime) -> int:
    """End signatures that ran out or whose grace is over: the role goes, a new request comes.

    The person is told why. Whoever was asked already, for a newer text, is not asked twice.

    Returns:
        How many were ended; when it is `LAPSED_PER_RUN`, there may be more.
    """
    ended = 0
    async with database.write() as tx:
        for group_key in group_keys:
            in_force = await versions.find_in_force(tx, group_key)
            if in_force is None:
                continue
            ended += await _end_lapsed_of_group(tx, in_force, now, LAPSED_PER_RUN - ended)
            if ended >= LAPSED_PER_RUN:
                break
    return ended


async def _end_lapsed_of_group(
    tx: Transaction, in_force: AgreementVersion, now: datetime, limit: int
) -> int:
    """`end_lapsed` for one group.

    A record that was put back and not compared with Discord yet ends nothing: it may not know of
    the newer signatures.
    """
    group_key = in_force.group_key
    if (await versions.get_group(tx, group_key)).restored_from is not None:
        return 0
    lapsed = await signatures.list_lapsed(tx, in_force, now, limit)
    for signature in lapsed:
        member_id = signature.member_id
        ran_out = signature.expires_at is not None and signature.expires_at <= now
        reason = RevokeReason.EXPIRED if ran_out else RevokeReason.OUTDATED
        await signatures.mark_revoked(tx, signature, reason, now)
        await effects.add_role_change(tx, group_key, member_id, now)
        request = await requests.find_open(tx, group_key, member_id)
        if request is None or request.left_at is not None:
            continue
        # Before the asking, which is in the same lane: first why, then what can be done.
        notice = Notice.EXPIRED if ran_out else Notice.GRACE_OVER
        await effects.add_notice(tx, group_key, member_id, notice, now)
        await requests.mark_nudged(tx, group_key, member_id, now)
        if request.state is RequestState.SIGNED:
            await requests.mark(tx, request.id, state=RequestState.EXPIRED)
            await requests.add(tx, group_key, member_id, now, version_id=in_force.id)
    if lapsed:
        people = [signature.member_id for signature in lapsed]
        await requests.ask_queued(tx, group_key, now, people)
    return len(lapsed)
