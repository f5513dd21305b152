"""Cases in time: reminders of limits, merging, keeping longer, and the end, on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from bot.domain.breaches import (
    BreachCase,
    CaseClocks,
    CaseEvent,
    CaseState,
    Clause,
    LetterKind,
    Look,
    ReportForm,
    Side,
    Source,
)
from bot.domain.case_clocks import Clock, Stage
from bot.domain.effects import EffectKind, Report, unpack
from bot.domain.entitlement import Office, Viewer
from bot.domain.errors import CaseMismatchError, CaseStateError, UnknownCaseError
from bot.services.cases import clocks, merging, retention, statistics
from bot.services.cases.opening import Desk
from bot.services.ledger import verify
from bot.storage import case_letters, case_reports, cases, officers
from bot.storage.case_tables import breach_cases, breach_timeline
from bot.storage.database import Database
from bot.storage.tables import effects, metadata
from tests.factories import NOW, register

GROUP = "harbour-light"
DAY = timedelta(days=1)
CLOCKS = CaseClocks(first_look=3 * DAY, feedback=30 * DAY, hearing=3 * DAY, appeal=14 * DAY)
DESK = Desk(group_key=GROUP, owner_id=1)
REPORTER, OTHER_REPORTER, ACCUSED, MODERATOR = 51, 52, 53, 54
VIEWER = Viewer(member_id=MODERATOR, is_moderator=True)
FORM = ReportForm(what="A story was retold.", clause=Clause.COVERED, source=Source.COMMAND)


async def report(
    database: Database, *, reporter: int = REPORTER, accused: int | None = ACCUSED
) -> BreachCase:
    """A case with one report."""
    async with database.write() as tx:
        await officers.add_seen(tx, GROUP, Office.MODERATOR, [MODERATOR], NOW)
        case = await cases.add(tx, GROUP, Clause.COVERED, accused, None, NOW)
        await case_reports.add(tx, case.id, reporter, replace(FORM, accused_id=accused), NOW)
        await cases.add_step(tx, case, CaseEvent.REPORTED, Side.REPORTER, NOW)
    return case


async def close(database: Database, case: BreachCase, days: float = 0) -> None:
    async with database.write() as tx:
        at = NOW + days * DAY
        await cases.mark(tx, case.id, state=CaseState.CLOSED, closed_at=at, outcome="reminder")


async def told(database: Database) -> list[tuple[str, dict[str, object]]]:
    """What the moderators' channel is to be told of cases, in order."""
    async with database.read() as tx:
        rows = await tx.execute(
            select(effects.c.detail)
            .where(effects.c.kind == EffectKind.REPORT)
            .order_by(effects.c.id)
        )
        found = [unpack(detail) for detail in rows.scalars()]
    wanted = (Report.CASE_DUE, Report.CASES_END)
    return [(str(word), dict(facts)) for word, facts in found if word in wanted]


async def read(database: Database, number: int) -> BreachCase:
    async with database.read() as tx:
        return await cases.get_by_number(tx, GROUP, number)


@pytest.fixture(autouse=True)
async def _group(database: Database) -> None:
    await register(database)


async def test_each_limit_is_told_of_once_before_and_once_at_it(database: Database) -> None:
    await report(database)
    for hours in range(0, 34 * 24, 6):
        await clocks.remind(database, DESK, CLOCKS, NOW + timedelta(hours=hours))
    said = [
        (facts["clock"], facts["stage"], facts["case"]) for _word, facts in await told(database)
    ]
    assert said == [
        (Clock.FIRST_LOOK, Stage.BEFORE, 1),
        (Clock.FIRST_LOOK, Stage.AT, 1),
        (Clock.FEEDBACK, Stage.BEFORE, 1),
        (Clock.FEEDBACK, Stage.AT, 1),
    ]


async def test_after_an_absence_only_the_limit_itself_is_told_of(database: Database) -> None:
    await report(database)
    assert await clocks.remind(database, DESK, CLOCKS, NOW + 5 * DAY) == 1
    ((_word, facts),) = await told(database)
    assert facts["stage"] == Stage.AT


async def test_what_was_looked_at_in_time_is_not_told_of(database: Database) -> None:
    case = await report(database)
    async with database.write() as tx:
        await cases.mark(tx, case.id, first_looked_at=NOW + DAY)
    assert await clocks.remind(database, DESK, CLOCKS, NOW + 5 * DAY) == 0


async def test_a_channel_whose_readers_all_have_a_part_hears_nothing(database: Database) -> None:
    await report(database, accused=MODERATOR)
    async with database.write() as tx:
        await officers.begin(tx, GROUP, "roles", NOW)
        await officers.add_seen(tx, GROUP, Office.MODERATOR, [MODERATOR], NOW)
        await officers.complete(tx, GROUP, NOW)
    assert await clocks.remind(database, DESK, CLOCKS, NOW + 2 * DAY) == 1
    assert await told(database) == []
    async with database.write() as tx:
        await officers.add_seen(tx, GROUP, Office.MODERATOR, [MODERATOR + 1], NOW)
    # Somebody is there again who may know of it.
    assert await clocks.remind(database, DESK, CLOCKS, NOW + 5 * DAY) == 1
    assert len(await told(database)) == 1


async def test_a_hearing_without_an_answer_has_its_clock(database: Database) -> None:
    case = await report(database)
    async with database.write() as tx:
        await cases.mark(tx, case.id, state=CaseState.IN_REVIEW, first_looked_at=NOW)
        kind, until = LetterKind.HEARING, NOW + 3 * DAY
        await case_letters.add(tx, case, kind, NOW, text="Your side?", due_at=until)
    assert await clocks.remind(database, DESK, CLOCKS, NOW + 3 * DAY) == 1
    ((_word, facts),) = await told(database)
    assert (facts["clock"], facts["stage"]) == (Clock.HEARING, Stage.AT)


async def test_every_case_of_many_is_reminded_of(database: Database) -> None:
    for _number in range(clocks.CASES_PER_RUN + 1):
        await report(database)
    reminded = await clocks.remind(database, DESK, CLOCKS, NOW + 3 * DAY)
    assert reminded == clocks.CASES_PER_RUN + 1


async def test_a_merged_case_goes_on_under_one_number_with_both_reports(
    database: Database,
) -> None:
    await report(database)
    second = await report(database, reporter=OTHER_REPORTER)
    merged = await merging.merge(database, DESK, VIEWER, 2, 1, NOW)
    assert merged.case_number == 1
    given_up = await read(database, 2)
    assert (given_up.state, given_up.merged_into) == (CaseState.CLOSED, 1)
    async with database.read() as tx:
        people = await cases.read_people(tx, merged.id)
        assert people.reporters == {REPORTER, OTHER_REPORTER}
        assert await case_reports.list_of_case(tx, second.id) == []
        timeline = [entry.kind for entry in await cases.list_timeline(tx, merged.id)]
    assert timeline == [CaseEvent.REPORTED, CaseEvent.MERGED]


async def test_a_reporter_of_either_case_has_a_part_in_the_merged_one(database: Database) -> None:
    await report(database)
    await report(database, reporter=OTHER_REPORTER)
    colleague = Viewer(member_id=OTHER_REPORTER, is_moderator=True)
    await merging.merge(database, DESK, VIEWER, 2, 1, NOW)
    with pytest.raises(UnknownCaseError):
        await retention.extend(database, DESK, colleague, 1, NOW + DAY, "why", NOW)


@pytest.mark.parametrize("numbers", [(1, 1), (1, 2)])
async def test_cases_about_different_people_stay_apart(
    database: Database, numbers: tuple[int, int]
) -> None:
    await report(database)
    await report(database, accused=77)
    with pytest.raises(CaseMismatchError):
        await merging.merge(database, DESK, VIEWER, *numbers, NOW)


@pytest.mark.parametrize("reporter", [ACCUSED, OTHER_REPORTER])
@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
async def test_refusing_to_merge_tells_nobody_whether_the_accused_reported_the_other(
    database: Database, numbers: tuple[int, int], reporter: int
) -> None:
    await report(database)
    await report(database, reporter=reporter, accused=None)
    with pytest.raises(CaseMismatchError):
        await merging.merge(database, DESK, VIEWER, *numbers, NOW)


async def test_two_cases_that_name_nobody_can_be_merged(database: Database) -> None:
    await report(database, accused=None)
    await report(database, reporter=OTHER_REPORTER, accused=None)
    assert not (await merging.merge(database, DESK, VIEWER, 2, 1, NOW)).has_accused


async def test_closed_cases_are_not_merged(database: Database) -> None:
    await close(database, await report(database))
    await report(database)
    with pytest.raises(CaseStateError):
        await merging.merge(database, DESK, VIEWER, 2, 1, NOW)


async def test_whoever_reported_cannot_merge_even_as_a_moderator(database: Database) -> None:
    await report(database)
    await report(database, reporter=OTHER_REPORTER)
    for part in (REPORTER, OTHER_REPORTER, ACCUSED):
        viewer = Viewer(member_id=part, is_moderator=True, is_facilitator=True, is_owner=True)
        with pytest.raises(UnknownCaseError):
            await merging.merge(database, DESK, viewer, 2, 1, NOW)


KEPT = 365 * DAY


async def days_of(database: Database, days: range) -> tuple[list[int], list[int]]:
    """On which days the channel is warned, and on which something is destroyed."""
    warned, purged = [], []
    for day in days:
        now = NOW + day * DAY
        if await retention.warn_of_purge(database, GROUP, KEPT, now):
            warned.append(day)
        if await retention.purge_due(database, GROUP, KEPT, now):
            purged.append(day)
    return warned, purged


async def test_a_closed_case_goes_after_a_year_and_a_warning(database: Database) -> None:
    await close(database, await report(database))
    await report(database)
    assert await days_of(database, range(340, 380)) == ([351], [365])
    stub = await read(database, 1)
    assert (stub.outcome, stub.purged_at, stub.has_accused) == ("reminder", NOW + KEPT, False)
    assert (await read(database, 2)).purged_at is None
    ((_word, facts),) = await told(database)
    assert facts["cases"] == "#1"


async def test_after_an_outage_nothing_goes_before_the_warning_was_there_two_weeks(
    database: Database,
) -> None:
    await close(database, await report(database))
    assert await days_of(database, range(500, 530)) == ([500], [514])


async def test_of_a_destroyed_case_no_table_holds_anything_that_names_somebody(
    database: Database,
) -> None:
    case = await report(database)
    async with database.write() as tx:
        await case_letters.add(tx, case, LetterKind.HEARING, NOW, text="words of a letter")
        await cases.log_access(tx, case.id, MODERATOR, Look.SHOWN, NOW, "a reason")
    await close(database, case)
    await days_of(database, range(351, 366))
    async with database.read() as tx:
        for table in metadata.sorted_tables:
            if "case_id" in table.c:
                left = select(func.count()).select_from(table).where(table.c.case_id == case.id)
                assert (await tx.execute(left)).scalar_one() == 0, table.name
        row = (await tx.execute(select(breach_cases))).mappings().one()
        assert {row[name] for name in ("accused", "accused_ref", "claimed_by")} == {None}
    assert (await verify(database)).wrong == 0


async def test_a_case_can_be_kept_longer_and_is_warned_of_again(database: Database) -> None:
    await close(database, await report(database))
    await days_of(database, range(351, 360))
    until = NOW + 400 * DAY
    kept = await retention.extend(
        database, DESK, VIEWER, 1, until, "An appeal in court.", NOW + 360 * DAY
    )
    assert kept == until
    warned, purged = await days_of(database, range(361, 430))
    assert (warned, purged) == ([400], [414])


async def test_nobody_keeps_a_case_for_ever_or_one_that_still_runs(database: Database) -> None:
    case = await report(database)
    with pytest.raises(CaseStateError):
        await retention.extend(database, DESK, VIEWER, 1, NOW + DAY, "why", NOW)
    await close(database, case)
    kept = await retention.extend(database, DESK, VIEWER, 1, NOW + 9_000 * DAY, "why", NOW)
    assert kept == NOW + 365 * DAY


async def test_a_timeline_cannot_be_shortened_before_its_case_goes(database: Database) -> None:
    case = await report(database)
    for statement in ("DELETE FROM breach_timeline", "UPDATE breach_timeline SET kind = 'closed'"):
        with pytest.raises(Exception, match="append-only"):
            async with database.write() as tx:
                await tx.execute(text(statement))
    async with database.read() as tx:
        query = select(func.count()).where(breach_timeline.c.case_id == case.id)
        assert (await tx.execute(query)).scalar_one() == 1


async def test_statistics_count_cases_and_show_no_small_number(database: Database) -> None:
    for _number in range(6):
        await close(database, await report(database))
    await report(database)
    found = await statistics.count(database, DESK, VIEWER, NOW - DAY, NOW + DAY)
    assert (found.total, found.running, found.outcomes) == (None, None, {"reminder": 6})


async def test_statistics_count_no_case_in_which_the_reader_has_a_part(
    database: Database,
) -> None:
    for number in range(7):
        await report(database, accused=ACCUSED if number else MODERATOR)
    found = await statistics.count(database, DESK, VIEWER, NOW - DAY, NOW + DAY)
    assert (found.total, found.running) == (6, 6)


@pytest.mark.parametrize(
    ("running", "outcomes"), [(1, {"reminder": 1, "no_breach": 9}), (4, {"reminder": 4})]
)
def test_no_small_number_can_be_reckoned_from_the_others(
    running: int, outcomes: dict[str, int]
) -> None:
    assert statistics.suppress(running, outcomes).total is None
