"""Finds a group's roles and channels in its server as it is now, and what is wrong with them."""

from collections.abc import Sequence

import discord

from bot.domain.effects import AlarmKind
from bot.settings import Group


def find_role(guild: discord.Guild, wanted: int | str) -> discord.Role | None:
    """The role with this id or this name; None when there is none, or a name fits two."""
    if isinstance(wanted, int):
        return guild.get_role(wanted)
    found = [role for role in guild.roles if role.name == wanted]
    return found[0] if len(found) == 1 else None


def find_channel(
    place: discord.Guild | Sequence[discord.abc.GuildChannel], wanted: int | str
) -> discord.TextChannel | None:
    """The text channel with this id or this name; None when there is none, or a name fits two.

    Args:
        place: a server, or the channels of one that is not in the cache.
        wanted: the id or the name from the configuration.
    """
    if isinstance(place, discord.Guild) and isinstance(wanted, int):
        channel = place.get_channel(wanted)
        return channel if isinstance(channel, discord.TextChannel) else None
    channels = place.channels if isinstance(place, discord.Guild) else place
    texts = [channel for channel in channels if isinstance(channel, discord.TextChannel)]
    found = [channel for channel in texts if wanted in (channel.id, channel.name)]
    return found[0] if len(found) == 1 else None


def find_problem(guild: discord.Guild, group: Group) -> AlarmKind | None:
    """Why the member role cannot be given or taken, or None when it can.

    A bot can give only roles below its own highest one, and never a managed one (rules of
    Discord's permission system, "Role hierarchy").
    """
    role = find_role(guild, group.roles.member)
    if role is None:
        return AlarmKind.ROLE_GONE
    if role.managed or role.is_default() or role >= guild.me.top_role:
        return AlarmKind.ROLE_TOO_HIGH
    if not guild.me.guild_permissions.manage_roles:
        return AlarmKind.ROLE_TOO_HIGH
    return None


def can_post(guild: discord.Guild, wanted: int | str) -> bool:
    """Whether the bot can read and write in this channel."""
    channel = find_channel(guild, wanted)
    if channel is None:
        return False
    allowed = channel.permissions_for(guild.me)
    return allowed.view_channel and allowed.send_messages
