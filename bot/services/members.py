"""People who come and go, and what is due to them because of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import (
    AgreementVersion,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
)
from bot.domain.effects import EffectKind, Notice, lane_of_member, lane_of_role
from bot.storage import effects, holders, requests, signatures, versions
from bot.storage.database import Database, Transaction

LAPSED_PER_RUN = 200
CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A person who is in the server, is not a bot and has passed screening."""

    member_id: int
    has_role: bool
    joined_at: datetime | None


async def welcome(
    database: Database, group_key: str, people: Sequence[Present], now: datetime, *, live: bool
) -> int:
    """Give everybody who is in the server what their record says.

    Newcomers are asked to sign, or wait until there is something to sign. Whoever returns
    with a valid signature gets the role back, and is told. Doing it again changes nothing.

    Args:
        database: the open database.
        group_key: the group.
        people: who is there.
        now: the current instant.
        live: they have just joined. Otherwise they were found in the member list, and those
            who were there before the group had Pledge are left alone.

    Returns:
        How many had something coming to them.
    """
    async with database.write() as tx:
        return await welcome_all(tx, group_key, people, now, live=live)


async def welcome_all(
    tx: Transaction, group_key: str, people: Sequence[Present], now: datetime, *, live: bool
) -> int:
    """`welcome`, inside the open transaction."""
    in_force = await versions.find_in_force(tx, group_key)
    group = await versions.get_group(tx, group_key)
    ids = [person.member_id for person in people]
    open_requests = await requests.list_open_of(tx, group_key, ids)
    held = await signatures.list_unrevoked_of(tx, group_key, ids)
    touched = 0
    newcomers: list[int] = []
    for person in people:
        request = open_requests.get(person.member_id)
        signature = held.get(person.member_id)
        if signature is not None and signature.is_valid(in_force, now):
            returned = request is not None and request.left_at is not None
            if request is not None and returned:
                await requests.mark(tx, request.id, left_at=None)
            if group.restored_from is not None and not (person.has_role or returned):
                # The backup knows of the signature, Discord of no role: nobody knows whether it
                # was taken back in between, and doubt lets nobody in.
                await signatures.mark_revoked(tx, signature, RevokeReason.UNCONFIRMED, now)
            else:
                if returned or not person.has_role:
                    touched += 1
                    await _give_back(tx, group_key, person.member_id, now, tell=returned)
                if not (returned and _must_renew(signature, in_force)):
                    continue
                # They were away when the others were asked to sign the newer text.
        else:
            is_new = live or (person.joined_at is not None and person.joined_at >= group.created_at)
            if request is None and not is_new:
                continue
            if request is not None and not _has_returned(request, person):
                continue
        if request is not None:
            await requests.mark(tx, request.id, state=RequestState.CANCELLED)
        version_id = in_force.id if in_force else None
        await requests.add(tx, group_key, person.member_id, now, version_id=version_id)
        newcomers.append(person.member_id)
    if newcomers and in_force is not None:
        since = group.restored_from
        await requests.ask_queued(tx, group_key, now, newcomers, asked_since=since)
    return touched + len(newcomers)


def _must_renew(signature: Signature, in_force: AgreementVersion | None) -> bool:
    """Whether a valid signature counts only for the rest of a grace."""
    material = in_force.material_number if in_force else None
    return material is not None and signature.version_number < material


def _has_returned(request: SignatureRequest, person: Present) -> bool:
    """Whether the person left since they were asked; the leaving itself may have been missed."""
    if request.left_at is not None:
        return True
    # Discord's clock and ours need not agree to the second.
    return person.joined_at is not None and person.joined_at > request.created_at + CLOCK_SKEW


async def _give_back(
    tx: Transaction, group_key: str, member_id: int, now: datetime, *, tell: bool
) -> None:
    lane = lane_of_role(group_key, member_id)
    held = await effects.has_held(tx, lane, EffectKind.ALIGN_ROLE)
    if not held and not await effects.has_waiting(tx, lane, EffectKind.ALIGN_ROLE, None):
        await effects.add_role_change(tx, group_key, member_id, now)
    if tell:
        await effects.add(
            tx,
            group_key=group_key,
            lane=lane_of_member(group_key, member_id),
            kind=EffectKind.NOTICE,
            member_id=member_id,
            detail=Notice.WELCOME_BACK,
            now=now,
        )


async def say_goodbye(
    database: Database, group_keys: Sequence[str], member_id: int, now: datetime
) -> None:
    """Remember that somebody left the server; their signature stays as it is."""
    async with database.write() as tx:
        await requests.mark_left(tx, group_keys, member_id, now)
        await holders.forget(tx, group_keys, member_id)


async def end_lapsed(database: Database, group_keys: Collection[str], now: datetime) -> int:
    """End signatures that ran out or whose grace is over: the role goes, a new request comes.

    Returns:
        How many were ended; when it is `LAPSED_PER_RUN`, there may be more.
    """
    ended = 0
    async with database.write() as tx:
        for group_key in group_keys:
            in_force = await versions.find_in_force(tx, group_key)
            if in_force is None:
                continue
            ended += await end_lapsed_of_group(tx, in_force, now, LAPSED_PER_RUN - ended)
            if ended >= LAPSED_PER_RUN:
                break
    return ended


async def end_lapsed_of_group(
    tx: Transaction, in_force: AgreementVersion, now: datetime, limit: int
) -> int:
    """`end_lapsed` for one group, inside the open transaction.

    A record that was put back and not compared with Discord yet ends nothing: it may not know of
    the newer signatures.
    """
    if (await versions.get_group(tx, in_force.group_key)).restored_from is not None:
        return 0
    lapsed = await signatures.list_lapsed(tx, in_force, now, limit)
    for signature in lapsed:
        group_key, member_id = signature.group_key, signature.member_id
        ran_out = signature.expires_at is not None and signature.expires_at <= now
        reason = RevokeReason.EXPIRED if ran_out else RevokeReason.OUTDATED
        await signatures.mark_revoked(tx, signature, reason, now)
        await effects.add_role_change(tx, group_key, member_id, now)
        request = await requests.find_open(tx, group_key, member_id)
        if request is not None and request.state is RequestState.SIGNED and not request.left_at:
            await requests.mark(tx, request.id, state=RequestState.EXPIRED)
            await requests.add(tx, group_key, member_id, now, version_id=in_force.id)
    if lapsed:
        people = [signature.member_id for signature in lapsed]
        await requests.ask_queued(tx, in_force.group_key, now, people)
    return len(lapsed)


async def remind(
    database: Database, group_key: str, days: Sequence[int], now: datetime, limit: int
) -> int:
    """Remind people who have not answered yet, once for each of `days` after the asking.

    Whoever was due for several, as after an outage, gets one.

    Args:
        database: the open database.
        group_key: the group.
        days: whole days after the asking, the smallest first.
        now: the current instant.
        limit: how many people at the most, to keep the pace of direct messages.

    Returns:
        How many are reminded.
    """
    if not days:
        return 0
    async with database.write() as tx:
        if await versions.find_in_force(tx, group_key) is None:
            return 0
        due = await requests.list_to_remind(tx, group_key, days, now, limit)
        for request in due:
            asked_at = request.sent_at or now
            day = max(day for day in days if asked_at + timedelta(days=day) <= now)
            await requests.mark(tx, request.id, reminded_day=day)
            await effects.add(
                tx,
                group_key=group_key,
                lane=lane_of_member(group_key, request.member_id),
                kind=EffectKind.NOTICE,
                member_id=request.member_id,
                request_id=request.id,
                detail=Notice.REMINDER,
                now=now,
            )
        return len(due)
