"""Kills the bot at every point of the scenario, and compares the world that comes of it."""

import asyncio
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from pathlib import Path

from tests.crash.handle import StuckError
from tests.crash.points import Event, Point
from tests.crash.scenario import STEPS, Step
from tests.crash.view import View, differences, view_of
from tests.crash.world import Snapshot, World
from tests.doubles.discord_server import DiscordServer

SIDE_BY_SIDE = 3
ATTEMPTS = 3
"""Of two things that run side by side either may be first, so a point can be passed by."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One step as it goes when nobody interferes: from where, with what, to where."""

    step: Step
    before: Snapshot
    events: tuple[Event, ...]
    after: View

    def points(self) -> list[Point]:
        return [point for event in self.events for point in event.points()]


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One run of one step with a crash, and perhaps another one in the start after it."""

    course: Course
    point: Point
    second: Point | None = None

    def __str__(self) -> str:
        then = f", then {self.second}" if self.second else ""
        return f"{self.course.step.name}: {self.point}{then}"


class End(StrEnum):
    """How a probe ended."""

    AS_UNDISTURBED = "the world is as if nothing had happened"
    OTHERWISE = "the world is another one"
    NOT_REACHED = "the bot did not come past the point"


@dataclass
class Findings:
    """What came of many probes."""

    died: list[Probe] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    recoveries: dict[Probe, tuple[Event, ...]] = field(default_factory=dict)
    deduplicated: int = 0
    seconds: float = 0.0

    def by_phase(self) -> dict[str, int]:
        phases = [probe.point.phase for probe in self.died]
        return {phase: phases.count(phase) for phase in sorted(set(phases))}


async def record_courses(folder: Path, *, steps: Sequence[Step] = STEPS) -> list[Course]:
    """Play the scenario undisturbed."""
    courses: list[Course] = []
    async with DiscordServer() as server:
        world = World.build(server, folder)
        try:
            for step in steps:
                if step.asleep:
                    world.kill()
                    await world.gone()
                before = world.snapshot()
                if step.asleep:
                    await step.act(world)
                    world.start()
                else:
                    await world.begin(None)
                    await step.act(world)
                assert await world.settle(), f"{step.name}: the bot died by itself"
                assert world.bot is not None
                events = await world.bot.events()
                world.check_gate()
                wrongs = [*world.wrongs, *server.surprises, *world.errors()]
                assert wrongs == [], step.name
                courses.append(Course(step, before, tuple(events), view_of(world)))
        finally:
            world.kill()
    return courses


def singles(courses: Iterable[Course]) -> list[Probe]:
    """One probe for each point of each step that is looked at."""
    return [
        Probe(course, point)
        for course in courses
        if course.step.looked_at
        for point in course.points()
    ]


async def run_probes(
    probes: Sequence[Probe], folder: Path, *, sabotage: str | None = None
) -> Findings:
    """Run them all, a few side by side; each has a world of its own."""
    findings, waiting = Findings(), [(probe, 1) for probe in reversed(probes)]
    numbers = count()
    began = time.monotonic()

    async def lane() -> None:
        async with DiscordServer() as server:
            while waiting:
                probe, attempt = waiting.pop()
                place = folder / f"probe-{next(numbers)}"
                world = World.restore(server, place, probe.course.before)
                world.sabotage = sabotage
                try:
                    end = await _run_probe(world, probe, findings)
                except StuckError as error:
                    findings.differences.append(f"{probe}: {error}")
                    end = End.OTHERWISE
                finally:
                    world.kill()
                    await world.gone()
                if end is not End.OTHERWISE:
                    shutil.rmtree(place)
                if end is End.NOT_REACHED and attempt < ATTEMPTS:
                    waiting.insert(0, (probe, attempt + 1))
                elif end is End.NOT_REACHED:
                    findings.missed.append(str(probe))
            findings.deduplicated += server.deduplicated

    async with asyncio.TaskGroup() as lanes:
        for _ in range(SIDE_BY_SIDE):
            lanes.create_task(lane())
    findings.seconds = time.monotonic() - began
    return findings


async def _run_probe(world: World, probe: Probe, findings: Findings) -> End:
    step = probe.course.step
    if step.asleep:
        await step.act(world)
        world.start(probe.point)
    else:
        world.start()
        assert await world.settle()
        await world.begin(probe.point)
        await step.act(world)
    if await world.settle():
        return End.NOT_REACHED
    await _restart(world, probe.second)
    if probe.second is not None:
        if await world.settle():
            return End.NOT_REACHED
        await _restart(world, None)
    findings.died.append(probe)
    assert await world.settle(), f"{probe}: died by itself"
    assert world.bot is not None
    findings.recoveries[probe] = tuple(await world.bot.events())
    if step.again is not None:
        await step.again(world)
        assert await world.settle()
    world.check_gate()
    found = [*world.wrongs, *world.server.surprises, *world.errors()]
    found += differences(probe.course.after, view_of(world))
    findings.differences += [f"{probe}: {line}" for line in found]
    return End.OTHERWISE if found else End.AS_UNDISTURBED


async def _restart(world: World, die_at: Point | None) -> None:
    world.kill()
    await world.gone()
    world.start(die_at)
