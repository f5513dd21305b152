"""Translations beside an agreement: which files are meant, and what each mistake is called."""

import re
from pathlib import Path

import discord
import pytest

from bot.settings import Settings, lint_agreement, load_agreement, load_texts
from bot.settings.locales import LOCALES, find_locale, nearest_locales
from tests.settings.samples import AGREEMENT, CONFIG, DEFAULT_AGREEMENT, refusal_of, swapped

SPANISH = AGREEMENT.replace("To be safe.", "Para estar a salvo.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ours.en.yaml").write_text(AGREEMENT, encoding="utf-8")
    return tmp_path


def write(folder: Path, name: str, text: str = SPANISH) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def languages(file: Path) -> list[str]:
    return [one.language for one in load_texts(file).translations]


def test_the_locales_are_those_that_discord_knows() -> None:
    assert set(LOCALES) == {str(locale) for locale in discord.Locale}


@pytest.mark.parametrize(
    ("written", "locale"),
    [("es", "es"), ("en", "en"), ("ES-419", "es-419"), ("pt-br", "pt-BR"), ("xx", None)],
)
def test_a_language_may_be_named_with_or_without_its_region(
    written: str, locale: str | None
) -> None:
    assert find_locale(written) == locale


def test_the_nearest_locales_are_offered() -> None:
    assert nearest_locales("es_ES") == ["es-ES"]
    assert nearest_locales("es-MX") == ["es", "es-419", "es-ES"]
    assert nearest_locales("old") != []


def test_translations_are_the_files_beside_it_that_name_a_language(folder: Path) -> None:
    write(folder, "ours.es.yaml")
    write(folder, "ours.pt-br.yml")
    for name in ("ours.txt", "ours-old.yaml", "theirs.fr.yaml", "ours.es.yaml.bak", "privacy.yaml"):
        write(folder, name, "not an agreement")
    texts = load_texts(folder / "ours.en.yaml")
    assert texts.agreement == load_agreement(folder / "ours.en.yaml")
    assert [one.language for one in texts.translations] == ["es", "pt-BR"]
    spanish = texts.translations[0]
    assert spanish.agreement == load_agreement(folder / "ours.es.yaml")
    assert (spanish.text, spanish.sha256) == (
        spanish.agreement.canonical(),
        spanish.agreement.sha256(),
    )


def test_the_file_that_is_named_is_the_one_that_counts(folder: Path) -> None:
    spanish = write(folder, "ours.es.yaml")
    assert languages(spanish) == ["en"]
    assert load_texts(spanish).agreement.purpose == "Para estar a salvo."


def test_a_name_without_a_language_has_translations_too(folder: Path) -> None:
    plain = write(folder, "plain.yaml", AGREEMENT)
    write(folder, "plain.es.yaml")
    assert languages(plain) == ["es"]


REFUSALS = [
    (1, None, 1, "purpose", "this is missing"),
    (7, "  - key: sign_again", 7, "consequences.0.key", "another step here"),
    (13, "  days: 30", 13, "duration.days", "another time than in the original"),
    (13, "  until_withdrawn: true", 13, "duration.until_withdrawn", "write `days: 365`"),
    (16, "  facilitator: x\nsummary: Breve.", 17, "summary", "the original has no such part"),
]


@pytest.mark.parametrize(("line", "new", "at", "key", "wrong"), REFUSALS)
def test_a_translation_of_another_structure_is_refused(
    folder: Path, line: int, new: str | None, at: int, key: str, wrong: str
) -> None:
    file = write(folder, "ours.es.yaml", swapped(SPANISH, line, new))
    (message,) = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert message.startswith(f"{file}:{at}: {key}: ")
    assert wrong in message


@pytest.mark.parametrize("part", ["title", "summary", "crisis", "privacy"])
def test_a_part_that_is_not_translated_is_named(folder: Path, part: str) -> None:
    write(folder, "ours.en.yaml", f"{AGREEMENT}{part}: Here.\n")
    file = write(folder, "ours.es.yaml")
    (message,) = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert message.startswith(f"{file}:1: {part}: this is missing; translate it too")


def test_steps_in_another_order_and_a_missing_step_are_named(folder: Path) -> None:
    rows = SPANISH.splitlines()
    rows[6:10] = [*rows[8:10], *rows[6:8]]
    file = write(folder, "ours.es.yaml", "\n".join(rows))
    (message,) = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert message.startswith(f"{file}:7: consequences.0.key: the original (ours.en.yaml) has")
    assert message.endswith("in the same order: reminder, removed")
    del rows[8:10]
    write(folder, "ours.es.yaml", "\n".join(rows))
    (message,) = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert "consequences.0.key" in message
    rows[6:8] = SPANISH.splitlines()[6:8]
    write(folder, "ours.es.yaml", "\n".join(rows))
    (message,) = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert message.startswith(f"{file}:6: consequences: the step `removed` of the original")


def test_a_language_that_discord_does_not_know_is_refused_with_the_nearest(folder: Path) -> None:
    file = write(folder, "ours.es-MX.yaml")
    (message,) = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert message.startswith(f"{file}: Discord knows no language “es-MX”; name it es or es-419")


@pytest.mark.parametrize("second", ["ours.ES.yaml", "ours.es.yml", "ours.en.yml"])
def test_two_texts_in_one_language_are_refused(folder: Path, second: str) -> None:
    write(folder, "ours.es.yaml")
    write(folder, second)
    (message,) = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert "there is a text in this language" in message


def test_every_problem_of_every_file_is_named_at_once(folder: Path) -> None:
    write(folder, "ours.es.yaml", swapped(SPANISH, 13, "  days: 30"))
    write(folder, "ours.fr.yaml", "not an agreement")
    write(folder, "ours.klingon.yaml")
    messages = refusal_of(lambda: load_texts(folder / "ours.en.yaml"))
    assert len(messages) == 3


def test_a_configuration_is_refused_when_a_translation_is(tmp_path: Path) -> None:
    (tmp_path / "pledge.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "agreement.yaml").write_text(AGREEMENT, encoding="utf-8")
    file = write(tmp_path, "agreement.es.yaml")
    (group,) = Settings.load(tmp_path / "pledge.yaml", {}).groups
    assert [one.language for one in group.translations] == ["es"]
    file.write_text(swapped(SPANISH, 13, "  days: 30"), encoding="utf-8")
    (message,) = refusal_of(lambda: Settings.load(tmp_path / "pledge.yaml", {}))
    assert message.startswith(f"{file}:13: duration.days: ")


def test_lint_advises_on_translations_too(folder: Path) -> None:
    file = write(folder, "ours.es.yaml", SPANISH.replace("A year.", "Un año."))
    advice = lint_agreement(folder / "ours.en.yaml").advice
    assert [line for line in advice if line.startswith(f"{file}:13: duration.days: the text")]


def test_the_shipped_translation_is_whole_and_spanish() -> None:
    result = lint_agreement(DEFAULT_AGREEMENT)
    assert result.advice == ()
    (spanish,) = result.texts.translations
    assert spanish.language == "es"
    english, translated = result.agreement, spanish.agreement
    for part in ("title", "purpose", "summary", "crisis", "privacy"):
        assert getattr(english, part) != getattr(translated, part)
    pairs = zip(english.consequences, translated.consequences, strict=True)
    assert all(one.text != other.text for one, other in pairs)
    # Numbers to call, names and days are the same in both.
    said = [set(re.findall(r"\d[\d ]*\d", str(text))) for text in (english, translated)]
    assert said[0] == said[1]
