"""`/privacy …`: what is held about whoever asks, and erasing it."""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Pledge
from bot.domain.effects import Verdict, verdict_on
from bot.domain.errors import UnknownGroupError
from bot.domain.paragraphs import split_text
from bot.effects.places import find_problem
from bot.services.privacy import erasing, reading
from bot.settings import Group
from bot.texts import erasing as words
from bot.texts import privacy as texts
from cogs._checks import known_group
from cogs._own_record import send_export, show_record
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, reply, settle, with_group

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
        await show_record(interaction, await _groups_holding(interaction))

    @app_commands.command()
    async def export(self, interaction: Context) -> None:
        """Get everything I keep about you as files: one to read, one for programs."""
        await send_export(interaction, await _groups_holding(interaction))

    @app_commands.command()
    async def erase(self, interaction: Context) -> None:
        """Have what I keep about you erased; shows first what goes and what stays."""
        groups = await _groups_holding(interaction)
        if groups:
            await with_group(interaction, groups, _ask)
        else:
            await reply(interaction, texts.NOTHING_HELD)


async def _groups_holding(interaction: Context) -> list[Group]:
    """The groups that hold something about whoever asks: of this server, or in a DM of all.

    Raises:
        UnknownGroupError: no group lives on this server.
    """
    client, guild = interaction.client, interaction.guild
    groups = list(client.groups.values()) if guild is None else client.groups_in(guild.id)
    if not groups:
        raise UnknownGroupError
    await interaction.response.defer(ephemeral=True, thinking=True)
    keys = [group.key for group in groups]
    held = await reading.list_groups(client.database, keys, interaction.user.id)
    return [client.groups[key] for key in held]


async def _is_present(interaction: Context, group: Group) -> bool:
    """Whether the person is in the group's server, or nobody can tell."""
    guild = interaction.client.get_guild(group.guild_id)
    if interaction.guild_id == group.guild_id or guild is None:
        return True
    try:
        await guild.fetch_member(interaction.user.id)
    except discord.NotFound as error:
        # Another 404 is not Discord's word about them.
        return verdict_on(error.status, error.code) is not Verdict.GONE
    except discord.HTTPException:
        return True
    return True


async def _ask(interaction: Context, group: Group) -> None:
    """Show what goes and what stays, with a button that holds for exactly that."""
    client, terms = interaction.client, group.retention.terms
    if not interaction.response.is_done():
        await interaction.response.defer(ephemeral=True, thinking=True)
    is_marked = client.intents.members and await _is_present(interaction, group)
    who, now = interaction.user.id, client.now()
    found = await erasing.preview(client.database, group.key, who, terms.proof, now)
    pages = split_text(words.preview(group.name, found, terms, is_marked=is_marked))
    view = None
    if found.has_something:
        confirm = EraseButton(group.key, str(who), found.fingerprint())
        view = buttons(confirm, KeepRecordButton())
    await reply(interaction, pages, view)


class EraseButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:erase:{GROUP_KEY}:(\d{{1,20}}):{FINGERPRINT}",
):
    """Erases what is held about the person to whom it was shown, if it is still the same."""

    def __init__(self, group_key: str, member_id: str, fingerprint: str) -> None:
        self.group_key, self.member_id, self.fingerprint = group_key, int(member_id), fingerprint
        custom_id = f"pledge:erase:{group_key}:{member_id}:{fingerprint}"
        super().__init__(button(words.ERASE_BUTTON, custom_id, discord.ButtonStyle.danger))

    async def press(self, interaction: Context) -> None:
        """Erase it, if the presser is the person whom it is about."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        if interaction.user.id != self.member_id:
            await reply(interaction, words.NOT_YOURS)
            return
        await interaction.response.defer()
        found = await erasing.erase(
            client.database,
            group.key,
            self.member_id,
            self.fingerprint,
            group.retention.terms.proof,
            client.now(),
            is_present=await _is_present(interaction, group),
            may_be_asked=client.intents.members,
        )
        if found is None:
            await settle(interaction, words.CHANGED)
            await _ask(interaction, group)
            return
        client.effects.wake()
        guild = client.get_guild(group.guild_id)
        waits = guild is None or find_problem(guild, group) is not None
        await settle(interaction, words.done(group.name, found, role_waits=waits))


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
