"""Derives one key per purpose from the operator's key, so that no key is used twice."""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Keyring:
    """The keys that follow from `PLEDGE_KEY`.

    Args:
        secret: 32 bytes in URL-safe base64, as `pledge keygen` prints them.
    """

    def __init__(self, secret: str) -> None:
        self._secret = base64.urlsafe_b64decode(secret)

    def __repr__(self) -> str:
        return "Keyring(…)"

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose (HKDF with SHA-256, RFC 5869)."""
        hkdf = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=f"pledge:{purpose}".encode()
        )
        return hkdf.derive(self._secret)

    def pseudonym(self, member_id: int) -> str:
        """A name for a person that only the holder of the key can link to an account.

        A plain hash would not do: account ids can be enumerated.
        """
        return hmac.new(
            self.derive("log-pseudonym"), str(member_id).encode(), hashlib.sha256
        ).hexdigest()[:12]
