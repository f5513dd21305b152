"""Looks at the servers before the bot runs, and says what must be mended and how."""

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.effects import find_channel, find_role
from bot.settings import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that keeps Pledge from its work; `fix` is what the operator can do."""

    where: str
    wrong: str
    fix: str


_WELCOME = ("view_channel", "send_messages", "read_message_history")
_MODERATORS = ("view_channel", "send_messages")
_NEEDS_INTENT = (
    "open your application in Discord's developer portal, choose Bot, and switch on"
    " Server Members Intent"
)


async def inspect(token: str, groups: Sequence[Group]) -> list[Finding]:
    """Ask Discord over REST, without going online, whether every group can work.

    Raises:
        discord.LoginFailure: Discord does not know the token.
        discord.HTTPException: Discord refused or could not answer.
    """
    client = discord.Client(intents=discord.Intents.none())
    async with client:
        await client.login(token)
        findings = await _inspect_application(client)
        for group in groups:
            findings += await _inspect_group(client, group)
    return findings


async def _inspect_application(client: discord.Client) -> list[Finding]:
    flags = (await client.application_info()).flags
    if flags.gateway_guild_members or flags.gateway_guild_members_limited:
        return []
    wrong = "the Server Members Intent is off, so newcomers cannot be seen"
    return [Finding(where="application", wrong=wrong, fix=_NEEDS_INTENT)]


async def _inspect_group(client: discord.Client, group: Group) -> list[Finding]:
    try:
        guild = await client.fetch_guild(group.guild_id, with_counts=False)
        me = await guild.fetch_member(client.user.id if client.user else 0)
        channels = await guild.fetch_channels()
    except (discord.NotFound, discord.Forbidden):
        wrong = f"the bot is not on the server {group.guild_id}"
        fix = "invite it with the link from the README, or correct `guild`"
        return [Finding(where=group.key, wrong=wrong, fix=fix)]
    return [*inspect_roles(guild, me, group), *inspect_channels(channels, me, group)]


def inspect_roles(guild: discord.Guild, me: discord.Member, group: Group) -> list[Finding]:
    """What is wrong with the three roles and with the bot's right to give the first."""
    findings: list[Finding] = []
    for office in ("member", "moderator", "facilitator"):
        wanted: int | str = getattr(group.roles, office)
        role = find_role(guild, wanted)
        where = f"{group.key}: roles.{office}"
        if role is None:
            wrong = f"there is no single role {wanted!r} on this server"
            findings.append(Finding(where=where, wrong=wrong, fix="give the id of the role"))
        elif office == "member" and (role.managed or role >= me.top_role):
            wrong = "the bot may not give this role, because it stands above the bot's own"
            fix = "in Server Settings, Roles, drag the bot's role above it"
            findings.append(Finding(where=where, wrong=wrong, fix=fix))
    if not me.guild_permissions.manage_roles:
        wrong = "the bot lacks the permission Manage Roles"
        fix = "in Server Settings, Roles, give it to the bot's role"
        findings.append(Finding(where=group.key, wrong=wrong, fix=fix))
    return findings


def inspect_channels(
    channels: Sequence[discord.abc.GuildChannel], me: discord.Member, group: Group
) -> list[Finding]:
    """What is wrong with the three channels, and whether everybody can read the support channel."""
    findings: list[Finding] = []
    needs = {"support": ("view_channel",), "moderators": _MODERATORS, "welcome": _WELCOME}
    for place, permissions in needs.items():
        wanted: int | str = getattr(group.channels, place)
        channel = find_channel(channels, wanted)
        where = f"{group.key}: channels.{place}"
        if channel is None:
            wrong = (
                f"there is no single text channel {wanted!r} on this server that the bot can see"
            )
            fix = "give the id of the channel, and let the bot view it"
            findings.append(Finding(where=where, wrong=wrong, fix=fix))
            continue
        held = channel.permissions_for(me)
        missing = [name for name in permissions if not getattr(held, name)]
        if missing:
            names = ", ".join(name.replace("_", " ").title() for name in missing)
            wrong, fix = f"the bot lacks {names}", "add them for the bot in the channel's settings"
            findings.append(Finding(where=where, wrong=wrong, fix=fix))
        if place == "support" and channel.permissions_for(channel.guild.default_role).view_channel:
            wrong = "everybody on the server can read this channel, signed or not"
            fix = "in the channel's settings, take View Channel from @everyone"
            findings.append(Finding(where=where, wrong=wrong, fix=fix))
    return findings
