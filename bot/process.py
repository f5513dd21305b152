"""The process as its supervisor sees it: it is up, it is alive, it ends in time."""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
import traceback
from types import FrameType
from typing import Self

log = logging.getLogger(__name__)

EXIT_TRY_LATER = 75
"""`EX_TEMPFAIL` of sysexits.h: nothing is wrong here, and a supervisor may start us again."""

BEAT_SECONDS = 5.0
BLOCKED_SECONDS = 30.0
LONGEST_END_SECONDS = 60.0
"""For an orderly end: 20 s for what is in hand, the rest for Discord and the database. systemd
kills after 90."""


class Supervisor:
    """Tells systemd how we are, where it wants to know: the protocol of `sd_notify`.

    Args:
        address: what `NOTIFY_SOCKET` holds; None when nobody asks.
    """

    def __init__(self, address: str | None) -> None:
        # "@" stands for the zero byte with which names outside the file system begin.
        self._address = f"\0{address[1:]}" if address and address[0] == "@" else address

    def tell(self, state: str) -> None:
        """Send one line, such as `READY=1`; that nobody listens is no fault of ours."""
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.setblocking(False)
                line.sendto(state.encode(), self._address)
        except OSError as error:
            log.debug("The supervisor could not be told: %s", error)


class Heartbeat:
    """Beats while the event loop turns; a thread beside it says so in the log when it does not.

    Used as a context manager inside the running loop.

    Args:
        supervisor: is told of every beat, and restarts us when none comes.
        every: seconds between beats.
        patience: seconds without a beat after which the loop counts as blocked.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        every: float = BEAT_SECONDS,
        patience: float = BLOCKED_SECONDS,
    ) -> None:
        self._supervisor = supervisor
        self._every = every
        self._patience = patience
        self._beaten_at = time.monotonic()
        self._handle: asyncio.TimerHandle | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._beat()
        watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, args=(watched,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        if self._handle is not None:
            self._handle.cancel()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        self._beaten_at = time.monotonic()
        self._supervisor.tell("WATCHDOG=1")
        self._handle = asyncio.get_running_loop().call_later(self._every, self._beat)

    def _watch(self, watched: int) -> None:
        blocked_at: float | None = None
        while not self._ended.wait(self._every):
            beaten_at = self._beaten_at
            if blocked_at is not None and beaten_at != blocked_at:
                log.warning("It goes on after %.0f seconds", beaten_at - blocked_at)
                blocked_at = None
            if blocked_at is None and time.monotonic() - beaten_at > self._patience:
                blocked_at = beaten_at
                # Lines of code only: what the variables hold may be about people.
                stack = "".join(traceback.format_stack(_frame_of(watched)))
                log.warning(
                    "Nothing has moved for %.0f seconds. Stuck in:\n%s", self._patience, stack
                )


def _frame_of(thread: int) -> FrameType | None:
    return sys._current_frames().get(thread)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


class LastResort:
    """Ends the process the hard way when an orderly end takes too long.

    The outbox makes that safe: what was in hand is found by the next start.
    """

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def arm(self, seconds: float = LONGEST_END_SECONDS) -> None:
        """From now on there are so many seconds left; a second call changes nothing."""
        if self._timer is None:
            self._timer = threading.Timer(seconds, _end_now)
            self._timer.daemon = True
            self._timer.start()

    def disarm(self) -> None:
        """The end was orderly."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _end_now() -> None:
    log.critical("Ending took too long, so it ends now; the next start finishes what was in hand")
    logging.shutdown()
    os._exit(EXIT_TRY_LATER)
