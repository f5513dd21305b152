"""The command line: what it prints, what it refuses and how it ends."""

import asyncio
import base64
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.__main__ import main
from bot.settings import encryption_key
from bot.storage import versions
from bot.storage.database import Database
from tests.factories import KEY, KEYS

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "pledge.example.yaml"
AGREEMENT = ROOT / "config" / "agreements" / "default.en.yaml"
TOKEN = "hunter2.hunter2.hunter2"
OTHER_KEY = base64.urlsafe_b64encode(b"another key for tests, 32 bytes!").decode()
PARTS = ("purpose", "scope", "consequences", "duration", "signatures")
VARIABLES = ("DISCORD_TOKEN", "PLEDGE_KEY", "PLEDGE_CONFIG", "PLEDGE_DATABASE")


class Result(NamedTuple):
    """How a command ended, and what it wrote where."""

    code: int
    out: str
    err: str


Pledge = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return tmp_path


@pytest.fixture
def pledge(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Pledge]:
    """Types a command in that folder; environment variables are given by name."""

    def type_in(*arguments: str, **environ: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["pledge", *arguments])
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        for secret in (TOKEN, KEY, OTHER_KEY):
            assert secret not in captured.out + captured.err
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, captured.out, captured.err)

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield type_in
    # `run` configures the log of the whole process.
    root.handlers[:] = handlers
    root.setLevel(level)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def ask_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m bot` as a person would, from the checkout and without any setting."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PLEDGE_", "DISCORD_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        check=False,
        text=True,
    )


# What it is --------------------------------------------------------------------------------------


def test_version_is_that_of_the_package(pledge: Pledge) -> None:
    assert pledge("--version") == (0, f"pledge {metadata.version('pledge')}\n", "")


# keygen ------------------------------------------------------------------------------------------


def test_keygen_prints_a_key_alone_when_run_as_a_module() -> None:
    result = ask_python("keygen")
    assert (result.returncode, result.stderr) == (0, "")
    key = result.stdout.removesuffix("\n")
    assert encryption_key({"PLEDGE_KEY": key}) == key


def test_keygen_never_prints_the_same_key_twice(pledge: Pledge) -> None:
    keys = {pledge("keygen").out for _ in range(20)}
    assert len(keys) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}=\n", key) for key in keys)


# agreement lint ----------------------------------------------------------------------------------


def test_lint_finds_nothing_in_the_agreement_that_comes_with_pledge(pledge: Pledge) -> None:
    result = pledge("agreement", "lint", str(AGREEMENT))
    assert (result.code, result.err) == (0, "")
    assert f"{AGREEMENT}: all five parts are there" in result.out
    assert re.search(r"SHA-256 [0-9a-f]{64}\n", result.out)


@pytest.mark.parametrize("part", PARTS)
def test_lint_names_the_part_the_file_and_the_line_when_one_is_missing(
    pledge: Pledge, folder: Path, part: str
) -> None:
    file = folder / "ours.yaml"
    without, cut = re.subn(
        rf"^{part}:.*\n(?:(?:[ -].*)?\n)*", "", AGREEMENT.read_text(encoding="utf-8"), flags=re.M
    )
    assert cut == 1
    file.write_text(without, encoding="utf-8")
    result = pledge("agreement", "lint", str(file))
    assert (result.code, result.out) == (1, "")
    (line,) = result.err.splitlines()
    assert re.match(rf"{re.escape(str(file))}:\d+: {part}: ", line)


@pytest.mark.parametrize("raw", [None, b"", b"\xff\xfe\x00", b"a: [", b"- a list\n", b"just text"])
def test_lint_refuses_in_words_when_the_file_is_no_agreement(
    pledge: Pledge, folder: Path, raw: bytes | None
) -> None:
    file = folder / "ours.yaml"
    if raw is not None:
        file.write_bytes(raw)
    result = pledge("agreement", "lint", str(file))
    assert (result.code, result.out) == (1, "")
    assert str(file) in result.err


def changed(folder: Path, old: str, new: str) -> Path:
    """A copy of the default agreement, alone in its folder, with other words."""
    text = AGREEMENT.read_text(encoding="utf-8")
    assert old in text
    file = folder / "changed.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("It takes courage", "It needs courage", ["Changed parts: purpose.", "Suggested: `minor`"]),
        ("days: 365", "days: 180", ["Changed parts: duration.", "Suggested: `material`"]),
        ("key: legal", "key: law", ["Changed parts: consequences.", "Suggested: `material`"]),
        ("# Both are said", "# They are both said", ["No change: not a word differs."]),
    ],
)
def test_lint_judges_a_change_when_it_is_given_what_was_before(
    pledge: Pledge, folder: Path, old: str, new: str, said: list[str]
) -> None:
    file = changed(folder, old, new)
    result = pledge("agreement", "lint", str(file), "--against", str(AGREEMENT))
    assert (result.code, result.err) == (0, "")
    assert [line for line in said if line not in result.out] == []


def test_lint_names_the_translations_it_has_checked(pledge: Pledge) -> None:
    result = pledge("agreement", "lint", str(AGREEMENT))
    assert "Translation es: it has the same parts and steps." in result.out


@pytest.mark.parametrize("follows", [False, True])
def test_lint_names_the_parts_that_a_translation_did_not_follow(
    pledge: Pledge, folder: Path, follows: bool
) -> None:
    file = changed(folder, "It takes courage", "It needs courage")
    spanish = AGREEMENT.with_name("default.es.yaml").read_text(encoding="utf-8")
    if follows:
        spanish = re.sub(r"^(purpose: .*\n)", r"\1  De nuevo.\n", spanish, flags=re.M)
    (folder / "changed.es.yaml").write_text(spanish, encoding="utf-8")
    result = pledge("agreement", "lint", str(file), "--against", str(AGREEMENT))
    assert (result.code, result.err) == (0, "")
    told = "changed in the original and not in the translation es: purpose."
    assert (told in result.out.replace("\n", " ")) is not follows


def test_lint_refuses_when_a_translation_is_of_another_structure(
    pledge: Pledge, folder: Path
) -> None:
    file = changed(folder, "days: 365", "days: 180")
    translation = folder / "changed.es.yaml"
    translation.write_text(AGREEMENT.read_text(encoding="utf-8"), encoding="utf-8")
    result = pledge("agreement", "lint", str(file))
    assert (result.code, result.out) == (1, "")
    assert re.match(rf"{re.escape(str(translation))}:\d+: duration.days: ", result.err)


# check -------------------------------------------------------------------------------------------


def test_offline_check_of_the_example_needs_neither_token_nor_key(pledge: Pledge) -> None:
    result = pledge("check", "--offline", PLEDGE_CONFIG=str(EXAMPLE))
    assert (result.code, result.err) == (0, "")
    assert "harbour-light: Harbour Light, agreement" in result.out
    assert "`pledge check` asks Discord about the rest.\n" in result.out
    # Said before it is lost, not only where it lies badly.
    assert result.out.endswith("never beside the backups.\n")


def test_offline_check_says_where_the_key_is_kept_badly(pledge: Pledge, folder: Path) -> None:
    key = folder / "config" / "data" / "key"
    assert pledge("init").code == 0
    key.parent.mkdir()
    key.write_text(KEY, encoding="utf-8")
    key.chmod(0o644)
    result = pledge("check", "--offline", PLEDGE_KEY_FILE=str(key))
    assert result.code == 0
    assert f"chmod 600 {key}" in result.err
    assert "The key lies beside the database" in result.err


def test_check_says_how_to_begin_when_there_is_no_configuration(pledge: Pledge) -> None:
    result = pledge("check", "--offline")
    assert (result.code, result.out) == (1, "")
    assert "config/pledge.yaml" in result.err
    assert "`pledge init`" in result.err


def test_check_refuses_a_wrong_setting_in_one_line(pledge: Pledge, folder: Path) -> None:
    assert pledge("init").code == 0
    config = folder / "config" / "pledge.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("enforcement: revoke", "enforcement: maybe"), encoding="utf-8")
    result = pledge("check", "--offline")
    assert result.code == 1
    (line,) = result.err.splitlines()
    assert re.match(r".*config/pledge\.yaml:\d+: groups\.harbour-light\.enforcement: ", line)


def test_check_asks_for_the_token_when_it_is_to_go_online(pledge: Pledge) -> None:
    result = pledge("check", PLEDGE_CONFIG=str(EXAMPLE))
    assert result.code == 1
    assert "DISCORD_TOKEN" in result.err


# init --------------------------------------------------------------------------------------------


def test_init_writes_a_configuration_that_is_in_order(pledge: Pledge, folder: Path) -> None:
    result = pledge("init")
    assert (result.code, result.err) == (0, "")
    assert set(contents(folder)) == {
        "config/pledge.yaml",
        "config/agreements/default.en.yaml",
        "config/agreements/default.es.yaml",
    }
    assert pledge("check", "--offline").code == 0


def test_init_writes_where_the_environment_says(pledge: Pledge, folder: Path) -> None:
    config = folder / "elsewhere" / "ours.yaml"
    assert pledge("init", PLEDGE_CONFIG=str(config)).code == 0
    assert set(contents(folder)) == {
        "elsewhere/ours.yaml",
        "elsewhere/agreements/default.en.yaml",
        "elsewhere/agreements/default.es.yaml",
    }
    assert pledge("check", "--offline", PLEDGE_CONFIG=str(config)).code == 0


def test_init_changes_nothing_when_it_is_run_again(pledge: Pledge, folder: Path) -> None:
    assert pledge("init").code == 0
    before = contents(folder)
    result = pledge("init")
    assert (result.code, result.out) == (1, "")
    (message,) = result.err.splitlines()
    assert message.startswith("config/pledge.yaml is there already; nothing was written.")
    assert contents(folder) == before


def test_init_never_overwrites_an_agreement_of_the_group(pledge: Pledge, folder: Path) -> None:
    agreement = folder / "config" / "agreements" / "default.en.yaml"
    agreement.parent.mkdir(parents=True)
    agreement.write_text("# ours\n", encoding="utf-8")
    pledge("init")
    assert agreement.read_text(encoding="utf-8") == "# ours\n"
    assert set(contents(folder)) == {"config/pledge.yaml", "config/agreements/default.en.yaml"}


def test_init_refuses_in_words_when_the_folder_cannot_be_made(pledge: Pledge, folder: Path) -> None:
    (folder / "config").write_text("a file", encoding="utf-8")
    result = pledge("init")
    assert (result.code, result.out) == (1, "")
    assert "config" in result.err


# run ---------------------------------------------------------------------------------------------


def test_run_names_keygen_in_one_message_when_there_is_no_key(pledge: Pledge) -> None:
    result = pledge("run", PLEDGE_CONFIG=str(EXAMPLE), DISCORD_TOKEN=TOKEN)
    assert (result.code, result.out) == (1, "")
    (message,) = result.err.splitlines()
    assert message.startswith("PLEDGE_KEY: ")
    assert "`pledge keygen`" in message


def test_run_makes_no_database_when_there_is_no_token(pledge: Pledge, folder: Path) -> None:
    assert pledge("init").code == 0
    before = contents(folder)
    result = pledge("run", PLEDGE_KEY=KEY)
    assert (result.code, result.out) == (1, "")
    assert "DISCORD_TOKEN" in result.err
    assert contents(folder) == before


def test_run_leaves_the_database_alone_when_the_key_is_wrong(pledge: Pledge, folder: Path) -> None:
    async def make() -> None:
        database = await Database.open(f"sqlite:///{folder}/config/data/pledge.db", KEYS)
        async with database.write() as tx:
            await versions.put_mark(tx, "mark", "there")
        await database.close()

    assert pledge("init").code == 0
    asyncio.run(make())
    before = contents(folder)
    result = pledge("run", DISCORD_TOKEN=TOKEN, PLEDGE_KEY=OTHER_KEY)
    assert (result.code, result.out) == (1, "")
    (message,) = result.err.splitlines()
    assert "PLEDGE_KEY does not open this file" in message
    assert contents(folder) == before
    assert "config/data/pledge.db" in before


# Usage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["--verbose"],
        ["check", "--online"],
        ["keygen", "now"],
        ["agreement", "lint"],
        ["agreement", "polish"],
        ["demo", "--port", "a door"],
    ],
)
def test_wrong_usage_ends_with_2(pledge: Pledge, arguments: list[str]) -> None:
    result = pledge(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage: " in result.err


def test_help_names_every_command(pledge: Pledge) -> None:
    result = pledge("--help")
    assert result.code == 0
    for command in ("run", "demo", "check", "keygen", "init", "agreement"):
        assert re.search(rf"\b{command}\b", result.out)


def test_module_refuses_without_a_traceback_when_it_is_run_for_real() -> None:
    result = ask_python("run")
    assert (result.returncode, result.stdout) == (1, "")
    (message,) = result.stderr.splitlines()
    assert "config/pledge.yaml" in message
