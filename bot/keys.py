"""Derives one key per purpose from the operator's keys, so that no key is used twice."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Self

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FILE_KEY = "sqlite-file"
"""What the key is for that encrypts a database file as a whole."""

SUBJECT_KEY = "ledger-subject"
"""What the key is for that names people in the ledger."""

PERSON_KEY = "case-person"
"""What the key is for under which people are found in cases."""

PROOF_KEY = "proof-subject"
"""What the key is for that names people in the proofs of signatures that ended."""

LOOKUPS = (SUBJECT_KEY, PERSON_KEY)
"""Keys by which rows are found again. They are those of the first of the operator's keys for ever,
and the record keeps them (`bot.storage.operator_keys`)."""


class Keyring:
    """The keys that follow from `PLEDGE_KEY`.

    Args:
        secret: one or several keys with blanks between them, the newest first; each is 32 bytes in
            URL-safe base64, as `pledge keygen` prints them.
        lookups: the keys by which rows are found, by purpose, once a record has told them.
    """

    def __init__(self, secret: str, lookups: Mapping[str, bytes] | None = None) -> None:
        self._given = secret
        self._secrets = [base64.urlsafe_b64decode(one) for one in dict.fromkeys(secret.split())]
        self._lookups = dict(lookups or {})
        self._fernet: MultiFernet | None = None

    def __repr__(self) -> str:
        return "Keyring(…)"

    @property
    def each(self) -> list[Self]:
        """A ring for every key alone, the newest first."""
        return [
            type(self)(base64.urlsafe_b64encode(secret).decode(), self._lookups)
            for secret in self._secrets
        ]

    def knowing(self, lookups: Mapping[str, bytes]) -> Self:
        """The same keys, for the record that told these keys to find rows by."""
        return type(self)(self._given, lookups)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, of the newest key (HKDF with SHA-256, RFC 5869)."""
        return _derive(self._secrets[0], purpose)

    def derive_each(self, purpose: str) -> list[bytes]:
        """The same of every key, the newest first."""
        return [_derive(secret, purpose) for secret in self._secrets]

    def lookup(self, purpose: str) -> bytes:
        """The key for one of `LOOKUPS`, which stays the same when the operator's key changes."""
        return self._lookups[purpose] if self._lookups else self.derive(purpose)

    @property
    def proof_key(self) -> bytes:
        """The key for `PROOF_KEY`, which as those of `LOOKUPS` stays the same.

        It follows from one of them, so that records from before there were proofs have it too.
        """
        return _derive(self.lookup(SUBJECT_KEY), PROOF_KEY)

    @property
    def fingerprint(self) -> str:
        """A name for the newest key, from which nothing follows about it."""
        return self.derive("fingerprint").hex()[:16]

    @property
    def fernet(self) -> MultiFernet:
        """Encrypts single values: what people wrote in confidence, and who they are.

        Encrypts with the newest key, and decrypts with every one.
        """
        if self._fernet is None:
            keys = [base64.urlsafe_b64encode(key) for key in self.derive_each("sealing")]
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        return self._fernet

    def pseudonym(self, member_id: int) -> str:
        """A name for a person that only the holder of the key can link to an account.

        A plain hash would not do: account ids can be enumerated. A new key gives new names.
        """
        return hmac.new(
            self.derive("log-pseudonym"), str(member_id).encode(), hashlib.sha256
        ).hexdigest()[:12]


def _derive(secret: bytes, purpose: str) -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"pledge:{purpose}".encode())
    return hkdf.derive(secret)
