"""The only way for cogs to ask who may do what: whoever uses something, looked at at that moment.

The rules are in `bot.domain.authorisation`; what each way in takes is in `bot.entry_points`.
"""

from dataclasses import dataclass, replace

import discord

from bot.client import Pledge, entry_point_of
from bot.domain import authorisation
from bot.domain.authorisation import RULES, Action, Ground, Viewer
from bot.domain.entitlement import Office
from bot.domain.errors import NotEntitledError, UnknownGroupError
from bot.domain.retention import RetentionTerms
from bot.effects import find_channel, find_role
from bot.effects.desks import officers_of
from bot.entry_points import action_of, right_to
from bot.services import records, servers
from bot.settings import Group

Context = discord.Interaction[Pledge]


async def admit(interaction: Context, entry_point: str, group: Group | None = None) -> None:
    """Refuse whoever may not use a way in.

    Whether they may do something with one case is asked where the case is read.

    Args:
        interaction: the use.
        entry_point: its name in `bot.entry_points`.
        group: the group it is about; None where it is about none, or none is known yet.

    Raises:
        LookupError: the way in has no row, so nobody may use it.
        NotEntitledError: they may not, or are a program. `require` raises others.
    """
    right = right_to(entry_point)
    if interaction.user.bot:
        raise NotEntitledError
    if group is not None and isinstance(right, Action):
        await require(interaction, group, right)


async def require(
    interaction: Context, group: Group, action: Action, *, about: int | None = None
) -> None:
    """Refuse whoever may not do this in this group now.

    On the group's server the interaction itself tells what they hold. Elsewhere, as in a direct
    message, the record and then Discord are asked, and only if it makes a difference.

    Args:
        interaction: the use.
        group: the group.
        action: what they want to do.
        about: whom it concerns, where it concerns one person.

    Raises:
        NotAMemberError: only people on the server sign.
        NotEntitledError: they hold no office that may.
        OwnAttestationError: nobody does this to themselves.
        ScreeningError: the server's own questions come first.
        UnknownGroupError: they have nothing to do with this group.
    """
    viewer = _seen(interaction, group)
    if not viewer.is_present and not authorisation.may(viewer, action, about=about):
        if Ground.ON_RECORD in RULES[action].grounds:
            keys = await records.list_groups_of(interaction.client.database, viewer.member_id)
            viewer = replace(viewer, is_on_record=group.key in keys)
        if not authorisation.may(viewer, action, about=about):
            found = await viewer_of(interaction, group)
            viewer = replace(found, is_on_record=viewer.is_on_record)
    authorisation.require(viewer, action, about=about)


async def groups_for(interaction: Context) -> list[Group]:
    """The groups that can be meant by somebody who uses this command, which is about no case.

    Where it takes an office they are those on this server in which the person holds it, and
    otherwise all they can have to do with, so that each can say itself what stands in the way.

    Raises:
        LookupError: the command has no row, so nobody may use it.
        NotEntitledError: they hold the office in none of them.
        UnknownGroupError: there is no group.
    """
    action = action_of(entry_point_of(interaction))
    if not RULES[action].needs_office:
        return await groups_of_person(interaction)
    here = [(group, await viewer_of(interaction, group)) for group in groups_here(interaction)]
    mine = [group for group, viewer in here if authorisation.may(viewer, action)]
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


def known_group(interaction: Context, group_key: str) -> Group:
    """The group that a button names.

    Raises:
        UnknownGroupError: it is not configured any more, or lives on another server.
    """
    group = interaction.client.groups.get(group_key)
    if group is None or interaction.guild_id not in (None, group.guild_id):
        raise UnknownGroupError
    return group


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What keeps something about people: a group, or what is left of one.

    `group` is None when it does not stand in the settings any more. Then nobody looks after it,
    but people's rights over what it holds stay.
    """

    key: str
    guild_id: int
    group: Group | None

    @property
    def is_former(self) -> bool:
        """Whether nobody looks after it any more."""
        return self.group is None

    @property
    def name(self) -> str:
        """What it is called; of a former group only the key is known."""
        return self.key if self.group is None else self.group.name

    @property
    def terms(self) -> RetentionTerms:
        """How long it keeps things: where nobody says, what holds where nothing is said."""
        return RetentionTerms() if self.group is None else self.group.retention.terms


async def keepers_here(interaction: Context) -> list[Keeper]:
    """All that may keep something about whoever asks: on this server, or in a direct message all.

    Raises:
        UnknownGroupError: there is none.
    """
    client, guild_id = interaction.client, interaction.guild_id
    former = await servers.list_former(client.database, client.groups)
    found = [
        *(Keeper(key=g.key, guild_id=g.guild_id, group=g) for g in client.groups.values()),
        *(Keeper(key=key, guild_id=home, group=None) for key, home in former.items()),
    ]
    here = [one for one in found if guild_id in (None, one.guild_id)]
    if not here:
        raise UnknownGroupError
    return here


async def viewer_of(interaction: Context, group: Group) -> Viewer:
    """Whoever acts, with what they hold in a group at this moment.

    In a direct message, or on another server, Discord is asked for their roles.
    """
    viewer = _seen(interaction, group)
    guild = interaction.client.get_guild(group.guild_id)
    if guild is None or viewer.is_present:
        return viewer
    try:
        member = await guild.fetch_member(viewer.member_id)
    except discord.NotFound:
        return viewer
    return _holding(member, group, member.guild_permissions)


def _seen(interaction: Context, group: Group) -> Viewer:
    """What the interaction tells: outside the group's server, nothing but who it is."""
    user, guild = interaction.user, interaction.client.get_guild(group.guild_id)
    is_here = guild is not None and interaction.guild_id == guild.id
    if is_here and isinstance(user, discord.Member):
        return _holding(user, group, interaction.permissions)
    return Viewer(member_id=user.id, is_bot=user.bot)


def _holding(member: discord.Member, group: Group, permissions: discord.Permissions) -> Viewer:
    guild, roles = member.guild, {role.id for role in member.roles}
    held = officers_of(guild, group).held_by(member.id, member.name, roles)
    facilitator = find_role(guild, group.roles.facilitator)
    return Viewer(
        member_id=member.id,
        is_moderator=Office.MODERATOR in held,
        is_facilitator=facilitator is not None and facilitator.id in roles,
        is_escalation=Office.ESCALATION in held,
        is_owner=member.id == guild.owner_id,
        manages_server=permissions.manage_guild,
        is_present=True,
        is_pending=member.pending,
        is_bot=member.bot,
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
    return authorisation.may(viewer, Action.LOOK_AFTER_CASES)
