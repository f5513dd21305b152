"""What a supervisor sees: READY, WATCHDOG, a log line when nothing moves, an end in time."""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.process import EXIT_TRY_LATER, Heartbeat, Supervisor

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[socket.socket]:
    """Where systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(10)
        yield line


async def test_supervisor_hears_every_beat(line: socket.socket) -> None:
    supervisor = Supervisor(line.getsockname())
    supervisor.tell("READY=1")
    with Heartbeat(supervisor, every=0.01):
        while True:
            await asyncio.sleep(0.01)
            line.setblocking(False)
            heard: list[bytes] = []
            with contextlib.suppress(BlockingIOError):
                heard.append(line.recv(100))
            if heard == [b"WATCHDOG=1"]:
                break


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "@pledge-nobody"])
def test_supervisor_that_is_not_there_is_no_fault(address: str | None) -> None:
    Supervisor(address).tell("READY=1")


def stand_still(entry: list[logging.LogRecord]) -> None:
    """Block the event loop until that was noticed."""
    deadline = time.monotonic() + 20
    while not entry and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)  # time enough to say it again, which nobody should


async def test_blocked_loop_is_logged_once_with_the_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Heartbeat(Supervisor(None), every=0.01, patience=0.05):
        stand_still(caplog.records)
        told = [entry.getMessage() for entry in caplog.records]
        async with asyncio.timeout(20):
            while len(caplog.records) < 2:  # noqa: ASYNC110 a thread writes it
                await asyncio.sleep(0.01)
    assert len(told) == 1
    assert "stand_still" in told[0]
    assert "It goes on" in caplog.records[-1].getMessage()


HANGS = """
import asyncio, threading
from bot.process import LastResort

async def main():
    LastResort().arm(0.2)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

asyncio.run(main())
"""


def test_end_that_takes_too_long_is_made_short() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS], cwd=ROOT, check=False, timeout=60, env=dict(os.environ)
    )
    assert done.returncode == EXIT_TRY_LATER
