"""The gate of one group: its support channel, and which roles open it by themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import discord

from bot.domain.inspection import Finding, Gravity, Matter
from bot.effects import find_channel, find_role
from bot.preflight.server import Server
from bot.settings import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What decides who can read a group's support channel.

    `openers` are the ids of the roles with which anybody can read the channel, those with
    Administrator and the member role among them; when everybody can read it anyway, only these.
    `singled_out` are the ids of single accounts that the channel itself lets in, those of people
    who have left among them.
    """

    group: Group
    channel: discord.TextChannel
    member_role: discord.Role | None
    everyone_reads: bool
    openers: frozenset[int]
    singled_out: frozenset[int]

    @classmethod
    def find(cls, server: Server, group: Group) -> Self | None:
        """The gate as it stands now; None when there is no such channel."""
        channel = find_channel(server.channels, group.channels.support)
        if channel is None:
            return None
        member_role = find_role(server.guild, group.roles.member)
        everyone_reads = _reads(channel, server.guild.default_role)
        return cls(
            group=group,
            channel=channel,
            member_role=member_role,
            everyone_reads=everyone_reads,
            openers=frozenset(
                role.id
                for role in server.guild.roles
                if not (role.is_default() or _is_a_bots(role, server.me))
                and _reads(channel, role)
                and (not everyone_reads or role == member_role or role.permissions.administrator)
            ),
            singled_out=frozenset(
                target.id
                for target, overwrite in channel.overwrites.items()
                if not _is_role(target) and overwrite.view_channel is True
            ),
        )

    def roles(self, *, administrators: bool) -> list[discord.Role]:
        """Roles other than the member role that open the gate."""
        return [
            role
            for role in self.channel.guild.roles
            if role.id in self.openers
            and role != self.member_role
            and role.permissions.administrator is administrators
        ]

    def names_of(self, role_ids: Iterable[int]) -> tuple[str, ...]:
        """The names of these roles, in this order."""
        roles = [self.channel.guild.get_role(role_id) for role_id in role_ids]
        return tuple(role.name for role in roles if role is not None)

    def find_given(self, role_ids: set[int]) -> list[discord.Role]:
        """Which of these roles open the gate."""
        return [role for role in self.channel.guild.roles if role.id in self.openers & role_ids]

    def finding(
        self,
        gravity: Gravity,
        matter: Matter,
        *,
        names: tuple[str, ...] = (),
        count: int = 0,
        detail: str = "",
    ) -> Finding:
        """A finding about this group."""
        key = self.group.key
        return Finding(
            gravity=gravity, matter=matter, group_key=key, names=names, count=count, detail=detail
        )


def _reads(channel: discord.TextChannel, role: discord.Role) -> bool:
    """Whether somebody with this role alone can read the channel."""
    return channel.permissions_for(role).view_channel


def _is_a_bots(role: discord.Role, me: discord.Member) -> bool:
    """Whether the role belongs to one bot, so that no person can ever have it."""
    return role.is_bot_managed() or (role.managed and role in me.roles)


def _is_role(target: discord.abc.Snowflake) -> bool:
    """Whether a permission overwrite is meant for a role, one that is gone perhaps."""
    kind = target.type if isinstance(target, discord.Object) else type(target)
    return issubclass(kind, discord.Role)
