"""What Discord may answer, and what a wrong setting may say, without anybody losing by it."""

from typing import Any

import pytest

from bot.domain.agreements import Standing
from bot.effects import reconciler
from tests.cogs.conftest import World
from tests.cogs.holding import hold, hold_from_before, standing, sweep


async def test_renamed_role_ends_nobodys_grace(world: World) -> None:
    people = await hold_from_before(world, 4)
    await world.publish()
    role = world.member_role
    world.env.backend.edit_role(world.guild.id, role.id, {"name": "another name"})
    world.env.backend.advance_clock(3600)
    await sweep(world)
    world.env.backend.edit_role(world.guild.id, role.id, {"name": str(world.group.roles.member)})
    await sweep(world)

    assert all(world.has_role(member) for member in people)


async def test_other_role_under_the_same_name_is_taken_from_nobody_one_by_one(
    world: World,
) -> None:
    """A changed setting that no sweep has seen yet must not be acted on person by person."""
    await world.publish()
    await world.react(await world.join("test-signer"))
    await sweep(world)
    other = world.guild.create_role("test-regulars")
    regulars = [
        world.guild.add_member(world.env.create_user(f"test-regular-{number}"), roles=[other])
        for number in range(8)
    ]
    await world.env.settle()
    group = world.group
    backend = world.env.backend
    backend.edit_role(world.guild.id, world.member_role.id, {"name": "test-old"})
    backend.edit_role(world.guild.id, other.id, {"name": str(group.roles.member)})
    for member in regulars:
        backend.edit_member(world.guild.id, member.id, {"nick": "another name"})
        await world.env.settle()

    guild = backend.get_guild(world.guild.id)
    assert all(other.id in guild.members[member.id].role_ids for member in regulars)


async def test_role_given_with_the_joining_is_taken_at_once(world: World) -> None:
    await world.publish()
    (stranger,) = await hold(world, 1)
    assert not world.has_role(stranger)


@pytest.mark.parametrize("answer", ["the same page", "nothing", "half"])
async def test_page_that_cannot_be_right_loses_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(reconciler, "MEMBERS_PER_PAGE", 4)
    await world.publish()
    people = [await world.join(f"test-signer-{number}") for number in range(8)]
    for member in people:
        await world.react(member)
    said = [len(world.dms(member)) for member in people]
    real, asked = world.client.http.get_members, 0

    async def get_members(guild_id: int, limit: int, after: int | None) -> Any:
        nonlocal asked
        asked += 1
        if asked > 20:
            msg = "reads on for ever"
            raise AssertionError(msg)
        if answer == "the same page":
            return await real(guild_id, limit, 0)
        page = await real(guild_id, limit, after)
        if answer == "half":
            return page[: len(page) // 2 + 1]
        return page if not after else []

    monkeypatch.setattr(world.client.http, "get_members", get_members)
    await sweep(world)
    assert asked <= 20
    monkeypatch.undo()
    await sweep(world)

    assert [await standing(world, member) for member in people] == [Standing.SIGNED] * 8
    assert all(world.has_role(member) for member in people)
    assert [len(world.dms(member)) for member in people] == said
