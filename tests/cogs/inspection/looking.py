"""What the tests of `/pledge check` do to a server, and how they ask."""

import discord
from simcord.actors import MemberActor
from simcord.backend.models import Overwrite
from simcord.builders import RoleHandle
from simcord.enums import OverwriteType
from simcord.results import InteractionResult

from tests.cogs.conftest import ACCEPT, World

VIEW = discord.Permissions(view_channel=True).value
CLOSED = "The gate is closed, as far as can be seen"
OPEN = "The gate is open"


async def put_in_order(world: World) -> None:
    """Everything is as it should be, and nobody unsigned gets in."""
    let_in(world, world.env.bot.user)  # type: ignore[arg-type]
    await world.publish()
    request = [m for m in world.guild.owner.dm_channel.history() if len(m.reactions) >= 2][-1]
    await world.guild.owner.set_reaction(request, ACCEPT, reacted=True)
    await world.env.settle()


def let_in(
    world: World, who: RoleHandle | MemberActor | discord.ClientUser, place: str = "support"
) -> None:
    """Allow View Channel in the channel's settings, for a role or for one account."""
    kind = OverwriteType.ROLE if isinstance(who, RoleHandle) else OverwriteType.MEMBER
    overwrite = Overwrite(target_id=who.id, type=kind, allow=VIEW)
    world.env.backend.set_overwrite(world.channel(place).id, overwrite)


def keep_from_bot(world: World, place: str, *permissions: str) -> None:
    """Deny the bot these in a channel, and allow it to view the channel."""
    denied = discord.Permissions(**dict.fromkeys(permissions, True)).value
    bot = world.env.bot.user
    assert bot is not None
    kind = OverwriteType.MEMBER
    overwrite = Overwrite(target_id=bot.id, type=kind, allow=VIEW, deny=denied)
    world.env.backend.set_overwrite(world.channel(place).id, overwrite)


def change_role(world: World, role: RoleHandle, **changes: object) -> None:
    world.env.backend.edit_role(world.guild.id, role.id, changes)


def take_from_bot(world: World, *permissions: str) -> None:
    guild = world.env.backend.get_guild(world.guild.id)
    (role,) = (role for role in guild.roles.values() if role.managed)
    left = discord.Permissions(role.permissions)
    left.update(**dict.fromkeys(permissions, False))
    world.env.backend.edit_role(guild.id, role.id, {"permissions": left.value})


def give(world: World, member: MemberActor, role: RoleHandle) -> None:
    world.env.backend.add_member_role(world.guild.id, member.id, role.id)


def said(result: InteractionResult) -> str:
    """Everything that came back, which must be for the asker's eyes only."""
    messages = [m for m in [result.response, *result.followups] if m]
    assert result.ephemeral
    assert all(len(m.content) <= 2000 for m in messages)
    return "\n".join(m.content for m in messages)


async def check(world: World, person: MemberActor | None = None) -> str:
    await world.env.settle()
    asker = person or world.facilitator
    return said(await asker.slash(world.channel("welcome"), "pledge check"))


def member_role(world: World) -> RoleHandle:
    return world.roles[str(world.group.roles.member)]
