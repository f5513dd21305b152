"""What newcomers and members are told, in direct messages and privately in the server."""

from datetime import datetime

from bot.domain.agreements import Signature
from bot.domain.suspensions import Pause
from bot.texts.catalogue import _, mark
from bot.texts.forms import moment

ROLE_WAITS = mark(
    "Your signature is safe, but I cannot open the channel for you yet: something in the server"
    " must be set right first. The people who look after it have been told. You do not need to do"
    " anything."
)


SOMEONE_TO_TALK_TO = mark(
    "-# If you need someone to talk to, you can find a line at findahelpline.com."
)


def paused(pause: Pause) -> str:
    """Says that access is closed for now, whatever somebody has signed; never why."""
    if pause.until is not None:
        return _(
            "Your access to the support channel is paused until {when}. If you hold a valid"
            " signature then, it opens to you again by itself."
        ).format(when=moment(pause.until))
    if pause.is_final:
        return _("The support channel stays closed to you. You were written to about it.")
    return _(
        "Your access to the support channel is paused for now. I write to you as soon as that is"
        " over."
    )


def signed(
    signature: Signature,
    group: str,
    accept: str,
    *,
    role_waits: bool,
    pause: Pause | None = None,
) -> str:
    """Confirmation of a signature, after the role was given, or that it is kept until a pause ends.

    Args:
        signature: the signature.
        group: the name of the group.
        accept: the emoji that accepts.
        role_waits: whether something in the server keeps the bot from giving the role.
        pause: set while access is closed to them all the same.
    """
    access = _(ROLE_WAITS) if role_waits else _("The support channel is open to you now.")
    if pause is not None:
        access = paused(pause)
    lines = [f"{_thanks(group)} {access}"]
    if signature.signed_after:
        found = _(
            "I was offline when you answered, so I wrote down that you signed between {after} and"
            " {until}."
        )
        after, until = moment(signature.signed_after), moment(signature.signed_at)
        lines.append(found.format(after=after, until=until))
    lines.append(_receipt_line(signature))
    if signature.expires_at:
        lines.append(_held_until(signature.expires_at))
    lines.append(
        _("If you change your mind, take your {accept} away or use `/agreement withdraw`.").format(
            accept=accept
        )
    )
    return "\n".join(lines)


def signed_by_button(
    signature: Signature, group: str, *, role_waits: bool, pause: Pause | None = None
) -> str:
    """Confirmation of a signature given inside the server; see `signed`."""
    access = _(ROLE_WAITS) if role_waits else _("The support channel opens for you in a moment.")
    if pause is not None:
        access = paused(pause)
    receipt = _receipt_line(signature)
    if signature.expires_at:
        receipt = f"{receipt} {_held_until(signature.expires_at)}"
    change = _("If you change your mind, use `/agreement withdraw`.")
    return f"{_thanks(group)} {access}\n{receipt}\n{change}"


def _thanks(group: str) -> str:
    return _("Thank you. You have signed the agreement of **{group}**.").format(group=group)


def _receipt_line(signature: Signature) -> str:
    return _("Your receipt number is `{receipt}`.").format(receipt=signature.receipt_number)


def _held_until(expires_at: datetime) -> str:
    return _("Your signature holds until {day}.").format(day=moment(expires_at, "D"))


def reminder(group: str, link: str) -> str:
    """Reminds somebody who has not answered yet; it asks for nothing more than reading."""
    return _(
        "A small reminder: the agreement of **{group}** is still waiting for your answer. It is"
        " here: {link}\nTake the time you need. If you would rather not sign, that is all right"
        " too."
    ).format(group=group, link=link)


def declined(group: str, accept: str) -> str:
    """Answer to a refusal by reaction."""
    text = _(
        "That is all right. You have not signed the agreement of **{group}**, and nobody will ask"
        " why. The support channel opens only for people who sign.\n"
        "If you change your mind, press {accept} on the message above, whenever you like. You can"
        " also use `/agreement sign`."
    ).format(group=group, accept=accept)
    return f"{text}\n{_(SOMEONE_TO_TALK_TO)}"


def declined_by_button(group: str) -> str:
    """Answer to a refusal inside the server."""
    text = _(
        "That is all right. You have not signed the agreement of **{group}**, and nobody will ask"
        " why. The support channel opens only for people who sign.\n"
        "If you change your mind, use `/agreement sign`, whenever you like."
    ).format(group=group)
    return f"{text}\n{_(SOMEONE_TO_TALK_TO)}"


def withdrawn(group: str, accept: str, *, role_waits: bool) -> str:
    """Told after the role was taken away, or when something still keeps the bot from it."""
    done = _("That is all right. You have withdrawn from the agreement of **{group}**.")
    ending = (
        _(
            "I cannot close the support channel to you yet: something in the server must be set"
            " right first. The people who look after it have been told. Please do not read there"
            " until then."
        )
        if role_waits
        else _("Your access to the support channel has ended.")
    )
    rest = _(
        "One thing stays: please keep what you heard there private. That part of your promise"
        " does not end.\n"
        "You are welcome back at any time: press {accept} under the agreement again, or use"
        " `/agreement sign`."
    )
    first, then = done.format(group=group), rest.format(accept=accept)
    return f"{first} {ending}\n{then}\n{_(SOMEONE_TO_TALK_TO)}"


def welcome_back(group: str, pause: Pause | None = None) -> str:
    """Told to somebody who returns with a valid signature; `pause` keeps access closed."""
    if pause is not None:
        kept = _("Welcome back to **{group}**. Your signature still holds.").format(group=group)
        return f"{kept} {paused(pause)}"
    return _(
        "Welcome back to **{group}**. Your signature still holds, so the support channel is open"
        " to you again. You do not need to do anything."
    ).format(group=group)


def still_signed(group: str, accept: str, decline: str) -> str:
    """Answer to a refusal by somebody who has signed."""
    return _(
        "I have seen your {decline}. Your signature for **{group}** still counts.\nIf you would"
        " like to take it back, take your {accept} away or use `/agreement withdraw`. That is fine"
        " too."
    ).format(decline=decline, group=group, accept=accept)


def unclear(group: str, accept: str) -> str:
    """Answer to an acceptance found later that may be older than the person's last no."""
    return _(
        "I have found your {accept} for **{group}**. But I was offline for a while. I cannot tell"
        " whether you put it there before or after you last said no. To be safe, I have not counted"
        " it.\nIf you would like to sign, take your {accept} away and press it once more, or use"
        " `/agreement sign`. If not, you do not need to do anything."
    ).format(group=group, accept=accept)


def outdated(group: str, link: str) -> str:
    """Answer to a reaction on an older request."""
    return _(
        "Thank you for answering. That message holds an older text of **{group}**. Please answer"
        " once more, under the newer one: {link}"
    ).format(group=group, link=link)


def outdated_in_server(group: str) -> str:
    """Answer to a reaction on an older request when the newer one has no message of its own."""
    return _(
        "Thank you for answering. That message holds an older text of **{group}**. Please answer"
        " once more: `/agreement sign` in the server shows you the text in force."
    ).format(group=group)


def already_signed(signature: Signature, group: str, pause: Pause | None = None) -> str:
    """Answer to somebody who wants to sign and already has; `pause` keeps access closed."""
    text = _(
        "You have signed the agreement of **{group}** already, {day}."
        " Your receipt number is `{receipt}`. You do not need to do anything."
    ).format(group=group, day=moment(signature.signed_at, "D"), receipt=signature.receipt_number)
    return text if pause is None else f"{text}\n{paused(pause)}"


def confirm_withdrawal(group: str) -> str:
    """Asked before a withdrawal by command."""
    return _(
        "Do you want to withdraw from the agreement of **{group}**? Your access to the support"
        " channel then ends. Please keep what you heard there private all the same."
    ).format(group=group)


def panel(group: str) -> str:
    """The standing message in the welcome channel."""
    return _(
        "## The promise of {group}\n"
        "Before the support channel opens, each newcomer is asked for a promise: what is said"
        " there stays private.\n"
        "I send the text to each newcomer by direct message. If nothing reached you, press"
        " the button. Only you will see what comes, and you can answer there."
    ).format(group=group)


PANEL_BUTTON = mark("Read and sign")
ACCEPT_BUTTON = mark("I accept")
DECLINE_BUTTON = mark("I would rather not")
WITHDRAW_BUTTON = mark("Yes, withdraw")
KEEP_BUTTON = mark("No, keep my signature")
KEPT = mark("Nothing has changed. Your signature still holds.")
BUTTON_HINT = mark("Press a button below. Only you can see this.")
WHICH_GROUP = mark("There is more than one group here. Which one do you mean?")
CHOOSE_GROUP = mark("Choose a group")
CHOICE_PASSED = mark(
    "A while has gone by since I asked which group you mean, or I was restarted. Nothing was done;"
    " please use the command once more."
)
NEXT_BUTTON = mark("Next")
PREVIOUS_BUTTON = mark("Back")
