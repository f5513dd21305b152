"""The long form, with figures: `make torture`, or `python -m tests.crash`."""

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.crash.courses import Probe, faults, record_all, singles
from tests.crash.failpoints import Findings, run_probes
from tests.crash.handle import forkserver
from tests.crash.kill_loop import run_kill_loops
from tests.crash.power import cut_power, run_recorded

console = Console(highlight=False)
SIDE_BY_SIDE = 2


class Report:
    """The table of figures, and whether anything was wrong."""

    def __init__(self) -> None:
        self.table = Table("", "figure", title="Crashes")
        self.wrongs: list[str] = []

    def say(self, what: str, figure: object) -> None:
        self.table.add_row(what, str(figure))
        console.print(f"{what}: {figure}")

    def blame(self, wrongs: list[str]) -> int:
        self.wrongs += wrongs
        return len(wrongs)


def pairs_of(findings: Findings) -> list[Probe]:
    """Every crash followed by another one at each point of the start that mends the first."""
    return [
        replace(probe, second=point)
        for probe, events in findings.recoveries.items()
        for event in events
        for point in event.points()
    ]


async def failpoints(report: Report, folder: Path, rng: random.Random, most_pairs: int) -> None:
    courses = await record_all(folder / "undisturbed")

    async def run(what: str, probes: list[Probe]) -> Findings:
        done = await run_probes(courses, probes, folder / what.partition(",")[0])
        phases = done.by_phase()
        report.say(f"{what} / known", f"{len(done.met)} / {len(probes)}")
        report.say("  of them", ", ".join(f"{one}: {n}" for one, n in phases.items()))
        report.say("  worlds that came out otherwise", report.blame(done.differences))
        report.say("  not reached", report.blame(done.missed))
        report.say("  seconds", round(done.seconds))
        return done

    found = await run("failpoints, killed at", singles(courses, long=True))
    await run("faults of the connection, met", faults(courses, sample=False))
    pairs = pairs_of(found)
    picked = rng.sample(pairs, min(most_pairs, len(pairs)))
    twice = await run_probes(courses, picked, folder / "pairs")
    report.say("pairs of crashes, tried / known", f"{len(picked)} / {len(pairs)}")
    report.say("  worlds that came out otherwise", report.blame(twice.differences))
    # Which of two things side by side comes first can change what the second start has to do.
    report.say("  second point not reached", len(twice.missed))
    report.say("  seconds", round(twice.seconds))


async def kills(report: Report, folder: Path, seed: int, kills: int) -> None:
    seeds = range(seed, seed + SIDE_BY_SIDE)
    loops = await run_kill_loops(folder / "kills", seeds, kills // SIDE_BY_SIDE)
    for name in ("kills", "acts", "requests", "commits", "signatures", "withdrawals"):
        report.say(f"kill loop, {name}", sum(getattr(loop, name) for loop in loops))
    for name in ("lost", "unsigned", "duplicates", "other"):
        report.say(f"  {name}", sum(report.blame(getattr(loop, name)) for loop in loops))
    report.say("  seconds", round(max(loop.seconds for loop in loops)))


async def power(report: Report, folder: Path, seed: int, cuts: int) -> None:
    for synchronous in ("FULL", "NORMAL", "OFF"):
        place = folder / f"power-{synchronous}"
        place.mkdir()
        figures = await cut_power(run_recorded(place, cuts, synchronous), place, cuts, seed)
        is_ours = synchronous == "FULL"
        report.say(f"power cuts, synchronous={synchronous}", figures.cuts.total())
        report.say("  acknowledged in the run", figures.acknowledged)
        lost = report.blame(figures.lost) if is_ours else len(figures.lost)
        report.say("  cuts that lost something acknowledged", lost)
        broken = report.blame(figures.broken) if is_ours else len(figures.broken)
        report.say("  files that did not open or were damaged", broken)
        if not is_ours and not figures.lost:
            report.blame([f"synchronous={synchronous} lost nothing: the shim sees nothing"])


async def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture ARGS=…", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--pairs", type=int, default=2_000, help="pairs of crashes to try")
    parser.add_argument("--kills", type=int, default=2_000, help="random kills")
    parser.add_argument("--cuts", type=int, default=500, help="places at which the power fails")
    options = parser.parse_args()
    console.print(f"--seed {options.seed}")
    report, rng = Report(), random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="pledge-torture-"))
    with forkserver():
        await failpoints(report, folder, rng, options.pairs)
        await kills(report, folder, options.seed, options.kills)
        await power(report, folder, options.seed, options.cuts)
    console.print(report.table)
    for wrong in report.wrongs:
        console.print(wrong, style="red")
    if report.wrongs:
        console.print(f"What is left of it is in {folder}")
    return 1 if report.wrongs else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
