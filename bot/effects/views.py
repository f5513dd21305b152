"""The buttons under what Pledge sends by itself; their presses are answered by the cogs."""

from collections.abc import Collection

import discord

from bot import texts
from bot.domain.effects import AlarmKind, Facts
from bot.texts.catalogue import _

PANEL_CUSTOM_ID = "pledge:sign:{group_key}"
"""The id of the standing panel's button."""

ENFORCE_CUSTOM_ID = "pledge:enforce:{group_key}:{strangers}"
"""The id of the button with which a facilitator agrees to a mass change."""

REMOVE_CUSTOM_ID = "pledge:remove:{group_key}:{people}"
"""The id of the button with which a facilitator agrees to a mass removal."""

LANGUAGE_CUSTOM_ID = "pledge:language:{group_key}:{language}"
"""The id of the button that shows the agreement in another language."""

CASE_CUSTOM_ID = "pledge:case:{action}:{group_key}:{case}"
"""The id of a button that belongs to a breach case; the case is named by its number."""

ORIGINAL = "original"
"""Stands in that id for the text that counts."""

_MOST_LANGUAGES = 20
"""Buttons that Discord lets stand under a message, less those that answer it."""


def consent_view(group_key: str, alarm: AlarmKind, facts: Facts) -> discord.ui.View | None:
    """The button with which a facilitator says that so many are meant."""
    match alarm:
        case AlarmKind.MASS_CHANGE:
            return enforce_view(group_key, int(facts["strangers"]))
        case AlarmKind.MASS_REMOVAL:
            return remove_view(group_key, int(facts["people"]))
        case _:
            return None


def enforce_view(group_key: str, strangers: int) -> discord.ui.View:
    """The button under a mass change; its presses are answered by `cogs.upkeep`."""
    custom_id = ENFORCE_CUSTOM_ID.format(group_key=group_key, strangers=strangers)
    return _one_button(texts.ENFORCE_BUTTON, custom_id, discord.ButtonStyle.danger)


def remove_view(group_key: str, people: int) -> discord.ui.View:
    """The button under a mass removal; its presses are answered by `cogs.upkeep`."""
    custom_id = REMOVE_CUSTOM_ID.format(group_key=group_key, people=people)
    return _one_button(texts.REMOVE_BUTTON, custom_id, discord.ButtonStyle.danger)


def panel_view(group_key: str) -> discord.ui.View:
    """The button of the standing panel; its presses are answered by `cogs.signing`."""
    custom_id = PANEL_CUSTOM_ID.format(group_key=group_key)
    return _one_button(texts.PANEL_BUTTON, custom_id, discord.ButtonStyle.primary)


def languages_view(
    group_key: str, languages: Collection[str], shown: str | None
) -> discord.ui.View | None:
    """A button for each language in which the agreement can be read besides the one shown.

    Args:
        group_key: the group.
        languages: those of the translations.
        shown: the one that stands above the buttons; None is the text that counts.
    """
    others = [language for language in (None, *languages) if language != shown]
    if not others:
        return None
    view = discord.ui.View(timeout=None)
    for language in others[:_MOST_LANGUAGES]:
        view.add_item(language_button(group_key, language))
    view.stop()
    return view


def language_button(group_key: str, language: str | None) -> discord.ui.Button[discord.ui.View]:
    """Shows the agreement in a language, or the text that counts; answered by `cogs.agreements`."""
    label = _(texts.ORIGINAL_BUTTON) if language is None else texts.language_name(language)
    custom_id = LANGUAGE_CUSTOM_ID.format(group_key=group_key, language=language or ORIGINAL)
    style = discord.ButtonStyle.secondary
    return discord.ui.Button(label=label, custom_id=custom_id, style=style)


def button_row(*items: tuple[str, str]) -> discord.ui.View:
    """Plain buttons by label and id; their presses are answered by the cogs."""
    view = discord.ui.View(timeout=None)
    for label, custom_id in items:
        view.add_item(discord.ui.Button(label=_(label), custom_id=custom_id))
    view.stop()
    return view


def _one_button(label: str, custom_id: str, style: discord.ButtonStyle) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label=_(label), custom_id=custom_id, style=style))
    view.stop()
    return view
