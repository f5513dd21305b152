"""The record's side of a notice by direct message: is it still true, and what does it speak of?"""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.agreements import UNANSWERED, RequestState, Signature, SignatureRequest
from bot.domain.effects import Effect, EffectKind, Notice, lane_of_role
from bot.domain.holders import Rules
from bot.domain.suspensions import Pause
from bot.storage import effects, holders, requests, signatures, suspensions, versions
from bot.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """What a notice speaks of; `has_access` is whether a valid signature stands behind it.

    `kept_until` is when a member from before Pledge loses the role, if they do and it is to come.
    `pause` is set while access is closed to them, whatever they have signed.
    """

    notice: Notice
    request: SignatureRequest | None
    signature: Signature | None
    has_access: bool
    role_waits: bool
    kept_until: datetime | None = None
    pause: Pause | None = None


async def prepare_notice(
    database: Database, effect: Effect, now: datetime, rules: Rules | None = None
) -> NoticeFacts | None:
    """Read the record again before a notice goes out; None when it is not true any more.

    None as well when the same notice waits behind this one: it would say the same words again.

    Args:
        database: the open database.
        effect: the notice.
        now: the current instant.
        rules: what the group has settled about members from before Pledge.
    """
    async with database.read() as tx:
        if await effects.has_waiting(tx, effect.lane, EffectKind.NOTICE, effect.detail):
            return None
        member_id = effect.member_id or 0
        signature = await signatures.find_unrevoked(tx, effect.group_key, member_id)
        in_force = await versions.find_in_force(tx, effect.group_key)
        request = await requests.find_open(tx, effect.group_key, member_id)
        adoption = await holders.find_adoption(tx, effect.group_key, member_id)
        kept_until = rules.kept_until(adoption) if rules is not None else None
        facts = NoticeFacts(
            notice=Notice(effect.detail or ""),
            request=request,
            signature=signature,
            has_access=signature is not None and signature.is_valid(in_force, now),
            role_waits=await effects.has_held(
                tx, lane_of_role(effect.group_key, member_id), EffectKind.ALIGN_ROLE
            ),
            kept_until=kept_until if kept_until is not None and kept_until > now else None,
            pause=await suspensions.find_running(tx, effect.group_key, member_id),
        )
    if facts.notice is Notice.OUTDATED:
        return facts
    waits = request is not None and request.state is RequestState.SENT
    if facts.notice is Notice.REMINDER:
        return facts if waits else None
    if facts.notice is Notice.ADOPTION_OVER:
        # Who is still noted as adopted has the role, unless taking it waits for a person.
        is_over = adoption is None or facts.role_waits
        is_here = request is not None and request.left_at is None
        is_silent = request is not None and request.state in UNANSWERED
        return facts if is_silent and is_here and is_over and not facts.has_access else None
    if facts.notice is Notice.ENDING:
        # A signature that was renewed meanwhile has had no reminder of its own.
        was_reminded = signature is not None and signature.reminded_before is not None
        # It speaks of access that goes on without a gap, which it does not while it is paused.
        goes_on = facts.has_access and facts.pause is None
        return facts if goes_on and was_reminded else None
    speaks_of_access = facts.notice in (Notice.SIGNED, Notice.WELCOME_BACK, Notice.STILL_SIGNED)
    return None if facts.has_access is not speaks_of_access else facts
