"""A receipt is valid as it was issued, and never after anybody has changed anything in it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import receipt_file
from bot.domain.ledger import GENESIS, Head
from bot.domain.receipt_file import LONGEST, ReceiptFileError, read, write
from bot.domain.receipts import Doubt, Outcome, Receipt, judge
from tests.receipts import head_of, make_receipt

RECEIPT = make_receipt()
HEAD = head_of(RECEIPT)
FILE = write(RECEIPT)
IN_FORCE = make_receipt(
    in_force=True, ended_at=None, ended_after=None, reason=None, shown=None, signed_after=None
)
BEYOND_THE_LEDGER = {"issued_at", "group.name", "state.in_force"}
"""What no entry can vouch for, so that only accidents are found in it."""


def outcome(file: bytes, head: Head | None = HEAD) -> Outcome:
    try:
        return judge(read(file), head).outcome
    except ReceiptFileError as error:
        return Outcome.UNKNOWN if error.doubt is Doubt.NO_RECEIPT else Outcome.ALTERED


@pytest.mark.parametrize("receipt", [RECEIPT, IN_FORCE])
def test_receipt_is_valid_with_the_head_it_was_made_with(receipt: Receipt) -> None:
    assert read(write(receipt)) == receipt
    assert judge(receipt, head_of(receipt)).outcome is Outcome.VALID
    assert b'"format": "pledge-receipt/1"' in write(receipt)
    assert write(receipt).startswith(receipt_file.BEGINS)


def test_without_a_head_nobody_can_tell() -> None:
    judgement = judge(RECEIPT, None)
    assert (judgement.outcome, judgement.doubts) == (Outcome.UNKNOWN, (Doubt.NO_HEAD,))


@given(st.integers(1, 10**12), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_with_another_head_nobody_can_tell(position: int, digits: str) -> None:
    for head in (
        Head(position=position, hash=digits),
        Head(position=HEAD.position, hash=digits),
        Head(position=HEAD.position + position, hash=HEAD.hash),
    ):
        assert judge(RECEIPT, head).doubts == (Doubt.OTHER_HEAD,)
        assert judge(RECEIPT, head).outcome is Outcome.UNKNOWN


def test_receipt_that_no_head_covers_yet_is_checked_as_far_as_it_goes() -> None:
    def bare(receipt: Receipt) -> Receipt:
        witnesses = {
            name: replace(getattr(receipt, name), way=None)
            for name in ("published", "signed", "ended")
        }
        return replace(receipt, head=None, **witnesses)

    judgement = judge(read(write(bare(RECEIPT))), HEAD)
    assert (judgement.outcome, judgement.doubts) == (Outcome.UNKNOWN, (Doubt.NOT_COVERED,))
    assert judge(bare(replace(RECEIPT, text="{}")), HEAD).outcome is Outcome.ALTERED
    assert judge(bare(replace(RECEIPT, member_id=1)), HEAD).outcome is Outcome.ALTERED
    with_ways = replace(RECEIPT, head=None)
    assert judge(with_ways, HEAD).outcome is Outcome.ALTERED


def test_receipt_without_the_publishing_cannot_be_valid() -> None:
    judgement = judge(replace(RECEIPT, published=None), HEAD)
    assert (judgement.outcome, judgement.doubts) == (Outcome.UNKNOWN, (Doubt.NO_PUBLICATION,))


# Changing the file -------------------------------------------------------------------------------


@given(st.integers(0, len(FILE) - 1), st.integers(0, 255))
def test_no_byte_can_be_changed_unseen(where: int, byte: int) -> None:
    changed = FILE[:where] + bytes([byte]) + FILE[where + 1 :]
    try:
        is_same = json.loads(changed) == json.loads(FILE)
    except ValueError:
        is_same = False
    assert (outcome(changed) is Outcome.VALID) is is_same


def leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to everything in a file that is neither an object nor a list."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from leaves(inner, (*way, key))
    else:
        yield way


LEAVES = [way for way in leaves(json.loads(FILE)) if way != ("checksum",)]


def forged(way: tuple[Any, ...], value: Any) -> bytes:
    """The file with one thing changed by somebody who knows how the checksum is made."""
    data = json.loads(FILE)
    inner = data
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    data["checksum"] = receipt_file._checksum(data)
    return json.dumps(data, indent=2, ensure_ascii=False).encode()


def others(value: Any) -> list[Any]:
    """Values that could stand in the place of this one."""
    if isinstance(value, bool):
        return [not value, None]
    if isinstance(value, int):
        return [value + 1, str(value), True, None]
    if value is None:
        return ["1", "a", "2026-03-01T12:00:00.000000Z"]
    if not value:
        return ["a"]
    last = "1" if value[-1] == "0" else "0"
    near = value[:-1] + last
    earlier = value.replace("2026", "2025")
    return [near, value + "0", value[:-1], None, 1, *([earlier] if earlier != value else [])]


def test_no_field_can_be_forged_even_with_a_new_checksum() -> None:
    assert len(LEAVES) > 90
    passed: set[str] = set()
    for way in LEAVES:
        value: Any = json.loads(FILE)
        for key in way:
            value = value[key]
        for other in others(value):
            if outcome(forged(way, other)) is Outcome.VALID:
                passed.add(".".join(map(str, way)))
    # Nothing that is signed is among these; `verify` says that nobody vouches for them.
    assert passed <= BEYOND_THE_LEDGER


@given(st.sampled_from(LEAVES), st.none() | st.booleans() | st.integers() | st.text())
def test_nothing_else_can_stand_in_a_field(way: tuple[Any, ...], value: Any) -> None:
    data = json.loads(FILE)
    same: Any = data
    for key in way:
        same = same[key]
    if ".".join(map(str, way)) not in BEYOND_THE_LEDGER and (value, type(value)) != (
        same,
        type(same),
    ):
        assert outcome(forged(way, value)) is not Outcome.VALID


def test_end_cannot_be_taken_out_or_put_in() -> None:
    undone = replace(RECEIPT, ended=None)
    assert judge(undone, HEAD).outcome is Outcome.ALTERED
    alive = replace(RECEIPT, in_force=True)
    assert judge(alive, HEAD).outcome is Outcome.ALTERED
    dead = replace(IN_FORCE, in_force=False, reason="withdrawn", ended_at=RECEIPT.ended_at)
    assert judge(dead, head_of(IN_FORCE)).outcome is Outcome.ALTERED
    of_another = replace(RECEIPT, ended=replace(RECEIPT.signed))
    assert judge(of_another, HEAD).outcome is Outcome.ALTERED


def test_entry_of_another_ledger_is_not_taken() -> None:
    other = make_receipt(member_id=77)
    mixed = replace(RECEIPT, member_id=77, signed=other.signed, ended=other.ended)
    assert Doubt.WAY in judge(mixed, HEAD).doubts
    whole = judge(other, HEAD)
    assert (whole.outcome, whole.doubts) == (Outcome.UNKNOWN, (Doubt.OTHER_HEAD,))


def test_entry_that_only_looks_like_a_checkpoint_is_not_taken() -> None:
    assert RECEIPT.signed.way is not None
    fake = replace(RECEIPT.signed.way, checkpoint=RECEIPT.signed.link)
    mixed = replace(RECEIPT, signed=replace(RECEIPT.signed, way=fake))
    assert judge(mixed, HEAD).doubts == (Doubt.WAY,)
    assert judge(replace(RECEIPT, head=RECEIPT.signed.link), HEAD).outcome is Outcome.ALTERED


# Hostile files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "doubt"),
    [
        (b"", Doubt.NO_RECEIPT),
        (b"\xff\xfe\x00", Doubt.NO_RECEIPT),
        (b"[" * 100_000, Doubt.NO_RECEIPT),
        (b'{"format":"pledge-receipt/1","a":' + b"[" * 100_000, Doubt.FORM),
        (b"null", Doubt.NO_RECEIPT),
        (b"[]", Doubt.NO_RECEIPT),
        (b"9" * 10_000, Doubt.NO_RECEIPT),
        (b'{"format": 1}', Doubt.NO_RECEIPT),
        (b'{"format": "pledge-receipt/2"}', Doubt.FORM),
        (b'{"format": "pledge-receipt/1"}', Doubt.FORM),
        (b'{"format": "pledge-receipt/1", "issued_at": "9999-99-99"}', Doubt.FORM),
        (FILE[:-200], Doubt.FORM),
        (FILE.replace(b'"state": {', b'"state": {"in_force": true, ', 1), Doubt.FORM),
        (FILE.replace(b'"position": 4', b'"position": 4.0', 1), Doubt.FORM),
        (FILE.replace(b'"position": 4', b'"position": NaN', 1), Doubt.FORM),
        (FILE + b" " * LONGEST, Doubt.NO_RECEIPT),
    ],
)
def test_hostile_file_is_refused_without_a_fuss(file: bytes, doubt: Doubt) -> None:
    with pytest.raises(ReceiptFileError) as refusal:
        read(file)
    assert refusal.value.doubt is doubt


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_the_same_way(content: bytes) -> None:
    for file in (content, b'{"format": "pledge-receipt/1",' + content):
        with pytest.raises(ReceiptFileError):
            read(file)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["group", "agreement", "shown", "member", "state", "ledger", "issued_at"]),
)
def test_wrong_types_are_refused_in_the_same_way(value: Any, key: str) -> None:
    data = json.loads(FILE)
    if value != data[key]:
        file = json.dumps({**data, key: value}).encode()
        assert outcome(file) is not Outcome.VALID


def test_first_entry_of_a_ledger_follows_nothing() -> None:
    link = RECEIPT.signed.link
    assert link.holds()
    assert not replace(link, previous=GENESIS).holds()
