"""Buttons under a case and under the list of cases: merge, keep longer, hear, and numbers."""

import re
from datetime import timedelta
from typing import Any

import discord

from bot.domain.authorisation import Action
from bot.domain.breaches import CaseState
from bot.domain.dossiers import Dossier
from bot.effects.desks import desk_of
from bot.services.cases import merging, retention, statistics
from bot.settings import Group
from bot.texts import case_clocks as words
from bot.texts.catalogue import _
from cogs._checks import known_group, require, viewer_of
from cogs._letters import HearButton
from cogs._ui import GROUP_KEY, Button, Context, Form, button, reply

_NUMBER = r"(\d{1,9})"
_STATISTICS_DAYS = 365
_KEEP_DAYS = 180
_LONGEST_REASON = 600


def upkeep_buttons(group: Group, dossier: Dossier) -> list[discord.ui.Item[Any]]:
    """What can be done with a case besides working on it, as far as its state lets it."""
    case = dossier.case
    number = str(case.case_number)
    match case.state:
        case CaseState.OPEN | CaseState.IN_REVIEW:
            hear = [HearButton(group.key, number)] if case.has_accused else []
            return [*hear, MergeButton(group.key, number)]
        case CaseState.DECIDED:
            return []
        case CaseState.CLOSED:
            return [KeepButton(group.key, number)] if case.merged_into is None else []


class MergeButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:merge:{GROUP_KEY}:{_NUMBER}",
):
    """Brings the reports of a case into another one about the same."""

    def __init__(self, group_key: str, number: str) -> None:
        self.group_key, self.number = group_key, int(number)
        name = f"pledge:case:merge:{group_key}:{number}"
        super().__init__(button(words.MERGE_BUTTON, name, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Ask into which case; who may merge is looked at when they have answered."""
        group = known_group(interaction, self.group_key)
        await require(interaction, group, Action.LOOK_AFTER_CASES)
        await interaction.response.send_modal(MergeForm(group, self.number))


class MergeForm(Form):
    """Asks for the number of the other case."""

    def __init__(self, group: Group, number: int) -> None:
        super().__init__(title=words.merge_title(number))
        self._group, self._number = group, number
        self._into: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="into", max_length=10, placeholder="#1"
        )
        description = _(words.MERGE_HINT)
        label = discord.ui.Label(
            text=_(words.MERGE_LABEL), component=self._into, description=description
        )
        self.add_item(label)

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        """Called by discord.py."""
        into = re.fullmatch(r"#?([0-9]{1,9})", self._into.value.strip())
        if into is None:
            await reply(interaction, words.MERGE_NO_NUMBER)
            return
        client, group = interaction.client, self._group
        merged = await merging.merge(
            client.database,
            desk_of(client, group),
            await viewer_of(interaction, group),
            self._number,
            int(into[1]),
            client.now(),
        )
        client.effects.wake()
        await reply(interaction, words.merged(self._number, merged.case_number))


class KeepButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:keep:{GROUP_KEY}:{_NUMBER}",
):
    """Keeps a closed case for longer than the settings say."""

    def __init__(self, group_key: str, number: str) -> None:
        self.group_key, self.number = group_key, int(number)
        name = f"pledge:case:keep:{group_key}:{number}"
        super().__init__(button(words.KEEP_LONGER_BUTTON, name, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Ask for the reason; who may is looked at when they have given it."""
        group = known_group(interaction, self.group_key)
        await require(interaction, group, Action.LOOK_AFTER_CASES)
        await interaction.response.send_modal(KeepForm(group, self.number))


class KeepForm(Form):
    """Asks why a case has to be kept for longer."""

    def __init__(self, group: Group, number: int) -> None:
        super().__init__(title=words.keep_title(number))
        self._group, self._number = group, number
        self._reason: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="reason", style=discord.TextStyle.paragraph, max_length=_LONGEST_REASON
        )
        hint = words.keep_hint(_KEEP_DAYS)
        label = discord.ui.Label(text=_(words.KEEP_LABEL), component=self._reason, description=hint)
        self.add_item(label)

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        """Called by discord.py."""
        client, group, now = interaction.client, self._group, interaction.client.now()
        until = await retention.extend(
            client.database,
            desk_of(client, group),
            await viewer_of(interaction, group),
            self._number,
            now + timedelta(days=_KEEP_DAYS),
            self._reason.value.strip(),
            now,
        )
        await reply(interaction, words.kept_longer(self._number, until))


class NumbersButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:numbers:{GROUP_KEY}",
):
    """Shows how many cases there were, with nobody in them."""

    def __init__(self, group_key: str) -> None:
        self.group_key = group_key
        name = f"pledge:case:numbers:{group_key}"
        super().__init__(button(words.NUMBERS_BUTTON, name, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Count."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        viewer = await viewer_of(interaction, group)
        now = client.now()
        since = now - timedelta(days=_STATISTICS_DAYS)
        desk = desk_of(client, group)
        found = await statistics.count(client.database, desk, viewer, since, now)
        content = words.case_numbers(group.name, found.total, found.running, found.outcomes, since)
        await reply(interaction, content)


UPKEEP_BUTTONS = (MergeButton, KeepButton, NumbersButton)
