"""Fuzzing guided by coverage, with Atheris: `make fuzz`, or `python -m tests.fuzz words`.

Atheris ends the process in which it runs, so each target has one of its own. What it finds stands
in the folder that is named, and belongs into a test of its own.
"""

import argparse
import importlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SECONDS = 60
"""For each target."""

LONGEST_INPUT = 4_096


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Feed one target for so long; ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["bot", "cogs", "yaml", "puremagic"]):
        from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={max(LONGEST_INPUT, *map(len, target.seeds))}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.feed)
    atheris.Fuzz()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Fuzz the targets that are named, or all; 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each target")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here is not None:
        fuzz(given.targets[0], given.seconds, given.here)
    if importlib.util.find_spec("atheris") is None:
        say("There is no Atheris for this Python here; tests/fuzz/test_targets.py runs without it.")
        return 1
    from tests.fuzz.targets import TARGETS

    wrong: list[str] = []
    for name in given.targets or TARGETS:
        folder = Path(tempfile.mkdtemp(prefix=f"pledge-fuzz-{name}-"))
        command = [sys.executable, "-m", "tests.fuzz", name, "--here", str(folder)]
        done = subprocess.run(
            [*command, "--seconds", str(given.seconds)], check=False, capture_output=True, text=True
        )
        runs = [
            line.split()[-1]
            for line in done.stderr.splitlines()
            if "stat::number_of_executed_units" in line
        ]
        say(f"{name}: {int(runs[-1]) if runs else 0:,} inputs in {given.seconds} s")
        if done.returncode:
            say(f"{name}: found something, kept in {folder}")
            said = [one for one in done.stderr.splitlines() if not one.startswith("INFO: Instr")]
            say("\n".join([done.stdout, *said]))
            wrong.append(name)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
