"""The printed list of a group, from nobody to hundreds, with whatever people call themselves."""

import re
from typing import Any

import pytest

from bot.documents.roster import Entry, Publisher, Roster, print_roster
from bot.domain.agreements import Method, Standing
from tests.factories import FACILITATOR, NOW

PUBLISHER = Publisher(number=2, account_id=FACILITATOR, sha256="ab" * 32, published_at=NOW)


def make_entry(number: int = 1, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "account_id": 800_000_000_000_000_000 + number,
        "name": None,
        "standing": Standing.SIGNED,
        "version_number": 2,
        "method": Method.REACTION,
        "attested_by": None,
        "signed_at": NOW,
        "signed_after": None,
        "valid_until": None,
        "receipt_number": "ABCD-EFGH-JKLM",
    }
    return Entry(**{**values, **changes})


def make_roster(*entries: Entry, publishers: tuple[Publisher, ...] = (PUBLISHER,)) -> Roster:
    return Roster(group="Harbour Light", made_at=NOW, publishers=publishers, entries=entries)


def pages_of(pdf: bytes) -> int:
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    return len(re.findall(rb"/Type /Page\n", pdf))


@pytest.mark.parametrize("language", ["en", "es"])
def test_nobody_is_one_page_that_says_so(language: str) -> None:
    assert pages_of(print_roster(make_roster(), language)) == 1
    assert pages_of(print_roster(make_roster(publishers=()), language)) == 1


@pytest.mark.parametrize("standing", list(Standing))
def test_everybody_is_printed_wherever_they_stand(standing: Standing) -> None:
    signed = make_entry(1, standing=standing, valid_until=NOW)
    between = make_entry(2, standing=standing, signed_after=NOW)
    attested = make_entry(3, standing=standing, method=Method.ATTESTED, attested_by=FACILITATOR)
    unsigned = make_entry(
        4, standing=standing, version_number=None, method=None, signed_at=None, receipt_number=None
    )
    assert pages_of(print_roster(make_roster(signed, between, attested, unsigned), "en")) == 1


@pytest.mark.parametrize(
    "name",
    ["=1+1", "שלום", "李小龙", "<b>bold</b>", "**bold** @everyone", "W" * 80, "{nb}", "👪🏽"],
)
def test_whatever_somebody_calls_themselves_is_printed(name: str) -> None:
    assert pages_of(print_roster(make_roster(make_entry(name=name)), "en")) == 1


def test_hundreds_of_people_take_the_pages_they_need() -> None:
    entries = (make_entry(number, name=f"test-member-{number}") for number in range(300))
    assert 8 <= pages_of(print_roster(make_roster(*entries), "en")) <= 20
