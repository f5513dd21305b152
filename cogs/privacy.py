"""`/privacy …`: what is held about whoever asks, and erasing it."""

from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Pledge
from bot.domain.effects import Verdict, verdict_on
from bot.domain.errors import UnknownGroupError
from bot.domain.paragraphs import split_text
from bot.domain.privacy import Whereabouts
from bot.effects.places import find_problem
from bot.services.privacy import erasing, reading
from bot.texts import erasing as words
from bot.texts import privacy as texts
from cogs._checks import Context, Keeper, keepers_here
from cogs._own_record import send_export, show_record
from cogs._ui import GROUP_KEY, Button, button, buttons, reply, settle, with_group

FINGERPRINT = r"([0-9a-f]{16})"
"""That of what was shown, in the template of the button's id."""


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class Privacy(commands.GroupCog, group_name="privacy", group_description=texts.PRIVACY_COMMANDS):
    """`/privacy …`."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    @app_commands.command()
    async def show(self, interaction: Context) -> None:
        """See everything I keep about you, for how long, and who can see it."""
        await show_record(interaction, await _keepers_holding(interaction))

    @app_commands.command()
    async def export(self, interaction: Context) -> None:
        """Get everything I keep about you as files: one to read, one for programs."""
        await send_export(interaction, await _keepers_holding(interaction))

    @app_commands.command()
    async def erase(self, interaction: Context) -> None:
        """Have what I keep about you erased; shows first what goes and what stays."""
        keepers = await _keepers_holding(interaction)
        if keepers:
            await with_group(interaction, keepers, _ask)
        else:
            await reply(interaction, texts.NOTHING_HELD)


async def _keepers_holding(interaction: Context) -> list[Keeper]:
    """Those that hold something about whoever asks.

    Raises:
        UnknownGroupError: no group lives on this server, or has lived there.
    """
    await interaction.response.defer(ephemeral=True, thinking=True)
    here = {keeper.key: keeper for keeper in await keepers_here(interaction)}
    database = interaction.client.database
    held = await reading.list_groups(database, list(here), interaction.user.id)
    return [here[key] for key in held]


async def _known_keeper(interaction: Context, key: str) -> Keeper:
    """That which a button names.

    Raises:
        UnknownGroupError: there is no such group, or it lives on another server.
    """
    for keeper in await keepers_here(interaction):
        if keeper.key == key:
            return keeper
    raise UnknownGroupError


async def _find(interaction: Context, keeper: Keeper) -> Whereabouts:
    if keeper.is_former:
        return Whereabouts.FORMER
    guild = interaction.client.get_guild(keeper.guild_id)
    if interaction.guild_id == keeper.guild_id or guild is None:
        return Whereabouts.HERE
    try:
        await guild.fetch_member(interaction.user.id)
    except discord.NotFound as error:
        # Another 404 is not Discord's word about them.
        is_gone = verdict_on(error.status, error.code) is Verdict.GONE
        return Whereabouts.AWAY if is_gone else Whereabouts.HERE
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError):
        return Whereabouts.HERE
    return Whereabouts.HERE


async def _ask(interaction: Context, keeper: Keeper) -> None:
    """Show what goes and what stays, with a button that holds for exactly that."""
    client = interaction.client
    if not interaction.response.is_done():
        await interaction.response.defer(ephemeral=True, thinking=True)
    is_marked = client.intents.members and await _find(interaction, keeper) is Whereabouts.HERE
    who, now = interaction.user.id, client.now()
    found = await erasing.preview(
        client.database, keeper.key, who, keeper.terms, now, is_former=keeper.is_former
    )
    pages = split_text(words.preview(keeper.name, found, is_marked=is_marked))
    view = None
    if found.has_something:
        confirm = EraseButton(keeper.key, str(who), found.fingerprint())
        view = buttons(confirm, KeepRecordButton())
    await reply(interaction, pages, view)


class EraseButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:erase:{GROUP_KEY}:(\d{{1,20}}):{FINGERPRINT}",
):
    """Erases what is held about the person to whom it was shown, if it is still the same."""

    def __init__(self, key: str, member_id: str, fingerprint: str) -> None:
        # Not `group_key`: it can be that of a group that nobody looks after any more.
        self.key, self.member_id, self.fingerprint = key, int(member_id), fingerprint
        custom_id = f"pledge:erase:{key}:{member_id}:{fingerprint}"
        super().__init__(button(words.ERASE_BUTTON, custom_id, discord.ButtonStyle.danger))

    async def press(self, interaction: Context) -> None:
        """Erase it, if the presser is the person whom it is about."""
        client = interaction.client
        if interaction.user.id != self.member_id:
            await reply(interaction, words.NOT_YOURS)
            return
        # At once: to know the group takes a look into the record.
        await interaction.response.defer()
        keeper = await _known_keeper(interaction, self.key)
        found = await erasing.erase(
            client.database,
            keeper.key,
            self.member_id,
            self.fingerprint,
            keeper.terms,
            client.now(),
            whereabouts=await _find(interaction, keeper),
            may_be_asked=client.intents.members,
        )
        if found is None:
            await settle(interaction, words.CHANGED)
            await _ask(interaction, keeper)
            return
        client.effects.wake()
        guild, group = client.get_guild(keeper.guild_id), keeper.group
        waits = guild is None or group is None or find_problem(guild, group) is not None
        await settle(interaction, words.done(keeper.name, found, role_waits=waits))


class KeepRecordButton(
    Button, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"pledge:erase:no"
):
    """Leaves everything as it is."""

    def __init__(self) -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(button(words.KEEP_BUTTON, "pledge:erase:no", style))

    async def press(self, interaction: Context) -> None:
        """Say that nothing was erased."""
        await settle(interaction, words.KEPT)


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Privacy(client))
    client.add_dynamic_items(EraseButton, KeepRecordButton)
