"""What Pledge writes to the parties of a breach case, and how their answers are received."""

from datetime import datetime

from bot.domain.breaches import CaseEvent, Letter, LetterKind, Side
from bot.domain.paragraphs import split_text
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment, quoted

CASE_COMMANDS = mark("Breaches of the promise of this group: report one, follow it, look after it")
ANSWER_BUTTON = mark("Answer")
ANSWER_LABEL = mark("Your answer")
ANSWER_HINT = mark("Take your time. You can add to it later, as long as the case is open.")
NOTHING_WRITTEN = mark("There was nothing in the form, so I have kept nothing.")
SOMETHING_WAITS = mark(
    "✉️ Something waits for you that I could not send you: please use `/breach mine`."
)

_LONGEST_LINE = 900
"""Longer lines of a quotation are cut, so that each piece is marked as one."""

_STEPS = {
    CaseEvent.CLAIMED: mark("Somebody has taken it on and is looking into it."),
    CaseEvent.HEARD: mark("The other side is being asked how they see it."),
    CaseEvent.DECIDED: mark("A decision has been made."),
    CaseEvent.APPEALED: mark("The decision was appealed, so somebody else looks at it again."),
    CaseEvent.REOPENED: mark("It was taken up again."),
}


_READY = {
    LetterKind.SUSPENSION_ENDED: mark(
        "Your access is not paused any more. If you have a valid signature, the support channel"
        " opens for you again."
    ),
    LetterKind.EVIDENCE_LOST: mark(
        "Your report has arrived, but I could not keep one of its files. If it matters, please hand"
        " it in again with `/breach report` and name this case."
    ),
    LetterKind.MERGED: mark(
        "Your report goes on under this number: it belongs to the same matter as another case."
        " Nothing else has changed for you, and nobody else is shown your name."
    ),
    LetterKind.REOPENED: mark(
        "A case that concerns you is being looked at again. Nothing new is decided: what was"
        " decided before stays as it is until there is a new decision. Before it could become"
        " graver, you are told what is alleged, and can answer. You can appeal once against the"
        " new decision. Please do not look for whoever has a part in it."
    ),
}
"""Letters that always say the same."""


def letter(
    sent: Letter,
    group: str,
    case_number: int,
    step: CaseEvent | None = None,
    *,
    first_look_days: int = 3,
    crisis: str | None = None,
) -> str:
    """A whole letter.

    Args:
        sent: what to write; its text is safe to show.
        group: the name of the group.
        case_number: the number people know.
        step: what a progress letter tells of.
        first_look_days: within how many days somebody looks at a report.
        crisis: the group's lines for whoever is in danger.
    """
    heading = _("**{group} · case #{number}**").format(group=group, number=case_number)
    words = _words(sent, step, first_look_days, crisis)
    written = _("-# Written {when}").format(when=moment(sent.created_at))
    return f"{heading}\n{words}\n\n{written}"


def _words(letter: Letter, step: CaseEvent | None, first_look_days: int, crisis: str | None) -> str:
    words = letter.text or ""
    match letter.kind:
        case LetterKind.ACKNOWLEDGED:
            text = _acknowledged(first_look_days)
        case LetterKind.PROGRESS:
            text = _progress(words, step)
        case LetterKind.QUESTION if letter.side is Side.REPORTER:
            text = _question_to_reporter(words)
        case LetterKind.QUESTION:
            text = _question_to_accused(words)
        case LetterKind.HEARING:
            text = _hearing(words, letter.due_at)
        case LetterKind.OUTCOME:
            text = words or _("A decision has been made.")
        case LetterKind.UNSEALED:
            text = _unsealed(words)
        case LetterKind.SUSPENDED:
            text = _suspended(words, letter.due_at)
        case LetterKind.NOBODY_LEFT if letter.side is Side.ACCUSED:
            text = _nobody_for_appeal()
        case LetterKind.NOBODY_LEFT:
            text = _nobody_left(crisis)
        case LetterKind.CLOSED:
            text = words or _closed(letter.side)
        case _:
            text = _(_READY[letter.kind])
    return text


def _acknowledged(first_look_days: int) -> str:
    within = plural("within {count} day", "within {count} days", first_look_days)
    return _(
        "Thank you for saying so. Your report has arrived and is kept under this number. Somebody"
        " looks at it {within}.\n\nWhoever works on it sees what you wrote, but not your name. If"
        " they have a question, I bring it to you, and I take your answer back to them. With"
        " `/breach mine` you see how it stands and who has looked at it, and you can take the"
        " report back."
    ).format(within=within.format(count=first_look_days))


def _progress(words: str, step: CaseEvent | None) -> str:
    told = _(_STEPS[step]) if step is not None else _("Your report is being worked on.")
    thanks = _("You see how it stands with `/breach mine`.")
    return "\n\n".join(part for part in (told, words, thanks) if part)


def _question_to_reporter(words: str) -> str:
    return _(
        "Whoever works on your report has a question:\n\n{question}\n\nYou can answer with the"
        " button below. Your name is not shown with your answer. You do not have to answer, and"
        " you may leave out whatever you want to keep to yourself."
    ).format(question=quotation(words))


def _question_to_accused(words: str) -> str:
    return _(
        "Whoever works on a case that concerns you has a question:\n\n{question}\n\nYou can answer"
        " with the button below. Only those who work on the case read your answer. Please do not"
        " look for whoever else has a part in it."
    ).format(question=quotation(words))


def _hearing(words: str, due_at: datetime | None) -> str:
    told = _(
        "Somebody has reported that the promise of this group may have been broken, and that it"
        " concerns you. Nothing is decided. This is what is alleged:\n\n{words}\n\nBefore anything"
        " is decided we want to hear your side. Please answer with the button below; you can say"
        " as much or as little as you like."
    ).format(words=quotation(words))
    if due_at is not None:
        told += " " + _(
            "There is time until {when}. After that those who work on it go on with what they have."
        ).format(when=moment(due_at))
    kindly = _(
        "Who reported it stays confidential. Please do not look for them, and do not speak about"
        " it in the group: that protects everybody, you as well."
    )
    return f"{told}\n\n{kindly}"


def _unsealed(reason: str) -> str:
    text = _(
        "Your name was shown to one of those who work on your report. That is only done with a"
        " reason, and you are always told."
    )
    if reason:
        text += "\n\n" + _("The reason they gave:\n{reason}").format(reason=quotation(reason))
    return text


def _suspended(words: str, until: datetime | None) -> str:
    text = _(
        "Your access to the support channel is paused for now. This is no decision: it only holds"
        " until there is one."
    )
    if until is not None:
        text = _("Your access to the support channel is paused until {when}.").format(
            when=moment(until)
        )
    return f"{text}\n\n{quotation(words)}" if words else text


def _nobody_left(crisis: str | None) -> str:
    text = _(
        "We have to be honest with you: nobody is left in this group who could deal with your"
        " report fairly. Your report is kept, and shown to nobody who has a part in it.\n\nWhat you"
        " can do outside this group:\n- Report messages to Discord itself: press and hold the"
        " message, then *Report message*.\n- Ask a counselling service or a lawyer for advice. They"
        " may hear everything.\n- If it is a crime, you can go to the police.\n- You may leave the"
        " group at any time. `/breach mine` still shows your report, in a direct message with me."
    )
    return f"{text}\n\n{crisis}" if crisis else text


def _nobody_for_appeal() -> str:
    return _(
        "We have to be honest with you. Right now, all in this group who could look at your appeal"
        " have decided before. Your appeal is kept, and goes to the next"
        " person who can. Until then what was decided stays in force. If you want to, you can ask"
        " the owner of the server to name somebody for it."
    )


def _closed(side: Side) -> str:
    if side is Side.REPORTER:
        return _(
            "This case is closed. Thank you for having spoken up. If something of the kind happens"
            " again, please tell us with `/breach report`."
        )
    return _("This case is closed. Nothing more is asked of you.")


def quotation(words: str) -> str:
    """What somebody wrote, of any length, so that each piece of it is marked as a quotation."""
    lines = [part for line in words.splitlines() for part in split_text(line, _LONGEST_LINE)]
    return quoted("\n".join(lines))


def answer_title(case_number: int) -> str:
    """Above the form for an answer."""
    return _("Case #{number}").format(number=case_number)


def answer_kept(case_number: int, *, is_addition: bool) -> str:
    """The answer has arrived."""
    if is_addition:
        text = _(
            "Thank you, I have added that to your answer in case #{number}. You can press the"
            " button again as long as the case is open."
        )
    else:
        text = _(
            "Thank you. Your answer is with those who work on case #{number}. If there is more you"
            " want to say, press the button again as long as the case is open."
        )
    return text.format(number=case_number)


def your_words(words: str) -> str:
    """What could not be kept, given back."""
    return _("So that it is not lost, this is what you wrote:\n{words}").format(
        words=quotation(words)
    )
