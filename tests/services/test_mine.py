"""What a party is told of their own cases, and taking a report back, on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from bot.domain.breaches import CaseEvent, CaseState, LetterKind, Look, Side
from bot.domain.entitlement import Viewer
from bot.domain.errors import CaseStateError, UnknownCaseError
from bot.services.cases import letters, merging, mine
from bot.services.cases.mine import OwnPart, Place
from bot.services.privacy import reading
from bot.storage import case_letters, case_parties, cases
from bot.storage.case_tables import breach_decisions
from bot.storage.database import Database
from tests.factories import NOW, register
from tests.services.test_letters import (
    ACCUSED,
    BY_ACCUSED,
    BY_MODERATOR,
    BY_OTHER,
    BY_REPORTER,
    CLOCKS,
    DAY,
    DESK,
    GROUP,
    MODERATOR,
    OTHER,
    REPORTER,
    close,
    report,
    timeline,
    written,
)

PLACE = Place(desk=DESK, clocks=CLOCKS)


@pytest.fixture(autouse=True)
async def _group(database: Database) -> None:
    await register(database)


async def look(database: Database, viewer: Viewer, days: float = 0) -> list[OwnPart]:
    return await mine.list_mine(database, [PLACE], viewer, NOW + days * DAY)


def events(part: OwnPart) -> list[CaseEvent]:
    return [one.kind for one in part.happened]


async def step(
    database: Database, number: int, kind: CaseEvent, side: Side = Side.MODERATOR
) -> None:
    async with database.write() as tx:
        case = await cases.get_by_number(tx, GROUP, number)
        actor = MODERATOR if side is Side.MODERATOR else None
        await cases.add_step(tx, case, kind, side, NOW, actor_id=actor, text="words of it")


async def test_reporter_sees_how_it_stands_and_nothing_that_was_written(
    database: Database,
) -> None:
    await report(database, REPORTER, OTHER)
    for kind in (CaseEvent.CLAIMED, CaseEvent.NOTED, CaseEvent.RECUSED, CaseEvent.MERGED):
        await step(database, 1, kind)
    await step(database, 1, CaseEvent.ANSWERED, Side.ACCUSED)
    await step(database, 1, CaseEvent.REPORT_WITHDRAWN, Side.REPORTER)
    await letters.ask(database, DESK, BY_MODERATOR, 1, Side.REPORTER, "Which day?", NOW)

    (part,) = await look(database, BY_REPORTER)

    assert (part.side, part.case.state, part.since) == (Side.REPORTER, CaseState.IN_REVIEW, NOW)
    assert events(part) == [CaseEvent.REPORTED, CaseEvent.CLAIMED, CaseEvent.ASKED]
    (own,) = part.letters
    assert (own.letter.text, own.answerable, own.waits) == ("Which day?", True, False)
    assert part.has_waiting
    assert part.may_withdraw
    assert part.appeal_until is None


async def test_answer_of_another_reporter_is_not_shown_as_ones_own(database: Database) -> None:
    case = await report(database, REPORTER, OTHER)
    await letters.ask(database, DESK, BY_MODERATOR, 1, Side.REPORTER, "Which day?", NOW)
    for letter in await written(database, case):
        async with database.read() as tx:
            recipient = await case_letters.find_recipient(tx, letter)
        if recipient == OTHER:
            await letters.answer(database, DESK, BY_OTHER, letter.id, "Monday.", NOW)
    (part,) = await look(database, BY_REPORTER)
    assert CaseEvent.ANSWERED not in events(part)
    (part,) = await look(database, BY_OTHER)
    assert CaseEvent.ANSWERED in events(part)


async def test_accused_knows_nothing_until_they_are_written_to(database: Database) -> None:
    await report(database)
    assert await look(database, BY_ACCUSED) == []
    await letters.begin_hearing(database, DESK, BY_MODERATOR, 1, "It is said …", NOW, CLOCKS)
    (part,) = await look(database, BY_ACCUSED)
    assert part.side is Side.ACCUSED
    assert events(part) == [CaseEvent.HEARD]
    assert not part.may_withdraw
    assert [one.letter.text for one in part.letters] == ["It is said …"]


async def test_case_of_somebody_else_is_nothing_of_mine(database: Database) -> None:
    await report(database)
    for viewer in (BY_OTHER, BY_MODERATOR):
        assert await look(database, viewer) == []
        with pytest.raises(UnknownCaseError):
            await mine.list_access(database, DESK, viewer, 1)
        with pytest.raises(UnknownCaseError):
            await mine.withdraw(database, DESK, viewer, 1, NOW)
    with pytest.raises(UnknownCaseError):
        await mine.list_access(database, DESK, BY_ACCUSED, 1)


async def test_what_waits_comes_first_then_the_newest(database: Database) -> None:
    for n in range(3):
        await report(database, accused=60 + n, now=NOW + n * DAY)
    await letters.ask(database, DESK, BY_MODERATOR, 1, Side.REPORTER, "Which day?", NOW)
    found = [part.case.case_number for part in await look(database, BY_REPORTER)]
    assert found == [1, 3, 2]


async def test_access_log_says_when_and_how_but_not_who(database: Database) -> None:
    case = await report(database, REPORTER, OTHER)
    async with database.read() as tx:
        reports = await _report_ids(database)
    async with database.write() as tx:
        await cases.log_access(tx, case.id, MODERATOR, Look.SHOWN, NOW + DAY)
        await cases.log_access(tx, case.id, MODERATOR, Look.EXPORTED, NOW + 2 * DAY)
        for n, report_id in enumerate(reports):
            at = NOW + (3 + n) * DAY
            await cases.log_access(tx, case.id, MODERATOR, Look.UNSEALED, at, "why", report_id)
    found = await mine.list_access(database, DESK, BY_REPORTER, 1)
    assert [(one.at - NOW, one.act) for one in found] == [
        (DAY, Look.SHOWN),
        (2 * DAY, Look.EXPORTED),
        (3 * DAY, Look.UNSEALED),
    ]
    assert str(MODERATOR) not in repr(found)


async def _report_ids(database: Database) -> list[int]:
    async with database.read() as tx:
        return [
            one.id
            for person in (REPORTER, OTHER)
            for one in await case_parties.list_own_reports(tx, GROUP, person)
        ]


async def test_merged_report_keeps_its_letters_and_the_memory_of_who_looked(
    database: Database,
) -> None:
    first = await report(database, OTHER)
    second = await report(database, REPORTER, now=NOW + DAY)
    async with database.write() as tx:
        await cases.log_access(tx, first.id, MODERATOR, Look.SHOWN, NOW + timedelta(hours=1))
        await cases.log_access(tx, second.id, MODERATOR, Look.SHOWN, NOW + 2 * DAY)
    await letters.ask(database, DESK, BY_MODERATOR, 2, Side.REPORTER, "Which day?", NOW + DAY)
    await merging.merge(database, DESK, BY_MODERATOR, 2, 1, NOW + 3 * DAY)
    async with database.write() as tx:
        await cases.log_access(tx, first.id, MODERATOR, Look.EXPORTED, NOW + 4 * DAY)

    (part,) = await look(database, BY_REPORTER, 5)
    assert part.case.case_number == 1
    (own,) = [one for one in part.letters if one.letter.kind is LetterKind.QUESTION]
    await letters.answer(database, DESK, BY_REPORTER, own.letter.id, "Monday.", NOW + 5 * DAY)
    assert (await timeline(database, first))[-1].text == "Monday."
    found = await mine.list_access(database, DESK, BY_REPORTER, 1)
    assert [one.at - NOW for one in found] == [2 * DAY, 4 * DAY]


async def test_answer_to_what_was_alleged_follows_the_case_it_was_merged_into(
    database: Database,
) -> None:
    first = await report(database, OTHER)
    second = await report(database, REPORTER)
    await letters.begin_hearing(database, DESK, BY_MODERATOR, 2, "It is said …", NOW, CLOCKS)
    (hearing,) = await written(database, second)
    await merging.merge(database, DESK, BY_MODERATOR, 2, 1, NOW)
    await letters.answer(database, DESK, BY_ACCUSED, hearing.id, "It was not me.", NOW)
    entry = (await timeline(database, first))[-1]
    assert (entry.kind, entry.side, entry.text) == (
        CaseEvent.ANSWERED,
        Side.ACCUSED,
        "It was not me.",
    )


async def test_report_is_taken_back_once_and_the_case_stays(database: Database) -> None:
    case = await report(database)
    assert await mine.withdraw(database, DESK, BY_REPORTER, 1, NOW + DAY)
    assert not await mine.withdraw(database, DESK, BY_REPORTER, 1, NOW + 2 * DAY)
    steps = [(one.kind, one.side, one.actor_id) for one in await timeline(database, case)]
    assert steps == [(CaseEvent.REPORT_WITHDRAWN, Side.REPORTER, None)]
    (part,) = await look(database, BY_REPORTER)
    assert (part.withdrawn_at, part.case.state) == (NOW + DAY, CaseState.IN_REVIEW)
    assert events(part)[-1] is CaseEvent.REPORT_WITHDRAWN
    assert not part.may_withdraw
    # They are still the reporter: the case is not shown to them as to a moderator.
    with pytest.raises(UnknownCaseError):
        await letters.preview(
            database,
            DESK,
            Viewer(member_id=REPORTER, is_moderator=True),
            1,
            Side.ACCUSED,
            "?",
        )


async def test_report_of_a_closed_case_is_not_taken_back(database: Database) -> None:
    case = await report(database)
    await close(database, case)
    with pytest.raises(CaseStateError):
        await mine.require_withdrawable(database, DESK, BY_REPORTER, 1)
    with pytest.raises(CaseStateError):
        await mine.withdraw(database, DESK, BY_REPORTER, 1, NOW)
    (part,) = await look(database, BY_REPORTER)
    assert not part.may_withdraw


async def test_accused_sees_until_when_they_can_appeal(database: Database) -> None:
    case = await report(database, state=CaseState.DECIDED)
    async with database.write() as tx:
        await cases.mark(tx, case.id, decided_at=NOW, outcome="removed")
        await tx.execute(
            insert(breach_decisions).values(
                case_id=case.id, outcome="removed", decided_by=MODERATOR, decided_at=NOW
            )
        )
        await case_letters.add(tx, case, LetterKind.OUTCOME, NOW, text="Removed.")
    (part,) = await look(database, BY_ACCUSED, 13)
    assert part.appeal_until == NOW + 14 * DAY
    (part,) = await look(database, BY_ACCUSED, 14)
    assert part.appeal_until is None
    assert str(ACCUSED) not in repr(part)


async def test_own_record_tells_of_a_merged_report_what_mine_tells(database: Database) -> None:
    first = await report(database, OTHER)
    second = await report(database, REPORTER, now=NOW + DAY)
    async with database.write() as tx:
        for case, kind, days in (
            (first, CaseEvent.CLAIMED, 2),
            (first, CaseEvent.HEARD, 3),
            (second, CaseEvent.CLAIMED, 4),
        ):
            await cases.add_step(
                tx, case, kind, Side.MODERATOR, NOW + days * DAY, actor_id=MODERATOR
            )
    await merging.merge(database, DESK, BY_MODERATOR, 2, 1, NOW + 5 * DAY)
    record = await reading.read_own(database, GROUP, REPORTER, NOW + 6 * DAY)
    steps = [one.values for one in record.rows if one.table == "breach_timeline"]
    told = [(one["kind"], one["at"]) for one in steps]
    assert told == [("claimed", NOW + 4 * DAY)]
