"""One server as Discord has it at this moment, read over REST."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import discord


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server, the bot's own membership, and what hands out roles there.

    `invited` and `onboarded` are the sets of role ids that each invite, and each answer in the
    onboarding, gives; None when the bot may not look. Discord leaves channels that the bot cannot
    view out of `channels`, or will do so.
    """

    guild: discord.Guild
    me: discord.Member
    channels: Sequence[discord.abc.GuildChannel]
    threads: Sequence[discord.Thread]
    invited: list[set[int]] | None
    onboarded: list[set[int]] | None


async def read_server(client: discord.Client, guild_id: int) -> Server | None:
    """Read what a check needs to know, without the members; None when the bot is not there.

    Raises:
        discord.HTTPException: Discord could not answer.
    """
    try:
        guild = await client.fetch_guild(guild_id, with_counts=False)
        me = await guild.fetch_member(client.user.id if client.user else 0)
        channels = await guild.fetch_channels()
    except (discord.NotFound, discord.Forbidden):
        return None
    return Server(
        guild=guild,
        me=me,
        channels=channels,
        threads=await guild.active_threads(),
        invited=await _read_invites(client, guild_id),
        onboarded=await _read_onboarding(client, guild_id),
    )


async def _read_invites(client: discord.Client, guild_id: int) -> list[set[int]] | None:
    # Raw, because discord.py does not know yet that an invite can carry roles.
    try:
        invites = cast("list[dict[str, Any]] | None", await client.http.invites_from(guild_id))
    except (discord.Forbidden, discord.NotFound):
        return None
    return [{int(role["id"]) for role in invite.get("roles") or ()} for invite in invites or ()]


async def _read_onboarding(client: discord.Client, guild_id: int) -> list[set[int]] | None:
    try:
        found = cast("dict[str, Any]", await client.http.get_guild_onboarding(guild_id))
    except (discord.Forbidden, discord.NotFound):
        return None
    if not found["enabled"]:
        return []
    return [
        {int(role_id) for role_id in option["role_ids"]}
        for prompt in found["prompts"]
        for option in prompt["options"]
    ]
