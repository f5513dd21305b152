"""What was kept for long enough goes, in years of a made-up group, on both engines."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain.agreements import RequestState, Standing
from bot.domain.effects import EffectKind, Notice
from bot.services import (
    agreements,
    forewarning,
    ledger,
    outbox,
    purging,
    signing,
)
from bot.services.purging import Purged
from bot.storage import effects, holders, requests, retention, signatures, versions
from bot.storage import tables as t
from bot.storage.database import Database, Transaction
from bot.storage.proof_tables import proofs as kept
from tests.factories import NEWCOMER, NOW
from tests.services.test_ledger import ACCEPT, GROUP
from tests.services.town import (
    DAY,
    LIVES,
    LONG,
    TERMS,
    WEEK,
    Life,
    Town,
    declined,
    places_of,
    returned,
    signed,
    signed_again,
    silent,
    standing_of,
    withdrew,
)


@pytest.fixture
async def town(database: Database) -> Town:
    town = Town(database)
    await town.publish()
    return town


async def test_after_years_nothing_leads_to_anybody_who_left(town: Town) -> None:
    """Of each life two people, one of whom leaves; week after week for more than three years."""
    leave = range(NEWCOMER, NEWCOMER + len(LIVES))
    stay = range(leave.stop, leave.stop + len(LIVES))
    for life, *both in zip(LIVES, leave, stay, strict=True):
        for who in both:
            await town.join(who)
            await life(town, who)
    standings = [await standing_of(town, who) for who in stay]
    for who in leave:
        await town.leave(who)
        assert await places_of(town.database, who)

    gone = await town.live(LONG, rests=False)

    assert {who: await places_of(town.database, who) for who in leave} == {
        who: set[str]() for who in leave
    }
    assert gone.people == len(leave)
    assert [await standing_of(town, who) for who in stay] == [
        # Whoever withdrew has said no; it is not known any more how.
        Standing.DECLINED if one is Standing.WITHDRAWN else one
        for one in standings
    ]
    async with town.database.read() as tx:
        named = await tx.execute(select(kept.c.id).where(kept.c.subject.is_not(None)))
        assert named.all() == []
    assert (await ledger.verify(town.database)).findings == ()


@pytest.mark.parametrize("life", [declined, silent, returned])
async def test_whoever_left_unsigned_goes_after_the_days_of_the_unsigned(
    town: Town, life: Life
) -> None:
    await town.join(NEWCOMER)
    await life(town, NEWCOMER)
    await town.leave(NEWCOMER)
    await town.live(89)
    assert "signature_requests" in await places_of(town.database, NEWCOMER)
    await town.live(8)
    assert await places_of(town.database, NEWCOMER) == set()


async def test_account_that_is_gone_counts_as_left(town: Town) -> None:
    await town.join(NEWCOMER)
    async with town.database.write() as tx:
        await effects.add(
            tx,
            group_key=GROUP,
            lane="member:x",
            kind=EffectKind.NOTICE,
            member_id=NEWCOMER,
            detail=Notice.REMINDER,
            now=town.now,
        )
    (notice,) = await outbox.claim(
        town.database, town.now, limit=1, group_keys=[GROUP], not_asking=[]
    )
    await outbox.drop_gone(town.database, notice, 10013, town.now)
    await town.live(97)
    assert await places_of(town.database, NEWCOMER) == set()


async def test_signature_of_somebody_who_left_counts_for_as_long_as_it_is_kept(
    town: Town,
) -> None:
    await town.join(NEWCOMER)
    await signed(town, NEWCOMER)
    await town.leave(NEWCOMER)
    await town.live(1_094)
    assert await town.sweep(NEWCOMER) == 1
    async with town.database.read() as tx:
        assert await signatures.find_unrevoked(tx, GROUP, NEWCOMER) is not None
    await town.live(50)
    async with town.database.read() as tx:
        assert await signatures.find_unrevoked(tx, GROUP, NEWCOMER) is not None


@pytest.mark.parametrize(
    ("life", "days", "name", "standing"),
    [
        (declined, 89, "list_left_unsigned", Standing.WAITING),
        (signed, 1_094, "list_left_signed", Standing.SIGNED),
    ],
)
async def test_whoever_comes_back_while_the_purge_is_under_way_is_left_alone(
    town: Town,
    life: Life,
    days: int,
    name: str,
    standing: Standing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = (NEWCOMER, NEWCOMER + 1)
    for who in both:
        await town.join(who)
        await life(town, who)
        await town.leave(who)
    await town.live(days)
    look, write = getattr(retention, name), town.database.write

    @asynccontextmanager
    async def after_a_return() -> AsyncGenerator[Transaction]:
        monkeypatch.setattr(town.database, "write", write)
        await town.join(NEWCOMER)
        async with write() as tx:
            yield tx

    async def look_once(*args: Any) -> list[int]:
        found = await look(*args)
        assert NEWCOMER in found
        monkeypatch.setattr(retention, name, look)
        monkeypatch.setattr(town.database, "write", after_a_return)
        return found

    monkeypatch.setattr(retention, name, look_once)
    town.now += 8 * DAY
    await purging.purge(town.database, GROUP, TERMS, town.now)
    assert await standing_of(town, NEWCOMER) is standing
    assert await places_of(town.database, both[1]) == set()


# People who are there ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life", "standing"),
    [
        (signed, Standing.SIGNED),
        (signed_again, Standing.SIGNED),
        (declined, Standing.DECLINED),
        (silent, Standing.WAITING),
        (withdrew, Standing.DECLINED),
    ],
)
async def test_people_who_are_there_stand_where_they_stood_and_are_not_asked_again(
    town: Town, life: Life, standing: Standing
) -> None:
    await town.join(NEWCOMER)
    await life(town, NEWCOMER)
    message_id = await town.message_of(NEWCOMER)
    await town.live(LONG)
    assert await standing_of(town, NEWCOMER) is standing
    # Whoever has signed and lacks the role gets it; of nobody else there is anything to do.
    assert await town.sweep(NEWCOMER) == (1 if standing is Standing.SIGNED else 0)
    assert await town.message_of(NEWCOMER) == message_id
    assert (await ledger.verify(town.database)).findings == ()


async def test_whoever_withdrew_is_left_in_peace_after_the_signature_is_gone(town: Town) -> None:
    await town.join(NEWCOMER)
    await withdrew(town, NEWCOMER)
    gone = await town.live(LONG)
    assert gone.signatures == 1
    asked = await town.message_of(NEWCOMER)
    await town.publish(purpose="Something else.")
    assert await town.message_of(NEWCOMER) == asked
    assert await town.state_of(NEWCOMER) is RequestState.DECLINED


async def test_a_late_acceptance_of_somebody_who_is_there_signs(town: Town) -> None:
    await town.join(NEWCOMER)
    await town.live(LONG)
    await town.react(ACCEPT, NEWCOMER)
    assert await town.state_of(NEWCOMER) is RequestState.SIGNED


async def test_a_tick_on_the_message_of_a_forgotten_request_does_nothing(town: Town) -> None:
    await town.join(NEWCOMER)
    message_id = await town.message_of(NEWCOMER)
    await town.leave(NEWCOMER)
    await town.live(97)
    for removed in (False, True):
        assert not await signing.record_reaction(
            town.database, message_id, NEWCOMER, ACCEPT, town.now, removed=removed
        )
    assert await places_of(town.database, NEWCOMER) == set()
    in_force = await agreements.read_in_force(town.database, GROUP)
    await signing.accept_by_button(town.database, GROUP, NEWCOMER, in_force.id, town.now)
    assert await town.state_of(NEWCOMER) is RequestState.SIGNED


async def test_whoever_was_forgotten_and_joins_is_new(town: Town) -> None:
    await town.join(NEWCOMER)
    await declined(town, NEWCOMER)
    await town.leave(NEWCOMER)
    await town.live(97)
    await town.join(NEWCOMER)
    assert await town.state_of(NEWCOMER) is RequestState.SENT


async def test_replaced_requests_go_and_the_one_that_counts_stays(town: Town) -> None:
    await town.join(NEWCOMER)
    older = await town.message_of(NEWCOMER)
    town.now += 30 * DAY
    await town.publish(purpose="Something else.")
    newer = await town.message_of(NEWCOMER)
    await town.live(89)
    assert not await _forgets(town, older)
    await town.live(8)
    assert await _forgets(town, older)
    assert not await _forgets(town, newer)


async def _forgets(town: Town, message_id: int) -> bool:
    async with town.database.read() as tx:
        return await requests.find_by_message(tx, message_id) is None


async def test_since_when_a_member_from_before_was_asked_is_not_forgotten(town: Town) -> None:
    await town.join(NEWCOMER)
    async with town.database.write() as tx:
        await holders.add_found(tx, GROUP, [NEWCOMER], NOW)
        await tx.execute(update(t.holders).values(adopted_at=NOW))
    first = await town.message_of(NEWCOMER)
    town.now += DAY
    await town.publish(purpose="Something else.")
    await town.live(200)
    assert not await _forgets(town, first)


# Steps -------------------------------------------------------------------------------------------


async def test_a_purge_that_is_cut_short_goes_on_where_it_was(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "PEOPLE_PER_STEP", 2)
    for who in range(NEWCOMER, NEWCOMER + 5):
        await town.join(who)
        await (withdrew if who % 2 else declined)(town, who)
        await town.leave(who)
    await town.live(80)
    town.now += LONG * DAY
    await forewarning.warn(town.database, GROUP, TERMS, town.now)
    town.now += WEEK
    runs = 0
    while not (await purging.purge(town.database, GROUP, TERMS, town.now, steps=9 + runs)).is_whole:
        runs += 1
        assert (await ledger.verify(town.database)).findings == ()
    assert runs > 0
    for who in range(NEWCOMER, NEWCOMER + 5):
        assert await places_of(town.database, who) == set()


async def test_it_is_done_once_a_day(town: Town) -> None:
    async def run() -> Purged | None:
        return await purging.run_daily(town.database, GROUP, TERMS, town.now, town.now + DAY)

    assert await run() is not None
    assert await run() is None
    town.now += DAY
    assert await run() is not None
    # A clock that was years ahead must not stop it for years.
    town.now -= 400 * DAY
    assert await run() is not None


async def test_nobody_is_forgotten_while_it_is_not_sure_who_is_there(town: Town) -> None:
    await town.join(NEWCOMER)
    await town.leave(NEWCOMER)
    await town.live(80)
    sweep = await _begin_sweep(town)
    await town.live(60)
    assert await places_of(town.database, NEWCOMER)
    async with town.database.write() as tx:
        await holders.put_sweep(tx, replace(sweep, finished_at=town.now))
        await versions.mark_group(tx, GROUP, restored_from=town.now)
    assert (await town.purge()).people == 0
    async with town.database.write() as tx:
        await versions.mark_group(tx, GROUP, restored_from=None)
    assert (await town.purge()).people == 1


async def _begin_sweep(town: Town) -> holders.Sweep:
    async with town.database.write() as tx:
        sweep = holders.Sweep(
            group_key=GROUP, started_at=town.now, after_id=0, members=0, holders=0, role_id=1
        )
        await holders.put_sweep(tx, sweep)
        return sweep
