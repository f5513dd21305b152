"""Does something again and again, whatever the clock of the computer is set to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self, overload

from bot.domain.errors import RecordUnavailableError

log = logging.getLogger(__name__)


class Timer:
    """Does its work, waits, and does it again.

    discord.py's own loops wait for a time of day: a clock that is set back by a day would stop them
    for a day, one set forward would make them run without a pause. Nor may their work be cancelled
    while it asks Discord something. What the work raises is logged, and the next round tries again.

    Args:
        work: what to do.
        seconds: how long to wait after each round.
    """

    def __init__(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        self.work = work
        self.seconds = seconds
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_running = False
        self.rounds = 0
        """How many have been finished."""

    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._is_running

    def start(self) -> None:
        """Begin with the first round at once; more starts change nothing."""
        if not self._is_running:
            self._is_running = True
            self._begin()

    def cancel(self) -> None:
        """Begin no further round; one in hand is left to end by itself."""
        self._is_running = False
        if self._handle is not None:
            self._handle.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._round(), name="pledge-timer")

    async def _round(self) -> None:
        try:
            await self.work()
        except RecordUnavailableError:
            pass  # whoever noticed it has said so
        except Exception:
            log.exception("A timer's work failed; the next round tries again")
        self.rounds += 1
        if self._is_running:
            self._handle = asyncio.get_running_loop().call_later(self.seconds, self._begin)


async def apart(part: Coroutine[Any, Any, object], group_key: str = "") -> None:
    """One part of a round: what it raises is logged, and the round goes on with the next part.

    Args:
        part: what to do.
        group_key: for which group; empty if for all.

    Raises:
        RecordUnavailableError: the whole round has to wait for the record.
    """
    try:
        await part
    except RecordUnavailableError:
        raise
    except Exception:
        of = f"Group {group_key}: " if group_key else ""
        log.exception("%s%s failed; the next round tries again", of, part.__name__.strip("_"))


class every:  # noqa: N801 used as a decorator
    """Makes a method without arguments a `Timer` of each instance.

    Args:
        seconds: how long to wait after each round.
        minutes: the same, in minutes.
    """

    def __init__(self, *, seconds: float = 0, minutes: float = 0) -> None:
        self._seconds = seconds + 60 * minutes

    def __call__(self, method: Callable[[Any], Awaitable[None]]) -> "TimerOf":
        """Decorate."""
        return TimerOf(method, self._seconds)


class TimerOf:
    """What `every` leaves in the class; each instance gets its own `Timer` on first use."""

    def __init__(self, method: Callable[[Any], Awaitable[None]], seconds: float) -> None:
        self._method = method
        self._seconds = seconds
        self._name = method.__name__

    @overload
    def __get__(self, owner: None, _type: type) -> Self: ...

    @overload
    def __get__(self, owner: object, _type: type) -> Timer: ...

    def __get__(self, owner: Any, _type: type) -> Self | Timer:
        if owner is None:
            return self
        timer = owner.__dict__.get(self._name)
        if timer is None:
            timer = Timer(lambda: self._method(owner), self._seconds)
            owner.__dict__[self._name] = timer
        return timer
