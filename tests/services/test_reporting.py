"""Reports come in once, are kept as they were typed, and know what had been signed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.agreements import Duration
from bot.domain.breaches import (
    CaseEvent,
    CaseState,
    Clause,
    Evidence,
    ReportForm,
    Side,
    Source,
)
from bot.domain.effects import EffectKind
from bot.domain.errors import TooManyReportsError
from bot.services.cases import reporting
from bot.services.cases.reporting import KeptFile, Limits, Received
from bot.storage import case_reports, cases
from bot.storage.database import Database
from bot.storage.tables import effects
from tests.factories import NEWCOMER, NOW, make_agreement, publish, register
from tests.services.privacy.wishes import ME, erase, signed_twice
from tests.services.test_reminders import sign
from tests.storage.rows import AWKWARD

GROUP = "harbour-light"
REPORTER = 51
DAY = timedelta(days=1)
LIMITS = Limits(per_person=2, per_group=3)
FORM = ReportForm(
    what=AWKWARD,
    clause=Clause.COVERED,
    source=Source.MESSAGE,
    accused_id=NEWCOMER,
    incident_on=date(2026, 3, 1),
    link="https://discord.com/channels/1/2/3",
    quoted="What was said.",
)


async def report(
    database: Database,
    given_by: int = 1,
    *,
    form: ReportForm = FORM,
    reporter: int = REPORTER,
    after: timedelta = timedelta(),
) -> Received:
    now = NOW + after
    return await reporting.report(database, GROUP, reporter, form, given_by, LIMITS, now)


async def test_a_report_becomes_a_case_with_everything_that_follows(database: Database) -> None:
    await register(database)
    received = await report(database)
    assert (received.case_number, received.is_new) == (1, True)
    async with database.read() as tx:
        case = await cases.get_by_number(tx, GROUP, 1)
        assert (case.state, case.clause, case.has_accused) == (
            CaseState.OPEN,
            Clause.COVERED,
            True,
        )
        (kept,) = await case_reports.list_of_case(tx, case.id)
        assert (kept.reporter_id, kept.form) == (REPORTER, FORM)
        (step,) = await cases.list_timeline(tx, case.id)
        assert (step.kind, step.side, step.actor_id) == (CaseEvent.REPORTED, Side.REPORTER, None)
        rows = (await tx.execute(effects.select())).mappings().all()
    due = {row["kind"]: row for row in rows}
    assert {EffectKind.CASE_NOTICE, EffectKind.LETTER} <= set(due)
    for row in rows:
        assert row["member_id"] is None
        assert str(REPORTER) not in str(dict(row))


async def test_form_with_other_words_or_of_another_person_is_a_report_of_its_own(
    database: Database,
) -> None:
    await register(database)
    await report(database)
    more = await report(database, form=replace(FORM, what="And one thing more."))
    # Somebody makes up the number of a form that is not theirs, and learns nothing by it.
    other = await report(database, reporter=REPORTER + 1)
    assert [(one.case_number, one.is_new) for one in (more, other)] == [(2, True), (3, True)]


async def test_files_of_a_report_are_kept_once(database: Database) -> None:
    await register(database)
    received = await report(database)
    about = Evidence(name="a", media_type="text/plain", received_sha256="a", kept_sha256="a")
    files = [KeptFile(about=about, content=b"a")]
    assert await reporting.keep_evidence(database, received.report_id, files, NOW)
    assert not await reporting.keep_evidence(database, received.report_id, files, NOW)
    async with database.read() as tx:
        case = await cases.get_by_number(tx, GROUP, 1)
        assert len(await case_reports.list_evidence(tx, case.id)) == 1


async def test_the_same_form_twice_makes_one_case(database: Database) -> None:
    await register(database)
    first = await report(database)
    again = await report(database)
    assert again == replace(first, is_new=False)
    assert (await report(database, 2)).case_number == 2


async def test_nobody_accuses_themselves_and_no_word_is_lost(database: Database) -> None:
    await register(database)
    await report(database, reporter=NEWCOMER)
    async with database.read() as tx:
        case = await cases.get_by_number(tx, GROUP, 1)
        (kept,) = await case_reports.list_of_case(tx, case.id)
    assert not case.has_accused
    assert (kept.form.what, kept.form.accused_id) == (AWKWARD, None)


async def test_more_than_a_day_takes_is_refused_and_taken_the_day_after(
    database: Database,
) -> None:
    await register(database)
    await report(database, 1)
    await report(database, 2)
    with pytest.raises(TooManyReportsError):
        await report(database, 3)
    with pytest.raises(TooManyReportsError):
        await reporting.require_room(database, GROUP, REPORTER, LIMITS, NOW)
    # The limit of the group is another one.
    await report(database, 4, reporter=52)
    with pytest.raises(TooManyReportsError):
        await report(database, 5, reporter=53)
    # What came before still answers.
    assert not (await report(database, 2)).is_new
    await reporting.require_room(database, GROUP, REPORTER, LIMITS, NOW + DAY)
    assert (await report(database, 6, after=DAY)).is_new


async def signed_version(database: Database, form: ReportForm, after: timedelta) -> int | None:
    received = await report(database, form.__hash__() % 10**9, form=form, after=after)
    async with database.read() as tx:
        case = await cases.get_by_number(tx, GROUP, received.case_number)
    return case.signed_version_id


async def test_the_case_knows_what_had_been_signed_on_that_day(database: Database) -> None:
    year = make_agreement(duration=Duration(text="For 10 days.", days=10))
    version = await publish(database, agreement=year)
    await sign(database)
    seen = [
        await signed_version(database, replace(FORM, incident_on=day), 20 * DAY)
        for day in (date(2026, 2, 1), date(2026, 3, 5))
    ]
    assert seen == [None, version.id]
    limits_later = 22 * DAY
    # The signature has run out by then, and nobody knows the day.
    assert await signed_version(database, replace(FORM, incident_on=None), limits_later) is None


async def test_files_are_kept_and_lost_ones_are_asked_for(database: Database) -> None:
    await register(database)
    received = await report(database)
    about = Evidence(
        name="a.png", media_type="image/png", received_sha256="0" * 64, kept_sha256="1" * 64
    )
    files = [KeptFile(about=about, content=b"bytes"), KeptFile(about=about, content=None)]
    await reporting.keep_evidence(database, received.report_id, files, NOW)
    async with database.read() as tx:
        case = await cases.get_by_number(tx, GROUP, 1)
        kept = await case_reports.list_evidence(tx, case.id)
        assert [(one.is_kept, one.size) for one in kept] == [(True, 5), (False, 0)]
        assert await case_reports.find_content(tx, case.id, kept[0].id) == b"bytes"
        letters = (await tx.execute(effects.select())).mappings().all()
    assert sum(row["kind"] == EffectKind.LETTER for row in letters) == 2


@pytest.mark.parametrize("is_erased", [False, True])
async def test_what_was_signed_is_known_also_of_whoever_was_erased(
    database: Database, is_erased: bool
) -> None:
    await signed_twice(database)
    if is_erased:
        await erase(database)
    form = replace(FORM, accused_id=ME, incident_on=NOW.date())
    received = await report(database, form=form, after=DAY)
    async with database.read() as tx:
        case = await cases.get_by_number(tx, GROUP, received.case_number)
    assert case.signed_version_id is not None
