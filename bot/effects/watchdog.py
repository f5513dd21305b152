"""Notices requests to Discord that never come back, and has the process end then."""

import asyncio
import logging
import time
from collections.abc import Callable

import aiohttp
import discord
from discord.http import Route

from bot.domain.errors import TemporaryError
from bot.effects.timer import every
from bot.effects.worker import Worker

log = logging.getLogger(__name__)

PROBE_SECONDS = 60.0
PROBE_PATIENCE = 15 * 60.0
"""Discord.py tries a request five times, and each may take Discord 100 s to give up: nine minutes.
The probe waits for no limit but the one of the whole bot, and that is over in seconds."""

EFFECT_PATIENCE = 45 * 60.0
"""An effect is up to a dozen requests, and each may wait for a limit of its own as well."""


class StuckError(TemporaryError):
    """A request to Discord does not come back; a new start is the only cure."""


class Watchdog:
    """Looks once a minute whether requests still come back.

    In discord.py 2.7.1 one that is cancelled at the wrong moment can block all later ones. So no
    request is cancelled here either: when one is stuck, the whole process ends, and the outbox
    knows what was not done.

    Args:
        client: whose requests are watched.
        worker: whose effects in hand are watched.
        give_up: ends the process, for the reason given.
    """

    def __init__(
        self, client: discord.Client, worker: Worker, give_up: Callable[[TemporaryError], None]
    ) -> None:
        self._client = client
        self._worker = worker
        self._give_up = give_up
        self._probe: asyncio.Task[None] | None = None
        self._sent_at = 0.0

    def start(self) -> None:
        """Begin to look; the probes begin when the client is online."""
        self.watch.start()

    def stop(self) -> None:
        """Look no more. A probe on its way is left alone."""
        self.watch.cancel()

    @every(seconds=PROBE_SECONDS)
    async def watch(self) -> None:
        """One look."""
        if self._client.is_ready():
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """See what is stuck at `now`, in seconds of the monotonic clock; send the next probe."""
        waiting = self._probe is not None and not self._probe.done()
        if waiting and now - self._sent_at > PROBE_PATIENCE:
            self._give_up(StuckError("A request to Discord has not come back for a long time."))
        elif now - self._worker.oldest_in_hand(now) > EFFECT_PATIENCE:
            self._give_up(StuckError("Something to do in Discord has not come to an end."))
        elif not waiting:
            self._sent_at = now
            self._probe = asyncio.create_task(self._ask(), name="pledge-probe")

    async def _ask(self) -> None:
        try:
            await self._client.http.request(Route("GET", "/users/@me"))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            # It came back, and that is all that counts here.
            log.info("Discord answered the probe with %s", type(error).__name__)
