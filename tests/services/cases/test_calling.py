"""Who takes a case when no moderator is left, and that lists say of each what one case says."""

import random
from datetime import timedelta

import pytest

from bot.domain.breaches import CaseClocks, CaseEvent, CaseState, Side
from bot.domain.entitlement import Act, Handlers, Office, Viewer, handlers_of, may
from bot.domain.errors import DecidedBeforeError, UnknownCaseError
from bot.services import holders
from bot.services.cases import calling, clocks, desk, mine
from bot.services.cases.opening import Desk, open_case, read_offices
from bot.services.holders import Page
from bot.storage import case_lists, cases, effects, officers
from bot.storage.database import Database
from bot.texts.mine import looks
from tests.factories import NOW, publish
from tests.services.cases.cases import (
    ACCUSED,
    DESK,
    ESCALATION,
    GROUP,
    MOD,
    MODERATOR,
    OTHER,
    OTHER_MOD,
    OWNER,
    REPORTER,
    add_case,
    decide,
    finish_effects,
    hold_offices,
    letters,
    make_case,
    waiting,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLOCKS = CaseClocks(first_look=3 * DAY, feedback=30 * DAY, hearing=3 * DAY, appeal=14 * DAY)
ESCALATED = Viewer(member_id=ESCALATION, is_escalation=True)
OWNING = Viewer(member_id=OWNER, is_owner=True)


async def perform_notice(database: Database, at: Desk = DESK) -> calling.NoticeFacts:
    """What the worker does with the row of the notice, as far as the record goes."""
    async with database.write() as tx:
        case = await cases.get(tx, 1)
        await cases.request_notice(tx, case, NOW)
        (effect,) = [
            one
            for one in await effects.claim(tx, NOW, 9, [GROUP], [GROUP])
            if one.kind == "case_notice"
        ]
    return await calling.prepare_notice(database, at, effect, NOW)


async def test_case_stays_with_the_moderators_while_one_is_left(database: Database) -> None:
    await publish(database)
    await make_case(database, accused=MOD)
    await hold_offices(database, [MOD, OTHER_MOD], [ESCALATION])
    facts = await perform_notice(database)
    assert facts.is_for_channel
    assert [kind for kind, _ in await waiting(database)] == []
    with pytest.raises(UnknownCaseError):
        await desk.show(database, DESK, ESCALATED, 1, NOW)


@pytest.mark.parametrize(
    ("parties", "escalation", "handlers"),
    [
        ({"accused": MOD}, [ESCALATION], Handlers.ESCALATION),
        ({"reporters": [MOD]}, [ESCALATION], Handlers.ESCALATION),
        ({"recused": [MOD]}, [ESCALATION], Handlers.ESCALATION),
        ({"accused": MOD}, [], Handlers.OWNER),
        ({"accused": MOD, "reporters": [ESCALATION]}, [ESCALATION], Handlers.OWNER),
    ],
)
async def test_whoever_comes_next_is_called_privately_and_may_see_it(
    database: Database,
    parties: dict[str, object],
    escalation: list[int],
    handlers: Handlers,
) -> None:
    await publish(database)
    await make_case(database, **parties)
    await finish_effects(database)
    await hold_offices(database, [MOD], escalation)

    facts = await perform_notice(database)

    # Nobody who reads the channel could act on it, so it is not told there.
    assert not facts.is_for_channel
    assert [kind for kind, _ in await waiting(database)] == ["case_call"]
    async with database.write() as tx:
        (effect,) = await effects.claim(tx, NOW, 9, [GROUP], [GROUP])
    call = await calling.prepare_call(database, DESK, effect)
    assert call is not None
    person = ESCALATION if handlers is Handlers.ESCALATION else OWNER
    assert (call.handlers, call.people) == (handlers, (person,))
    viewer = ESCALATED if handlers is Handlers.ESCALATION else OWNING
    assert (await desk.show(database, DESK, viewer, 1, NOW)).case.case_number == 1
    await calling.record_called(database, call.case, person, NOW, reached=True)
    assert await calling.prepare_call(database, DESK, effect) is None
    assert await calling.look_for_uncalled(database, DESK, NOW) == 0


async def test_where_nobody_is_left_the_reporters_are_told_once(database: Database) -> None:
    await publish(database)
    await make_case(database, reporters=[REPORTER, OWNER], accused=MOD)
    await hold_offices(database, [MOD], [])
    for _ in range(2):
        assert not (await perform_notice(database)).is_for_channel
        await finish_effects(database)
    assert await calling.look_for_uncalled(database, DESK, NOW) == 0
    assert await letters(database) == [("nobody_left", 1, None), ("nobody_left", 2, None)]


async def test_last_moderator_who_steps_back_has_the_next_one_called(database: Database) -> None:
    await publish(database)
    await make_case(database)
    await hold_offices(database, [MOD], [ESCALATION])
    assert (await perform_notice(database)).is_for_channel
    await finish_effects(database)
    await desk.recuse(database, DESK, MODERATOR, 1, NOW)
    await perform_notice(database)
    assert ("case_call", "1") in await waiting(database)


async def test_moderator_who_leaves_leaves_no_case_alone(database: Database) -> None:
    await publish(database)
    await make_case(database, accused=MOD)
    await make_case(database)
    await hold_offices(database, [MOD, OTHER_MOD], [ESCALATION])
    await finish_effects(database)
    assert not await calling.note_office(database, GROUP, OTHER_MOD, [Office.MODERATOR], NOW)
    assert await calling.look_for_uncalled(database, DESK, NOW) == 0
    assert await calling.note_office(database, GROUP, OTHER_MOD, [], NOW)
    assert await calling.look_for_uncalled(database, DESK, NOW) == 1
    assert await waiting(database) == [("case_call", "1")]
    # As long as that call waits, there is no second one.
    await calling.look_for_uncalled(database, DESK, NOW)
    assert await waiting(database) == [("case_call", "1")]
    # When a moderator comes, the case is theirs, and the call is not needed any more.
    await calling.note_office(database, GROUP, 5, [Office.MODERATOR], NOW)
    async with database.write() as tx:
        (effect,) = await effects.claim(tx, NOW, 9, [GROUP], [GROUP])
    assert await calling.prepare_call(database, DESK, effect) is None


async def test_case_that_comes_back_to_the_moderators_is_told_in_their_channel(
    database: Database,
) -> None:
    await publish(database)
    await make_case(database, accused=MOD)
    await hold_offices(database, [MOD], [ESCALATION])
    await perform_notice(database)
    await finish_effects(database)
    assert await calling.look_for_unposted(database, DESK, NOW) == 0
    await calling.note_office(database, GROUP, OTHER_MOD, [Office.MODERATOR], NOW)
    assert await calling.look_for_unposted(database, DESK, NOW) == 1
    assert await waiting(database) == [("case_notice", "1")]
    # As long as that waits, or stands there, there is no second one.
    assert await calling.look_for_unposted(database, DESK, NOW) == 0
    await finish_effects(database)
    async with database.write() as tx:
        await cases.mark(tx, 1, notice_channel_id=1, notice_message_id=2)
    assert await calling.look_for_unposted(database, DESK, NOW) == 0


async def test_appeal_that_no_moderator_may_decide_is_called_for(database: Database) -> None:
    await publish(database)
    case = await make_case(database)
    await hold_offices(database, [MOD], [ESCALATION])
    async with database.write() as tx:
        await decide(tx, case, MOD, appealed=True)
    await finish_effects(database)
    assert await calling.look_for_uncalled(database, DESK, NOW) == 1
    for viewer in (ESCALATED, MODERATOR):
        await desk.show(database, DESK, viewer, 1, NOW)
    async with database.read() as tx:
        for act in (Act.DECIDE, Act.CLAIM):
            with pytest.raises(DecidedBeforeError):
                await open_case(tx, DESK, 1, MODERATOR, act)
            await open_case(tx, DESK, 1, ESCALATED, act)


async def test_appeal_is_called_for_anew_also_to_whom_the_case_was_known(
    database: Database,
) -> None:
    second = ESCALATION + 1
    await publish(database)
    case = await make_case(database, accused=MOD)
    await hold_offices(database, [MOD], [ESCALATION, second])
    await perform_notice(database)
    for person in (ESCALATION, second):
        await calling.record_called(database, case, person, NOW, reached=True)
    await finish_effects(database)
    assert await calling.look_for_uncalled(database, DESK, NOW) == 0
    async with database.write() as tx:
        await decide(tx, case, ESCALATION, appealed=True)
        await cases.add_step(tx, case, CaseEvent.APPEALED, Side.ACCUSED, NOW + HOUR)
    assert await calling.look_for_uncalled(database, DESK, NOW + HOUR) == 1
    async with database.write() as tx:
        (effect,) = await effects.claim(tx, NOW + HOUR, 9, [GROUP], [GROUP])
    call = await calling.prepare_call(database, DESK, effect)
    assert call is not None
    assert call.people == (second,)
    await calling.record_called(database, call.case, second, NOW + HOUR, reached=True)
    assert await calling.prepare_call(database, DESK, effect) is None


async def test_whoever_stands_in_for_the_moderators_is_reminded_as_they_are(
    database: Database,
) -> None:
    await publish(database)
    case = await make_case(database, accused=MOD)
    await hold_offices(database, [MOD], [ESCALATION])
    await finish_effects(database)
    late = NOW + CLOCKS.first_look
    assert await clocks.remind(database, DESK, CLOCKS, late) == 1
    assert await clocks.remind(database, DESK, CLOCKS, late) == 0
    async with database.write() as tx:
        found = await effects.claim(tx, late, 9, [GROUP], [GROUP])
    (effect,) = [one for one in found if one.kind == "case_call"]
    assert calling.is_reminder(effect)
    reminder = await calling.prepare_reminder(database, DESK, CLOCKS, effect)
    assert reminder is not None
    assert (reminder.people, reminder.facts["clock"]) == ((ESCALATION,), "first_look")
    # What was handled meanwhile is not told of.
    async with database.write() as tx:
        await cases.mark(tx, case.id, first_looked_at=late)
    assert await calling.prepare_reminder(database, DESK, CLOCKS, effect) is None


async def test_access_log_names_the_office_of_whoever_looked(database: Database) -> None:
    await publish(database)
    await make_case(database, accused=MOD)
    await hold_offices(database, [MOD], [ESCALATION])
    await desk.show(database, DESK, ESCALATED, 1, NOW)
    await desk.unseal(database, DESK, ESCALATED, 1, "why", NOW + HOUR)
    await hold_offices(database, [MOD, OTHER_MOD], [ESCALATION])
    await desk.show(database, DESK, OTHER, 1, NOW + DAY)
    found = await mine.list_access(database, DESK, Viewer(member_id=REPORTER), 1)
    assert [(one.act, one.office) for one in found] == [
        ("shown", Handlers.ESCALATION),
        ("unsealed", Handlers.ESCALATION),
        ("shown", Handlers.MODERATORS),
    ]
    lines = looks(1, [(one.at, one.act, one.office) for one in found]).splitlines()
    assert lines[1].endswith(
        "read by somebody who works on the case (whoever the group has named for it)"
    )
    assert lines[3].endswith("(a moderator)")
    # What they have unsealed stays unsealed for them.
    await hold_offices(database, [MOD], [ESCALATION])
    exported = await desk.export(database, DESK, ESCALATED, 1, NOW + DAY)
    assert [one.reporter_id for one in exported.reports] == [REPORTER]


async def test_where_nobody_is_left_nobody_is_reminded(database: Database) -> None:
    await publish(database)
    await make_case(database, reporters=[OWNER], accused=MOD)
    await hold_offices(database, [MOD], [])
    assert await clocks.remind(database, DESK, CLOCKS, NOW + CLOCKS.first_look) == 0


async def test_before_the_list_was_read_nobody_is_known_to_be_left_out(
    database: Database,
) -> None:
    await publish(database)
    await make_case(database, accused=MOD)
    await hold_offices(database, [MOD], [ESCALATION], known=False)
    assert (await perform_notice(database)).is_for_channel
    with pytest.raises(UnknownCaseError):
        await desk.show(database, DESK, ESCALATED, 1, NOW)


async def sweep(database: Database, found: dict[Office, list[int]]) -> None:
    begun = await holders.begin_sweep(database, GROUP, 1, NOW, "role 7")
    page = Page(
        after_id=0,
        last_id=None,
        asked_at=NOW,
        people=[],
        holders=[],
        present=[],
        size=3,
        officers=found,
    )
    await holders.record_page(database, begun, page, NOW)


async def holding(database: Database) -> tuple[bool, frozenset[int]]:
    async with database.read() as tx:
        known = await officers.are_known(tx, GROUP)
        return known, await officers.list_holders(tx, GROUP, Office.MODERATOR)


async def test_offices_are_known_by_a_whole_sweep_for_the_roles_as_they_are(
    database: Database,
) -> None:
    await publish(database)
    assert await holding(database) == (False, frozenset())
    await sweep(database, {Office.MODERATOR: [MOD, OTHER_MOD]})
    assert await holding(database) == (True, {MOD, OTHER_MOD})
    # While the next sweep runs, what the last one found still holds.
    later = NOW + HOUR
    begun = await holders.begin_sweep(database, GROUP, 1, later, "role 7")
    assert await holding(database) == (True, {MOD, OTHER_MOD})
    # The role became another in the middle of it: what it finds from there on is not the whole.
    await holders.begin_sweep(database, GROUP, 1, later + HOUR, "role 8")
    assert await holding(database) == (False, frozenset())
    page = Page(
        after_id=0,
        last_id=None,
        asked_at=later,
        people=[],
        holders=[],
        present=[],
        size=3,
        officers={Office.MODERATOR: [MOD]},
    )
    await holders.record_page(database, begun, page, later + HOUR)
    assert await holding(database) == (False, {MOD})


async def test_lists_say_of_every_case_what_the_rule_says_of_one(database: Database) -> None:
    """Worlds drawn at random; the seed is fixed, so that both engines see the same."""
    chance = random.Random(5)
    people = [MOD, OTHER_MOD, ESCALATION, OWNER, REPORTER, ACCUSED]
    await publish(database)
    async with database.write() as tx:
        for _ in range(60):
            case = await add_case(
                tx,
                reporters=chance.sample(people, chance.randint(1, 2)),
                accused=chance.choice([*people, None]),
                recused=chance.sample(people, chance.randint(0, 2)),
            )
            if chance.random() < 0.5:
                await decide(tx, case, chance.choice(people), appealed=chance.random() < 0.7)
    answers = set()
    for known in (True, False):
        for moderators in ([MOD, OTHER_MOD], [MOD], []):
            for escalation in ([ESCALATION, REPORTER], []):
                await hold_offices(database, moderators, escalation, known=known)
                if not known:
                    async with database.write() as tx:
                        await officers.doubt(tx, GROUP)
                for person in people:
                    viewer = Viewer(
                        member_id=person,
                        is_moderator=person in moderators,
                        is_escalation=person in escalation,
                        is_owner=person == OWNER,
                    )
                    answers |= await compare(database, viewer)
    assert answers == {True, False}


async def compare(database: Database, viewer: Viewer) -> set[bool]:
    listing = await desk.list_cases(database, DESK, viewer, list(CaseState), 0, 100)
    listed = {case.case_number for case in listing.cases}
    assert listing.total == len(listed)
    answers = set()
    async with database.read() as tx:
        offices = await read_offices(tx, DESK, viewer)
        without = {
            case.case_number
            for case in await case_lists.list_without_moderators(tx, GROUP, offices, 100)
        }
        for number in range(1, 61):
            case = await cases.get_by_number(tx, GROUP, number)
            people = await cases.read_people(tx, case.id)
            appealed = bool(people.deciders) and case.decided_at is None
            rule = may(viewer, Act.LIST, people, offices, appealed=appealed)
            assert (number in listed) is rule
            handlers = handlers_of(people, offices, appeal=appealed)
            usual = handlers_of(people, offices)
            uncared = {handlers, usual} != {Handlers.MODERATORS}
            assert (number in without) is uncared
            answers.add(rule)
    return answers
