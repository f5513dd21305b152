"""Facilitators and moderators look up who has signed."""

from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts
from bot.client import Pledge
from bot.domain.agreements import RequestState, Standing
from bot.services import records
from bot.services.records import MemberRecord
from bot.settings import Group
from cogs._checks import groups_of_office, known_group, require_office
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, plain_name, reply, with_group

PER_PAGE = 10
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

        groups = groups_of_office(interaction, "facilitator", "moderator")
        await with_group(interaction, groups, show)

    @app_commands.command(name="list")
    async def list_people(self, interaction: Context, status: Status) -> None:
        """List people by how they stand.

        Args:
            interaction: the command.
            status: Which people to list.
        """

        async def show(context: Context, group: Group) -> None:
            await reply(context, *await _page(context, group, status, 0))

        await with_group(interaction, groups_of_office(interaction, "facilitator"), show)


async def _check(interaction: Context, group: Group, member: discord.User) -> None:
    require_office(interaction, group, "facilitator", "moderator")
    client = interaction.client
    record = await records.check_member(client.database, group.key, member.id, client.now())
    await reply(
        interaction,
        texts.member_record(_name_of(member), group.name, record.standing, _history(record)),
    )


def _history(record: MemberRecord) -> list[str]:
    lines: list[str] = []
    request = record.request
    if request is None and not record.signatures:
        lines.append(texts.NEVER_ASKED)
    if request is not None:
        if request.state is RequestState.BLOCKED:
            lines.append(texts.BLOCKED_LINE)
        elif request.sent_at is not None:
            lines.append(texts.asked_line(request.sent_at))
        elif request.state is RequestState.QUEUED:
            lines.append(texts.queued_line(request.created_at))
        if request.state is RequestState.DECLINED and request.answered_at is not None:
            lines.append(texts.declined_line(request.answered_at))
        if request.left_at is not None:
            lines.append(texts.left_line(request.left_at))
    lines += [texts.signature_line(signature) for signature in record.signatures[-8:]]
    return lines


async def _page(
    interaction: Context, group: Group, status: str, page: int
) -> tuple[str, discord.ui.View | None]:
    require_office(interaction, group, "facilitator")
    client = interaction.client
    wanted = None if status == "all" else Standing(status)
    found = await records.list_standings(
        client.database, group.key, wanted, page, PER_PAGE, client.now()
    )
    names = await _names(interaction, [line.member_id for line in found.lines])
    lines = [
        texts.list_line(names[line.member_id], line.standing, line.since) for line in found.lines
    ]
    heading = texts.ALL_PEOPLE if wanted is None else texts.STANDINGS[wanted]
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
            for member in await guild.query_members(user_ids=member_ids, limit=100, cache=False):
                names[member.id] = _name_of(member)
        except (TimeoutError, discord.ClientException):
            return names
    return names


class PageButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:list:{GROUP_KEY}:([a-z]+):(\d+)",
):
    """Turns the page of a list."""

    def __init__(
        self, group_key: str, status: str, page: str, label: str = texts.NEXT_BUTTON
    ) -> None:
        self.group_key, self.status, self.page = group_key, status, int(page)
        custom_id = f"pledge:list:{group_key}:{status}:{page}"
        super().__init__(button(label, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Show the page, if the presser is a facilitator now."""
        group = known_group(interaction, self.group_key)
        content, view = await _page(interaction, group, self.status, self.page)
        await interaction.response.edit_message(content=content, view=view)


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Signatures(client))
    client.add_dynamic_items(PageButton)
