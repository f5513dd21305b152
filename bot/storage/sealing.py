"""Encrypts single values inside the database, on top of whatever encrypts the whole of it."""

import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import InvalidToken

from bot.keys import PERSON_KEY
from bot.storage.database import Transaction, keys_of


def seal(tx: Transaction, value: bytes) -> bytes:
    """Encrypt and authenticate a value with the newest of the operator's keys (Fernet)."""
    return keys_of(tx).fernet.encrypt(value)


def unseal(tx: Transaction, token: bytes) -> bytes:
    """Read back what `seal` wrote, with whichever of the operator's keys it was.

    Raises:
        cryptography.fernet.InvalidToken: it was changed, or its key is not there any more.
    """
    return keys_of(tx).fernet.decrypt(token)


def _bytes(text: str) -> bytes:
    """Half a sign, which JSON can carry and no encoding has, becomes a question mark."""
    return text.encode("utf-8", "replace")


def seal_json(tx: Transaction, value: Any) -> bytes:
    """Encrypt a text, a number, or a record made of them."""
    return seal(tx, _bytes(json.dumps(value, ensure_ascii=False, separators=(",", ":"))))


def unseal_json(tx: Transaction, token: bytes) -> Any:
    """Read back what `seal_json` wrote."""
    return json.loads(unseal(tx, token))


def seal_text(tx: Transaction, text: str | None) -> bytes | None:
    """Encrypt a text, if there is one."""
    return None if text is None else seal(tx, _bytes(text))


def unseal_text(tx: Transaction, token: bytes | None) -> str | None:
    """Read back what `seal_text` wrote."""
    return None if token is None else unseal(tx, token).decode()


def read_text(tx: Transaction, token: bytes | None) -> str | None:
    """The same, and None where no key opens it: for what is only shown, and decides nothing."""
    try:
        return unseal_text(tx, token)
    except InvalidToken:
        return None


def person_ref(tx: Transaction, group_key: str, member_id: int) -> str:
    """The name under which a person is looked up in a group's cases.

    Keyed, because account ids can be enumerated; one per group, so that nobody can be followed
    from one to another.
    """
    key = keys_of(tx).lookup(PERSON_KEY)
    return hmac.new(key, f"{group_key}:{member_id}".encode(), hashlib.sha256).hexdigest()
