"""The chain of entries: what it shows, what it keeps to itself, and what it forgives."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.agreements import Method, RevokeReason
from bot.domain.audit import Chain, Finding, Flaw
from bot.domain.ledger import (
    ENDINGS,
    GENESIS,
    NO_ENTRIES,
    Entry,
    Facts,
    Head,
    LedgerKind,
    agrees,
    canonical,
    commit,
    kind_of_ending,
    subject_of,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SALT = "5a" * 32

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)
instants = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
facts = st.dictionaries(text, st.none() | st.integers() | text | instants, max_size=5)


@st.composite
def contents(draw: st.DrawFn) -> Entry:
    """What an entry holds before it has a place in the chain."""
    salt, payload = draw(hexadecimal), canonical(draw(facts))
    erased = draw(st.booleans())
    return Entry(
        position=0,
        group_key=draw(st.none() | text),
        kind=draw(st.sampled_from(list(LedgerKind)) | text),
        recorded_at=draw(instants),
        subject=draw(st.none() | hexadecimal),
        commitment=commit(salt, payload),
        hash=GENESIS,
        salt=None if erased else salt,
        payload=None if erased else payload,
    )


def link(entries: list[Entry]) -> list[Entry]:
    """Give every entry its place and the hash it has there."""
    linked: list[Entry] = []
    for number, entry in enumerate(entries, start=1):
        placed = replace(entry, position=number)
        previous = linked[-1].hash if linked else GENESIS
        linked.append(replace(placed, hash=placed.hash_after(previous)))
    return linked


chains = st.lists(contents(), min_size=2, max_size=6).map(link)


def check(entries: list[Entry]) -> list[Finding]:
    chain = Chain()
    return [finding for entry in entries for finding in chain.check(entry)]


def make_chain(length: int = 5) -> list[Entry]:
    payload = canonical({"receipt_number": "A"})
    entry = Entry(
        position=0,
        group_key="harbour-light",
        kind=LedgerKind.SIGNED,
        recorded_at=NOW,
        subject="ab" * 32,
        commitment=commit(SALT, payload),
        hash=GENESIS,
        salt=SALT,
        payload=payload,
    )
    return link([entry] * length)


# The chain ---------------------------------------------------------------------------------------


@given(chains)
def test_untouched_chain_holds_whatever_it_says_and_whatever_was_erased(
    entries: list[Entry],
) -> None:
    chain = Chain()
    assert [finding for entry in entries for finding in chain.check(entry)] == []
    assert chain.head == Head(position=len(entries), hash=entries[-1].hash)


CHANGES = {
    "group_key": st.none() | text,
    "kind": text,
    "recorded_at": instants,
    "subject": st.none() | hexadecimal,
    "commitment": hexadecimal,
    "hash": hexadecimal,
    "salt": hexadecimal | text,
    "payload": text,
}


@given(chains, st.data(), st.sampled_from(sorted(CHANGES)))
def test_any_changed_column_is_found_at_its_entry(
    entries: list[Entry], data: st.DataObject, column: str
) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    value = data.draw(CHANGES[column].filter(lambda new: new != getattr(entries[index], column)))
    entries[index] = replace(entries[index], **{column: value})
    found = check(entries)
    assert found, column
    assert {finding.position for finding in found} == {index + 1}
    assert {finding.flaw for finding in found} <= {Flaw.CHANGED, Flaw.PAYLOAD}


@given(chains, st.data())
def test_missing_entries_are_named_and_the_others_still_hold(
    entries: list[Entry], data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, len(entries) - 1))
    last = data.draw(st.integers(first, len(entries) - 1))
    found = check(entries[: first - 1] + entries[last:])
    assert found == [Finding(flaw=Flaw.GAP, position=first, until=last)]


@given(chains, st.data())
def test_swapped_entries_are_found(entries: list[Entry], data: st.DataObject) -> None:
    one, other = sorted(
        data.draw(st.lists(st.integers(0, len(entries) - 1), min_size=2, max_size=2, unique=True))
    )
    swapped = entries.copy()
    swapped[one] = replace(entries[other], position=one + 1)
    swapped[other] = replace(entries[one], position=other + 1)
    found = check(swapped)
    assert {one + 1, other + 1} <= {finding.position for finding in found}


def test_entry_put_in_with_a_hash_of_its_own_breaks_what_follows() -> None:
    entries = make_chain()
    forged = replace(entries[2], kind="withdrawn")
    entries[2] = replace(forged, hash=forged.hash_after(entries[1].hash))
    assert check(entries) == [Finding(flaw=Flaw.CHANGED, position=4)]


def test_shortened_chain_holds_and_only_its_head_tells() -> None:
    entries = make_chain()
    chain = Chain()
    assert [finding for entry in entries[:3] for finding in chain.check(entry)] == []
    assert chain.head != Head(position=5, hash=entries[-1].hash)


def test_kind_of_a_newer_version_is_part_of_the_chain_like_any_other() -> None:
    entries = link([replace(entry, kind="case_opened") for entry in make_chain()])
    assert check(entries) == []
    entries[1] = replace(entries[1], kind="case_closed")
    assert check(entries) == [Finding(flaw=Flaw.CHANGED, position=2)]


# Commitments -------------------------------------------------------------------------------------


@given(facts, hexadecimal)
def test_erased_entry_keeps_its_place_and_its_hash(said: Facts, salt: str) -> None:
    payload = canonical(said)
    (entry, *_) = link([replace(make_chain()[0], salt=salt, payload=payload)] * 2)
    erased = replace(entry, salt=None, payload=None)
    assert erased.is_erased
    assert erased.hash_after(GENESIS) == entry.hash
    assert erased.keeps_its_word()


def test_word_is_not_kept_when_half_of_it_is_gone_or_moved() -> None:
    entry = make_chain()[0]
    assert entry.keeps_its_word()
    assert not replace(entry, salt=None).keeps_its_word()
    assert not replace(entry, payload=None).keeps_its_word()
    assert entry.payload is not None
    moved = replace(entry, salt=SALT + entry.payload[0], payload=entry.payload[1:])
    assert not moved.keeps_its_word()


def test_same_facts_have_another_commitment_under_another_salt() -> None:
    assert commit(SALT, "{}") != commit("00" * 32, "{}")


def test_person_has_another_name_under_another_key() -> None:
    names = {subject_of(key, member) for key in (b"a", b"b") for member in (1, 2)}
    assert len(names) == 4
    assert all(len(name) == 64 for name in names)


@given(facts)
def test_facts_are_written_in_one_way_only(said: Facts) -> None:
    backwards = dict(reversed(list(said.items())))
    assert canonical(said) == canonical(backwards)
    assert agrees(canonical(said), said) is bool(said)
    assert json.loads(canonical(said)).keys() == said.keys()


def test_instant_is_the_same_in_every_zone_and_keeps_its_microseconds() -> None:
    odd = NOW + timedelta(microseconds=1)
    elsewhere = odd.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert canonical({"at": elsewhere}) == '{"at":"2026-03-01T12:00:00.000001Z"}'


@pytest.mark.parametrize("payload", ["", "not json", "[]", "7", '{"other":1}', '{"a":2}'])
def test_payload_that_does_not_speak_of_the_record_does_not_agree(payload: str) -> None:
    assert not agrees(payload, {"a": 1})
    assert agrees('{"a":1}', {"a": 1})


def test_fact_that_only_one_side_knows_is_no_contradiction() -> None:
    assert agrees('{"a":1,"newer":2}', {"a": 1, "older": None})


# Kinds and heads ---------------------------------------------------------------------------------


def test_every_reason_ends_a_signature_under_a_kind_that_says_so() -> None:
    kinds = {reason: kind_of_ending(reason) for reason in RevokeReason}
    assert set(kinds.values()) == set(ENDINGS)
    assert kinds[RevokeReason.WITHDRAWN] is LedgerKind.WITHDRAWN
    assert kinds[RevokeReason.RENEWED] is LedgerKind.REVOKED
    assert canonical({"method": Method.BUTTON}) == '{"method":"button"}'


@given(st.integers(0, 10**18 - 1), hexadecimal)
def test_head_is_read_back_from_what_people_copy(position: int, entry_hash: str) -> None:
    head = Head(position=position, hash=entry_hash)
    assert Head.parse(f" {head}\n") == Head.parse(str(head).upper()) == head
    assert Head.find(f"The head is\n`{head}`, please keep it.") == head


@pytest.mark.parametrize(
    "text",
    ["", "12", "12:", f":{GENESIS}", f"-1:{GENESIS}", f"1:{GENESIS}0", f"1:{GENESIS[1:]}", "1:zz"],
)
def test_what_is_no_head_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError):
        Head.parse(text)


def test_ledger_without_entries_has_a_head_too() -> None:
    assert Chain().head == NO_ENTRIES
    assert Head.find("nothing here") is None
