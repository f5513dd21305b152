"""Key and token that lie where others find them are told of, with what mends it."""

from pathlib import Path

import pytest

from bot.keeping import warnings


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "data").mkdir()
    return make(tmp_path / "secrets" / "key")


def make(path: Path, mode: int = 0o600) -> Path:
    path.write_text("x")
    path.chmod(mode)
    return path


def test_nothing_is_said_when_all_is_as_it_should_be(key: Path, tmp_path: Path) -> None:
    token = make(key.with_name("token"))
    environ = {"PLEDGE_KEY_FILE": str(key), "DISCORD_TOKEN_FILE": str(token)}
    backup = tmp_path / "backups" / "a.backup"
    assert list(warnings(environ, tmp_path / "data" / "pledge.db", backup)) == []
    assert list(warnings({}, None)) == []
    # What cannot be read is refused elsewhere, with its reason.
    assert list(warnings({"PLEDGE_KEY_FILE": str(tmp_path / "nowhere")}, None)) == []


@pytest.mark.parametrize("name", ["PLEDGE_KEY_FILE", "DISCORD_TOKEN_FILE"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_file_that_others_can_read_is_named_with_the_command_that_closes_it(
    key: Path, name: str, mode: int
) -> None:
    key.chmod(mode)
    (warning,) = warnings({name: f" {key}\n"}, None)
    assert name in warning
    assert warning.endswith(f"chmod 600 {key}")
    key.chmod(0o600)
    assert list(warnings({name: str(key)}, None)) == []


def test_credentials_of_the_service_are_its_own(key: Path) -> None:
    key.chmod(0o440)
    environ = {"PLEDGE_KEY_FILE": str(key), "CREDENTIALS_DIRECTORY": str(key.parent)}
    assert list(warnings(environ, None)) == []


@pytest.mark.parametrize("folder", ["data", "data/secrets"])
def test_key_beside_the_database_is_named(key: Path, tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    beside = key.rename(tmp_path / folder / "key")
    (warning,) = warnings({"PLEDGE_KEY_FILE": str(beside)}, tmp_path / "data" / "pledge.db")
    assert f"beside the database, in {tmp_path / folder}:" in warning
    assert "Move the key" in warning


def test_key_that_only_has_its_name_in_another_folder_lies_where_it_lies(
    key: Path, tmp_path: Path
) -> None:
    beside = make(tmp_path / "data" / "key")
    key.unlink()
    key.symlink_to(beside)
    (warning,) = warnings({"PLEDGE_KEY_FILE": str(key)}, tmp_path / "data" / "pledge.db")
    assert "beside the database" in warning


def test_key_beside_backups_is_named(key: Path, tmp_path: Path) -> None:
    environ = {"PLEDGE_KEY_FILE": str(key)}
    (warning,) = warnings(environ, None, key.with_name("pledge-2026-03-01.backup"))
    assert f"beside backups, or below them, in {key.parent}:" in warning
    make(key.with_name("pledge-2026-02-01.backup"))
    (warning,) = warnings(environ, tmp_path / "data" / "pledge.db")
    assert "beside backups" in warning


def test_token_may_lie_anywhere_that_is_closed(tmp_path: Path) -> None:
    token = make(tmp_path / "token")
    environ = {"DISCORD_TOKEN_FILE": str(token)}
    assert list(warnings(environ, tmp_path / "pledge.db", tmp_path / "a.backup")) == []


def test_file_that_another_account_keeps_to_itself_is_none_of_our_business(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_file", refuse)
    assert list(warnings({"PLEDGE_KEY_FILE": str(key)}, None)) == []
