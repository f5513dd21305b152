"""Sweeps, adoption and enforcement in the record, on both engines."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.agreements import Change, RevokeReason, Standing
from bot.domain.effects import AlarmKind, Effect, EffectKind, Notice, Report, unpack
from bot.domain.holders import Enforcement, Source
from bot.services import holders, members, notices, outbox, records, reminders, stories
from bot.services.holders import Conclusion, Page
from bot.services.members import Present
from bot.storage import holders as storage_holders
from bot.storage import versions
from bot.storage.database import Database
from tests.factories import NEWCOMER, NOW, RULES, make_agreement, publish, register
from tests.services.test_signing import (
    ACCEPT,
    DECLINE,
    GROUP,
    MESSAGE,
    ask,
    due,
    place,
    react,
    run_all,
    standing,
)

ROLE = 600_000_000_000_000_001
HOUR = timedelta(hours=1)
LATER = NOW + HOUR
BEFORE = NOW - timedelta(days=1000)


async def sweep(
    database: Database,
    with_role: Sequence[int],
    without: Sequence[int] = (),
    *,
    now: datetime = LATER,
    role_id: int = ROLE,
) -> None:
    """One whole reading of the member list; everybody joined before the bot came."""
    begun = await holders.begin_sweep(database, GROUP, role_id, now)
    people = [
        *(Present(member_id=one, has_role=True, joined_at=BEFORE) for one in with_role),
        *(Present(member_id=one, has_role=False, joined_at=BEFORE) for one in without),
    ]
    page = Page(
        after_id=0,
        last_id=None,
        asked_at=now,
        people=people,
        holders=with_role,
        present=[*with_role, *without],
        size=len(people),
    )
    await holders.record_page(database, begun, page, now)


async def conclude(
    database: Database, now: datetime = LATER, *, report: bool = False, confirmed: int | None = None
) -> Conclusion:
    wanted = Enforcement.REPORT if report else Enforcement.REVOKE
    rules = replace(RULES, enforcement=wanted)
    return await holders.conclude(database, GROUP, rules, now, confirmed=confirmed)


async def told(
    database: Database, now: datetime = LATER
) -> list[tuple[object, dict[str, int | str]]]:
    """What is on its way to the moderators' channel."""
    found: list[tuple[object, dict[str, int | str]]] = []
    while rows := await _claim(database, now + HOUR):
        for row in rows:
            if row.kind in (EffectKind.REPORT, EffectKind.ALARM):
                word, facts = unpack(row.detail or "")
                found.append((word, dict(facts)))
            await outbox.drop(database, row, "looked at", now)
    return [one for one in found if one[0] is not Report.LEDGER_HEAD]


async def _claim(database: Database, now: datetime) -> list[Effect]:
    return await outbox.claim(database, now, limit=50, group_keys=[GROUP], not_asking=[])


async def settled(database: Database) -> None:
    """A published group whose members from before were all found: there were none."""
    await publish(database)
    await sweep(database, [], now=NOW + timedelta(minutes=1))
    await conclude(database, NOW + timedelta(minutes=1))
    await run_all(database)


async def test_nothing_is_decided_before_the_first_version(database: Database) -> None:
    await register(database)
    await sweep(database, range(1, 20))
    assert await conclude(database) == Conclusion()
    assert await told(database) == []


async def test_holders_found_after_the_first_version_are_adopted(database: Database) -> None:
    await publish(database)
    await sweep(database, [1, 2, 3])
    assert await conclude(database) == Conclusion(holders=3)
    assert (Report.ADOPTED, {"people": 3}) in await told(database)
    assert await records.count_adopted(database, GROUP) == 3


async def test_sweep_from_before_the_publish_adopts_nobody(database: Database) -> None:
    await register(database)
    await sweep(database, [1, 2, 3], now=NOW - HOUR)
    await publish(database)
    assert await conclude(database) == Conclusion(holders=3)
    async with database.read() as tx:
        assert (await versions.get_group(tx, GROUP)).adopted_at is None


async def test_later_holders_are_strangers_and_lose_the_role(database: Database) -> None:
    await settled(database)
    await sweep(database, [1, 2])
    assert await conclude(database) == Conclusion(strangers=2, holders=2, acted=True)

    changes = [effect for effect in await due(database) if effect.kind is EffectKind.ALIGN_ROLE]
    # LATER is when they were put there; nothing is due twice.
    assert sorted(effect.member_id or 0 for effect in changes) in ([1, 2], [])
    assert (await conclude(database)).strangers == 0


async def test_report_is_made_once_with_its_ways(database: Database) -> None:
    await settled(database)
    await sweep(database, [1, 2, 3])
    await holders.mark_sources(database, GROUP, {1: Source.PERSON, 2: Source.PERSON, 3: Source.BOT})
    assert await conclude(database, report=True) == Conclusion(strangers=3, holders=3)
    assert await told(database) == [(Report.ROLE_UNSIGNED, {"person": 2, "bot": 1})]

    await sweep(database, [1, 2, 3], now=LATER + HOUR)
    await conclude(database, LATER + HOUR, report=True)
    assert await told(database, LATER + HOUR) == []


async def test_guard_stops_a_mass_change_and_consent_lets_it_go(database: Database) -> None:
    await settled(database)
    await sweep(database, range(1, 8))
    guarded = Conclusion(strangers=7, holders=7, guarded=True)
    assert await conclude(database) == guarded
    facts = {"strangers": 7, "holders": 7, "cause": "empty_record"}
    assert await told(database) == [(AlarmKind.MASS_CHANGE, facts)]
    assert await conclude(database) == guarded
    assert await told(database) == []
    assert await conclude(database, confirmed=6) == guarded

    assert await conclude(database, confirmed=7) == Conclusion(strangers=7, holders=7, acted=True)


async def test_whoever_signed_meanwhile_is_no_stranger(database: Database) -> None:
    await settled(database)
    await ask(database)
    await sweep(database, [NEWCOMER])
    await react(database, ACCEPT)
    assert (await conclude(database)).strangers == 0


async def test_adopted_person_who_declines_is_taken_at_their_word(database: Database) -> None:
    await publish(database)
    await ask(database)
    await sweep(database, [NEWCOMER])
    await conclude(database)
    await run_all(database)
    await react(database, DECLINE)
    changes = [effect for effect in await due(database) if effect.kind is EffectKind.ALIGN_ROLE]
    assert len(changes) == 1


async def test_grace_runs_from_the_asking(database: Database) -> None:
    await publish(database)
    await ask(database)
    await sweep(database, [NEWCOMER])
    await conclude(database)
    for days, strangers in ((13, 0), (15, 1)):
        now = LATER + timedelta(days=days)
        await sweep(database, [NEWCOMER], now=now)
        assert (await conclude(database, now)).strangers == strangers


async def claim_over(database: Database, now: datetime) -> list[Effect]:
    """The notices on their way that say that somebody's time is over; the rest is carried out."""
    found: list[Effect] = []
    while rows := await _claim(database, now):
        while rows:
            row = rows.pop()
            if row.detail == Notice.ADOPTION_OVER:
                found.append(row)
                continue
            is_role = row.kind is EffectKind.ALIGN_ROLE
            assert not (found and is_role), "told before the role is gone"
            outcome = outbox.ROLE_TAKEN if is_role else "done"
            following = await outbox.finish(database, row, outcome, now)
            rows += [following] if following is not None else []
    return found


async def adopt_and_ask(database: Database) -> datetime:
    """A member from before Pledge is asked and adopted; returns when their time is over."""
    await publish(database)
    await ask(database)
    await sweep(database, [NEWCOMER])
    await conclude(database)
    await run_all(database)
    return LATER + timedelta(days=15)


async def test_member_from_before_is_told_once_that_their_time_is_over(database: Database) -> None:
    now = await adopt_and_ask(database)
    await sweep(database, [NEWCOMER], now=now)
    assert (await conclude(database, now)).acted
    assert (await conclude(database, now)).strangers == 0

    (notice,) = await claim_over(database, now)
    facts = await notices.prepare_notice(database, notice, now, RULES)
    assert facts is not None
    assert (facts.has_access, facts.kept_until) == (False, None)
    await outbox.finish(database, notice, "told", now)

    # Given the role by hand later, they are a stranger like any other, and told nothing.
    later = now + timedelta(days=1)
    await sweep(database, [NEWCOMER], now=later)
    assert (await conclude(database, later)).acted
    assert await claim_over(database, later) == []


@pytest.mark.parametrize("reminds_first", [True, False])
async def test_reminder_waits_a_day_when_the_time_of_a_member_from_before_is_over(
    database: Database, reminds_first: bool
) -> None:
    now = await adopt_and_ask(database)
    day = NOW + timedelta(days=2)
    assert await reminders.remind(database, GROUP, [1, 7], day, 10) == 1
    await run_all(database, day)

    # The bot was away, and nobody knows whether the timer or the sweep comes first.
    rules = replace(RULES, reminds=True)
    if reminds_first:
        assert await reminders.remind(database, GROUP, [1, 7], now, 10, rules=rules) == 0
    await sweep(database, [NEWCOMER], now=now)
    assert (await holders.conclude(database, GROUP, rules, now)).acted
    assert await reminders.remind(database, GROUP, [1, 7], now, 10, rules=rules) == 0
    assert len(await claim_over(database, now)) == 1

    later = now + timedelta(days=1)
    assert await reminders.remind(database, GROUP, [1, 7], later, 10, rules=rules) == 1


@pytest.mark.parametrize("answer", [ACCEPT, DECLINE])
async def test_notice_of_the_end_is_dropped_when_the_answer_came_first(
    database: Database, answer: str
) -> None:
    now = await adopt_and_ask(database)
    await sweep(database, [NEWCOMER], now=now)
    await conclude(database, now)
    (notice,) = await claim_over(database, now)
    await react(database, answer)
    assert await notices.prepare_notice(database, notice, now, RULES) is None


async def publish_anew(database: Database, now: datetime, *, reaches: bool) -> Effect:
    """A material publish asks them again; the new request reaches them, or is on its way."""
    changed = make_agreement(purpose="We listen to each other, always.")
    await publish(database, agreement=changed, change=Change.MATERIAL, now=now)
    (asking,) = [row for row in await _claim(database, now) if row.kind is EffectKind.ASK]
    if reaches:
        prepared = await outbox.prepare_asking(database, asking)
        assert prepared is not None
        where = replace(place(MESSAGE + 1), sent_at=now)
        await outbox.record_asked(database, asking, prepared.version, where, now)
        await outbox.finish(database, asking, "asked", now)
    else:
        await outbox.retry(database, asking, "http 503", now)
    return asking


@pytest.mark.parametrize("reaches", [True, False])
async def test_publish_gives_members_from_before_no_more_time(
    database: Database, reaches: bool
) -> None:
    now = await adopt_and_ask(database)
    ends_at = LATER + RULES.grace
    await publish_anew(database, NOW + timedelta(days=13), reaches=reaches)

    story = await stories.read_story(database, GROUP, NEWCOMER, now)
    assert RULES.kept_until(story.adoption) == ends_at
    for at, strangers in ((ends_at - HOUR, 0), (now, 1)):
        await sweep(database, [NEWCOMER], now=at)
        assert (await conclude(database, at)).strangers == strangers
    (notice,) = await claim_over(database, now)
    assert await notices.prepare_notice(database, notice, now, RULES) is not None


async def test_reminder_of_either_request_counts_for_members_from_before(
    database: Database,
) -> None:
    now = await adopt_and_ask(database)
    reminded_at = NOW + timedelta(days=2)
    assert await reminders.remind(database, GROUP, [1], reminded_at, 10) == 1
    await run_all(database, reminded_at)
    await publish_anew(database, NOW + timedelta(days=14), reaches=True)
    await sweep(database, [NEWCOMER], now=now)
    rules = replace(RULES, reminds=True)
    assert (await holders.conclude(database, GROUP, rules, now)).strangers == 1


async def test_request_after_a_publish_says_until_when_members_from_before_have_time(
    database: Database,
) -> None:
    await adopt_and_ask(database)
    asking = await publish_anew(database, NOW + timedelta(days=3), reaches=False)
    prepared = await outbox.prepare_asking(database, asking)
    assert prepared is not None
    assert RULES.kept_until(prepared.adoption) == LATER + RULES.grace


async def test_request_from_before_the_adoption_that_was_closed_does_not_count(
    database: Database,
) -> None:
    await adopt_and_ask(database)
    await publish_anew(database, LATER + timedelta(days=2), reaches=False)
    later = LATER + timedelta(days=5)
    async with database.write() as tx:
        await versions.mark_group(tx, GROUP, restored_from=later, adopted_at=None)
        await storage_holders.forget(tx, [GROUP], NEWCOMER)
    await sweep(database, [NEWCOMER], now=later)
    await conclude(database, later)
    story = await stories.read_story(database, GROUP, NEWCOMER, later)
    assert story.adoption is not None
    # What they were asked before is over; the newer request did not reach them yet.
    assert (story.adoption.adopted_at, story.adoption.asked_at) == (later, None)


async def test_nobody_is_told_of_an_end_when_no_role_is_taken(database: Database) -> None:
    now = await adopt_and_ask(database)
    await sweep(database, [NEWCOMER], now=now)
    assert (await conclude(database, now, report=True)).strangers == 1
    assert await claim_over(database, now) == []


async def test_reminder_to_a_member_from_before_knows_when_the_role_goes(
    database: Database,
) -> None:
    await adopt_and_ask(database)
    day = NOW + timedelta(days=2)
    assert await reminders.remind(database, GROUP, [1], day, 10) == 1
    (notice,) = [row for row in await _claim(database, day) if row.detail == Notice.REMINDER]
    ends_at = LATER + RULES.grace
    reports = replace(RULES, enforcement=Enforcement.REPORT)
    seen = [
        await notices.prepare_notice(database, notice, *about)
        for about in ((day, RULES), (day, reports), (ends_at, RULES))
    ]
    # None where nothing is taken, and none that has passed already.
    assert [facts.kept_until for facts in seen if facts] == [ends_at, None, None]


async def test_sweep_that_was_interrupted_goes_on_where_it_was(database: Database) -> None:
    await settled(database)
    begun = await holders.begin_sweep(database, GROUP, ROLE, LATER)
    page = Page(
        after_id=0, last_id=500, asked_at=LATER, people=[], holders=[7], present=[7, 500], size=2
    )
    await holders.record_page(database, begun, page, LATER)

    taken_up = await holders.begin_sweep(database, GROUP, ROLE, LATER + HOUR)
    assert (taken_up.after_id, taken_up.members, taken_up.holders) == (500, 2, 1)
    assert taken_up.started_at == LATER

    another_role = await holders.begin_sweep(database, GROUP, ROLE + 1, LATER + HOUR)
    assert another_role.after_id == 0


async def test_page_shows_who_left_and_only_between_its_ends(database: Database) -> None:
    await publish(database)
    people = [10, 20, 30]
    for member_id in people:
        person = Present(member_id=member_id, has_role=False, joined_at=NOW)
        await members.welcome(database, GROUP, [person], NOW, live=True)
    begun = await holders.begin_sweep(database, GROUP, ROLE, LATER)
    page = Page(
        after_id=10, last_id=25, asked_at=LATER, people=[], holders=[], present=[25], size=1
    )
    await holders.record_page(database, begun, page, LATER)

    left = []
    for member_id in people:
        request = (await records.check_member(database, GROUP, member_id, LATER)).request
        left.append(request is not None and request.left_at is not None)
    assert left == [False, True, False]


async def test_whoever_came_after_the_page_was_asked_for_has_not_left(database: Database) -> None:
    await publish(database)
    begun = await holders.begin_sweep(database, GROUP, ROLE, NOW - HOUR)
    person = Present(member_id=10, has_role=False, joined_at=NOW)
    await members.welcome(database, GROUP, [person], NOW, live=True)
    page = Page(
        after_id=0, last_id=None, asked_at=NOW - HOUR, people=[], holders=[], present=[], size=0
    )
    await holders.record_page(database, begun, page, LATER)

    request = (await records.check_member(database, GROUP, 10, LATER)).request
    assert request is not None
    assert request.left_at is None


async def test_restored_record_lets_nobody_in_and_takes_nothing(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    async with database.write() as tx:
        await versions.mark_group(tx, GROUP, restored_from=NOW, adopted_at=None)

    # The signer of the backup has no role any more, and somebody unknown to it has.
    await sweep(database, [77], [NEWCOMER])
    assert await conclude(database) == Conclusion(holders=1)

    (signature,) = (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures
    assert signature.revoke_reason is RevokeReason.UNCONFIRMED
    assert await standing(database) is Standing.WAITING
    facts = {"from": NOW.isoformat(), "adopted": 1, "unconfirmed": 1}
    assert (Report.RESTORED, facts) in await told(database)
    assert not await holders.is_restored(database, GROUP)


async def test_role_that_is_gone_by_event_is_forgotten(database: Database) -> None:
    await settled(database)
    assert await holders.notice_holder(database, GROUP, 5, LATER, has_role=True)
    assert await holders.add_stranger(database, GROUP, 5, LATER)
    assert not await holders.notice_holder(database, GROUP, 5, LATER, has_role=True)
    assert not await holders.notice_holder(database, GROUP, 5, LATER, has_role=False)
    assert await holders.notice_holder(database, GROUP, 5, LATER, has_role=True)


async def test_reminders_come_once_for_each_day_and_stop(database: Database) -> None:
    await publish(database)
    await ask(database)
    seen = []
    for hours in (1, 23, 25, 26, 71, 73, 74, 24 * 30, 24 * 60):
        now = NOW + timedelta(hours=hours)
        seen.append(await reminders.remind(database, GROUP, [1, 3, 7], now, 10))
    assert seen == [0, 0, 1, 0, 0, 1, 0, 1, 0]


async def test_whoever_has_answered_is_not_reminded(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    assert await reminders.remind(database, GROUP, [1], NOW + timedelta(days=2), 10) == 0
