"""Where everybody of a group stands: counted, listed and read out, without a look at everybody.

People are taken together in kinds: those whose open request is in the same state, and whose newest
signature is of the same version and ended in the same way, stand in the same place. One index
counts the kinds and holds each of them in order. Only time is not in it: the few signatures that
have run out and were not revoked yet make kinds of their own.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, union_all

from bot.domain.agreements import (
    OPEN_STATES,
    AgreementVersion,
    Method,
    RequestState,
    RevokeReason,
    Standing,
    standing_without,
)
from bot.storage.database import Transaction
from bot.storage.tables import agreement_versions, signature_requests, signatures

_requests = signature_requests.c
_columns = signatures.c
_versions = agreement_versions.c
_ENDED = (Standing.WITHDRAWN, Standing.EXPIRED, Standing.OUTDATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The present people who stand in the same place for the same reason.

    `version_id` and `end` are those of their newest signature, None without one; `has_run_out`
    says that it was not revoked yet, `others_differ` that only some of those alike have run out.
    """

    standing: Standing
    people: int
    state: RequestState
    version_id: int | None
    end: RevokeReason | None
    has_run_out: bool
    others_differ: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One present person, where they stand and since when, and what they signed last, if anything.

    See `bot.domain.agreements.Signature` for what the parts of the signature mean.
    """

    request_id: int
    member_id: int
    standing: Standing
    since: datetime
    version_number: int | None = None
    method: Method | None = None
    attested_by: int | None = None
    signed_at: datetime | None = None
    signed_after: datetime | None = None
    ends_at: datetime | None = None
    receipt_number: str | None = None


async def count_standings(
    tx: Transaction, group_key: str, in_force: AgreementVersion | None, now: datetime
) -> dict[Standing, int]:
    """How many present people stand where; standings nobody has are missing."""
    counts: dict[Standing, int] = {}
    for kind in await list_kinds(tx, group_key, in_force, now):
        counts[kind.standing] = counts.get(kind.standing, 0) + kind.people
    return counts


async def list_kinds(
    tx: Transaction, group_key: str, in_force: AgreementVersion | None, now: datetime
) -> list[Kind]:
    """Everybody who is present, by kind."""
    covering = await _list_covering(tx, group_key, in_force, now)
    run_out = await _count_run_out(tx, group_key, now)
    alike = (_requests.state, _requests.newest_end, _requests.newest_version_id)
    query = select(*alike, func.count()).where(*_present(group_key)).group_by(*alike)
    kinds: list[Kind] = []
    for state, end, version_id, people in await tx.execute(query):
        lapsed = run_out.get((state, version_id), 0) if end is None else 0
        for count, has_run_out in ((people - lapsed, False), (lapsed, True)):
            if count:
                kind = Kind(
                    standing=_standing(state, end, version_id, covering, has_run_out=has_run_out),
                    people=count,
                    state=RequestState(state),
                    version_id=version_id,
                    end=RevokeReason(end) if end else None,
                    has_run_out=has_run_out,
                    others_differ=0 < lapsed < people,
                )
                kinds.append(kind)
    return kinds


async def list_standings(
    tx: Transaction,
    group_key: str,
    in_force: AgreementVersion | None,
    now: datetime,
    *,
    standing: Standing | None,
    offset: int,
    limit: int,
    kinds: Sequence[Kind] | None = None,
) -> list[Person]:
    """Present people, in the order in which they were asked; None lists all.

    Args:
        tx: the open transaction.
        group_key: the group.
        in_force: the version in force.
        now: the current instant.
        standing: who is listed.
        offset: how many to leave out at the beginning.
        limit: how many at the most.
        kinds: what `list_kinds` has said in this transaction, if it was asked.
    """
    if kinds is None:
        kinds = await list_kinds(tx, group_key, in_force, now)
    wanted = [kind for kind in kinds if standing is None or kind.standing is standing]
    if not wanted:
        return []
    everybody = union_all(*(_ids_of(group_key, kind, now) for kind in wanted))
    page = everybody.order_by("id").offset(offset).limit(limit)
    ids = list((await tx.execute(page)).scalars())
    covering = await _list_covering(tx, group_key, in_force, now)
    found = await tx.execute(_people().where(_requests.id.in_(ids)).order_by(_requests.id))
    return [_person(row, covering, now) for row in found.all()]


async def read_everybody(
    tx: Transaction,
    group_key: str,
    in_force: AgreementVersion | None,
    now: datetime,
    batch: int,
) -> AsyncGenerator[list[Person]]:
    """All present people in the order in which they were asked, `batch` of them at a time."""
    kinds = await list_kinds(tx, group_key, in_force, now)
    covering = await _list_covering(tx, group_key, in_force, now)
    after_id = 0
    while kinds:
        # The ids first: of each kind they stand in the index in order, and need no sorting.
        ahead = (_ids_of(group_key, kind, now).where(_requests.id > after_id) for kind in kinds)
        page = union_all(*ahead).order_by("id").limit(batch)
        ids = list((await tx.execute(page)).scalars())
        if not ids:
            return
        found = await tx.execute(_people().where(_requests.id.in_(ids)).order_by(_requests.id))
        yield [_person(row, covering, now) for row in found.all()]
        after_id = ids[-1]


async def _list_covering(
    tx: Transaction, group_key: str, in_force: AgreementVersion | None, now: datetime
) -> frozenset[int]:
    """Ids of the versions on which a signature counts that lasts."""
    if in_force is None or in_force.material_number is None:
        return frozenset()
    covers = (_versions.number >= in_force.material_number) | (_versions.outdated_at > now)
    query = select(_versions.id).where(_versions.group_key == group_key, covers)
    return frozenset((await tx.execute(query)).scalars())


def _present(group_key: str) -> tuple[ColumnElement[bool], ...]:
    return (
        _requests.group_key == group_key,
        _requests.state.in_(OPEN_STATES),
        _requests.left_at.is_(None),
    )


async def _count_run_out(
    tx: Transaction, group_key: str, now: datetime
) -> dict[tuple[str, int], int]:
    """How many have run out, by the state of the request and the version that was signed."""
    first = select(func.min(_columns.expires_at)).where(
        _columns.group_key == group_key, _columns.revoked_at.is_(None)
    )
    earliest = (await tx.execute(first)).scalar_one()
    if earliest is None or earliest > now:
        return {}
    alike = (_requests.state, _columns.version_id)
    query = _run_out(group_key, now, *alike, func.count()).group_by(*alike)
    found: Any = await tx.execute(query)
    return {(state, version_id): count for state, version_id, count in found}


def _run_out(group_key: str, now: datetime, *columns: ColumnElement[Any]) -> Any:
    """Of the present people whose signature has run out and was not revoked yet.

    An outer join with every condition in it, so that SQLite begins with those few signatures;
    the columns of the request are NULL for whoever is not there.
    """
    newest = and_(
        _requests.newest_id == _columns.id,
        _requests.member_id == _columns.member_id,
        *_present(group_key),
    )
    return (
        select(*columns)
        .select_from(signatures.outerjoin(signature_requests, newest))
        .where(
            _columns.group_key == group_key,
            _columns.revoked_at.is_(None),
            _columns.expires_at <= now,
        )
    )


def _ids_of(group_key: str, kind: Kind, now: datetime) -> Select[Any]:
    query = select(_requests.id).where(
        _requests.group_key == group_key,
        _requests.left_at.is_(None),
        _requests.state == kind.state,
        _requests.newest_end == kind.end,
        _requests.newest_version_id == kind.version_id,
    )
    if not (kind.has_run_out or kind.others_differ):
        return query
    run_out = _requests.id.in_(_run_out(group_key, now, func.coalesce(_requests.id, 0)))
    return query.where(run_out if kind.has_run_out else ~run_out)


def _standing(
    state: str,
    end: str | None,
    version_id: int | None,
    covering: Collection[int],
    *,
    has_run_out: bool,
) -> Standing:
    """`bot.domain.agreements.standing_of`, of what the index knows."""
    lasts = version_id is not None and end is None and not has_run_out
    if lasts and version_id in covering:
        return Standing.SIGNED
    return standing_without(
        RequestState(state),
        RevokeReason(end) if end else None,
        has_signed=version_id is not None,
        lasts=lasts,
    )


def _people() -> Any:
    """Rows that `_person` takes apart."""
    return select(
        _requests.id,
        _requests.member_id,
        _requests.state,
        _requests.created_at,
        _requests.answered_at,
        _columns.version_id,
        _columns.method,
        _columns.attested_by,
        _columns.signed_at,
        _columns.signed_after,
        _columns.expires_at,
        _columns.revoked_at,
        _versions.outdated_at,
        _columns.revoke_reason,
        _columns.receipt_number,
        _versions.number,
    ).select_from(
        signature_requests.outerjoin(signatures, _columns.id == _requests.newest_id).outerjoin(
            agreement_versions, _versions.id == _columns.version_id
        )
    )


def _person(row: Sequence[Any], covering: Collection[int], now: datetime) -> Person:
    # Taken apart at once: of a hundred thousand rows, asking each for its columns by name takes
    # longer than all the rest.
    request_id, member_id, state, created_at, answered_at, *signature = row
    version_id, method, attested_by, signed_at, signed_after, *ends = signature
    expires_at, revoked_at, outdated_at, end, receipt_number, version_number = ends
    ran_out = expires_at if expires_at is not None and expires_at <= now else None
    standing = _standing(state, end, version_id, covering, has_run_out=ran_out is not None)
    if standing is Standing.SIGNED:
        since = signed_at
    elif standing is Standing.DECLINED:
        since = answered_at or created_at
    elif standing in _ENDED:
        since = revoked_at or ran_out or outdated_at or signed_at
    else:
        since = created_at
    known_ends = [at for at in (revoked_at, expires_at, outdated_at) if at is not None]
    return Person(
        request_id=request_id,
        member_id=member_id,
        standing=standing,
        since=since,
        version_number=version_number,
        method=Method(method) if method else None,
        attested_by=attested_by,
        signed_at=signed_at,
        signed_after=signed_after,
        ends_at=min(known_ends, default=None),
        receipt_number=receipt_number,
    )
