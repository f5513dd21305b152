"""The scenarios as they go when nobody interferes: what the others are compared with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.case_steps import CASE, REMINDER
from tests.crash.points import Event, Point
from tests.crash.scenario import ERASED, LIFE, PAST, PURGED, YEAR, Step
from tests.crash.view import View, view_of
from tests.crash.world import Snapshot, World
from tests.doubles.discord_server import DiscordServer

Scenario = Sequence[Step]
SCENARIOS: dict[str, Scenario] = {
    "life": LIFE,
    "year": YEAR,
    "past": PAST,
    "erased": ERASED,
    "purged": PURGED,
    "case": CASE,
    "reminder": REMINDER,
}


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One step as it goes when nobody interferes: from where, with what, to where."""

    step: Step
    before: Snapshot
    events: tuple[Event, ...]
    after: View

    def points(self) -> list[Point]:
        """Every place to be killed at."""
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


async def record_all(
    folder: Path, scenarios: Iterable[Scenario] = tuple(SCENARIOS.values())
) -> list[list[Course]]:
    """Play every scenario undisturbed."""
    return [
        await _record(folder / f"scenario-{number}", steps)
        for number, steps in enumerate(scenarios)
    ]


async def _record(folder: Path, steps: Scenario) -> list[Course]:
    courses: list[Course] = []
    async with DiscordServer() as server:
        world = World.build(server, folder)
        try:
            for step in steps:
                if step.asleep:
                    world.kill()
                    await world.gone()
                if step.prepare is not None:
                    await step.prepare(world)
                before = world.snapshot()
                await play(world, step)
                assert await world.settle(), f"{step.name}: the bot died by itself"
                assert world.bot is not None
                events = await world.bot.events()
                assert wrongs_of(world) == [], step.name
                assert step.shows(world), f"{step.name}: it came to nothing"
                courses.append(Course(step, before, tuple(events), view_of(world)))
        finally:
            world.kill()
    return courses


async def play(world: World, step: Step, point: Point | None = None) -> None:
    """Do what the step says, with a point to be killed or cut off at; the bot is as it needs."""
    if step.asleep:
        await step.act(world)
        world.start(point)
    else:
        await world.begin(point)
        await step.act(world)


def wrongs_of(world: World) -> list[str]:
    """What must never be, wherever one looks."""
    world.check_gate()
    world.check_heads()
    world.check_cases()
    return [*world.wrongs, *world.server.surprises, *world.errors()]


def singles(scenarios: Iterable[Iterable[Course]], *, long: bool = False) -> list[Probe]:
    """One probe for each point of each step that is looked at, here or in the long form."""
    return [
        Probe(course, point)
        for courses in scenarios
        for course in courses
        if course.step.looked_at and (long or not course.step.in_long_form)
        for point in course.points()
    ]


def faults(scenarios: Iterable[Iterable[Course]], *, sample: bool) -> list[Probe]:
    """A fault of the connection for each request of each step that is looked at.

    Args:
        scenarios: the courses.
        sample: one of the ways to fail for each request, taken in turn; of a start, each
            request is taken once, wherever it is made.
    """
    probes: list[Probe] = []
    known: set[str] = set()
    for course in (course for courses in scenarios for course in courses if course.step.looked_at):
        for event in course.events:
            points = event.faults()
            if not points or (sample and course.step.asleep and event.what in known):
                continue
            known.add(event.what)
            ways = [points[len(probes) % len(points)]] if sample else points
            probes += [Probe(course, point) for point in ways]
    return probes
