"""Chooses the words of notices that lead to a request or come by time."""

from bot import texts
from bot.domain.agreements import RequestState, SignatureRequest
from bot.domain.effects import Notice
from bot.services.notices import NoticeFacts
from bot.texts import erasing


def link_to(request: SignatureRequest | None) -> str | None:
    """Where the message of a request stands, for the person it was sent to."""
    if request is None or request.message_id is None:
        return None
    return f"https://discord.com/channels/@me/{request.channel_id}/{request.message_id}"


def due_text(facts: NoticeFacts, group: str) -> str | None:
    """The words of such a notice; None when it has lost its point."""
    request, signature = facts.request, facts.signature
    ends_at = signature.ends_at() if signature is not None and facts.has_access else None
    waits = request is not None and request.state is RequestState.SENT
    link = link_to(request) if waits else None
    match facts.notice:
        case Notice.REMINDER if link is not None and facts.pause is not None:
            words = texts.reminder(group, link)
        case Notice.REMINDER if link is not None and ends_at is not None:
            words = texts.reminder_in_grace(group, link, ends_at)
        case Notice.REMINDER if link is not None and facts.kept_until is not None:
            words = texts.reminder_to_adopted(group, link, facts.kept_until)
        case Notice.REMINDER if link is not None:
            words = texts.reminder(group, link)
        case Notice.ENDING if ends_at is not None:
            words = texts.ending(group, ends_at, link)
        case Notice.OUTDATED:
            words = _outdated(group, link_to(request))
        case Notice.EXPIRED:
            words = texts.expired(group, role_waits=facts.role_waits)
        case Notice.GRACE_OVER:
            words = texts.grace_over(group, link, role_waits=facts.role_waits)
        case Notice.ERASED:
            words = erasing.erased(group, role_waits=facts.role_waits)
        case Notice.ADOPTION_OVER:
            words = texts.adoption_over(group, link, role_waits=facts.role_waits)
        case _:
            words = None
    if words is None or facts.pause is None:
        return words
    # What is said of signing and access holds only when the pause is over.
    return f"{words}\n{texts.paused(facts.pause)}"


def _outdated(group: str, newer: str | None) -> str:
    return texts.outdated(group, newer) if newer else texts.outdated_in_server(group)
