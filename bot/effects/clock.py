"""The time, as far as it can be trusted: it does not run backwards, and Discord's is compared."""

import contextlib
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import discord

log = logging.getLogger(__name__)

SMALL_STEP = timedelta(minutes=5)
"""A clock set back by no more than this is waited for: nothing is recorded out of order."""

TOLERANCE = timedelta(minutes=5)
"""How far our clock and Discord's may be apart; an answer takes no longer than this."""


def elapsed() -> float:
    """Seconds that really went by, however the clock is set; also while the machine slept."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Clock:
    """The current instant, and whether to believe it.

    Args:
        read: the clock of this machine, aware.
        elapsed: seconds that really went by.
    """

    def __init__(
        self,
        read: Callable[[], datetime] = discord.utils.utcnow,
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        self._read = read
        self._elapsed = elapsed
        self._last: datetime | None = None
        self._was_set_back = False
        self._theirs: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The current instant; never before an earlier one, unless the clock was set back far.

        While our clock is wrong it is Discord's that counts: by a clock that is ahead, valid
        signatures would have run out.
        """
        ahead = self.ahead
        now = self._read() - (ahead if abs(ahead) > TOLERANCE else timedelta())
        if self._last is not None and now < self._last:
            if self._last - now <= SMALL_STEP:
                return self._last
            log.warning("The clock was set back by %s", self._last - now)
            self._was_set_back = True
        self._last = now
        return now

    def take_set_back(self) -> bool:
        """Whether the clock was set back far since this was last asked."""
        was, self._was_set_back = self._was_set_back, False
        return was

    def observe(self, theirs: datetime) -> None:
        """Discord has just said what time it is."""
        self._theirs = theirs, self._elapsed()

    @property
    def is_wrong(self) -> bool:
        """Whether our clock disagrees with Discord's, as far as Discord has told.

        One that was right and has jumped since counts, too.
        """
        return abs(self.ahead) > TOLERANCE

    @property
    def ahead(self) -> timedelta:
        """How far our clock is before Discord's; negative when it is behind."""
        if self._theirs is None:
            return timedelta()
        theirs, at = self._theirs
        return self._read() - (theirs + timedelta(seconds=self._elapsed() - at))

    def by_discord(self, at: datetime) -> datetime:
        """What Discord's clock said at an instant of ours, or a little before that."""
        ahead = self.ahead
        return at - ahead if abs(ahead) <= TOLERANCE else at

    def trace(self) -> aiohttp.TraceConfig:
        """Has every answer of Discord's compared: each carries the time in its `Date` header."""
        config = aiohttp.TraceConfig()

        async def read_date(_session: Any, _context: Any, params: Any) -> None:
            date = params.response.headers.get("Date", "")
            with contextlib.suppress(ValueError, TypeError):
                theirs = parsedate_to_datetime(date)
                if theirs.tzinfo is not None:
                    self.observe(theirs)

        config.on_request_end.append(read_date)
        return config
