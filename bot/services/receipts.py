"""Issuing a receipt: everything that is needed to check one signature, without the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import AgreementVersion, Signature
from bot.domain.errors import NoReceiptError, NothingSignedError
from bot.domain.ledger import Entry
from bot.domain.receipts import Receipt, Witness
from bot.domain.translations import Translation
from bot.services import checkpoints
from bot.services import ledger as heads
from bot.storage import ledger, signatures, versions
from bot.storage.database import Database, Transaction

POST_AGAIN_AFTER = timedelta(hours=1)
"""So much older must the last posted head be before a receipt has the next one posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What a receipt is about, and the entries that tell of it."""

    signature: Signature
    version: AgreementVersion
    shown: Translation | None
    in_force: AgreementVersion | None
    published: Entry | None
    signed: Entry
    ended: Entry | None
    head: Entry | None

    @property
    def last_position(self) -> int:
        return (self.ended or self.signed).position

    def is_covered(self) -> bool:
        return self.head is not None and self.head.position > self.last_position

    def wants_head(self, now: datetime) -> bool:
        """Whether a head is to be posted for it now."""
        if self.is_covered():
            return False
        # One from the future was recorded by a clock that was ahead.
        return self.head is None or not (now - POST_AGAIN_AFTER < self.head.recorded_at <= now)


async def issue(
    database: Database, group_key: str, group_name: str, member_id: int, now: datetime
) -> Receipt:
    """The receipt for a person's newest signature, also for one that has ended.

    Where no posted head covers it yet, one is posted, unless that was done less than an hour
    ago: then the receipt has no head, and is to be asked for again.

    Args:
        database: the open database.
        group_key: the group.
        group_name: what the group is called now.
        member_id: who asks; nobody gets a receipt of somebody else.
        now: the current instant.

    Raises:
        NoReceiptError: what the ledger said of it was erased, or it is older than the ledger.
        NothingSignedError: the person never signed.
        StorageError: the ledger is damaged where this would have to be read.
    """
    async with database.read() as tx:
        subject = await _find_subject(tx, group_key, member_id)
    if subject.wants_head(now):
        await heads.post_head(database, group_key, now)
    async with database.read() as tx:
        subject = await _find_subject(tx, group_key, member_id)
        server_id = (await versions.list_groups(tx))[group_key]
        head = subject.head if subject.is_covered() else None
        signature, version = subject.signature, subject.version
        return Receipt(
            issued_at=now,
            group_key=group_key,
            group_name=group_name,
            server_id=server_id,
            receipt_number=signature.receipt_number,
            version=version.number,
            sha256=signature.sha256,
            text=version.text,
            shown=subject.shown,
            facilitator_id=version.published_by or 0,
            published_at=version.published_at or version.created_at,
            member_id=signature.member_id,
            method=signature.method.value,
            message_id=signature.message_id,
            signed_at=signature.signed_at,
            signed_after=signature.signed_after,
            expires_at=signature.expires_at,
            attested_by=signature.attested_by,
            in_force=signature.is_valid(subject.in_force, now),
            ended_at=signature.revoked_at,
            ended_after=signature.revoked_after,
            reason=signature.revoke_reason.value if signature.revoke_reason else None,
            head=None if head is None else await checkpoints.link(tx, head),
            published=await _testify(tx, subject.published, head),
            signed=await _witness(tx, subject.signed, head),
            ended=await _testify(tx, subject.ended, head),
        )


async def _find_subject(tx: Transaction, group_key: str, member_id: int) -> _Subject:
    given = await signatures.list_of_member(tx, group_key, member_id)
    if not given:
        raise NothingSignedError
    signature = given[-1]
    signed = await _find_entry(tx, signature.signed_position)
    version = await versions.get(tx, signature.version_id)
    shown: Translation | None = None
    if signature.language is not None:
        shown = await versions.find_translation(tx, version.id, signature.language)
        if shown is None:
            raise NoReceiptError
    ended: Entry | None = None
    if signature.revoke_reason is not None:
        ended = await _find_entry(tx, signature.revoked_position)
    return _Subject(
        signature=signature,
        version=version,
        shown=shown,
        in_force=await versions.find_in_force(tx, group_key),
        published=await ledger.find_publication(tx, group_key, version.number),
        signed=signed,
        ended=ended,
        head=await ledger.find_last_checkpoint(tx, group_key),
    )


async def _find_entry(tx: Transaction, position: int | None) -> Entry:
    entry = None if position is None else await ledger.find(tx, position)
    if entry is None or entry.is_erased:
        raise NoReceiptError
    return entry


async def _testify(tx: Transaction, entry: Entry | None, head: Entry | None) -> Witness | None:
    return None if entry is None else await _witness(tx, entry, head)


async def _witness(tx: Transaction, entry: Entry, head: Entry | None) -> Witness:
    way = None if head is None else await checkpoints.find_way(tx, entry, head)
    return Witness(link=await checkpoints.link(tx, entry), way=way)
