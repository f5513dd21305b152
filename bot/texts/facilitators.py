"""What facilitators read when they ask many people, remind them, or record a signature."""

from datetime import timedelta

from bot.domain.agreements import AgreementVersion, Signature, Standing
from bot.domain.invitations import Progress
from bot.domain.paragraphs import split_text
from bot.domain.suspensions import Pause
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import people, quoted
from bot.texts.members import SOMEONE_TO_TALK_TO, paused

INVITE_BUTTON = mark("Ask them now")
INVITE_MEMBERS_BUTTON = mark("Only those with the member role")
STOP_INVITE_BUTTON = mark("Stop asking")
REMIND_BUTTON = mark("Remind them now")
RECORD_BUTTON = mark("I attest this")
RECORD_CANCEL_BUTTON = mark("No, record nothing")

INVITE_UNPUBLISHED = mark(
    "There is nothing to sign yet. Please publish the agreement first, with `/agreement publish`."
)
INVITE_NOBODY = mark(
    "There is nobody to ask: everybody in the server has signed, has answered, or was asked"
    " already. `/signatures remind` reminds those who have not answered."
)
INVITE_NOBODY_SEEN = mark(
    "I could not read who is in the server, and know of nobody else to ask. Please try again in a"
    " few minutes."
)


def invite_estimate(
    group: str,
    members: int,
    others: int,
    minutes: int,
    *,
    grace_days: int,
    reminds: bool,
    takes_roles: bool,
) -> str:
    """What `/agreement invite` will do, before it does it."""
    lines: list[str] = []
    if members:
        lines.append(
            plural(
                "**{n} person** had the member role of **{group}** before me and was not asked.",
                "**{n} people** had the member role of **{group}** before me and were not asked.",
                members,
            ).format(n=members, group=group)
        )
    if others:
        lines.append(
            plural(
                "**{n} person** in the server does not have the member role of **{group}** and was"
                " never asked, or has no open request.",
                "**{n} people** in the server do not have the member role of **{group}** and were"
                " never asked, or have no open request.",
                others,
            ).format(n=others, group=group)
        )
    lines.append(
        _("I would write to each of them by direct message. That takes about {time}.").format(
            time=duration(minutes)
        )
    )
    lines.append(
        _("People who declined or withdrew are left in peace, and nobody is asked a second time.")
    )
    if members:
        lines.append(_fate_of_members(grace_days, reminds=reminds, takes_roles=takes_roles))
    lines.append(_("Nobody is removed from the server by this. You can stop it at any time."))
    return "\n".join(lines)


def invite_partly() -> str:
    """Said under an estimate when the member list could not be read to its end."""
    return _(
        "-# I could not read the whole member list just now, so there may be more. Nobody is asked"
        " twice; you can count again later."
    )


def _fate_of_members(grace_days: int, *, reminds: bool, takes_roles: bool) -> str:
    if not takes_roles:
        return _(
            "Whoever has the member role keeps it, also without an answer: the settings say that I"
            " only report (`enforcement: report`). Whoever declines keeps it, too; I report it."
        )
    if reminds:
        return plural(
            "Whoever has the member role keeps it meanwhile. Whoever does not answer, even after a"
            " reminder, loses it {n} day after the message. Whoever declines loses it at once."
            " Whoever takes no direct messages keeps it; please talk to them.",
            "Whoever has the member role keeps it meanwhile. Whoever does not answer, even after a"
            " reminder, loses it {n} days after the message. Whoever declines loses it at once."
            " Whoever takes no direct messages keeps it; please talk to them.",
            grace_days,
        ).format(n=grace_days)
    return plural(
        "Whoever has the member role keeps it meanwhile. Whoever does not answer loses it {n} day"
        " after the message, and no reminder comes before that: the settings have none. Whoever"
        " declines loses it at once. Whoever takes no direct messages keeps it; please talk to"
        " them.",
        "Whoever has the member role keeps it meanwhile. Whoever does not answer loses it {n} days"
        " after the message, and no reminder comes before that: the settings have none. Whoever"
        " declines loses it at once. Whoever takes no direct messages keeps it; please talk to"
        " them.",
        grace_days,
    ).format(n=grace_days)


def duration(minutes: int) -> str:
    """A time in words: minutes, and from two hours on hours."""
    if minutes < 120:  # noqa: PLR2004
        return plural("{n} minute", "{n} minutes", minutes).format(n=minutes)
    hours = round(timedelta(minutes=minutes) / timedelta(hours=1))
    return plural("{n} hour", "{n} hours", hours).format(n=hours)


def invited(count: int) -> str:
    """The asking has begun."""
    return _(
        "I am asking {people}. A message in the moderators' channel says how far I am, and has a"
        " button to stop."
    ).format(people=people(count))


def invitation_progress(group: str, progress: Progress, minutes: int) -> str:
    """How far an invitation is, in the moderators' channel."""
    lines = [
        _("**I am asking people in the server to sign.** Asked {asked} of {people}.").format(
            asked=progress.asked, people=progress.people
        ),
        *_unreachable(progress),
        _("About {time} left.").format(time=duration(minutes)),
    ]
    return _with_group(" ".join(lines), group)


def invitation_stopping(group: str, progress: Progress) -> str:
    """An invitation was stopped while some messages were on their way."""
    text = plural(
        "**A facilitator has stopped the asking.** {n} message is still on its way.",
        "**A facilitator has stopped the asking.** {n} messages are still on their way.",
        progress.waiting,
    ).format(n=progress.waiting)
    return _with_group(text, group)


def invitation_over(group: str, progress: Progress, *, stopped: bool) -> str:
    """An invitation has come to its end."""
    done = _("Asked {asked} of {people}.").format(asked=progress.asked, people=progress.people)
    rest = progress.people - progress.asked - progress.unreachable
    if stopped:
        lines = [_("**A facilitator has stopped the asking.**"), done, *_unreachable(progress)]
        lines.append(_("The others were not asked; `/agreement invite` can go on with them."))
    else:
        lines = [_("**I have asked everybody there was to ask.**"), done, *_unreachable(progress)]
        if rest > 0:
            settled = plural(
                "{n} person needed no asking any more: they answered by themselves, or left.",
                "{n} people needed no asking any more: they answered by themselves, or left.",
                rest,
            )
            lines.append(settled.format(n=rest))
    return _with_group(" ".join(lines), group)


def _unreachable(progress: Progress) -> list[str]:
    if not progress.unreachable:
        return []
    text = plural(
        "{n} person could not be reached by direct message, and can sign in the welcome channel.",
        "{n} people could not be reached by direct message, and can sign in the welcome channel.",
        progress.unreachable,
    )
    return [text.format(n=progress.unreachable)]


def _with_group(text: str, group: str) -> str:
    return f"{text}\n-# {group}"


STOPPING = mark("I ask nobody else. What was on its way already still arrives.")
STOPPED_BEFORE = mark("That asking is over already.")


# Reminding -------------------------------------------------------------------------------------


def remind_estimate(group: str, due: int, recent: int, minutes: int) -> str:
    """What `/signatures remind` will do, before it does it."""
    who = plural(
        "**{n} person** of **{group}** was asked and has not answered. I would remind them by"
        " direct message.",
        "**{n} people** of **{group}** were asked and have not answered. I would remind each of"
        " them by direct message.",
        due,
    ).format(n=due, group=group)
    lines = [who, _("That takes about {time}.").format(time=duration(minutes)), *_recent(recent)]
    return "\n".join(lines)


def remind_nobody(recent: int) -> str:
    """There is nobody to remind."""
    return "\n".join([_("There is nobody to remind now."), *_recent(recent)])


def _recent(recent: int) -> list[str]:
    if not recent:
        return []
    text = plural(
        "{n} person was asked or reminded within the last day, and is not written to again so"
        " soon.",
        "{n} people were asked or reminded within the last day, and are not written to again so"
        " soon.",
        recent,
    )
    return [text.format(n=recent)]


def reminding(count: int) -> str:
    """The reminders are on their way."""
    return _("I am reminding {people}. The same people can be reminded again in a day.").format(
        people=people(count)
    )


# Recording a signature given on paper or aloud ---------------------------------------------------

RECORD_BOT = mark("That is a bot. Bots sign nothing.")


def record_preview(
    who: str, group: str, version: AgreementVersion, note: str, standing: Standing | None
) -> list[str]:
    """What a facilitator is about to attest, before it is recorded."""
    lines: list[str] = []
    if standing is Standing.WITHDRAWN:
        lines.append(
            _(
                "⚠️ **{who} has withdrawn.** Please go on only if they told you since then that"
                " they want to sign again."
            ).format(who=who)
        )
    elif standing is Standing.DECLINED:
        lines.append(
            _(
                "⚠️ **{who} has declined.** Please go on only if they told you since then that"
                " they want to sign."
            ).format(who=who)
        )
    lines.append(
        _(
            "This records that **{who}** has agreed, on paper or aloud. It is"
            " version {number} of the agreement of **{group}**, with these words:"
        ).format(who=who, number=version.number, group=group)
    )
    lines.append(quoted(version.agreement.signatures.participant))
    lines.append(_("Your note: {note}").format(note=note))
    lines.append(
        _(
            "Please let the note say nothing about anybody's health. It is shown to them, and to"
            " facilitators and moderators.\n"
            "They get the member role, and a direct message that says what was recorded and by"
            " whom. If they object there, the signature ends at once. **You attest that they have"
            " read or heard the whole text and agreed to it.**"
        )
    )
    return split_text("\n".join(lines))


def recorded(who: str, signature: Signature) -> str:
    """The signature was recorded."""
    return _(
        "Recorded: **{who}** has signed version {number}, attested by you. Receipt `{receipt}`. I"
        " tell them by direct message; if that does not reach them, I say so in the moderators'"
        " channel."
    ).format(who=who, number=signature.version_number, receipt=signature.receipt_number)


RECORD_CANCELLED = mark("Nothing was recorded.")


def attested(
    signature: Signature,
    group: str,
    note: str,
    decline: str,
    *,
    role_waits: bool,
    pause: Pause | None = None,
) -> str:
    """Tells somebody that a signature of theirs was recorded, and how to object."""
    lines = [
        _(
            "{who} has recorded that you agreed, on paper or aloud, to the agreement of"
            " **{group}** (version {number}). You can read it with `/agreement read`."
        ).format(who=f"<@{signature.attested_by}>", group=group, number=signature.version_number),
        _("Their note: {note}").format(note=note),
    ]
    if pause is not None:
        lines.append(paused(pause))
    elif role_waits:
        lines.append(
            _(
                "I cannot open the support channel for you yet: something in the server must be"
                " set right first. The people who look after it have been told."
            )
        )
    else:
        lines.append(_("The support channel is open to you now."))
    lines.append(_("Your receipt number is `{receipt}`.").format(receipt=signature.receipt_number))
    lines.append(
        _(
            "**Is that not right? Press {decline} below.** The signature then ends at once, and"
            " nobody will ask why. If it is right, you do not need to do anything. You can withdraw"
            " at any time with `/agreement withdraw`."
        ).format(decline=decline)
    )
    return "\n".join(lines)


def objected(group: str) -> str:
    """Tells somebody that the signature they objected to has ended."""
    text = _(
        "Thank you for telling me. The signature that was recorded for you in **{group}** has"
        " ended, and with it your access to the support channel. The facilitators are told that it"
        " was objected to.\n"
        "What you may have heard there stays private all the same, please. If you would like to"
        " sign yourself, use `/agreement sign`, whenever you like."
    ).format(group=group)
    return f"{text}\n{_(SOMEONE_TO_TALK_TO)}"


def objection_report(receipt: str) -> str:
    """Tells the moderators' channel of an objection, without a name."""
    return _(
        "**A signature that was recorded by a facilitator was objected to.** It has ended, and so"
        " has the access. Its receipt is `{receipt}`: whoever recorded it knows whose it is. Please"
        " do not ask them to explain, and do not record it again unless they want it."
    ).format(receipt=receipt)


def untold_report(receipt: str) -> str:
    """Tells the moderators' channel that somebody could not be told of their signature."""
    return _(
        "**I could not tell somebody that a facilitator has recorded their signature.** Their"
        " direct messages are closed. The signature stands. Its receipt is `{receipt}`: whoever"
        " recorded it, please tell them in person that it is recorded, and that they can end it at"
        " any time with `/agreement withdraw`."
    ).format(receipt=receipt)
