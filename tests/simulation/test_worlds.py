"""Worlds made up by chance, hundreds here and thousands in the long form."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.conftest import LONG
from tests.simulation.machine import Worlds
from tests.simulation.truths import done

WORLDS, STEPS = (5_000, 100) if LONG else (200, 40)


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@pytest.fixture
def figures(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """The long form tells what happened in all these worlds."""
    yield
    if LONG:
        with capsys.disabled():
            figures = ", ".join(f"{count:,} {what}" for what, count in done.most_common())
            sys.stdout.write(f"\n{WORLDS:,} worlds of up to {STEPS} steps: {figures}\n")


@pytest.mark.usefixtures("figures")
def test_nobody_is_in_unsigned_and_nothing_is_lost(sqlite_template: Path) -> None:
    Worlds.template = sqlite_template
    run_state_machine_as_test(
        Worlds,
        settings=settings(
            max_examples=WORLDS,
            stateful_step_count=STEPS,
            derandomize=not LONG,
            database=None,
            deadline=None,
            print_blob=LONG,
            suppress_health_check=SLOW,
        ),
    )
