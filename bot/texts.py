"""Every sentence a person reads in Discord: warm, plain and short."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.agreements import (
    Agreement,
    AgreementVersion,
    Change,
    RevokeReason,
    Signature,
    Standing,
)
from bot.domain.effects import AlarmKind
from bot.domain.paragraphs import split_text

# --- the agreement itself ------------------------------------------------------------------

PARTS = {
    "title": "The title",
    "summary": "In short",
    "crisis": "If you are in danger",
    "purpose": "Why we make this promise",
    "scope": "What it covers, what it does not, and when you may speak",
    "consequences": "If the promise is broken",
    "duration": "How long it lasts",
    "signatures": "The two statements that are signed",
    "privacy": "What this bot keeps",
}


def people(count: int) -> str:
    """A number of people, in words that fit it."""
    return f"{count} {'person' if count == 1 else 'people'}"


def moment(instant: datetime, style: str = "f") -> str:
    """An instant that every reader sees in their own time zone."""
    return f"<t:{int(instant.timestamp())}:{style}>"


def agreement_text(agreement: Agreement) -> str:
    """The whole agreement in Markdown, without the statement that is signed."""
    sections = [f"# {agreement.title}"]
    if agreement.crisis:
        sections.append(f"**If you are in danger**\n{agreement.crisis}")
    if agreement.summary:
        sections.append(f"**In short**\n{agreement.summary}")
    sections += [
        f"**Why we make this promise**\n{agreement.purpose}",
        f"**What stays here**\n{agreement.scope.covered}",
        f"**What you may always share**\n{agreement.scope.not_covered}",
        f"**When you may speak all the same**\n{agreement.scope.exceptions}",
        "**If the promise is broken**\n"
        + "\n".join(f"{n}. {step.text}" for n, step in enumerate(agreement.consequences, 1)),
        f"**How long it lasts**\n{agreement.duration.text}",
    ]
    if agreement.privacy:
        sections.append(f"**What this bot keeps** (not part of the promise)\n{agreement.privacy}")
    return "\n\n".join(section.strip() for section in sections)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def statements_text(version: AgreementVersion) -> str:
    """Both statements: what the participant signs, and what the facilitator has signed."""
    statements = version.agreement.signatures
    parts: list[str] = []
    if version.published_at is not None:
        parts.append(
            f"**Your facilitators' promise** (signed {moment(version.published_at, 'D')})\n"
            f"{_quoted(statements.facilitator)}"
        )
    parts.append(f"**Your promise**\n{_quoted(statements.participant)}")
    return "\n\n".join(parts)


def request_messages(version: AgreementVersion, group: str, accept: str, decline: str) -> list[str]:
    """The direct messages that ask somebody to sign, in order.

    The last one carries the statement and how to accept, decline and withdraw.
    """
    welcome = (
        f"Hello, and welcome to **{group}**. I am the bot that looks after our promise to each"
        " other.\nPlease read what follows. Take all the time you need. Nobody is waiting."
    )
    how = (
        f"Press {accept} below to **accept**. The support channel then opens for you.\n"
        f"Press {decline} if you would rather **not**. That is fine, and nobody will ask why.\n"
        f"To **withdraw** later, take your {accept} away again or use `/agreement withdraw`.\n"
        f"-# {group} · version {version.number}"
    )
    promise = f"**Your promise**\n{_quoted(version.agreement.signatures.participant)}"
    statements = split_text(f"{statements_text(version)}\n\n{how}")
    if len(statements) > 1 and promise not in statements[-1]:
        # The last message must hold what is signed, however long the two statements are.
        before = statements_text(version).removesuffix(promise).strip()
        statements = [*split_text(before), *split_text(f"{promise}\n\n{how}")]
    return [*split_text(f"{welcome}\n\n{agreement_text(version.agreement)}"), *statements]


def reading_pages(version: AgreementVersion) -> list[str]:
    """The agreement in force, to read."""
    published = (
        f" · in force since {moment(version.published_at, 'D')}" if version.published_at else ""
    )
    fingerprint = f"-# Version {version.number}{published} · fingerprint `{version.sha256[:16]}`"
    text = f"{agreement_text(version.agreement)}\n\n{statements_text(version)}\n\n{fingerprint}"
    return split_text(text)


# --- answers to newcomers and members ------------------------------------------------------


ROLE_WAITS = (
    "Your signature is safe, but I cannot open the channel for you yet: something in the server"
    " must be set right first. The people who look after it have been told. You need do nothing."
)


def signed(signature: Signature, group: str, accept: str, *, role_waits: bool) -> str:
    """Confirmation of a signature, after the role was given."""
    access = ROLE_WAITS if role_waits else "The support channel is open to you now."
    found = (
        f"\nI was offline when you answered, so I wrote down that you signed between"
        f" {moment(signature.signed_after)} and {moment(signature.signed_at)}."
        if signature.signed_after
        else ""
    )
    until = f"\nIt holds until {moment(signature.expires_at, 'D')}." if signature.expires_at else ""
    return (
        f"Thank you. You have signed the agreement of **{group}**. {access}{found}\n"
        f"Your receipt number is `{signature.receipt_number}`.{until}\n"
        f"If you change your mind, take your {accept} away or use `/agreement withdraw`."
    )


def signed_by_button(signature: Signature, group: str, *, role_waits: bool) -> str:
    """Confirmation of a signature given inside the server."""
    access = ROLE_WAITS if role_waits else "The support channel opens for you in a moment."
    until = f" It holds until {moment(signature.expires_at, 'D')}." if signature.expires_at else ""
    return (
        f"Thank you. You have signed the agreement of **{group}**. {access}\n"
        f"Your receipt number is `{signature.receipt_number}`.{until}\n"
        "If you change your mind, use `/agreement withdraw`."
    )


def declined(group: str, accept: str) -> str:
    """Answer to a refusal by reaction."""
    return (
        f"That is all right. You have not signed the agreement of **{group}**, and the support"
        f" channel stays closed to you.\nIf you change your mind, press {accept} on the message"
        " above. It will be there. You can also use `/agreement sign` in the server."
    )


def declined_by_button(group: str) -> str:
    """Answer to a refusal inside the server."""
    return (
        f"That is all right. You have not signed the agreement of **{group}**, and the support"
        " channel stays closed to you.\nIf you change your mind, use `/agreement sign`."
    )


def withdrawn(group: str, accept: str, *, role_waits: bool) -> str:
    """Told after the role was taken away, or when something still keeps the bot from it."""
    ending = (
        "I cannot close the support channel to you yet: something in the server must be set right"
        " first. The people who look after it have been told. Please stay away from it until then."
        if role_waits
        else "Your access to the support channel has ended."
    )
    return (
        f"You have withdrawn from the agreement of **{group}**. {ending}\n"
        "One thing stays: what you heard there must still stay there. That part of your promise"
        " does not end.\n"
        f"You are welcome back at any time: press {accept} under the agreement again, or use"
        " `/agreement sign`."
    )


def welcome_back(group: str) -> str:
    """Told to somebody who returns with a valid signature."""
    return (
        f"Welcome back to **{group}**. Your signature still holds, so the support channel is open"
        " to you again. You need do nothing."
    )


def still_signed(group: str, accept: str, decline: str) -> str:
    """Answer to a refusal by somebody who has signed."""
    return (
        f"You have signed the agreement of **{group}**, and a {decline} does not change that.\n"
        f"If you want to withdraw, take your {accept} away or use `/agreement withdraw`."
    )


def outdated(group: str, link: str) -> str:
    """Answer to a reaction on an older request."""
    return (
        f"That message holds an older text of the agreement of **{group}**, so I have not counted"
        f" your answer. Please answer under the newer one: {link}"
    )


def outdated_in_server(group: str) -> str:
    """Answer to a reaction on an older request when the newer one has no message of its own."""
    return (
        f"That message holds an older text of the agreement of **{group}**, so I have not counted"
        " your answer. Please use `/agreement sign` to read the text in force and answer it."
    )


def already_signed(signature: Signature, group: str) -> str:
    """Answer to somebody who wants to sign and already has."""
    return (
        f"You have signed the agreement of **{group}** already, {moment(signature.signed_at, 'D')}."
        f" Your receipt number is `{signature.receipt_number}`. You need do nothing."
    )


def confirm_withdrawal(group: str) -> str:
    """Asked before a withdrawal by command."""
    return (
        f"Do you want to withdraw from the agreement of **{group}**? Your access to the support"
        " channel ends at once. What you heard there must still stay there."
    )


def panel(group: str) -> str:
    """The standing message in the welcome channel."""
    return (
        f"## The promise of {group}\n"
        "This group is a safe place because everybody in it has promised to keep what is said"
        " private.\nI send the agreement to every newcomer by direct message. If nothing reached"
        " you, press the button. Only you will see what comes, and you can answer there."
    )


PANEL_BUTTON = "Read and sign"
ACCEPT_BUTTON = "I accept"
DECLINE_BUTTON = "I would rather not"
WITHDRAW_BUTTON = "Yes, withdraw"
KEEP_BUTTON = "No, keep my signature"
KEPT = "Nothing has changed. Your signature still holds."
BUTTON_HINT = "Press a button below. Only you can see this."
WHICH_GROUP = "There is more than one group here. Which one do you mean?"
CHOOSE_GROUP = "Choose a group"
NEXT_BUTTON = "Next"
PREVIOUS_BUTTON = "Back"

# --- facilitators and moderators -----------------------------------------------------------

AGREEMENT_COMMANDS = "The promise of this group: read it, sign it, take it back"
SIGNATURE_COMMANDS = "Who has signed the promise of this group"
ALL_PEOPLE = "everybody"
PUBLISH_BUTTON = "Sign and publish"
CANCEL_BUTTON = "Not now"
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


def publish_preview(
    draft: AgreementVersion,
    in_force: AgreementVersion | None,
    changed: tuple[str, ...],
    change: Change,
    standings: Mapping[Standing, int],
    grace_days: int,
) -> list[str]:
    """What a facilitator reads before signing and publishing; the last page asks."""
    advice = lint_lines(draft.agreement)
    waiting, signers = standings.get(Standing.WAITING, 0), standings.get(Standing.SIGNED, 0)
    lines = [f"**Before you publish version {draft.number}**"]
    if in_force is None:
        lines.append(
            "This is the first version. Whoever is waiting is asked to sign it:"
            f" {people(waiting)} now, and everybody who joins from then on."
        )
    else:
        lines.append("Changed parts: " + "; ".join(PARTS[part].lower() for part in changed) + ".")
        lines.append(
            f"A **material** change: {people(signers)} with a signature, and {people(waiting)} who"
            f" wait, are asked again. Older signatures count for {grace_days} more days."
            if change is Change.MATERIAL
            else f"A **minor** change: the signatures of {people(signers)} stay valid."
        )
    lines += advice or ["All five parts are there, and every message fits."]
    lines.append(
        "By publishing **you sign** this on behalf of the group:\n"
        + _quoted(draft.agreement.signatures.facilitator)
    )
    lines.append(f"-# Fingerprint `{draft.sha256}`")
    text = agreement_text(draft.agreement)
    promise = f"**The participant's promise**\n{_quoted(draft.agreement.signatures.participant)}"
    return [*split_text(f"{text}\n\n{promise}"), *split_text("\n\n".join(lines))]


def lint_lines(agreement: Agreement) -> list[str]:
    """What is worth a second look before publishing, though nothing forbids it."""
    advice: list[str] = []
    if agreement.crisis is None:
        advice.append("Worth a look: there is no `crisis` part that says whom to call.")
    if agreement.privacy is None:
        advice.append("Worth a look: there is no `privacy` part that says what the bot keeps.")
    return advice


def published(version: AgreementVersion) -> str:
    """Answer to a facilitator who has published."""
    return (
        f"Version {version.number} is in force, and you have signed it. I am now asking everybody"
        f" who needs to sign.\n-# Fingerprint `{version.sha256}`"
    )


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
    AlarmKind.ROLE_TOO_HIGH: (
        "**I cannot open the support channel for people who sign, nor close it to people who"
        " withdraw.** My role must stand above the"
        " member role, and I need the permission Manage Roles. Please drag my role higher under"
        " Server Settings → Roles. I then carry on by myself. No signature is lost meanwhile."
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


def alarm(group: str, kind: AlarmKind) -> str:
    """A notice in the moderators' channel: what is wrong and what mends it."""
    return f"{ALARMS[kind]}\n-# {group}"


# --- refusals ------------------------------------------------------------------------------

REFUSALS = {
    "NotPublishedError": (
        "This group has not published its agreement yet. You are in the queue: I will write to"
        " you as soon as there is something to sign."
    ),
    "NothingToPublishError": (
        "There is nothing to publish: the text in force is the text in the file. Change the file"
        " and restart me, and a new draft will wait here."
    ),
    "PublishConflictError": (
        "The text has changed since you opened this, or somebody else has published it. Nothing"
        " was signed in your name. Please use `/agreement publish` again and read it once more."
    ),
    "ChangeKindRequiredError": (
        "A version is in force already. Please say what kind of change this is with the option"
        " `change`: **minor** for a slip of the pen, **material** when people should sign again."
    ),
    "OutdatedRequestError": (
        "The agreement has changed since this was shown to you, so I have not counted your answer."
        " Please use `/agreement sign` to read the new text."
    ),
    "NotAMemberError": "Only people who are in the server can sign for its group.",
    "ScreeningError": (
        "Please answer the server's own entry questions first. After that I can show you the"
        " agreement."
    ),
    "NotSignedError": "You have no signature here to withdraw. Nothing has changed.",
    "AlreadySignedError": (
        "You have signed already, and that has not changed. If you want to withdraw, use"
        " `/agreement withdraw`."
    ),
    "NotEntitledError": (
        "This is only open to some people in the group, and I cannot show it to you. If you think"
        " it should be open to you, please ask a facilitator."
    ),
    "UnknownGroupError": "I do not look after a group here.",
}

UNEXPECTED = (
    "Something went wrong on my side. Nothing you have signed is lost. Please try again in a"
    " minute, and tell a facilitator if it stays like this."
)
STALE_BUTTON = "This message has grown old. Please use the command again."
AUDIT_REASON = "Pledge keeps the role in step with the record"
