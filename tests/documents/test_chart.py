"""The picture of a group: whatever there is to draw, it is a picture, and nothing stays behind."""

import os
import struct
from datetime import timedelta
from pathlib import Path

import pytest

from bot.documents.chart import Picture, draw
from tests.factories import NOW

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(SIGNATURE)
    assert png.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def ago(**parts: float) -> timedelta:
    return timedelta(**parts)


@pytest.mark.parametrize(
    "picture",
    [
        Picture(line=(), publishes=(), steps=(0, 0, 0)),
        Picture(line=(), publishes=((1, NOW),), steps=(3, 2, 0)),
        Picture(line=((NOW, 1),), publishes=((1, NOW),), steps=(1, 1, 1)),
        Picture(line=((NOW, 40), (NOW, 40)), publishes=((1, NOW),), steps=(40, 40, 40)),
        Picture(line=((NOW - ago(days=1), 1), (NOW, 0)), publishes=(), steps=(5, 5, 0)),
        Picture(
            line=tuple((NOW - ago(hours=9 * n), 100_000 - 20 * n) for n in range(4_000, -1, -1)),
            publishes=tuple((n, NOW - ago(days=1_500 - 30 * n)) for n in range(1, 41)),
            steps=(120_000, 110_000, 100_000),
        ),
        # Published again after the last of the line, as by a clock that was put back.
        Picture(line=((NOW, 2),), publishes=((1, NOW + ago(days=3)),), steps=(2, 2, 2)),
    ],
    ids=["nothing", "nobody", "one", "at-once", "all-gone", "large", "later"],
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_whatever_there_is_becomes_a_picture(picture: Picture, language: str) -> None:
    png = draw(picture, language)
    assert size_of(png) == (1032, 768)
    assert len(png) < 400_000


def test_drawing_leaves_no_files_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    draw(Picture(line=((NOW, 1),), publishes=(), steps=(1, 1, 1)), "en")
    assert list(tmp_path.rglob("*")) == []
    assert "MPLCONFIGDIR" not in os.environ
