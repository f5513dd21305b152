"""Wherever the bot is killed, the world comes out as if it had not been."""

from pathlib import Path

import pytest

from tests.crash.failpoints import Course, Probe, record_courses, run_probes, singles
from tests.crash.points import Phase
from tests.crash.scenario import STEPS

FIRST_STEPS = STEPS[:3]


def of_step(courses: list[Course], name: str) -> list[Probe]:
    return [probe for probe in singles(courses) if probe.course.step.name == name]


async def test_a_crash_at_every_commit_and_every_request_changes_nothing(tmp_path: Path) -> None:
    probes = singles(await record_courses(tmp_path / "undisturbed"))
    findings = await run_probes(probes, tmp_path / "probes")
    assert findings.missed == []
    assert findings.differences == []
    assert len(findings.died) == len(probes)
    assert set(findings.by_phase()) == set(Phase)


@pytest.mark.parametrize(
    ("sabotage", "phase"),
    [
        ("forgets what was in hand", Phase.AFTER_COMMIT),
        ("says everything again", Phase.ANSWER_LOST),
    ],
)
async def test_the_harness_sees_a_bot_that(sabotage: str, phase: Phase, tmp_path: Path) -> None:
    courses = await record_courses(tmp_path / "undisturbed", steps=FIRST_STEPS)
    probes = [probe for probe in of_step(courses, "anna joins") if probe.point.phase is phase]
    findings = await run_probes(probes, tmp_path / "probes", sabotage=sabotage)
    assert findings.missed == []
    assert any("anna, messages" in line for line in findings.differences)
