"""What a facilitator waits for in a large group: a list, one person, the overview, an export.

Run with `make bench`. Medians over several rounds, on both engines, beside what
is aimed at.
"""

import asyncio
import os
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from benchmarks.aims import Spent, median, show, watched
from benchmarks.crowd import GROUP, NOW, Crowd, member_of, open_crowd
from bot.documents import chart
from bot.documents.press import Press
from bot.domain.agreements import Standing
from bot.services import export, overview, records

MEMBERS = 100_000
ENTRIES = 1_000_000
PER_PAGE = 10
ANSWER_WITHIN = 50.0
EXPORT_WITHIN = 5_000.0
"""Milliseconds that are aimed at."""


async def questions(crowd: Crowd) -> None:
    """List pages, one person, and the overview, each after something else was written."""
    database = crowd.database

    async def ask(name: str, work: Callable[[], Awaitable[Any]]) -> None:
        spent = await median(
            work,
            between=lambda: records.put_mark(database, "bench", str(time.time())),
            elsewhere=crowd.server,
        )
        show(name, spent, ANSWER_WITHIN)

    def page(standing: Standing | None, number: int) -> Callable[[], Awaitable[Any]]:
        return lambda: records.list_standings(database, GROUP, standing, number, PER_PAGE, NOW)

    for name, standing, number in (
        ("everybody, first page", None, 0),
        ("everybody, middle page", None, MEMBERS // PER_PAGE // 2),
        ("signed, last page", Standing.SIGNED, MEMBERS),
        ("waiting, first page", Standing.WAITING, 0),
    ):
        await ask(f"list, {name}", page(standing, number))
    await ask("check", lambda: records.check_member(database, GROUP, member_of(777), NOW))
    await ask("overview, numbers and line", lambda: overview.look_over(database, GROUP, NOW))


async def write_out(crowd: Crowd) -> None:
    """An export: its time, how long it keeps the loop, and then by itself its peak of memory."""
    for form in ("csv", "json"):
        served = crowd.server()
        begin, used = time.perf_counter(), time.process_time()
        file = await export.write(crowd.database, GROUP, form, NOW, names={})
        wall, cpu = time.perf_counter() - begin, time.process_time() - used
        cpu += crowd.server() - served
        stall, _ = await watched(export.write(crowd.database, GROUP, form, NOW, names={}))
        tracemalloc.start()
        await export.write(crowd.database, GROUP, form, NOW, names={})
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        show(
            f"{form} of {file.people:,} people",
            Spent(wall=wall * 1000, cpu=cpu * 1000),
            EXPORT_WITHIN,
        )
        show("longest stall of the event loop", stall, None)
        size = len(file.content) / 2**20
        print(f"  {size:.1f} MiB ({file.ending}), peak of memory {peak / 2**20:.1f} MiB")


async def pictures() -> None:
    """Milliseconds of a chart in the worker, the first one apart, which starts it."""
    line = tuple((NOW - timedelta(hours=9 * n), 100_000 - 30 * n) for n in range(2_000, -1, -1))
    picture = chart.Picture(line=line, publishes=((1, line[0][0]),), steps=(120, 110, 100))
    press = Press()
    begin = time.perf_counter()
    await press.make(chart.draw, picture, "en")
    first = (time.perf_counter() - begin) * 1000
    later = await median(lambda: press.make(chart.draw, picture, "en"), rounds=5)
    await press.close()
    print(f"chart: {first:.0f} ms with the start of the worker, {later.wall:.0f} ms after that")


async def main(members: int, entries: int) -> None:
    """Print the figures."""
    for engine in ("sqlite", "postgresql"):
        begin = time.perf_counter()
        async with open_crowd(engine, members, entries) as crowd:
            built = time.perf_counter() - begin
            print(f"{engine}: {members:,} members, {entries:,} ledger entries ({built:.0f} s)")
            await questions(crowd)
            await write_out(crowd)
    await pictures()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    asyncio.run(main(*(numbers or (MEMBERS, ENTRIES))))
