"""Removes requests, with what was done in Discord because of them."""

from collections.abc import Collection

from sqlalchemy import delete, exists, select

from bot.domain.effects import EffectState
from bot.storage.database import Transaction
from bot.storage.tables import effects, invited, signature_requests, signatures

_requests = signature_requests.c
FINISHED = (EffectState.DONE, EffectState.DROPPED)


async def drop_requests(tx: Transaction, request_ids: Collection[int]) -> int:
    """Remove these requests, but for those that a signature or something unfinished refers to.

    Their places on lists of invitations go with them, and so does what the outbox remembers.

    Returns:
        How many are gone.
    """
    free = select(_requests.id).where(
        _requests.id.in_(list(request_ids)),
        ~exists().where(signatures.c.request_id == _requests.id),
        ~exists().where(effects.c.request_id == _requests.id, effects.c.state.not_in(FINISHED)),
    )
    ids = list((await tx.execute(free)).scalars())
    await tx.execute(delete(effects).where(effects.c.request_id.in_(ids)))
    await tx.execute(delete(invited).where(invited.c.request_id.in_(ids)))
    gone = await tx.execute(delete(signature_requests).where(_requests.id.in_(ids)))
    return gone.rowcount
