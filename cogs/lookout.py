"""Looks after Pledge itself: a clock that is wrong, and things that are stuck in the outbox."""

import logging

from discord.ext import commands

from bot.client import Pledge
from bot.domain.effects import AlarmKind, Facts
from bot.effects.timer import every
from bot.services import alarms

log = logging.getLogger(__name__)

LOOK_MINUTES = 5


class Lookout(commands.Cog):
    """Tells the moderators' channel, once, and says when it is over."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    async def cog_unload(self) -> None:
        """Stop the timer."""
        self.look.cancel()

    @commands.Cog.listener("on_ready")
    async def begin(self) -> None:
        """A new session."""
        if not self.look.is_running():
            self.look.start()

    @every(minutes=LOOK_MINUTES)
    async def look(self) -> None:
        """One look; the outbox only gets one after it has had time to work."""
        await self._look_at_clock()
        if self.look.rounds and self.client.outage.since is None:
            await self._look_at_outbox()
        self.client.effects.wake()

    async def _look_at_clock(self) -> None:
        client = self.client
        clock, now = client.clock, client.now()
        if clock.take_set_back():
            client.effects.forget_breaks()
            count = await alarms.pull_forward(client.database, now)
            log.warning("%d things were put off too long, as the clock was wrong", count)
        facts: Facts = {"minutes": abs(round(clock.ahead.total_seconds() / 60))}
        wrong = dict.fromkeys(client.groups, facts) if clock.is_wrong else {}
        kind = AlarmKind.CLOCK_WRONG
        if await alarms.switch(client.database, kind, wrong, client.groups, now):
            log.critical(
                "The clock of this computer differs from Discord's by %s. No signature ends by"
                " time until it is right again",
                clock.ahead,
            )

    async def _look_at_outbox(self) -> None:
        client = self.client
        stuck = await alarms.watch_outbox(client.database, client.groups, client.now())
        for group_key, kinds in stuck.items():
            log.error("Group %s: stuck for a quarter of an hour: %s", group_key, dict(kinds))


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Lookout(client))
