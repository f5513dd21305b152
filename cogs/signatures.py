"""Facilitators and moderators look up who has signed, remind, and record."""

import asyncio
from datetime import timedelta
from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts
from bot.client import Pledge
from bot.domain.agreements import Standing
from bot.domain.invitations import minutes_for
from bot.domain.stories import Settled
from bot.effects.plain import plain_words
from bot.services import records, stories, waiting
from bot.settings import Group
from bot.texts.catalogue import _
from cogs._checks import known_group
from cogs._overview import send_export, show_overview
from cogs._recording import show_record
from cogs._ui import (
    GROUP_KEY,
    Button,
    Context,
    button,
    buttons,
    chosen,
    in_group,
    plain_name,
    reply,
    settle,
)

PER_PAGE = 10
LONGEST_NOTE = 300
NAME_SECONDS = 2.0
"""How long a list waits for the names; Discord wants an answer within three seconds."""

Status = Literal[
    "signed", "waiting", "declined", "blocked", "withdrawn", "expired", "outdated", "all"
]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Signatures(
    commands.GroupCog, group_name="signatures", group_description=texts.SIGNATURE_COMMANDS
):
    """`/signatures …`."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    @app_commands.command()
    async def check(self, interaction: Context, member: discord.User) -> None:
        """See whether somebody has signed.

        Args:
            interaction: the command.
            member: Whom you want to look up.
        """

        async def show(context: Context, group: Group) -> None:
            await _check(context, group, member)

        await in_group(interaction, show)

    @app_commands.command(name="list")
    async def list_people(self, interaction: Context, status: Status) -> None:
        """List people by how they stand.

        Args:
            interaction: the command.
            status: Which people to list.
        """

        async def show(context: Context, group: Group) -> None:
            await reply(context, *await _page(context, group, status, 0))

        await in_group(interaction, show)

    @app_commands.command()
    async def overview(self, interaction: Context) -> None:
        """See how the group stands as a whole, in numbers and in a picture."""
        await in_group(interaction, show_overview)

    @app_commands.command()
    @app_commands.rename(form="format")
    async def export(self, interaction: Context, form: Literal["csv", "json", "pdf"]) -> None:
        """Get a file of everybody and how they stand.

        Args:
            interaction: the command.
            form: A table, data for a program, or a list to print.
        """

        async def send(context: Context, group: Group) -> None:
            await send_export(context, group, form)

        await in_group(interaction, send)

    @app_commands.command()
    async def remind(self, interaction: Context) -> None:
        """Remind the people who have not answered; says first how many and how long."""
        await in_group(interaction, _remind)

    @app_commands.command()
    async def record(
        self,
        interaction: Context,
        member: discord.User,
        note: app_commands.Range[str, 1, LONGEST_NOTE],
    ) -> None:
        """Note that somebody has signed on paper or aloud.

        Args:
            interaction: the command.
            member: Who has signed.
            note: How it was given, such as "on paper, 3 May". Please nothing about health.
        """

        async def show(context: Context, group: Group) -> None:
            await show_record(context, group, member, _name_of(member), note.strip())

        await in_group(interaction, show)


async def _check(interaction: Context, group: Group, member: discord.User | discord.Member) -> None:
    client, signing = interaction.client, group.signing
    story = await stories.read_story(client.database, group.key, member.id, client.now())
    settled = Settled(
        remind_after_days=signing.remind_after_days,
        grace=timedelta(days=signing.grace_days),
        takes_roles=group.enforcement == "revoke",
    )
    note = story.newest.note if story.newest else None
    content = texts.member_story(
        _name_of(member),
        group.name,
        story,
        settled,
        client.now(),
        is_present=isinstance(member, discord.Member),
        note=plain_words(note or ""),
    )
    await reply(interaction, content)


async def _remind(interaction: Context, group: Group) -> None:
    client = interaction.client
    found = await waiting.count_waiting(client.database, group.key, client.now())
    if not found.due:
        await reply(interaction, texts.remind_nobody(found.recent))
        return
    minutes = minutes_for(found.due, group.signing.dm_per_minute)
    content = texts.remind_estimate(group.name, found.due, found.recent, minutes)
    await reply(interaction, content, buttons(RemindButton(group.key)))


async def _page(
    interaction: Context, group: Group, status: str, page: int
) -> tuple[str, discord.ui.View | None]:
    client = interaction.client
    wanted = None if status == "all" else chosen(Standing, status)
    found = await records.list_standings(
        client.database, group.key, wanted, page, PER_PAGE, client.now()
    )
    names = await _names(interaction, [line.member_id for line in found.lines])
    lines = [
        texts.list_line(
            names[line.member_id], line.standing, line.since, is_attested=line.is_attested
        )
        for line in found.lines
    ]
    heading = _(texts.ALL_PEOPLE if wanted is None else texts.STANDINGS[wanted])
    content = texts.list_page(group.name, heading, lines, found.page, found.pages, found.total)
    turning: list[discord.ui.Item[Any]] = []
    if found.page > 0:
        turning.append(PageButton(group.key, status, str(found.page - 1), texts.PREVIOUS_BUTTON))
    if found.page + 1 < found.pages:
        turning.append(PageButton(group.key, status, str(found.page + 1), texts.NEXT_BUTTON))
    return content, buttons(*turning) if turning else None


def _name_of(person: discord.User | discord.Member) -> str:
    """The name people see, and the account's own, which nobody else has."""
    return f"{plain_name(person.display_name)} (@{plain_name(person.name)})"


async def _names(interaction: Context, member_ids: list[int]) -> dict[int, str]:
    """Names as they are at this moment; they are never stored. Without one, the mention serves."""
    names = {member_id: f"<@{member_id}>" for member_id in member_ids}
    guild = interaction.guild
    if guild is not None and member_ids and interaction.client.intents.members:
        try:
            asking = guild.query_members(user_ids=member_ids, limit=100, cache=False)
            for member in await asyncio.wait_for(asking, NAME_SECONDS):
                names[member.id] = _name_of(member)
        except (TimeoutError, discord.ClientException):
            return names
    return names


class RemindButton(
    Button, discord.ui.DynamicItem[discord.ui.Button[Any]], template=rf"pledge:remind:{GROUP_KEY}"
):
    """Reminds everybody who has not answered."""

    def __init__(self, group_key: str) -> None:
        self.group_key = group_key
        style = discord.ButtonStyle.success
        super().__init__(button(texts.REMIND_BUTTON, f"pledge:remind:{group_key}", style))

    async def press(self, interaction: Context) -> None:
        """Put the reminders into the outbox."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        # In a large group this takes longer than the three seconds Discord waits.
        await interaction.response.defer()
        per_minute = group.signing.dm_per_minute
        count = await waiting.remind_all(client.database, group.key, per_minute, client.now())
        client.effects.wake()
        content = texts.reminding(count) if count else texts.remind_nobody(0)
        await settle(interaction, content)


class PageButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:list:{GROUP_KEY}:([a-z]+):(\d{{1,9}})",
):
    """Turns the page of a list."""

    def __init__(
        self, group_key: str, status: str, page: str, label: str = texts.NEXT_BUTTON
    ) -> None:
        self.group_key, self.status, self.page = group_key, status, int(page)
        custom_id = f"pledge:list:{group_key}:{status}:{page}"
        super().__init__(button(label, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Show the page."""
        group = known_group(interaction, self.group_key)
        content, view = await _page(interaction, group, self.status, self.page)
        await interaction.response.edit_message(content=content, view=view)


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Signatures(client))
    client.add_dynamic_items(PageButton, RemindButton)
