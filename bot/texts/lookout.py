"""What the moderators' channel is told when Pledge itself is in trouble, and when that is over."""

from datetime import UTC, datetime

from bot.domain.effects import EffectKind, Facts
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment

RECORD_UNAVAILABLE = mark(
    "**I cannot write to my record at the moment**, most likely because a disk is full. Until that"
    " is mended I let nobody in and count no answers. Nothing that was signed or withdrawn before"
    " is lost. Please tell the person who runs me. I look again every minute, carry on by myself,"
    " and find the ✅ and ❌ that people give meanwhile."
)

STUCK = {
    EffectKind.ASK: mark("asking people to sign"),
    EffectKind.ALIGN_ROLE: mark("giving or taking the member role"),
    EffectKind.NOTICE: mark("telling people what became of their answer"),
    EffectKind.PANEL: mark("keeping the panel in the welcome channel"),
    EffectKind.REMOVE: mark("removing people who did not answer"),
    EffectKind.LETTER: mark("writing to somebody about a breach case"),
    EffectKind.CASE_NOTICE: mark("keeping the notices of breach cases"),
    EffectKind.CASE_CALL: mark("telling whoever is left to take a breach case"),
}


def record_back(facts: Facts) -> str:
    """The record can be written again."""
    since, until = (datetime.fromtimestamp(int(facts[key]), UTC) for key in ("since", "until"))
    return _(
        "**I can write to my record again.** From {since} to {until} I could not."
        " I am now looking for the ✅ and ❌ of that time. What people tried with buttons and"
        " commands then was not counted; they were told so, and can do it again."
    ).format(since=moment(since), until=moment(until))


def clock_wrong(facts: Facts) -> str:
    """The clock of the computer differs from Discord's."""
    minutes = int(facts["minutes"])
    return plural(
        "**The clock of the computer I run on is wrong by about {minutes} minute.** I go by"
        " Discord's time meanwhile, and nobody's signature runs out until the clock is right again."
        " Please tell the person who runs me.",
        "**The clock of the computer I run on is wrong by about {minutes} minutes.** I go by"
        " Discord's time meanwhile, and nobody's signature runs out until the clock is right again."
        " Please tell the person who runs me.",
        minutes,
    ).format(minutes=minutes)


def stuck(facts: Facts) -> str:
    """Something has been tried for a quarter of an hour."""
    known = [(_(STUCK[EffectKind(kind)]), facts[kind]) for kind in facts if kind in STUCK]
    lines = "\n".join(f"- {what}: {count}" for what, count in known)
    return _(
        "**Something I should do in Discord has not worked for a quarter of an hour.** I go on"
        " trying, and nothing in the record is lost. It is about\n{what}\nIf this does not pass"
        " within an hour, please tell the person who runs me, and look at discordstatus.com."
    ).format(what=lines)
