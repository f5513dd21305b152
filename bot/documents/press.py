"""Makes files in a worker process, so that the bot stays answerable while it does.

A page takes a tenth of a second of pure computing. On the event loop nobody would be let in
meanwhile.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import parent_process
from typing import ParamSpec

P = ParamSpec("P")
REST_AFTER = 300.0
"""Seconds without work, after which the worker gives its memory back."""


class Press:
    """One worker process, started when a file is asked for and kept while more are.

    Args:
        rest_after: seconds without work after which it ends; the next file starts one anew.
    """

    def __init__(self, rest_after: float = REST_AFTER) -> None:
        self._rest_after = rest_after
        self._workers: ProcessPoolExecutor | None = None
        self._starting = asyncio.Lock()
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
        """
        self._stay()
        self._jobs += 1
        try:
            return await self._hand_over(function, *args, **kwargs)
        except BrokenProcessPool:
            # Somebody, or the lack of memory, killed the worker.
            await self.close()
            return await self._hand_over(function, *args, **kwargs)
        finally:
            self._jobs -= 1
            if not self._jobs:
                loop = asyncio.get_running_loop()
                self._resting = loop.call_later(self._rest_after, self._rest)

    async def _hand_over(
        self, function: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs
    ) -> bytes:
        async with self._starting:
            workers = self._workers
            if workers is None:
                # A fresh interpreter: a fork of this one would have its threads' locks.
                workers = self._workers = ProcessPoolExecutor(
                    max_workers=1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                )
            # Handing over the first one starts the process, which takes its time.
            job = await asyncio.to_thread(workers.submit, function, *args, **kwargs)
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


def _begin() -> None:
    # Ctrl-C reaches every process of a terminal; the bot itself decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_bot, name="pledge-press", daemon=True).start()


def _end_with_the_bot() -> None:
    # A bot that was killed cannot end its worker, which would wait for work for ever.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
