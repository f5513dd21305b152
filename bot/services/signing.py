"""Recording acceptances, refusals and withdrawals, however they were given."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import (
    AgreementVersion,
    Answer,
    Method,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
    expiry_of,
)
from bot.domain.effects import EffectKind, Notice, lane_of_member
from bot.domain.errors import (
    AlreadySignedError,
    NotAMemberError,
    NotSignedError,
    OutdatedRequestError,
)
from bot.domain.ledger import LedgerKind
from bot.storage import effects, holders, ledger, requests, signatures, versions
from bot.storage.database import Database, Transaction

_RECEIPT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letters that read like digits."""


ASK_AGAIN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """When something happened: at `until`, or since `after` at the earliest if that is known."""

    until: datetime
    after: datetime | None = None


async def record_reaction(
    database: Database,
    message_id: int,
    member_id: int,
    emoji: str,
    now: datetime,
    *,
    removed: bool = False,
) -> bool:
    """Record what a reaction that came over the gateway says.

    Args:
        database: the open database.
        message_id: the message that was reacted to.
        member_id: who reacted.
        emoji: what they reacted with; the request knows what it means.
        now: the current instant.
        removed: the reaction was taken back rather than given.

    Returns:
        Whether the message was a request to this person and the emoji one of its answers.
    """
    async with database.write() as tx:
        request = await requests.find_by_message(tx, message_id)
        if request is None or request.member_id != member_id:
            return False
        answer = request.answer_of(emoji)
        if answer is None:
            return False
        known: dict[str, datetime | None] = {"checked_at": now}
        if answer is Answer.ACCEPT:
            known["accept_seen_at"] = None if removed else now
        await requests.mark(tx, request.id, **known)
        await _record_answer(tx, request, answer, Between(until=now), removed=removed)
    return True


async def _record_answer(
    tx: Transaction, request: SignatureRequest, answer: Answer, when: Between, *, removed: bool
) -> None:
    if removed:
        if answer is Answer.ACCEPT:
            await _take_back(tx, request, when)
        return
    try:
        if answer is Answer.ACCEPT:
            await _accept(tx, request, Method.REACTION, when)
        else:
            await _decline(tx, request, Method.REACTION, when)
    except AlreadySignedError:
        await _tell(tx, request, Notice.STILL_SIGNED, when.until)
    except NotAMemberError:
        # The person has left: nothing is signed, and they are asked anew when they return.
        return
    except OutdatedRequestError:
        await _answer_outdated(tx, request, when.until)


async def record_found_answer(
    database: Database,
    request_id: int,
    *,
    accepted: bool,
    declined: bool,
    observed_at: datetime,
    now: datetime,
) -> bool:
    """Record the reactions that were found on a request's message when it was read back.

    They were given or taken back at an unknown time since the message was last known, and are
    recorded so. With both present the acceptance counts, whichever came first: after an
    acceptance a ❌ does not withdraw, and after a ❌ an acceptance signs. An acceptance that was
    seen there before says nothing new, as when somebody withdrew by command and left it.

    Args:
        database: the open database.
        request_id: the request whose message was read.
        accepted: somebody's acceptance stands under it.
        declined: somebody's refusal stands under it.
        observed_at: an instant before the reading began; whatever was recorded after it is
            newer than what was read, and counts.
        now: the current instant.

    Returns:
        Whether anything had changed.
    """
    async with database.write() as tx:
        request = await requests.get(tx, request_id)
        given = await signatures.list_of_member(tx, request.group_key, request.member_id)
        if _last_change(request, given) > observed_at:
            return False
        signature = next((one for one in given if one.revoked_at is None), None)
        after = request.checked_at or request.sent_at
        when = Between(until=now, after=min(after, now) if after else None)
        was_seen = request.accept_seen_at is not None
        if accepted is not was_seen:
            await requests.mark(tx, request.id, accept_seen_at=now if accepted else None)
        if was_seen and not accepted and signature and signature.request_id == request.id:
            await _take_back(tx, request, when)
        elif accepted and not was_seen and signature is None and request.is_open:
            if _refused_since(request, given, after):
                # Given before or after that refusal: nobody knows, and doubt lets nobody in.
                return False
            await _record_answer(tx, request, Answer.ACCEPT, when, removed=False)
        elif declined and not accepted and request.state is RequestState.SENT:
            await _record_answer(tx, request, Answer.DECLINE, when, removed=False)
        else:
            return False
        await requests.mark(tx, request.id, checked_at=now)
        return True


async def record_message_gone(database: Database, request_id: int, now: datetime) -> bool:
    """The message of a request does not exist any more: nothing can be answered on it.

    Whoever has answered keeps their answer. Whoever has not is asked again, but not twice
    within `ASK_AGAIN_AFTER`, should messages vanish again and again.

    Returns:
        Whether the person is asked again.
    """
    async with database.write() as tx:
        request = await requests.get(tx, request_id)
        if request.state is not RequestState.SENT:
            await requests.mark(tx, request_id, message_id=None)
            return False
        in_force = await versions.find_in_force(tx, request.group_key)
        if in_force is None or request.created_at > now - ASK_AGAIN_AFTER:
            return False
        await requests.mark(tx, request_id, state=RequestState.CANCELLED)
        group_key, member_id = request.group_key, request.member_id
        await requests.add(tx, group_key, member_id, now, version_id=in_force.id)
        await requests.ask_queued(tx, group_key, now, [member_id])
        return True


def _last_change(request: SignatureRequest, given: Sequence[Signature]) -> datetime:
    instants = [request.answered_at, request.sent_at, request.checked_at]
    for signature in given:
        instants += [signature.signed_at, signature.revoked_at]
    return max((at for at in instants if at is not None), default=request.created_at)


def _refused_since(
    request: SignatureRequest, given: Sequence[Signature], checked_at: datetime | None
) -> bool:
    """Whether the person said no, by button or command, after the message was last known."""
    refusals = [one.revoked_at for one in given if one.revoke_reason is RevokeReason.WITHDRAWN]
    if request.state is RequestState.DECLINED:
        refusals.append(request.answered_at)
    return any(at and (checked_at is None or at > checked_at) for at in refusals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The text in force, and the valid signature the person holds already, if any."""

    version: AgreementVersion
    signature: Signature | None


async def offer(database: Database, group_key: str, member_id: int, now: datetime) -> Offer:
    """What to show somebody who wants to sign inside the server.

    Raises:
        NotPublishedError: nothing is published yet.
    """
    async with database.read() as tx:
        version = await versions.get_in_force(tx, group_key)
        signature = await signatures.find_unrevoked(tx, group_key, member_id)
        covered = signature is not None and _is_current(signature, version, now)
        return Offer(version=version, signature=signature if covered else None)


async def accept_by_button(
    database: Database, group_key: str, member_id: int, version_id: int, now: datetime
) -> Signature:
    """Record an acceptance given inside the server by somebody who is in it.

    Args:
        database: the open database.
        group_key: the group.
        member_id: who accepts.
        version_id: the version whose text was shown to them.
        now: the current instant.

    Raises:
        NotPublishedError: nothing is published yet.
        OutdatedRequestError: the text shown needs signing again by now.
    """
    async with database.write() as tx:
        request = await _request_for_button(tx, group_key, member_id, version_id, now)
        return await _accept(tx, request, Method.BUTTON, Between(until=now))


async def decline_by_button(
    database: Database, group_key: str, member_id: int, version_id: int, now: datetime
) -> None:
    """Record a refusal given inside the server.

    Raises:
        AlreadySignedError: the person holds a signature.
        NotPublishedError: nothing is published yet.
        OutdatedRequestError: the text shown is not the one to answer any more.
    """
    async with database.write() as tx:
        request = await _request_for_button(tx, group_key, member_id, version_id, now)
        await _decline(tx, request, Method.BUTTON, Between(until=now))


async def withdraw(database: Database, group_key: str, member_id: int, now: datetime) -> Signature:
    """Take a signature back at the signer's own word.

    Raises:
        NotSignedError: there is nothing to take back.
    """
    async with database.write() as tx:
        signature = await signatures.find_unrevoked(tx, group_key, member_id)
        if signature is None:
            raise NotSignedError
        await _revoke(tx, signature, RevokeReason.WITHDRAWN, Between(until=now))
        await effects.add_role_change(tx, group_key, member_id, now)
        return signature


async def _request_for_button(
    tx: Transaction, group_key: str, member_id: int, version_id: int, now: datetime
) -> SignatureRequest:
    in_force = await versions.get_in_force(tx, group_key)
    shown = await versions.get(tx, version_id)
    if shown.group_key != group_key or shown.number < (in_force.material_number or 0):
        raise OutdatedRequestError
    request = await requests.find_open(tx, group_key, member_id)
    if request is not None and request.version_id != version_id:
        # Its message, there or on its way, shows another text: an answer under it must never
        # count for this one.
        await requests.mark(tx, request.id, state=RequestState.CANCELLED)
        request = None
    if request is None:
        request_id = await requests.add(tx, group_key, member_id, now, version_id=version_id)
        return await requests.get(tx, request_id)
    if request.left_at is not None:
        # Pressing a button inside the server is proof of being there, whatever was missed.
        await requests.mark(tx, request.id, left_at=None)
    return await requests.get(tx, request.id)


async def _accept(
    tx: Transaction, request: SignatureRequest, method: Method, when: Between
) -> Signature:
    in_force = await versions.find_in_force(tx, request.group_key)
    request.check_answerable(in_force)
    if in_force is None or request.version_id is None:
        raise OutdatedRequestError
    held = await signatures.find_unrevoked(tx, request.group_key, request.member_id)
    if held is not None:
        if _is_current(held, in_force, when.until):
            return held
        ran_out = held.expires_at is not None and held.expires_at <= when.until
        reason = RevokeReason.EXPIRED if ran_out else RevokeReason.RENEWED
        await signatures.mark_revoked(tx, held, reason, when.until)
    is_newest = request.version_id == in_force.id
    version = in_force if is_newest else await versions.get(tx, request.version_id)
    signature = await signatures.add(
        tx,
        group_key=request.group_key,
        request_id=request.id,
        member_id=request.member_id,
        version_id=version.id,
        version_number=version.number,
        sha256=version.sha256,
        receipt_number=new_receipt_number(),
        method=method,
        message_id=request.message_id if method is Method.REACTION else None,
        signed_at=when.until,
        signed_after=when.after,
        expires_at=expiry_of(version.agreement, when.until),
    )
    await requests.mark(tx, request.id, state=RequestState.SIGNED, answered_at=when.until)
    await holders.forget(tx, [request.group_key], request.member_id)
    await effects.add_role_change(tx, request.group_key, request.member_id, when.until)
    if method is Method.REACTION:
        await _tell(tx, request, Notice.SIGNED, when.until)
    return signature


def _is_current(signature: Signature, in_force: AgreementVersion, now: datetime) -> bool:
    """Valid, and not merely for the rest of a grace: signing again would change nothing."""
    covers = signature.version_number >= (in_force.material_number or 0)
    return covers and signature.is_valid(in_force, now)


async def _decline(
    tx: Transaction, request: SignatureRequest, method: Method, when: Between
) -> None:
    request.check_answerable(await versions.find_in_force(tx, request.group_key))
    held = await signatures.find_unrevoked(tx, request.group_key, request.member_id)
    request.check_declinable(held)
    if request.state is RequestState.DECLINED:
        return
    facts = {
        "member_id": request.member_id,
        "version": request.version_number,
        "method": method,
        "message_id": request.message_id if method is Method.REACTION else None,
        "declined_at": when.until,
        "declined_after": when.after,
    }
    await ledger.append(
        tx,
        request.group_key,
        LedgerKind.DECLINED,
        facts,
        when.until,
        subject_id=request.member_id,
    )
    await requests.mark(tx, request.id, state=RequestState.DECLINED, answered_at=when.until)
    if await holders.is_known(tx, request.group_key, request.member_id):
        # A member from before Pledge who says no does not keep the role for the rest of a grace.
        await effects.add_role_change(tx, request.group_key, request.member_id, when.until)
    if method is Method.REACTION:
        await _tell(tx, request, Notice.DECLINED, when.until)


async def _take_back(tx: Transaction, request: SignatureRequest, when: Between) -> None:
    signature = await signatures.find_unrevoked(tx, request.group_key, request.member_id)
    if signature is None or signature.request_id != request.id:
        return
    await _revoke(tx, signature, RevokeReason.WITHDRAWN, when)
    await effects.add_role_change(tx, request.group_key, request.member_id, when.until)
    await _tell(tx, request, Notice.WITHDRAWN, when.until)


async def _revoke(
    tx: Transaction, signature: Signature, reason: RevokeReason, when: Between
) -> None:
    await signatures.mark_revoked(tx, signature, reason, when.until, when.after)


async def _answer_outdated(tx: Transaction, request: SignatureRequest, now: datetime) -> None:
    """An answer to an older text signs nothing; the person gets, or is shown, the newer one."""
    current = await requests.find_open(tx, request.group_key, request.member_id)
    in_force = await versions.find_in_force(tx, request.group_key)
    if in_force is None or (current is not None and current.left_at is not None):
        return
    if current is not None and (current.version_number or 0) >= (in_force.material_number or 0):
        if current.id != request.id and current.state is not RequestState.QUEUED:
            await _tell(tx, current, Notice.OUTDATED, now)
        return
    if current is not None:
        await requests.mark(tx, current.id, state=RequestState.CANCELLED)
        member_id = request.member_id
        await requests.add(tx, request.group_key, member_id, now, version_id=in_force.id)
        await requests.ask_queued(tx, request.group_key, now, [member_id])


async def _tell(tx: Transaction, request: SignatureRequest, notice: Notice, now: datetime) -> None:
    lane = lane_of_member(request.group_key, request.member_id)
    if await effects.has_waiting(tx, lane, EffectKind.NOTICE, notice):
        return
    await effects.add(
        tx,
        group_key=request.group_key,
        lane=lane,
        kind=EffectKind.NOTICE,
        member_id=request.member_id,
        request_id=request.id,
        detail=notice,
        now=now,
    )


def new_receipt_number() -> str:
    """A receipt number that cannot be guessed and does not tell how many there are."""
    letters = "".join(secrets.choice(_RECEIPT_ALPHABET) for _ in range(12))
    return "-".join(letters[start : start + 4] for start in range(0, 12, 4))
