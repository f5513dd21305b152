"""What the moderators' channel reads of cases that wait or are about to go, and numbers of them."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.breaches import NO_BREACH
from bot.domain.case_clocks import Clock, Stage
from bot.domain.effects import Facts
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment

_NEAR = {
    Clock.FIRST_LOOK: mark(
        "**Case #{number} is waiting for a first look.** Please open it by {when}."
    ),
    Clock.FEEDBACK: mark(
        "**Case #{number}: whoever reported is waiting to hear from you.** Please let them know by"
        " {when} how it stands."
    ),
    Clock.HEARING: mark(
        "**Case #{number}: the other side has until {when} to answer.** There is nothing you need"
        " to do before."
    ),
    Clock.APPEAL: mark(
        "**Case #{number}: an appeal is waiting.** Please have it taken up by {when}, by somebody"
        " who did not decide the case."
    ),
}

_OVER = {
    Clock.FIRST_LOOK: mark(
        "**Nobody has looked at case #{number} yet.** It was due {when}. Somebody was hurt and is"
        " waiting; please open it today."
    ),
    Clock.FEEDBACK: mark(
        "**Case #{number}: whoever reported has heard nothing for too long.** It was due {when}."
        " Even “we are still working on it” helps."
    ),
    Clock.HEARING: mark(
        "**Case #{number}: the time to answer ended {when}.** The other side has not written. You"
        " can decide the case now."
    ),
    Clock.APPEAL: mark(
        "**Case #{number}: nobody has taken up the appeal.** It was due {when}. It needs somebody"
        " who did not decide the case."
    ),
}

MERGE_BUTTON = mark("Merge into another case")
MERGE_LABEL = mark("Number of the other case")
MERGE_HINT = mark("Its number stays; this one is closed. Whoever reported is told the new number.")
MERGE_NO_NUMBER = mark("That is no number of a case, so nothing was done.")
KEEP_LONGER_BUTTON = mark("Keep longer")
KEEP_LABEL = mark("Why is it still needed?")
NUMBERS_BUTTON = mark("Numbers of the last year")

OUTCOMES = {
    NO_BREACH: mark("no breach"),
    "reminder": mark("reminder"),
    "sign_again": mark("asked to sign again"),
    "suspended": mark("access paused"),
    "removed": mark("removed from the group"),
    "legal": mark("legal action possible"),
}


def case_due(facts: Facts) -> str:
    """A limit of a case is near, or over."""
    words = _NEAR if facts["stage"] == Stage.BEFORE else _OVER
    when = moment(datetime.fromisoformat(str(facts["due_at"])), "R")
    return _(words[Clock(facts["clock"])]).format(number=facts["case"], when=when)


def cases_end(facts: Facts) -> str:
    """Closed cases are about to be destroyed."""
    when = moment(datetime.fromisoformat(str(facts["goes_at"])), "D")
    return plural(
        "**{count} closed case has been kept long enough:** {cases}. On {when} I destroy what was"
        " written in it and who had a part in it. If it is still needed, open it and choose"
        " **Keep longer**.",
        "**{count} closed cases have been kept long enough:** {cases}. On {when} I destroy what"
        " was written in them and who had a part in them. If one is still needed, open it and"
        " choose **Keep longer**.",
        int(facts["count"]),
    ).format(count=facts["count"], cases=facts["cases"], when=when)


def merge_title(number: int) -> str:
    """The title of the form that asks into which case."""
    return _("Merge case #{number}").format(number=number)


def merged(number: int, into: int) -> str:
    """Two cases have become one."""
    return _(
        "Case **#{number}** goes on as case **#{into}**, with everything that was reported. Those"
        " who reported do not learn of one another."
    ).format(number=number, into=into)


def keep_title(number: int) -> str:
    """The title of the form that asks why a case is kept."""
    return _("Keep case #{number} longer").format(number=number)


def keep_hint(days: int) -> str:
    """Stands in that form."""
    return _("It is kept for {days} days from now at least. The reason stays with it.").format(
        days=days
    )


def kept_longer(number: int, until: datetime) -> str:
    """A closed case stays for longer."""
    return _("Case **#{number}** is kept until {day} at least.").format(
        number=number, day=moment(until, "D")
    )


def outcome_name(outcome: str) -> str:
    """How a decision is called; a step of a group's own is called as it is in its agreement."""
    return _(OUTCOMES[outcome]) if outcome in OUTCOMES else outcome


def case_numbers(
    group: str,
    total: int | None,
    running: int | None,
    outcomes: Mapping[str, int | None],
    since: datetime,
) -> str:
    """How many cases there were and how they ended, without anybody in it."""
    lines = [
        _("**Cases in {group} since {day}**").format(group=group, day=moment(since, "D")),
        _("- all: {number}").format(number=_number(total)),
        _("- still running: {number}").format(number=_number(running)),
    ]
    lines += [f"- {outcome_name(one)}: {_number(number)}" for one, number in outcomes.items()]
    lines.append(
        _(
            "-# A dash stands for a number from 1 to 4, or for one that would give it away: in a"
            " small group a single case is a person."
        )
    )
    return "\n".join(lines)


def _number(number: int | None) -> str:
    return "–" if number is None else str(number)
