"""Fills every table of a database with awkward values, and reads every one back."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import (
    Connection,
    LargeBinary,
    Table,
    Text,
    insert,
    make_url,
    select,
    text,
    type_coerce,
)

from bot.domain.agreements import Change, Method, RequestState, RevokeReason, VersionState
from bot.domain.breaches import CaseEvent, CaseState, Clause, LetterKind, Side
from bot.domain.case_clocks import Clock, Stage
from bot.domain.effects import AlarmKind, EffectKind, EffectState
from bot.domain.entitlement import Office
from bot.domain.invitations import Audience, Kind
from bot.storage import migrations
from bot.storage.database import Database, _sqlite_engine
from bot.storage.tables import UTCDateTime, Word, metadata, operator_keys
from tests.factories import KEYS
from tests.storage.test_schema import ROWS_OF_0001

LARGEST = 2**63 - 1
MARKER = "marigold-lantern-harbour"
BYTES = MARKER.encode() + bytes(range(256)) + b"\0"
AWKWARD = f"{MARKER} 'quoted' \"twice\" \\n \n\t 🫂 e\u0301 \u202e ✅\ufe0f %s :name $1"
INSTANTS = (
    datetime(1000, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_998, tzinfo=UTC),
)
Rows = dict[str, list[dict[str, Any]]]

# What the constraints of a table ask for, by row: the full one, and the one with every gap.
_FULL: dict[str, dict[str, Any]] = {
    "agreement_versions": {"state": VersionState.PUBLISHED, "change": Change.MATERIAL},
    "signature_requests": {"state": RequestState.SENT},
    "signatures": {
        "method": Method.ATTESTED,
        "revoke_reason": RevokeReason.WITHDRAWN,
        "signed_at": INSTANTS[1],
        "signed_after": INSTANTS[0],
    },
    "proofs": {
        "method": Method.REACTION,
        "signed_at": INSTANTS[1],
        "signed_after": INSTANTS[0],
    },
    "effects": {"kind": EffectKind.REPORT, "state": EffectState.DONE},
    "alarms": {"kind": AlarmKind.ROLE_GONE},
    "invitations": {"audience": Audience.EVERYBODY},
    "invited": {"kind": Kind.OTHER},
    "breach_cases": {"state": CaseState.CLOSED, "clause": Clause.COVERED},
    "breach_timeline": {"kind": CaseEvent.NOTED, "side": Side.MODERATOR},
    "breach_letters": {"kind": LetterKind.QUESTION, "side": Side.REPORTER},
    "suspensions": {"provisional": 1},
    "breach_calls": {"reached": 1},
    "case_reminders": {"clock": Clock.FIRST_LOOK, "stage": Stage.BEFORE},
    "officers": {"office": Office.MODERATOR},
    "operator_keys": {"is_newest": 1},
}
_SPARSE: dict[str, dict[str, Any]] = {
    "agreement_versions": {"state": VersionState.DRAFT},
    "signature_requests": {"state": RequestState.QUEUED},
    # Of somebody who has no request: nothing is known there of what they signed.
    "signatures": {"method": Method.BUTTON, "member_id": 2},
    "proofs": {"method": Method.BUTTON},
    "effects": {"kind": EffectKind.ASK, "state": EffectState.PENDING},
    "alarms": {"kind": AlarmKind.TWO_FACTOR},
    "invitations": {"audience": Audience.MEMBERS},
    "invited": {"kind": Kind.MEMBER},
    "breach_cases": {"state": CaseState.OPEN, "clause": Clause.UNSURE},
    "breach_timeline": {"kind": CaseEvent.REPORTED, "side": Side.PLEDGE},
    "breach_letters": {"kind": LetterKind.HEARING, "side": Side.ACCUSED},
    "suspensions": {"provisional": 0},
    "case_reminders": {"clock": Clock.APPEAL, "stage": Stage.AT},
    "officers": {"office": Office.ESCALATION},
}


def _full(table: Table, number: int) -> dict[str, Any]:
    """A value in every column, none of them a tame one."""
    row: dict[str, Any] = {}
    for place, column in enumerate(table.columns):
        key = next(iter(column.foreign_keys), None)
        if key is not None:
            row[column.name] = "full" if key.column.name == "key" else LARGEST - 2
        elif column.name in {"sha256", "commitment", "hash"}:
            row[column.name] = f"{number:x}" * 64
        elif isinstance(column.type, UTCDateTime):
            row[column.name] = INSTANTS[(place + number) % len(INSTANTS)]
        elif isinstance(column.type, Word | Text):
            row[column.name] = AWKWARD
        elif isinstance(column.type, LargeBinary):
            row[column.name] = BYTES
        elif column.primary_key:
            row[column.name] = LARGEST - 2
        else:
            small = type(column.type).__name__ == "Integer"
            row[column.name] = 2**31 - 1 if small else LARGEST - number
    if table.name == "groups":
        row["key"] = "full"
    return row | _FULL.get(table.name, {})


def _sparse(table: Table) -> dict[str, Any]:
    """No value where none is needed, and the smallest ones where they are."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.nullable:
            row[column.name] = None
        elif column.foreign_keys:
            key = next(iter(column.foreign_keys)).column.name
            row[column.name] = "" if key == "key" else 1
        elif column.name in {"sha256", "commitment", "hash"}:
            row[column.name] = "0" * 64
        elif isinstance(column.type, UTCDateTime):
            row[column.name] = INSTANTS[0]
        elif isinstance(column.type, Word | Text):
            row[column.name] = ""
        elif isinstance(column.type, LargeBinary):
            row[column.name] = b""
        else:
            row[column.name] = 1 if column.primary_key else 0
    return row | _SPARSE.get(table.name, {})


async def fill(database: Database) -> None:
    """Two rows in every table: one with a value in each column, one with each gap allowed."""
    async with database.write() as tx:
        await tx.execute(operator_keys.delete())
        for number, table in enumerate(metadata.sorted_tables, 1):
            await tx.execute(insert(table).values(_sparse(table)))
            await tx.execute(insert(table).values(_full(table, number % 15)))


async def read_all(database: Database) -> Rows:
    """Every value of every row, in a fixed order."""
    found: Rows = {}
    async with database.read() as tx:
        for table in metadata.sorted_tables:
            columns = [
                type_coerce(c, Text()).label(c.name) if isinstance(c.type, Word) else c
                for c in table.columns
            ]
            query = select(*columns).order_by(*table.primary_key.columns)
            found[table.name] = [dict(row) for row in (await tx.execute(query)).mappings()]
    return found


async def read_revision(database: Database) -> str:
    async with database.read() as tx:
        return (await tx.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()


async def make_old(path: Path) -> None:
    """A database as the first version of Pledge left it."""
    rows = ROWS_OF_0001.replace("0" * 64, hashlib.sha256(b"{}").hexdigest())

    def begin(connection: Connection) -> None:
        config = migrations.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in rows.split(";"):
            connection.execute(text(statement))

    engine = _sqlite_engine(make_url(f"sqlite:///{path}"), KEYS)
    async with engine.begin() as connection:
        await connection.run_sync(begin)
    await engine.dispose()


def nobody(_done: int, _total: int) -> None:
    """Watches no progress."""


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
