"""Makes files in a worker process, so that the bot stays answerable while it does.

A page takes a tenth of a second of pure computing. On the event loop nobody would be let in
meanwhile.
"""

import asyncio
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import parent_process
from typing import ParamSpec

from bot.network import speak_to_nobody

P = ParamSpec("P")
REST_AFTER = 300.0
"""Seconds without work, after which the worker gives its memory back."""

LONGEST = 120.0
"""Seconds after which a file is given up: the longest that anybody asks for takes a tenth."""

MOST_MEMORY = 768 * 1024 * 1024
"""Bytes that the worker may have for itself. With the bot beside it, a container of 1 GB has room
for it."""


class GivenUpError(RuntimeError):
    """The worker was ended over a file: it took too long, or there was no memory for it."""


class Press:
    """One worker process, started when a file is asked for and kept while more are.

    It makes one file after the other, within limits of time and memory, and can reach no other
    computer: what it reads may come from anybody.

    Args:
        rest_after: seconds without work after which it ends; the next file starts one anew.
        longest: seconds after which a file is given up, and the worker with it.
    """

    def __init__(self, rest_after: float = REST_AFTER, longest: float = LONGEST) -> None:
        self._rest_after = rest_after
        self._longest = longest
        self._workers: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._jobs = 0
        self._resting: asyncio.TimerHandle | None = None

    async def make(
        self, function: Callable[P, bytes], /, *args: P.args, **kwargs: P.kwargs
    ) -> bytes:
        """What the function returns, computed in the worker.

        Args:
            function: stands at the top of a module; it must give the same again when called
                twice, for a worker that was killed is replaced once.
            args: what can be pickled, as can `kwargs`.
            kwargs: see `args`.

        Raises:
            GivenUpError: it took too long, or its worker was killed twice.
            MemoryError: it needed more than there is for it.
        """
        self._stay()
        self._jobs += 1
        try:
            # One worker has one in hand; what waits here is not lost with it.
            async with self._turn:
                return await self._make(function, *args, **kwargs)
        finally:
            self._jobs -= 1
            if not self._jobs:
                loop = asyncio.get_running_loop()
                self._resting = loop.call_later(self._rest_after, self._rest)

    async def _make(self, function: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs) -> bytes:
        began = time.monotonic()
        try:
            return await self._hand_over(function, *args, **kwargs)
        except BrokenProcessPool:
            await self.close()
            if time.monotonic() - began >= self._longest:
                raise GivenUpError from None
        # Somebody, or the lack of memory, killed the worker.
        try:
            return await self._hand_over(function, *args, **kwargs)
        except BrokenProcessPool:
            await self.close()
            raise GivenUpError from None

    async def _hand_over(
        self, function: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs
    ) -> bytes:
        workers = self._workers
        if workers is None:
            # A fresh interpreter: a fork of this one would have its threads' locks.
            workers = self._workers = ProcessPoolExecutor(
                max_workers=1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
            )
        # Handing over the first one starts the process, which takes its time.
        job = await asyncio.to_thread(
            workers.submit, _within, self._longest, function, *args, **kwargs
        )
        return await asyncio.wrap_future(job)

    async def close(self) -> None:
        """End the worker when it has finished what it has in hand; the next file starts one."""
        self._stay()
        workers, self._workers = self._workers, None
        if workers is not None:
            await asyncio.to_thread(workers.shutdown, cancel_futures=True)

    def _stay(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _rest(self) -> None:
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown(wait=False)


def _within(
    longest: float, function: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs
) -> bytes:
    # Nobody listens to this signal, so that it ends the process, whatever that is busy with.
    signal.setitimer(signal.ITIMER_REAL, longest)
    try:
        return function(*args, **kwargs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _begin() -> None:
    speak_to_nobody()
    # What draws charts would take 40 MB for each processor that it sees.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    most = MOST_MEMORY if most == resource.RLIM_INFINITY else min(most, MOST_MEMORY)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    # Ctrl-C reaches every process of a terminal; the bot itself decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_bot, name="pledge-press", daemon=True).start()


def _end_with_the_bot() -> None:
    # A bot that was killed cannot end its worker, which would wait for work for ever.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
