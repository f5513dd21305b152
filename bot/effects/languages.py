"""Which language is spoken where: in a group, to the person who pressed, and in command names."""

from typing import Any

import discord
from discord import app_commands
from typing_extensions import override

from bot.settings import Group
from bot.texts.catalogue import (
    CHOICE,
    COMMAND,
    ENGLISH,
    OPTION,
    _,
    language_of,
    name,
    speaking,
)


def locale_of(client: discord.Client, group: Group) -> str | None:
    """The locale of what a group is told: its own setting, else that of its server."""
    if group.language is not None:
        return group.language
    guild = client.get_guild(group.guild_id)
    return None if guild is None else str(guild.preferred_locale)


def speak_to_whoever_presses(connection: Any) -> None:
    """Answer every interaction in the language of the person it comes from.

    Here and not in each command, button and form: whatever discord.py starts for an interaction
    is started while it is parsed, and keeps the language that is spoken then to its end.

    Args:
        connection: the state of a discord.py client, whose parsers are wrapped.
    """
    parse = connection.parsers["INTERACTION_CREATE"]

    def parse_and_speak(data: Any) -> None:
        with speaking(data.get("locale")):
            parse(data)

    connection.parsers["INTERACTION_CREATE"] = parse_and_speak


_NAMES = {
    app_commands.TranslationContextLocation.command_name: COMMAND,
    app_commands.TranslationContextLocation.group_name: COMMAND,
    app_commands.TranslationContextLocation.parameter_name: OPTION,
    app_commands.TranslationContextLocation.choice_name: CHOICE,
}


class CommandTranslator(app_commands.Translator):
    """Tells Discord the names and descriptions of the commands in every language there is.

    The names in English stay what they are: they are what is typed, and what the texts name.
    """

    @override
    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        language = language_of(str(locale))
        if language == ENGLISH:
            return None
        with speaking(language):
            kind = _NAMES.get(context.location)
            return name(kind, string.message) if kind else _(string.message)
