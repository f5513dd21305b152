"""What people read who report a breach: they may be hurt, afraid, or ashamed."""

from datetime import date

from bot.domain.breaches import Clause, Source
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import quoted
from bot.texts.members import SOMEONE_TO_TALK_TO

BREACH_COMMANDS = mark("Say that something left the group, and look after what was said.")
CONTINUE_BUTTON = mark("Go on to the form")
NOTICE_PASSED = mark(
    "A while has gone by since you opened this, or I was restarted. Nothing is lost, and nobody was"
    " told anything. Please begin once more, with `/breach report` or in the menu of the message or"
    " the person. Take the time you need."
)
FORM_TITLE = mark("Something left the group")
WHAT_LABEL = mark("What happened?")
WHAT_HINT = mark(
    "In your own words, as much or as little as you like. You need not repeat what is private."
)
WHEN_LABEL = mark("When?")
WHEN_HINT = mark("A day, such as 2026-03-01. Leave it empty if you are not sure.")
WHOM_LABEL = mark("Whom is it about?")
WHOM_HINT = mark(
    "You may leave it empty. Then I cannot keep it from them, should they be a moderator."
)
CLAUSE_LABEL = mark("Which part of the promise?")
FILES_LABEL = mark("Pictures or files")
FILES_HINT = mark("Up to 3, 8 MB in all. Where a picture was taken is removed.")
WORDS_LABEL = mark("Take over the words of the message")
WORDS_HINT = mark("They are kept with your report, and the moderators who work on it see them.")

CLAUSES = {
    Clause.COVERED: mark("Something that was to stay in the group"),
    Clause.EXCEPTIONS: mark("More was told than a danger or a duty asked for"),
    Clause.AFTERWARDS: mark("Somebody told it after they had left"),
    Clause.UNSURE: mark("I am not sure"),
}

REPORT_BOT = mark("That is a bot, which made no promise. Please report the person behind it.")
REPORT_LOST = mark(
    "I could not keep your report. **Nothing was sent to anybody.** Here is what you wrote, so that"
    " it is not lost. Please try again in a few minutes."
)
REPORT_UNSURE = mark(
    "Something broke while I kept your report, so I cannot say whether I have it. Here is what you"
    " wrote, so that it is not lost. `/breach mine` shows in a few minutes whether it is there; if"
    " not, please try again."
)
REPORT_TOO_MANY = mark(
    "I could not take this report, because so many have come within a day. Here is what you wrote,"
    " so that it is not lost. Please try again tomorrow, or talk to a moderator."
)


def report_notice(group: str, crisis: str | None, source: Source) -> str:
    """Read before anything is typed: who will see it, and what happens then."""
    danger = quoted(crisis) if crisis else _(SOMEONE_TO_TALK_TO)
    lines = [
        _("**Is anybody in danger right now? Please call for help first.**"),
        danger,
        "",
        _("**Before you report something to {group}**").format(group=group),
        _(
            "- The moderators who work on your case read what you write. **Name whom it is about**,"
            " and they never read it, not even as a moderator. If you name nobody, I cannot keep it"
            " from them. If no moderator is left, whoever the group has named reads it. If there"
            " is nobody, the owner of the server does."
        ),
        _(
            "- They do not see that it was you. If one of them has to know, they must say why, and"
            " I tell you at once."
        ),
        _(
            "- Your report is confidential, but not anonymous: I keep who made it, locked. Whoever"
            " runs me has the key and could look. It also passes through Discord, which has its own"
            " rules."
        ),
        _(
            "- You get a case number and hear from me how it goes on. With `/breach mine` you see"
            " how it stands, answer questions, and can take your report back."
        ),
        _("- To report a crime, abuse or misconduct elsewhere is never a breach."),
    ]
    if source is Source.MESSAGE:
        lines.append(
            _(
                "- The link to the message and who wrote it go with your report. Its words go with"
                " it only if you leave the tick in the form."
            )
        )
    return "\n".join(lines)


def report_received(
    case_number: int,
    group: str,
    *,
    is_new: bool,
    unread_day: str | None,
    about_oneself: bool,
    without_message: bool = False,
) -> str:
    """The answer to a report, at once.

    Args:
        case_number: the number people know.
        group: the name of the group.
        is_new: whether the same form had not come before.
        unread_day: what was typed as the day, when it could not be read.
        about_oneself: whether they chose themselves.
        without_message: whether the message they reported was forgotten during a restart.
    """
    if not is_new:
        return _("I have this report already. It is case **#{number}**.").format(number=case_number)
    lines = [
        _(
            "Thank you for telling me. Your report to **{group}** is kept as case **#{number}**."
        ).format(group=group, number=case_number),
        _(
            "Those who can look after it are told that there is a case, and nothing else. You hear"
            " from me when somebody looks at it. `/breach mine` shows how it stands. If you want to"
            " add something, please report it once more and name this case."
        ),
    ]
    if unread_day is not None:
        lines.append(
            _(
                "I could not read “{day}” as a day, so I wrote down “not sure”. What you typed is"
                " kept with your report."
            ).format(day=unread_day)
        )
    if about_oneself:
        lines.append(
            _("You chose yourself, so the case names nobody. Your words are kept as they are.")
        )
    if without_message:
        lines.append(
            _(
                "I was restarted while you were writing, so the link to the message and its words"
                " are not with your report. If they matter, please report the message once more"
                " and name this case."
            )
        )
    lines.append(_(SOMEONE_TO_TALK_TO))
    return "\n".join(lines)


def files_kept(kept: int, refused: int) -> str:
    """What became of the files of a report."""
    lines: list[str] = []
    if kept:
        lines.append(
            plural(
                "{count} file is kept with your report.",
                "{count} files are kept with your report.",
                kept,
            ).format(count=kept)
        )
    if refused:
        lines.append(
            plural(
                "{count} file could not be kept. I take pictures, PDF, text, sound and short films,"
                " 8 MB in all. If it matters, please say what is in it in another report that names"
                " this case.",
                "{count} files could not be kept. I take pictures, PDF, text, sound and short"
                " films, 8 MB in all. If they matter, please say what is in them in another report"
                " that names this case.",
                refused,
            ).format(count=refused)
        )
    return "\n".join(lines)


def when_typed(typed: str) -> str:
    """Stands below the words of a report whose day could not be read."""
    return _("When: {typed}").format(typed=typed)


def day_shown(day: date | None) -> str:
    """The day of an incident, as its form has it."""
    return _("not sure") if day is None else day.isoformat()
