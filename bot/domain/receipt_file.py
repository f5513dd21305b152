"""The file of a receipt: JSON that is written in one way and read without trusting it."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from bot.domain.checkpoints import Link, Way
from bot.domain.errors import DomainError
from bot.domain.ledger import Entry, instant
from bot.domain.merkle import LONGEST_PATH
from bot.domain.receipts import Doubt, Receipt, Witness
from bot.domain.translations import Translation

FORMAT = "pledge-receipt/1"
LONGEST = 1_000_000
"""Bytes of a receipt; an agreement that fits into Discord's messages is far shorter."""
BEGINS = b'{\n  "format": "pledge-receipt/'
"""How the file begins, by which it can be found within another one."""

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_MOST = 2**63 - 1
T = TypeVar("T")


class ReceiptFileError(DomainError):
    """This is not a receipt as Pledge writes it.

    Args:
        doubt: whether it is something else altogether, or was a receipt once.
    """

    def __init__(self, doubt: Doubt) -> None:
        super().__init__()
        self.doubt = doubt


# Writing -----------------------------------------------------------------------------------------


def write(receipt: Receipt) -> bytes:
    """The file: UTF-8, indented for people, in one order, with a checksum at its end."""
    data = {
        "format": FORMAT,
        "issued_at": instant(receipt.issued_at),
        "group": {
            "key": receipt.group_key,
            "name": receipt.group_name,
            "server_id": str(receipt.server_id),
        },
        "receipt_number": receipt.receipt_number,
        "agreement": {
            "version": receipt.version,
            "sha256": receipt.sha256,
            "text": receipt.text,
        },
        "shown": None
        if receipt.shown is None
        else {
            "language": receipt.shown.language,
            "sha256": receipt.shown.sha256,
            "text": receipt.shown.text,
        },
        "facilitator": {
            "account_id": str(receipt.facilitator_id),
            "published_at": instant(receipt.published_at),
        },
        "member": {
            "account_id": str(receipt.member_id),
            "method": receipt.method,
            "message_id": _number_or_none(receipt.message_id),
            "signed_at": instant(receipt.signed_at),
            "signed_after": _instant_or_none(receipt.signed_after),
            "expires_at": _instant_or_none(receipt.expires_at),
            "attested_by": _number_or_none(receipt.attested_by),
        },
        "state": {
            "in_force": receipt.in_force,
            "ended_at": _instant_or_none(receipt.ended_at),
            "ended_after": _instant_or_none(receipt.ended_after),
            "reason": receipt.reason,
        },
        "ledger": {
            "head": None if receipt.head is None else _write_link(receipt.head),
            "published": _write_witness(receipt.published),
            "signed": _write_witness(receipt.signed),
            "ended": _write_witness(receipt.ended),
        },
    }
    data["checksum"] = _checksum(data)
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def _number_or_none(number: int | None) -> str | None:
    return None if number is None else str(number)


def _instant_or_none(at: datetime | None) -> str | None:
    return None if at is None else instant(at)


def _write_link(link: Link) -> dict[str, Any]:
    entry = link.entry
    return {
        "position": entry.position,
        "kind": entry.kind,
        "group_key": entry.group_key,
        "recorded_at": instant(entry.recorded_at),
        "subject": entry.subject,
        "commitment": entry.commitment,
        "salt": entry.salt,
        "payload": entry.payload,
        "previous": link.previous,
        "hash": entry.hash,
    }


def _write_witness(witness: Witness | None) -> dict[str, Any] | None:
    if witness is None:
        return None
    way = witness.way
    return {
        "entry": _write_link(witness.link),
        "way": None
        if way is None
        else {
            "path": list(way.path),
            "checkpoint": _write_link(way.checkpoint),
            "checkpoint_path": list(way.checkpoint_path),
        },
    }


def _checksum(data: dict[str, Any]) -> str:
    """SHA-256 of all the rest: finds accidents, not forgers, who would write another one."""
    rest = {key: value for key, value in data.items() if key != "checksum"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# Reading -----------------------------------------------------------------------------------------


def read(content: bytes) -> Receipt:
    """Read what `write` wrote, or what somebody made of it.

    Raises:
        ReceiptFileError: it was changed in a way that shows already, or is something else.
    """
    if len(content) > LONGEST:
        raise ReceiptFileError(Doubt.NO_RECEIPT)
    try:
        data: dict[str, Any] = json.loads(content.decode(), object_pairs_hook=_without_doubles)
        is_ours = data.get("format") == FORMAT
    except (ValueError, AttributeError, RecursionError):
        raise ReceiptFileError(_claim(content)) from None
    if not is_ours:
        raise ReceiptFileError(_claim(content))
    try:
        receipt = _read(_Object(data))
        has_all = _checksum(data) == data["checksum"]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ReceiptFileError(Doubt.FORM) from None
    if not has_all:
        raise ReceiptFileError(Doubt.CHECKSUM)
    return receipt


def _claim(content: bytes) -> Doubt:
    return Doubt.FORM if b"pledge-receipt/" in content[:200] else Doubt.NO_RECEIPT


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two values, a program takes the last and a person reads the first.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


class _Object:
    """A JSON object, every key of which must be asked for once, and has the type it should have."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, dict):
            raise TypeError
        self._rest: dict[str, Any] = dict(data)  # pyright: ignore[reportUnknownArgumentType]

    def take(self, key: str, kind: type[T]) -> T:
        """A value of exactly this type."""
        value = self._rest.pop(key)
        if type(value) is not kind:
            raise TypeError(key)
        return value

    def take_or_none(self, key: str, read: Callable[["_Object", str], T]) -> T | None:
        """A value, or null."""
        if self._rest[key] is None:
            return self._rest.pop(key)
        return read(self, key)

    def inner(self, key: str) -> "_Object":
        """Another object."""
        return _Object(self._rest.pop(key))

    def end(self) -> None:
        """There is nothing else."""
        if self._rest:
            raise ValueError

    def text(self, key: str) -> str:
        """Text that can be written as UTF-8."""
        text = self.take(key, str)
        text.encode()
        return text

    def hash(self, key: str) -> str:
        """64 hexadecimal digits."""
        return _checked(_HASH, self.take(key, str))

    def account(self, key: str) -> int:
        """A number of Discord, as text, because programs round large ones."""
        number = int(_checked(_NUMBER, self.take(key, str)))
        return _bounded(number)

    def number(self, key: str) -> int:
        """A small number."""
        return _bounded(self.take(key, int))

    def instant(self, key: str) -> datetime:
        """An instant in the one form there is."""
        text = self.take(key, str)
        at = datetime.fromisoformat(text)
        if instant(at) != text:
            raise ValueError(text)
        return at

    def hashes(self, key: str) -> tuple[str, ...]:
        """A path."""
        found: list[Any] = self.take(key, list)  # pyright: ignore[reportUnknownVariableType]
        if len(found) > LONGEST_PATH:
            raise ValueError(key)
        return tuple(_checked(_HASH, item) for item in found)


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _bounded(number: int) -> int:
    if not 0 < number <= _MOST:
        raise ValueError(number)
    return number


def _read(data: _Object) -> Receipt:
    data.take("format", str)
    data.hash("checksum")
    group, agreement, facilitator = map(data.inner, ("group", "agreement", "facilitator"))
    member, state, ledger = map(data.inner, ("member", "state", "ledger"))
    receipt = Receipt(
        issued_at=data.instant("issued_at"),
        group_key=group.text("key"),
        group_name=group.text("name"),
        server_id=group.account("server_id"),
        receipt_number=data.text("receipt_number"),
        version=agreement.number("version"),
        sha256=agreement.hash("sha256"),
        text=agreement.text("text"),
        shown=data.take_or_none("shown", _read_shown),
        facilitator_id=facilitator.account("account_id"),
        published_at=facilitator.instant("published_at"),
        member_id=member.account("account_id"),
        method=member.text("method"),
        message_id=member.take_or_none("message_id", _Object.account),
        signed_at=member.instant("signed_at"),
        signed_after=member.take_or_none("signed_after", _Object.instant),
        expires_at=member.take_or_none("expires_at", _Object.instant),
        attested_by=member.take_or_none("attested_by", _Object.account),
        in_force=state.take("in_force", bool),
        ended_at=state.take_or_none("ended_at", _Object.instant),
        ended_after=state.take_or_none("ended_after", _Object.instant),
        reason=state.take_or_none("reason", _Object.text),
        head=ledger.take_or_none("head", _read_link),
        published=ledger.take_or_none("published", _read_witness),
        signed=_read_witness(ledger, "signed"),
        ended=ledger.take_or_none("ended", _read_witness),
    )
    for part in (data, group, agreement, facilitator, member, state, ledger):
        part.end()
    return receipt


def _read_shown(data: _Object, key: str) -> Translation:
    inner = data.inner(key)
    shown = Translation(
        language=inner.text("language"), sha256=inner.hash("sha256"), text=inner.text("text")
    )
    inner.end()
    return shown


def _read_link(data: _Object, key: str) -> Link:
    inner = data.inner(key)
    entry = Entry(
        position=inner.number("position"),
        group_key=inner.take_or_none("group_key", _Object.text),
        kind=inner.text("kind"),
        recorded_at=inner.instant("recorded_at"),
        subject=inner.take_or_none("subject", _Object.hash),
        commitment=inner.hash("commitment"),
        hash=inner.hash("hash"),
        salt=inner.hash("salt"),
        payload=inner.text("payload"),
    )
    link = Link(entry=entry, previous=inner.hash("previous"))
    inner.end()
    return link


def _read_witness(data: _Object, key: str) -> Witness:
    inner = data.inner(key)
    witness = Witness(link=_read_link(inner, "entry"), way=inner.take_or_none("way", _read_way))
    inner.end()
    return witness


def _read_way(data: _Object, key: str) -> Way:
    inner = data.inner(key)
    way = Way(
        path=inner.hashes("path"),
        checkpoint=_read_link(inner, "checkpoint"),
        checkpoint_path=inner.hashes("checkpoint_path"),
    )
    inner.end()
    return way
