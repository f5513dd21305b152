"""`/breach ask`, the hearing, and the forms in which the parties of a case answer."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import discord

from bot.client import answer_error
from bot.domain.breaches import Letter, LetterKind, Side
from bot.domain.entitlement import Viewer
from bot.domain.paragraphs import split_text
from bot.effects.desks import clocks_of, desk_of
from bot.effects.languages import locale_of
from bot.effects.letters import ANSWER_CUSTOM_ID, answer_button, letter_pages
from bot.effects.plain import plain_lines
from bot.services.cases import letters
from bot.services.cases.letters import Draft
from bot.services.cases.posting import Posting
from bot.settings import Group
from bot.texts import asking
from bot.texts import letters as texts
from bot.texts.catalogue import _, speaking
from cogs._checks import known_group, viewer_of
from cogs._ui import GROUP_KEY, Button, Context, Form, Question, button, reply, settle

To = Literal["reporter", "accused"]
LONGEST_QUESTION = 1500
LONGEST_ANSWER = 4000
"""Signs that a form of Discord takes."""

MINUTES = 14
"""How long what is about to be sent can be confirmed; Discord lets it be changed for fifteen."""

HEAR_CUSTOM_ID = "pledge:case:hear:{group_key}:{case_number}"
"""The id of the button to hear the accused, and of the form it opens."""

_WORDS = "words"
_ANSWER_FORM = re.compile(rf"pledge:letter:answer:{GROUP_KEY}:(\d{{1,18}})")
_HEAR_FORM = re.compile(rf"pledge:case:hear:{GROUP_KEY}:(\d{{1,9}})")


async def show_question(
    interaction: Context, group: Group, case_number: int, to: To, question: str
) -> None:
    """Show what is about to be asked, with the button that sends it.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is closed.
        NobodyToWriteToError: nobody is there to be asked.
    """
    client, viewer = interaction.client, await viewer_of(interaction, group)
    desk = desk_of(client, group)
    draft = await letters.preview(client.database, desk, viewer, case_number, Side(to), question)
    await _confirm(interaction, group, case_number, LetterKind.QUESTION, question, draft)


async def show_hearing(interaction: Context, group: Group, case_number: int, words: str) -> None:
    """Show what the accused is about to be told, with the button that sends it.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is decided or closed.
        NobodyToWriteToError: nobody is named as the accused.
    """
    client, viewer = interaction.client, await viewer_of(interaction, group)
    desk = desk_of(client, group)
    draft = await letters.preview_hearing(client.database, desk, viewer, case_number, words)
    await _confirm(interaction, group, case_number, LetterKind.HEARING, words, draft)


async def _confirm(
    interaction: Context, group: Group, case_number: int, kind: LetterKind, words: str, draft: Draft
) -> None:
    now = interaction.client.now()
    is_hearing = kind is LetterKind.HEARING
    shown = Letter(
        id=0,
        case_id=0,
        side=draft.side,
        kind=kind,
        created_at=now,
        report_id=0 if draft.side is Side.REPORTER else None,
        text=words,
        due_at=now + clocks_of(group).hearing if is_hearing else None,
    )
    with speaking(locale_of(interaction.client, group)):
        posting = Posting(member_id=0, letter=shown, case_number=case_number)
        pages = letter_pages(posting, group)
    heading = asking.confirm_letter(
        case_number,
        draft.side,
        draft.recipients,
        draft.risks,
        is_told=draft.is_told or is_hearing,
    )
    view = ConfirmView(group, case_number, kind, words, draft)
    await reply(interaction, [*split_text(heading), *pages], view)


class ConfirmView(Question):
    """Holds what is to be sent until the moderator has said yes or no.

    It is nowhere else before that, so the question does not survive a restart: whoever presses then
    is told so, and the words stand above it.
    """

    def __init__(
        self, group: Group, case_number: int, kind: LetterKind, words: str, draft: Draft
    ) -> None:
        super().__init__(about="letter", minutes=MINUTES, group=group)
        self._group, self._case_number, self._kind = group, case_number, kind
        self._words, self._side = words, draft.side
        self._is_sending = False
        success, grey = discord.ButtonStyle.success, discord.ButtonStyle.secondary
        self._add(asking.SEND_BUTTON, success, self._send)
        if kind is LetterKind.HEARING:
            self._add(asking.EDIT_BUTTON, grey, self._edit)
        self._add(asking.DISCARD_BUTTON, grey, self._discard)
        if draft.side is Side.ACCUSED and not draft.is_told and kind is LetterKind.QUESTION:
            self.add_item(HearButton(group.key, str(case_number)))

    def _add(self, label: str, style: discord.ButtonStyle, press: Any) -> None:
        custom_id = self.name_of(str(len(self.children)))
        item: discord.ui.Button[ConfirmView] = discord.ui.Button(
            label=_(label), style=style, custom_id=custom_id
        )
        item.callback = press
        self.add_item(item)

    async def _send(self, interaction: Context) -> None:
        if self._is_sending:
            await interaction.response.defer()
            return
        self._is_sending = True
        try:
            told = await self._write(interaction, await viewer_of(interaction, self._group))
        finally:
            self._is_sending = False
        interaction.client.effects.wake()
        self.stop()
        await settle(interaction, told)

    async def _write(self, interaction: Context, viewer: Viewer) -> str:
        client, group, number, now = (
            interaction.client,
            self._group,
            self._case_number,
            interaction.client.now(),
        )
        desk = desk_of(client, group)
        if self._kind is LetterKind.HEARING:
            await letters.begin_hearing(
                client.database, desk, viewer, number, self._words, now, clocks_of(group)
            )
            return asking.hearing_begun(number, group.cases.hearing_days)
        count = await letters.ask(
            client.database, desk, viewer, number, self._side, self._words, now
        )
        return asking.asked(number, count)

    async def _edit(self, interaction: Context) -> None:
        form = HearForm(self._group.key, self._case_number, self._words)
        await interaction.response.send_modal(form)

    async def _discard(self, interaction: Context) -> None:
        self.stop()
        await settle(interaction, asking.DISCARDED)


class HearButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:hear:{GROUP_KEY}:(\d{{1,9}})",
):
    """Opens the form in which a moderator words what is alleged; stands on the case view too."""

    def __init__(self, group_key: str, case_number: str) -> None:
        self.group_key, self.case_number = group_key, int(case_number)
        custom_id = HEAR_CUSTOM_ID.format(group_key=group_key, case_number=case_number)
        super().__init__(button(asking.HEAR_BUTTON, custom_id, discord.ButtonStyle.primary))

    async def press(self, interaction: Context) -> None:
        """Show the form with neutral words, if the presser may hear the accused now."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        viewer = await viewer_of(interaction, group)
        desk = desk_of(client, group)
        draft = await letters.preview_hearing(client.database, desk, viewer, self.case_number)
        with speaking(locale_of(client, group)):
            words = asking.alleged(draft.clause)
        await interaction.response.send_modal(HearForm(group.key, self.case_number, words))


class HearForm(Form):
    """What is alleged, in the moderator's words; taken by `take_form`, also after a restart."""

    def __init__(self, group_key: str, case_number: int, words: str) -> None:
        custom_id = HEAR_CUSTOM_ID.format(group_key=group_key, case_number=case_number)
        super().__init__(title=_(asking.HEARING_TITLE), custom_id=custom_id, timeout=None)
        label, hint = _(asking.HEARING_LABEL), _(asking.HEARING_HINT)
        _add_words(self, label, hint, LONGEST_QUESTION, words)


class AnswerButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:letter:answer:{GROUP_KEY}:(\d{{1,18}})",
):
    """Opens the form in which a party answers a letter."""

    def __init__(self, group_key: str, letter_id: str, label: str | None = None) -> None:
        self.group_key, self.letter_id = group_key, int(letter_id)
        super().__init__(answer_button(group_key, self.letter_id, label))

    async def press(self, interaction: Context) -> None:
        """Show the form, if the letter was for the presser and still waits for an answer."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        viewer = Viewer(member_id=interaction.user.id)
        desk = desk_of(client, group)
        question = await letters.find_question(client.database, desk, viewer, self.letter_id)
        form = AnswerForm(group.key, self.letter_id, question.case.case_number)
        await interaction.response.send_modal(form)


class AnswerForm(Form):
    """What a party answers; taken by `take_form`, also after a restart."""

    def __init__(self, group_key: str, letter_id: int, case_number: int) -> None:
        custom_id = ANSWER_CUSTOM_ID.format(group_key=group_key, letter_id=letter_id)
        super().__init__(title=texts.answer_title(case_number), custom_id=custom_id, timeout=None)
        _add_words(self, _(texts.ANSWER_LABEL), _(texts.ANSWER_HINT), LONGEST_ANSWER)


def _add_words(form: Form, label: str, hint: str, longest: int, words: str | None = None) -> None:
    item: discord.ui.TextInput[Any] = discord.ui.TextInput(
        style=discord.TextStyle.paragraph,
        custom_id=_WORDS,
        default=words,
        max_length=longest,
    )
    form.add_item(discord.ui.Label(text=label, description=hint, component=item))


async def take_form(interaction: Context) -> None:
    """Take what was typed into one of these forms; any other interaction is left alone.

    Not in the forms themselves: discord.py forgets which forms are open when the process ends,
    and what somebody has typed meanwhile must not be lost by that. Whatever cannot be kept is
    given back to whoever wrote it.
    """
    if interaction.type is not discord.InteractionType.modal_submit:
        return
    data: Mapping[str, Any] = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    words = _typed(data)
    try:
        if match := _ANSWER_FORM.fullmatch(custom_id):
            await _take_answer(interaction, match[1], int(match[2]), words)
        elif match := _HEAR_FORM.fullmatch(custom_id):
            group = known_group(interaction, match[1])
            await show_hearing(interaction, group, int(match[2]), words)
    except Exception as error:
        await answer_error(interaction, error)
        if words:
            await reply(interaction, split_text(texts.your_words(plain_lines(words))))


def _typed(data: Mapping[str, Any]) -> str:
    for part in data.get("components", ()):
        item = part.get("component", {})
        if item.get("custom_id") == _WORDS:
            return str(item.get("value") or "").strip()
    return ""


async def _take_answer(interaction: Context, group_key: str, letter_id: int, words: str) -> None:
    client, group = interaction.client, known_group(interaction, group_key)
    if not words:
        await reply(interaction, texts.NOTHING_WRITTEN)
        return
    viewer = Viewer(member_id=interaction.user.id)
    question = await letters.answer(
        client.database, desk_of(client, group), viewer, letter_id, words, client.now()
    )
    client.effects.wake()
    is_addition = question.letter.answered_at is not None
    number = question.case.case_number
    await reply(interaction, texts.answer_kept(number, is_addition=is_addition))
