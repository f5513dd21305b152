"""Nobody whose access is paused has the role, however they come by it, on both engines."""

from datetime import datetime, timedelta

import pytest

from bot.domain.agreements import Standing
from bot.domain.breaches import BreachCase, Clause
from bot.domain.effects import AlarmKind, EffectKind, Notice, Report, unpack
from bot.domain.suspensions import Pause, Suspension, pause_of
from bot.services import attesting, holders, members, notices, outbox, records, signing, stories
from bot.services.holders import PAUSED_LIMIT
from bot.services.members import Present
from bot.storage import cases, effects, suspensions
from bot.storage import holders as holding
from bot.storage.database import Database
from tests.factories import FACILITATOR, NEWCOMER, NOW, RULES, publish
from tests.services.test_holders import BEFORE, HOUR, ROLE, conclude, settled, sweep
from tests.services.test_signing import ACCEPT, GROUP, ask, due, join, react, run_all, standing

LATER = NOW + HOUR
UNTIL = NOW + timedelta(days=7)


async def suspend(
    database: Database,
    member_id: int = NEWCOMER,
    *,
    until: datetime | None = UNTIL,
    provisional: bool = False,
) -> BreachCase:
    """Pause somebody's access as a decision does, and let the role go."""
    async with database.write() as tx:
        case = await cases.add(tx, GROUP, Clause.COVERED, member_id, None, NOW)
        await suspensions.begin(tx, case, member_id, NOW, until=until, provisional=provisional)
        await effects.add_role_change(tx, GROUP, member_id, NOW)
    await run_all(database)
    return case


async def lift(database: Database, case: BreachCase) -> None:
    async with database.write() as tx:
        for one in await suspensions.list_running_for(tx, case):
            await suspensions.end(tx, one, LATER)


async def may_in(database: Database, member_id: int = NEWCOMER) -> bool | None:
    return await outbox.should_have_role(database, GROUP, member_id, RULES, LATER)


async def taken(database: Database, now: datetime = LATER) -> list[int]:
    """Whose role is being put in step."""
    found = [row for row in await due(database, now + HOUR) if row.kind is EffectKind.ALIGN_ROLE]
    for row in found:
        await outbox.finish(database, row, outbox.ROLE_TAKEN, now)
    return sorted(row.member_id or 0 for row in found)


async def signed(database: Database) -> None:
    await settled(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)


def test_longest_pause_is_the_one_that_counts() -> None:
    def running(until: datetime | None, *, provisional: bool = False) -> Suspension:
        return Suspension(
            id=1,
            group_key=GROUP,
            case_id=1,
            member_id=NEWCOMER,
            began_at=NOW,
            until=until,
            provisional=provisional,
        )

    assert pause_of([]) is None
    assert pause_of([running(UNTIL), running(LATER)]) == Pause(until=UNTIL)
    assert pause_of([running(UNTIL), running(None, provisional=True)]) == Pause()
    assert pause_of([running(None), running(UNTIL)]) == Pause(is_final=True)


async def test_valid_signature_opens_nothing_while_access_is_paused(database: Database) -> None:
    await signed(database)
    assert await may_in(database) is True

    case = await suspend(database)
    assert await may_in(database) is False
    assert await standing(database) is Standing.SIGNED

    await lift(database, case)
    assert await may_in(database) is True


async def test_time_alone_ends_no_pause(database: Database) -> None:
    await signed(database)
    await suspend(database)
    late = UNTIL + timedelta(days=100)
    assert await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, late) is False


async def test_pause_of_one_group_is_none_of_another(database: Database) -> None:
    await signed(database)
    await publish(database, "quiet-bay")
    await suspend(database)
    async with database.read() as tx:
        assert await suspensions.find_running(tx, "quiet-bay", NEWCOMER) is None
        assert await suspensions.find_running(tx, GROUP, NEWCOMER + 1) is None
        assert await suspensions.list_running(tx, "quiet-bay") == {}


async def test_nothing_names_the_person_in_the_open(database: Database) -> None:
    await settled(database)
    await suspend(database)
    async with database.read() as tx:
        (row,) = (await tx.execute(suspensions.suspensions.select())).mappings()
    assert str(NEWCOMER) not in repr(dict(row))


async def test_signing_while_paused_is_kept_and_does_not_claim_to_open(database: Database) -> None:
    await settled(database)
    await suspend(database)
    await ask(database)
    await react(database, ACCEPT)

    assert await standing(database) is Standing.SIGNED
    rows = await due(database)
    assert [row.kind for row in rows] == [EffectKind.ALIGN_ROLE]
    assert await may_in(database) is False
    notice = await outbox.finish(database, rows[0], outbox.ROLE_TAKEN, LATER)
    assert notice is not None
    assert notice.detail == Notice.SIGNED
    facts = await notices.prepare_notice(database, notice, LATER, RULES)
    assert facts is not None
    assert facts.pause == Pause(until=UNTIL)


async def test_request_to_a_paused_person_is_not_dropped(database: Database) -> None:
    await settled(database)
    await suspend(database)
    await join(database)
    (asking,) = await due(database)
    prepared = await outbox.prepare_asking(database, asking)
    assert prepared is not None
    assert prepared.pause == Pause(until=UNTIL)


async def test_rejoining_while_paused_gives_nothing_back(database: Database) -> None:
    await signed(database)
    await suspend(database)
    await members.say_goodbye(database, [GROUP], NEWCOMER, LATER)
    await join(database)

    rows = await due(database)
    assert [(row.kind, row.detail) for row in rows] == [(EffectKind.NOTICE, Notice.WELCOME_BACK)]
    facts = await notices.prepare_notice(database, rows[0], LATER, RULES)
    assert facts is not None
    assert facts.pause == Pause(until=UNTIL)


async def test_sweep_of_a_paused_signer_without_role_finds_nothing_to_do(
    database: Database,
) -> None:
    await signed(database)
    await suspend(database)
    await sweep(database, [], [NEWCOMER])
    await conclude(database)
    assert await taken(database) == []


async def test_whoever_was_removed_is_left_in_peace_when_they_return(database: Database) -> None:
    await settled(database)
    await suspend(database, until=None)
    await join(database)
    await sweep(database, [], [NEWCOMER])
    assert await run_all(database) == []


@pytest.mark.parametrize("report", [False, True])
async def test_role_of_a_paused_signer_is_taken_whatever_enforcement_says(
    database: Database, report: bool
) -> None:
    await signed(database)
    await suspend(database)
    await sweep(database, [NEWCOMER])
    result = await conclude(database, report=report)
    assert result.strangers == 0
    rows = await due(database, LATER + HOUR)
    assert [row.member_id for row in rows if row.kind is EffectKind.ALIGN_ROLE] == [NEWCOMER]
    words = [unpack(row.detail or "")[0] for row in rows if row.kind is EffectKind.REPORT]
    assert not {Report.ROLE_UNSIGNED, Report.ROLE_TAKEN} & set(words)


async def test_paused_holders_are_no_mass_change_and_none_holds_them_up(
    database: Database,
) -> None:
    await settled(database)
    paused = list(range(1, 9))
    for member_id in paused:
        await suspend(database, member_id)

    await sweep(database, [*paused, 101, 102])
    result = await conclude(database)
    assert (result.strangers, result.guarded) == (2, False)
    assert await taken(database) == [*paused, 101, 102]

    many = list(range(201, 211))
    await sweep(database, [1, *many], now=LATER + HOUR)
    result = await conclude(database, LATER + HOUR)
    assert (result.strangers, result.guarded) == (10, True)
    assert await taken(database, LATER + HOUR) == [1]
    async with database.read() as tx:
        assert await effects.list_open_alarms(tx, AlarmKind.MASS_CHANGE) == {GROUP}


async def test_paused_member_from_before_pledge_loses_the_role(database: Database) -> None:
    await publish(database)
    await sweep(database, [NEWCOMER])
    await conclude(database)
    assert await records.count_adopted(database, GROUP) == 1
    assert await may_in(database) is None

    await suspend(database)
    assert await may_in(database) is False
    assert await records.list_valid_members(database, GROUP, [NEWCOMER], LATER) == set()


async def test_nobody_who_is_paused_is_adopted(database: Database) -> None:
    await publish(database)
    await suspend(database)
    begun = await holders.begin_sweep(database, GROUP, ROLE, LATER)
    async with database.write() as tx:
        await holding.add_found(tx, GROUP, [NEWCOMER, 7], begun.started_at)
        await holding.put_sweep(tx, begun)
        assert await holding.adopt_all(tx, GROUP, [NEWCOMER], LATER) == 1
    assert await may_in(database) is False


async def test_hand_given_role_of_a_paused_signer_is_noticed(database: Database) -> None:
    await signed(database)
    await suspend(database)
    assert await holders.notice_holder(database, GROUP, NEWCOMER, LATER, has_role=True)
    assert await holders.keep_out(database, GROUP, NEWCOMER, LATER)
    assert not await holders.keep_out(database, GROUP, NEWCOMER + 1, LATER)
    assert await taken(database) == [NEWCOMER]


async def test_role_given_while_the_last_taking_still_runs_is_taken_after_it(
    database: Database,
) -> None:
    await signed(database)
    await suspend(database)
    await holders.keep_out(database, GROUP, NEWCOMER, LATER)
    (running,) = await due(database, LATER)
    await holders.keep_out(database, GROUP, NEWCOMER, LATER)
    following = await outbox.finish(database, running, outbox.ROLE_TAKEN, LATER)
    assert following is not None
    assert (following.kind, following.member_id) == (EffectKind.ALIGN_ROLE, NEWCOMER)


async def test_role_given_again_and_again_is_taken_at_a_slower_pace(database: Database) -> None:
    await signed(database)
    await suspend(database)
    now = LATER + HOUR
    for _ in range(PAUSED_LIMIT):
        assert await holders.keep_out(database, GROUP, NEWCOMER, now)
        assert [row.kind for row in await due(database, now)] == [EffectKind.ALIGN_ROLE]
        async with database.write() as tx:
            await effects.reclaim_running(tx)
        for row in await due(database, now):
            await outbox.finish(database, row, outbox.ROLE_TAKEN, now)

    assert await holders.keep_out(database, GROUP, NEWCOMER, now)
    assert await due(database, now) == []
    assert len(await due(database, now + holders.PAUSED_AGAIN_AFTER)) == 1


async def test_attested_signature_of_a_paused_person_opens_nothing(database: Database) -> None:
    await settled(database)
    await suspend(database)
    shown = await attesting.preview(database, GROUP, NEWCOMER, LATER)
    await attesting.attest(
        database, GROUP, NEWCOMER, shown, facilitator_id=FACILITATOR, note="on paper", now=LATER
    )
    assert await may_in(database) is False


async def test_story_says_paused_and_never_why(database: Database) -> None:
    await signed(database)
    await suspend(database)
    story = await stories.read_story(database, GROUP, NEWCOMER, LATER)
    assert (story.standing, story.pause) == (Standing.SIGNED, Pause(until=UNTIL))


async def test_withdrawing_while_paused_still_withdraws(database: Database) -> None:
    await signed(database)
    case = await suspend(database)
    await signing.withdraw(database, GROUP, NEWCOMER, LATER)
    await lift(database, case)
    assert await may_in(database) is False


async def test_newcomer_who_joined_before_the_bot_is_not_touched_by_a_pause(
    database: Database,
) -> None:
    await settled(database)
    await suspend(database)
    person = Present(member_id=NEWCOMER, has_role=False, joined_at=BEFORE)
    assert await members.welcome(database, GROUP, [person], LATER, live=False) == 0
