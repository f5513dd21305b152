"""Lets go, once a day, of what every group has kept for long enough."""

import logging
import random
from datetime import timedelta

from discord.ext import commands

from bot.client import Pledge
from bot.domain.retention import RetentionTerms
from bot.effects.timer import apart, every
from bot.services import forewarning, purging, servers

log = logging.getLogger(__name__)

LOOK_MINUTES = 5
DAILY = timedelta(days=1)
JITTER = 0.1
"""A day is this much longer or shorter, so that groups do not all come at once."""


class Retention(commands.Cog):
    """Tells facilitators of what goes, and removes it when its time is up."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    async def cog_unload(self) -> None:
        """Stop the timer."""
        self.let_go.cancel()

    @commands.Cog.listener("on_ready")
    async def begin(self) -> None:
        """A new session: whatever became due before it goes now."""
        if not self.let_go.is_running():
            self.let_go.start()

    @every(minutes=LOOK_MINUTES)
    async def let_go(self) -> None:
        """One group after the other, in steps that leave room for others."""
        client = self.client
        if client.clock.is_wrong or client.outage.since is not None:
            return
        terms = {key: group.retention.terms for key, group in client.groups.items()}
        for key, group in client.groups.items():
            # Before anything goes: the bot may be back since the record noted that it was not.
            there = client.get_guild(group.guild_id) is not None
            await servers.record_server(client.database, key, client.now(), there=there)
        for key in await servers.note_unconfigured(client.database, terms, client.now()):
            # Nobody says any more how long: as long as where nothing is said.
            terms[key] = RetentionTerms()
        for key, kept in terms.items():
            await apart(self._let_go_of(key, kept), key)
        client.effects.wake()

    async def _let_go_of(self, group_key: str, terms: RetentionTerms) -> None:
        client = self.client
        database, now = client.database, client.now()
        await forewarning.warn(database, group_key, terms, now)
        later = DAILY * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        gone = await purging.run_daily(database, group_key, terms, now, now + later)
        if gone is not None and gone.total:
            log.info("Group %s: kept for long enough, and gone: %s", group_key, gone)


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Retention(client))
