"""Buttons and replies that every cog uses."""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import discord

from bot import texts
from bot.client import Pledge, answer_error
from bot.settings import Group
from bot.texts.catalogue import _
from cogs._passing import Passing

LONGEST_NAME = 28
"""Characters of a name that are shown: ten people in a list must fit into one message."""

Context = discord.Interaction[Pledge]
GROUP_KEY = r"([a-z0-9-]{1,32})"
"""A group's key in the template of a button's id."""


class Button(ABC):
    """Mixed into a `DynamicItem`: it survives restarts, and its errors are answered.

    discord.py only logs what the callback of a dynamic item raises.
    """

    @abstractmethod
    async def press(self, interaction: Context) -> None:
        """What pressing does. Entitlement is checked here, at the moment of use."""

    @classmethod
    async def from_custom_id(
        cls,
        _interaction: discord.Interaction[Any],
        _item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Rebuild the button that was pressed from the groups of its template."""
        return cls(*match.groups())

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Called by discord.py."""
        try:
            await self.press(interaction)
        except Exception as error:
            await answer_error(interaction, error)


class Form(discord.ui.Modal):
    """A form whose errors are answered where every error is answered."""

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception, /) -> None:
        """Called by discord.py."""
        await answer_error(interaction, error)


def buttons(*items: discord.ui.Item[Any]) -> discord.ui.View:
    """A row of buttons that are dispatched by their ids alone, also after a restart."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def button(label: str, custom_id: str, style: discord.ButtonStyle) -> discord.ui.Button[Any]:
    """A plain button with a translated label, to be wrapped by a dynamic item."""
    return discord.ui.Button(label=_(label), custom_id=custom_id, style=style)


async def reply(
    interaction: Context,
    pages: str | Sequence[str],
    view: discord.ui.View | None = None,
) -> None:
    """Answer so that only the person sees it; the buttons stand under the last page."""
    parts = [_(page) for page in ([pages] if isinstance(pages, str) else pages)]
    for number, content in enumerate(parts, 1):
        extra: dict[str, Any] = {"view": view} if view and number == len(parts) else {}
        if interaction.response.is_done():
            await interaction.followup.send(content, ephemeral=True, **extra)
        else:
            await interaction.response.send_message(content, ephemeral=True, **extra)


async def settle(interaction: Context, content: str) -> None:
    """Replace the message whose button was pressed, so that it cannot be pressed again."""
    content = _(content)
    if interaction.response.is_done():
        await interaction.edit_original_response(content=content, view=None)
    else:
        await interaction.response.edit_message(content=content, view=None)


class GroupChoice(Passing):
    """Asks which of several groups is meant, then goes on with that one."""

    def __init__(
        self, groups: Sequence[Group], then: Callable[[Context, Group], Awaitable[None]]
    ) -> None:
        super().__init__("choice", 600)
        self._groups = {group.key: group for group in groups}
        self._then = then
        self._select: discord.ui.Select[GroupChoice] = discord.ui.Select(
            custom_id=self.name_of("group"),
            placeholder=_(texts.CHOOSE_GROUP),
            options=[discord.SelectOption(label=g.name, value=g.key) for g in groups[:25]],
        )
        self._select.callback = self._chosen
        self.add_item(self._select)

    async def _chosen(self, interaction: Context) -> None:
        await self._then(interaction, self._groups[self._select.values[0]])


async def with_group(
    interaction: Context,
    groups: Sequence[Group],
    then: Callable[[Context, Group], Awaitable[None]],
) -> None:
    """Go on with the one group that is meant, or ask which of these it is."""
    if len(groups) == 1:
        await then(interaction, groups[0])
    else:
        await reply(interaction, texts.WHICH_GROUP, GroupChoice(groups, then))


def plain_name(name: str) -> str:
    """A name as plain text: no formatting, no mention, no hidden or direction-changing signs."""
    visible = "".join(sign for sign in name if sign.isprintable() and not _is_hidden(sign)).strip()
    if len(visible) > LONGEST_NAME:
        visible = f"{visible[: LONGEST_NAME - 1]}…"
    escaped = discord.utils.escape_mentions(discord.utils.escape_markdown(visible))
    # Without this, <t:…>, <#…> and their like would still be drawn as times and channels.
    return escaped.replace("<", "\\<") or "?"


def _is_hidden(sign: str) -> bool:
    """Zero-width and direction marks, most of which Python calls unprintable already."""
    return sign in "\u200b\u200c\u200d\u2060\ufeff\u061c\u3164\u115f\u1160\uffa0"
