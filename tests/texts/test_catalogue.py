"""Every sentence is there in every language, and says the same things."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from io import BytesIO
from string import Formatter
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot import texts
from bot.texts.case_clocks import keep_title, merge_title
from bot.texts.catalogue import (
    ENGLISH,
    LANGUAGES,
    _,
    language_of,
    name,
    plural,
    speak,
    speaking,
    spoken,
)
from bot.texts.letters import answer_title
from cogs.breaches import REPORT
from tests.texts.extract import extracted, load, updated

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
LONGEST_LABEL = 80
LONGEST_DESCRIPTION = 100
LONGEST_IN_A_FORM = 45
LONGEST_NAME = 32
MENUS = {REPORT}
"""Context menus: alone of all commands, they may have capitals and blanks in their names."""
_NAME_OF_COMMAND = re.compile(r"[-_'\w]{1,32}")
"""What Discord takes as the name of a command or an option; it must be lower case too."""

_KEPT = (
    re.compile(r"`[^`]*`"),
    re.compile(r"\*\*"),
    re.compile(r"~~"),
    re.compile(r"(?m)^(?:-# |#+ |> |- )"),
    re.compile(r"\n"),
    re.compile(r"[\u2190-\u21ff\u2600-\u27bf\U0001f300-\U0001faff]"),
    re.compile(r"@\w+"),
    re.compile(r"\w+\.(?:com|org)"),
)
"""What stays as it is: code and commands, emphasis, lists, lines, emoji, addresses."""


def forms(text: object) -> tuple[str, ...]:
    """A message, or the forms of one that counts."""
    return (text,) if isinstance(text, str) else tuple(str(form) for form in text or ())  # type: ignore[attr-defined]


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each form of a message with its translation."""
    yield from zip(forms(message.id), forms(message.string), strict=True)


def translated(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Everything that has a translation, with it."""
    for message in catalog:
        if message.id:
            yield from (pair for pair in pairs(message) if all(pair))


def modules_of_sentences() -> Iterator[ModuleType]:
    for path in pkgutil.iter_modules(texts.__path__):
        yield importlib.import_module(f"{texts.__name__}.{path.name}")


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field is not None}


def lacking(template: Catalog, catalog: Catalog) -> list[str]:
    """What a message file lacks, or has though nobody says it any more."""
    wanted = {(message.context, message.id) for message in template if message.id}
    there = {(message.context, message.id): message for message in catalog if message.id}
    gone = [f"is not said any more: {text!r}" for _, text in there.keys() - wanted]
    gone += [f"is not said any more: {text!r}" for text in catalog.obsolete]
    new = [f"is not in the file: {text!r}" for _, text in wanted - there.keys()]
    untranslated = [
        f"is not translated: {text!r}"
        for (_, text), message in there.items()
        if message.fuzzy or not all(form.strip() for form in forms(message.string))
    ]
    return sorted([*new, *gone, *untranslated])


@pytest.fixture(scope="module")
def template() -> Catalog:
    return extracted()


@pytest.fixture(scope="module", params=OTHERS)
def catalog(request: pytest.FixtureRequest) -> Catalog:
    return load(request.param)


# Whether everything is there -------------------------------------------------------------------


def test_every_sentence_is_translated(template: Catalog, catalog: Catalog) -> None:
    assert len(template) > 200, "hardly anything was found in the source"
    assert lacking(template, catalog) == [], "run python -m tests.texts.extract, then translate"


@pytest.mark.parametrize(
    ("text", "translation", "complaint"),
    [
        ("I accept", None, "is not in the file: 'I accept'"),
        ("I accept", "", "is not translated: 'I accept'"),
        ("I accept", " ", "is not translated: 'I accept'"),
        ("I do not accept", "No acepto", "is not said any more: 'I do not accept'"),
    ],
)
def test_sentence_without_a_translation_is_found(
    template: Catalog, text: str, translation: str | None, complaint: str
) -> None:
    changed = load("es")
    changed.delete(text)
    if translation is not None:
        changed.add(text, translation)
    assert {*lacking(template, changed)} - {*lacking(template, load("es"))} == {complaint}


def test_fuzzy_and_half_translated_sentences_are_found(template: Catalog) -> None:
    changed = load("es")
    accept, people = changed.get("I accept"), changed.get("{count} person")
    assert accept is not None
    assert people is not None
    accept.flags.add("fuzzy")
    people.string = ("{count} persona", "")
    assert {*lacking(template, changed)} - {*lacking(template, load("es"))} == {
        "is not translated: 'I accept'",
        "is not translated: ('{count} person', '{count} people')",
    }


def test_extraction_adds_what_is_new_and_sets_aside_what_is_gone(template: Catalog) -> None:
    changed = load("es")
    changed.delete("I accept")
    changed.add("I do not accept", "No acepto")
    text = updated(changed, template)
    assert b'msgid "I accept"\nmsgstr ""\n' in text
    assert b'#~ msgid "I do not accept"\n#~ msgstr "No acepto"\n' in text
    assert updated(read_po(BytesIO(text), locale="es"), template) == text


# Whether it says the same ----------------------------------------------------------------------


def test_placeholders_are_the_same(catalog: Catalog) -> None:
    wrong = [one for one, other in translated(catalog) if placeholders(one) != placeholders(other)]
    assert wrong == []


def test_commands_emphasis_and_emoji_are_the_same(catalog: Catalog) -> None:
    def kept(text: str) -> list[list[str]]:
        return [sorted(pattern.findall(text)) for pattern in _KEPT]

    assert [one for one, other in translated(catalog) if kept(one) != kept(other)] == []


def test_blanks_around_a_sentence_and_its_last_sign_are_the_same(catalog: Catalog) -> None:
    def ends(text: str) -> tuple[bool, bool, str]:
        last = text[-1] if text[-1] in ".:?!" else ""
        return text[0].isspace(), text[-1].isspace(), last

    assert [one for one, other in translated(catalog) if ends(one) != ends(other)] == []


def test_names_fit_what_discord_allows(catalog: Catalog) -> None:
    there = [message for message in catalog if message.string]
    named = [message for message in there if message.context in ("command", "option")]
    assert named
    for message in named:
        if message.id in MENUS:
            assert len(str(message.string)) <= LONGEST_NAME
            continue
        assert _NAME_OF_COMMAND.fullmatch(str(message.string)), message.string
        assert str(message.string) == str(message.string).lower()
    choices = [str(message.string) for message in there if message.context == "choice"]
    assert choices
    assert [choice for choice in choices if len(choice) > 100] == []


def test_names_are_different_where_they_are_in_english(catalog: Catalog) -> None:
    for kind in ("command", "option", "choice"):
        messages = [message for message in catalog if message.context == kind]
        names = [str(message.string) for message in messages if message.string]
        assert len(set(names)) == len(names)


def test_labels_and_descriptions_are_short_enough(catalog: Catalog) -> None:
    descriptions = {
        one
        for message in catalog
        if message.id and any(place.startswith("cogs/") for place, _ in message.locations)
        for one in forms(message.id)
    }
    for one, other in translated(catalog):
        if one in descriptions:
            assert len(other) <= LONGEST_DESCRIPTION, other
        # No label is longer in English, so nothing that short may outgrow a button.
        if len(one) <= 30:
            assert len(other) <= LONGEST_LABEL, other


@pytest.mark.parametrize("language", LANGUAGES)
def test_forms_and_buttons_fit_what_discord_allows(language: str) -> None:
    longest = {
        "_TITLE": LONGEST_IN_A_FORM,
        "_LABEL": LONGEST_IN_A_FORM,
        "_HINT": LONGEST_DESCRIPTION,
        "_BUTTON": LONGEST_LABEL,
    }
    with speaking(language):
        said = [
            (_(text), limit)
            for module in modules_of_sentences()
            for constant, text in vars(module).items()
            for ending, limit in longest.items()
            if constant.endswith(ending)
        ]
        number = 999_999_999
        titles = [answer_title(number), merge_title(number), keep_title(number)]
    assert len(said) > 40, "hardly anything was found in the source"
    assert [text for text, limit in said if len(text) > limit] == []
    assert [title for title in titles if len(title) > LONGEST_IN_A_FORM] == []


# What is spoken --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("en-GB", "en"),
        ("es", "es"),
        ("es-ES", "es"),
        ("es-419", "es"),
        ("ES_es", "es"),
        ("fr", "en"),
        ("pt-BR", "en"),
        ("est", "en"),
        ("zh-CN", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_nearest_language_of_a_locale(locale: str | None, language: str) -> None:
    assert language_of(locale) == language


def test_languages_are_called_what_their_speakers_call_them() -> None:
    assert LANGUAGES == {"en": "English", "es": "Español"}


def test_english_is_spoken_unless_told_otherwise() -> None:
    assert spoken() == "en"
    assert _("I accept") == "I accept"
    assert [plural("{n} person", "{n} people", n) for n in (0, 1, 2)] == [
        "{n} people",
        "{n} person",
        "{n} people",
    ]
    assert name("command", "sign") == "sign"


def test_language_holds_within_its_block_and_no_longer() -> None:
    with speaking("es-419"):
        assert (spoken(), _("I accept")) == ("es", "Acepto")
        with speaking("fr"):
            assert (spoken(), _("I accept")) == ("en", "I accept")
        assert spoken() == "es"
        forms = [plural("{count} person", "{count} people", n) for n in (0, 1, 2)]
        assert forms == ["{count} personas", "{count} persona", "{count} personas"]
        assert name("command", "sign") == "firmar"
        speak("en-GB")
        assert spoken() == "en"
    assert spoken() == "en"


def test_what_is_no_sentence_of_ours_stays_as_it_is() -> None:
    with speaking("es"):
        assert [_(""), _("Harbour Light")] == ["", "Harbour Light"]
        assert name("command", "Harbour Light") == "Harbour Light"


def test_every_language_counts_in_as_many_forms_as_its_file_has(catalog: Catalog) -> None:
    counted = [message for message in catalog if not isinstance(message.id, str)]
    assert {len(forms(message.string)) for message in counted} == {catalog.num_plurals}
