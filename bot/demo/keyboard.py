"""Reads what a person types without holding up the bot."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncGenerator

CHUNK = 1024


@contextlib.asynccontextmanager
async def listen() -> AsyncGenerator["asyncio.Queue[str | None]"]:
    """The lines typed from now on, in lower case and without blanks around; None ends them.

    A thread of its own waits for them, as not every system can wait for a terminal in the event
    loop. It reads the descriptor itself: a thread that waits inside `sys.stdin` keeps Python
    from ending.
    """
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        rest = b""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            while chunk := _read(descriptor):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    word = line.decode(errors="replace").strip().lower()
                    loop.call_soon_threadsafe(lines.put_nowait, word)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="pledge-keyboard", daemon=True).start()
    yield lines


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except OSError:  # the terminal was closed
        return b""
