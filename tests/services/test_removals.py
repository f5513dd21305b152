"""Warnings and removals of people who do not answer, in the record, on both engines."""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.domain.agreements import Change, RequestState, SignatureRequest
from bot.domain.effects import AlarmKind, Effect, EffectKind, Notice
from bot.domain.ledger import LedgerKind
from bot.domain.reminders import DAY, WARNINGS, Outlook
from bot.services import holders as holder_service
from bot.services import outbox, removals, signing
from bot.services.holders import Page
from bot.services.members import Present
from bot.services.removals import Decision, RemovalRule
from bot.storage import effects as effects_storage
from bot.storage import holders, requests, tables, versions
from bot.storage.database import Database, Transaction
from bot.storage.removals import AGREED
from tests.factories import KEYS, NEWCOMER, NOW, RULES, make_agreement, publish
from tests.services.waiting import ACCEPT, DECLINE, GROUP, answer, ask, deliver

DAYS = timedelta(days=1)
RULE = RemovalRule(group_key=GROUP, after_days=30)
MEMBERS = 1_000
EARLY = 33
"""Until here the days are known on which something happens."""
WARNED = [(23, Notice.REMOVAL_NEAR), (29, Notice.REMOVAL_NEXT)]


@dataclass
class Story:
    """Rounds of the timer, and what reached people."""

    database: Database
    rule: RemovalRule = RULE
    members: int = MEMBERS
    delivers: bool = True
    warned: list[tuple[int, int, Notice]] = field(default_factory=list)
    removed: list[tuple[int, int]] = field(default_factory=list)

    async def day(self, day: int) -> Decision:
        """One round, `day` days after the beginning."""
        now = NOW + day * DAYS
        await removals.warn(self.database, self.rule, now, 100)
        decision = await removals.remove(self.database, self.rule, self.members, now)

        async def perform(effect: Effect) -> bool:
            return await self._perform(effect, day, now)

        await deliver(self.database, now, perform)
        return decision

    async def days(self, first: int, end: int) -> None:
        """A round on every day on which something may come, and on some others."""
        for day in range(first, end):
            if day < first + 2 or day % 10 in (3, 9, 0, 1) or day >= end - 2 or day > EARLY:
                await self.day(day)

    async def _perform(self, effect: Effect, day: int, now: datetime) -> bool:
        if effect.detail in WARNINGS.values():
            if not self.delivers:
                await outbox.record_blocked(self.database, effect, 50007, now)
                return True
            if await removals.prepare_warning(self.database, effect, self.rule, now) is not None:
                await removals.record_warned(self.database, effect, now)
                self.warned.append((effect.member_id or 0, day, Notice(effect.detail or "")))
                return True
        if effect.kind is not EffectKind.REMOVE:
            return False
        if await removals.prepare_removal(self.database, effect, self.rule, now) is None:
            return False
        assert await removals.mark_asked(self.database, effect, self.rule, now)
        await removals.record_removed(self.database, effect, now, certain=True)
        self.removed.append((effect.member_id or 0, day))
        return True

    def warnings(self, member_id: int = NEWCOMER) -> list[tuple[int, Notice]]:
        return [(day, notice) for who, day, notice in self.warned if who == member_id]


@pytest.fixture
async def story(database: Database) -> Story:
    """Somebody was asked and does not answer."""
    await publish(database)
    await ask(database, NOW)
    return Story(database)


async def find_request(database: Database, member_id: int = NEWCOMER) -> SignatureRequest:
    async with database.read() as tx:
        request = await requests.find_open(tx, GROUP, member_id)
    assert request is not None
    return request


async def ledger_kinds(database: Database) -> list[str]:
    async with database.read() as tx:
        found = await tx.execute(select(tables.ledger_entries.c.kind))
        return list(found.scalars())


async def test_who_stays_silent_is_warned_twice_and_then_removed(story: Story) -> None:
    await story.days(0, 40)
    assert story.warnings() == WARNED
    assert story.removed == [(NEWCOMER, 30)]
    assert (await find_request(story.database)).left_at == NOW + 30 * DAYS
    assert LedgerKind.KICKED in await ledger_kinds(story.database)


async def test_long_overdue_are_warned_a_week_before_all_the_same(story: Story) -> None:
    await story.days(400, 420)
    assert story.warnings() == [(400, Notice.REMOVAL_NEAR), (406, Notice.REMOVAL_NEXT)]
    assert story.removed == [(NEWCOMER, 407)]


@pytest.mark.parametrize("emoji", [ACCEPT, DECLINE])
@pytest.mark.parametrize("day", [10, 25, 29])
async def test_whoever_answers_stays(story: Story, emoji: str, day: int) -> None:
    await story.days(0, day)
    request = await find_request(story.database)
    await answer(story.database, request.message_id, NOW + day * DAYS, emoji)
    await story.days(day, 34)
    assert story.removed == []
    assert story.warnings() == [one for one in WARNED if one[0] < day]


async def test_answer_between_decision_and_removal_cancels_it(story: Story) -> None:
    await story.days(0, 30)
    now = NOW + 30 * DAYS
    assert (await removals.remove(story.database, RULE, MEMBERS, now)).acted
    request = await find_request(story.database)
    await answer(story.database, request.message_id, now)
    await story.days(30, 40)
    assert story.removed == []


async def test_outage_puts_the_removal_off_and_skips_no_warning(story: Story) -> None:
    await story.days(0, 24)
    await story.days(35, 45)
    assert story.warnings() == [(23, Notice.REMOVAL_NEAR), (35, Notice.REMOVAL_NEXT)]
    assert story.removed == [(NEWCOMER, 36)]


async def test_after_a_long_outage_the_warnings_begin_anew(story: Story) -> None:
    await story.days(0, 30)
    await story.days(60, 80)
    assert story.warnings()[2:] == [(60, Notice.REMOVAL_NEAR), (66, Notice.REMOVAL_NEXT)]
    assert story.removed == [(NEWCOMER, 67)]


async def test_nobody_is_removed_whom_no_warning_reaches(story: Story) -> None:
    story.delivers = False
    await story.days(0, 120)
    assert story.removed == []
    async with story.database.read() as tx:
        rows = (await tx.execute(select(tables.effects.c.detail))).scalars()
        # Tried again once a week, not with every round.
        assert 10 <= [*rows].count(Notice.REMOVAL_NEAR) <= 15


async def test_second_warning_that_does_not_arrive_holds_the_removal_up(story: Story) -> None:
    await story.days(0, 24)
    story.delivers = False
    await story.days(24, 34)
    story.delivers = True
    await story.days(34, 40)
    assert story.warnings()[-1] == (36, Notice.REMOVAL_NEXT)
    assert story.removed == [(NEWCOMER, 37)]


async def test_whoever_was_never_asked_is_left_alone(database: Database) -> None:
    await publish(database)
    story = Story(database)
    async with database.write() as tx:
        version = await versions.get_in_force(tx, GROUP)
        for number, state in enumerate((RequestState.QUEUED, RequestState.BLOCKED)):
            member_id = NEWCOMER + number
            await requests.add(tx, GROUP, member_id, NOW, version_id=version.id, state=state)
    await story.days(0, 33)
    assert (story.warned, story.removed) == ([], [])


async def _hold_role(tx: Transaction) -> None:
    await holders.add_found(tx, GROUP, [NEWCOMER], NOW)


async def _leave(tx: Transaction) -> None:
    await requests.mark_left(tx, [GROUP], NEWCOMER, NOW)


async def _restore(tx: Transaction) -> None:
    await versions.mark_group(tx, GROUP, restored_from=NOW)


@pytest.mark.parametrize("happens", [_hold_role, _leave, _restore])
@pytest.mark.parametrize("day", [0, 29, 30])
async def test_nobody_in_doubt_is_removed(
    story: Story, happens: Callable[[Transaction], Awaitable[None]], day: int
) -> None:
    await story.days(0, day)
    if day == 30:
        await removals.remove(story.database, RULE, MEMBERS, NOW + 30 * DAYS)
    async with story.database.write() as tx:
        await happens(tx)
    await story.days(day, 34)
    assert story.removed == []


async def test_setting_that_is_raised_later_counts(story: Story) -> None:
    await story.days(0, 30)
    story.rule = replace(RULE, after_days=60)
    await story.days(30, 53)
    assert story.removed == []
    await story.days(53, 70)
    assert story.warnings()[2:] == [(53, Notice.REMOVAL_NEAR), (59, Notice.REMOVAL_NEXT)]
    assert story.removed == [(NEWCOMER, 60)]


@pytest.mark.parametrize(("emoji", "is_removed"), [(ACCEPT, False), (DECLINE, False), (None, True)])
async def test_whoever_answered_another_group_of_the_server_stays(
    story: Story, emoji: str | None, *, is_removed: bool
) -> None:
    database = story.database
    await publish(database, "other")
    await ask(database, NOW, group="other")
    async with database.read() as tx:
        request = await requests.find_open(tx, "other", NEWCOMER)
    assert request is not None
    if emoji is not None:
        await answer(database, request.message_id, NOW + DAYS, emoji)
    story.rule = replace(RULE, neighbours=("other",))
    await story.days(2, 33)
    assert bool(story.removed) is is_removed


# Many at once -------------------------------------------------------------------------------------


async def _ask_many(story: Story, count: int) -> None:
    for number in range(1, count):
        await ask(story.database, NOW, NEWCOMER + number)


async def test_mass_removal_removes_nobody_and_tells_facilitators_once(story: Story) -> None:
    await _ask_many(story, 6)
    story.members = 59
    await story.days(0, 30)
    told: list[str | None] = []
    for day in (30, 31):
        now = NOW + day * DAYS
        decision = await removals.remove(story.database, RULE, story.members, now)
        assert decision == Decision(people=6, guarded=True)
        seen = await deliver(story.database, now)
        told += [one.detail for one in seen if one.kind is EffectKind.ALARM]
    assert len(told) == 1
    assert AlarmKind.MASS_REMOVAL in (told[0] or "")

    stale = await removals.remove(story.database, RULE, 59, NOW + 31 * DAYS, confirmed=5)
    assert stale.guarded
    agreed = await removals.remove(story.database, RULE, 59, NOW + 31 * DAYS, confirmed=6)
    assert agreed == Decision(people=6, acted=True)
    await story.day(31)
    assert len(story.removed) == 6
    async with story.database.read() as tx:
        assert await effects_storage.list_open_alarms(tx, AlarmKind.MASS_REMOVAL) == set()


async def test_guard_counts_a_whole_day_together(story: Story) -> None:
    """Not a few with every round until nobody is left."""
    await _ask_many(story, 3)
    story.members = 50
    await story.days(0, 30)
    for number in range(10, 15):
        await ask(story.database, NOW, NEWCOMER + number)
        request = await find_request(story.database, NEWCOMER + number)
        async with story.database.write() as tx:
            await requests.mark(
                tx, request.id, warned_before=DAY, warned_at=NOW + timedelta(days=29, hours=2)
            )
    assert (await story.day(30)).people == 3
    assert len(story.removed) == 3
    now = NOW + timedelta(days=30, hours=3)
    assert (await removals.remove(story.database, RULE, 50, now)).guarded
    tomorrow = NOW + timedelta(days=31, hours=4)
    assert (await removals.remove(story.database, RULE, 50, tomorrow)).acted


async def test_answer_in_the_last_moment_before_discord_is_asked_counts(story: Story) -> None:
    await story.days(0, 30)
    now = NOW + 30 * DAYS
    assert (await removals.remove(story.database, RULE, MEMBERS, now)).acted
    effect = await _claim_removal(story)
    request = await removals.prepare_removal(story.database, effect, RULE, now)
    assert request is not None
    await answer(story.database, request.message_id, now)
    assert not await removals.mark_asked(story.database, effect, RULE, now)


async def test_whoever_withdrew_after_they_were_asked_anew_has_answered(story: Story) -> None:
    """The request for the newer text still waits, but their word was no."""
    request = await find_request(story.database)
    await answer(story.database, request.message_id, NOW)
    newer = make_agreement(purpose="We listen, and we keep it to ourselves.")
    await publish(story.database, agreement=newer, change=Change.MATERIAL)
    await deliver(story.database, NOW)
    assert (await find_request(story.database)).state is RequestState.SENT
    await signing.withdraw(story.database, GROUP, NEWCOMER, NOW + DAYS)
    await story.days(2, 40)
    assert (story.warned, story.removed) == ([], [])


async def test_warnings_from_before_a_restore_do_not_count(story: Story) -> None:
    """The answer to them may be in what was lost, given where Discord does not show it."""
    await story.days(0, 30)
    now = NOW + 29 * DAYS
    async with story.database.write() as tx:
        await versions.mark_group(tx, GROUP, restored_from=now, adopted_at=None)
    sweep = await holder_service.begin_sweep(story.database, GROUP, 1, now)
    page = Page(
        after_id=0,
        last_id=None,
        asked_at=now,
        people=[Present(member_id=NEWCOMER, has_role=False, joined_at=NOW)],
        holders=[],
        present=[NEWCOMER],
        size=1,
    )
    await holder_service.record_page(story.database, sweep, page, now)
    await holder_service.conclude(story.database, GROUP, RULES, now)
    assert not await holder_service.is_restored(story.database, GROUP)
    await story.days(30, 40)
    assert story.warnings()[2:] == [(30, Notice.REMOVAL_NEAR), (36, Notice.REMOVAL_NEXT)]
    assert story.removed == [(NEWCOMER, 37)]


# Crashes ------------------------------------------------------------------------------------------


async def _claim_removal(story: Story, day: int = 30) -> Effect:
    now = NOW + day * DAYS
    found = await outbox.claim(story.database, now, limit=9, group_keys=[GROUP], not_asking=[])
    (effect,) = [one for one in found if one.kind is EffectKind.REMOVE]
    return effect


async def test_process_that_asked_discord_and_died_knows_that_it_asked(story: Story) -> None:
    await story.days(0, 30)
    await removals.remove(story.database, RULE, MEMBERS, NOW + 30 * DAYS)
    effect = await _claim_removal(story)
    assert not removals.was_asked(effect)
    assert await removals.mark_asked(story.database, effect, RULE, NOW + 30 * DAYS)

    assert await outbox.take_over(story.database) == 1
    again = await _claim_removal(story)
    assert removals.was_asked(again)
    assert again.attempts == 2


async def test_word_of_a_facilitator_outlives_the_asking(story: Story) -> None:
    await story.days(0, 30)
    await removals.remove(story.database, RULE, MEMBERS, NOW + 30 * DAYS, confirmed=1)
    effect = await _claim_removal(story)
    assert effect.detail == AGREED
    assert await removals.mark_asked(story.database, effect, RULE, NOW + 30 * DAYS)
    await outbox.take_over(story.database)
    assert removals.was_asked(await _claim_removal(story))


# What is to come ----------------------------------------------------------------------------------


async def test_outlook_counts_everybody_on_the_way(story: Story) -> None:
    async def outlook(day: int) -> Outlook | None:
        return await removals.find_outlook(story.database, RULE, NOW + day * DAYS)

    assert await outlook(22) is None
    assert await outlook(23) == Outlook(people=1, first_at=NOW + 30 * DAYS)
    await story.days(0, 24)
    assert await outlook(25) == Outlook(people=1, first_at=NOW + 30 * DAYS)
    await story.days(24, 30)
    assert await outlook(29) == Outlook(people=1, first_at=NOW + 30 * DAYS)
    assert await outlook(500) == Outlook(people=1, first_at=NOW + 507 * DAYS)
    await story.days(30, 32)
    assert await outlook(32) is None


# Whatever happens ---------------------------------------------------------------------------------


@dataclass
class People:
    """Three people who do as they please, seen by their latest request."""

    story: Story
    day: int = 0

    async def _find(self, who: int) -> SignatureRequest | None:
        async with self.story.database.read() as tx:
            return await requests.find_open(tx, GROUP, NEWCOMER + who)

    async def do(self, what: str, number: int) -> None:
        database, now = self.story.database, NOW + self.day * DAYS
        request = None if what in ("wait", "set", "block", "open") else await self._find(number)
        match what:
            case "wait":
                # The bot is away for so long, and then has one round.
                self.day += number
                await self.story.day(self.day)
            case "block" | "open":
                self.story.delivers = what == "open"
            case "set":
                self.story.rule = replace(RULE, after_days=number)
            case "join" if request is None or request.left_at is not None:
                await ask(database, now, NEWCOMER + number)
            case "leave" if request is not None:
                async with database.write() as tx:
                    await requests.mark_left(tx, [GROUP], NEWCOMER + number, now)
            case "accept" | "decline" if request is not None and request.left_at is None:
                emoji = ACCEPT if what == "accept" else DECLINE
                await signing.record_reaction(
                    database, request.message_id or 0, NEWCOMER + number, emoji, now
                )
                self.answered(NEWCOMER + number)
            case _:
                pass

    def answered(self, member_id: int) -> None:
        """What was said before an answer does not count as a warning any more."""
        self.story.warned = [one for one in self.story.warned if one[0] != member_id]


WAITS = st.tuples(st.just("wait"), st.sampled_from([1, 1, 2, 6, 6, 7, 20]))
DEEDS = st.one_of(
    WAITS,
    WAITS,
    st.tuples(st.sampled_from(["join", "accept", "decline", "leave"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["block", "open"]), st.just(0)),
    st.tuples(st.just("set"), st.sampled_from([2, 8, 30])),
)


@given(deeds=st.lists(DEEDS, min_size=15, max_size=50))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(deeds=[("set", 2), ("wait", 1), ("wait", 1), ("wait", 6), ("wait", 1), ("wait", 1)])
async def test_nobody_is_ever_removed_without_two_warnings_and_a_day(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int]]
) -> None:
    """In whatever order people join, answer and leave, and however long the bot is away."""
    path = tmp_path_factory.mktemp("people") / "pledge.db"
    shutil.copy(sqlite_template, path)
    database = await Database.open(f"sqlite:///{path}", KEYS)
    try:
        await publish(database)
        people = People(Story(database))
        for who in range(3):
            await people.do("join", who)
        for what, number in deeds:
            await people.do(what, number)
            _check(people.story)
    finally:
        await database.close()


def _check(story: Story) -> None:
    for member_id, day in story.removed:
        (near_at, near), (next_at, after) = [
            (at, notice) for who, at, notice in story.warned if who == member_id and at < day
        ][-2:]
        assert (near, after) == (Notice.REMOVAL_NEAR, Notice.REMOVAL_NEXT)
        assert next_at - near_at >= 6
        assert day - next_at >= 1
    # Whoever comes back begins anew.
    gone = {member_id for member_id, _ in story.removed}
    story.warned = [one for one in story.warned if one[0] not in gone]
    story.removed.clear()
