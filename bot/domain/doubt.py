"""What a ✅ that nobody saw being given leaves open: whether a no came before or after it."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain.agreements import RequestState, RevokeReason, Signature, SignatureRequest


def has_refused_since(
    request: SignatureRequest, given: Iterable[Signature], known_at: datetime | None
) -> bool:
    """Whether the person said no, by button or command, after a request's message was last known.

    Args:
        request: the request.
        given: every signature of that person in the group.
        known_at: when the ✅ under the message was last known to stand there, or not to.
    """
    refusals = [
        one.revoked_at
        for one in given
        if one.revoke_reason is RevokeReason.WITHDRAWN and not was_left_for(one, request)
    ]
    if request.state is RequestState.DECLINED:
        refusals.append(request.answered_at)
    return any(at and (known_at is None or at > known_at) for at in refusals)


def was_left_for(signature: Signature, request: SignatureRequest) -> bool:
    """Whether a ✅ was taken off an older text unseen, which is no answer to the text asked for.

    Had somebody seen it, then either order would have come to the same: an acceptance after it
    signs anew, and one before it has taken the older signature's place, so that there was nothing
    left to take back. A withdrawal that was seen at once, or by command, is a no to everything.
    """
    is_older = signature.version_number < (request.version_number or 0)
    return is_older and signature.revoked_after is not None
