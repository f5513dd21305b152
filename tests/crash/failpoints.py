"""Disturbs the bot at every point of the scenarios, and compares the world that comes of it."""

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from pathlib import Path

from tests.crash.courses import Course, Probe, play, wrongs_of
from tests.crash.points import Event, Phase, Point
from tests.crash.view import differences, view_of
from tests.crash.world import World
from tests.doubles.discord_server import NONCE_WINDOW, DiscordServer

SIDE_BY_SIDE = 4
ATTEMPTS = 8
"""Of two things that run side by side either may be first, so a point can be passed by."""

LONGER_THAN_NONCES = 2 * NONCE_WINDOW


class End(StrEnum):
    """How a probe ended."""

    AS_UNDISTURBED = "the world is as if nothing had happened"
    OTHERWISE = "the world is another one"
    NOT_REACHED = "the bot did not come past the point"


@dataclass
class Findings:
    """What came of many probes."""

    met: list[Probe] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    recoveries: dict[Probe, tuple[Event, ...]] = field(default_factory=dict)
    seconds: float = 0.0

    def by_phase(self) -> dict[str, int]:
        phases = [probe.point.phase for probe in self.met]
        return {phase: phases.count(phase) for phase in sorted(set(phases))}


class _Waiting:
    """The probes that are still to be run, by the step they belong to."""

    def __init__(self, scenarios: Sequence[Sequence[Course]], probes: Sequence[Probe]) -> None:
        self._scenarios = scenarios
        self._of: dict[Course, list[tuple[Probe, int]]] = defaultdict(list)
        for probe in reversed(probes):
            self._of[probe.course].append((probe, 1))

    def chain(self) -> Sequence[Course]:
        """Steps that follow one another, from the first with anything to do; empty when done."""
        best: Sequence[Course] = ()
        for courses in self._scenarios:
            at = [number for number, course in enumerate(courses) if self._of[course]]
            if at and len(at) > sum(bool(self._of[course]) for course in best):
                best = courses[at[0] : at[-1] + 1]
        return best

    def take(self, course: Course) -> tuple[Probe, int] | None:
        return self._of[course].pop() if self._of[course] else None

    def put_back(self, probe: Probe, attempt: int) -> None:
        self._of[probe.course].insert(0, (probe, attempt + 1))


async def run_probes(
    scenarios: Sequence[Sequence[Course]],
    probes: Sequence[Probe],
    folder: Path,
    *,
    sabotage: str | None = None,
) -> Findings:
    """Run them all, in a few chains side by side, each with a world of its own.

    A world that came out as it should is where the next step begins, so a chain goes on there
    and disturbs the next one, with a bot that has been through it all. After anything else the
    next chain begins with a fresh copy of an undisturbed world.
    """
    findings, waiting = Findings(), _Waiting(scenarios, probes)
    numbers = count()
    began = time.monotonic()

    async def lane() -> None:
        async with DiscordServer() as server:
            while chain := waiting.chain():
                place = folder / f"chain-{next(numbers)}"
                world = World.restore(server, place, chain[0].before)
                world.sabotage = sabotage
                try:
                    is_fine = await _run_chain(world, chain, waiting, findings)
                finally:
                    world.kill()
                    await world.gone()
                if is_fine:
                    shutil.rmtree(place)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(SIDE_BY_SIDE):
            lanes.create_task(lane())
    findings.seconds = time.monotonic() - began
    return findings


async def _run_chain(
    world: World, chain: Sequence[Course], waiting: _Waiting, findings: Findings
) -> bool:
    """Disturb one step after the other; returns whether all came out as they should."""
    for number, course in enumerate(chain):
        taken = waiting.take(course)
        if (number and course.step.prepare is not None) or (taken is None and course.step.asleep):
            # A fresh copy costs less than to get there from here.
            if taken is not None:
                waiting.put_back(taken[0], taken[1] - 1)
            return True
        await _get_ready(world, course)
        if taken is None:
            await play(world, course.step)
            assert await world.settle(), f"{course.step.name}: the bot died by itself"
            continue
        probe, attempt = taken
        try:
            end = await _run_probe(world, probe, findings)
        except AssertionError as error:
            findings.differences.append(f"{probe}: {error}")
            return False
        if end is End.OTHERWISE:
            return False
        if end is End.NOT_REACHED:
            if attempt < ATTEMPTS:
                waiting.put_back(probe, attempt)
            else:
                findings.missed.append(str(probe))
            if probe.second is not None:
                return True
        world.forget_log()
    return True


async def _get_ready(world: World, course: Course) -> None:
    """The bot is away for a step that happens so, and there and at rest for any other."""
    if course.step.asleep:
        world.kill()
        await world.gone()
    elif world.bot is None:
        world.start()
        assert await world.settle()


async def _run_probe(world: World, probe: Probe, findings: Findings) -> End:
    step, point = probe.course.step, probe.point
    await play(world, step, point)
    lives = await world.settle()
    if lives if point.is_deadly else not world.was_cut_off:
        return End.NOT_REACHED
    if point.phase is Phase.ANSWER_LOST:
        # By the next start Discord does not know the nonce any more.
        world.let_time_pass(LONGER_THAN_NONCES)
    if not lives:
        await _restart(world, probe.second)
    if probe.second is not None:
        if await world.settle():
            return End.NOT_REACHED
        await _restart(world, None)
    findings.met.append(probe)
    assert await world.settle(), f"{probe}: died by itself"
    assert world.bot is not None
    if point.is_deadly:
        findings.recoveries[probe] = tuple(await world.bot.events())
    if step.again is not None:
        await step.again(world)
        assert await world.settle()
    was_unread = not point.is_deadly and point.event.what.startswith("GET ")
    if (was_unread or step.later) and not _is_as_before(probe, world):
        # What could not be read is read at the next look around, such as that of a start.
        world.let_time_pass(step.later)
        await _restart(world, None)
        assert await world.settle()
    found = wrongs_of(world) if point.is_deadly else [*world.wrongs, *world.server.surprises]
    found += differences(probe.course.after, view_of(world))
    findings.differences += [f"{probe}: {line}" for line in found]
    return End.OTHERWISE if found else End.AS_UNDISTURBED


def _is_as_before(probe: Probe, world: World) -> bool:
    return not differences(probe.course.after, view_of(world))


async def _restart(world: World, die_at: Point | None) -> None:
    world.kill()
    await world.gone()
    world.start(die_at)
