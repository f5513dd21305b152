"""What people are told because of the time: an end that comes, one that came, and removals."""

from datetime import datetime

from bot.domain.effects import Facts
from bot.texts.catalogue import _, mark
from bot.texts.forms import moment, people
from bot.texts.members import SOMEONE_TO_TALK_TO

REMOVAL_REASON = mark("Pledge follows the group's settings for people who have not answered")
"""In the server's audit log: no names, no details."""

REMOVE_BUTTON = mark("Remove them")
REMOVE_NOTHING = mark("Nobody is to be removed any more. There is nothing to do.")

KICK_MISSING = mark(
    "**I cannot remove people who do not answer**, as the settings want. I need the permission Kick"
    " Members. Please give it to my role under Server Settings → Roles, or tell the person who runs"
    " me to set `remove_unsigned_after_days` to null. I then carry on by myself."
)


def ending(group: str, ends_at: datetime, link: str | None) -> str:
    """A signature ends soon; `link` is the request that waits already, if one does."""
    soon = _("Your signature for **{group}** holds until {moment} ({distance}).").format(
        group=group, moment=moment(ends_at), distance=moment(ends_at, "R")
    )
    if link is None:
        how = _(
            "To keep your access without a gap, use `/agreement sign` in the server, read the"
            " agreement once more and accept it. If you would rather not, you do not need to do"
            " anything: your access then ends by itself."
        )
    else:
        how = _(
            "The agreement has changed since you signed. To keep your access without a gap, please"
            " read the new text and answer under it: {link}\nIf you would rather not, you do not"
            " need to do anything: your access then ends by itself."
        ).format(link=link)
    return f"{soon}\n{how}"


def reminder_in_grace(group: str, link: str, ends_at: datetime) -> str:
    """Reminds somebody whose older signature still counts for a while."""
    return _(
        "A small reminder: the new text of the agreement of **{group}** is still waiting for your"
        " answer. It is here: {link}\nYour older signature keeps the support channel open to you"
        " until {moment}. Take the time you need until then. If you would rather not sign, that is"
        " all right too."
    ).format(group=group, link=link, moment=moment(ends_at))


def reminder_to_adopted(group: str, link: str, ends_at: datetime) -> str:
    """Reminds a member from before Pledge, who keeps the role for a while."""
    return _(
        "A small reminder: the agreement of **{group}** is still waiting for your answer. It is"
        " here: {link}\nThe support channel is open to you until {moment}, also if you do not sign."
        " Take the time you need until then. If you would rather not sign, that is all right too."
    ).format(group=group, link=link, moment=moment(ends_at))


def expired(group: str, *, role_waits: bool) -> str:
    """A signature has run out; the agreement itself follows."""
    why = _("Your signature for **{group}** has run out. That happens to everybody after a time.")
    again = _(
        "I am sending you the agreement again. If you sign it, the support channel opens again."
    )
    return "\n".join([f"{why.format(group=group)} {_closed(role_waits)}", again, *_what_stays()])


def grace_over(group: str, link: str | None, *, role_waits: bool) -> str:
    """The time in which the older signature still counted is over."""
    why = _(
        "The agreement of **{group}** has changed. Your older signature does not count any more."
    ).format(group=group)
    if link is None:
        again = _(
            "If you sign the new text, the support channel opens again. Please use"
            " `/agreement sign` in the server."
        )
    else:
        again = _(
            "If you sign the new text, the support channel opens again. It is here: {link}"
        ).format(link=link)
    return "\n".join([f"{why} {_closed(role_waits)}", again, *_what_stays()])


def adoption_over(group: str, link: str | None, *, role_waits: bool) -> str:
    """The time is over in which a member from before Pledge kept the role without signing."""
    why = _(
        "I asked you to sign the agreement of **{group}**. The time in which the support channel"
        " stayed open to you without a signature is over."
    ).format(group=group)
    if link is None:
        again = _(
            "If you sign it, the support channel opens again, whenever you like. Please use"
            " `/agreement sign` in the server."
        )
    else:
        again = _(
            "If you sign it, the support channel opens again, whenever you like. The agreement is"
            " here: {link}"
        ).format(link=link)
    return "\n".join([f"{why} {_closed(role_waits)}", again, *_what_stays()])


def _closed(role_waits: bool) -> str:
    if role_waits:
        return _(
            "I cannot close the support channel to you yet: something in the server must be set"
            " right first. The people who look after it have been told. Please do not read there"
            " until then."
        )
    return _("Your access to the support channel has ended.")


def _what_stays() -> list[str]:
    stays = _("One thing stays: please keep what you heard there private.")
    return [stays, _(SOMEONE_TO_TALK_TO)]


def removal_near(group: str, link: str, decline: str, removal_at: datetime) -> str:
    """The first warning: a week is left."""
    return _(
        "The agreement of **{group}** is still waiting for your answer. It is here: {link}\n"
        "In this server, people who do not answer are removed after a while. For you that would be"
        " in about a week, not before {moment}. I shall write once more before that.\n"
        "Any answer is fine. If you would rather not sign, press {decline} there: you then stay in"
        " the server, without the support channel."
    ).format(group=group, link=link, moment=moment(removal_at), decline=decline)


def removal_next(group: str, link: str, decline: str, removal_at: datetime) -> str:
    """The last warning: a day is left."""
    return _(
        "This is the last time I write about the agreement of **{group}**. It is still here: {link}"
        "\nIf I do not hear from you, I shall remove you from the server soon, not before {moment}."
        " That is no judgement of you, and you can come back with a new invite whenever you like.\n"
        "Any answer is fine. If you would rather not sign, press {decline} there: you then stay in"
        " the server, without the support channel."
    ).format(group=group, link=link, moment=moment(removal_at), decline=decline)


def mass_removal(facts: Facts) -> str:
    """The guard has stopped removals; a facilitator decides."""
    return _(
        "**{people} have not answered for so long that I should remove them from the server.** That"
        " is so many of its {members} that I have removed nobody. They were all warned"
        " twice.\nPlease find out first. If `remove_unsigned_after_days` is a mistake, let the"
        " person who runs me correct it. If it is all as it should be, a facilitator can let me"
        " remove them."
    ).format(people=people(int(facts["people"])), members=people(int(facts["members"])))


def removing(count: int) -> str:
    """Replaces the notice of a mass removal once a facilitator has agreed."""
    return _(
        "A facilitator agreed: I am removing {people} who did not answer. Whoever answers before"
        " their turn comes stays."
    ).format(people=people(count))


def removal_stale(count: int) -> str:
    """More people are to be removed than the notice said."""
    return _(
        "The numbers have changed since that notice: it is {people} by now. Nobody was removed."
        " Please look again, and press here if you still want me to."
    ).format(people=people(count))


def renewal(group: str, ends_at: datetime) -> str:
    """Shown before the text to somebody whose signature ends soon."""
    return _(
        "Your signature for **{group}** holds until {moment}. If you sign again now, the new"
        " signature takes its place at once, and your access goes on without a gap."
    ).format(group=group, moment=moment(ends_at))
