"""Measures how long something takes and keeps the event loop, and says it beside what is aimed at.

The clock on the wall tells what people wait on an idle machine; the time of the processors tells
the same of a busy one, on which every wait is longer than what it waits for.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROUNDS = 15
TICK = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Milliseconds, of the clock on the wall and of the processors."""

    wall: float
    cpu: float


def show(name: str, spent: Spent, aim: float | None) -> None:
    """Print one line, and how much of the aim (milliseconds) was used."""
    line = f"  {name:<36}{spent.wall:9.1f} ms, of the processors {spent.cpu:9.1f} ms"
    if aim is not None:
        wall, cpu = spent.wall / aim, spent.cpu / aim
        line += f"; aim {aim:,.0f} ms, ratio {wall:.2f}, of the processors {cpu:.2f}"
    print(line, flush=True)


def server_cpu(data: Path, name: str) -> Callable[[], float]:
    """What tells the seconds of the processors that a PostgreSQL server has used for us so far.

    What it does by itself, such as vacuuming and writing to the disk, is not counted.

    Args:
        data: its folder.
        name: of the database.
    """
    pid = int((data / "postmaster.pid").read_text().split()[0])
    server = psutil.Process(pid)

    def used() -> float:
        seconds = 0.0
        for child in server.children():
            # One that has just ended has not answered us.
            with contextlib.suppress(psutil.NoSuchProcess):
                # Each process of a server says in its title which database it answers for.
                if f" {name} [" in " ".join(child.cmdline()):
                    times = child.cpu_times()
                    seconds += times.user + times.system
        return seconds

    return used


async def median(
    work: Callable[[], Awaitable[Any]],
    *,
    rounds: int = ROUNDS,
    between: Callable[[], Awaitable[Any]] | None = None,
    elsewhere: Callable[[], float] = lambda: 0.0,
) -> Spent:
    """What one of several rounds takes, after one to warm up: the median.

    Of a server's processors it is the mean, because they are counted in hundredths of a second.

    Args:
        work: what is measured.
        rounds: how often.
        between: what happens before each round and is not measured.
        elsewhere: seconds of the processors that others have used for it.
    """
    await work()
    wall, cpu, served = list[float](), list[float](), 0.0
    for _ in range(rounds):
        if between is not None:
            await between()
        begin, used, theirs = time.perf_counter(), time.process_time(), elsewhere()
        await work()
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - used)
        served += elsewhere() - theirs
    ours = statistics.median(cpu) + served / rounds
    return Spent(wall=statistics.median(wall) * 1000, cpu=ours * 1000)


async def watched(work: Awaitable[Any]) -> tuple[Spent, Spent]:
    """The longest time the loop did not come round while this was done, and how long it took."""
    wall = cpu = 0.0

    async def tick() -> None:
        nonlocal wall, cpu
        before, used = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(TICK)
            now, spent = time.perf_counter(), time.thread_time()
            wall, cpu = max(wall, now - before - TICK), max(cpu, spent - used)
            before, used = now, spent

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(10 * TICK)
    wall = cpu = 0.0
    begin, used = time.perf_counter(), time.process_time()
    await work
    total = Spent(
        wall=(time.perf_counter() - begin) * 1000, cpu=(time.process_time() - used) * 1000
    )
    await asyncio.sleep(0)
    ticker.cancel()
    return Spent(wall=wall * 1000, cpu=cpu * 1000), total
