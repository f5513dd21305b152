"""What whoever works on breach cases reads: notices, lists, one case, and what became of a step."""

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.domain.breaches import (
    BreachCase,
    CaseEvent,
    CaseState,
    Clause,
    Evidence,
    Side,
    Source,
    TimelineEntry,
)
from bot.domain.case_clocks import Due
from bot.domain.dossiers import Dossier, Earlier, ShownReport, clause_text
from bot.domain.effects import Facts
from bot.domain.paragraphs import split_text
from bot.texts.asking import letter_lines
from bot.texts.case_clocks import case_due, outcome_name
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment

Plain = Callable[[str], str]
"""Makes what people wrote safe to show."""

LONGEST_LINE = 900
"""Longer lines of a quotation are cut, so that each piece is marked as one."""

OPEN_BUTTON = mark("Open")
CLAIM_BUTTON = mark("Claim")
CLAIMED = mark("The case is yours now. The people who reported know that somebody looks at it.")
CLAIMED_BEFORE = mark("The case is yours already.")
NOTED = mark("Your note stands in the timeline. Only people who work on the case can read it.")
RECUSED = mark(
    "You have stepped back from the case. You will not see it any more: not in lists, not in"
    " counts, not by its number. If no moderator is left, whoever comes next is told."
)
NO_CASES = mark("There is no such case that you may see.")

STATES = {
    CaseState.OPEN: mark("open"),
    CaseState.IN_REVIEW: mark("in review"),
    CaseState.DECIDED: mark("decided"),
    CaseState.CLOSED: mark("closed"),
}
ALL_CASES = mark("all cases")

CLAUSES = {
    Clause.COVERED: mark("what stays in the group"),
    Clause.EXCEPTIONS: mark("the exceptions: more was told than needed"),
    Clause.AFTERWARDS: mark("the duty that lasts after leaving"),
    Clause.UNSURE: mark("not sure which"),
}
SOURCES = {
    Source.COMMAND: mark("by command"),
    Source.MESSAGE: mark("from a message"),
    Source.PERSON: mark("from a person's menu"),
}
_SIDES = {
    Side.MODERATOR: mark("a moderator"),
    Side.REPORTER: mark("the reporter"),
    Side.ACCUSED: mark("the accused"),
    Side.PLEDGE: mark("Pledge"),
}
_STEPS = {
    CaseEvent.REPORTED: mark("reported a breach"),
    CaseEvent.EVIDENCE_ADDED: mark("handed in a file"),
    CaseEvent.CLAIMED: mark("took the case on"),
    CaseEvent.NOTED: mark("noted"),
    CaseEvent.ASKED: mark("asked"),
    CaseEvent.ANSWERED: mark("answered"),
    CaseEvent.HEARD: mark("told the accused what is alleged"),
    CaseEvent.DECIDED: mark("decided"),
    CaseEvent.CARRIED_OUT: mark("carried the decision out"),
    CaseEvent.SUSPENDED: mark("suspended access"),
    CaseEvent.SUSPENSION_ENDED: mark("ended the suspension"),
    CaseEvent.APPEALED: mark("appealed"),
    CaseEvent.RECUSED: mark("stepped back"),
    CaseEvent.REOPENED: mark("reopened the case"),
    CaseEvent.CLOSED: mark("closed the case"),
    CaseEvent.UNSEALED: mark("looked at who reported"),
    CaseEvent.REPORT_WITHDRAWN: mark("took the report back"),
    CaseEvent.MERGED: mark("merged cases"),
    CaseEvent.REMINDED: mark("reminded those who look after it"),
    CaseEvent.RETENTION_EXTENDED: mark("had the case kept longer"),
}


def _due(due: tuple[Due, datetime] | None) -> str:
    if due is None:
        return ""
    what, at = due
    match what:
        case Due.FIRST_LOOK:
            text = _("Due next: a first look, by {at}")
        case Due.FEEDBACK:
            text = _("Due next: news for the people who reported, by {at}")
        case Due.HEARING:
            text = _("Due next: the answer of the other side, until {at}")
        case Due.APPEAL:
            text = _("Due next: somebody who takes up the appeal, by {at}")
        case Due.APPEAL_TIME:
            text = _("Due next: the time to appeal ends {at}")
    return text.format(at=moment(at))


def notice(group: str, case: BreachCase, due: tuple[Due, datetime] | None) -> str:
    """The message that stands for a case: no names, no content."""
    head = _("**Breach case #{number}** · {state} · opened {age}").format(
        number=case.case_number, state=_(STATES[case.state]), age=moment(case.opened_at, "R")
    )
    return "\n".join(line for line in (head, _due(due), f"-# {group}") if line)


def call(group: str, case: BreachCase, *, is_owner: bool) -> str:
    """To somebody who is left to take a case, by direct message: a number and nothing else."""
    if is_owner:
        why = _(
            "**Breach case #{number}** in **{group}** waits for you. Nobody else is left to take"
            " it, so it comes to you as the owner of the server."
        )
    else:
        why = _(
            "**Breach case #{number}** in **{group}** waits for you. No moderator is left to take"
            " it, so it comes to you, as the group has settled."
        )
    how = _(
        "The button shows it to you alone; `/breach list` in the server finds it again. Please talk"
        " about it with nobody who could be part of it, moderators included."
    )
    return f"{why.format(number=case.case_number, group=group)}\n{how}"


def call_again(group: str, facts: Facts) -> str:
    """To somebody who looks after a case in the moderators' place: a limit is near, or over."""
    return "\n".join([case_due(facts), f"-# {group}"])


def list_page(
    group: str,
    heading: str,
    cases: Iterable[tuple[BreachCase, tuple[Due, datetime] | None]],
    page: int,
    pages: int,
    total: int,
) -> str:
    """One page of `/breach list`; every number in it is of what the reader may see."""
    count = plural("{n} case", "{n} cases", total).format(n=total)
    lines = [f"**{group}** · {_(heading)} · {count}"]
    lines += [_line(case, due) for case, due in cases]
    if total == 0:
        lines.append(_(NO_CASES))
    if pages > 1:
        lines.append(_("-# Page {page} of {pages}").format(page=page + 1, pages=pages))
    return "\n".join(lines)


def _line(case: BreachCase, due: tuple[Due, datetime] | None) -> str:
    parts = [f"- **#{case.case_number}** {_(STATES[case.state])}", moment(case.opened_at, "R")]
    if case.claimed_by is not None:
        parts.append(_("with {moderator}").format(moderator=f"<@{case.claimed_by}>"))
    if due is not None:
        parts.append(_due(due))
    return " · ".join(parts)


def choice(case: BreachCase, now: datetime) -> str:
    """A case as autocomplete offers it; there no timestamps are drawn."""
    days = max(0, (now - case.opened_at).days)
    age = plural("{n} day old", "{n} days old", days).format(n=days)
    return f"#{case.case_number} · {_(STATES[case.state])} · {age}"


def show_pages(
    group: str, dossier: Dossier, due: tuple[Due, datetime] | None, plain: Plain
) -> list[str]:
    """One case in as many messages as it needs.

    Args:
        group: the name of the group.
        dossier: the case.
        due: what is due next.
        plain: makes what people wrote safe to show.
    """
    blocks = [_head(group, dossier, due), _signed(dossier, plain)]
    for number, report in enumerate(dossier.reports, 1):
        blocks.append(_report(number, report, plain))
    if dossier.evidence:
        lines = [_("**Files** (the buttons below hand them to you)")]
        lines += [f"{n}. {file_line(one, plain)}" for n, one in enumerate(dossier.evidence, 1)]
        blocks.append("\n".join(lines))
    blocks.append(letter_lines(dossier.letters))
    lines = [_("**Timeline**"), *(_step(entry, plain) for entry in dossier.timeline)]
    blocks += ["\n".join(lines), earlier(dossier.earlier)]
    return split_text("\n\n".join(block for block in blocks if block))


def _head(group: str, dossier: Dossier, due: tuple[Due, datetime] | None) -> str:
    case = dossier.case
    title = _("**Breach case #{number}** · {group} · **{state}**").format(
        number=case.case_number, group=group, state=_(STATES[case.state])
    )
    lines = [title, _("Opened {at}").format(at=moment(case.opened_at))]
    if case.claimed_by is not None:
        lines.append(_("Taken on by {who}").format(who=f"<@{case.claimed_by}>"))
    if dossier.accused_id is None:
        lines.append(_("Concerns: nobody is named"))
    else:
        lines.append(_("Concerns: {who}").format(who=f"<@{dossier.accused_id}>"))
    lines.append(_("Reporter: sealed"))
    if case.outcome is not None:
        lines.append(_("Outcome: {outcome}").format(outcome=outcome_name(case.outcome)))
    if case.merged_into is not None:
        lines.append(_("Merged into case #{number}").format(number=case.merged_into))
    return "\n".join(line for line in (*lines, _due(due)) if line)


def signed_line(dossier: Dossier) -> str:
    """What the accused had signed at the time of the incident."""
    if dossier.accused_id is None:
        return _("Nobody is named, so nothing can be said of a signature.")
    if dossier.signed is None:
        return _("The person it concerns had no valid signature then.")
    return _("The person it concerns had signed version {number} then. It says:").format(
        number=dossier.signed_number
    )


def _signed(dossier: Dossier, plain: Plain) -> str:
    case = dossier.case
    lines = [
        _("**Part of the agreement**: {clause}").format(clause=_(CLAUSES[case.clause])),
        signed_line(dossier),
    ]
    if dossier.accused_id is not None and dossier.signed is not None:
        # Written by the facilitators, and formatted like wherever else it is read.
        lines.append(_quote(clause_text(dossier.signed, case.clause), str))
    return "\n".join(lines)


def _report(number: int, report: ShownReport, plain: Plain) -> str:
    form = report.form
    head = _("**Report {number}** · {at} · {source}").format(
        number=number, at=moment(report.received_at), source=_(SOURCES[form.source])
    )
    lines = [head]
    if report.withdrawn_at is not None:
        lines.append(_("Taken back {at}").format(at=moment(report.withdrawn_at)))
    if form.incident_on is None:
        lines.append(_("When it happened: not sure"))
    else:
        lines.append(_("When it happened: {day}").format(day=form.incident_on.isoformat()))
    if form.link is not None:
        lines.append(_("Message: {link}").format(link=form.link))
    lines.append(_quote(form.what, plain))
    if form.quoted is not None:
        lines += [_("The message said:"), _quote(form.quoted, plain)]
    return "\n".join(lines)


def file_line(file: Evidence, plain: Plain) -> str:
    """A file that was handed in, in one line."""
    if not file.is_kept:
        return _("{name} (it could not be kept)").format(name=plain(file.name))
    return _("{name} ({type}, {size} kB)").format(
        name=plain(file.name), type=plain(file.media_type), size=max(1, file.size // 1000)
    )


def step_words(entry: TimelineEntry) -> str:
    """Who did what, by side."""
    who = f"<@{entry.actor_id}>" if entry.actor_id is not None else _(_SIDES[entry.side])
    return f"{who}: {_(_STEPS[entry.kind])}"


def step_on_paper(entry: TimelineEntry) -> str:
    """The same where no mention is drawn: the side, and of a moderator the account."""
    who = _(_SIDES[entry.side])
    shown = f"{who} ({entry.actor_id})" if entry.actor_id is not None else who
    return f"{shown}: {_(_STEPS[entry.kind])}"


def _step(entry: TimelineEntry, plain: Plain) -> str:
    line = f"- {moment(entry.at)} · {step_words(entry)}"
    return f"{line}\n{_quote(entry.text, plain)}" if entry.text else line


def earlier(found: Earlier) -> str:
    """Other cases about the same person: numbers only."""
    if not found.total:
        return ""
    parts = [
        _("{outcome}: {count}").format(outcome=outcome_name(key), count=count)
        for key, count in found.outcomes
    ]
    if found.undecided:
        parts.append(_("not decided: {count}").format(count=found.undecided))
    return _("**Other cases about the same person**: {list}").format(list=", ".join(parts))


def _quote(text: str, plain: Plain) -> str:
    pieces = (split_text(plain(line), LONGEST_LINE) or [""] for line in text.splitlines())
    return "\n".join(f"> {piece}" for line in pieces for piece in line)


def file_button(number: int) -> str:
    """The button that hands out a file."""
    return _("File {number}").format(number=number)


def file_described(number: int) -> str:
    """What stands for a picture from a report where it cannot be seen; nobody has described it."""
    return _("A file from a report in case #{number}. I cannot tell what it shows.").format(
        number=number
    )


def handed_out(number: int) -> str:
    """With a file of a case."""
    return _(
        "A file of case #{number}, for you alone. That you have it is noted. Please keep it nowhere"
        " else, and delete it when you are done."
    ).format(number=number)


def reopened(number: int) -> str:
    """After reopening."""
    return _(
        "Case #{number} is in review again, and yours. The people who reported were told, and the"
        " accused, if they knew of it. What was decided stays in force meanwhile. For anything"
        " graver they have to be heard anew."
    ).format(number=number)


def unsealed(number: int, authors: Iterable[tuple[int, datetime]]) -> str:
    """Who reported, to the one moderator who asked; `authors` are accounts and instants."""
    lines = [
        _("Report of {at}: <@{account}> (account {account})").format(at=moment(at), account=account)
        for account, at in authors
    ]
    found = "\n".join(lines) or _("What was reported is not kept any more.")
    return _(
        "**Who reported, case #{number}**\n{found}\nOnly you see this. That you looked, and why, is"
        " noted, and they are told. Please tell nobody."
    ).format(number=number, found=found)


def exported(number: int) -> str:
    """With the two files of a case."""
    return _(
        "Case #{number} as a document and as data. Both say that you exported them and when; that"
        " you did is noted. Who reported stands in them only where you unsealed it. Please keep"
        " them where nobody else finds them, and delete them when you are done."
    ).format(number=number)
