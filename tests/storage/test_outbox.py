"""The outbox: what is handed out when, in which order and to whom, on both engines."""

from datetime import timedelta

import pytest

from bot.domain.effects import Effect, EffectKind, EffectState
from bot.storage import effects, requests, versions
from bot.storage.database import Database, Transaction
from tests.factories import KEYS, NOW

GROUP = "harbour-light"
OTHER_GROUP = "north-star"
GROUPS = [GROUP, OTHER_GROUP]
SECOND = timedelta(seconds=1)


@pytest.fixture
async def seeded(database: Database) -> Database:
    """Two groups and an empty outbox."""
    async with database.write() as tx:
        for key in GROUPS:
            await versions.add_group(tx, key, 1, NOW)
    return database


async def put(database: Database, *lanes: str, kind: EffectKind = EffectKind.NOTICE) -> None:
    """Something to do in each lane, in this order; ids count from 1."""
    async with database.write() as tx:
        for lane in lanes:
            await effects.add(tx, group_key=GROUP, lane=lane, kind=kind, now=NOW)


async def claim(database: Database, **changes: object) -> list[int]:
    return [effect.id for effect in await claim_effects(database, **changes)]


async def claim_effects(database: Database, **changes: object) -> list[Effect]:
    async with database.write() as tx:
        return await claim_in(tx, **changes)


async def claim_in(tx: Transaction, **changes: object) -> list[Effect]:
    wanted = {"now": NOW, "limit": 10, "group_keys": GROUPS, "not_asking": [], **changes}
    return await effects.claim(tx, **wanted)  # type: ignore[arg-type]


async def finish(database: Database, effect_id: int) -> None:
    async with database.write() as tx:
        await effects.mark_finished(tx, effect_id, EffectState.DONE, "done", NOW)


async def test_lane_is_worked_off_one_by_one_in_order(seeded: Database) -> None:
    await put(seeded, "a", "b", "a", "a", "b")
    assert await claim(seeded) == [1, 2]
    assert await claim(seeded) == []
    await finish(seeded, 1)
    assert await claim(seeded) == [3]
    await finish(seeded, 3)
    await finish(seeded, 2)
    assert await claim(seeded) == [4, 5]


async def test_row_that_waits_for_its_next_try_keeps_its_lane_waiting(seeded: Database) -> None:
    await put(seeded, "a", "a", "b")
    assert await claim(seeded) == [1, 3]
    later = NOW + timedelta(minutes=1)
    async with seeded.write() as tx:
        await effects.mark_retry(tx, 1, later, "http 503")
    assert await claim(seeded, now=later - SECOND) == []
    (effect,) = await claim_effects(seeded, now=later)
    assert (effect.id, effect.attempts, effect.outcome) == (1, 2, "http 503")


async def test_row_that_was_set_aside_lets_its_lane_go_on(seeded: Database) -> None:
    await put(seeded, "a", "a")
    assert await claim(seeded) == [1]
    async with seeded.write() as tx:
        await effects.mark_held(tx, 1, "role_gone")
        assert await effects.has_held(tx, "a", EffectKind.NOTICE)
        assert not await effects.has_held(tx, "a", EffectKind.ASK)
    assert await claim(seeded) == [2]
    async with seeded.write() as tx:
        assert await effects.release_held(tx, OTHER_GROUP, [EffectKind.NOTICE], NOW) == 0
        assert await effects.release_held(tx, GROUP, [EffectKind.ASK], NOW) == 0
        assert await effects.release_held(tx, GROUP, list(EffectKind), NOW) == 1
    assert await claim(seeded) == [1]


async def test_group_that_may_not_ask_still_gets_everything_else_done(seeded: Database) -> None:
    await put(seeded, "a", "b", kind=EffectKind.ASK)
    await put(seeded, "a", "c")
    await put(seeded, "e", kind=EffectKind.ALIGN_ROLE)
    async with seeded.write() as tx:
        ask = EffectKind.ASK
        await effects.add(tx, group_key=OTHER_GROUP, lane="d", kind=ask, now=NOW)
    # 3 waits for the request before it: a notice never overtakes what it is about.
    assert await claim(seeded, not_asking=[GROUP]) == [4, 5, 6]
    assert await claim(seeded) == [1, 2]


async def test_rows_of_a_group_that_is_not_configured_stay_where_they_are(
    seeded: Database,
) -> None:
    await put(seeded, "a")
    assert await claim(seeded, group_keys=[OTHER_GROUP]) == []
    assert await claim(seeded, group_keys=[]) == []
    assert await claim(seeded) == [1]


async def test_what_is_due_longest_comes_first_when_there_is_too_much(seeded: Database) -> None:
    await put(seeded, "a", "b", "c")
    async with seeded.write() as tx:
        await effects.mark_retry(tx, 1, NOW + SECOND, "again")
    assert await claim(seeded, now=NOW + SECOND, limit=2) == [2, 3]
    assert await claim(seeded, now=NOW + SECOND, limit=2) == [1]


async def test_row_in_hand_comes_back_when_the_program_died(seeded: Database) -> None:
    await put(seeded, "a", "a")
    await claim(seeded)
    async with seeded.write() as tx:
        assert await effects.reclaim_running(tx) == 1
        assert await effects.count_by_state(tx) == {EffectState.PENDING: 2}
    (effect,) = await claim_effects(seeded)
    # More than one: whoever does it knows that an earlier try may have reached Discord.
    assert (effect.id, effect.attempts) == (1, 2)


async def test_next_due_is_the_earliest_that_nothing_keeps_waiting(seeded: Database) -> None:
    kinds = [EffectKind.NOTICE]

    async def next_due() -> object:
        async with seeded.read() as tx:
            return await effects.find_next_due_at(tx, GROUPS, kinds)

    assert await next_due() is None
    await put(seeded, "a", "a", "b")
    async with seeded.write() as tx:
        await effects.mark_retry(tx, 1, NOW + 2 * SECOND, "again")
        await effects.mark_retry(tx, 3, NOW + 5 * SECOND, "again")
    assert await next_due() == NOW + 2 * SECOND
    assert await claim(seeded, now=NOW + 2 * SECOND) == [1]
    assert await next_due() == NOW + 5 * SECOND
    kinds = [EffectKind.ASK]
    assert await next_due() is None


async def test_same_thing_is_found_only_while_it_waits(seeded: Database) -> None:
    role = EffectKind.ALIGN_ROLE
    await put(seeded, "a", kind=role)
    async with seeded.write() as tx:
        assert await effects.has_waiting(tx, "a", role, None)
        assert not await effects.has_waiting(tx, "a", role, "detail")
        assert not await effects.has_waiting(tx, "b", role, None)
    await claim(seeded)
    async with seeded.write() as tx:
        # The one in hand may have read the record already: a new one is needed.
        assert not await effects.has_waiting(tx, "a", role, None)


async def test_queued_people_are_asked_once_however_often_it_is_wanted(seeded: Database) -> None:
    async with seeded.write() as tx:
        for member_id in (1, 2, 3):
            await requests.add(tx, GROUP, member_id, NOW, version_id=None)
        await requests.mark_left(tx, [GROUP], 3, NOW)
        assert await requests.ask_queued(tx, GROUP, NOW, [2]) == 1
        assert await requests.ask_queued(tx, GROUP, NOW) == 1
        assert await requests.ask_queued(tx, GROUP, NOW) == 0
    found = await claim_effects(seeded)
    assert [(effect.kind, effect.member_id, effect.lane) for effect in found] == [
        (EffectKind.ASK, 2, "member:harbour-light:2"),
        (EffectKind.ASK, 1, "member:harbour-light:1"),
    ]


@pytest.mark.parametrize("engine_name", ["postgresql"])
async def test_two_workers_share_the_work_without_waiting(
    seeded: Database, database_url: str
) -> None:
    await put(seeded, "a", "b", "c", "a")
    other = await Database.open(database_url, KEYS)
    async with seeded.write() as tx:
        mine = await claim_in(tx, limit=2)
        # The first transaction is still open: what it has taken is passed over.
        theirs = await claim(other)
    assert ([effect.id for effect in mine], theirs) == ([1, 2], [3])
    assert await claim(other) == []
    await other.close()
