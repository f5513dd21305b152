"""Somebody objects to a signature that a facilitator recorded for them: it ends at once."""

from datetime import datetime

from bot.domain.agreements import Method, RequestState, RevokeReason, SignatureRequest
from bot.domain.effects import (
    Effect,
    EffectKind,
    Notice,
    Report,
    lane_of_group,
    pack,
)
from bot.storage import effects, requests, signatures
from bot.storage.database import Transaction


async def object_in(
    tx: Transaction, request: SignatureRequest, now: datetime, after: datetime | None = None
) -> bool:
    """End the attested signature that this request's message told of, inside the transaction.

    Args:
        tx: the open transaction.
        request: the request under whose message the ❌ stands.
        now: when that was seen.
        after: since when it can have been given, if it was found later.

    Returns:
        Whether there was such a signature. The ❌ under any other message takes none away.
    """
    group_key, member_id = request.group_key, request.member_id
    signature = await signatures.find_unrevoked(tx, group_key, member_id)
    if (
        signature is None
        or signature.method is not Method.ATTESTED
        or signature.request_id != request.id
    ):
        return False
    await signatures.mark_revoked(tx, signature, RevokeReason.OBJECTED, now, after)
    if request.is_open:
        await requests.mark(tx, request.id, state=RequestState.DECLINED, answered_at=now)
    await effects.add_role_change(tx, group_key, member_id, now)
    await effects.add_notice(tx, group_key, member_id, Notice.OBJECTED, now, request.id)
    await _report(tx, group_key, Report.ATTEST_OBJECTED, signature.receipt_number, now)
    return True


async def report_untold(tx: Transaction, effect: Effect, now: datetime) -> None:
    """The person could not be told of what was recorded for them: somebody must do it."""
    if effect.kind is not EffectKind.NOTICE or effect.detail != Notice.ATTESTED:
        return
    signature = await signatures.find_unrevoked(tx, effect.group_key, effect.member_id or 0)
    if signature is not None and signature.request_id == effect.request_id:
        receipt = signature.receipt_number
        await _report(tx, effect.group_key, Report.ATTEST_UNTOLD, receipt, now)


async def _report(
    tx: Transaction, group_key: str, report: Report, receipt: str, now: datetime
) -> None:
    await effects.add(
        tx,
        group_key=group_key,
        lane=lane_of_group(group_key, "report"),
        kind=EffectKind.REPORT,
        detail=pack(report, {"receipt": receipt}),
        now=now,
    )
