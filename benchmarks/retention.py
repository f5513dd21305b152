"""What a purge takes when a hundred thousand people are due at once, and how long others wait.

Run with `make bench`. Half of them declined and left, half signed, withdrew and left, years ago.
Medians over a few rounds, each on a database of its own, on both engines.
"""

import asyncio
import contextlib
import os
import statistics
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import insert

from benchmarks.aims import Spent, show, watched
from benchmarks.crowd import BEGIN, CONFIG, FACILITATOR, GROUP, KEYS, Crowd, member_of, open_filled
from bot.domain.agreements import Change, VersionState
from bot.domain.ledger import subject_of
from bot.domain.retention import RetentionTerms
from bot.keys import SUBJECT_KEY
from bot.services import forewarning, purging
from bot.settings import Settings
from bot.storage import versions
from bot.storage.database import Database, Transaction
from bot.storage.tables import agreement_versions, ledger_entries, signature_requests, signatures

AIM = 50.0
"""Milliseconds for which everybody else may have to wait."""

PEOPLE = 100_000
ROUNDS = 3
BATCH = 5_000
LATER = BEGIN + timedelta(days=1_500)
TERMS = RetentionTerms()
HASH = "c" * 64


async def fill(tx: Transaction, people: int) -> None:
    """People who are due: with odd numbers they signed and withdrew, with even ones declined."""
    agreement = Settings.load(CONFIG, {}).groups[0].agreement
    sha256, key = agreement.sha256(), KEYS.lookup(SUBJECT_KEY)
    await versions.add_group(tx, GROUP, 1, BEGIN)
    await tx.execute(
        insert(agreement_versions).values(
            id=1,
            group_key=GROUP,
            number=1,
            state=VersionState.PUBLISHED,
            text=agreement.canonical(),
            sha256=sha256,
            created_at=BEGIN,
            material_number=1,
            change=Change.FIRST,
            published_by=FACILITATOR,
            published_at=BEGIN,
        )
    )
    for start in range(1, people + 1, BATCH):
        numbers = range(start, min(start + BATCH, people + 1))
        await tx.execute(insert(signature_requests), [_request(n) for n in numbers])
        entries = [
            _entry(3 * n + place, kind, subject_of(key, member_of(n)))
            for n in numbers
            for place, kind in enumerate(
                ("requested", "signed", "withdrawn") if n % 2 else ("requested", "declined"), 1
            )
        ]
        await tx.execute(insert(ledger_entries), entries)
        signed = [_signature(n, sha256) for n in numbers if n % 2]
        await tx.execute(insert(signatures), signed)


def _request(number: int) -> dict[str, object]:
    return {
        "id": number,
        "group_key": GROUP,
        "member_id": member_of(number),
        "state": "signed" if number % 2 else "declined",
        "created_at": BEGIN,
        "version_id": 1,
        "message_id": number,
        "sent_at": BEGIN,
        "left_at": BEGIN + timedelta(days=1),
    }


def _entry(position: int, kind: str, subject: str) -> dict[str, object]:
    return {
        "position": position,
        "group_key": GROUP,
        "kind": kind,
        "recorded_at": BEGIN,
        "subject": subject,
        "commitment": HASH,
        "hash": HASH,
        "salt": HASH,
        "payload": '{"member_id":1}',
    }


def _signature(number: int, sha256: str) -> dict[str, object]:
    return {
        "id": number,
        "group_key": GROUP,
        "request_id": number,
        "member_id": member_of(number),
        "version_id": 1,
        "sha256": sha256,
        "receipt_number": f"R-{number}",
        "method": "reaction",
        "signed_at": BEGIN,
        "revoked_at": BEGIN,
        "revoke_reason": "withdrawn",
        "signed_position": 3 * number + 2,
        "revoked_position": 3 * number + 3,
    }


@dataclass(slots=True)
class Steps:
    """How many transactions wrote, and the one that took longest, in milliseconds."""

    count: int = 0
    wall: float = 0.0
    cpu: float = 0.0


async def purge(database: Database, steps: Steps) -> None:
    """All of it, as the bot does it in many rounds."""
    write = database.write

    @contextlib.asynccontextmanager
    async def timed() -> AsyncGenerator[Transaction]:
        begin, used = time.perf_counter(), time.process_time()
        async with write() as tx:
            yield tx
        steps.count += 1
        steps.wall = max(steps.wall, (time.perf_counter() - begin) * 1000)
        steps.cpu = max(steps.cpu, (time.process_time() - used) * 1000)

    database.write = timed
    gone = await purging.purge(database, GROUP, TERMS, LATER, steps=1_000_000)
    database.write = write
    assert gone.is_whole, gone


async def measure(crowd: Crowd) -> tuple[Spent, Spent, Spent, int]:
    """All of it, the longest transaction, the longest stall; and how many transactions."""
    database, steps = crowd.database, Steps()
    told_at = LATER - timedelta(days=8)
    assert await forewarning.warn(database, GROUP, TERMS, told_at)
    served = crowd.server()
    stall, total = await watched(purge(database, steps))
    total = replace(total, cpu=total.cpu + (crowd.server() - served) * 1000)
    async with database.read() as tx:
        left = await tx.execute(signature_requests.select().limit(1))
        assert left.all() == []
    return total, Spent(wall=steps.wall, cpu=steps.cpu), stall, steps.count


def middle(found: list[Spent]) -> Spent:
    """The median of each."""
    return Spent(
        wall=statistics.median(one.wall for one in found),
        cpu=statistics.median(one.cpu for one in found),
    )


async def main(people: int, rounds: int) -> None:
    """Print the figures."""
    for engine in ("sqlite", "postgresql"):
        found: list[tuple[Spent, Spent, Spent, int]] = []
        for _ in range(rounds):
            async with open_filled(engine, lambda tx: fill(tx, people)) as crowd:
                found.append(await measure(crowd))
        print(f"{engine}: {people:,} people due, in {found[0][3]:,} transactions")
        show("all of it", middle([one[0] for one in found]), None)
        show("longest transaction", middle([one[1] for one in found]), AIM)
        show("longest stall of the event loop", middle([one[2] for one in found]), AIM)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    asyncio.run(main(*(numbers or (PEOPLE, ROUNDS))))
