"""`pledge receipt verify` for a stranger: no configuration, no key, no database."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import receipt_files
from bot.__main__ import app
from bot.documents.receipt import print_receipt
from bot.domain.ledger import Head
from bot.domain.receipt_file import write
from bot.domain.receipts import Doubt
from tests.receipts import head_of, make_receipt

RECEIPT = make_receipt()
FILE = write(RECEIPT)
HEAD = str(head_of(RECEIPT))
OTHER = str(Head(position=7, hash="a" * 64))


@pytest.fixture(autouse=True)
def stranger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody who has nothing of Pledge's."""
    for name in list(os.environ):
        if name.startswith(("PLEDGE_", "DISCORD_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def verify(content: bytes, *options: str, name: str = "receipt.json") -> tuple[int, list[str]]:
    Path(name).write_bytes(content)
    result = CliRunner().invoke(app, ["receipt", "verify", name, *options])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr == ""
    return result.exit_code, result.stdout.splitlines()


def test_valid_receipt_is_described(tmp_path: Path) -> None:
    code, (answer, *lines) = verify(FILE, "--head", HEAD)
    assert (code, answer) == (0, "valid")
    said = "\n".join(lines)
    for word in (RECEIPT.receipt_number, RECEIPT.sha256, str(RECEIPT.member_id), "withdrawn"):
        assert word in said
    assert "not vouch for the name of the group" in said
    assert [path.name for path in tmp_path.iterdir()] == ["receipt.json"]


def test_altered_text_is_altered() -> None:
    code, (answer, *lines) = verify(FILE.replace(b"I promise.", b"I promise!"), "--head", HEAD)
    assert (code, answer) == (1, "altered")
    assert lines == [receipt_files.WORDS[Doubt.CHECKSUM]]
    # Also when whoever did it knows how receipts are written.
    forged = write(replace(RECEIPT, text=RECEIPT.text.replace("promise", "deny")))
    code, (answer, *lines) = verify(forged, "--head", HEAD)
    assert (code, answer, lines) == (1, "altered", [receipt_files.WORDS[Doubt.TEXT]])


def test_without_a_head_the_one_to_look_for_is_named() -> None:
    code, (answer, why, head, *_) = verify(FILE)
    assert (code, answer, head) == (1, "unknown", HEAD)
    assert "moderators' channel" in why
    assert "--head" in why


def test_foreign_head_is_unknown() -> None:
    code, (answer, _, head, *_) = verify(FILE, "--head", OTHER)
    assert (code, answer, head) == (1, "unknown", HEAD)


def test_printed_page_can_be_given_as_it_was_sent() -> None:
    page = print_receipt(FILE, "en")
    code, (answer, *lines) = verify(page, "--head", HEAD, name="receipt.pdf")
    assert (code, answer) == (0, "valid")
    assert "the printed words were not compared" in lines[-1]
    changed = page.replace(b"I promise.", b"I promise!")
    assert changed != page
    assert verify(changed, "--head", HEAD)[1][0] == "altered"
    twice = page + FILE
    assert verify(twice, "--head", HEAD)[1] == ["unknown", receipt_files.PACKED]
    assert verify(b"%PDF-1.7\n", "--head", HEAD)[1] == ["unknown", receipt_files.PACKED]


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 100, b"[" * 200_000, b"{}", b"9" * 30_000_000, b"no receipt"]
)
def test_hostile_file_gets_one_clear_message(content: bytes) -> None:
    code, lines = verify(content, "--head", HEAD)
    assert (code, lines) == (1, ["unknown", receipt_files.WORDS[Doubt.NO_RECEIPT]])


def test_name_of_a_group_cannot_steer_a_terminal() -> None:
    evil = write(replace(RECEIPT, group_name="\x1b[2J[red]Harbour\u202e Light"))
    code, lines = verify(evil, "--head", HEAD)
    assert code == 0
    assert "\x1b" not in "".join(lines)
    assert "\u202e" not in "".join(lines)
    assert any("[red]Harbour Light" in line for line in lines)


def test_file_that_is_not_there_is_a_refusal() -> None:
    result = CliRunner().invoke(app, ["receipt", "verify", "nowhere.json"])
    assert result.exit_code == 1
    assert "nowhere.json cannot be read" in str(result.exception)
    folder = CliRunner().invoke(app, ["receipt", "verify", "."])
    assert folder.exit_code == 1


def test_malformed_head_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["receipt", "verify", "x", "--head", "12"])
    assert result.exit_code == 2
    assert "--head" in result.stderr


def test_every_doubt_has_a_sentence() -> None:
    assert set(receipt_files.WORDS) == set(Doubt)
    assert all(words[-1] in ".:" for words in receipt_files.WORDS.values())


def test_checksum_alone_does_not_make_a_receipt() -> None:
    data = json.loads(FILE)
    del data["ledger"]
    assert verify(json.dumps(data).encode(), "--head", HEAD)[1][0] == "altered"
