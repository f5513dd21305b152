"""Closes and opens the support channel to the accused of a case, in step with what was decided."""

from datetime import datetime

from bot.domain.agreements import RequestState, RevokeReason
from bot.domain.breaches import BreachCase
from bot.domain.rulings import REMOVED, SIGN_AGAIN, SUSPENDED, Ruling
from bot.storage import effects, erasures, holders, requests, signatures, suspensions, versions
from bot.storage.database import Transaction

_OWN_WISH = (RevokeReason.WITHDRAWN, RevokeReason.OBJECTED)
_WAITING = (RequestState.QUEUED, RequestState.SENT, RequestState.BLOCKED)


async def close(
    tx: Transaction,
    case: BreachCase,
    member_id: int,
    now: datetime,
    *,
    until: datetime | None,
    provisional: bool = False,
) -> None:
    """Suspend somebody, and have their role taken; see `bot.storage.suspensions.begin`."""
    await suspensions.begin(tx, case, member_id, now, until=until, provisional=provisional)
    await _take_role(tx, case.group_key, member_id, now)


async def impose(
    tx: Transaction,
    case: BreachCase,
    member_id: int,
    ruling: Ruling,
    now: datetime,
    *,
    signed_before: datetime,
) -> None:
    """Bring somebody's access in step with a decision, in place of whatever the case did before.

    Args:
        tx: the open transaction.
        case: the case.
        member_id: the accused.
        ruling: what was decided, with its end.
        now: the current instant.
        signed_before: a signature that was given later is not ended; on an appeal, they have
            signed again by themselves already.
    """
    running = await suspensions.list_running_for(tx, case)
    is_closed = ruling.outcome == REMOVED or (
        ruling.outcome == SUSPENDED and ruling.until is not None and ruling.until > now
    )
    kept = [one for one in running if is_closed and not one.provisional]
    kept = [one for one in kept if one.until == ruling.until][:1]
    for one in running:
        if one not in kept:
            await suspensions.end(tx, one, now)
    key = case.group_key
    if ruling.outcome in (SIGN_AGAIN, REMOVED):
        signature = await signatures.find_unrevoked(tx, key, member_id)
        if signature is not None and signature.signed_at <= signed_before:
            await signatures.mark_revoked(tx, signature, RevokeReason.CASE, now)
    if is_closed:
        if not kept:
            await close(tx, case, member_id, now, until=ruling.until)
        if ruling.outcome == REMOVED:
            await _stop_asking(tx, key, member_id)
    elif ruling.outcome == SIGN_AGAIN:
        await _take_role(tx, key, member_id, now)
        await open_again(tx, key, member_id, now)
    elif running:
        await open_again(tx, key, member_id, now)


async def open_again(tx: Transaction, group_key: str, member_id: int, now: datetime) -> None:
    """A pause is over: the role comes back with a valid signature, else they are asked to sign.

    Nothing happens while another case still keeps them out.
    """
    if await suspensions.find_running(tx, group_key, member_id) is not None:
        return
    in_force = await versions.find_in_force(tx, group_key)
    signature = await signatures.find_unrevoked(tx, group_key, member_id)
    if signature is not None and signature.is_valid(in_force, now):
        await effects.add_role_change(tx, group_key, member_id, now)
        return
    given = await signatures.list_of_member(tx, group_key, member_id)
    if given and given[-1].revoke_reason in _OWN_WISH:
        # They have taken it back themselves, and are left in peace.
        return
    if await erasures.is_in_peace(tx, group_key, member_id):
        return
    request = await requests.find_open(tx, group_key, member_id)
    if in_force is None or (request is not None and request.left_at is not None):
        # They are asked when they come back.
        return
    if request is not None:
        if request.state is not RequestState.SIGNED:
            # They are asked already, or have said no.
            return
        await requests.mark(tx, request.id, state=RequestState.EXPIRED)
    await requests.add(tx, group_key, member_id, now, version_id=in_force.id)
    await requests.ask_queued(tx, group_key, now, [member_id])


async def _take_role(tx: Transaction, group_key: str, member_id: int, now: datetime) -> None:
    await holders.end_adoption(tx, group_key, member_id)
    await effects.add_role_change(tx, group_key, member_id, now)


async def _stop_asking(tx: Transaction, group_key: str, member_id: int) -> None:
    """Whoever was removed is not asked, reminded or warned any more."""
    request = await requests.find_open(tx, group_key, member_id)
    if request is not None and request.state in _WAITING:
        await requests.mark(tx, request.id, state=RequestState.CANCELLED)
