"""Finds what is to be translated; as a program, brings the message files up to date.

`python -m tests.texts.extract` adds new sentences to each file, without a translation, and
comments out those that are gone, at its end; what is translated stays as it is.
"""

import importlib
import inspect
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po
from discord import app_commands
from discord.ext import commands

from bot.texts.catalogue import CHOICE, COMMAND, ENGLISH, LANGUAGES, OPTION, message_file

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS = {"_": None, "mark": None, "plural": (1, 2)}
_NO_DESCRIPTION = "…"
_CHANGING = tuple(
    f'"{name}: '
    for name in (
        *("Report-Msgid-Bugs-To", "POT-Creation-Date", "PO-Revision-Date"),
        *("Last-Translator", "Language-Team", "Generated-By"),
    )
)
"""Lines of a header that say who and when; the history of the file knows that better."""

_HEADER = """\
# The sentences of Pledge in {name}.
#
# `python -m tests.texts.extract` adds what is new and marks what is gone; the tests refuse a
# file that lacks a sentence. What stands in braces, in `backticks` and as emoji stays as it is.
#"""


def extracted() -> Catalog:
    """Everything that is to be translated, in the order of the source."""
    catalog = Catalog(charset="utf-8")
    for folder in ("bot", "cogs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = (path.relative_to(ROOT).as_posix(), 0)
            for _, message, _, _ in extract_from_file("python", path, keywords=KEYWORDS):
                catalog.add(message, locations=[place])
    for kind, word, place in _words_of_commands():
        catalog.add(word, context=kind, locations=[(place, 0)])
    return catalog


def app_commands_of(cog: type[commands.Cog]) -> Iterator[app_commands.Command | app_commands.Group]:
    """The commands and groups a cog class brings, those in groups too."""
    for command in cog.__cog_app_commands__:
        yield command
        if isinstance(command, app_commands.Group):
            yield from command.walk_commands()


def _words_of_commands() -> Iterator[tuple[str | None, str, str]]:
    """Names, which have a kind, and descriptions, which have none; each with its file."""
    for path in sorted((ROOT / "cogs").glob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        module = importlib.import_module(f"cogs.{path.stem}" if path.stem != "__init__" else "cogs")
        for _, item in inspect.getmembers(module):
            if isinstance(item, app_commands.ContextMenu):
                yield COMMAND, item.name, place
            if not (inspect.isclass(item) and issubclass(item, commands.Cog)):
                continue
            if item.__module__ != module.__name__:
                continue
            if item.__cog_is_app_commands_group__:
                yield COMMAND, str(item.__cog_group_name__), place
            for command in app_commands_of(item):
                yield COMMAND, command.name, place
                yield None, command.description, place
                if isinstance(command, app_commands.Command):
                    yield from ((*words, place) for words in _words_of_options(command))


def _words_of_options(command: app_commands.Command) -> Iterator[tuple[str | None, str]]:
    for option in command.parameters:
        yield OPTION, option.display_name
        if str(option.description) != _NO_DESCRIPTION:
            yield None, str(option.description)
        for choice in option.choices:
            yield CHOICE, choice.name


def load(language: str) -> Catalog:
    """The message file of a language."""
    with message_file(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(catalog: Catalog, template: Catalog) -> bytes:
    """A message file with what is new in it, and without what is gone."""
    catalog.header_comment = _HEADER.format(name=LANGUAGES[str(catalog.locale)])
    catalog.update(template, no_fuzzy_matching=True)
    text = BytesIO()
    write_po(text, catalog, width=100, include_lineno=False, include_previous=False)
    lines = text.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_CHANGING)).encode()


def main() -> None:
    template = extracted()
    for language in LANGUAGES:
        if language != ENGLISH:
            message_file(language).write_bytes(updated(load(language), template))


if __name__ == "__main__":
    main()
