"""Lets facilitators look whether the support channel is closed: `/pledge check`."""

import asyncio

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot import preflight, texts
from bot.client import Pledge
from bot.domain.errors import NotLookedError
from bot.settings import Group
from cogs._checks import groups_for
from cogs._ui import Context, plain_name, reply


class Inspection(
    commands.GroupCog, group_name="pledge", group_description=texts.INSPECTION_COMMANDS
):
    """What stands open, and what keeps Pledge from its work."""

    def __init__(self, client: Pledge) -> None:
        self.client = client
        self._looking = asyncio.Lock()

    @app_commands.command()
    @app_commands.guild_only()
    async def check(self, interaction: discord.Interaction[Pledge]) -> None:
        """Look for every way to read the support channel without having signed."""
        # What Pledge can mend by itself it mends right after.
        groups = await groups_for(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        # One at a time: each goes through all members of the server.
        async with self._looking:
            pages = await _look(interaction, groups)
        await reply(interaction, pages)
        for group in groups:
            self.client.dispatch("reconcile", group.key)


async def _look(interaction: Context, groups: list[Group]) -> list[str]:
    """The answer, in messages.

    Raises:
        NotLookedError: Discord refused or could not answer; a part of the truth is none.
    """
    client, guild_id = interaction.client, groups[0].guild_id
    record, now = preflight.Record(database=client.database), client.now()
    try:
        found = await preflight.look(client, client.groups_in(guild_id), record, now)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise NotLookedError from error
    found += await record.list_forgotten(client.groups, guild_id)
    sections = [
        (group.name, [one for one in found if one.group_key == group.key]) for group in groups
    ]
    general = [one for one in found if one.group_key is None]
    return texts.inspection_pages(general, sections, plain_name)


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Inspection(client))
