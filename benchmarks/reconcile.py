"""What comparing a large server with the record costs: requests, CPU, memory.

Run with `make bench`, or alone: `python -m benchmarks.reconcile MEMBERS WAITING`. One in ten of
the members holds the role without a signature and is kept as a member from before Pledge: more
work for the record than if they had signed. The simulator's own work is part of the CPU time.
"""

import asyncio
import gc
import math
import subprocess
import sys
import time
import tracemalloc

from benchmarks.world import Bench, load_group, pledge
from bot.client import Pledge

MEMBERS, WAITING = 100_000, 1_000
PAGE = 1_000
HOLDERS = 10


async def fill(bench: Bench, members: int, waiting: int) -> None:
    """People who were asked and wait, and members from before Pledge."""
    for start in range(0, waiting, 50):
        await bench.join(min(50, waiting - start))
        bench.env.backend.transcript.clear()
    backend, role = bench.env.backend, bench.guild.roles["member"]
    subscribers = list(backend.subscribers)
    backend.subscribers.clear()
    for number in range(members - len(backend.get_guild(bench.guild.id).members)):
        user = backend.make_user(f"old-{number}")
        member = backend.add_member(bench.guild.id, user.id)
        member.joined_at = "2020-01-01T00:00:00+00:00"
        if number % HOLDERS == 0:
            member.role_ids.append(role.id)
    backend.subscribers.extend(subscribers)
    backend.transcript.clear()
    backend.http_requests.clear()
    gc.collect()


async def measure(members: int, waiting: int, *, memory: bool) -> tuple[int, float, float]:
    """Requests, CPU seconds, and the growth of Python's memory at its peak in MiB."""
    async with pledge() as bench:
        client, group = bench.client, load_group()
        assert isinstance(client, Pledge)
        guild = client.get_guild(group.guild_id)
        assert guild is not None
        await fill(bench, members, waiting)
        guild._member_count = len(bench.env.backend.get_guild(guild.id).members)
        counts: dict[str, int] = {}
        original = client.http.request

        async def count(route, **options):  # type: ignore[no-untyped-def]
            counts[route.path] = counts.get(route.path, 0) + 1
            answer = await original(route, **options)
            bench.env.backend.transcript.clear()
            bench.env.backend.http_requests.clear()
            return answer

        client.http.request = count  # type: ignore[method-assign]
        if memory:
            tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        begin = time.process_time()
        await client.reconciler.catch_up(guild, group, client.now())
        spent = time.process_time() - begin
        peak = tracemalloc.get_traced_memory()[1] if memory else before
        tracemalloc.stop()
        return sum(counts.values()), spent, (peak - before) / 2**20


def main() -> None:
    """Print the figures; the least possible is one request a page and one a waiting person."""
    if sys.argv[3:]:
        # Alone in its process: tracing memory makes everything slower.
        members, waiting = int(sys.argv[1]), int(sys.argv[2])
        print(*asyncio.run(measure(members, waiting, memory=sys.argv[3] == "memory")))
        return
    members, waiting = (int(size) for size in (sys.argv[1:] or [MEMBERS, WAITING]))
    least = math.ceil((members + 1) / PAGE) + waiting
    (requests, spent, _), (_, _, peak) = (
        _alone(members, waiting, what) for what in ("time", "memory")
    )
    print(
        f"reconcile of {members:,} members and {waiting:,} waiting: {int(requests)} requests"
        f" (least possible {least}, ratio {requests / least:.3f}), {spent:.1f} s CPU with the"
        f" simulator, memory grows by {peak:.1f} MiB at its peak"
    )


def _alone(members: int, waiting: int, what: str) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "benchmarks.reconcile", str(members), str(waiting), what]
    requests, spent, peak = subprocess.check_output(command, text=True).split()
    return float(requests), float(spent), float(peak)


if __name__ == "__main__":
    main()
