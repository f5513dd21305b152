"""What was kept for long enough goes while the bot runs, and nobody who is there notices."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.storage import versions
from bot.storage.database import Database
from bot.storage.tables import metadata, signature_requests
from tests.cogs.conftest import DECLINE, World
from tests.cogs.holding import DAY

pytestmark = pytest.mark.usefixtures("world")


async def knows(database: Database, member_id: int) -> bool:
    async with database.read() as tx:
        for table in metadata.sorted_tables:
            for row in await tx.execute(select(table)):
                if any(str(member_id) in str(value) for value in row):
                    return True
    return False


async def years(world: World, *days: int) -> None:
    """Let time go by; with every start comes a sweep, and after it a purge that can rely on it."""
    for one in days:
        await world.restart(asleep=one * DAY)
        await world.restart(asleep=2_000)


async def test_whoever_left_unsigned_is_forgotten_after_a_notice_in_numbers(world: World) -> None:
    await world.publish()
    stays, leaves = await world.join("test-stays"), await world.join("test-leaves")
    await world.react(stays)
    await world.react(leaves, DECLINE)
    old = world.request_of(leaves)
    world.env.backend.remove_member(world.guild.id, leaves.id)
    await world.env.settle()

    await years(world, 80)
    (told,) = [one for one in world.notices() if "Kept long enough" in one]
    assert "1 person who left 90 days ago without signing" in told
    assert "test-leaves" not in told
    assert str(leaves.id) not in told
    assert await knows(world.database, leaves.id)

    await years(world, 11)
    assert not await knows(world.database, leaves.id)
    assert world.has_role(stays)
    assert len([one for one in world.notices() if "Kept long enough" in one]) == 1

    # A ✅ where nothing is known any more does nothing, and whoever comes again is new.
    await leaves.user.set_reaction(old, "✅", reacted=True)
    await world.env.settle()
    assert not await knows(world.database, leaves.id)
    again = await world.join(user=leaves.user)
    await world.react(again)
    assert world.has_role(again)


async def test_nobody_who_is_there_is_written_to_because_of_it(world: World) -> None:
    await world.publish()
    signed, withdrew, declined = [
        await world.join(name) for name in ("test-signed", "test-withdrew", "test-declined")
    ]
    await world.react(signed)
    await world.react(withdrew)
    await world.react(withdrew, reacted=False)
    await world.react(declined, DECLINE)
    before = {one.id: len(world.dms(one)) for one in (signed, withdrew, declined)}

    await years(world, 1_090, 10, 30, 30)

    assert {one.id: len(world.dms(one)) for one in (signed, withdrew, declined)} == before
    assert [world.has_role(one) for one in (signed, withdrew, declined)] == [True, False, False]
    assert any("1 signature that ended 1095 days ago" in one for one in world.notices())
    await world.react(withdrew)
    assert world.has_role(withdrew)


async def test_a_bot_that_was_away_and_is_back_keeps_everything(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member, DECLINE)
    async with world.database.write() as tx:
        # As when it was removed, and invited again while it was not running.
        group = await versions.get_group(tx, world.group.key)
        await versions.mark_group(tx, world.group.key, gone_at=group.created_at)
    await years(world, 120, 20)
    assert await knows(world.database, member.id)
    async with world.database.read() as tx:
        assert (await versions.get_group(tx, world.group.key)).gone_at is None


async def test_wrong_clock_forgets_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.publish()
    leaves = await world.join()
    world.env.backend.remove_member(world.guild.id, leaves.id)
    await world.env.settle()
    monkeypatch.setattr("bot.effects.clock.Clock.is_wrong", property(lambda _clock: True))
    await years(world, 100, 100)
    assert await knows(world.database, leaves.id)


async def test_group_that_is_not_in_the_settings_any_more_goes_in_its_time(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member, DECLINE)
    world.groups[:] = [replace(world.group, key="other", name="Other")]
    await years(world, 1, 88)
    assert await in_group(world.database, "harbour-light", member.id)
    await years(world, 3)
    assert not await in_group(world.database, "harbour-light", member.id)


async def in_group(database: Database, group_key: str, member_id: int) -> bool:
    async with database.read() as tx:
        columns = signature_requests.c
        query = select(columns.id).where(
            columns.group_key == group_key, columns.member_id == member_id
        )
        return bool((await tx.execute(query)).all())
