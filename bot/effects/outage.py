"""When the record cannot be written: says so, and waits until it can."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import aiohttp
import discord

from bot import texts
from bot.domain.effects import AlarmKind, nonce_of
from bot.domain.errors import InUseError, RecordUnavailableError, StorageError
from bot.effects.languages import locale_of
from bot.effects.places import find_channel
from bot.services import alarms
from bot.settings import Group
from bot.storage.database import Database
from bot.texts.catalogue import speaking

log = logging.getLogger(__name__)

FIRST_LOOK_SECONDS = 2.0
LONGEST_LOOK_SECONDS = 60.0

TELL_AFTER = timedelta(seconds=10)
"""A server that is restarted is back by then, and nobody needs to know."""


class Outage:
    """A full or read-only disk, or a server that is away.

    Meanwhile no decision is taken: each needs a transaction, and every transaction fails. The
    people who press something are told so there and then; what nobody could be told of, such as
    reactions, is read back from Discord afterwards.

    Args:
        client: whose rights are used.
        database: the open database.
        groups: the configured groups.
        clock: gives the current instant.
        on_end: called when the record can be written again.
        on_lost: called when another process has taken over the database.
    """

    def __init__(
        self,
        client: discord.Client,
        database: Database,
        groups: Mapping[str, Group],
        clock: Callable[[], datetime],
        on_end: Callable[[], None],
        on_lost: Callable[[InUseError], None],
    ) -> None:
        self._client = client
        self._database = database
        self._groups = groups
        self._clock = clock
        self._on_end = on_end
        self._on_lost = on_lost
        self.since: datetime | None = None
        self._was_told = False
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.Task[None] | None = None
        self._messages: set[asyncio.Task[None]] = set()
        self._stopped = False

    def notice(self, error: StorageError) -> None:
        """The database could not be used. Only the first time is there something to say."""
        if isinstance(error, InUseError):
            self._on_lost(error)
        elif self.since is None and not self._stopped:
            self.since = self._clock()
            log.critical(
                "%s. Nothing is decided until that is mended; then Pledge goes on by itself", error
            )
            self._look_in(FIRST_LOOK_SECONDS)

    async def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._look is not None and not self._look.done():
            await asyncio.wait([self._look], timeout=FIRST_LOOK_SECONDS)

    def _look_in(self, seconds: float) -> None:
        if not self._stopped:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._begin_look, seconds)

    def _begin_look(self, waited: float) -> None:
        self._look = asyncio.create_task(self._try(waited), name="pledge-outage")

    async def _try(self, waited: float) -> None:
        since = self.since or self._clock()
        try:
            await self._database.reconnect()
            await alarms.try_to_write(self._database)
            now = self._clock()
            await alarms.record_outage(
                self._database, self._groups, since, now, tell=self._was_told
            )
        except RecordUnavailableError:
            self._still_away(since, waited)
        except Exception:
            log.exception("Whether the record can be written could not be tried; trying again")
            self._still_away(since, waited)
        else:
            log.warning("The record can be written again, after %s", now - since)
            self.since, self._was_told = None, False
            self._on_end()

    def _still_away(self, since: datetime, waited: float) -> None:
        if not self._was_told and self._clock() - since >= TELL_AFTER:
            self._was_told = True
            for group in self._groups.values():
                task = asyncio.create_task(self._tell(group, since), name="pledge-outage-notice")
                self._messages.add(task)
                task.add_done_callback(self._messages.discard)
        self._look_in(min(waited * 2, LONGEST_LOOK_SECONDS))

    async def _tell(self, group: Group, since: datetime) -> None:
        """Write to the moderators' channel without the outbox.

        The one exception to "nothing is done in Discord that is not first in the database": there
        is no database to put it into, and somebody must know.
        """
        guild = self._client.get_guild(group.guild_id)
        channel = find_channel(guild, group.channels.moderators) if guild else None
        if channel is None:
            return
        with speaking(locale_of(self._client, group)):
            content = texts.alarm(group.name, AlarmKind.RECORD_UNAVAILABLE, {})
        nonce = nonce_of(int(since.timestamp()), 0, content)
        try:
            await channel.send(content, nonce=nonce)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.warning("Group %s could not be told: %s", group.key, type(error).__name__)
