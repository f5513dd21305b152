"""People who come and go, and what comes to them because of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import (
    AgreementVersion,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
)
from bot.domain.effects import EffectKind, Notice, lane_of_role
from bot.storage import (
    effects,
    erasures,
    holders,
    invitations,
    requests,
    signatures,
    suspensions,
    versions,
)
from bot.storage.database import Database, Transaction

CLOCK_SKEW = timedelta(minutes=6)
"""How far Discord's clock and ours may be apart: more than what is corrected. Whoever leaves and
returns within it, unseen, has the request that was sent to them just before."""


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
    with a valid signature gets the role back, and is told; while their access is paused they are
    told that. Doing it again changes nothing.

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
    paused = await suspensions.list_running_of(tx, group_key, ids)
    in_peace = await erasures.list_in_peace(tx, group_key, ids)
    touched = 0
    newcomers: list[int] = []
    for person in people:
        request = open_requests.get(person.member_id)
        signature, pause = held.get(person.member_id), paused.get(person.member_id)
        if signature is not None and signature.is_valid(in_force, now):
            returned = request is not None and request.left_at is not None
            if request is not None and _has_returned(request, person):
                await requests.mark(tx, request.id, left_at=None, returned_at=now)
            if group.restored_from is not None and not (person.has_role or returned):
                # The backup knows of the signature, Discord of no role: nobody knows whether it
                # was taken back in between, and doubt lets nobody in.
                await signatures.mark_revoked(tx, signature, RevokeReason.UNCONFIRMED, now)
            else:
                if returned or not (person.has_role or pause):
                    touched += 1
                    await _give_back(
                        tx, group_key, person.member_id, now, tell=returned, paused=bool(pause)
                    )
                if not (returned and _must_renew(signature, in_force)):
                    continue
                # They were away when the others were asked to sign the newer text.
        else:
            since = in_peace.get(person.member_id)
            is_new = live or (person.joined_at is not None and person.joined_at >= group.created_at)
            is_new = is_new and (since is None or _has_come_since(person, since))
            if not (is_new if request is None else _has_returned(request, person)):
                continue
        if pause is not None and pause.is_final:
            # They are left in peace: signing would open nothing to them.
            continue
        if request is not None:
            await requests.mark(tx, request.id, state=RequestState.CANCELLED)
        version_id = in_force.id if in_force else None
        await requests.add(tx, group_key, person.member_id, now, version_id=version_id)
        newcomers.append(person.member_id)
    await erasures.forget(tx, [group_key], *(in_peace.keys() & set(newcomers)))
    if newcomers and in_force is not None:
        since = group.restored_from
        await requests.ask_queued(tx, group_key, now, newcomers, asked_since=since)
    return touched + len(newcomers)


def _must_renew(signature: Signature, in_force: AgreementVersion | None) -> bool:
    """Whether a valid signature counts only for the rest of a grace."""
    material = in_force.material_number if in_force else None
    return material is not None and signature.version_number < material


def _has_returned(request: SignatureRequest, person: Present) -> bool:
    """Whether the person left since they were asked, or since they were last known to return.

    The leaving itself may have been missed.
    """
    if request.left_at is not None:
        return True
    known_at = request.returned_at or request.created_at
    return person.joined_at is not None and person.joined_at > known_at + CLOCK_SKEW


def _has_come_since(person: Present, erased_at: datetime) -> bool:
    """Whether somebody who was erased has come of their own accord since then.

    They have joined anew, or ask by themselves; Discord can tell of a joining twice.
    """
    return person.joined_at is None or person.joined_at > erased_at + CLOCK_SKEW


async def _give_back(
    tx: Transaction, group_key: str, member_id: int, now: datetime, *, tell: bool, paused: bool
) -> None:
    lane = lane_of_role(group_key, member_id)
    held = await effects.has_held(tx, lane, EffectKind.ALIGN_ROLE)
    if (
        not paused
        and not held
        and not await effects.has_waiting(tx, lane, EffectKind.ALIGN_ROLE, None)
    ):
        await effects.add_role_change(tx, group_key, member_id, now)
    if tell:
        await effects.add_notice(tx, group_key, member_id, Notice.WELCOME_BACK, now)


async def say_goodbye(
    database: Database, group_keys: Sequence[str], member_id: int, now: datetime
) -> None:
    """Remember that somebody left the server; their signature stays as it is."""
    async with database.write() as tx:
        await requests.mark_left(tx, group_keys, member_id, now)
        await holders.forget(tx, group_keys, member_id)
        await invitations.forget_member(tx, group_keys, member_id)
        await erasures.forget(tx, group_keys, member_id)
