"""What `/breach mine` shows a party of their own cases."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.breaches import CaseEvent, CaseState, Letter, Side
from bot.domain.entitlement import Handlers
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment

MORE_BUTTON = mark("Older ones")
ACCESS_BUTTON = mark("Who has looked at it")
WITHDRAW_REPORT_BUTTON = mark("Take the report back")
WITHDRAW_YES_BUTTON = mark("Yes, take it back")
WITHDRAW_NO_BUTTON = mark("No, leave it as it is")
NOTHING_MINE = mark(
    "There is nothing of yours here: no report, no question and no letter. If something has"
    " happened, you can tell us with `/breach report`."
)
STAYS = mark("All right, your report stays as it is.")
CLOSED_ALREADY = mark(
    "This case is closed already, so nothing has changed. What was known of it stays until it is"
    " destroyed after a set time."
)
WITHDRAWN_ALREADY = mark("You have taken this report back before. Nothing has changed.")

_STATES = {
    CaseState.OPEN: mark("waiting to be looked at"),
    CaseState.IN_REVIEW: mark("being looked into"),
    CaseState.DECIDED: mark("decided"),
    CaseState.CLOSED: mark("closed"),
}

_HAPPENED = {
    CaseEvent.REPORTED: mark("You reported it."),
    CaseEvent.CLAIMED: mark("Somebody took it on."),
    CaseEvent.HEARD: mark("The other side was asked how they see it."),
    CaseEvent.ASKED: mark("You were asked something."),
    CaseEvent.ANSWERED: mark("You answered."),
    CaseEvent.DECIDED: mark("A decision was made."),
    CaseEvent.APPEALED: mark("The decision was appealed; somebody else looks at it again."),
    CaseEvent.REOPENED: mark("It was taken up again."),
    CaseEvent.CLOSED: mark("It was closed."),
    CaseEvent.UNSEALED: mark("Your name was shown to one of those who work on it."),
    CaseEvent.REPORT_WITHDRAWN: mark("You took your report back."),
}

_HAPPENED_TO_ACCUSED = {
    CaseEvent.HEARD: mark("You were told what is alleged, and asked for your side."),
    CaseEvent.ASKED: mark("You were asked something."),
    CaseEvent.ANSWERED: mark("You answered."),
    CaseEvent.DECIDED: mark("A decision was made; you were told which."),
    CaseEvent.REOPENED: mark("It was taken up again."),
    CaseEvent.SUSPENDED: mark("Your access was paused."),
    CaseEvent.SUSPENSION_ENDED: mark("Your access is not paused any more."),
}

_ACTS = {
    "shown": mark("read by somebody who works on the case"),
    "evidence": mark("a file of it opened by somebody who works on the case"),
    "exported": mark("put into a file by somebody who works on the case"),
    "unsealed": mark("your name shown to one of those who work on the case"),
}
_OFFICES = {
    Handlers.MODERATORS: mark("a moderator"),
    Handlers.ESCALATION: mark("whoever the group has named for it"),
    Handlers.OWNER: mark("the owner of the server"),
}
_SEEN = mark("seen by somebody who works on the case")

_MOST_STEPS = 25
_MOST_LOOKS = 30


def own_case(
    group: str,
    case_number: int,
    side: Side,
    state: CaseState,
    happened: Sequence[tuple[datetime, CaseEvent]],
    *,
    is_withdrawn: bool = False,
    appeal_until: datetime | None = None,
) -> str:
    """One case for one of its parties, without names and without what anybody wrote.

    Args:
        group: the name of the group.
        case_number: the number people know.
        side: whose part it is.
        state: where the case stands.
        happened: what they may know of it, in order.
        is_withdrawn: whether they took their report back.
        appeal_until: until when the accused may appeal.
    """
    reported = side is Side.REPORTER
    if reported:
        heading = _("**{group} · your report #{number}**: {state}")
    else:
        heading = _("**{group} · case #{number}, which concerns you**: {state}")
    parts = [
        heading.format(group=group, number=case_number, state=_(_STATES[state])),
        "\n".join(_steps(happened, _HAPPENED if reported else _HAPPENED_TO_ACCUSED)),
    ]
    if is_withdrawn:
        parts.append(
            _(
                "You have taken your report back. What becomes of the case is for those to say who"
                " work on it."
            )
        )
    if appeal_until is not None:
        parts.append(
            _("You can appeal once, until {when}, with `/breach appeal`.").format(
                when=moment(appeal_until)
            )
        )
    return "\n\n".join(part for part in parts if part)


def _steps(
    happened: Sequence[tuple[datetime, CaseEvent]], words: dict[CaseEvent, str]
) -> list[str]:
    lines = [f"{moment(at)} {_(words[kind])}" for at, kind in happened if kind in words]
    return lines[-_MOST_STEPS:]


def letter_heading(number: int, letter: Letter) -> str:
    """Stands above a letter in the list; the button to answer it has the same number."""
    if letter.answered_at is None:
        return _("**{number}.** ✉️ This waits for you:").format(number=number)
    return _("**{number}.** You answered this; you can still add to it:").format(number=number)


def answer_number(number: int) -> str:
    """The label of the button that belongs to that letter."""
    return _("Answer {number}").format(number=number)


def looks(case_number: int, found: Sequence[tuple[datetime, str, Handlers]]) -> str:
    """The access log of one's own report.

    Args:
        case_number: the case.
        found: when, how and in which office somebody has looked, in order.
    """
    if not found:
        return _("Nobody has looked at your report #{number} yet.").format(number=case_number)
    heading = plural(
        "Your report #{number} was looked at {count} time. Only people who work on the case can;"
        " each time is kept:",
        "Your report #{number} was looked at {count} times. Only people who work on the case can;"
        " each time is kept:",
        len(found),
    ).format(number=case_number, count=len(found))
    lines = [
        f"- {moment(at)} {_(_ACTS.get(act, _SEEN))}" + _by(office) for at, act, office in found
    ]
    if len(lines) > _MOST_LOOKS:
        earlier = _("- … and before that, more often than fits here")
        lines = [earlier, *lines[-_MOST_LOOKS:]]
    return "\n".join([heading, *lines])


def _by(office: Handlers) -> str:
    return f" ({_(_OFFICES[office])})" if office in _OFFICES else ""


def confirm_report_withdrawal(case_number: int) -> str:
    """What taking a report back means, before it is done."""
    return _(
        "Do you want to take back your report #{number}? Those who work on it see that it was taken"
        " back, and nobody writes to you about it any more. They decide whether the case goes on:"
        " what is already known of it stays. Your name stays sealed. This cannot be undone, but you"
        " can report anew."
    ).format(number=case_number)


def report_withdrawn(case_number: int) -> str:
    """The report was taken back."""
    return _(
        "You have taken back your report #{number}. If it was hard to decide: you do not owe"
        " anybody a reason. You can report anew at any time."
    ).format(number=case_number)
