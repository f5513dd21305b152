"""Wherever the bot is killed or cut off, the world comes out as if it had not been."""

from pathlib import Path

import pytest

from tests.crash.courses import faults, record_all, singles
from tests.crash.failpoints import run_probes
from tests.crash.points import Phase
from tests.crash.scenario import LIFE, SCENARIOS

FIRST_STEPS = LIFE[:3]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_crash_at_every_commit_and_every_request_changes_nothing(
    name: str, tmp_path: Path
) -> None:
    courses = await record_all(tmp_path / "undisturbed", [SCENARIOS[name]])
    probes = [*singles(courses), *faults(courses, sample=True)]
    findings = await run_probes(courses, probes, tmp_path / "probes")
    assert findings.missed == []
    assert findings.differences == []
    assert len(findings.met) == len(probes)
    assert set(findings.by_phase()) == set(Phase)


@pytest.mark.parametrize(
    ("sabotage", "phase"),
    [
        ("forgets what was in hand", Phase.AFTER_COMMIT),
        ("says everything again", Phase.ANSWER_LOST),
    ],
)
async def test_the_harness_sees_a_bot_that(sabotage: str, phase: Phase, tmp_path: Path) -> None:
    courses = await record_all(tmp_path / "undisturbed", [FIRST_STEPS])
    probes = [
        probe
        for probe in singles(courses)
        if probe.course.step.name == "anna joins" and probe.point.phase is phase
    ]
    findings = await run_probes(courses, probes, tmp_path / "probes", sabotage=sabotage)
    assert findings.missed == []
    assert any("anna, messages" in line for line in findings.differences)
