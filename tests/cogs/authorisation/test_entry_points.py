"""No way in without a row: in the table of the program, and in one of the two sheets."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands

from bot import entry_points
from bot.client import Pledge
from bot.domain.authorisation import RULES, Act, Action
from bot.domain.errors import DomainError
from bot.entry_points import ENTRY_POINTS
from cogs._passing import Passing
from cogs._ui import Button, Form, GroupChoice, Question
from tests.cogs.authorisation.sheet import CHAPTERS
from tests.cogs.cases.matrix import ENTRIES
from tests.cogs.conftest import World
from tests.cogs.test_commands import said

COGS = Path(__file__).resolve().parents[3] / "cogs"


def commands(client: Pledge) -> Iterator[str]:
    for command in client.tree.walk_commands():
        if isinstance(command, app_commands.Command):
            yield entry_points.command(command.qualified_name)
            for option in command.parameters:
                if option.autocomplete:
                    yield entry_points.command(command.qualified_name, option.name)
    for kind in (discord.AppCommandType.user, discord.AppCommandType.message):
        for menu in client.tree.get_commands(type=kind):
            yield entry_points.menu(menu.name, kind.name)


def buttons(client: Any) -> Iterator[str]:
    for pattern in client._connection._view_store._dynamic_items:
        yield entry_points.button(pattern.pattern)


def subclasses(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def from_cogs(kind: type) -> set[type]:
    return {one for one in subclasses(kind) if one.__module__.startswith("cogs.")}


def registered(client: Pledge) -> set[str]:
    """Every way in that there is, found by looking at the bot as it runs."""
    for path in COGS.glob("*.py"):
        importlib.import_module(f"cogs.{path.stem}")
    # What asks which group is meant takes what the command takes that it goes on with.
    open_for_a_while = (from_cogs(Question) | from_cogs(Form)) - {GroupChoice}
    return {*commands(client), *buttons(client), *(one.__name__ for one in open_for_a_while)}


def in_matrix(name: str) -> str:
    """What an entry of the matrix of cases is called in the table."""
    if name.endswith(", typed"):
        command = name.removesuffix(", typed")
        return entry_points.command(f"breach {command}", "case")
    return entry_points.button(name) if name.startswith("pledge:") else entry_points.command(name)


def test_every_way_in_has_a_row_in_the_table(world: World) -> None:
    assert registered(world.client) == set(ENTRY_POINTS)


def test_every_way_in_has_a_row_in_a_sheet() -> None:
    in_sheet = {way.entry_point for ways in CHAPTERS.values() for way in ways}
    in_cases = {in_matrix(entry.name) for entry in ENTRIES}
    assert in_sheet | in_cases == set(ENTRY_POINTS)
    assert in_sheet & in_cases == set(), "one way in stands in both sheets"


def test_every_right_has_a_rule_of_its_own() -> None:
    assert set(RULES) == {*Action, *Act}
    assert len(RULES) == len(Action) + len(Act), "an action and an act have the same value"


def test_whatever_is_open_for_a_while_asks_the_table() -> None:
    views = from_cogs(discord.ui.View) | from_cogs(discord.ui.Modal)
    assert views == from_cogs(Question) | from_cogs(Form) | {Passing, Question, Form}
    items = from_cogs(discord.ui.DynamicItem)
    assert items == {one for one in from_cogs(Button) if not inspect.isabstract(one)} & items
    assert all(issubclass(one, Button) for one in items)
    gates = {"callback", "interaction_check"}
    again = [one for one in views | items if gates & set(vars(one))]
    assert set(again) == {Passing, Question, Form}, "what asks the table is replaced"


def test_forms_that_come_in_by_their_id_are_taken_in_one_place(world: World) -> None:
    """Whoever takes another one asks for what it takes, and gives it a row by its class."""
    taking = [
        f"{name}.{method}"
        for name, cog in world.client.cogs.items()
        for event, method in ((event, method.__name__) for event, method in cog.get_listeners())
        if event == "on_interaction"
    ]
    assert taking == ["Breaches.take_forms"]
    ids = {
        match[1]
        for path in COGS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile"
        if (match := re.search(r"(pledge:[a-z:-]+):", ast.unparse(node)))
    }
    forms = {"letter:answer", "case:hear", "case:words", "case:appeal"}
    assert ids == {f"pledge:{form}" for form in forms}


@pytest.mark.parametrize(
    "name", ["/agreement read", "pledge:sign", "pledge:keep", "/breach show [case]"]
)
async def test_way_in_without_a_row_is_closed_to_everybody(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await world.publish()
    rest = {key: right for key, right in ENTRY_POINTS.items() if key != name}
    monkeypatch.setattr(entry_points, "ENTRY_POINTS", rest)
    place, moderator = world.channel("welcome"), world.moderator
    if name.endswith("]"):
        assert await moderator.autocomplete(place, "breach show", "case", "") == []
    elif name.startswith("/"):
        assert "something went wrong" in said(await moderator.slash(place, "agreement read"))
    else:
        view = discord.ui.View(timeout=None)
        group = f":{world.group.key}" if name == "pledge:sign" else ""
        custom_id = f"{name}{group}"
        view.add_item(discord.ui.Button(label="x", custom_id=custom_id))
        view.stop()
        message = await world.client.get_partial_messageable(place.id).send("x", view=view)
        pressed = await moderator.click(message, custom_id=custom_id)
        assert "something went wrong" in said(pressed)


def test_a_refusal_is_one_of_the_domain() -> None:
    with pytest.raises(LookupError, match=r"has no row in bot/entry_points\.py"):
        entry_points.right_to("/agreement burn")
    assert not issubclass(LookupError, DomainError), "a lack must be logged, not only answered"
