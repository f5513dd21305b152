"""People who hold the member role, however they came by it."""

from simcord.actors import MemberActor

from bot.domain.agreements import Standing
from bot.services import records
from tests.cogs.conftest import World

DAY = 86_400


def give_role(world: World, member: MemberActor) -> None:
    """A moderator gives the role in Discord's own settings."""
    world.env.backend.add_member_role(world.guild.id, member.id, world.member_role.id)


async def hold(world: World, count: int, prefix: str = "test-holder") -> list[MemberActor]:
    """People with the role, from before Pledge or given by hand."""
    people = [
        world.guild.add_member(
            world.env.create_user(f"{prefix}-{number}"), roles=[world.member_role]
        )
        for number in range(count)
    ]
    await world.env.settle()
    return people


async def hold_from_before(world: World, count: int) -> list[MemberActor]:
    """People who had the role long before the bot came."""
    await world.stop()
    people = await hold(world, count)
    for member in people:
        stored = world.env.backend.get_member(world.guild.id, member.id)
        stored.joined_at = "2020-01-01T00:00:00+00:00"
    await world.start()
    return people


async def standing(world: World, member: MemberActor) -> Standing | None:
    now = world.client.now()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    return record.standing


async def sweep(world: World) -> None:
    """What the timer does."""
    with world.env._bot_scope():
        world.client.dispatch("reconcile", world.group.key)
    await world.env.settle()
