"""Moderators ask a party or tell the accused what is alleged, and the party answers."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain import hearing
from bot.domain.breaches import (
    BreachCase,
    BreachReport,
    CaseClocks,
    CaseEvent,
    CaseState,
    Clause,
    Letter,
    LetterKind,
    Side,
)
from bot.domain.disclosure import Risk, find_risks
from bot.domain.entitlement import Act, Viewer
from bot.domain.errors import (
    CaseStateError,
    LateAnswerError,
    NobodyToWriteToError,
    UnknownCaseError,
)
from bot.services.cases.opening import Desk, OpenCase, open_case
from bot.storage import case_letters, case_reports, cases
from bot.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is about to be written to a party, for the moderator who has to confirm it.

    `recipients` is how many people get it, `risks` what in it could give somebody away. `is_told`
    is whether the accused has been told what is alleged.
    """

    side: Side
    clause: Clause
    recipients: int
    risks: tuple[Risk, ...]
    is_told: bool


async def preview(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, side: Side, text: str
) -> Draft:
    """What asking this would do; nothing is sent.

    Args:
        database: the open database.
        desk: the group.
        viewer: the moderator.
        case_number: the case.
        side: whom they want to ask: the reporter or the accused.
        text: the question.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is closed.
        NobodyToWriteToError: nobody is there to be asked.
    """
    async with database.read() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.ASK)
        return await _draft(tx, opened, side, text)


async def preview_hearing(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, text: str = ""
) -> Draft:
    """What telling the accused this would do; nothing is sent.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is decided or closed.
        NobodyToWriteToError: nobody is named as the accused.
    """
    async with database.read() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.HEAR)
        _require_undecided(opened.case)
        return await _draft(tx, opened, Side.ACCUSED, text)


async def _draft(tx: Transaction, opened: OpenCase, side: Side, text: str) -> Draft:
    case = opened.case
    recipients = await _require_somebody(tx, opened, side)
    written = await case_letters.list_of_case(tx, case.id)
    kinds = [one.kind for one in written if one.side is Side.ACCUSED]
    return Draft(
        side=side,
        clause=case.clause,
        recipients=len(recipients),
        risks=find_risks(text, await _kept_from(tx, case, side, written, len(recipients))),
        is_told=LetterKind.HEARING in kinds,
    )


async def find_risks_to_accused(tx: Transaction, case: BreachCase, text: str) -> tuple[Risk, ...]:
    """What in words to the accused could give away who reported, whatever letter they are for."""
    written = await case_letters.list_of_case(tx, case.id)
    return find_risks(text, await _kept_from(tx, case, Side.ACCUSED, written, 1))


async def _kept_from(
    tx: Transaction, case: BreachCase, side: Side, written: list[Letter], recipients: int
) -> list[str]:
    """What others wrote of which the reader must not find out who they are."""
    answers = {one: [x.answer for x in written if x.answer and x.side is one] for one in Side}
    others = list(answers[Side.ACCUSED]) if side is Side.REPORTER else []
    if side is Side.ACCUSED or recipients > 1:
        others += answers[Side.REPORTER]
        others += [one.form.what for one in await case_reports.list_of_case(tx, case.id)]
    return others


async def _require_somebody(
    tx: Transaction, opened: OpenCase, side: Side
) -> list[BreachReport | None]:
    """For whom letters to this side are: one report of each reporter, None for the accused."""
    if opened.case.state is CaseState.CLOSED:
        raise CaseStateError
    if side is Side.ACCUSED:
        found: list[BreachReport | None] = [None] if opened.people.accused is not None else []
    else:
        reports = await case_reports.list_of_case(tx, opened.case.id)
        standing = [one for one in reports if one.withdrawn_at is None]
        found = [*{one.reporter_id: one for one in reversed(standing)}.values()]
    if not found:
        raise NobodyToWriteToError
    return found


def _require_undecided(case: BreachCase) -> None:
    if case.state not in (CaseState.OPEN, CaseState.IN_REVIEW):
        raise CaseStateError


async def ask(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    side: Side,
    text: str,
    now: datetime,
) -> int:
    """Send a question to one side; everybody who reported gets it by themselves.

    Args:
        database: the open database.
        desk: the group.
        viewer: the moderator.
        case_number: the case.
        side: whom to ask.
        text: the question.
        now: the current instant.

    Returns:
        How many people are asked.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is closed.
        NobodyToWriteToError: nobody is there to be asked.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.ASK)
        recipients = await _require_somebody(tx, opened, side)
        await _write(tx, opened.case, LetterKind.QUESTION, viewer, text, recipients, now)
    return len(recipients)


async def begin_hearing(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    text: str,
    now: datetime,
    clocks: CaseClocks,
) -> None:
    """Tell the accused what is alleged and ask for their side.

    Args:
        database: the open database.
        desk: the group.
        viewer: the moderator.
        case_number: the case.
        text: what is alleged, in the words the moderator has confirmed.
        now: the current instant.
        clocks: `hearing` is the time they have, from when the letter has reached them.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is decided or closed.
        NobodyToWriteToError: nobody is named as the accused.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.HEAR)
        _require_undecided(opened.case)
        recipients = await _require_somebody(tx, opened, Side.ACCUSED)
        due_at = now + clocks.hearing
        await _write(tx, opened.case, LetterKind.HEARING, viewer, text, recipients, now, due_at)


async def _write(
    tx: Transaction,
    case: BreachCase,
    kind: LetterKind,
    viewer: Viewer,
    text: str,
    recipients: list[BreachReport | None],
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    step = CaseEvent.HEARD if kind is LetterKind.HEARING else CaseEvent.ASKED
    await cases.add_step(tx, case, step, Side.MODERATOR, now, actor_id=viewer.member_id, text=text)
    for report in recipients:
        await case_letters.add(
            tx,
            case,
            kind,
            now,
            report_id=None if report is None else report.id,
            text=text,
            written_by=viewer.member_id,
            due_at=due_at,
        )
    if case.first_looked_at is None:
        await cases.mark(tx, case.id, first_looked_at=now)
    await cases.request_notice(tx, case, now)


async def was_heard(tx: Transaction, case_id: int, now: datetime) -> bool:
    """Whether the accused was told what is alleged, and has answered or had the time to.

    The time counts from when the letter reached them. When it could not be delivered, it counts
    from when it was shown in `/breach mine`; otherwise twice the time is waited from the attempt.
    After a case was reopened they are told anew.
    """
    since = await cases.find_reopened_at(tx, case_id)
    return hearing.was_heard(await case_letters.list_of_case(tx, case_id), now, since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A letter that its reader may answer, and the case it belongs to now."""

    letter: Letter
    case: BreachCase


async def find_question(database: Database, desk: Desk, viewer: Viewer, letter_id: int) -> Question:
    """A question for whoever wants to answer it.

    Raises:
        UnknownCaseError: there is none, or it was not for them.
        LateAnswerError: no answer to it is taken any more.
    """
    async with database.read() as tx:
        return await _open_question(tx, desk, viewer, letter_id, lock=False)


async def _open_question(
    tx: Transaction, desk: Desk, viewer: Viewer, letter_id: int, *, lock: bool
) -> Question:
    letter = await case_letters.get(tx, letter_id, lock=lock)
    case = await cases.get(tx, letter.case_id)
    if case.group_key != desk.group_key:
        raise UnknownCaseError
    of_reporter = letter.side is Side.REPORTER
    act = Act.ANSWER_AS_REPORTER if of_reporter else Act.ANSWER_AS_ACCUSED
    await open_case(tx, desk, case.case_number, viewer, act)
    if of_reporter:
        reports = await case_reports.list_of_case(tx, case.id)
        mine = [x for x in reports if (x.id, x.reporter_id) == (letter.report_id, viewer.member_id)]
        if not mine:
            raise UnknownCaseError
        if mine[0].withdrawn_at is not None:
            raise LateAnswerError
    if not hearing.may_answer(letter, case.state):
        raise LateAnswerError
    return Question(letter=letter, case=case)


async def answer(
    database: Database, desk: Desk, viewer: Viewer, letter_id: int, text: str, now: datetime
) -> Question:
    """Keep what a party answers; a second time adds to the first, the same words change nothing.

    Args:
        database: the open database.
        desk: the group.
        viewer: who answers.
        letter_id: the question.
        text: their words.
        now: the current instant.

    Returns:
        The question as it was before: `letter.answered_at` is set if this was an addition.

    Raises:
        UnknownCaseError: there is no such question, or it was not for them.
        LateAnswerError: no answer to it is taken any more.
    """
    async with database.write() as tx:
        question = await _open_question(tx, desk, viewer, letter_id, lock=True)
        letter, case = question.letter, question.case
        if letter.answer is not None and f"\n\n{letter.answer}".endswith(f"\n\n{text}"):
            return question
        whole = text if letter.answer is None else f"{letter.answer}\n\n{text}"
        await case_letters.put_answer(tx, letter.id, whole, now)
        await cases.add_step(tx, case, CaseEvent.ANSWERED, letter.side, now, text=text)
        await cases.request_notice(tx, case, now)
    return question
