"""The printed receipt: what is on the page, what it keeps to itself, what it cannot lose."""

import re
import zlib
from dataclasses import replace

import pytest

from bot.documents.paper import is_printable, readable
from bot.documents.receipt import print_receipt
from bot.domain.receipt_file import write
from bot.domain.receipts import Receipt
from tests.factories import make_agreement
from tests.receipts import make_receipt

RECEIPT = make_receipt()


def streams(page: bytes) -> list[bytes]:
    """What is packed in a PDF."""
    found: list[bytes] = []
    for match in re.finditer(rb"stream\n(.*?)\nendstream", page, re.DOTALL):
        try:
            found.append(zlib.decompress(match[1]))
        except zlib.error:
            found.append(match[1])
    return found


def pages(page: bytes) -> int:
    return len(re.findall(rb"/Type /Page\n", page))


def test_page_holds_the_file_as_it_is_and_tells_nothing_about_itself() -> None:
    file = write(RECEIPT)
    page = print_receipt(file, "en")
    assert page.startswith(b"%PDF")
    assert page.count(file) == 1
    told = b"".join(re.findall(rb"/(?:Title|Author|Subject|Keywords|Creator|Producer) .*", page))
    assert b"Pledge" in told
    assert b"Receipt" in told
    for secret in (RECEIPT.member_id, RECEIPT.facilitator_id, RECEIPT.server_id):
        assert str(secret).encode() not in told
    assert b"Harbour" not in told
    assert RECEIPT.receipt_number.encode() not in told
    assert re.search(rb"/CreationDate \(D:20260303120005Z", page)


@pytest.mark.parametrize("language", ["en", "es", "xx"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"in_force": True, "reason": None, "ended_at": None, "ended_after": None},
        {"head": None, "published": None, "shown": None, "message_id": None},
        {"method": "attested", "attested_by": 5, "expires_at": None, "signed_after": None},
        {"text": "not an agreement", "group_name": "x" * 100, "receipt_number": "9" * 60},
        {"reason": "bored", "method": "dance"},
    ],
)
def test_every_kind_of_receipt_is_printed(changes: dict[str, object], language: str) -> None:
    receipt: Receipt = replace(RECEIPT, **changes)  # type: ignore[arg-type]
    assert pages(print_receipt(write(receipt), language)) >= 2


def test_long_agreement_goes_on_over_as_many_pages_as_it_needs() -> None:
    long = make_agreement(purpose="\n".join(["- **Stories:** what people tell." * 3] * 200))
    receipt = replace(RECEIPT, text=long.canonical())
    assert pages(print_receipt(write(receipt), "en")) >= 6


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("What is said ✅ ❌, Привет, Ελληνικά, שלום, سلام", None),
        ("don’t “quote” – é ñ ß ł ő …", None),
        ("中文 and 👍", "[U+4E2D][U+6587] and [U+1F44D]"),
        ("❤\ufe0f", "❤"),
        ("a\u202eb\u2066c\x07d", "a[U+202E]b[U+2066]c[U+0007]d"),
        ("a\tb", "a    b"),
    ],
)
def test_every_sign_is_drawn_or_stands_as_its_code(text: str, shown: str | None) -> None:
    assert readable(text) == (text if shown is None else shown)
    assert is_printable(text) is (shown is None or shown == "❤")


@pytest.mark.parametrize(
    "text",
    [
        "שלום לכולם, 12 אנשים.\n- מה שנאמר כאן נשאר כאן",
        "ما يقال هنا يبقى هنا **دائما**",
        "中文" * 400,
        "x" * 3_000,
        "**" * 50,
        "** not bold ** [a](b) --c-- __d__ {page}",
        "e\u0301" * 40,
    ],
)
def test_any_script_and_any_marks_are_printed(text: str) -> None:
    agreement = make_agreement(purpose=text, title=text[:200])
    receipt = replace(RECEIPT, text=agreement.canonical(), group_name=text[:80])
    assert pages(print_receipt(write(receipt), "en")) >= 2
