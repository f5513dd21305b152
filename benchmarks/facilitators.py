"""What a facilitator waits for in a large group: a list, one person, the overview, an export.

Run with `make bench`. Medians over several rounds, on both engines.
"""

import asyncio
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from benchmarks.crowd import GROUP, NOW, member_of, open_crowd
from bot.documents import chart
from bot.documents.press import Press
from bot.domain.agreements import Standing
from bot.services import export, overview, records
from bot.storage.database import Database

MEMBERS = 100_000
ENTRIES = 1_000_000
ROUNDS = 15
PER_PAGE = 10


async def median(work: Callable[[], Awaitable[Any]], rounds: int = ROUNDS) -> float:
    """Milliseconds, of several rounds after one to warm up."""
    await work()
    spent = []
    for _ in range(rounds):
        begin = time.perf_counter()
        await work()
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent) * 1000


async def questions(database: Database) -> None:
    """List pages, one person, and the overview."""

    def page(standing: Standing | None, number: int) -> Callable[[], Awaitable[Any]]:
        return lambda: records.list_standings(database, GROUP, standing, number, PER_PAGE, NOW)

    for name, standing, number in (
        ("everybody, first page", None, 0),
        ("everybody, middle page", None, MEMBERS // PER_PAGE // 2),
        ("signed, last page", Standing.SIGNED, MEMBERS),
        ("waiting, first page", Standing.WAITING, 0),
    ):
        print(f"  list, {name:<25}{await median(page(standing, number)):8.1f} ms")
    check = await median(lambda: records.check_member(database, GROUP, member_of(777), NOW))
    print(f"  {'check':<31}{check:8.1f} ms")
    look = await median(lambda: overview.look_over(database, GROUP, NOW))
    print(f"  {'overview, numbers and line':<31}{look:8.1f} ms")


async def write_out(database: Database) -> None:
    """Seconds of an export, and then its peak of memory, which is measured by itself."""
    for form in ("csv", "json"):
        begin = time.perf_counter()
        file = await export.write(database, GROUP, form, NOW, names={})
        spent = time.perf_counter() - begin
        tracemalloc.start()
        await export.write(database, GROUP, form, NOW, names={})
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        size = len(file.content) / 2**20
        print(
            f"  {form} of {file.people:,} people: {spent:.2f} s, {size:.1f} MiB ({file.ending}),"
            f" peak of memory {peak / 2**20:.1f} MiB"
        )


async def pictures() -> None:
    """Milliseconds of a chart in the worker, the first one apart, which starts it."""
    line = tuple((NOW - timedelta(hours=9 * n), 100_000 - 30 * n) for n in range(2_000, -1, -1))
    picture = chart.Picture(line=line, publishes=((1, line[0][0]),), steps=(120, 110, 100))
    press = Press()
    begin = time.perf_counter()
    await press.make(chart.draw, picture, "en")
    first = (time.perf_counter() - begin) * 1000
    later = await median(lambda: press.make(chart.draw, picture, "en"), 5)
    await press.close()
    print(f"chart: {first:.0f} ms with the start of the worker, {later:.0f} ms after that")


async def main(members: int, entries: int) -> None:
    """Print the figures."""
    for engine in ("sqlite", "postgresql"):
        begin = time.perf_counter()
        async with open_crowd(engine, members, entries) as database:
            built = time.perf_counter() - begin
            print(f"{engine}: {members:,} members, {entries:,} ledger entries ({built:.0f} s)")
            await questions(database)
            await write_out(database)
    await pictures()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    asyncio.run(main(*(numbers or (MEMBERS, ENTRIES))))
