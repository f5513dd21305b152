"""Whoever has themselves erased is found nowhere afterwards, and nothing else has changed."""

import asyncio
import os
from datetime import timedelta

import pytest
from sqlalchemy import make_url, select, update

from bot.domain.breaches import CaseState, Clause, LetterKind
from bot.domain.effects import Effect, EffectKind, EffectState, Notice
from bot.domain.errors import RecordUnavailableError
from bot.domain.ledger import LedgerKind
from bot.domain.privacy import Whereabouts
from bot.services import (
    attesting,
    ledger,
    members,
    notices,
    outbox,
    reading_back,
    signing,
)
from bot.services.cases import access, ending
from bot.services.members import Present
from bot.services.privacy import erasing, reading
from bot.storage import (
    case_letters,
    case_reports,
    cases,
    erasures,
    proofs,
    requests,
    signatures,
    suspensions,
)
from bot.storage.case_tables import breach_cases, breach_letters, breach_reports
from bot.storage.database import Database
from bot.storage.ledger import find as find_entry
from bot.storage.proof_tables import proofs as proof_rows
from bot.storage.proofs import subject_in
from bot.storage.sealing import person_ref
from bot.storage.tables import effects, sweeps
from bot.storage.tables import erasures as marks
from tests.factories import FACILITATOR, NOW, RULES, publish
from tests.services.cases.cases import make_form
from tests.services.privacy.planting import everything, places_of, plant_everywhere
from tests.services.privacy.test_left_in_peace import LONG_AFTER, open_request
from tests.services.privacy.wishes import ME, NEIGHBOUR, TERMS, claim, erase, preview
from tests.services.test_ledger import ACCEPT, GROUP, Story

NOTE = "celandine-signed-on-paper"


async def waiting(database: Database) -> list[tuple[EffectKind, int | None, str | None]]:
    query = select(effects.c.kind, effects.c.member_id, effects.c.detail).order_by(effects.c.id)
    unfinished = query.where(effects.c.state.in_((EffectState.PENDING, EffectState.RUNNING)))
    async with database.read() as tx:
        return [(EffectKind(row[0]), row[1], row[2]) for row in await tx.execute(unfinished)]


# Nothing is left ---------------------------------------------------------------------------------


async def test_erased_person_is_found_nowhere_but_under_the_stated_names(
    database: Database, story: Story
) -> None:
    shown = await attesting.preview(database, GROUP, NEIGHBOUR + 1, NOW)
    await attesting.attest(
        database, GROUP, NEIGHBOUR + 1, shown, facilitator_id=FACILITATOR, note=NOTE, now=NOW
    )
    for member_id in (ME, NEIGHBOUR + 1):
        assert str(member_id) in await everything(database)
        await erase(database, member_id)
    assert NOTE not in await everything(database)
    await story.settle()
    dump = await everything(database)
    for member_id in (ME, NEIGHBOUR + 1):
        assert str(member_id) not in dump
    assert str(NEIGHBOUR) in dump

    async with database.read() as tx:
        subject, ref = subject_in(tx, GROUP, ME), person_ref(tx, GROUP, ME)
    places = {line.split()[0] for line in dump.splitlines() if subject in line}
    assert places == {"proofs"}
    assert {line.split()[0] for line in dump.splitlines() if ref in line} == {"erasures"}
    record = await reading.read_own(database, GROUP, ME, NOW)
    assert {row.table for row in record.rows} == {"proofs", "erasures"}


STAYS = {
    *("breach_cases.accused", "breach_reports.reporter", "suspensions.member"),
    *("agreement_versions.published_by", "signatures.attested_by", "officers.member_id"),
    *("breach_cases.claimed_by", "breach_timeline.actor_id", "breach_decisions.decided_by"),
    *("breach_drafts.moderator_id", "breach_recusals.moderator_id", "case_access.moderator_id"),
}
"""Where an account stays: in cases, in a pause, and where somebody acted for the group."""


async def test_whoever_stands_in_every_table_is_left_where_it_is_said_and_nowhere_else(
    database: Database,
) -> None:
    await plant_everywhere(database)
    before = await places_of(database, str(ME))
    assert before > STAYS
    assert {"signature_requests.member_id", "ledger_entries.payload", "effects.lane"} < before
    async with database.read() as tx:
        names = subject_in(tx, GROUP, ME), person_ref(tx, GROUP, ME)
    await erase(database)
    for effect in await claim(database):
        following: Effect | None = effect
        while following is not None:
            following = await outbox.finish(database, following, "done", NOW)
    assert await places_of(database, str(ME)) == STAYS
    assert await places_of(database, names[0]) == {"proofs.subject"}
    assert await places_of(database, names[1]) == {
        *("erasures.member_ref", "breach_reports.reporter_ref", "breach_cases.accused_ref"),
        *("suspensions.member_ref", "breach_calls.member_ref"),
    }


async def test_ledger_still_verifies_and_says_nothing_of_them(
    database: Database, story: Story
) -> None:
    before = await ledger.verify(database)
    await erase(database)
    await story.settle()
    after = await ledger.verify(database)
    assert (before.findings, after.findings) == ((), ())
    assert after.head.position > before.head.position
    assert (before.signatures, after.signatures, after.proofs) == (4, 2, 2)
    async with database.read() as tx:
        last = await find_entry(tx, after.head.position)
    # That a role was taken is recorded, and not whose.
    assert last is not None
    assert (last.kind, last.payload, last.subject) == (LedgerKind.REMOVED, "{}", None)


async def test_each_signature_leaves_a_proof_that_can_still_be_matched(
    database: Database, story: Story
) -> None:
    async with database.read() as tx:
        given = await signatures.list_of_member(tx, GROUP, ME)
    found = await erase(database)
    async with database.read() as tx:
        left = await proofs.list_of_member(tx, GROUP, ME)
        assert await signatures.list_of_member(tx, GROUP, ME) == []
    assert [one.receipt_number for one in left] == [one.receipt_number for one in given]
    assert [one.ended_at for one in left] == [given[0].revoked_at, NOW]
    assert found.proven_until == NOW + TERMS.proof
    assert {one.held_until for one in left} <= {found.proven_until, *(o.held_until for o in left)}


async def test_other_people_and_other_groups_stay_as_they_are(
    database: Database, story: Story
) -> None:
    await story.settle()
    async with database.read() as tx:
        theirs = await signatures.list_of_member(tx, GROUP, NEIGHBOUR)
        request = await requests.find_open(tx, GROUP, NEIGHBOUR)
    other = "still-water"
    await publish(database, other)
    person = Present(member_id=ME, has_role=False, joined_at=NOW)
    await members.welcome(database, other, [person], NOW, live=True)
    await erase(database)
    async with database.read() as tx:
        assert await signatures.list_of_member(tx, GROUP, NEIGHBOUR) == theirs
        assert await requests.find_open(tx, GROUP, NEIGHBOUR) == request
        assert await requests.find_open(tx, other, ME) is not None
    assert (await preview(database, group=other)).requests == 1
    assert (await preview(database, NEIGHBOUR)).signatures == 2


async def test_reading_of_the_member_list_does_not_remember_them(
    database: Database, story: Story
) -> None:
    async with database.write() as tx:
        values = {"started_at": NOW, "after_id": ME, "members": 1, "holders": 0}
        await tx.execute(sweeps.insert().values(group_key=GROUP, **values))
    await erase(database)
    async with database.read() as tx:
        assert (await tx.execute(select(sweeps.c.after_id))).scalar_one() == ME - 1


# What is done ------------------------------------------------------------------------------------


async def test_role_is_taken_and_they_are_told_last(database: Database, story: Story) -> None:
    found = await erase(database)
    assert (found.ends_access, found.signatures, found.requests) == (True, 2, 1)
    assert await waiting(database) == [
        (EffectKind.ALIGN_ROLE, ME, "erased"),
        (EffectKind.NOTICE, ME, "erased"),
    ]
    (role,) = await claim(database)
    assert role.kind is EffectKind.ALIGN_ROLE, "the message waits until the role is gone"
    assert await outbox.should_have_role(database, GROUP, ME, RULES, NOW) is False
    notice = await outbox.finish(database, role, outbox.ROLE_TAKEN, NOW)
    assert notice is not None
    facts = await notices.prepare_notice(database, notice, NOW)
    assert facts is not None
    assert (facts.notice, facts.has_access, facts.role_waits) == (Notice.ERASED, False, False)


async def test_whoever_left_has_no_role_to_take_and_no_mark(
    database: Database, story: Story
) -> None:
    await members.say_goodbye(database, [GROUP], ME, NOW)
    await erase(database, whereabouts=Whereabouts.AWAY)
    assert await waiting(database) == [(EffectKind.NOTICE, ME, "erased")]
    (notice,) = await claim(database)
    await outbox.record_blocked(database, notice, 50278, NOW)
    assert str(ME) not in await everything(database)
    assert not (await preview(database)).is_quiet


@pytest.mark.parametrize("end", ["done", "dropped", "gone", "blocked"])
async def test_nothing_is_kept_of_the_last_message_whatever_becomes_of_it(
    database: Database, story: Story, end: str
) -> None:
    await erase(database, whereabouts=Whereabouts.AWAY)
    (notice,) = await claim(database)
    match end:
        case "done":
            await outbox.finish(database, notice, "told", NOW)
        case "dropped":
            await outbox.drop(database, notice, "not now", NOW)
        case "gone":
            await outbox.drop_gone(database, notice, 10013, NOW)
        case _:
            await outbox.record_blocked(database, notice, 50007, NOW)
    assert str(ME) not in await everything(database)


async def test_role_that_cannot_be_taken_yet_stays_to_be_done(
    database: Database, story: Story
) -> None:
    await erase(database)
    (role,) = await claim(database)
    await outbox.hold(database, role, None, "role too high", NOW)
    (notice,) = await claim(database)
    facts = await notices.prepare_notice(database, notice, NOW)
    assert facts is not None
    assert facts.role_waits
    await outbox.finish(database, notice, "told", NOW)
    assert str(ME) in await everything(database)
    await outbox.all_clear(database, GROUP, [EffectKind.ALIGN_ROLE], [], NOW)
    (again,) = await claim(database)
    await outbox.finish(database, again, outbox.ROLE_TAKEN, NOW)
    assert str(ME) not in await everything(database)


async def test_process_that_dies_after_the_commit_leaves_the_role_to_the_next(
    database: Database, story: Story
) -> None:
    await erase(database)
    await claim(database)
    assert await outbox.take_over(database) == 1
    (again,) = await claim(database)
    assert (again.kind, again.member_id) == (EffectKind.ALIGN_ROLE, ME)


async def test_second_press_finds_nothing(database: Database, story: Story) -> None:
    shown = await preview(database)
    await erase(database)
    again = await erasing.erase(
        database, GROUP, ME, shown.fingerprint(), TERMS, NOW, whereabouts=Whereabouts.HERE
    )
    assert again is None
    await story.settle()
    now = await preview(database)
    assert (now.has_something, now.has_rest, now.is_quiet, now.proofs) == (False, True, True, 2)
    head = (await ledger.verify(database)).head
    await erase(database)
    assert (await ledger.verify(database)).head == head


async def test_button_from_before_a_new_signature_erases_nothing(
    database: Database, story: Story
) -> None:
    await story.react(ACCEPT, ME, removed=True)
    shown = await preview(database)
    await story.react(ACCEPT, ME)
    done = await erasing.erase(
        database, GROUP, ME, shown.fingerprint(), TERMS, NOW, whereabouts=Whereabouts.HERE
    )
    assert done is None
    assert (await preview(database)).signatures == 3


# In between --------------------------------------------------------------------------------------


async def test_request_on_its_way_is_forgotten_when_it_has_arrived(database: Database) -> None:
    story = Story(database)
    await story.publish()
    person = Present(member_id=ME, has_role=False, joined_at=NOW)
    await members.welcome(database, GROUP, [person], NOW, live=True)
    (effect,) = await claim(database)
    asking = await outbox.prepare_asking(database, effect)
    assert asking is not None
    await erase(database)
    place = outbox.Place(
        channel_id=1, message_id=77, sent_at=NOW, accept_emoji=ACCEPT, decline_emoji="❌"
    )
    await outbox.record_asked(database, effect, asking.version, place, NOW)
    await outbox.finish(database, effect, "asked", NOW)
    assert await signing.record_reaction(database, 77, ME, ACCEPT, NOW) is False
    await story.settle()
    assert str(ME) not in await everything(database)


async def test_request_that_a_crash_interrupted_is_not_sent_again(database: Database) -> None:
    story = Story(database)
    await story.publish()
    person = Present(member_id=ME, has_role=False, joined_at=NOW)
    await members.welcome(database, GROUP, [person], NOW, live=True)
    await claim(database)
    await erase(database)
    await outbox.take_over(database)
    asking = [one for one in await claim(database) if one.kind is EffectKind.ASK]
    assert [await outbox.prepare_asking(database, one) for one in asking] == [None]


async def test_role_that_is_being_given_is_taken_after_that(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await story.join(ME)
    message = await story.message_of(ME)
    await signing.record_reaction(database, message, ME, ACCEPT, NOW)
    (giving,) = await claim(database)
    assert giving.kind is EffectKind.ALIGN_ROLE
    await erase(database)
    assert await claim(database) == [], "the role waits for the giving"
    following = await outbox.finish(database, giving, outbox.ROLE_GIVEN, NOW)
    assert following is not None
    assert (following.kind, following.detail) == (EffectKind.ALIGN_ROLE, "erased")
    notice = await outbox.finish(database, following, outbox.ROLE_TAKEN, NOW)
    assert notice is not None
    await outbox.finish(database, notice, "told", NOW)
    assert str(ME) not in await everything(database)
    assert (await ledger.verify(database)).findings == ()


async def test_message_that_is_read_back_meanwhile_counts_no_more(
    database: Database, story: Story
) -> None:
    async with database.read() as tx:
        request = await requests.find_open(tx, GROUP, ME)
    assert request is not None
    await erase(database)
    news = await reading_back.record_found_answer(
        database, request.id, accepted=True, declined=False, observed_at=NOW, now=NOW
    )
    assert news is None
    assert not await reading_back.record_message_gone(database, request.id, NOW)
    assert request.message_id is not None
    assert not await signing.record_reaction(database, request.message_id, ME, ACCEPT, NOW)
    async with database.read() as tx:
        assert await signatures.find_unrevoked(tx, GROUP, ME) is None


async def test_what_waited_for_a_group_that_nobody_looks_after_goes_too(
    database: Database, story: Story
) -> None:
    await erase(database)
    (role,) = await claim(database)
    await outbox.hold(database, role, None, "role too high", NOW)
    assert not (await preview(database)).has_something
    found = await preview(database, is_former=True)
    assert (found.messages, found.lists, found.is_quiet) == (2, 1, False)

    await erase(database, whereabouts=Whereabouts.FORMER)
    assert str(ME) not in await everything(database)
    found = await preview(database, is_former=True)
    assert not found.has_something
    async with database.read() as tx:
        assert (await tx.execute(select(marks))).all() == []


async def test_log_of_the_file_has_no_page_from_before(
    database: Database, database_url: str, story: Story
) -> None:
    if database.dialect == "postgresql":
        return
    log = f"{make_url(database_url).database}-wal"
    assert await asyncio.to_thread(os.path.getsize, log)
    await erase(database)
    assert not await asyncio.to_thread(os.path.getsize, log)


async def test_erased_person_is_told_so_though_pledge_is_being_stopped(
    database: Database, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> bool:
        raise RecordUnavailableError

    monkeypatch.setattr(database, "drop_old_pages", refuse)
    assert (await erase(database)).signatures == 2
    assert not (await preview(database)).has_something


# What stays --------------------------------------------------------------------------------------


async def add_case(
    database: Database, *, reporter: int, accused: int, written_to: bool = False
) -> int:
    async with database.write() as tx:
        case = await cases.add(tx, GROUP, Clause.COVERED, accused, None, NOW)
        await case_reports.add(tx, case.id, reporter, make_form(accused), NOW)
        if written_to:
            await case_letters.add(tx, case, LetterKind.HEARING, NOW, text="alleged")
        await tx.execute(update(breach_letters).values(delivered_at=NOW))
    return case.case_number


async def test_cases_stay(database: Database, story: Story) -> None:
    mine = await add_case(database, reporter=ME, accused=NEIGHBOUR)
    told = await add_case(database, reporter=NEIGHBOUR, accused=ME, written_to=True)
    await add_case(database, reporter=NEIGHBOUR, accused=ME)
    found = await erase(database)
    assert (found.reported, found.concerned) == ((mine,), (told,))
    async with database.read() as tx:
        reports = list((await tx.execute(select(breach_reports.c.form))).scalars())
        accused = [await cases.find_accused(tx, row) for row in (1, 2, 3)]
    assert len([one for one in reports if one is not None]) == 3
    assert accused == [NEIGHBOUR, ME, ME]


async def test_case_that_was_closed_stays_until_its_time_is_over(
    database: Database, story: Story
) -> None:
    number = await add_case(database, reporter=ME, accused=NEIGHBOUR)
    async with database.write() as tx:
        await tx.execute(update(breach_cases).values(state=CaseState.CLOSED, closed_at=NOW))
    assert (await erase(database)).reported == (number,)


async def test_pause_cannot_be_escaped(database: Database, story: Story) -> None:
    await add_case(database, reporter=NEIGHBOUR, accused=ME, written_to=True)
    async with database.write() as tx:
        case = await cases.get(tx, 1)
        await suspensions.begin(tx, case, ME, NOW, until=NOW + timedelta(days=7))
    found = await erase(database)
    assert found.pause is not None
    assert found.pause.until == NOW + timedelta(days=7)
    await story.settle()
    async with database.read() as tx:
        version = (await signing.offer(database, GROUP, ME, NOW)).version.id
        assert await suspensions.find_running(tx, GROUP, ME) == found.pause
    await signing.accept_by_button(database, GROUP, ME, version, NOW)
    assert await outbox.should_have_role(database, GROUP, ME, RULES, NOW) is False


async def test_end_of_a_pause_does_not_ask_who_is_left_in_peace(
    database: Database, story: Story
) -> None:
    await add_case(database, reporter=NEIGHBOUR, accused=ME, written_to=True)
    async with database.write() as tx:
        case = await cases.get(tx, 1)
        await access.close(tx, case, ME, NOW, until=LONG_AFTER)
    await erase(database)
    assert await ending.end_due_suspensions(database, [GROUP], LONG_AFTER) == 1
    assert await open_request(database) is None


async def test_what_they_did_for_the_group_stays(database: Database, story: Story) -> None:
    found = await preview(database, FACILITATOR)
    assert (found.acts, found.has_something, found.has_rest) == (1, False, True)


async def test_mark_is_no_name(database: Database, story: Story) -> None:
    await erase(database)
    async with database.read() as tx:
        (mark,) = (await tx.execute(select(marks))).mappings()
        assert await erasures.is_in_peace(tx, GROUP, ME)
        assert not await erasures.is_in_peace(tx, "still-water", ME)
    assert len(mark["member_ref"]) == 64
    assert str(ME) not in str(dict(mark))


async def test_proofs_are_of_the_group_alone(database: Database, story: Story) -> None:
    await erase(database)
    async with database.read() as tx:
        assert set((await tx.execute(select(proof_rows.c.group_key))).scalars()) == {GROUP}
