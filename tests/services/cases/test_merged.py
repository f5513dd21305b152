"""What becomes of a case that was merged into another: who sees it, and what counts of it."""

from datetime import datetime, timedelta

import pytest

from bot.domain.breaches import BreachCase, CaseClocks, CaseEvent, CaseState, LetterKind, Look
from bot.domain.effects import Effect, EffectKind
from bot.domain.entitlement import Viewer
from bot.domain.errors import CaseStateError, UnknownCaseError
from bot.services.cases import desk, letters, merging, mine, posting, retention
from bot.services.cases.mine import Place
from bot.storage import case_letters, cases, effects, suspensions
from bot.storage.database import Database
from tests.factories import NOW, publish
from tests.services.cases.cases import (
    ACCUSED,
    DESK,
    GROUP,
    MOD,
    MODERATOR,
    OTHER,
    OTHER_MOD,
    REPORTER,
    THIRD_MOD,
    find,
    hold_offices,
    make_case,
)

DAY = timedelta(days=1)
CLOCKS = CaseClocks(first_look=3 * DAY, feedback=30 * DAY, hearing=3 * DAY, appeal=14 * DAY)
PLACE = Place(desk=DESK, clocks=CLOCKS)
SECOND_REPORTER = 900_000_000_000_000_013
BY_ACCUSED = Viewer(member_id=ACCUSED)
ALLEGED, ANSWER = "It is said that something was passed on.", "It was not me."


async def two_cases(database: Database, second_reporter: int = SECOND_REPORTER) -> None:
    """Case 1, and case 2 of a day later, which is merged into it by the tests."""
    await publish(database)
    await hold_offices(database, [MOD, OTHER_MOD, THIRD_MOD])
    await make_case(database)
    await make_case(database, reporters=[second_reporter], now=NOW + DAY)


async def merge(
    database: Database, source: int = 2, target: int = 1, now: datetime = NOW + 2 * DAY
) -> BreachCase:
    return await merging.merge(database, DESK, MODERATOR, source, target, now)


async def hear(database: Database, number: int = 2) -> int:
    """The accused is told what is alleged; the id of the letter."""
    now = NOW + DAY
    await letters.begin_hearing(database, DESK, MODERATOR, number, ALLEGED, now, CLOCKS)
    async with database.read() as tx:
        return (await case_letters.list_to_accused(tx, (await find(database, number)).id))[-1].id


async def deliver(database: Database, letter_id: int, now: datetime) -> None:
    async with database.write() as tx:
        await case_letters.mark(tx, letter_id, delivered_at=now, due_at=now + CLOCKS.hearing)


@pytest.mark.parametrize("part", ["reporter", "accused", "recused"])
async def test_moderator_with_a_part_in_it_never_sees_what_was_merged(
    database: Database, part: str
) -> None:
    await publish(database)
    await hold_offices(database, [MOD, OTHER_MOD])
    accused = OTHER_MOD if part == "accused" else ACCUSED
    reporter = OTHER_MOD if part == "reporter" else SECOND_REPORTER
    await make_case(database, accused=accused)
    await make_case(database, accused=accused, reporters=[reporter])
    if part == "recused":
        await desk.recuse(database, DESK, OTHER, 1, NOW)
    await merge(database)

    listing = await desk.list_cases(database, DESK, OTHER, tuple(CaseState), 0, 10)
    assert (listing.total, listing.cases) == (0, ())
    assert await desk.list_choices(database, DESK, OTHER, tuple(CaseState), "", 9) == []
    for number in (1, 2):
        with pytest.raises(UnknownCaseError):
            await desk.show(database, DESK, OTHER, number, NOW)
        with pytest.raises(UnknownCaseError):
            await desk.export(database, DESK, OTHER, number, NOW)
    # Whoever has no part in it sees both.
    assert (await desk.list_cases(database, DESK, MODERATOR, tuple(CaseState), 0, 10)).total == 2
    assert (await desk.show(database, DESK, MODERATOR, 2, NOW)).case.merged_into == 1


async def test_whoever_steps_back_after_the_merging_has_stepped_back_from_both(
    database: Database,
) -> None:
    await two_cases(database)
    await merge(database)
    await desk.claim(database, DESK, OTHER, 1, NOW + 3 * DAY)
    await desk.recuse(database, DESK, OTHER, 2, NOW + 3 * DAY)
    for number in (1, 2):
        with pytest.raises(UnknownCaseError):
            await desk.show(database, DESK, OTHER, number, NOW)
    assert (await find(database)).claimed_by is None


async def test_case_that_was_merged_on_and_on_is_part_of_the_last_one(database: Database) -> None:
    await two_cases(database, second_reporter=OTHER_MOD)
    await make_case(database, reporters=[REPORTER], now=NOW + DAY)
    first = await find(database, 2)
    async with database.write() as tx:
        await suspensions.begin(tx, first, ACCUSED, NOW, until=None, provisional=True)
    await merge(database, 2, 1)
    await merge(database, 1, 3)
    assert [(await find(database, number)).merged_into for number in (1, 2, 3)] == [3, 3, None]
    for number in (1, 2, 3):
        with pytest.raises(UnknownCaseError):
            await desk.show(database, DESK, OTHER, number, NOW)
    async with database.read() as tx:
        running = await suspensions.list_running_for(tx, await find(database, 3))
    assert [one.member_id for one in running] == [ACCUSED]


async def test_what_the_accused_answered_counts_and_is_read_in_the_case_that_goes_on(
    database: Database,
) -> None:
    await two_cases(database)
    letter_id = await hear(database)
    await deliver(database, letter_id, NOW + DAY)
    await letters.answer(database, DESK, BY_ACCUSED, letter_id, ANSWER, NOW + DAY)
    target = await merge(database)

    async with database.read() as tx:
        assert await letters.was_heard(tx, target.id, NOW + 2 * DAY)
    dossier = await desk.show(database, DESK, MODERATOR, 1, NOW + 2 * DAY)
    texts = [entry.text for entry in dossier.timeline]
    assert texts.index(ALLEGED) < texts.index(ANSWER)
    assert [one.kind for one in dossier.letters if one.report_id is None] == [LetterKind.HEARING]


async def test_time_of_the_accused_to_answer_goes_on_in_the_case_that_goes_on(
    database: Database,
) -> None:
    await two_cases(database)
    letter_id = await hear(database)
    await deliver(database, letter_id, NOW + DAY)
    target = await merge(database)

    (part,) = await mine.list_mine(database, [PLACE], BY_ACCUSED, NOW + 2 * DAY)
    assert part.case.case_number == 1
    assert [(one.letter.id, one.answerable) for one in part.letters] == [(letter_id, True)]
    dossier = await desk.show(database, DESK, MODERATOR, 1, NOW + 2 * DAY)
    assert dossier.waiting.answer_until == NOW + 4 * DAY
    async with database.read() as tx:
        assert not await letters.was_heard(tx, target.id, NOW + 3 * DAY)
        assert await letters.was_heard(tx, target.id, NOW + 4 * DAY)


async def test_letter_on_its_way_to_the_accused_still_arrives(database: Database) -> None:
    await two_cases(database)
    letter_id = await hear(database)
    await merge(database)
    sent = await posting.prepare(database, await _letter_effect(database, letter_id))
    assert sent is not None
    assert (sent.member_id, sent.case_number, sent.letter.text) == (ACCUSED, 1, ALLEGED)


async def _letter_effect(database: Database, letter_id: int) -> Effect:
    async with database.write() as tx:
        claimed = await effects.claim(tx, NOW + 2 * DAY, 20, [GROUP], [])
    return next(
        one for one in claimed if (one.kind, one.detail) == (EffectKind.LETTER, str(letter_id))
    )


async def test_reporter_reads_of_their_own_report_and_not_of_what_was_before_it_came(
    database: Database,
) -> None:
    await two_cases(database)
    hour = timedelta(hours=1)
    await desk.claim(database, DESK, MODERATOR, 2, NOW + DAY + hour)
    # In the other case, in which this report was not yet:
    await desk.unseal(database, DESK, OTHER, 1, "why", NOW + DAY + 2 * hour)
    await merge(database)
    await desk.show(database, DESK, OTHER, 1, NOW + 3 * DAY)

    viewer = Viewer(member_id=SECOND_REPORTER)
    (part,) = await mine.list_mine(database, [PLACE], viewer, NOW + 3 * DAY)
    happened = [(one.kind, one.at) for one in part.happened]
    assert happened == [
        (CaseEvent.REPORTED, NOW + DAY),
        (CaseEvent.CLAIMED, NOW + DAY + hour),
    ]
    looks = await mine.list_access(database, DESK, viewer, 1)
    assert [(one.at, one.act) for one in looks] == [(NOW + 3 * DAY, Look.SHOWN)]


async def test_whose_name_was_shown_reads_that_it_was(database: Database) -> None:
    await two_cases(database)
    await desk.unseal(database, DESK, OTHER, 2, "why", NOW + DAY)
    await merge(database)
    viewer = Viewer(member_id=SECOND_REPORTER)
    (part,) = await mine.list_mine(database, [PLACE], viewer, NOW + 3 * DAY)
    assert CaseEvent.UNSEALED in [one.kind for one in part.happened]


async def test_what_was_merged_is_kept_as_long_as_what_it_went_into(database: Database) -> None:
    await two_cases(database)
    await merge(database)
    with pytest.raises(CaseStateError):
        await retention.extend(database, DESK, MODERATOR, 2, NOW + 90 * DAY, "why", NOW + 2 * DAY)
    kept = 30 * DAY
    await retention.warn_of_purge(database, GROUP, kept, NOW + 60 * DAY)
    assert await retention.purge_due(database, GROUP, kept, NOW + 90 * DAY) == 0
    async with database.write() as tx:
        target = await find(database)
        await cases.mark(tx, target.id, state=CaseState.CLOSED, closed_at=NOW + 90 * DAY)
    await retention.warn_of_purge(database, GROUP, kept, NOW + 110 * DAY)
    assert await retention.purge_due(database, GROUP, kept, NOW + 130 * DAY) == 1
    for number in (1, 2):
        assert (await find(database, number)).purged_at == NOW + 130 * DAY
