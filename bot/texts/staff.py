"""What facilitators and moderators are told."""

from datetime import datetime

from bot.domain.agreements import RevokeReason, Signature, Standing
from bot.domain.effects import AlarmKind, Facts
from bot.texts.forms import moment, people
from bot.texts.lookout import RECORD_UNAVAILABLE, clock_wrong, stuck
from bot.texts.reports import mass_change

AGREEMENT_COMMANDS = "The promise of this group: read it, sign it, take it back"
SIGNATURE_COMMANDS = "Who has signed the promise of this group"
ALL_PEOPLE = "everybody"
PUBLISH_BUTTON = "Sign and publish"
CANCEL_BUTTON = "Not now"
INVITE_BUTTON = "Ask them now"
INVITE_NOBODY = (
    "There is nobody to ask: everybody I know of who has the member role has signed or was asked."
)
PUBLISH_CANCELLED = "Nothing was published. The draft waits until you are ready."

STANDINGS = {
    Standing.SIGNED: "signed",
    Standing.WAITING: "waiting for an answer",
    Standing.DECLINED: "declined",
    Standing.BLOCKED: "cannot be reached by direct message",
    Standing.WITHDRAWN: "withdrawn",
    Standing.EXPIRED: "signature ran out",
    Standing.OUTDATED: "signed an older version",
}


def member_record(who: str, group: str, standing: Standing | None, lines: list[str]) -> str:
    """The record of one person, as a facilitator sees it."""
    word = STANDINGS[standing] if standing else "no open request"
    return "\n".join([f"**{who}** · {group} · **{word}**", *lines])


NEVER_ASKED = (
    "I have never asked them. They may have joined before this group had me. They can sign with"
    " `/agreement sign`."
)


def asked_line(sent_at: datetime) -> str:
    """When somebody was asked."""
    return f"Asked by direct message {moment(sent_at)}."


def queued_line(created_at: datetime) -> str:
    """Since when somebody waits to be asked."""
    return f"In the queue since {moment(created_at)}. The message has not gone out yet."


BLOCKED_LINE = "Direct messages are closed. They can sign in the welcome channel."


def left_line(left_at: datetime) -> str:
    """When somebody left."""
    return f"Left the server {moment(left_at)}."


def declined_line(answered_at: datetime) -> str:
    """When somebody declined."""
    return f"Declined {moment(answered_at)}."


def signature_line(signature: Signature) -> str:
    """One signature, in words."""
    when = (
        f"between {moment(signature.signed_after)} and {moment(signature.signed_at)}"
        if signature.signed_after
        else moment(signature.signed_at)
    )
    line = (
        f"Signed version {signature.version_number} by {signature.method.value}, {when}."
        f" Receipt `{signature.receipt_number}`."
    )
    if signature.revoked_at is not None:
        ended = (
            f"between {moment(signature.revoked_after)} and {moment(signature.revoked_at)}"
            if signature.revoked_after
            else moment(signature.revoked_at)
        )
        return f"{line} Ended {ended}, {ENDINGS[signature.revoke_reason]}."
    if signature.expires_at is not None:
        return f"{line} Valid until {moment(signature.expires_at, 'D')}."
    return f"{line} Valid until withdrawn."


ENDINGS = {
    RevokeReason.WITHDRAWN: "withdrawn by the signer",
    RevokeReason.RENEWED: "as they signed a newer version",
    RevokeReason.EXPIRED: "when it ran out",
    RevokeReason.OUTDATED: "as a newer version was not signed in time",
    RevokeReason.UNCONFIRMED: "as a backup was put back and nobody knew whether it still held",
    None: "for a reason not recorded",
}


def list_page(group: str, status: str, lines: list[str], page: int, pages: int, total: int) -> str:
    """One page of `/signatures list`."""
    head = f"**{group}** · {status} · {people(total)}"
    body = "\n".join(lines) if lines else "Nobody is on this list."
    foot = f"\n-# Page {page + 1} of {pages}" if pages > 1 else ""
    return f"{head}\n{body}{foot}"


def list_line(name: str, standing: Standing, since: datetime) -> str:
    """One person in a list."""
    return f"- {name}: {STANDINGS[standing]}, {moment(since, 'd')}"


ALARMS = {
    AlarmKind.RECORD_UNAVAILABLE: RECORD_UNAVAILABLE,
    AlarmKind.ROLE_TOO_HIGH: (
        "**I cannot open the support channel for people who sign, nor close it to people who"
        " withdraw.** My role must stand above the member role, and I need the permission Manage"
        " Roles. Please put that right under Server Settings → Roles. I then carry on by myself."
        " No signature is lost meanwhile."
    ),
    AlarmKind.ROLE_GONE: (
        "**The member role is gone**, or two roles have its name. I cannot let people in who sign,"
        " nor take access from people who withdraw."
        " Please make the role again, or tell the person who runs me to name another one. No"
        " signature is lost meanwhile."
    ),
    AlarmKind.CHANNEL_GONE: (
        "**I cannot write in the welcome channel.** People whose direct messages are closed cannot"
        " sign there. Please let me view it and send messages, or name another channel."
    ),
    AlarmKind.DIRECT_MESSAGES_PAUSED: (
        "**Discord has asked me to slow down with direct messages.** I have paused and try again"
        " later. Newcomers can sign in the welcome channel meanwhile."
    ),
    AlarmKind.TWO_FACTOR: (
        "**I cannot open the support channel for people who sign, nor close it to people who"
        " withdraw.** This server asks moderators"
        " for two-factor authentication, and the account that owns me does not use it. The person"
        " who runs me can switch it on in their Discord account. No signature is lost meanwhile."
    ),
    AlarmKind.MEMBERS_UNSEEN: (
        "**I cannot see who joins.** The Server Members Intent is off, so I do not write to"
        " newcomers. They can sign in the welcome channel. The person who runs me can switch the"
        " intent on in Discord's developer portal."
    ),
}


_WITH_FACTS = {
    AlarmKind.MASS_CHANGE: mass_change,
    AlarmKind.CLOCK_WRONG: clock_wrong,
    AlarmKind.STUCK: stuck,
}


def alarm(group: str, kind: AlarmKind, facts: Facts) -> str:
    """A notice in the moderators' channel: what is wrong and what mends it."""
    text = _WITH_FACTS[kind](facts) if kind in _WITH_FACTS else ALARMS[kind]
    return f"{text}\n-# {group}"


def invite_estimate(group: str, count: int, minutes: int) -> str:
    """What `/agreement invite` will do, before it does it."""
    return (
        f"**{people(count)}** of **{group}** had the member role before me and have not been"
        " asked. I would write to each of them and ask them to sign. At the pace in the settings"
        f" that takes about {minutes} minute{'' if minutes == 1 else 's'}.\n"
        "They keep the role meanwhile. Who does not answer, even after reminders, loses it when"
        " the `grace_days` are over. Who takes no direct messages keeps it; please talk to them."
        " Nobody is removed from the server."
    )


def invited(count: int) -> str:
    """The asking has begun."""
    return f"I am asking {people(count)}. You can follow it with `/signatures list`."
