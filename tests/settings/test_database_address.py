"""Where the database is: from the file, or from the environment, and never with a secret shown."""

from pathlib import Path

import pytest

from bot.settings import Settings
from tests.settings.samples import CONFIG, refusal_of, swapped


def load(folder: Path, text: str) -> Settings:
    (folder / "pledge.yaml").write_text(text, encoding="utf-8")
    return Settings.load(folder / "pledge.yaml", {})


@pytest.mark.parametrize(
    ("written", "wrong", "right"),
    [
        ("database: 5", "found the number 5 where text", "sqlite:///path"),
        ("database:", "found nothing", "sqlite:///path"),
        ("database: mysql://host/x", "not the address of a database", "sqlite:///"),
        ("database: postgres://host/x", "begins with another word", "postgresql://"),
        ("database: postgresql+asyncpg://h/x", "another word", "postgresql://user"),
        ("database: sqlite://data.db", "not the address of a", "sqlite:///"),
        ("database: 'sqlite:///'", "names no file", "sqlite:///"),
        ("database: 'sqlite:///:memory:'", "not the plain path", "sqlite:///data"),
        ("database: sqlite:///~/pledge.db", "not the plain path", "sqlite:////"),
        ("database: postgresql://u:hunter2@h/x", "a password", "PLEDGE_DATABASE"),
        ("database: postgresql://u@h/x?password=hunter2", "a password", "~/.pgpass"),
        ("database: postgresql://u:hunter2/x@h/x", "taken apart", "%2F"),
        ("database: postgresql://u:1/hunter2@h/x", "taken apart", "%2F"),
        ("database: postgresql://u@h", "names no database", "postgresql://user"),
    ],
)
def test_load_refuses_when_the_file_has_no_usable_address(
    folder: Path, written: str, wrong: str, right: str
) -> None:
    (message,) = refusal_of(lambda: load(folder, swapped(CONFIG, 1, written)))
    assert message.startswith(f"{folder}/pledge.yaml:1: database: ")
    found_wrong, _, found_right = message.partition("; ")
    assert wrong in found_wrong
    assert right in found_right
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("sqlite:///pledge.db", "sqlite:///{folder}/pledge.db"),
        ("sqlite:///../x/pledge.db", "sqlite:///{parent}/x/pledge.db"),
        ("sqlite:////srv/pledge.db", "sqlite:////srv/pledge.db"),
        ("postgresql://pledge@host:5433/name", "postgresql://pledge@host:5433/name"),
        ("postgresql:///name?host=/run/pg", "postgresql:///name?host=/run/pg"),
    ],
)
def test_load_finds_the_database_from_the_folder_of_the_file(
    folder: Path, written: str, expected: str
) -> None:
    text = swapped(CONFIG, 1, f"database: {written}")
    url = expected.format(folder=folder, parent=folder.parent)
    assert load(folder, text).database_url == url


def test_load_finds_files_when_the_path_is_relative(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    settings = Settings.load(Path(folder.name, "pledge.yaml"), {})
    assert settings.database_url == f"sqlite:///{folder}/data/pledge.db"
    assert settings.groups[0].agreement_path == Path(folder.name, "agreement.yaml")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("sqlite:///here.db", "sqlite:///{cwd}/here.db"),
        ("sqlite:////srv/there.db", "sqlite:////srv/there.db"),
        ("postgresql://u:hunter2@h/x", "postgresql://u:hunter2@h/x"),
    ],
)
def test_load_prefers_the_environment_for_the_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch, written: str, expected: str
) -> None:
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    settings = Settings.load(folder / "pledge.yaml", {"PLEDGE_DATABASE": written})
    assert settings.database_url == expected.format(cwd=folder / "elsewhere")
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("", "it is set but empty; set it to the address of the database, or unset it"),
        ("mysql://u:hunter2@h/x", "this is not the address of a database Pledge can use"),
        ("postgresql://u:hunter2@h:port/x", "the address cannot be taken apart"),
        ("postgresql://u:hun#ter2@h/x", "the address cannot be taken apart"),
        ("postgresql://u:hunter2@h/", "the address names no database"),
        ("postgresql://u:hun ter2@h/x", "the address is empty or has blanks in it"),
    ],
)
def test_load_refuses_when_the_environment_has_no_usable_database(
    folder: Path, written: str, hint: str
) -> None:
    environ = {"PLEDGE_DATABASE": written}
    (message,) = refusal_of(lambda: Settings.load(folder / "pledge.yaml", environ))
    assert message.startswith(f"PLEDGE_DATABASE: {hint}")
    assert "ter2" not in message
