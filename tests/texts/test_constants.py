"""No constant of `bot.texts` reaches anybody untranslated, as far as this can be read off."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import texts
from bot.texts.catalogue import speaking
from tests.texts.extract import ROOT, extracted

TRANSLATES = {"_", "button", "reply", "settle", "_one_button"}
"""What translates a text it is given; the last three do so for every button and answer."""

OUR_BUTTONS = "Button"
"""The end of the names of our own classes of buttons, which hand their label to `button`."""

DESCRIBES = {"group_name", "group_description", "description"}
"""Told to Discord with all its translations by the translator of commands."""


def constants_in(tree: ast.AST, translated: bool = False) -> Iterator[tuple[int, str]]:
    """Constants of `bot.texts` that are used where nothing translates them, with their lines."""
    match tree:
        case ast.Attribute(value=ast.Name(id="texts"), attr=name) if name.isupper():
            if not translated:
                yield tree.lineno, name
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            translated = translated or name in TRANSLATES or name.endswith(OUR_BUTTONS)
        case ast.arguments(defaults=[*_]):
            translated = True  # it is used under the name of the argument
        case ast.keyword(arg=name) if name in DESCRIBES:
            translated = True
        case _:
            pass
    for node in ast.iter_child_nodes(tree):
        yield from constants_in(node, translated)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("send(texts.UNEXPECTED)", ["UNEXPECTED"]),
        ("send(texts.REFUSALS[name])", ["REFUSALS"]),
        ("discord.ui.TextInput(label=texts.KEEP_BUTTON)", ["KEEP_BUTTON"]),
        ("label = texts.KEEP_BUTTON", ["KEEP_BUTTON"]),
        ("send(_(texts.UNEXPECTED))", []),
        ("send(_(texts.REFUSALS.get(name, other)))", []),
        ("super().__init__(button(texts.KEEP_BUTTON, key, style))", []),
        ("PageButton(key, texts.NEXT_BUTTON)", []),
        ("await reply(interaction, [*pages, texts.BUTTON_HINT])", []),
        ("class A(GroupCog, group_description=texts.AGREEMENT_COMMANDS): ...", []),
        ("send(texts.panel(name))", []),
    ],
)
def test_rule_tells_bad_from_good(source: str, found: list[str]) -> None:
    assert [name for _, name in constants_in(ast.parse(source))] == found


def test_no_constant_is_used_untranslated() -> None:
    places = [ROOT / "bot/client.py", *(ROOT / "bot/effects").rglob("*.py")]
    places += (ROOT / "cogs").rglob("*.py")
    assert [
        f"{path.relative_to(ROOT)}:{line}: texts.{name} needs _()"
        for path in sorted(places)
        for line, name in constants_in(ast.parse(path.read_text(encoding="utf-8")))
    ] == []


def test_every_constant_is_in_the_catalogue() -> None:
    known = {message.id for message in extracted() if isinstance(message.id, str)}
    named = {name: getattr(texts, name) for name in texts.__all__ if name.isupper()}
    assert named
    said = [
        (name, text)
        for name, value in named.items()
        for text in (value.values() if isinstance(value, dict) else [value])
    ]
    assert [name for name, text in said if text not in known] == []


def test_modules_of_sentences_mark_all_of_them() -> None:
    """A sentence outside `_`, `mark` and `plural` would stay English for ever."""
    unmarked = [
        f"{path.name}:{line}: {text!r}"
        for path in sorted(Path(texts.__path__[0]).glob("*.py"))
        if path.name not in ("__init__.py", "catalogue.py")
        for line, text in sentences_outside(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert unmarked == []


def sentences_outside(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Strings of two words or more that no call of the catalogue marks.

    Documentation, the frame of a page of HTML, forms of dates and commands of a shell are none.
    """
    for node in ast.iter_child_nodes(tree):
        match node:
            case (
                ast.Call(func=ast.Name(id="_" | "mark" | "plural")) | ast.Expr(value=ast.Constant())
            ):
                continue
            case ast.Constant(value=str(text)) if len(_words(text)) > 1 and not _NO_SENTENCE.match(
                text
            ):
                yield node.lineno, text
            case _:
                pass
        yield from sentences_outside(node)


_NO_SENTENCE = re.compile(r"[<%]|pledge [a-z]")


def _words(text: str) -> list[str]:
    return [word for word in text.split() if any(sign.isalpha() for sign in word)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('send("Hello there")', ["Hello there"]),
        ('f"{a} and then {b}"', [" and then "]),
        ('_("Hello there").format(a="b")', []),
        ('A = mark("Hello" " there")', []),
        ('f"**{a}** · {b}"', []),
        ('def f():\n    """Say hello."""', []),
    ],
)
def test_unmarked_sentences_are_told_from_marked_ones(source: str, found: list[str]) -> None:
    assert [text for _, text in sentences_outside(ast.parse(source))] == found


def test_every_page_of_a_look_at_the_server_is_translated() -> None:
    from bot.domain.inspection import Finding, Gravity, Matter

    findings = [
        Finding(gravity=Gravity.OPEN, matter=matter, names=("a", "b"), count=2, detail="c")
        for matter in Matter
    ]
    with speaking("es"):
        spanish = [texts.finding(found) for found in findings]
    for one, other in zip(map(texts.finding, findings), spanish, strict=True):
        assert one[0] != other[0]
        assert one[1] != other[1]
