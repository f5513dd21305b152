"""What newcomers and members are told, in direct messages and privately in the server."""

from bot.domain.agreements import Signature
from bot.texts.forms import moment

ROLE_WAITS = (
    "Your signature is safe, but I cannot open the channel for you yet: something in the server"
    " must be set right first. The people who look after it have been told. You do not need to do"
    " anything."
)


SOMEONE_TO_TALK_TO = "-# If you need someone to talk to, you can find a line at findahelpline.com."


def signed(signature: Signature, group: str, accept: str, *, role_waits: bool) -> str:
    """Confirmation of a signature, after the role was given."""
    access = ROLE_WAITS if role_waits else "The support channel is open to you now."
    found = (
        f"\nI was offline when you answered, so I wrote down that you signed between"
        f" {moment(signature.signed_after)} and {moment(signature.signed_at)}."
        if signature.signed_after
        else ""
    )
    until = (
        f"\nYour signature holds until {moment(signature.expires_at, 'D')}."
        if signature.expires_at
        else ""
    )
    return (
        f"Thank you. You have signed the agreement of **{group}**. {access}{found}\n"
        f"Your receipt number is `{signature.receipt_number}`.{until}\n"
        f"If you change your mind, take your {accept} away or use `/agreement withdraw`."
    )


def signed_by_button(signature: Signature, group: str, *, role_waits: bool) -> str:
    """Confirmation of a signature given inside the server."""
    access = ROLE_WAITS if role_waits else "The support channel opens for you in a moment."
    until = (
        f" Your signature holds until {moment(signature.expires_at, 'D')}."
        if signature.expires_at
        else ""
    )
    return (
        f"Thank you. You have signed the agreement of **{group}**. {access}\n"
        f"Your receipt number is `{signature.receipt_number}`.{until}\n"
        "If you change your mind, use `/agreement withdraw`."
    )


def reminder(group: str, link: str) -> str:
    """Reminds somebody who has not answered yet; it asks for nothing more than reading."""
    return (
        f"A small reminder: the agreement of **{group}** is still waiting for your answer. It is"
        f" here: {link}\nTake the time you need. If you would rather not sign, that is all right"
        " too."
    )


def declined(group: str, accept: str) -> str:
    """Answer to a refusal by reaction."""
    return (
        f"That is all right. You have not signed the agreement of **{group}**, and nobody will ask"
        " why. The support channel opens only for people who sign.\n"
        f"If you change your mind, press {accept} on the message above, whenever you like. You can"
        f" also use `/agreement sign`.\n{SOMEONE_TO_TALK_TO}"
    )


def declined_by_button(group: str) -> str:
    """Answer to a refusal inside the server."""
    return (
        f"That is all right. You have not signed the agreement of **{group}**, and nobody will ask"
        " why. The support channel opens only for people who sign.\n"
        f"If you change your mind, use `/agreement sign`, whenever you like.\n{SOMEONE_TO_TALK_TO}"
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
        f"That is all right. You have withdrawn from the agreement of **{group}**. {ending}\n"
        "One thing stays: please keep what you heard there private. That part of your promise"
        " does not end.\n"
        f"You are welcome back at any time: press {accept} under the agreement again, or use"
        f" `/agreement sign`.\n{SOMEONE_TO_TALK_TO}"
    )


def welcome_back(group: str) -> str:
    """Told to somebody who returns with a valid signature."""
    return (
        f"Welcome back to **{group}**. Your signature still holds, so the support channel is open"
        " to you again. You do not need to do anything."
    )


def still_signed(group: str, accept: str, decline: str) -> str:
    """Answer to a refusal by somebody who has signed."""
    return (
        f"I have seen your {decline}. Your signature for **{group}** still counts.\nIf you would"
        f" like to take it back, take your {accept} away or use `/agreement withdraw`. That is fine"
        " too."
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
        f" Your receipt number is `{signature.receipt_number}`. You do not need to do anything."
    )


def confirm_withdrawal(group: str) -> str:
    """Asked before a withdrawal by command."""
    return (
        f"Do you want to withdraw from the agreement of **{group}**? Your access to the support"
        " channel then ends. Please keep what you heard there private all the same."
    )


def panel(group: str) -> str:
    """The standing message in the welcome channel."""
    return (
        f"## The promise of {group}\n"
        "Before the support channel opens, we ask each newcomer to promise to keep what is said"
        " there private.\n"
        "I send the agreement to every newcomer by direct message. If nothing reached you, press"
        " the button. Only you will see what comes, and you can answer there."
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
