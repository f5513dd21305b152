"""Whoever stands in for the moderators is told and reminded of a case by direct message."""

from dataclasses import replace

import pytest
from simcord.actors import MemberActor

from bot.settings import Group
from bot.settings.sections import Cases
from tests.cogs.conftest import World, make_group
from tests.cogs.holding import DAY
from tests.services.cases.cases import add_case


async def report_on_moderator(world: World, reporter: int) -> None:
    """A case about the only moderator."""
    async with world.database.write() as tx:
        await add_case(tx, reporters=[reporter], accused=world.moderator.id, now=world.client.now())
    with world.env._bot_scope():
        world.client.effects.wake()
    await world.env.settle()


async def look_at_members(world: World) -> None:
    with world.env._bot_scope():
        world.client.dispatch("reconcile", world.group.key)
    await world.env.settle()


def owner_of(world: World) -> MemberActor:
    return MemberActor(world.env, world.guild, world.guild.owner)


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(cases=Cases(escalation="escalation"))]


async def test_limit_comes_by_direct_message_with_a_number_and_no_content(world: World) -> None:
    await world.publish()
    role = world.guild.create_role("escalation")
    person = world.guild.add_member(world.env.create_user("test-named"), roles=[role])
    reporter = await world.join("test-reporter")
    await look_at_members(world)
    await report_on_moderator(world, reporter.id)
    (called,) = [one for one in world.dms(person) if "Breach case" in one.content]
    assert "waits for you" in called.content

    await world.restart(asleep=world.group.cases.first_look_days * DAY)

    (reminded,) = [one for one in world.dms(person) if "has looked at case #1" in one.content]
    assert str(reporter.id) not in reminded.content
    assert str(world.moderator.id) not in reminded.content
    assert not any("#1" in notice for notice in world.notices())
    opened = await person.user.click(reminded, label="Open")
    assert opened.response is not None
    assert "Breach case #1" in opened.response.content
    await world.restart(asleep=DAY)
    assert len([one for one in world.dms(person) if "looked at case" in one.content]) == 1


async def test_case_of_a_named_person_who_has_left_goes_to_the_owner(world: World) -> None:
    await world.publish()
    user = world.env.create_user("test-named")
    world.groups[0] = replace(world.group, cases=Cases(escalation=user.id))
    await world.restart()
    person = world.guild.add_member(user)
    reporter = await world.join("test-reporter")
    await look_at_members(world)
    await report_on_moderator(world, reporter.id)
    (called,) = [one for one in world.dms(person) if "Breach case" in one.content]

    world.guild.remove_member(person)
    await world.env.settle()

    told = [one.content for one in world.dms(owner_of(world))]
    assert any("as the owner of the server" in content for content in told)
    pressed = await user.click(called, label="Open")
    assert pressed.response is not None
    assert "There is no case of this number" in pressed.response.content
