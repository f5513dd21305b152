"""Signatures given and revoked, and what facilitators see of them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from bot.domain.agreements import (
    OPEN_STATES,
    AgreementVersion,
    RequestState,
    RevokeReason,
    Signature,
    Standing,
)
from bot.domain.ledger import (
    LedgerKind,
    facts_of_ending,
    facts_of_signing,
    kind_of_ending,
)
from bot.storage import ledger, rows
from bot.storage.database import Transaction
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
    values["signed_position"] = position
    inserted = await tx.execute(insert(signatures).values(**values).returning(_columns.id))
    return replace(signature, id=inserted.scalar_one(), signed_position=position)


async def get(tx: Transaction, signature_id: int) -> Signature:
    """One signature by its id, which must exist."""
    return rows.signature(
        (await tx.execute(_signatures().where(_columns.id == signature_id))).mappings().one()
    )


async def find_unrevoked(tx: Transaction, group_key: str, member_id: int) -> Signature | None:
    """The signature of a person that was not revoked; it may still have run out."""
    query = _signatures().where(
        _columns.group_key == group_key,
        _columns.member_id == member_id,
        _columns.revoked_at.is_(None),
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return rows.signature(row) if row else None


async def list_of_member(tx: Transaction, group_key: str, member_id: int) -> list[Signature]:
    """Every signature of a person in a group, oldest first."""
    query = _signatures().where(_columns.group_key == group_key, _columns.member_id == member_id)
    return [
        rows.signature(row) for row in (await tx.execute(query.order_by(_columns.id))).mappings()
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
    found = [rows.signature(row) for row in (await tx.execute(query)).mappings()]
    return {signature.member_id: signature for signature in found}


async def mark_revoked(
    tx: Transaction,
    signature: Signature,
    reason: RevokeReason,
    now: datetime,
    after: datetime | None = None,
) -> None:
    """End a signature at `now`, or between `after` and `now`, in the ledger first.

    It is kept for ever as it was. One that has ended already stays as it is; `signature` must
    have been read in this transaction.
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
    lapsed = or_(_columns.expires_at <= now, _columns.version_id.in_(old_texts))
    query = _signatures().where(
        _columns.group_key == in_force.group_key, _columns.revoked_at.is_(None), lapsed
    )
    found = await tx.execute(query.order_by(_columns.id).limit(limit))
    return [rows.signature(row) for row in found.mappings()]


def _standing(in_force: AgreementVersion | None, now: datetime) -> ColumnElement[str]:
    """`bot.domain.agreements.standing_of`, for every person of a group at once."""
    material = in_force.material_number if in_force else None
    covers = or_(
        agreement_versions.c.number >= (material or 0), agreement_versions.c.outdated_at > now
    )
    lasts = and_(
        _columns.id.is_not(None),
        _columns.revoked_at.is_(None),
        or_(_columns.expires_at.is_(None), _columns.expires_at > now),
    )
    valid = and_(lasts, covers) if material is not None else false()
    reason = _columns.revoke_reason
    signed_request = _requests.state == RequestState.SIGNED
    return case(
        (valid, Standing.SIGNED),
        (_requests.state == RequestState.DECLINED, Standing.DECLINED),
        (_requests.state == RequestState.BLOCKED, Standing.BLOCKED),
        (_columns.id.is_(None), Standing.WAITING),
        (and_(reason == RevokeReason.WITHDRAWN, signed_request), Standing.WITHDRAWN),
        (reason.in_((RevokeReason.WITHDRAWN, RevokeReason.UNCONFIRMED)), Standing.WAITING),
        (or_(reason == RevokeReason.OUTDATED, lasts), Standing.OUTDATED),
        else_=Standing.EXPIRED,
    )


def _since(word: ColumnElement[str], now: datetime) -> ColumnElement[datetime]:
    """When people came to stand where `word` says."""
    outdated_at = agreement_versions.c.outdated_at
    ran_out = case((_columns.expires_at <= now, _columns.expires_at))
    ended = (Standing.WITHDRAWN, Standing.EXPIRED, Standing.OUTDATED)
    return case(
        (word == Standing.SIGNED, _columns.signed_at),
        (word == Standing.DECLINED, func.coalesce(_requests.answered_at, _requests.created_at)),
        (
            word.in_(ended),
            func.coalesce(_columns.revoked_at, ran_out, outdated_at, _columns.signed_at),
        ),
        else_=_requests.created_at,
    )


def _people(group_key: str) -> Any:
    newest = (
        select(func.max(_columns.id))
        .where(_columns.group_key == _requests.group_key, _columns.member_id == _requests.member_id)
        .correlate(signature_requests)
        .scalar_subquery()
    )
    return (
        signature_requests.outerjoin(signatures, _columns.id == newest).outerjoin(
            agreement_versions, agreement_versions.c.id == _columns.version_id
        ),
        and_(
            _requests.group_key == group_key,
            _requests.state.in_(OPEN_STATES),
            _requests.left_at.is_(None),
        ),
    )


async def list_standings(
    tx: Transaction,
    group_key: str,
    in_force: AgreementVersion | None,
    now: datetime,
    *,
    standing: Standing | None,
    offset: int,
    limit: int,
) -> list[tuple[int, Standing, datetime]]:
    """Present people with their standing and since when, longest first; None lists all."""
    people, wanted = _people(group_key)
    word = _standing(in_force, now)
    query = select(_requests.member_id, word, _since(word, now))
    query = query.select_from(people).where(wanted)
    if standing is not None:
        query = query.where(word == standing)
    query = query.order_by(_requests.id).offset(offset).limit(limit)
    return [(row[0], Standing(row[1]), row[2]) for row in await tx.execute(query)]


async def count_standings(
    tx: Transaction, group_key: str, in_force: AgreementVersion | None, now: datetime
) -> dict[Standing, int]:
    """How many present people stand where; standings nobody has are missing."""
    people, wanted = _people(group_key)
    word = _standing(in_force, now).label("standing")
    query = select(word, func.count()).select_from(people).where(wanted).group_by(word)
    return {Standing(row[0]): row[1] for row in await tx.execute(query)}


async def count_unconfirmed(tx: Transaction, group_key: str, since: datetime) -> int:
    """How many signatures of a restored backup were set aside since then."""
    query = select(func.count()).where(
        _columns.group_key == group_key,
        _columns.revoke_reason == RevokeReason.UNCONFIRMED,
        _columns.revoked_at >= since,
    )
    return (await tx.execute(query)).scalar_one()
