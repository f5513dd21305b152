"""Worlds made up by chance, hundreds here and thousands in the long form."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.conftest import LONG
from tests.simulation.machine import Worlds
from tests.simulation.truths import done

WORLDS, STEPS = (5_000, 100) if LONG else (200, 40)
PARTS = 4
"""Each is a test of its own, with other worlds, so that they can run side by side."""

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_is_in_unsigned_and_nothing_is_lost(
    part: int, sqlite_template: Path, record_property: Callable[[str, object], None]
) -> None:
    Worlds.template = sqlite_template
    # The short form has the same worlds every time, the long form new ones. A seed belongs to a
    # class, so each part has its own.
    machine = Worlds if LONG else seed(part)(type(Worlds.__name__, (Worlds,), {}))
    done.clear()
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=WORLDS // PARTS,
                stateful_step_count=STEPS,
                derandomize=False,
                database=None,
                deadline=None,
                print_blob=LONG,
                suppress_health_check=SLOW,
            ),
        )
    finally:
        record_property("worlds", WORLDS // PARTS)
        record_property("steps", STEPS)
        record_property("figures", dict(done))
