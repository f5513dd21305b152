"""What a join and an acceptance cost, how fast Pledge starts, and whether memory grows.

Run with `make bench`. Medians over several rounds; ratios compare with a bare bot that sends
the same requests and records nothing.
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psutil

from benchmarks.world import CONFIG, Bench, bare, load_group, pledge
from bot import texts
from bot.domain.agreements import AgreementVersion, VersionState

ROUNDS = 5
PEOPLE = 40
SIZES = (0, 10_000, 100_000)


async def timed(work: Awaitable[Any]) -> tuple[Any, float, float]:
    """The result, and the CPU and wall time in milliseconds for each person."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    result = await work
    spent = (time.process_time() - cpu, time.perf_counter() - wall)
    return result, spent[0] * 1000 / PEOPLE, spent[1] * 1000 / PEOPLE


async def flow(open_world: Callable[[], Any]) -> dict[str, float]:
    """Medians of one kind of bot."""
    samples: dict[str, list[float]] = {}
    async with open_world() as bench:
        await warm_up(bench)
        for _ in range(ROUNDS):
            before = bench.commits
            people, cpu, wall = await timed(bench.join(PEOPLE))
            joined = bench.commits
            _, accept_cpu, accept_wall = await timed(bench.accept(people))
            figures = {
                "join cpu": cpu,
                "join wall": wall,
                "join commits": (joined - before) / PEOPLE,
                "accept cpu": accept_cpu,
                "accept wall": accept_wall,
                "accept commits": (bench.commits - joined) / PEOPLE,
            }
            for name, value in figures.items():
                samples.setdefault(name, []).append(value)
            bench.env.backend.transcript.clear()
            bench.env.backend.http_requests.clear()
    return {name: statistics.median(values) for name, values in samples.items()}


async def warm_up(bench: Bench) -> None:
    """Fill statement caches and import what is imported late."""
    await bench.accept(await bench.join(5))


def request_messages() -> list[str]:
    """The messages that Pledge sends for a join, for the bare bot to send too."""
    group = load_group()
    text = group.agreement
    version = AgreementVersion(
        id=1,
        group_key=group.key,
        number=1,
        state=VersionState.PUBLISHED,
        text=text.canonical(),
        sha256=text.sha256(),
        created_at=datetime.now(UTC),
    )
    return texts.request_messages(version, group.name, "✅", "❌")


async def memory(members: int) -> tuple[float, float]:
    """Python memory, in MiB, that Pledge keeps with so many members; and the resident size."""
    group = load_group()
    async with pledge() as bench:
        backend = bench.env.backend
        for number in range(members):
            user = backend.make_user(f"old-{number}")
            member = backend.add_member(group.guild_id, user.id)
            member.joined_at = "2020-01-01T00:00:00+00:00"
        backend.transcript.clear()
        gc.collect()
        tracemalloc.start()
        start, _ = tracemalloc.get_traced_memory()
        await bench.client.reconciler.sweep(  # type: ignore[attr-defined]
            bench.client.get_guild(group.guild_id), group
        )
        backend.transcript.clear()
        backend.http_requests.clear()
        gc.collect()
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return (kept - start) / 2**20, (peak - start) / 2**20


def start_up() -> float:
    """Seconds from nothing to a checked configuration, as the operator sees it."""
    spent = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        command = [sys.executable, "-m", "bot", "check", "--offline"]
        environment = {"PLEDGE_CONFIG": str(CONFIG), "PATH": "/usr/bin:/bin"}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent)


async def ready() -> float:
    """Seconds from opening the database to being ready on Discord, tables already there."""
    begin = time.perf_counter()
    async with pledge():
        return time.perf_counter() - begin


def main() -> None:
    """Print the figures."""
    if len(sys.argv) > 1:
        kept, peak = asyncio.run(memory(int(sys.argv[1])))
        rss = psutil.Process().memory_info().rss / 2**20
        print(f"{kept:.2f} {peak:.2f} {rss:.0f}")
        return
    messages = request_messages()
    ours, theirs = asyncio.run(flow(pledge)), asyncio.run(flow(lambda: bare(messages)))
    print(f"medians of {ROUNDS} rounds of {PEOPLE} people; milliseconds for each person")
    for step in ("join", "accept"):
        cpu, base = ours[f"{step} cpu"], theirs[f"{step} cpu"]
        print(
            f"{step:>7}: cpu {cpu:6.2f}, bare bot {base:6.2f}, Pledge's own {cpu - base:6.2f}"
            f" (ratio {cpu / base:4.2f}); wall {ours[f'{step} wall']:6.2f}"
            f" against {theirs[f'{step} wall']:6.2f}; {ours[f'{step} commits']:.2f} commits"
        )
    print(f"start-up: {start_up():.2f} s to a checked configuration, {asyncio.run(ready()):.2f} s")
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.acceptance", str(size)]
        kept, peak, rss = subprocess.check_output(command, text=True).split()
        print(
            f"memory: sweep of {size:>7,} members keeps {kept} MiB, peaks at {peak} MiB"
            f" (process with the simulator {rss} MiB)"
        )


if __name__ == "__main__":
    main()
