"""The rows of a whole database: counted, copied from engine to engine, and set back to a past."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from bot.domain.breaches import CaseState
from bot.domain.effects import EffectKind, EffectState
from bot.domain.errors import StorageError
from bot.domain.ledger import Head, LedgerKind
from bot.storage import cases, ledger, versions
from bot.storage.backup_file import TAKEN_AT
from bot.storage.case_tables import breach_cases, breach_letters, breach_timeline
from bot.storage.database import Transaction
from bot.storage.tables import (
    Word,
    agreement_versions,
    alarms,
    effects,
    groups,
    invitations,
    ledger_entries,
    marks,
    metadata,
    operator_keys,
    signature_requests,
    signatures,
    sweeps,
)

BATCH = 500
"""Rows that are in memory at a time."""

SKIPPED_IDS = 1_000_000
"""How far row numbers jump when a past is put back.

What was numbered after the backup is forgotten here, but not in Discord: a message of then must
not be taken for one of now.
"""

_UNFINISHED = (EffectState.PENDING, EffectState.RUNNING, EffectState.HELD)
_ONLY_TOLD = (EffectKind.NOTICE, EffectKind.ALARM, EffectKind.REPORT, EffectKind.LETTER)
_numbered = [
    table for table in metadata.sorted_tables if table.dialect_options["sqlite"]["autoincrement"]
]
_instants = (
    groups.c.created_at,
    agreement_versions.c.created_at,
    agreement_versions.c.published_at,
    signature_requests.c.created_at,
    signature_requests.c.sent_at,
    signature_requests.c.answered_at,
    signatures.c.signed_at,
    signatures.c.revoked_at,
    effects.c.finished_at,
    ledger_entries.c.recorded_at,
    breach_timeline.c.at,
)
"""Instants that lie in the past when they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a database holds, in numbers.

    `rows` leaves out the names of the keys, which say nothing. `taken_at` is the age of a backup;
    `newest_at` the last instant that anything was written down.
    """

    rows: int
    groups: int
    versions: int
    signatures: int
    in_force: int
    head: Head
    newest_at: datetime | None
    taken_at: datetime | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that could be lost."""
        return self.rows == 0


async def count_rows(tx: Transaction) -> dict[str, int]:
    """How many rows each table has."""
    return {
        table.name: (await tx.execute(select(func.count()).select_from(table))).scalar_one()
        for table in metadata.sorted_tables
    }


async def look(tx: Transaction) -> Contents:
    """Sum up what is there.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        return await _look(tx)
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        raise StorageError(f"The database cannot be read: {reason}") from None


async def _look(tx: Transaction) -> Contents:
    counts = await count_rows(tx)
    in_force = select(func.count()).where(signatures.c.revoked_at.is_(None))
    newest = [(await tx.execute(select(func.max(column)))).scalar_one() for column in _instants]
    taken_at = await versions.find_mark(tx, TAKEN_AT)
    return Contents(
        rows=sum(counts.values()) - counts[operator_keys.name],
        groups=counts[groups.name],
        versions=counts[agreement_versions.name],
        signatures=counts[signatures.name],
        in_force=(await tx.execute(in_force)).scalar_one(),
        head=await ledger.find_head(tx),
        newest_at=max((at for at in newest if at is not None), default=None),
        taken_at=datetime.fromisoformat(taken_at) if taken_at else None,
    )


async def copy_rows(
    source: Transaction, target: Transaction, progress: Callable[[int, int], None]
) -> dict[str, int]:
    """Copy every row into tables of the same version that are empty, exactly as it is.

    Args:
        source: a transaction that sees one moment.
        target: a transaction that may write.
        progress: is told how many rows are done, and of how many.

    Returns:
        How many rows each table got.
    """
    counts = await count_rows(source)
    # What opening the target wrote there; the keys that the rows need come with them.
    await target.execute(delete(operator_keys))
    done, total = 0, sum(counts.values())
    for table in metadata.sorted_tables:
        # A word that this version does not know any more is a fact all the same.
        types = {
            column.name: Text() if isinstance(column.type, Word) else column.type
            for column in table.columns
        }
        columns = [table.c[name].label(name) for name in types]
        rows = await source.stream(
            select(*columns).order_by(*table.primary_key.columns),
            execution_options={"yield_per": BATCH},
        )
        put = insert(table).values(
            {name: bindparam(f"to_{name}", type_=kind) for name, kind in types.items()}
        )
        async for page in rows.mappings().partitions():
            await target.execute(put, [{f"to_{k}": v for k, v in row.items()} for row in page])
            done += len(page)
            progress(done, total)
    await _number_on(target, await _last_numbers(source))
    return counts


async def clear(tx: Transaction) -> None:
    """Empty every table of a PostgreSQL database, the ledger and the cases' timelines too.

    Row by row those would refuse. Whatever fails later in the transaction undoes it.
    """
    names = ", ".join(table.name for table in metadata.sorted_tables)
    await tx.execute(text(f"TRUNCATE {names}"))


async def set_back(tx: Transaction, now: datetime) -> datetime:
    """Make a backup the present: it has gaps to be filled, and repeats nothing blindly.

    - Every group is compared with Discord as if Pledge were new there, and nobody's role is taken
      before that.
    - Roles, requests and the panel follow the record, so they stay to be done; requests as ones
      that may have been sent. What only told somebody something is old news and is dropped, and
      alarms are given again when their cause is still there.
    - Letters to the parties of a case that may have been sent since are not sent again: they wait
      in `/breach mine`. What stands for the cases in the moderators' channel is brought in step,
      and whoever is left to take a case is called, at the worst once more. A number that a
      lost case may have had is given to no other.
    - An invitation stops: since the backup it may have asked people whom its list still holds.

    Args:
        tx: the open transaction, on a copy of the backup.
        now: the current instant.

    Returns:
        Up to which instant the record knows what happened.
    """
    contents = await look(tx)
    known_until = contents.taken_at or contents.newest_at or now
    await tx.execute(delete(marks).where(marks.c.name == TAKEN_AT))
    await tx.execute(
        update(groups).values(
            # A past that was put back and never compared is older still.
            restored_from=func.coalesce(
                groups.c.restored_from, literal(known_until, groups.c.restored_from.type)
            ),
            adopted_at=None,
        )
    )
    await tx.execute(delete(sweeps))
    await tx.execute(update(alarms).where(alarms.c.closed_at.is_(None)).values(closed_at=now))
    is_running = and_(invitations.c.started_at.is_not(None), invitations.c.finished_at.is_(None))
    await tx.execute(
        update(invitations)
        .where(is_running, invitations.c.stopped_at.is_(None))
        .values(stopped_at=now)
    )
    await _set_back_cases(tx, now)
    unfinished = update(effects).where(effects.c.state.in_(_UNFINISHED))
    await tx.execute(
        unfinished.where(effects.c.kind.in_(_ONLY_TOLD)).values(
            state=EffectState.DROPPED, outcome="restored", finished_at=now
        )
    )
    await tx.execute(
        unfinished.where(effects.c.kind.not_in(_ONLY_TOLD)).values(
            state=EffectState.PENDING,
            attempts=case((effects.c.attempts < 1, 1), else_=effects.c.attempts),
            tried_at=None,
            due_at=now,
        )
    )
    facts = {"known_until": known_until, "head": str(contents.head)}
    await ledger.append(tx, None, LedgerKind.RESTORED, facts, now)
    numbers = await _last_numbers(tx)
    await _number_on(tx, {name: last + SKIPPED_IDS for name, last in numbers.items()})
    return known_until


async def _set_back_cases(tx: Transaction, now: datetime) -> None:
    letters = breach_letters.c
    await tx.execute(
        update(breach_letters)
        .where(letters.delivered_at.is_(None), letters.undelivered_at.is_(None))
        .values(undelivered_at=now)
    )
    shown = select(breach_cases.c.id).where(
        breach_cases.c.purged_at.is_(None),
        or_(
            breach_cases.c.state != CaseState.CLOSED, breach_cases.c.notice_message_id.is_not(None)
        ),
    )
    for group_key in (
        (await tx.execute(select(groups.c.key).order_by(groups.c.key))).scalars().all()
    ):
        await cases.skip_numbers(tx, group_key)
    for case_id in (await tx.execute(shown.order_by(breach_cases.c.id))).scalars().all():
        await cases.request_notice(tx, await cases.get(tx, case_id), now)


async def _last_numbers(tx: Transaction) -> dict[str, int]:
    """The highest row number ever given in each table that gives numbers."""
    if tx.dialect.name == "sqlite":
        found = {row[0]: row[1] for row in await tx.execute(_SQLITE_NUMBERS)}
        return {table.name: found.get(table.name, 0) for table in _numbered}
    return {
        table.name: (await tx.execute(_POSTGRES_NUMBER, {"name": table.name})).scalar_one() or 0
        for table in _numbered
    }


async def _number_on(tx: Transaction, numbers: dict[str, int]) -> None:
    """Have the next row of each table get the number after this one."""
    for name, last in numbers.items():
        if tx.dialect.name == "sqlite":
            await tx.execute(_FORGET_SQLITE_NUMBER, {"name": name})
            await tx.execute(_SET_SQLITE_NUMBER, {"name": name, "last": last})
        else:
            await tx.execute(_SET_POSTGRES_NUMBER, {"name": name, "next": last + 1})


_SQLITE_NUMBERS = text("SELECT name, seq FROM sqlite_sequence")
_FORGET_SQLITE_NUMBER = text("DELETE FROM sqlite_sequence WHERE name = :name")
_SET_SQLITE_NUMBER = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
_POSTGRES_NUMBER = text(
    "SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, 'id')::regclass)"
)
_SET_POSTGRES_NUMBER = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :next, false)")
