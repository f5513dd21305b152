"""One key per purpose, and names for people that only the holder of the key can read."""

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from bot.keys import LOOKUPS, Keyring
from tests.factories import KEY, KEYS, NEWCOMER

OTHER_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER = Keyring(OTHER_KEY)
purposes = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_derived_key_is_the_one_that_opened_earlier_databases() -> None:
    # HKDF of RFC 5869 by hand: with another result, no database would open any more.
    secret = base64.urlsafe_b64decode(KEY)
    pseudorandom = hmac.digest(bytes(32), secret, "sha256")
    expected = hmac.digest(pseudorandom, b"pledge:sqlite-file\x01", "sha256")
    assert KEYS.derive("sqlite-file") == expected


@given(purposes, purposes)
def test_derived_key_differs_when_the_purpose_differs(one: str, other: str) -> None:
    assert (KEYS.derive(one) == KEYS.derive(other)) is (one == other)
    assert len(KEYS.derive(one)) == 32


def test_derived_key_differs_when_the_secret_differs() -> None:
    assert KEYS.derive("sqlite-file") != OTHER.derive("sqlite-file")
    assert base64.urlsafe_b64decode(KEY) != KEYS.derive("sqlite-file")


def test_pseudonym_is_stable_and_belongs_to_the_key() -> None:
    assert KEYS.pseudonym(NEWCOMER) == Keyring(KEY).pseudonym(NEWCOMER)
    assert KEYS.pseudonym(NEWCOMER) != OTHER.pseudonym(NEWCOMER)
    assert KEYS.pseudonym(NEWCOMER) != KEYS.pseudonym(NEWCOMER + 1)
    assert len(KEYS.pseudonym(NEWCOMER)) == 12


def test_pseudonym_cannot_be_found_by_trying_account_ids() -> None:
    plain = hashlib.sha256(str(NEWCOMER).encode()).hexdigest()
    unkeyed = hmac.new(b"", str(NEWCOMER).encode(), hashlib.sha256).hexdigest()
    assert KEYS.pseudonym(NEWCOMER) not in (plain[:12], unkeyed[:12])


def test_keyring_does_not_show_its_secret_when_printed() -> None:
    shown = f"{KEYS!r} {KEYS} {[KEYS]}"
    assert KEY not in shown
    assert base64.urlsafe_b64decode(KEY).decode() not in shown


def test_newest_key_encrypts_and_every_key_decrypts() -> None:
    both = Keyring(f"{OTHER_KEY} {KEY}")
    assert both.fernet.decrypt(KEYS.fernet.encrypt(b"words")) == b"words"
    assert OTHER.fernet.decrypt(both.fernet.encrypt(b"words")) == b"words"
    assert both.derive("sqlite-file") == OTHER.derive("sqlite-file")
    assert both.derive_each("sqlite-file") == [ring.derive("sqlite-file") for ring in both.each]
    assert [ring.fingerprint for ring in both.each] == [OTHER.fingerprint, KEYS.fingerprint]


def test_key_that_is_given_twice_is_one_key() -> None:
    assert len(Keyring(f"{KEY} {OTHER_KEY} {KEY}").each) == 2


def test_what_rows_are_found_by_stays_as_the_record_told_it() -> None:
    told = {purpose: KEYS.derive(purpose) for purpose in LOOKUPS}
    for ring in (OTHER.knowing(told), *Keyring(f"{OTHER_KEY} {KEY}").knowing(told).each):
        assert {purpose: ring.lookup(purpose) for purpose in LOOKUPS} == told
    assert KEYS.lookup(LOOKUPS[0]) == told[LOOKUPS[0]]


def test_fingerprint_tells_nothing_of_the_key() -> None:
    assert KEYS.fingerprint != OTHER.fingerprint
    assert base64.urlsafe_b64decode(KEY).hex().find(KEYS.fingerprint) == -1
