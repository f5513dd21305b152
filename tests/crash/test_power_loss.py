"""What was acknowledged is still there when the power comes back."""

from pathlib import Path

import pytest

from tests.crash.power import FILE, Cut, cut_power, run_recorded
from tests.crash.vfs import Kind

PEOPLE, CUTS, SEED = 200, 40, 20260301
FEW_CUTS = 10


async def test_nothing_acknowledged_is_lost_when_the_power_fails(tmp_path: Path) -> None:
    entries = run_recorded(tmp_path, PEOPLE)
    figures = await cut_power(entries, tmp_path, CUTS, SEED)
    checkpoints = [one for one in entries if one.kind is Kind.SYNC and one.name == FILE]
    assert len(checkpoints) > 2, "the WAL was never worked off, so that was not tried"
    assert figures.lost == []
    assert figures.broken == []
    assert figures.cuts == dict.fromkeys(Cut, CUTS)
    assert figures.syncs >= figures.acknowledged > PEOPLE


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
async def test_the_shim_sees_what_is_lost_without_syncs(synchronous: str, tmp_path: Path) -> None:
    entries = run_recorded(tmp_path, PEOPLE, synchronous)
    figures = await cut_power(entries, tmp_path, FEW_CUTS, SEED)
    assert figures.lost != []
