"""Buttons and replies that every cog uses."""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Generic, Self, TypeVar, cast

import discord
from typing_extensions import override

from bot import entry_points, texts
from bot.client import answer_error, entry_point_of
from bot.domain.authorisation import Action
from bot.domain.errors import UnknownChoiceError
from bot.effects.plain import escaped, visible_name
from bot.settings import Group
from bot.texts.catalogue import _
from cogs._checks import Context, Keeper, admit, groups_for, known_group
from cogs._passing import Passing

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)
GroupT = TypeVar("GroupT", Group, Keeper)

MOST_CHOICES, MOST_LISTS = 25, 5
"""Discord's limits for one list, and for the lists under one message."""

LONGEST_NAME = 28
"""Characters of a name that are shown: ten people in a list must fit into one message."""

GROUP_KEY = r"([a-z0-9-]{1,32})"
"""A group's key in the template of a button's id."""


class Button(ABC):
    """Mixed into a `DynamicItem`: it survives restarts, and its errors are answered.

    discord.py only logs what the callback of a dynamic item raises. What pressing it takes stands
    in `bot.entry_points`; the group it is about is in `group_key`, if it is about one.
    """

    @abstractmethod
    async def press(self, interaction: Context) -> None:
        """What pressing does, for whoever may press it now.

        Whether they may do something with one case is asked where the case is read.
        """

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
            pattern = cast("discord.ui.DynamicItem[Any]", self).template.pattern
            key: str | None = getattr(self, "group_key", None)
            await _admit(interaction, entry_points.button(pattern), key)
            await self.press(interaction)
        except Exception as error:
            await answer_error(interaction, error)


async def _admit(interaction: Context, entry_point: str, group_key: str | None) -> None:
    is_action = isinstance(entry_points.right_to(entry_point), Action)
    group = known_group(interaction, group_key) if is_action and group_key is not None else None
    await admit(interaction, entry_point, group)


class Form(discord.ui.Modal):
    """A form whose errors are answered where every error is answered.

    Sending it takes what `bot.entry_points` says of its class. A form can also come in without
    this object, after a restart: whoever takes it then asks for what it takes in its group.
    """

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Called by discord.py."""
        await admit(interaction, type(self).__name__)
        return True

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception, /) -> None:
        """Called by discord.py."""
        await answer_error(interaction, error)


class Question(Passing):
    """Buttons that wait for an answer for a while and do not outlive a restart.

    Whoever answers must be allowed to by then: what it takes is what `bot.entry_points` says of
    the class, or of the way in that is given.

    Args:
        minutes: how long it can be answered.
        group: the group it is about, if that is known.
        entry_point: by what it was asked, if not by its own class.
        about: what is answered to a press after a restart, one of the keys of
            `bot.texts.passing.PASSED`; then each button takes its id from `name_of`.
    """

    def __init__(
        self,
        *,
        minutes: float,
        group: Group | None = None,
        entry_point: str | None = None,
        about: str = "",
    ) -> None:
        super().__init__(about, minutes * 60)
        self._about_group = group
        self._entry_point = entry_point or type(self).__name__

    @override
    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Called by discord.py."""
        is_taken = await super().interaction_check(interaction)
        await admit(interaction, self._entry_point, self._about_group)
        return is_taken


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


def chosen(choices: type[ChoiceT], value: str) -> ChoiceT:
    """One of the choices of an option; Discord offers no others, and this takes no others.

    Raises:
        UnknownChoiceError: it is none of them.
    """
    try:
        return choices(value)
    except ValueError:
        raise UnknownChoiceError from None


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


class GroupChoice(Question, Generic[GroupT]):
    """Asks which group is meant, where several live."""

    def __init__(
        self,
        groups: Sequence[GroupT],
        then: Callable[[Context, GroupT], Awaitable[None]],
        entry_point: str,
    ) -> None:
        super().__init__(about="choice", minutes=10, entry_point=entry_point)
        self._groups: dict[str, GroupT] = {group.key: group for group in groups}
        self._then = then
        for start in range(0, min(len(groups), MOST_LISTS * MOST_CHOICES), MOST_CHOICES):
            some = groups[start : start + MOST_CHOICES]
            listed: discord.ui.Select[GroupChoice[GroupT]] = discord.ui.Select(
                custom_id=self.name_of(f"group-{start}" if start else "group"),
                placeholder=_(texts.CHOOSE_GROUP),
                options=[discord.SelectOption(label=one.name, value=one.key) for one in some],
            )
            listed.callback = partial(self._chosen, listed)
            self.add_item(listed)

    async def _chosen(
        self, listed: "discord.ui.Select[GroupChoice[GroupT]]", interaction: Context
    ) -> None:
        group = self._groups[listed.values[0]]
        await admit(interaction, self._entry_point, _ruled_by(group))
        await self._then(interaction, group)


async def with_group(
    interaction: Context,
    groups: Sequence[GroupT],
    then: Callable[[Context, GroupT], Awaitable[None]],
) -> None:
    """Go on with the one group that is meant, or ask which of these it is.

    What the command takes is asked for the one group, also when it was chosen later.
    """
    entry_point = entry_point_of(interaction)
    if len(groups) == 1:
        await admit(interaction, entry_point, _ruled_by(groups[0]))
        await then(interaction, groups[0])
    else:
        view = GroupChoice(groups, then, entry_point)
        await reply(interaction, texts.WHICH_GROUP, view)


def _ruled_by(choice: Group | Keeper) -> Group | None:
    return choice.group if isinstance(choice, Keeper) else choice


async def in_group(interaction: Context, then: Callable[[Context, Group], Awaitable[None]]) -> None:
    """Go on with the group in which the person means to use the command, and may.

    Raises:
        NotEntitledError: they may in none of the groups here.
        UnknownGroupError: there is no group.
    """
    await with_group(interaction, await groups_for(interaction), then)


def plain_name(name: str) -> str:
    """A name as plain text: no formatting, no mention, no hidden or direction-changing signs."""
    visible = visible_name(name, LONGEST_NAME + 1)
    if len(visible) > LONGEST_NAME:
        visible = f"{visible[: LONGEST_NAME - 1]}…"
    return escaped(visible)
