"""People of a group as the record may know them, for what counts, lists and writes them out."""

from datetime import datetime, timedelta
from typing import Any

from bot.domain.agreements import AgreementVersion, Method, RequestState
from bot.storage import requests, signatures
from bot.storage.database import Transaction
from tests.factories import NOW

GROUP = "harbour-light"
FIRST = 800_000_000_000_000_000


async def add_person(
    tx: Transaction,
    version: AgreementVersion,
    number: int,
    state: RequestState = RequestState.SIGNED,
    *,
    asked_at: datetime | None = NOW,
    signed_at: datetime | None = None,
    left_at: datetime | None = None,
    **signature: Any,
) -> int:
    """Somebody with an open request, and a signature on it if `signed_at` says when."""
    member_id = FIRST + number
    request_id = await requests.add(tx, GROUP, member_id, NOW, version_id=version.id)
    await requests.mark(
        tx, request_id, state=state, message_id=FIRST + number, sent_at=asked_at, left_at=left_at
    )
    if signed_at is not None:
        values: dict[str, Any] = {
            "group_key": GROUP,
            "request_id": request_id,
            "member_id": member_id,
            "version_id": version.id,
            "sha256": version.sha256,
            "receipt_number": f"R-{number}",
            "method": Method.REACTION,
            "message_id": None,
            "signed_at": signed_at,
            **signature,
        }
        await signatures.add(tx, version_number=version.number, **values)
    return member_id


def after(**parts: float) -> datetime:
    """Some time after everybody was asked."""
    return NOW + timedelta(**parts)
