"""Files for the tests of the settings."""

from pathlib import Path

import pytest

from tests.settings.samples import AGREEMENT, CONFIG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a working configuration, pledge.yaml, and its agreement.yaml."""
    (tmp_path / "pledge.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "agreement.yaml").write_text(AGREEMENT, encoding="utf-8")
    return tmp_path
