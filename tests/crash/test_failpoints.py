"""Wherever the bot is killed or cut off, the world comes out as if it had not been."""

from pathlib import Path

import pytest

from tests.crash.case_steps import CASE
from tests.crash.courses import SCENARIOS, faults, record_all, singles
from tests.crash.failpoints import run_probes
from tests.crash.points import Phase
from tests.crash.scenario import LIFE

FIRST_STEPS = LIFE[:3]
UP_TO_THE_PAUSE = CASE[: [step.name for step in CASE].index("pausing") + 1]


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


async def test_the_harness_sees_a_bot_that_keeps_no_pause(tmp_path: Path) -> None:
    courses = await record_all(tmp_path / "undisturbed", [UP_TO_THE_PAUSE])
    probes = [
        probe
        for probe in singles(courses)
        if probe.course is courses[0][-1] and probe.point.phase is Phase.AFTER_COMMIT
    ]
    findings = await run_probes(courses, probes[:2], tmp_path / "probes", sabotage="keeps no pause")
    assert any("is inside during a pause" in line for line in findings.differences)
