"""Recording acceptances, refusals and withdrawals, however they were given."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import (
    UNANSWERED,
    AgreementVersion,
    Answer,
    Method,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
    VersionState,
    expiry_of,
)
from bot.domain.doubt import has_refused_since
from bot.domain.effects import EffectKind, Notice, lane_of_member
from bot.domain.errors import (
    AlreadySignedError,
    NotAMemberError,
    NotSignedError,
    OutdatedRequestError,
)
from bot.domain.ledger import LedgerKind
from bot.domain.reminders import may_renew
from bot.services import objecting
from bot.storage import effects, erasures, holders, ledger, requests, signatures, versions
from bot.storage.database import Database, Transaction

_RECEIPT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letters that read like digits."""


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
        if answer is Answer.ACCEPT:
            seen_at = None if removed else now
            await requests.mark(tx, request.id, checked_at=now, accept_seen_at=seen_at)
        elif not await _leaves_doubt(tx, request):
            await requests.mark(tx, request.id, checked_at=now)
        await record_answer_in(tx, request, answer, Between(until=now), removed=removed)
    return True


async def _leaves_doubt(tx: Transaction, request: SignatureRequest) -> bool:
    """Whether a ✅ may stand there from before a no that was given elsewhere.

    A ❌ beside it tells nothing of that, and must not make the message count as known.
    """
    given = await signatures.list_of_member(tx, request.group_key, request.member_id)
    return has_refused_since(request, given, request.checked_at or request.sent_at)


async def record_answer_in(
    tx: Transaction, request: SignatureRequest, answer: Answer, when: Between, *, removed: bool
) -> None:
    """Record a reaction on a request, inside the open transaction."""
    if removed:
        if answer is Answer.ACCEPT:
            await take_back_in(tx, request, when)
        return
    if answer is Answer.DECLINE and await objecting.object_in(tx, request, when.until, when.after):
        return
    try:
        if answer is Answer.ACCEPT:
            await _accept(tx, request, Method.REACTION, when, language=request.language)
        else:
            await _decline(tx, request, Method.REACTION, when)
    except AlreadySignedError:
        await tell_in(tx, request, Notice.STILL_SIGNED, when.until)
    except NotAMemberError:
        # The person has left: nothing is signed, and they are asked anew when they return.
        return
    except OutdatedRequestError:
        await _answer_outdated(tx, request, when.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The text in force, and the valid signature the person holds already, if any.

    `ends_at` is set when they hold one that ends soon: signing again renews it.
    """

    version: AgreementVersion
    signature: Signature | None
    ends_at: datetime | None = None


async def offer(
    database: Database,
    group_key: str,
    member_id: int,
    now: datetime,
    *,
    renew_within: timedelta = timedelta(),
) -> Offer:
    """What to show somebody who wants to sign inside the server.

    Args:
        database: the open database.
        group_key: the group.
        member_id: the person.
        now: the current instant.
        renew_within: how long before its end a signature may be renewed.

    Raises:
        NotPublishedError: nothing is published yet.
    """
    async with database.read() as tx:
        version = await versions.get_in_force(tx, group_key)
        signature = await signatures.find_unrevoked(tx, group_key, member_id)
        if signature is None or not signature.is_valid(version, now):
            return Offer(version=version, signature=None)
        covered = _is_current(signature, version, now, renew_within)
        ends_at = None if covered else signature.ends_at()
        return Offer(version=version, signature=signature if covered else None, ends_at=ends_at)


async def accept_by_button(
    database: Database,
    group_key: str,
    member_id: int,
    version_id: int,
    now: datetime,
    *,
    language: str | None = None,
    renew_within: timedelta = timedelta(),
) -> Signature:
    """Record an acceptance given inside the server by somebody who is in it.

    Args:
        database: the open database.
        group_key: the group.
        member_id: who accepts.
        version_id: the version whose text was shown to them.
        now: the current instant.
        language: that of the translation that was shown to them; None is the text that counts.
        renew_within: how long before its end a signature may be renewed; the new one takes its
            place without a gap.

    Raises:
        NotPublishedError: nothing is published yet.
        OutdatedRequestError: the text shown needs signing again by now.
    """
    async with database.write() as tx:
        request = await _request_for_button(tx, group_key, member_id, version_id, now)
        when = Between(until=now)
        return await _accept(
            tx, request, Method.BUTTON, when, language=language, renew_within=renew_within
        )


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
        await _withdraw(tx, signature, Between(until=now))
        await effects.add_role_change(tx, group_key, member_id, now)
        return signature


async def _request_for_button(
    tx: Transaction, group_key: str, member_id: int, version_id: int, now: datetime
) -> SignatureRequest:
    in_force = await versions.get_in_force(tx, group_key)
    shown = await versions.find(tx, version_id)
    if shown is None or shown.group_key != group_key or shown.state is VersionState.DRAFT:
        raise OutdatedRequestError
    if shown.number < (in_force.material_number or 0):
        raise OutdatedRequestError
    request = await requests.find_open(tx, group_key, member_id)
    if request is not None and request.version_id != version_id:
        # Its message, there or on its way, shows another text: an answer under it must never
        # count for this one.
        await requests.mark(tx, request.id, state=RequestState.CANCELLED)
        request = None
    if request is None:
        request_id = await requests.add(tx, group_key, member_id, now, version_id=version_id)
        await erasures.forget(tx, [group_key], member_id)
        return await requests.get(tx, request_id)
    if request.left_at is not None:
        # Pressing a button inside the server is proof of being there, whatever was missed.
        await requests.mark(tx, request.id, left_at=None, returned_at=now)
    return await requests.get(tx, request.id)


async def _accept(
    tx: Transaction,
    request: SignatureRequest,
    method: Method,
    when: Between,
    *,
    language: str | None,
    renew_within: timedelta = timedelta(),
) -> Signature:
    in_force = await versions.find_in_force(tx, request.group_key)
    request.check_answerable(in_force)
    if in_force is None or request.version_id is None:
        raise OutdatedRequestError
    held = await signatures.find_unrevoked(tx, request.group_key, request.member_id)
    if held is not None:
        if _is_current(held, in_force, when.until, renew_within):
            return held
        ran_out = held.expires_at is not None and held.expires_at <= when.until
        reason = RevokeReason.EXPIRED if ran_out else RevokeReason.RENEWED
        await signatures.mark_revoked(tx, held, reason, when.until)
    is_newest = request.version_id == in_force.id
    version = in_force if is_newest else await versions.get(tx, request.version_id)
    shown = await versions.find_translation(tx, version.id, language) if language else None
    if language and shown is None:
        # Nobody was shown this.
        raise OutdatedRequestError
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
        language=shown.language if shown else None,
        shown_sha256=shown.sha256 if shown else None,
    )
    await requests.mark(tx, request.id, state=RequestState.SIGNED, answered_at=when.until)
    await holders.forget(tx, [request.group_key], request.member_id)
    await effects.add_role_change(tx, request.group_key, request.member_id, when.until)
    if method is Method.REACTION:
        await tell_in(tx, request, Notice.SIGNED, when.until)
    return signature


def _is_current(
    signature: Signature, in_force: AgreementVersion, now: datetime, renew_within: timedelta
) -> bool:
    """Valid, and not merely for the rest of a grace, or until an end that is near.

    Otherwise signing again would change nothing.
    """
    covers = signature.version_number >= (in_force.material_number or 0)
    is_valid = signature.is_valid(in_force, now)
    return covers and is_valid and not may_renew(signature, renew_within, now)


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
        await tell_in(tx, request, Notice.DECLINED, when.until)


async def take_back_in(tx: Transaction, request: SignatureRequest, when: Between) -> None:
    """The acceptance under a request was taken back: the signature that stands on it ends."""
    signature = await signatures.find_unrevoked(tx, request.group_key, request.member_id)
    if signature is None or signature.request_id != request.id:
        return
    await _withdraw(tx, signature, when)
    await effects.add_role_change(tx, request.group_key, request.member_id, when.until)
    await tell_in(tx, request, Notice.WITHDRAWN, when.until)


async def _withdraw(tx: Transaction, signature: Signature, when: Between) -> None:
    reason = RevokeReason.WITHDRAWN
    await signatures.mark_revoked(tx, signature, reason, when.until, when.after)
    request = await requests.find_open(tx, signature.group_key, signature.member_id)
    if request is not None and request.state in UNANSWERED:
        # A newer text waits for them. The withdrawal answers that request as well: it stands as
        # the one they had signed would, where an acceptance still signs and nobody is nudged.
        await requests.mark(tx, request.id, state=RequestState.SIGNED)


async def _answer_outdated(tx: Transaction, request: SignatureRequest, now: datetime) -> None:
    """An answer to an older text signs nothing; the person gets, or is shown, the newer one."""
    current = await requests.find_open(tx, request.group_key, request.member_id)
    in_force = await versions.find_in_force(tx, request.group_key)
    if in_force is None or (current is not None and current.left_at is not None):
        return
    held = await signatures.find_unrevoked(tx, request.group_key, request.member_id)
    is_recorded = held is not None and held.method is Method.ATTESTED
    if held is not None and is_recorded and held.is_valid(in_force, now):
        # They agree to what a facilitator has recorded for them: it stands.
        return
    never_sent = current is not None and current.message_id is None and held is None
    if current is not None and never_sent and current.state is RequestState.SIGNED:
        # They withdrew before the newer text went out, and are back: now they are asked.
        await requests.mark(tx, current.id, state=RequestState.QUEUED, version_id=in_force.id)
        await requests.ask_queued(tx, request.group_key, now, [request.member_id])
        return
    if current is not None and (current.version_number or 0) >= (in_force.material_number or 0):
        if current.id != request.id and current.state is not RequestState.QUEUED:
            await tell_in(tx, current, Notice.OUTDATED, now)
        return
    if current is not None:
        await requests.mark(tx, current.id, state=RequestState.CANCELLED)
        member_id = request.member_id
        await requests.add(tx, request.group_key, member_id, now, version_id=in_force.id)
        await requests.ask_queued(tx, request.group_key, now, [member_id])


async def tell_in(
    tx: Transaction, request: SignatureRequest, notice: Notice, now: datetime
) -> None:
    """Have somebody told what became of their answer, inside the open transaction."""
    lane = lane_of_member(request.group_key, request.member_id)
    if await effects.has_waiting(tx, lane, EffectKind.NOTICE, notice):
        return
    await effects.add_notice(tx, request.group_key, request.member_id, notice, now, request.id)


def new_receipt_number() -> str:
    """A receipt number that cannot be guessed and does not tell how many there are."""
    letters = "".join(secrets.choice(_RECEIPT_ALPHABET) for _ in range(12))
    return "-".join(letters[start : start + 4] for start in range(0, 12, 4))
