"""The words and the button of a letter to a party of a breach case."""

from dataclasses import replace

import discord

from bot.domain.breaches import Letter, LetterKind
from bot.domain.hearing import ASKS
from bot.domain.paragraphs import split_text
from bot.effects.plain import plain_lines, without_hidden
from bot.services.cases.posting import Posting
from bot.settings import Group
from bot.texts import letters as texts
from bot.texts.catalogue import _

ANSWER_CUSTOM_ID = "pledge:letter:answer:{group_key}:{letter_id}"
"""The id of the button, and of the form it opens; both are answered by `cogs.breaches`."""

_READY_MADE = (LetterKind.OUTCOME, LetterKind.CLOSED)
"""Letters whose words Pledge has put together itself, with what people wrote escaped in them."""


def letter_pages(posting: Posting, group: Group) -> list[str]:
    """What a letter says, in the language that is spoken, in pieces that fit a message."""
    letter = posting.letter
    if letter.text is not None:
        words = letter.text
        is_ready = letter.kind in _READY_MADE
        letter = replace(letter, text=without_hidden(words) if is_ready else plain_lines(words))
    content = texts.letter(
        letter,
        group.name,
        posting.case_number,
        posting.step,
        first_look_days=group.cases.first_look_days,
        crisis=group.agreement.crisis,
    )
    return split_text(content)


def letter_view(group_key: str, letter: Letter) -> discord.ui.View | None:
    """The button under a letter that can be answered."""
    if letter.kind not in ASKS:
        return None
    view = discord.ui.View(timeout=None)
    view.add_item(answer_button(group_key, letter.id))
    view.stop()
    return view


def answer_button(
    group_key: str, letter_id: int, label: str | None = None
) -> discord.ui.Button[discord.ui.View]:
    """Opens the form in which a letter is answered."""
    custom_id = ANSWER_CUSTOM_ID.format(group_key=group_key, letter_id=letter_id)
    style = discord.ButtonStyle.primary
    shown = _(texts.ANSWER_BUTTON) if label is None else label
    return discord.ui.Button(label=shown, custom_id=custom_id, style=style)
