"""Timers go on whatever happens, and leave what is in hand alone."""

import asyncio
import logging

import pytest

from bot.domain.errors import RecordUnavailableError
from bot.effects.timer import Timer, apart, every


class Clockwork:
    """Counts its rounds; the first ones fail."""

    def __init__(self) -> None:
        self.faults: list[Exception] = []
        self.reached = asyncio.Event()

    @every(seconds=0.001)
    async def tick(self) -> None:
        if self.faults:
            raise self.faults.pop()
        if self.tick.rounds >= 5:
            self.reached.set()


async def test_timer_goes_on_after_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    clockwork, other = Clockwork(), Clockwork()
    clockwork.faults = [RecordUnavailableError(), ValueError("a fault of ours")]
    with caplog.at_level(logging.WARNING):
        clockwork.tick.start()
        clockwork.tick.start()
        async with asyncio.timeout(20):
            await clockwork.reached.wait()
    clockwork.tick.cancel()
    assert not clockwork.tick.is_running()
    assert [entry.exc_info[0] for entry in caplog.records if entry.exc_info] == [ValueError]
    assert other.tick.rounds == 0, "each instance has its own"


async def test_work_in_hand_is_not_cancelled() -> None:
    begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go.wait()
        done.set()

    timer = Timer(work, 0.001)
    timer.start()
    await begun.wait()
    timer.cancel()
    go.set()
    async with asyncio.timeout(20):
        await done.wait()
        assert timer._task is not None
        await timer._task
    assert timer.rounds == 1
    assert timer._handle is None


async def test_fault_of_one_part_is_logged_and_not_that_of_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(error: Exception) -> None:
        raise error

    await apart(fail(ValueError("a fault of ours")), "quiet-cove")
    assert "Group quiet-cove: fail failed; the next round tries again" in caplog.text
    with pytest.raises(RecordUnavailableError):
        await apart(fail(RecordUnavailableError()), "quiet-cove")
