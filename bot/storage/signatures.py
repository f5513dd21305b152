"""Signatures given and revoked, and what facilitators see of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    union,
    update,
)

from bot.domain.agreements import (
    OPEN_STATES,
    AgreementVersion,
    Change,
    RevokeReason,
    Signature,
    VersionState,
)
from bot.domain.ledger import (
    LedgerKind,
    facts_of_ending,
    facts_of_signing,
    kind_of_ending,
)
from bot.storage import ledger, rows
from bot.storage.database import Transaction
from bot.storage.sealing import seal_text
from bot.storage.tables import agreement_versions, signature_requests, signatures

_columns = signatures.c
_requests = signature_requests.c


def _signatures() -> Select[Any]:
    return select(
        signatures,
        agreement_versions.c.number.label("version_number"),
        agreement_versions.c.outdated_at,
    ).join_from(signatures, agreement_versions, agreement_versions.c.id == _columns.version_id)


async def add(tx: Transaction, *, version_number: int, **values: Any) -> Signature:
    """Record a signature, in the ledger first.

    The database refuses a second unrevoked one of the same person.
    """
    signature = Signature(id=0, version_number=version_number, **values)
    position = await ledger.append(
        tx,
        signature.group_key,
        LedgerKind.SIGNED,
        facts_of_signing(signature),
        signature.signed_at,
        subject_id=signature.member_id,
    )
    values |= {"signed_position": position, "note": seal_text(tx, signature.note)}
    inserted = await tx.execute(insert(signatures).values(**values).returning(_columns.id))
    return replace(signature, id=inserted.scalar_one(), signed_position=position)


async def get(tx: Transaction, signature_id: int) -> Signature:
    """One signature by its id, which must exist."""
    found = await tx.execute(_signatures().where(_columns.id == signature_id))
    return rows.signature(tx, found.mappings().one())


async def find_unrevoked(tx: Transaction, group_key: str, member_id: int) -> Signature | None:
    """The signature of a person that was not revoked; it may still have run out."""
    query = _signatures().where(
        _columns.group_key == group_key,
        _columns.member_id == member_id,
        _columns.revoked_at.is_(None),
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return rows.signature(tx, row) if row else None


async def list_of_member(tx: Transaction, group_key: str, member_id: int) -> list[Signature]:
    """Every signature of a person in a group, oldest first."""
    query = _signatures().where(_columns.group_key == group_key, _columns.member_id == member_id)
    return [
        rows.signature(tx, row)
        for row in (await tx.execute(query.order_by(_columns.id))).mappings()
    ]


async def list_unrevoked_of(
    tx: Transaction, group_key: str, member_ids: Iterable[int]
) -> dict[int, Signature]:
    """The unrevoked signatures of several people, by person."""
    query = _signatures().where(
        _columns.group_key == group_key,
        _columns.member_id.in_(list(member_ids)),
        _columns.revoked_at.is_(None),
    )
    found = [rows.signature(tx, row) for row in (await tx.execute(query)).mappings()]
    return {signature.member_id: signature for signature in found}


async def mark_revoked(
    tx: Transaction,
    signature: Signature,
    reason: RevokeReason,
    now: datetime,
    after: datetime | None = None,
) -> None:
    """End a signature at `now`, or between `after` and `now`, in the ledger first.

    It is kept as it was until it becomes a proof (`bot.storage.proofs`). One that has ended already
    stays as it is; `signature` must have been read in this transaction.
    """
    if signature.revoked_at is not None:
        return
    ended = replace(signature, revoked_at=now, revoked_after=after, revoke_reason=reason)
    position = await ledger.append(
        tx,
        signature.group_key,
        kind_of_ending(reason),
        facts_of_ending(ended),
        now,
        subject_id=signature.member_id,
    )
    values = {"revoked_at": now, "revoked_after": after, "revoke_reason": reason}
    result = await tx.execute(
        update(signatures)
        .where(_columns.id == signature.id, _columns.revoked_at.is_(None))
        .values(**values, revoked_position=position)
    )
    if not result.rowcount:
        # Nothing of this transaction may stay: the ledger would tell of an end that was not.
        msg = "the signature has ended already"
        raise ValueError(msg)


async def list_lapsed(
    tx: Transaction, in_force: AgreementVersion, now: datetime, limit: int
) -> list[Signature]:
    """Unrevoked signatures that ran out, or whose text has."""
    outdated = select(agreement_versions.c.id).where(
        agreement_versions.c.group_key == in_force.group_key,
        agreement_versions.c.outdated_at <= now,
    )
    # The ids first: with them in hand, each half of the question has an index of its own.
    old_texts = list((await tx.execute(outdated)).scalars())
    unrevoked = select(_columns.id).where(
        _columns.group_key == in_force.group_key, _columns.revoked_at.is_(None)
    )
    lapsed = [unrevoked.where(_columns.expires_at <= now)]
    if old_texts:
        lapsed.append(unrevoked.where(_columns.version_id.in_(old_texts)))
    query = _signatures().where(_columns.id.in_(union(*lapsed)))
    found = await tx.execute(query.order_by(_columns.id).limit(limit))
    return [rows.signature(tx, row) for row in found.mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingText:
    """A text whose signatures count now, and what ends them.

    `days` is how long a signature on it lasts, `outdated_at` when the grace after a material change
    is over, and `changed_at` when that change was published.
    """

    group_key: str
    version_id: int
    days: int | None
    outdated_at: datetime | None
    changed_at: datetime | None


async def list_counting_texts(tx: Transaction, group_key: str, now: datetime) -> list[CountingText]:
    """The texts of a group, signatures on which count at `now` and come to an end some day."""
    versions = agreement_versions.c
    query = select(agreement_versions).where(
        versions.group_key == group_key, versions.state != VersionState.DRAFT
    )
    found = [rows.version(row) for row in (await tx.execute(query)).mappings()]
    changes = [(one.number, one.published_at) for one in found if one.change is Change.MATERIAL]
    texts: list[CountingText] = []
    for version in found:
        if version.outdated_at is not None and version.outdated_at <= now:
            continue
        days = version.agreement.duration.days
        if days is not None or version.outdated_at is not None:
            newer = (change for change in sorted(changes) if change[0] > version.number)
            _, changed_at = next(newer, (0, None))
            texts.append(
                CountingText(
                    group_key=group_key,
                    version_id=version.id,
                    days=days,
                    outdated_at=version.outdated_at,
                    changed_at=changed_at,
                )
            )
    return texts


async def list_ending(
    tx: Transaction, text: CountingText, marks: Iterable[int], now: datetime, limit: int
) -> list[Signature]:
    """Signatures of present people on this text for which one of these days before the end came.

    As `bot.domain.reminders.find_due_mark` says it of each.

    Args:
        tx: the open transaction.
        text: the text.
        marks: days before the end.
        now: the current instant.
        limit: how many at the most.
    """
    due: list[ColumnElement[bool]] = []
    for mark in marks:
        before = timedelta(days=mark)
        untold = func.coalesce(_columns.reminded_before, mark + 1) > mark
        if text.days is not None and mark < text.days:
            runs_out = and_(_columns.expires_at > now, _columns.expires_at <= now + before)
            due.append(and_(runs_out, untold))
        outdated_at, changed_at = text.outdated_at, text.changed_at
        if outdated_at and changed_at and changed_at < outdated_at - before <= now < outdated_at:
            due.append(untold)
    if not due:
        return []
    is_present = exists().where(
        _requests.group_key == text.group_key,
        _requests.member_id == _columns.member_id,
        _requests.state.in_(OPEN_STATES),
        _requests.left_at.is_(None),
    )
    query = _signatures().where(
        _columns.group_key == text.group_key,
        _columns.version_id == text.version_id,
        _columns.revoked_at.is_(None),
        or_(*due),
        is_present,
    )
    found = await tx.execute(query.order_by(_columns.id).limit(limit))
    return [rows.signature(tx, row) for row in found.mappings()]


async def mark_reminded(tx: Transaction, signature_id: int, mark: int) -> None:
    """Remember for how many days before its end the person was reminded."""
    await tx.execute(
        update(signatures).where(_columns.id == signature_id).values(reminded_before=mark)
    )


async def count_unconfirmed(tx: Transaction, group_key: str, since: datetime) -> int:
    """How many signatures of a restored backup were set aside since then."""
    query = select(func.count()).where(
        _columns.group_key == group_key,
        _columns.revoke_reason == RevokeReason.UNCONFIRMED,
        _columns.revoked_at >= since,
    )
    return (await tx.execute(query)).scalar_one()
