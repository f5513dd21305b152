"""What moderators do at the desk, and what it leaves behind, on both engines."""

from datetime import timedelta

import pytest

from bot.domain.breaches import CaseClocks as Clocks
from bot.domain.breaches import CaseState, Clause, Look
from bot.domain.case_clocks import Due, Waiting, due_next
from bot.domain.dossiers import clause_text
from bot.domain.entitlement import Viewer
from bot.domain.errors import CaseStateError, UnknownCaseError
from bot.services.cases import desk
from bot.storage import cases
from bot.storage.database import Database
from tests.factories import NOW, make_agreement, publish
from tests.services.cases.cases import (
    ACCUSED,
    DESK,
    MOD,
    MODERATOR,
    OTHER,
    OTHER_MOD,
    PNG,
    REPORTER,
    WORDS,
    add_file,
    decide,
    find,
    letters,
    looks,
    make_case,
    steps,
    waiting,
)

LATER = NOW + timedelta(days=1)
DAYS = [timedelta(days=n) for n in (3, 30, 3, 14)]
CLOCKS = Clocks(first_look=DAYS[0], feedback=DAYS[1], hearing=DAYS[2], appeal=DAYS[3])


async def test_show_has_everything_but_who_reported(database: Database) -> None:
    version = await publish(database)
    case = await make_case(database, signed_version_id=version.id)
    file_id = await add_file(database, case)

    shown = await desk.show(database, DESK, MODERATOR, 1, LATER)

    assert shown.accused_id == ACCUSED
    assert [one.form.what for one in shown.reports] == [WORDS]
    assert [one.reporter_id for one in shown.reports] == [None]
    assert str(REPORTER) not in repr(shown)
    assert [(one.id, one.size, one.is_kept) for one in shown.evidence] == [
        (file_id, len(PNG), True)
    ]
    assert (shown.signed_number, shown.signed) == (1, make_agreement())
    assert [entry.kind.value for entry in shown.timeline] == ["reported"]
    assert await looks(database) == [(MOD, Look.SHOWN, None, None)]


async def test_first_look_is_when_somebody_entitled_first_looked(database: Database) -> None:
    await publish(database)
    await make_case(database)
    with pytest.raises(UnknownCaseError):
        await desk.show(database, DESK, Viewer(member_id=ACCUSED, is_moderator=True), 1, NOW)
    assert (await find(database)).first_looked_at is None
    await desk.show(database, DESK, MODERATOR, 1, LATER)
    await desk.show(database, DESK, OTHER, 1, LATER + timedelta(days=1))
    assert (await find(database)).first_looked_at == LATER
    assert await waiting(database) == [("case_notice", "1")]


async def test_export_is_sealed_unless_this_moderator_has_unsealed(database: Database) -> None:
    await publish(database)
    await make_case(database, reporters=[REPORTER, 5])
    authors = await desk.unseal(database, DESK, MODERATOR, 1, "to arrange a talk", LATER)
    assert [one.reporter_id for one in authors] == [REPORTER, 5]

    mine = await desk.export(database, DESK, MODERATOR, 1, LATER)
    theirs = await desk.export(database, DESK, OTHER, 1, LATER)

    assert [one.reporter_id for one in mine.reports] == [REPORTER, 5]
    assert [one.reporter_id for one in theirs.reports] == [None, None]
    assert [one[:2] for one in await looks(database)][-2:] == [
        (MOD, Look.EXPORTED),
        (OTHER_MOD, Look.EXPORTED),
    ]


async def test_unsealing_is_noted_with_its_reason_and_told_to_each_reporter(
    database: Database,
) -> None:
    await publish(database)
    await make_case(database, reporters=[REPORTER, 5])
    await desk.unseal(database, DESK, MODERATOR, 1, "to arrange a talk", LATER)
    assert await looks(database) == [
        (MOD, Look.UNSEALED, report, "to arrange a talk") for report in (1, 2)
    ]
    assert await letters(database) == [
        ("unsealed", report, "to arrange a talk") for report in (1, 2)
    ]
    assert (await steps(database))[-1] == ("unsealed", MOD, "to arrange a talk")


async def test_a_report_that_is_merged_in_later_stays_sealed(database: Database) -> None:
    await publish(database)
    await make_case(database)
    await desk.unseal(database, DESK, MODERATOR, 1, "why", LATER)
    from bot.storage import case_reports
    from tests.services.cases.cases import make_form

    async with database.write() as tx:
        await case_reports.add(tx, 1, 5, make_form(), NOW)
    shown = await desk.export(database, DESK, MODERATOR, 1, LATER)
    assert [one.reporter_id for one in shown.reports] == [REPORTER, None]


async def test_claiming_tells_the_reporters_once(database: Database) -> None:
    await publish(database)
    await make_case(database)
    assert await desk.claim(database, DESK, MODERATOR, 1, NOW)
    assert not await desk.claim(database, DESK, MODERATOR, 1, LATER)
    assert await desk.claim(database, DESK, OTHER, 1, LATER)
    case = await find(database)
    assert (case.state, case.claimed_by, case.claimed_at) == (
        CaseState.IN_REVIEW,
        OTHER_MOD,
        LATER,
    )
    assert (case.first_looked_at, case.feedback_at) == (NOW, NOW)
    assert await letters(database) == [("progress", 1, None)]
    assert [step[:2] for step in await steps(database)] == [
        ("reported", None),
        ("claimed", MOD),
        ("claimed", OTHER_MOD),
    ]
    assert ("letter", "1") in await waiting(database)


async def test_decided_case_is_not_claimed_but_reopened(database: Database) -> None:
    await publish(database)
    case = await make_case(database)
    with pytest.raises(CaseStateError):
        await desk.reopen(database, DESK, MODERATOR, 1, "why", LATER)
    async with database.write() as tx:
        await decide(tx, case, MOD)
    with pytest.raises(CaseStateError):
        await desk.claim(database, DESK, MODERATOR, 1, LATER)
    await desk.reopen(database, DESK, OTHER, 1, "new facts", LATER)
    case = await find(database)
    assert (case.state, case.outcome, case.decided_at) == (CaseState.IN_REVIEW, None, None)
    assert case.claimed_by == OTHER_MOD
    assert (await steps(database))[-1] == ("reopened", OTHER_MOD, "new facts")
    assert await letters(database) == [("progress", 1, None)]


async def test_merged_or_purged_cases_stay_closed(database: Database) -> None:
    await publish(database)
    for values in ({"merged_into": 7}, {"purged_at": NOW}):
        case = await make_case(database)
        async with database.write() as tx:
            await cases.mark(tx, case.id, state=CaseState.CLOSED, closed_at=NOW, **values)
        with pytest.raises(CaseStateError):
            await desk.reopen(database, DESK, MODERATOR, case.case_number, "why", LATER)


async def test_whoever_steps_back_is_out_for_good(database: Database) -> None:
    await publish(database)
    await make_case(database)
    await desk.claim(database, DESK, MODERATOR, 1, NOW)
    await desk.recuse(database, DESK, MODERATOR, 1, LATER)
    assert (await find(database)).claimed_by is None
    assert (await steps(database))[-1] == ("recused", MOD, None)
    for act in (desk.show, desk.claim, desk.recuse, desk.export):
        with pytest.raises(UnknownCaseError):
            await act(database, DESK, MODERATOR, 1, LATER)
    assert (await desk.list_cases(database, DESK, MODERATOR, list(CaseState), 0, 10)).total == 0
    assert (await desk.list_cases(database, DESK, OTHER, list(CaseState), 0, 10)).total == 1


async def test_note_is_kept_in_the_timeline(database: Database) -> None:
    await publish(database)
    await make_case(database)
    await desk.note(database, DESK, MODERATOR, 1, "talked on the phone", LATER)
    assert (await steps(database))[-1] == ("noted", MOD, "talked on the phone")


async def test_file_is_handed_out_only_with_its_own_case(database: Database) -> None:
    await publish(database)
    first, second = await make_case(database), await make_case(database)
    file_id = await add_file(database, first)
    lost_id = await add_file(database, first, None)

    about, content = await desk.hand_out(database, DESK, MODERATOR, 1, file_id, LATER)

    assert (about.media_type, content) == ("image/png", PNG)
    for number, wanted in ((second.case_number, file_id), (1, lost_id), (1, 99)):
        with pytest.raises(UnknownCaseError):
            await desk.hand_out(database, DESK, MODERATOR, number, wanted, LATER)
    assert await looks(database) == [(MOD, Look.EVIDENCE, None, None)]


async def test_other_cases_about_the_person_are_numbers_and_only_those_one_may_know(
    database: Database,
) -> None:
    await publish(database)
    for reporters, outcome in (([REPORTER], "reminder"), ([MOD], "removed"), ([REPORTER], None)):
        case = await make_case(database, reporters=reporters)
        async with database.write() as tx:
            if outcome is not None:
                await decide(tx, case, OTHER_MOD, outcome)
    await make_case(database, accused=5)
    number = (await make_case(database)).case_number

    mine = (await desk.show(database, DESK, MODERATOR, number, LATER)).earlier
    theirs = (await desk.show(database, DESK, OTHER, number, LATER)).earlier

    assert (mine.outcomes, mine.undecided) == ((("reminder", 1),), 1)
    assert (theirs.outcomes, theirs.undecided) == ((("reminder", 1), ("removed", 1)), 1)


async def test_list_and_choices_hold_what_is_asked_for(database: Database) -> None:
    await publish(database)
    for _ in range(12):
        await make_case(database)
    await desk.claim(database, DESK, MODERATOR, 12, NOW)
    page = await desk.list_cases(database, DESK, MODERATOR, [CaseState.OPEN], 1, 10)
    assert (page.total, page.pages, [one.case_number for one in page.cases]) == (11, 2, [1])
    last = await desk.list_cases(database, DESK, MODERATOR, [CaseState.OPEN], 99, 10)
    assert last.page == 1
    found = await desk.list_choices(database, DESK, MODERATOR, list(CaseState), "1", 25)
    assert [one.case_number for one in found] == [12, 11, 10, 1]
    assert await desk.list_choices(database, DESK, MODERATOR, list(CaseState), "%", 25) == []


async def test_what_is_due_next_follows_the_case(database: Database) -> None:
    await publish(database)
    await make_case(database)
    assert due_next(await find(database), Waiting(), CLOCKS) == (Due.FIRST_LOOK, NOW + DAYS[0])
    await desk.claim(database, DESK, MODERATOR, 1, LATER)
    assert due_next(await find(database), Waiting(), CLOCKS) == (Due.FEEDBACK, LATER + DAYS[1])
    async with database.write() as tx:
        await decide(tx, await cases.get(tx, 1), MOD)
    assert due_next(await find(database), Waiting(), CLOCKS) == (Due.APPEAL_TIME, NOW + DAYS[3])
    async with database.write() as tx:
        await cases.mark(tx, 1, state=CaseState.CLOSED, closed_at=NOW)
    assert due_next(await find(database), Waiting(), CLOCKS) is None


def test_the_clause_in_question_is_the_part_of_the_agreement() -> None:
    agreement = make_agreement()
    assert [clause_text(agreement, clause) for clause in Clause] == [
        "Stories.",
        "Danger.",
        "Until you take it back.",
        "Stories.",
    ]


async def test_nothing_names_a_party_in_the_outbox(database: Database) -> None:
    await publish(database)
    await make_case(database)
    await desk.claim(database, DESK, MODERATOR, 1, NOW)
    await desk.unseal(database, DESK, MODERATOR, 1, "why", NOW)
    assert await waiting(database) == [
        ("case_notice", "1"),
        ("letter", "1"),
        ("letter", "2"),
    ]
