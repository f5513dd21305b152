"""Letters to the parties of a case: asked, delivered or not, answered, on both engines."""

from datetime import datetime, timedelta

import pytest

from bot.domain.breaches import (
    BreachCase,
    CaseClocks,
    CaseEvent,
    CaseState,
    Clause,
    Letter,
    LetterKind,
    ReportForm,
    Side,
    Source,
    TimelineEntry,
)
from bot.domain.disclosure import Risk
from bot.domain.effects import Effect, EffectKind, EffectState
from bot.domain.entitlement import Office, Viewer
from bot.domain.errors import (
    CaseStateError,
    LateAnswerError,
    NobodyToWriteToError,
    UnknownCaseError,
)
from bot.services import outbox
from bot.services.cases import letters, mine, posting
from bot.services.cases.opening import Desk
from bot.storage import case_letters, case_parties, case_reports, cases, effects, officers
from bot.storage.database import Database
from tests.factories import NOW, register

GROUP = "harbour-light"
DAY = timedelta(days=1)
CLOCKS = CaseClocks(first_look=3 * DAY, feedback=30 * DAY, hearing=3 * DAY, appeal=14 * DAY)
DESK = Desk(group_key=GROUP, owner_id=1)
REPORTER, OTHER, ACCUSED, MODERATOR, STRANGER = 51, 52, 53, 54, 55
WORDS = "She told the whole story of my illness at work, with my name."
BY_MODERATOR = Viewer(member_id=MODERATOR, is_moderator=True)
BY_REPORTER, BY_OTHER = Viewer(member_id=REPORTER), Viewer(member_id=OTHER)
BY_ACCUSED = Viewer(member_id=ACCUSED)


async def report(
    database: Database,
    *reporters: int,
    accused: int | None = ACCUSED,
    state: CaseState = CaseState.IN_REVIEW,
    now: datetime = NOW,
) -> BreachCase:
    """A case with a report of each of these people."""
    form = ReportForm(what=WORDS, clause=Clause.COVERED, source=Source.COMMAND, accused_id=accused)
    async with database.write() as tx:
        await officers.add_seen(tx, GROUP, Office.MODERATOR, [MODERATOR], now)
        case = await cases.add(tx, GROUP, Clause.COVERED, accused, None, now)
        for reporter in reporters or (REPORTER,):
            await case_reports.add(tx, case.id, reporter, form, now)
        await cases.mark(tx, case.id, state=state)
        return await cases.get(tx, case.id)


async def close(database: Database, case: BreachCase, now: datetime = NOW) -> None:
    async with database.write() as tx:
        await cases.mark(tx, case.id, state=CaseState.CLOSED, closed_at=now)


async def written(database: Database, case: BreachCase) -> list[Letter]:
    async with database.read() as tx:
        return await case_letters.list_of_case(tx, case.id)


async def read_case(database: Database, case: BreachCase) -> BreachCase:
    async with database.read() as tx:
        return await cases.get(tx, case.id)


async def read_number(database: Database, number: int) -> BreachCase:
    async with database.read() as tx:
        return await cases.get_by_number(tx, GROUP, number)


async def timeline(database: Database, case: BreachCase) -> list[TimelineEntry]:
    async with database.read() as tx:
        return await cases.list_timeline(tx, case.id)


async def claim(database: Database, now: datetime = NOW) -> list[Effect]:
    """The letters that the outbox has to carry now."""
    found = await outbox.claim(database, now, limit=50, group_keys=[GROUP], not_asking=[])
    return [one for one in found if one.kind is EffectKind.LETTER]


async def count_notices(database: Database) -> int:
    async with database.read() as tx:
        states = await effects.count_by_state(tx)
    return states.get(EffectState.PENDING, 0)


@pytest.fixture(autouse=True)
async def _group(database: Database) -> None:
    await register(database)


async def test_question_goes_to_the_reporter_and_the_outbox_does_not_know_whom(
    database: Database,
) -> None:
    case = await report(database)
    count = await letters.ask(database, DESK, BY_MODERATOR, 1, Side.REPORTER, "When was it?", NOW)
    assert count == 1

    (effect,) = await claim(database)
    assert effect.member_id is None
    assert effect.request_id is None
    assert str(REPORTER) not in f"{effect.lane} {effect.detail}"
    found = await posting.prepare(database, effect)
    assert found is not None
    assert (found.member_id, found.case_number) == (REPORTER, 1)
    assert (found.letter.kind, found.letter.text) == (LetterKind.QUESTION, "When was it?")

    (entry,) = await timeline(database, case)
    assert (entry.kind, entry.side, entry.actor_id) == (
        CaseEvent.ASKED,
        Side.MODERATOR,
        MODERATOR,
    )
    assert (await read_case(database, case)).first_looked_at == NOW


async def test_everybody_who_reported_and_stands_by_it_is_asked_apart(database: Database) -> None:
    case = await report(database, REPORTER, OTHER, REPORTER, 56)
    await mine.withdraw(database, DESK, Viewer(member_id=56), 1, NOW)
    count = await letters.ask(database, DESK, BY_MODERATOR, 1, Side.REPORTER, "Which day?", NOW)
    assert count == 2
    rows = await claim(database)
    assert len({row.lane for row in rows}) == 2
    people = [await posting.prepare(database, row) for row in rows]
    assert sorted(one.member_id for one in people if one) == [REPORTER, OTHER]
    assert [one.side for one in await written(database, case)] == [Side.REPORTER] * 2


async def test_draft_tells_how_many_get_it_and_what_could_give_somebody_away(
    database: Database,
) -> None:
    await report(database, REPORTER, OTHER)
    quoting = "Did you tell the whole story of my illness at work?"
    draft = await letters.preview(database, DESK, BY_MODERATOR, 1, Side.ACCUSED, quoting)
    assert (draft.recipients, draft.risks, draft.is_told) == (1, (Risk.QUOTES,), False)
    draft = await letters.preview(database, DESK, BY_MODERATOR, 1, Side.REPORTER, quoting)
    assert (draft.recipients, draft.risks) == (2, (Risk.QUOTES,))
    assert await written(database, await read_number(database, 1)) == []


async def test_single_reporter_may_read_their_own_words_but_not_the_accuseds(
    database: Database,
) -> None:
    case = await report(database)
    draft = await letters.preview(database, DESK, BY_MODERATOR, 1, Side.REPORTER, WORDS)
    assert draft.risks == ()
    await letters.begin_hearing(database, DESK, BY_MODERATOR, 1, "It is said …", NOW, CLOCKS)
    (hearing,) = await written(database, case)
    answer = "I only spoke of my own day there."
    await letters.answer(database, DESK, BY_ACCUSED, hearing.id, answer, NOW)
    draft = await letters.preview(
        database, DESK, BY_MODERATOR, 1, Side.REPORTER, f"They say: {answer}"
    )
    assert draft.risks == (Risk.QUOTES,)
    assert draft.is_told


@pytest.mark.parametrize("viewer", [BY_REPORTER, BY_ACCUSED, Viewer(member_id=STRANGER)])
async def test_only_whoever_works_on_the_case_asks_or_hears(
    database: Database, viewer: Viewer
) -> None:
    case = await report(database)
    for holds in (False, True):
        if viewer.member_id == STRANGER and holds:
            continue
        asking = Viewer(member_id=viewer.member_id, is_moderator=holds)
        with pytest.raises(UnknownCaseError):
            await letters.preview(database, DESK, asking, 1, Side.REPORTER, "?")
        with pytest.raises(UnknownCaseError):
            await letters.preview_hearing(database, DESK, asking, 1)
        with pytest.raises(UnknownCaseError):
            await letters.ask(database, DESK, asking, 1, Side.REPORTER, "?", NOW)
        with pytest.raises(UnknownCaseError):
            await letters.begin_hearing(database, DESK, asking, 1, "?", NOW, CLOCKS)
    assert await written(database, case) == []


async def test_nobody_named_or_left_is_said(database: Database) -> None:
    await report(database, accused=None)
    with pytest.raises(NobodyToWriteToError):
        await letters.ask(database, DESK, BY_MODERATOR, 1, Side.ACCUSED, "?", NOW)
    with pytest.raises(NobodyToWriteToError):
        await letters.begin_hearing(database, DESK, BY_MODERATOR, 1, "?", NOW, CLOCKS)
    await mine.withdraw(database, DESK, BY_REPORTER, 1, NOW)
    with pytest.raises(NobodyToWriteToError):
        await letters.ask(database, DESK, BY_MODERATOR, 1, Side.REPORTER, "?", NOW)


async def test_nothing_is_asked_of_a_closed_case_nor_alleged_in_a_decided_one(
    database: Database,
) -> None:
    case = await report(database, state=CaseState.DECIDED)
    with pytest.raises(CaseStateError):
        await letters.begin_hearing(database, DESK, BY_MODERATOR, 1, "?", NOW, CLOCKS)
    await close(database, case)
    for side in (Side.REPORTER, Side.ACCUSED):
        with pytest.raises(CaseStateError):
            await letters.ask(database, DESK, BY_MODERATOR, 1, side, "?", NOW)


async def ask(database: Database, side: Side = Side.REPORTER) -> Letter:
    await letters.ask(database, DESK, BY_MODERATOR, 1, side, "What happened?", NOW)
    return (await written(database, await read_number(database, 1)))[-1]


async def test_answer_comes_into_the_case_with_the_side_and_no_name(database: Database) -> None:
    case = await report(database)
    question = await ask(database)
    await letters.answer(database, DESK, BY_REPORTER, question.id, "In May.", NOW + DAY)
    entry = (await timeline(database, case))[-1]
    assert (entry.kind, entry.side, entry.actor_id, entry.text) == (
        CaseEvent.ANSWERED,
        Side.REPORTER,
        None,
        "In May.",
    )
    (kept,) = await written(database, case)
    assert (kept.answered_at, kept.answer) == (NOW + DAY, "In May.")


async def test_same_words_twice_are_kept_once_and_others_are_added(database: Database) -> None:
    case = await report(database)
    question = await ask(database)
    for words in ("In May.", "In May.", "Or in June.", "Or in June."):
        await letters.answer(database, DESK, BY_REPORTER, question.id, words, NOW)
    (kept,) = await written(database, case)
    assert kept.answer == "In May.\n\nOr in June."
    answers = [one.text for one in await timeline(database, case) if one.side is Side.REPORTER]
    assert answers == ["In May.", "Or in June."]


async def test_nobody_answers_for_somebody_else(database: Database) -> None:
    case = await report(database, REPORTER, OTHER)
    await letters.ask(database, DESK, BY_MODERATOR, 1, Side.REPORTER, "?", NOW)
    await letters.ask(database, DESK, BY_MODERATOR, 1, Side.ACCUSED, "?", NOW)
    whose = {}
    for letter in await written(database, case):
        async with database.read() as tx:
            whose[letter.id] = await case_letters.find_recipient(tx, letter)
    assert sorted(whose.values()) == [REPORTER, OTHER, ACCUSED]
    for letter_id, recipient in whose.items():
        for viewer in (BY_REPORTER, BY_OTHER, BY_ACCUSED, BY_MODERATOR):
            if viewer.member_id == recipient:
                continue
            with pytest.raises(UnknownCaseError):
                await letters.find_question(database, DESK, viewer, letter_id)
            with pytest.raises(UnknownCaseError):
                await letters.answer(database, DESK, viewer, letter_id, "x", NOW)
    elsewhere = Desk(group_key="other-group", owner_id=1)
    with pytest.raises(UnknownCaseError):
        await letters.answer(database, elsewhere, BY_REPORTER, min(whose), "x", NOW)
    with pytest.raises(UnknownCaseError):
        await letters.answer(database, DESK, BY_REPORTER, 99_999, "x", NOW)
    assert [one.answer for one in await written(database, case)] == [None] * 3


async def test_answer_after_the_end_is_refused_and_nothing_changes(database: Database) -> None:
    case = await report(database)
    question = await ask(database)
    await close(database, case)
    with pytest.raises(LateAnswerError):
        await letters.answer(database, DESK, BY_REPORTER, question.id, "Late.", NOW)
    (kept,) = await written(database, case)
    assert kept.answer is None


async def test_whoever_took_the_report_back_is_not_asked_any_more(database: Database) -> None:
    await report(database)
    question = await ask(database)
    await mine.withdraw(database, DESK, BY_REPORTER, 1, NOW)
    (effect,) = await claim(database)
    assert await posting.prepare(database, effect) is None
    with pytest.raises(LateAnswerError):
        await letters.answer(database, DESK, BY_REPORTER, question.id, "Late.", NOW)


async def test_hearing_counts_from_delivery_and_answers_end_with_the_decision(
    database: Database,
) -> None:
    case = await report(database)
    await letters.begin_hearing(database, DESK, BY_MODERATOR, 1, "It is said …", NOW, CLOCKS)
    (effect,) = await claim(database, NOW + DAY)
    found = await posting.prepare(database, effect)
    assert found is not None
    assert found.member_id == ACCUSED
    assert found.letter.due_at == NOW + 4 * DAY
    await posting.record_delivered(database, effect, NOW + DAY)

    async with database.read() as tx:
        assert not await letters.was_heard(tx, case.id, NOW + 3 * DAY)
        assert await letters.was_heard(tx, case.id, NOW + 4 * DAY)
        states = await effects.count_by_state(tx)
    assert EffectState.DONE in states
    async with database.write() as tx:
        await cases.mark(tx, case.id, state=CaseState.DECIDED)
    (hearing,) = await written(database, case)
    with pytest.raises(LateAnswerError):
        await letters.answer(database, DESK, BY_ACCUSED, hearing.id, "Late.", NOW)


@pytest.mark.parametrize("ending", ["blocked", "gone", "refused"])
async def test_what_cannot_be_delivered_waits_and_the_moderators_see_it(
    database: Database, ending: str
) -> None:
    case = await report(database)
    await letters.begin_hearing(database, DESK, BY_MODERATOR, 1, "It is said …", NOW, CLOCKS)
    (effect,) = await claim(database)
    later = NOW + DAY
    if ending == "blocked":
        await outbox.record_blocked(database, effect, 50007, later)
    elif ending == "gone":
        await outbox.drop_gone(database, effect, 10013, later)
    else:
        await outbox.drop(database, effect, "refused 50001", later)

    (hearing,) = await written(database, case)
    assert (hearing.undelivered_at, hearing.delivered_at) == (later, None)
    assert hearing.due_at == later + 6 * DAY
    assert await count_notices(database) == 1  # the notice is to be brought up to date
    assert await mine.has_waiting(database, [GROUP], BY_ACCUSED)
    assert not await mine.has_waiting(database, [GROUP], BY_REPORTER)
    assert not await mine.has_waiting(database, ["other-group"], BY_ACCUSED)

    # Only whom it is for can see it, and only once does that count.
    await mine.mark_shown(database, BY_REPORTER, [hearing.id], NOW + 2 * DAY)
    assert await mine.has_waiting(database, [GROUP], BY_ACCUSED)
    for days in (2, 4):
        await mine.mark_shown(database, BY_ACCUSED, [hearing.id], NOW + days * DAY)
    (hearing,) = await written(database, case)
    assert (hearing.delivered_at, hearing.due_at) == (NOW + 2 * DAY, NOW + 5 * DAY)
    assert not await mine.has_waiting(database, [GROUP], BY_ACCUSED)


async def test_what_was_shown_meanwhile_is_not_sent_again(database: Database) -> None:
    case = await report(database)
    await ask(database)
    (effect,) = await claim(database)
    (question,) = await written(database, case)
    async with database.write() as tx:
        await case_letters.mark(tx, question.id, delivered_at=NOW)
    assert await posting.prepare(database, effect) is None


async def test_progress_letter_tells_of_the_step_it_was_written_with(database: Database) -> None:
    case = await report(database)
    async with database.write() as tx:
        (one,) = await case_parties.list_own_reports(tx, GROUP, REPORTER)
        await cases.add_step(tx, case, CaseEvent.CLAIMED, Side.MODERATOR, NOW, actor_id=MODERATOR)
        await case_letters.add(tx, case, LetterKind.PROGRESS, NOW, report_id=one.id)
        await cases.add_step(
            tx, case, CaseEvent.REOPENED, Side.MODERATOR, NOW + DAY, actor_id=MODERATOR
        )
    (effect,) = await claim(database)
    found = await posting.prepare(database, effect)
    assert found is not None
    assert found.step is CaseEvent.CLAIMED
