"""Who may do what, checked at the moment of use."""

from typing import Literal

import discord

from bot.domain.entitlement import Office as CaseOffice
from bot.domain.entitlement import Viewer
from bot.domain.errors import NotAMemberError, NotEntitledError, ScreeningError, UnknownGroupError
from bot.effects import find_channel, find_role
from bot.effects.desks import desk_of, officers_of
from bot.services import records
from bot.settings import Group
from cogs._ui import Context

__all__ = ["desk_of"]

Office = Literal["facilitator", "moderator"]


def holds(interaction: Context, group: Group, *offices: Office) -> bool:
    """Whether the person holds one of these offices of the group at this moment.

    The roles come with the interaction itself, so they are as Discord has them now.
    """
    member, guild = interaction.user, interaction.guild
    if guild is None or guild.id != group.guild_id or not isinstance(member, discord.Member):
        return False
    wanted = {find_role(guild, getattr(group.roles, office)) for office in offices} - {None}
    return any(role in wanted for role in member.roles)


def require_office(interaction: Context, group: Group, *offices: Office) -> None:
    """Refuse whoever holds none of these offices.

    Raises:
        NotEntitledError: the person holds none of them in this group.
    """
    if not holds(interaction, group, *offices):
        raise NotEntitledError


def groups_of_office(interaction: Context, *offices: Office) -> list[Group]:
    """The groups on this server in which the person holds one of these offices.

    Raises:
        NotEntitledError: there is none.
    """
    mine = [group for group in groups_here(interaction) if holds(interaction, group, *offices)]
    if not mine:
        raise NotEntitledError
    return mine


def groups_here(interaction: Context) -> list[Group]:
    """The groups that can be meant on this server: the channel's own, or all of them.

    Raises:
        UnknownGroupError: no group lives here.
    """
    guild = interaction.guild
    groups = interaction.client.groups_in(guild.id) if guild else []
    if guild is None or not groups:
        raise UnknownGroupError
    own = [group for group in groups if interaction.channel_id in _channel_ids(guild, group)]
    return own if len(own) == 1 else groups


def _channel_ids(guild: discord.Guild, group: Group) -> set[int]:
    places = (group.channels.support, group.channels.moderators, group.channels.welcome)
    found = (find_channel(guild, place) for place in places)
    return {channel.id for channel in found if channel is not None}


async def groups_of_person(interaction: Context) -> list[Group]:
    """The groups that can be meant: those of this server, or in a direct message one's own.

    Raises:
        UnknownGroupError: there is none.
    """
    if interaction.guild is not None:
        return groups_here(interaction)
    client = interaction.client
    keys = await records.list_groups_of(client.database, interaction.user.id)
    mine = [client.groups[key] for key in keys if key in client.groups]
    if not mine:
        raise UnknownGroupError
    return mine


def groups_of_party(interaction: Context) -> list[Group]:
    """The groups whose cases can be meant by a party of one, who need not have signed anywhere.

    Those of this server, whatever the channel; in a direct message all.
    """
    client = interaction.client
    if interaction.guild is not None:
        return client.groups_in(interaction.guild.id)
    return list(client.groups.values())


async def require_presence(interaction: Context, group: Group) -> None:
    """Refuse whoever is not in the group's server, or has not passed its screening.

    Raises:
        NotAMemberError: the person is not in the server.
        ScreeningError: the person has not answered the server's own questions yet.
    """
    member: discord.Member | discord.User | None = interaction.user
    if not isinstance(member, discord.Member) or member.guild.id != group.guild_id:
        guild = interaction.client.get_guild(group.guild_id)
        try:
            member = await guild.fetch_member(interaction.user.id) if guild else None
        except discord.NotFound:
            member = None
    if not isinstance(member, discord.Member):
        raise NotAMemberError
    if member.pending:
        raise ScreeningError


def known_group(interaction: Context, group_key: str) -> Group:
    """The group that a button names.

    Raises:
        UnknownGroupError: it is not configured any more, or lives on another server.
    """
    group = interaction.client.groups.get(group_key)
    if group is None or interaction.guild_id not in (None, group.guild_id):
        raise UnknownGroupError
    return group


async def viewer_of(interaction: Context, group: Group) -> Viewer:
    """Whoever acts, with the offices they hold in a group at this moment.

    In a direct message, or on another server, Discord is asked for their roles.
    """
    client, user = interaction.client, interaction.user
    guild = client.get_guild(group.guild_id)
    if guild is None:
        return Viewer(member_id=user.id)
    member: discord.Member | None = None
    if isinstance(user, discord.Member) and user.guild.id == guild.id:
        member = user
    else:
        try:
            member = await guild.fetch_member(user.id)
        except discord.NotFound:
            member = None
    if member is None:
        # Whoever has left holds nothing, whatever the settings say of their account.
        return Viewer(member_id=user.id)
    roles = {role.id for role in member.roles}
    held = officers_of(guild, group).held_by(user.id, user.name, roles)
    facilitator = find_role(guild, group.roles.facilitator)
    return Viewer(
        member_id=user.id,
        is_moderator=CaseOffice.MODERATOR in held,
        is_facilitator=facilitator is not None and facilitator.id in roles,
        is_escalation=CaseOffice.ESCALATION in held,
        is_owner=user.id == guild.owner_id,
    )


async def desks_here(interaction: Context) -> list[tuple[Group, Viewer]]:
    """The groups on this server whose cases this person could have to do with.

    Raises:
        UnknownGroupError: no group lives here.
    """
    found = [(group, await viewer_of(interaction, group)) for group in groups_here(interaction)]
    return [(group, viewer) for group, viewer in found if has_desk(viewer)]


def has_desk(viewer: Viewer) -> bool:
    """Whether somebody holds an office that cases can come to."""
    return viewer.is_moderator or viewer.is_escalation or viewer.is_owner
