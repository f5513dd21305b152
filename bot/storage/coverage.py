"""How a group came to stand where it does: when people were asked, signed, and stopped counting."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from bot.domain.agreements import OPEN_STATES, Method
from bot.storage.database import Transaction
from bot.storage.tables import agreement_versions, signature_requests, signatures

_requests = signature_requests.c
_columns = signatures.c
_versions = agreement_versions.c
_asked = signature_requests.alias("asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when one signature of one person counted, as far as it is known by now.

    `ends_at` may lie in the future, and is None without an end in sight; whoever left counted until
    then. `asked_at` is when the agreement reached them that they signed, None if that or the
    instant of the signature is not known exactly.
    """

    signed_at: datetime
    ends_at: datetime | None
    asked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """When which version was put into force, and by whom."""

    number: int
    published_at: datetime
    published_by: int
    sha256: str


async def list_publishes(tx: Transaction, group_key: str) -> list[Publish]:
    """What was ever published in a group, oldest first."""
    columns = (
        _versions.number,
        _versions.published_at,
        _versions.published_by,
        _versions.sha256,
    )
    query = select(*columns).where(
        _versions.group_key == group_key, _versions.published_at.is_not(None)
    )
    found = (await tx.execute(query.order_by(_versions.number))).mappings()
    return [Publish(**row) for row in found]


async def list_spans(tx: Transaction, group_key: str, one_in: int) -> list[Span]:
    """The signatures of the people of a group, or of one in so many of them, in no order."""
    query = select(_requests.id).where(
        _requests.group_key == group_key, _requests.state.in_(OPEN_STATES)
    )
    if one_in > 1:
        query = query.where(_requests.id % one_in == 0)
    chosen = list((await tx.execute(query)).scalars())
    texts = select(_versions.id, _versions.outdated_at).where(_versions.group_key == group_key)
    outdated: dict[int, datetime | None] = {row[0]: row[1] for row in await tx.execute(texts)}
    given = (_columns.group_key == group_key) & (_columns.member_id == _requests.member_id)
    spans = (
        select(
            _columns.signed_at,
            _columns.signed_after,
            _columns.method,
            _columns.version_id,
            _columns.revoked_at,
            _columns.expires_at,
            _requests.left_at,
            _asked.c.sent_at,
        )
        # Outer joins, so that SQLite begins with the few people who were chosen.
        .select_from(
            signature_requests.outerjoin(signatures, given).outerjoin(
                _asked, _asked.c.id == _columns.request_id
            )
        )
        .where(_requests.id.in_(chosen))
    )
    return [
        Span(
            signed_at=signed_at,
            ends_at=min(
                (at for at in (*ends, outdated[version_id]) if at is not None), default=None
            ),
            asked_at=asked_at if after is None and method != Method.ATTESTED else None,
        )
        for signed_at, after, method, version_id, *ends, asked_at in (await tx.execute(spans)).all()
        if signed_at is not None
    ]
