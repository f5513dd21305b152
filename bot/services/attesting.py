"""Signatures given on paper or aloud, recorded by a facilitator who attests to them."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.agreements import (
    AgreementVersion,
    Method,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
    Standing,
    expiry_of,
    standing_of,
)
from bot.domain.effects import Effect, EffectKind, Notice, lane_of_role
from bot.domain.errors import AttestationStaleError, CoveredError, OwnAttestationError
from bot.domain.suspensions import Pause
from bot.services.signing import new_receipt_number
from bot.storage import effects, erasures, holders, requests, signatures, suspensions, versions
from bot.storage.database import Database, Transaction

REFUSALS = (Standing.WITHDRAWN, Standing.DECLINED)
"""Whoever stands here has said no; a facilitator goes on only after being told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What a facilitator is shown before they attest: the text, and how the person stands."""

    version: AgreementVersion
    standing: Standing | None


async def preview(database: Database, group_key: str, member_id: int, now: datetime) -> Attestation:
    """What attesting a signature of this person would mean.

    Raises:
        CoveredError: they hold a valid signature.
        NotPublishedError: nothing is published yet.
    """
    async with database.read() as tx:
        return await _look(tx, group_key, member_id, now)


async def _look(tx: Transaction, group_key: str, member_id: int, now: datetime) -> Attestation:
    in_force = await versions.get_in_force(tx, group_key)
    given = await signatures.list_of_member(tx, group_key, member_id)
    material = in_force.material_number or 0
    if any(one.version_number >= material and one.is_valid(in_force, now) for one in given):
        raise CoveredError
    request = await requests.find_open(tx, group_key, member_id)
    return Attestation(version=in_force, standing=standing_of(request, given, in_force, now))


async def attest(
    database: Database,
    group_key: str,
    member_id: int,
    shown: Attestation,
    *,
    facilitator_id: int,
    note: str,
    now: datetime,
) -> Signature:
    """Record that somebody has signed on paper or aloud.

    The ledger says who attested it, but not the note: that stays where it can be erased.

    Args:
        database: the open database.
        group_key: the group.
        member_id: who has signed; they are in the server.
        shown: what the facilitator was shown, and has agreed to.
        facilitator_id: who attests to it.
        note: how it was given, in the facilitator's words.
        now: the current instant.

    Raises:
        OwnAttestationError: the two are the same person.
        CoveredError: they hold a valid signature by now.
        AttestationStaleError: another version is in force, or they said no since.
        NotPublishedError: nothing is published yet.
    """
    if member_id == facilitator_id:
        raise OwnAttestationError
    async with database.write() as tx:
        found = await _look(tx, group_key, member_id, now)
        said_no = found.standing in REFUSALS and found.standing is not shown.standing
        if said_no or found.version.id != shown.version.id:
            raise AttestationStaleError
        held = await signatures.find_unrevoked(tx, group_key, member_id)
        if held is not None:
            reason = RevokeReason.RENEWED if held.lasts(now) else RevokeReason.EXPIRED
            await signatures.mark_revoked(tx, held, reason, now)
        request_id = await _replace_request(tx, group_key, member_id, found.version, now)
        signature = await signatures.add(
            tx,
            group_key=group_key,
            request_id=request_id,
            member_id=member_id,
            version_id=found.version.id,
            version_number=found.version.number,
            sha256=found.version.sha256,
            receipt_number=new_receipt_number(),
            method=Method.ATTESTED,
            message_id=None,
            signed_at=now,
            expires_at=expiry_of(found.version.agreement, now),
            attested_by=facilitator_id,
            note=note,
        )
        await holders.forget(tx, [group_key], member_id)
        await effects.add_role_change(tx, group_key, member_id, now)
        await effects.add_notice(tx, group_key, member_id, Notice.ATTESTED, now, request_id)
        return signature


async def _replace_request(
    tx: Transaction, group_key: str, member_id: int, version: AgreementVersion, now: datetime
) -> int:
    """A request of its own: the message that tells of the signature is where to object to it."""
    earlier = await requests.find_open(tx, group_key, member_id)
    if earlier is not None:
        await requests.mark(tx, earlier.id, state=RequestState.CANCELLED)
    request_id = await requests.add(
        tx, group_key, member_id, now, version_id=version.id, state=RequestState.SIGNED
    )
    await requests.mark(tx, request_id, answered_at=now)
    await erasures.forget(tx, [group_key], member_id)
    return request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What somebody is told of a signature that was recorded for them."""

    request: SignatureRequest
    signature: Signature
    role_waits: bool
    pause: Pause | None = None


async def prepare_telling(database: Database, effect: Effect) -> Telling | None:
    """Read the record again before somebody is told; None when it is not true any more."""
    group_key, member_id = effect.group_key, effect.member_id or 0
    async with database.read() as tx:
        signature = await signatures.find_unrevoked(tx, group_key, member_id)
        if signature is None or effect.request_id is None:
            return None
        if signature.request_id != effect.request_id or signature.method is not Method.ATTESTED:
            return None
        lane = lane_of_role(group_key, member_id)
        return Telling(
            request=await requests.get(tx, effect.request_id),
            signature=signature,
            role_waits=await effects.has_held(tx, lane, EffectKind.ALIGN_ROLE),
            pause=await suspensions.find_running(tx, group_key, member_id),
        )


async def record_told(
    database: Database,
    request_id: int,
    *,
    channel_id: int,
    message_id: int,
    sent_at: datetime,
    decline: str,
) -> None:
    """The message is in front of the person: from now on a ❌ under it is an objection."""
    async with database.write() as tx:
        await requests.mark(
            tx,
            request_id,
            channel_id=channel_id,
            message_id=message_id,
            sent_at=sent_at,
            checked_at=sent_at,
            decline_emoji=decline,
        )
