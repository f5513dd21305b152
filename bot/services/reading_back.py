"""What is found when messages are read back: answers nobody told of, no message, or another's."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.agreements import (
    AgreementVersion,
    Answer,
    RequestState,
    Signature,
    SignatureRequest,
)
from bot.domain.doubt import has_refused_since, was_left_for
from bot.domain.effects import EffectKind, Notice
from bot.services import objecting
from bot.services.signing import Between, record_answer_in, take_back_in, tell_in
from bot.storage import effects, requests, signatures, versions
from bot.storage.database import Database

ASK_AGAIN_AFTER = timedelta(days=1)


async def list_taken(database: Database, request: SignatureRequest) -> frozenset[int]:
    """The messages to a person that belong to other requests than this one."""
    async with database.read() as tx:
        found = await requests.list_messages_of(tx, request.member_id)
    return frozenset(message for message, one in found.items() if one != request.id)


async def record_found_answer(
    database: Database,
    request_id: int,
    *,
    accepted: bool,
    declined: bool,
    observed_at: datetime,
    now: datetime,
) -> bool | None:
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
        Whether anything had changed; None when the reading was too old to tell.
    """
    async with database.write() as tx:
        request = await requests.find(tx, request_id)
        if request is None:
            # Erased while its message was read: nothing on it counts any more.
            return None
        given = await signatures.list_of_member(tx, request.group_key, request.member_id)
        if _last_change(request, given) > observed_at:
            return None
        signature = next((one for one in given if one.revoked_at is None), None)
        in_force = await versions.find_in_force(tx, request.group_key)
        after = request.checked_at or request.sent_at
        when = Between(until=now, after=min(after, now) if after else None)
        was_seen = request.accept_seen_at is not None
        if accepted is not was_seen:
            await requests.mark(tx, request.id, accept_seen_at=now if accepted else None)
        if was_seen and not accepted and signature and signature.request_id == request.id:
            await take_back_in(tx, request, when)
        elif accepted and not was_seen and request.is_open and not _covers(signature, in_force):
            if has_refused_since(request, given, after):
                # Given before or after that refusal: nobody knows, and doubt lets nobody in.
                await tell_in(tx, request, Notice.UNCLEAR, now)
                return False
            await record_answer_in(tx, request, Answer.ACCEPT, when, removed=False)
        elif declined and await objecting.object_in(tx, request, when.until, when.after):
            pass  # a ❌ under what a facilitator recorded
        elif declined and not accepted and request.state is RequestState.SENT:
            told = (request.id, EffectKind.NOTICE, Notice.STILL_SIGNED)
            if signature is not None and await effects.was_added(tx, *told):
                # It stays there, and changes nothing, for as long as the signature lasts.
                return False
            await record_answer_in(tx, request, Answer.DECLINE, when, removed=False)
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
        request = await requests.find(tx, request_id)
        if request is None:
            return False
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
        instants.append(signature.signed_at)
        if not was_left_for(signature, request):
            instants.append(signature.revoked_at)
    return max((at for at in instants if at is not None), default=request.created_at)


def _covers(signature: Signature | None, in_force: AgreementVersion | None) -> bool:
    """Whether there is a signature and the text in force needs no other."""
    if signature is None:
        return False
    return in_force is None or signature.version_number >= (in_force.material_number or 0)
