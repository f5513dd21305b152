"""What comes from outside as bytes, and what may come of it: anything else is a fault."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.documents import evidence
from bot.domain import receipt_file
from bot.domain.disclosure import find_risks
from bot.domain.ledger import Head
from bot.domain.paragraphs import split_text
from bot.effects.plain import plain_lines, plain_words, visible_name
from bot.settings import Settings, load_agreement
from cogs._reporting import read_day
from cogs._ui import plain_name
from tests.documents.test_evidence import picture
from tests.factories import NOW
from tests.receipts import make_receipt
from tests.settings.samples import AGREEMENT, CONFIG
from tests.settings.test_fuzz import refused_or_loaded

MESSAGE = 2_000
"""Characters that fit into a message of Discord."""


@dataclass(frozen=True, slots=True)
class Target:
    """One way in: `feed` takes whatever comes; `seeds` are inputs that are in order."""

    feed: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _receipt(content: bytes) -> None:
    _read_receipt(content)
    try:
        data = json.loads(content)
        made = {**data, "checksum": receipt_file._checksum(data)}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return
    # What lies behind the checksum is open to whoever makes one that fits.
    _read_receipt(json.dumps(made).encode())


def _read_receipt(content: bytes) -> None:
    try:
        receipt = receipt_file.read(content)
    except receipt_file.ReceiptFileError:
        return
    assert receipt_file.read(receipt_file.write(receipt)) == receipt


def _evidence(content: bytes) -> None:
    try:
        media_type, kept = evidence.split(evidence.cleaned(content))
    except evidence.RefusedError:
        return
    assert media_type in evidence.ENDINGS
    assert kept


def _words(content: bytes) -> None:
    try:
        # Half a sign can come in JSON, though no encoding has it.
        text = content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
    for shown in (plain_words(text), plain_lines(text), plain_name(text)):
        shown.encode("utf-8", "replace")
        assert "@everyone" not in shown
        assert "@here" not in shown
        bare = shown.replace("\\\\", "")
        for sign in ("<", "`", "*", "_", "|", "~"):
            assert all(before == "\\" for before in _before(bare, sign)), (shown, sign)
        assert all(before == "\\" for before in _before(bare, "://"))
        assert not any(unicodedata.category(one) == "Cc" for one in shown if one != "\n")
        assert not any("\u202a" <= one <= "\u202e" for one in shown)
    assert visible_name(text, 32)
    assert all(len(page) <= MESSAGE for page in split_text(plain_lines(text)))
    find_risks(text, ["Somebody else wrote these words."])
    Head.find(text)
    read_day(text, NOW)


def _before(text: str, part: str) -> list[str]:
    """The sign before each place where something stands."""
    places = [at for at in range(len(text)) if text.startswith(part, at)]
    return [text[at - 1] if at else "" for at in places]


def _load_settings(path: Path) -> Settings:
    return Settings.load(path, {})


TARGETS = {
    "agreement": Target(partial(refused_or_loaded, load_agreement), (AGREEMENT.encode(),)),
    "config": Target(partial(refused_or_loaded, _load_settings), (CONFIG.encode(),)),
    "receipt": Target(_receipt, (receipt_file.write(make_receipt()),)),
    "evidence": Target(
        _evidence, (*map(picture, ("PNG", "GIF", "JPEG", "WEBP")), b"%PDF-1.7\n", b"words")
    ),
    "words": Target(_words, (b"**bold** <@1> @everyone https://example.org/_a_", "é ✅".encode())),
}
