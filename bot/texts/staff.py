"""What facilitators and moderators are told."""

from datetime import datetime

from bot.domain.agreements import Method, RevokeReason, Standing
from bot.domain.effects import AlarmKind, Facts
from bot.texts.catalogue import _, mark
from bot.texts.clocks import KICK_MISSING, mass_removal
from bot.texts.forms import moment, people
from bot.texts.lookout import RECORD_UNAVAILABLE, clock_wrong, stuck
from bot.texts.reports import mass_change

AGREEMENT_COMMANDS = mark("The promise of this group: read it, sign it, take it back")
SIGNATURE_COMMANDS = mark("Who has signed the promise of this group")
ALL_PEOPLE = mark("everybody")
PUBLISH_BUTTON = mark("Sign and publish")
CANCEL_BUTTON = mark("Not now")
PUBLISH_CANCELLED = mark("Nothing was published. The draft waits until you are ready.")

STANDINGS = {
    Standing.SIGNED: mark("signed"),
    Standing.WAITING: mark("waiting for an answer"),
    Standing.DECLINED: mark("declined"),
    Standing.BLOCKED: mark("cannot be reached by direct message"),
    Standing.WITHDRAWN: mark("withdrawn"),
    Standing.EXPIRED: mark("signature ran out"),
    Standing.OUTDATED: mark("signed an older version"),
}


METHODS = {
    Method.REACTION: mark("reaction"),
    Method.BUTTON: mark("button"),
    Method.ATTESTED: mark("attested"),
}


ENDINGS = {
    RevokeReason.WITHDRAWN: mark("withdrawn by the signer"),
    RevokeReason.RENEWED: mark("as they signed again"),
    RevokeReason.EXPIRED: mark("when it ran out"),
    RevokeReason.OBJECTED: mark("as they objected to it"),
    RevokeReason.ERASED: mark("as they had their data erased"),
    # Who looks somebody up learns that they were asked again, and not that there was a case.
    RevokeReason.CASE: mark("to be signed again"),
    RevokeReason.OUTDATED: mark("as a newer version was not signed in time"),
    RevokeReason.UNCONFIRMED: mark(
        "as a backup was put back and nobody knew whether it still held"
    ),
    None: mark("for a reason not recorded"),
}


def list_page(group: str, status: str, lines: list[str], page: int, pages: int, total: int) -> str:
    """One page of `/signatures list`."""
    head = f"**{group}** · {_(status)} · {people(total)}"
    if total > 1:
        head = "\n".join([head, _("-# Whom I asked first stands first.")])
    body = "\n".join(lines) if lines else _("Nobody is on this list.")
    foot = _("-# Page {page} of {pages}").format(page=page + 1, pages=pages) if pages > 1 else ""
    return "\n".join(part for part in (head, body, foot) if part)


def list_line(name: str, standing: Standing, since: datetime, *, is_attested: bool = False) -> str:
    """One person in a list."""
    is_signer = is_attested and standing is Standing.SIGNED
    word = _("signed, attested by a facilitator") if is_signer else _(STANDINGS[standing])
    return f"- {name}: {word}, {moment(since, 'd')}"


ALARMS = {
    AlarmKind.RECORD_UNAVAILABLE: RECORD_UNAVAILABLE,
    AlarmKind.KICK_MISSING: KICK_MISSING,
    AlarmKind.ROLE_TOO_HIGH: mark(
        "**I cannot open the support channel for people who sign, nor close it to people who"
        " withdraw.** My role must stand above the member role, and I need the permission Manage"
        " Roles. Please put that right under Server Settings → Roles. I then carry on by myself."
        " No signature is lost meanwhile."
    ),
    AlarmKind.ROLE_GONE: mark(
        "**The member role is gone**, or two roles have its name. I cannot let people in who sign,"
        " nor take access from people who withdraw."
        " Please make the role again, or tell the person who runs me to name another one. No"
        " signature is lost meanwhile."
    ),
    AlarmKind.CHANNEL_GONE: mark(
        "**I cannot write in the welcome channel.** People whose direct messages are closed cannot"
        " sign there. Please let me view it and send messages, or name another channel."
    ),
    AlarmKind.DIRECT_MESSAGES_PAUSED: mark(
        "**Discord has asked me to slow down with direct messages.** I have paused and try again"
        " later. Newcomers can sign in the welcome channel meanwhile."
    ),
    AlarmKind.TWO_FACTOR: mark(
        "**I cannot open the support channel for people who sign, nor close it to people who"
        " withdraw.** This server asks moderators"
        " for two-factor authentication, and the account that owns me does not use it. The person"
        " who runs me can switch it on in their Discord account. No signature is lost meanwhile."
    ),
    AlarmKind.CASES_UNSEEN: mark(
        "**For a while I could not write in this channel**, so notices of breach cases did not come"
        " here. They follow now; please look at `/breach list` as well. I need to view this channel"
        " and to send messages in it."
    ),
    AlarmKind.MEMBERS_UNSEEN: mark(
        "**I cannot see who joins.** The Server Members Intent is off, so I do not write to"
        " newcomers. They can sign in the welcome channel. The person who runs me can switch the"
        " intent on in Discord's developer portal."
    ),
}


_WITH_FACTS = {
    AlarmKind.MASS_CHANGE: mass_change,
    AlarmKind.MASS_REMOVAL: mass_removal,
    AlarmKind.CLOCK_WRONG: clock_wrong,
    AlarmKind.STUCK: stuck,
}


def alarm(group: str, kind: AlarmKind, facts: Facts) -> str:
    """A notice in the moderators' channel: what is wrong and what mends it."""
    text = _WITH_FACTS[kind](facts) if kind in _WITH_FACTS else _(ALARMS[kind])
    return f"{text}\n-# {group}"
