"""Reads ledger and record side by side, page by page, for whoever checks one against the other."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import RowMapping, Select, bindparam, exists, func, or_, select
from sqlalchemy.exc import DBAPIError

from bot.domain.agreements import AgreementVersion, Signature
from bot.domain.audit import Statement, Witnessed
from bot.domain.errors import StorageError
from bot.domain.ledger import ENDINGS, LedgerKind
from bot.domain.proofs import Proof, WitnessedProof
from bot.storage import rows
from bot.storage.database import Transaction
from bot.storage.outages import find_outage
from bot.storage.proof_tables import proofs
from bot.storage.tables import agreement_versions, ledger_entries, signatures

PAGE = 1_000
RowT = TypeVar("RowT")
_BEFORE_ALL = -(2**63)
"""Smaller than any id, also one that nobody but a forger would give."""

_entries = ledger_entries.c
_columns = signatures.c
_proven = proofs.c
_signed = ledger_entries.alias("signed")
_ended = ledger_entries.alias("ended")
_SAID = ("kind", "group_key", "subject", "payload")
_BESIDE = {"text_sha256", *(f"{of}_{name}" for of in ("signed", "ended") for name in _SAID)}


def _page(query: Any, column: Any) -> Select[*tuple[Any, ...]]:
    return query.where(column > bindparam("after")).order_by(column).limit(bindparam("page"))


_witnessed = _page(
    select(
        signatures,
        agreement_versions.c.number.label("version_number"),
        agreement_versions.c.outdated_at,
        agreement_versions.c.sha256.label("text_sha256"),
        *(_signed.c[name].label(f"signed_{name}") for name in _SAID),
        *(_ended.c[name].label(f"ended_{name}") for name in _SAID),
    )
    .join_from(signatures, agreement_versions, agreement_versions.c.id == _columns.version_id)
    .outerjoin(_signed, _signed.c.position == _columns.signed_position)
    .outerjoin(_ended, _ended.c.position == _columns.revoked_position),
    _columns.id,
)

_witnessed_proofs = _page(
    select(
        proofs,
        agreement_versions.c.number.label("version_number"),
        agreement_versions.c.sha256.label("text_sha256"),
        *(_signed.c[name].label(f"signed_{name}") for name in _SAID),
        *(_ended.c[name].label(f"ended_{name}") for name in _SAID),
    )
    .join_from(proofs, agreement_versions, agreement_versions.c.id == _proven.version_id)
    .outerjoin(_signed, _signed.c.position == _proven.signed_position)
    .outerjoin(_ended, _ended.c.position == _proven.revoked_position),
    _proven.id,
)

# An entry whose words were erased may have lost its signature with them; see `_silent`.
_unanswered = _page(
    select(_entries.position, _entries.kind).where(
        _entries.payload.is_not(None),
        or_(
            (_entries.kind == LedgerKind.SIGNED)
            & ~exists().where(_columns.signed_position == _entries.position)
            & ~exists().where(_proven.signed_position == _entries.position),
            _entries.kind.in_(ENDINGS)
            & ~exists().where(_columns.revoked_position == _entries.position)
            & ~exists().where(_proven.revoked_position == _entries.position),
        ),
    ),
    _entries.position,
)

_later = ledger_entries.alias("later")
_silent = _page(
    select(_entries.position).where(
        _entries.payload.is_(None),
        ~exists().where(
            _later.c.subject == _entries.subject,
            _later.c.kind == LedgerKind.ERASED,
            _later.c.position > _entries.position,
        ),
    ),
    _entries.position,
)


async def pages(
    read: Callable[[Transaction, int, int], Awaitable[Sequence[RowT]]],
    tx: Transaction,
    key: Callable[[RowT], int],
    size: int = PAGE,
) -> AsyncIterator[Sequence[RowT]]:
    """Everything that `read` gives, page by page, each from where the one before it ended.

    Raises:
        StorageError: something there cannot even be read.
    """
    after = _BEFORE_ALL
    while True:
        try:
            page = await read(tx, after, size)
        except (DBAPIError, ValueError, TypeError) as error:
            if find_outage(error) is not None:
                raise
            raise StorageError(
                f"The record cannot be read to its end ({type(error).__name__}): it is damaged, or"
                " holds something that Pledge never writes."
            ) from None
        if page:
            yield page
        if len(page) < size:
            return
        after = key(page[-1])


async def list_versions(tx: Transaction, after_id: int, limit: int) -> list[AgreementVersion]:
    """The versions of all groups, by ascending id."""
    query = _page(select(agreement_versions), agreement_versions.c.id)
    found = await tx.execute(query, {"after": after_id, "page": limit})
    return [rows.version(row) for row in found.mappings()]


async def count_signatures(tx: Transaction) -> int:
    """How many signatures there are, and proofs of earlier ones."""
    there = (await tx.execute(select(func.count()).select_from(signatures))).scalar_one()
    return there + (await tx.execute(select(func.count()).select_from(proofs))).scalar_one()


async def list_witnessed(tx: Transaction, after_id: int, limit: int) -> list[Witnessed]:
    """Signatures with the entries they point at, by ascending id."""
    found = await tx.execute(_witnessed, {"after": after_id, "page": limit})
    return [_witness(row) for row in found.mappings()]


def _witness(row: RowMapping) -> Witnessed:
    # Words are taken as they stand, for one that is of no vocabulary is to be found as well.
    signature = Signature(**{name: value for name, value in row.items() if name not in _BESIDE})
    return Witnessed(
        signature=signature,
        text_sha256=row["text_sha256"],
        signed=_statement(row, "signed"),
        ended=_statement(row, "ended"),
    )


async def list_witnessed_proofs(tx: Transaction, after_id: int, limit: int) -> list[WitnessedProof]:
    """Proofs with the entries they point at, by ascending id."""
    found = await tx.execute(_witnessed_proofs, {"after": after_id, "page": limit})
    return [
        WitnessedProof(
            proof=Proof(**{name: value for name, value in row.items() if name not in _BESIDE}),
            text_sha256=row["text_sha256"],
            signed=_statement(row, "signed"),
            ended=_statement(row, "ended"),
        )
        for row in found.mappings()
    ]


def _statement(row: RowMapping, prefix: str) -> Statement | None:
    if row[f"{prefix}_kind"] is None:
        return None
    return Statement(**{name: row[f"{prefix}_{name}"] for name in _SAID})


async def list_unanswered(tx: Transaction, after: int, limit: int) -> list[tuple[int, str]]:
    """Position and kind of entries of signatures, and of their ends, that no signature has."""
    found = await tx.execute(_unanswered, {"after": after, "page": limit})
    return [(row[0], row[1]) for row in found]


async def list_silently_erased(tx: Transaction, after: int, limit: int) -> list[int]:
    """Positions of entries whose words are gone though no later entry says they were erased."""
    found = await tx.execute(_silent, {"after": after, "page": limit})
    return list(found.scalars())


async def list_shared(tx: Transaction, after: int, limit: int) -> list[int]:
    """Positions that more than one signature gives as that of its own entry."""
    return await _list_shared(tx, _columns.signed_position, after, limit)


async def list_shared_endings(tx: Transaction, after: int, limit: int) -> list[int]:
    """Positions that more than one signature gives as that of its end."""
    return await _list_shared(tx, _columns.revoked_position, after, limit)


async def list_shared_proofs(tx: Transaction, after: int, limit: int) -> list[int]:
    """Positions that more than one proof gives as that of the signing."""
    return await _list_shared(tx, _proven.signed_position, after, limit)


async def list_shared_proven_endings(tx: Transaction, after: int, limit: int) -> list[int]:
    """Positions that more than one proof gives as that of the end."""
    return await _list_shared(tx, _proven.revoked_position, after, limit)


async def list_claimed_twice(tx: Transaction, after: int, limit: int) -> list[int]:
    """Positions that a proof gives, and a signature as well."""
    both = exists().where(_columns.signed_position == _proven.signed_position)
    query = _page(select(_proven.signed_position), _proven.signed_position).where(both)
    return list((await tx.execute(query, {"after": after, "page": limit})).scalars())


async def _list_shared(tx: Transaction, column: Any, after: int, limit: int) -> list[int]:
    # Read off the column's index, in its order: nothing is sorted in memory.
    query = _page(select(column), column).group_by(column).having(func.count() > 1)
    return list((await tx.execute(query, {"after": after, "page": limit})).scalars())
