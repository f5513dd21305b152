"""What is read to tell the story of one person: requests and reminders."""

from sqlalchemy import func, select

from bot.domain.agreements import SignatureRequest
from bot.domain.effects import EffectKind, EffectState, Notice, lane_of_member
from bot.storage import rows
from bot.storage.database import Transaction
from bot.storage.tables import agreement_versions, effects, signature_requests

_requests = signature_requests.c


async def list_requests(tx: Transaction, group_key: str, member_id: int) -> list[SignatureRequest]:
    """Every request this person got in a group, oldest first."""
    query = (
        select(signature_requests, agreement_versions.c.number.label("version_number"))
        .outerjoin_from(
            signature_requests,
            agreement_versions,
            agreement_versions.c.id == _requests.version_id,
        )
        .where(_requests.group_key == group_key, _requests.member_id == member_id)
        .order_by(_requests.id)
    )
    return [rows.request(row) for row in (await tx.execute(query)).mappings()]


async def count_reminders(tx: Transaction, request: SignatureRequest) -> int:
    """How many reminders of this request were sent."""
    query = select(func.count()).where(
        effects.c.lane == lane_of_member(request.group_key, request.member_id),
        effects.c.kind == EffectKind.NOTICE,
        effects.c.detail == Notice.REMINDER,
        effects.c.request_id == request.id,
        effects.c.state == EffectState.DONE,
        effects.c.outcome == "told",
    )
    return (await tx.execute(query)).scalar_one()
