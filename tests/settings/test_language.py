"""The language of a group in the settings."""

from pathlib import Path

import pytest

from bot.domain.errors import ConfigurationError
from bot.settings import Settings
from tests.settings.samples import AGREEMENT, CONFIG


def written(folder: Path, language: str | None) -> Path:
    lines = CONFIG.splitlines()
    if language is not None:
        at = next(n for n, line in enumerate(lines) if line.startswith("    enforcement:"))
        lines.insert(at, f"    language: {language}")
    (folder / "agreement.yaml").write_text(AGREEMENT, encoding="utf-8")
    path = folder / "pledge.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("language", "locale"),
    [
        (None, None),
        ("null", None),
        ("es", "es"),
        ("es-419", "es-419"),
        ("pt-br", "pt-BR"),
        ("'no'", "no"),
    ],
)
def test_language_of_a_group(tmp_path: Path, language: str | None, locale: str | None) -> None:
    assert Settings.load(written(tmp_path, language), {}).groups[0].language == locale


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("spanish", "Discord knows no language spanish"),
        ("es_ES", "write one such as es-ES"),
        ("no", "found"),
        ("[es]", "found"),
        ("''", "this is empty"),
    ],
)
def test_language_nobody_knows_is_refused(tmp_path: Path, language: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Settings.load(written(tmp_path, language), {})
    assert "groups.harbour-light.language: " in str(refusal.value)
    assert reason in str(refusal.value)
