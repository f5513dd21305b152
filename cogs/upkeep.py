"""Keeps Pledge in step with its servers: at start, after each new session, and on a timer."""

import asyncio
import logging

import discord
from discord.ext import commands, tasks

from bot.client import Pledge
from bot.domain.effects import AlarmKind, EffectKind
from bot.effects import find_problem
from bot.effects.places import can_post
from bot.services import members, outbox
from bot.settings import Group

log = logging.getLogger(__name__)

ROLE_ALARMS = (AlarmKind.ROLE_GONE, AlarmKind.ROLE_TOO_HIGH)
SWEEP_MINUTES = 60
LAPSE_MINUTES = 5


class Upkeep(commands.Cog):
    """Looks after groups without being asked."""

    def __init__(self, client: Pledge) -> None:
        self.client = client
        self._catching_up = asyncio.Lock()

    async def cog_unload(self) -> None:
        """Stop the timers."""
        self.sweep.cancel()
        self.end_lapsed.cancel()

    @commands.Cog.listener("on_ready")
    async def begin(self) -> None:
        """A new session: whatever happened before it was not told."""
        await self.client.effects.start()
        for timer in (self.sweep, self.end_lapsed):
            if not timer.is_running():
                timer.start()
        await self._catch_up_everywhere()

    @commands.Cog.listener("on_guild_available")
    async def look_after_returned_server(self, guild: discord.Guild) -> None:
        """A server came back after an outage."""
        await self._catch_up_in(guild)

    @commands.Cog.listener("on_guild_join")
    async def look_after_new_server(self, guild: discord.Guild) -> None:
        """The bot was added to a server."""
        await self._catch_up_in(guild)

    @commands.Cog.listener("on_guild_role_create")
    @commands.Cog.listener("on_guild_role_delete")
    async def look_at_role(self, role: discord.Role) -> None:
        """A role came or went: what was held may go on, or may not."""
        await self._look_after(role.guild)

    @commands.Cog.listener("on_guild_role_update")
    async def look_at_changed_role(self, _before: discord.Role, after: discord.Role) -> None:
        """A role was moved or has other permissions."""
        await self._look_after(after.guild)

    @commands.Cog.listener("on_guild_channel_create")
    @commands.Cog.listener("on_guild_channel_delete")
    async def look_at_channel(self, channel: discord.abc.GuildChannel) -> None:
        """A channel came or went."""
        await self._look_after(channel.guild)

    @commands.Cog.listener("on_guild_channel_update")
    async def look_at_changed_channel(
        self, _before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """A channel was renamed or has other permissions."""
        await self._look_after(after.guild)

    @tasks.loop(minutes=SWEEP_MINUTES)
    async def sweep(self) -> None:
        """Find what no event told of."""
        if self.sweep.current_loop:
            await self._catch_up_everywhere()

    @tasks.loop(minutes=LAPSE_MINUTES)
    async def end_lapsed(self) -> None:
        """End signatures that ran out, in steps that leave room for others."""
        client = self.client
        try:
            while await members.end_lapsed(client.database, client.groups, client.now()):
                client.effects.wake()
        except Exception:
            # discord.py would end the timer for good; the next round tries again.
            log.exception("Signatures that ran out could not be ended; trying again")

    async def _catch_up_everywhere(self) -> None:
        for group in self.client.groups.values():
            guild = self.client.get_guild(group.guild_id)
            if guild is None or guild.unavailable:
                log.warning("The server of group %s is not there", group.key)
                continue
            try:
                await self._catch_up(guild, group)
            except Exception:
                # One group's trouble is not the next one's, nor the timer's.
                log.exception("Group %s: catching up failed; the next round tries again", group.key)

    async def _catch_up_in(self, guild: discord.Guild) -> None:
        # While Discord still sends the servers one by one, `begin` comes and looks at all.
        if self.client.is_ready():
            for group in self.client.groups_in(guild.id):
                await self._catch_up(guild, group)

    async def _catch_up(self, guild: discord.Guild, group: Group) -> None:
        async with self._catching_up:
            await self._check(guild, group)
            await outbox.request_panel(self.client.database, group.key, self.client.now())
            self.client.effects.wake()
            found = await self.client.inbox.catch_up(guild, group)
        log.info("Group %s: caught up, %d found", group.key, found)
        self.client.effects.wake()

    async def _look_after(self, guild: discord.Guild) -> None:
        for group in self.client.groups_in(guild.id):
            await self._check(guild, group)
        self.client.effects.wake()

    async def _check(self, guild: discord.Guild, group: Group) -> None:
        """Tell the moderators' channel what stands in the way, or let held work go on."""
        database, now = self.client.database, self.client.now()
        problem = find_problem(guild, group)
        causes = {
            EffectKind.ALIGN_ROLE: (ROLE_ALARMS, problem),
            EffectKind.PANEL: (
                (AlarmKind.CHANNEL_GONE,),
                None if can_post(guild, group.channels.welcome) else AlarmKind.CHANNEL_GONE,
            ),
            EffectKind.ALARM: ((), None),
            EffectKind.ASK: (
                (AlarmKind.MEMBERS_UNSEEN,),
                None if self.client.intents.members else AlarmKind.MEMBERS_UNSEEN,
            ),
        }
        for kind, (alarms, cause) in causes.items():
            if cause is not None:
                await outbox.raise_alarm(database, group.key, cause, now)
            else:
                await outbox.all_clear(database, group.key, kind, alarms, now)


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Upkeep(client))
