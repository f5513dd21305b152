"""What Pledge needs on a server to do its work: roles, channels, permissions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import discord

from bot.domain.inspection import Finding, Gravity, Matter
from bot.effects import find_channel, find_role
from bot.preflight.gate import Gate
from bot.preflight.server import Server
from bot.settings import Group

OFFICES = ("member", "moderator", "facilitator")
NEEDS = {
    "support": ("view_channel",),
    "moderators": ("view_channel", "send_messages", "read_message_history"),
    "welcome": ("view_channel", "send_messages", "read_message_history"),
}
"""What the bot needs in each channel; where it writes, it must be able to look for what it wrote
before a connection broke."""


def inspect_roles(server: Server, group: Group) -> Iterator[Finding]:
    """What is wrong with the three roles, and with the bot's right to give one and to remove."""
    for office in OFFICES:
        wanted: int | str = getattr(group.roles, office)
        role = find_role(server.guild, wanted)
        if role is None:
            several = sum(1 for other in server.guild.roles if other.name == wanted) > 1
            matter = Matter.ROLE_AMBIGUOUS if several else Matter.ROLE_MISSING
            yield _broken(group, matter, f"roles.{office}", str(wanted))
        elif office == "member" and (matter := _why_not_given(server, role)):
            yield _broken(group, matter, f"roles.{office}", role.name)
    if not server.me.guild_permissions.manage_roles:
        yield _broken(group, Matter.MANAGE_ROLES_MISSING)
    is_wanted = group.signing.remove_unsigned_after_days is not None
    if is_wanted and not server.me.guild_permissions.kick_members:
        yield _broken(group, Matter.KICK_MISSING, "signing.remove_unsigned_after_days")


def _why_not_given(server: Server, role: discord.Role) -> Matter | None:
    if role.is_default():
        return Matter.ROLE_IS_EVERYONE
    if role.managed:
        return Matter.ROLE_MANAGED
    return Matter.ROLE_TOO_HIGH if role >= server.me.top_role else None


def inspect_channels(server: Server, group: Group) -> Iterator[Finding]:
    """What is wrong with the three channels, and with what the bot may do there."""
    for name, needed in NEEDS.items():
        wanted: int | str = getattr(group.channels, name)
        place = f"channels.{name}"
        channel = find_channel(server.channels, wanted)
        if channel is None:
            yield _broken(group, _why_not_found(server, wanted), place, str(wanted))
            continue
        held = channel.permissions_for(server.me)
        if missing := [permission for permission in needed if not getattr(held, permission)]:
            names = [permission.replace("_", " ").title() for permission in missing]
            yield _broken(group, Matter.PERMISSIONS_MISSING, place, *names)
        everyone = channel.permissions_for(server.guild.default_role)
        if name == "welcome" and not everyone.view_channel:
            yield _note(group, Matter.WELCOME_HIDDEN, place)
        if name == "moderators" and everyone.view_channel:
            yield _note(group, Matter.MODERATORS_PUBLIC, place)


def _why_not_found(server: Server, wanted: int | str) -> Matter:
    found = [channel for channel in server.channels if wanted in (channel.id, channel.name)]
    texts = sum(1 for channel in found if isinstance(channel, discord.TextChannel))
    if texts > 1:
        return Matter.CHANNEL_AMBIGUOUS
    return Matter.CHANNEL_NOT_TEXT if found else Matter.CHANNEL_MISSING


def inspect_server(server: Server, group: Group, gate: Gate | None) -> Iterator[Finding]:
    """What else stands in the way, or is good to know, on this server."""
    role = gate.member_role if gate is not None else None
    if gate is not None and role and not gate.channel.permissions_for(role).view_channel:
        yield _broken(group, Matter.ROLE_BLIND, "roles.member", role.name)
    if server.guild.mfa_level is discord.MFALevel.require_2fa:
        yield _note(group, Matter.TWO_FACTOR)
    if not server.me.guild_permissions.view_audit_log:
        yield _note(group, Matter.AUDIT_LOG_UNSEEN)


def inspect_sharing(server: Server, groups: Sequence[Group]) -> Iterator[Finding]:
    """Member roles and support channels that are also something else, by whatever names.

    The settings refuse the same word twice; an id and a name can still mean the same thing.
    """
    roles: dict[int, list[tuple[Group, str]]] = defaultdict(list)
    channels: dict[int, list[tuple[Group, str]]] = defaultdict(list)
    for group in groups:
        for office in OFFICES:
            if role := find_role(server.guild, getattr(group.roles, office)):
                roles[role.id].append((group, f"roles.{office}"))
        for name in NEEDS:
            if channel := find_channel(server.channels, getattr(group.channels, name)):
                channels[channel.id].append((group, f"channels.{name}"))
    yield from _shared(roles.values(), "roles.member", Matter.ROLE_SHARED)
    yield from _shared(channels.values(), "channels.support", Matter.CHANNEL_SHARED)


def _shared(
    uses: Iterable[list[tuple[Group, str]]], guarded: str, matter: Matter
) -> Iterator[Finding]:
    for use in uses:
        for group, place in use:
            others = [f"{g.key}: {p}" for g, p in use if (g, p) != (group, place)]
            if place == guarded and others:
                yield Finding(
                    gravity=Gravity.BROKEN,
                    matter=matter,
                    group_key=group.key,
                    place=place,
                    detail=", ".join(others),
                )


async def inspect_escalation(server: Server, group: Group, *, seen: bool | None) -> list[Finding]:
    """Whether the one who takes a case that nobody else can is there.

    Args:
        server: the server.
        group: the group, whose setting may be a role or a person, by id or name.
        seen: whether somebody of that account name is a member; None when nobody could look.

    Raises:
        discord.HTTPException: Discord could not answer.
    """
    wanted = group.cases.escalation
    if wanted is None or find_role(server.guild, wanted) is not None:
        return []
    if isinstance(wanted, int):
        try:
            await server.guild.fetch_member(wanted)
        except discord.NotFound:
            seen = False
        else:
            return []
    if seen is not False:
        by_name = _note(group, Matter.ESCALATION_BY_NAME, "cases.escalation")
        return [by_name] if isinstance(wanted, str) else []
    # An id may be a person's, and people are not named in an answer.
    return [_broken(group, Matter.ESCALATION_NOWHERE, "cases.escalation")]


def _broken(group: Group, matter: Matter, place: str = "", *names: str) -> Finding:
    gravity = Gravity.BROKEN
    return Finding(gravity=gravity, matter=matter, group_key=group.key, place=place, names=names)


def _note(group: Group, matter: Matter, place: str = "") -> Finding:
    return Finding(gravity=Gravity.NOTE, matter=matter, group_key=group.key, place=place)
