"""What `/breach decide` and `/breach appeal` do, and the buttons and forms under them."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import discord
from discord import app_commands

from bot.client import answer_error
from bot.domain.breaches import NO_BREACH
from bot.domain.entitlement import Viewer
from bot.domain.errors import UnknownCaseError, UnknownGroupError
from bot.domain.rulings import Plan, Ruling
from bot.effects.desks import clocks_of, desk_of
from bot.effects.languages import locale_of
from bot.effects.plain import plain_lines
from bot.services.cases import deciding, ending
from bot.services.cases.deciding import Prepared, Terms
from bot.settings import Group
from bot.texts import outcomes as texts
from bot.texts.catalogue import _, speaking
from cogs._checks import desks_here, groups_of_party, known_group, viewer_of
from cogs._letters import HearButton
from cogs._ui import GROUP_KEY, Button, Context, Form, button, buttons, reply, settle, with_group

CHOICES = 25
LONGEST_WORDS = 1_000
"""Characters of a moderator's words to the accused, and of an appeal twice that."""

_NUMBERS = r"(\d{1,9}):(\d{1,18})"
_ID = "pledge:case:{action}:{group_key}:{case}:{draft}"
_APPEAL_ID = "pledge:case:appeal:{group_key}:{case}"
_WORDS_FORM = re.compile(rf"pledge:case:words:{GROUP_KEY}:{_NUMBERS}")
_APPEAL_FORM = re.compile(rf"pledge:case:appeal:{GROUP_KEY}:(\d{{1,9}})")
_WORDS = "words"


def _terms(interaction: Context, group: Group) -> Terms:
    locale = locale_of(interaction.client, group)

    def word(plan: Plan, words: str | None) -> tuple[str, str]:
        # The letters are in the language of the group, whatever the moderator's own is.
        with speaking(locale):
            own = plain_lines(words) if words else None
            to_accused = texts.outcome_to_accused(group.name, plan, own)
            return to_accused, texts.outcome_to_reporters(group.name, plan)

    return Terms(clocks=clocks_of(group), word=word)


async def offer_outcomes(interaction: Context, typed: str) -> list[app_commands.Choice[str]]:
    """The outcomes of the agreement in force, for whoever could decide a case here."""
    choices: dict[str, app_commands.Choice[str]] = {}
    try:
        desks = await desks_here(interaction)
    except UnknownGroupError:
        return []
    for group, _viewer in desks:
        steps = await deciding.list_outcomes(interaction.client.database, group.key)
        for key, step in ((NO_BREACH, None), *steps):
            label = texts.outcome_choice(key, step)
            if typed.casefold() in f"{key} {label}".casefold():
                choices.setdefault(key, app_commands.Choice(name=label, value=key))
    return list(choices.values())[:CHOICES]


async def show_decision(
    interaction: Context, group: Group, number: int, outcome: str, reason: str, days: int | None
) -> None:
    """Keep what a moderator wants to decide, and show them all that it would do."""
    client = interaction.client
    until = client.now() + timedelta(days=days) if days is not None else None
    prepared = await deciding.prepare(
        client.database,
        desk_of(client, group),
        await viewer_of(interaction, group),
        number,
        Ruling(outcome=outcome, reason=reason, until=until),
        _terms(interaction, group),
        client.now(),
    )
    await reply(interaction, _pages(group, prepared), _view(group, prepared))


def _pages(group: Group, prepared: Prepared) -> list[str]:
    return texts.decision_preview(
        group.name,
        prepared.plan,
        plain_lines(prepared.draft.ruling.reason),
        prepared.to_accused,
        prepared.to_reporters,
        prepared.risks,
    )


def _view(group: Group, prepared: Prepared) -> discord.ui.View:
    plan = prepared.plan
    place = (group.key, str(plan.case_number), str(prepared.draft.id))
    if plan.needs_hearing:
        pause = [] if plan.is_paused else [PauseButton(*place)]
        return buttons(HearButton(*place[:2]), *pause, DropButton(*place))
    own_words = [WordsButton(*place)] if plan.tells_accused else []
    return buttons(ConfirmButton(*place), *own_words, DropButton(*place))


class _DraftButton(Button):
    """A button under the preview of a decision."""

    group_key: str
    number: int
    draft_id: int

    def place(self, action: str, group_key: str, number: str, draft_id: str) -> str:
        """Remember which decision is meant; gives the id of the button."""
        self.group_key, self.number, self.draft_id = group_key, int(number), int(draft_id)
        return _ID.format(action=action, group_key=group_key, case=number, draft=draft_id)


class ConfirmButton(
    _DraftButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:decide:{GROUP_KEY}:{_NUMBERS}",
):
    """Decides as it was shown."""

    def __init__(self, group_key: str, number: str, draft_id: str) -> None:
        custom_id = self.place("decide", group_key, number, draft_id)
        super().__init__(button(texts.CONFIRM_BUTTON, custom_id, discord.ButtonStyle.danger))

    async def press(self, interaction: Context) -> None:
        """Record, carry out and tell, if the presser may decide this case now."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        plan = await deciding.decide(
            client.database,
            desk_of(client, group),
            await viewer_of(interaction, group),
            self.number,
            self.draft_id,
            _terms(interaction, group),
            client.now(),
        )
        client.effects.wake()
        await settle(interaction, texts.decided(plan))


class WordsButton(
    _DraftButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:words:{GROUP_KEY}:{_NUMBERS}",
):
    """Opens the form for words of one's own to the accused."""

    def __init__(self, group_key: str, number: str, draft_id: str) -> None:
        custom_id = self.place("words", group_key, number, draft_id)
        super().__init__(button(texts.WORDS_BUTTON, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Show the form with what was written before, if the presser may decide this case now."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        prepared = await deciding.reword(
            client.database,
            desk_of(client, group),
            await viewer_of(interaction, group),
            self.number,
            self.draft_id,
            _terms(interaction, group),
            client.now(),
        )
        form = WordsForm(self.custom_id, prepared.draft.words)
        await interaction.response.send_modal(form)


class PauseButton(
    _DraftButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:pause:{GROUP_KEY}:{_NUMBERS}",
):
    """Pauses the access of somebody who was not heard yet, because it is urgent."""

    def __init__(self, group_key: str, number: str, draft_id: str) -> None:
        custom_id = self.place("pause", group_key, number, draft_id)
        super().__init__(button(texts.PAUSE_BUTTON, custom_id, discord.ButtonStyle.danger))

    async def press(self, interaction: Context) -> None:
        """Close the channel to the accused, if the presser may decide this case now."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        await deciding.suspend_for_now(
            client.database,
            desk_of(client, group),
            await viewer_of(interaction, group),
            self.number,
            self.draft_id,
            client.now(),
        )
        client.effects.wake()
        await settle(interaction, texts.PAUSED)


class DropButton(
    _DraftButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:drop:{GROUP_KEY}:{_NUMBERS}",
):
    """Leaves the case as it is."""

    def __init__(self, group_key: str, number: str, draft_id: str) -> None:
        custom_id = self.place("drop", group_key, number, draft_id)
        super().__init__(button(texts.DROP_BUTTON, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Forget what was written."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        viewer, desk = await viewer_of(interaction, group), desk_of(client, group)
        await deciding.drop(client.database, desk, viewer, self.number, self.draft_id)
        await settle(interaction, texts.DROPPED)


DECISION_BUTTONS = (ConfirmButton, WordsButton, PauseButton, DropButton)


# Appeals -----------------------------------------------------------------------------------------


async def offer_appealable(interaction: Context, typed: str) -> list[app_commands.Choice[int]]:
    """The cases in which something is decided against whoever types; no others."""
    found: dict[int, app_commands.Choice[int]] = {}
    for group in groups_of_party(interaction):
        database, who = interaction.client.database, interaction.user.id
        for number in await ending.list_appealable(database, group.key, who):
            if typed.strip().removeprefix("#") in str(number):
                label = texts.appeal_choice(number)
                found[number] = app_commands.Choice(name=label, value=number)
    return list(found.values())[:CHOICES]


async def show_appeal(interaction: Context, group: Group, number: int) -> None:
    """Show the accused the form for their appeal, while there is time for one."""
    client, viewer = interaction.client, Viewer(member_id=interaction.user.id)
    desk, clocks = desk_of(client, group), clocks_of(group)
    await ending.find_appeal_end(client.database, desk, viewer, number, clocks, client.now())
    custom_id = _APPEAL_ID.format(group_key=group.key, case=number)
    await interaction.response.send_modal(AppealForm(custom_id))


async def begin_appeal(interaction: Context, number: int) -> None:
    """Go on in the group that is meant: the one in which they know of such a case.

    Raises:
        UnknownCaseError: there is none, or it is not about them.
    """

    async def then(context: Context, group: Group) -> None:
        await show_appeal(context, group, number)

    groups = {group.key: group for group in groups_of_party(interaction)}
    database, who = interaction.client.database, interaction.user.id
    keys = await ending.list_groups_of_accused(database, groups, who, number)
    if not keys:
        raise UnknownCaseError
    await with_group(interaction, [groups[key] for key in keys], then)


# Forms -------------------------------------------------------------------------------------------


class WordsForm(Form):
    """A moderator's own words to the accused; taken by `take_ruling_form`."""

    def __init__(self, custom_id: str, words: str | None) -> None:
        super().__init__(title=_(texts.WORDS_TITLE), custom_id=custom_id, timeout=None)
        _add_words(self, _(texts.WORDS_LABEL), _(texts.WORDS_HINT), LONGEST_WORDS, words)


class AppealForm(Form):
    """What the accused says against a decision; taken by `take_ruling_form`."""

    def __init__(self, custom_id: str) -> None:
        super().__init__(title=_(texts.APPEAL_TITLE), custom_id=custom_id, timeout=None)
        _add_words(self, _(texts.APPEAL_LABEL), _(texts.APPEAL_HINT), 2 * LONGEST_WORDS)


def _add_words(form: Form, label: str, hint: str, longest: int, words: str | None = None) -> None:
    item: discord.ui.TextInput[Any] = discord.ui.TextInput(
        style=discord.TextStyle.paragraph, custom_id=_WORDS, default=words, max_length=longest
    )
    form.add_item(discord.ui.Label(text=label, description=hint, component=item))


async def take_ruling_form(interaction: Context) -> None:
    """Take what was typed into one of these forms; any other interaction is left alone.

    Not in the forms themselves: discord.py forgets which forms are open when the process ends,
    and what somebody has typed meanwhile must not be lost by that. Whatever cannot be kept is
    given back to whoever wrote it.
    """
    if interaction.type is not discord.InteractionType.modal_submit:
        return
    data: Mapping[str, Any] = interaction.data or {}
    custom_id, words = str(data.get("custom_id", "")), _typed(data)
    try:
        if match := _APPEAL_FORM.fullmatch(custom_id):
            await _take_appeal(interaction, match[1], int(match[2]), words)
        elif match := _WORDS_FORM.fullmatch(custom_id):
            await _take_words(interaction, match[1], int(match[2]), int(match[3]), words)
    except Exception as error:
        await answer_error(interaction, error)
        if words:
            await reply(interaction, texts.words_back(plain_lines(words)))


def _typed(data: Mapping[str, Any]) -> str:
    for part in data.get("components", ()):
        item = part.get("component", {})
        if item.get("custom_id") == _WORDS:
            return str(item.get("value") or "").strip()
    return ""


async def _take_appeal(interaction: Context, group_key: str, number: int, words: str) -> None:
    client, group = interaction.client, known_group(interaction, group_key)
    if not words:
        await reply(interaction, texts.APPEAL_EMPTY)
        return
    viewer = Viewer(member_id=interaction.user.id)
    desk, clocks = desk_of(client, group), clocks_of(group)
    await ending.appeal(client.database, desk, viewer, number, words, clocks, client.now())
    client.effects.wake()
    await reply(interaction, texts.appeal_kept(number))


async def _take_words(
    interaction: Context, group_key: str, number: int, draft_id: int, words: str
) -> None:
    client, group = interaction.client, known_group(interaction, group_key)
    prepared = await deciding.reword(
        client.database,
        desk_of(client, group),
        await viewer_of(interaction, group),
        number,
        draft_id,
        _terms(interaction, group),
        client.now(),
        words=words,
    )
    await reply(interaction, _pages(group, prepared), _view(group, prepared))
