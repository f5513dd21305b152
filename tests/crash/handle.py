"""Starts the bot's process, talks to it, kills it, and waits until it has nothing left to do."""

import asyncio
import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.crash.points import Event, Point
from tests.crash.process import Acknowledged, Orders, State, run

ROOT = Path(__file__).parents[2]
DEADLINE = 120.0
"""Seconds after which something that must happen has not; far above what it takes."""
POLL = 0.005


class StuckError(AssertionError):
    """What had to happen did not."""


@contextlib.contextmanager
def forkserver() -> Iterator[None]:
    """A process that has everything imported; a fork of it is a bot in a fraction of a second."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.warm"])
    # The preloading process finds the tests wherever pytest was started from.
    with patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        multiprocessing.forkserver.ensure_running()
    try:
        yield
    finally:
        server: Any = multiprocessing.forkserver._forkserver
        server._stop()


async def until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `holds`, looking often; what takes `DEADLINE` seconds is not coming.

    Raises:
        StuckError: it did not come true.
    """
    deadline = time.monotonic() + DEADLINE
    while not await holds():
        if time.monotonic() > deadline:
            raise StuckError(f"waited {DEADLINE:.0f} s for: {what}")
        await asyncio.sleep(POLL)


class Bot:
    """One process of the bot."""

    def __init__(self, process: ForkServerProcess, pipe: Connection, orders: Orders) -> None:
        self.process = process
        self.orders = orders
        self.commits: list[Acknowledged] = []
        self._pipe = pipe

    @classmethod
    def start(cls, orders: Orders, die_at: Point | None = None) -> "Bot":
        context = multiprocessing.get_context("forkserver")
        ours: Any
        ours, theirs = context.Pipe()
        orders = replace(orders, die_at=die_at)
        process = context.Process(target=run, args=(orders, theirs), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours, orders)

    def kill(self) -> None:
        """End it as a power switch would; returns when the system says that it is gone."""
        if self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
        self.bury()

    def bury(self) -> None:
        """Read what a dead process still had to say, and let go of it."""
        self.process.join(DEADLINE)
        assert not self.process.is_alive(), "SIGKILL did not end it"
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                self.commits.append(self._pipe.recv())
        self._pipe.close()
        self.process.close()

    async def begin(self, die_at: Point | None) -> None:
        """Count from here, and die at that point when it comes."""
        await self._ask(("begin", die_at))

    async def events(self) -> list[Event]:
        """What has happened since counting began."""
        return await self._ask("events")

    async def state(self) -> State | None:
        """How far it is; None when it is dead."""
        return await self._ask("state")

    async def _ask(self, command: Any) -> Any:
        try:
            self._pipe.send(command)
            while True:
                await self._readable()
                answer = self._pipe.recv()
                if not isinstance(answer, Acknowledged):
                    return answer
                self.commits.append(answer)
        except (EOFError, ConnectionError):
            return None

    async def _readable(self) -> None:
        """Until the process says something, or is dead: then the pipe is closed at its end."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pipe.fileno(), arrived.set)
        try:
            await asyncio.wait_for(arrived.wait(), DEADLINE)
        except TimeoutError:
            raise StuckError("the bot does not answer") from None
        finally:
            loop.remove_reader(self._pipe.fileno())
