"""What a moderator reads before something goes out to a party of a case, and after."""

from collections.abc import Iterable

from bot.domain.breaches import Clause, Letter, LetterKind, Side
from bot.domain.disclosure import Risk
from bot.domain.hearing import ASKS, is_waiting
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment, people

SEND_BUTTON = mark("Send it")
EDIT_BUTTON = mark("Change the words")
DISCARD_BUTTON = mark("Do not send it")
HEAR_BUTTON = mark("Hear the accused")
HEARING_TITLE = mark("What is alleged")
HEARING_LABEL = mark("What the accused reads")
HEARING_HINT = mark("In your own words, not the report's. Leave out what only one person can know.")
DISCARDED = mark("Nothing was sent.")
PASSED = mark(
    "I do not know any more what this was about: a while has gone by, or I was restarted. This"
    " press has done nothing. Whether it was sent before, `/breach show` tells. If not, the words"
    " still stand above: please use `/breach ask`, or **Hear the accused**, once more."
)

_ALLEGED = {
    Clause.COVERED: mark(
        "that something that was said in the group, or who was there, was passed on outside it."
    ),
    Clause.EXCEPTIONS: mark(
        "that in a situation in which speaking was allowed, more was told than it needed."
    ),
    Clause.AFTERWARDS: mark(
        "that after leaving, something that was heard in the group was passed on."
    ),
    Clause.UNSURE: mark("that something was done that the promise of the group does not allow."),
}

_RISKS = {
    Risk.QUOTES: mark("It repeats words that somebody else wrote in this case."),
    Risk.NAMES: mark("It has a name, a mention or an account number in it."),
    Risk.LINKS: mark("It has a link in it, which may show who was there and when."),
    Risk.DATES: mark("It names a day or an hour."),
}


def alleged(clause: Clause) -> str:
    """Neutral words to begin with, which say nothing of who reported what."""
    return _("It is said {what}").format(what=_(_ALLEGED[clause]))


def confirm_letter(
    case_number: int, side: Side, recipients: int, risks: tuple[Risk, ...], *, is_told: bool
) -> str:
    """Stands above the letter that is about to be sent.

    Args:
        case_number: the case.
        side: who gets it.
        recipients: how many people that are.
        risks: what in it could give somebody away.
        is_told: whether the accused knows what is alleged, or is told of it by this very letter.
    """
    parts = [_("**Case #{number}**: please read it once more.").format(number=case_number)]
    if side is Side.ACCUSED:
        parts.append(
            _(
                "It goes to the accused. ⚠️ They must not learn who reported: leave out everything"
                " that only one person can know, has seen or was told."
            )
        )
        if not is_told:
            parts.append(
                _(
                    "They have not been told yet what is alleged. If this is about that, use **Hear"
                    " the accused** instead: it tells them, and their time to answer begins."
                )
            )
    elif recipients > 1:
        parts.append(
            _(
                "It goes to {people} who reported, to each by themselves. ⚠️ They must not learn of"
                " one another."
            ).format(people=people(recipients))
        )
    else:
        parts.append(_("It goes to whoever reported."))
    if risks:
        parts.append(risky(risks))
    parts.append(_("This is exactly what they will read:"))
    return "\n\n".join(parts)


def risky(risks: Iterable[Risk]) -> str:
    """Why what is about to be sent could give somebody away."""
    found = "\n".join(f"- {_(_RISKS[risk])}" for risk in risks)
    return _("⚠️ **This could give somebody away:**\n{found}").format(found=found)


def asked(case_number: int, recipients: int) -> str:
    """The question is on its way."""
    return plural(
        "The question in case #{number} is on its way to {count} person. The answer comes into the"
        " case.",
        "The question in case #{number} is on its way to {count} people, to each by themselves. The"
        " answers come into the case.",
        recipients,
    ).format(number=case_number, count=recipients)


def hearing_begun(case_number: int, days: int) -> str:
    """What is alleged is on its way to the accused."""
    return plural(
        "What is alleged in case #{number} is on its way to the accused. From when it reaches them"
        " they have {days} day. If I cannot deliver it, the case says so: then it counts from when"
        " they see it in `/breach mine`, or I wait twice as long.",
        "What is alleged in case #{number} is on its way to the accused. From when it reaches them"
        " they have {days} days. If I cannot deliver it, the case says so: then it counts from when"
        " they see it in `/breach mine`, or I wait twice as long.",
        days,
    ).format(number=case_number, days=days)


def letter_lines(letters: Iterable[Letter]) -> str:
    """How the questions stand, and whatever could not be delivered; nothing if there is neither."""
    lines = [f"- {letter_line(one)}" for one in letters if one.kind in ASKS or is_waiting(one)]
    return "\n".join([_("**Letters**"), *lines]) if lines else ""


def letter_line(letter: Letter) -> str:
    """How a letter of a moderator to a party stands, for those who work on the case."""
    reporter, what = letter.side is Side.REPORTER, letter.kind
    if what is LetterKind.HEARING:
        text = _("What is alleged, to the accused")
    elif what is LetterKind.QUESTION:
        text = _("Question to the reporter") if reporter else _("Question to the accused")
    else:
        text = _("Letter to the reporter") if reporter else _("Letter to the accused")
    return f"{moment(letter.created_at)} {text}: {_how_it_stands(letter)}"


def _how_it_stands(letter: Letter) -> str:
    if letter.answered_at is not None:
        return _("answered {when}").format(when=moment(letter.answered_at))
    if is_waiting(letter):
        text = _("⚠️ not delivered; it waits in `/breach mine`")
    elif letter.delivered_at is not None:
        text = _("delivered {when}").format(when=moment(letter.delivered_at))
    else:
        text = _("on its way")
    if letter.due_at is not None and letter.kind is LetterKind.HEARING:
        text = _("{how}, time until {until}").format(how=text, until=moment(letter.due_at))
    return text
