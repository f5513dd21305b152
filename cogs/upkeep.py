"""Keeps Pledge in step with its servers: at start, after each new session, and on a timer."""

import asyncio
import logging
import random
from datetime import datetime, timedelta
from typing import Any

import discord
from discord.ext import commands

from bot.client import Pledge
from bot.domain.effects import AlarmKind, EffectKind
from bot.domain.errors import RecordUnavailableError
from bot.effects import find_problem
from bot.effects.desks import clocks_of, desk_of, notice_offices, officers_of
from bot.effects.places import can_post
from bot.effects.posted_head import compare_with_posted_head
from bot.effects.reconciler import rules_of
from bot.effects.removal import removal_rule
from bot.effects.timer import apart, every
from bot.services import ledger, outbox, reminders, removals, servers
from bot.services.cases import clocks, ending, retention
from bot.settings import Group
from cogs._consent import EnforceButton, RemoveButton

log = logging.getLogger(__name__)

ROLE_ALARMS = (AlarmKind.ROLE_GONE, AlarmKind.ROLE_TOO_HIGH)
LAPSE_MINUTES = 5
CUT_SHORT = timedelta(minutes=2)
"""How long Discord is left in peace when it could not answer in the middle of a sweep."""
JITTER = 0.1
"""Sweeps come this much earlier or later, so that groups do not all come at once."""


class Upkeep(commands.Cog):
    """Looks after groups without being asked."""

    def __init__(self, client: Pledge) -> None:
        self.client = client
        self._catching_up = asyncio.Lock()
        self._next_sweep: dict[str, datetime] = {}

    async def cog_unload(self) -> None:
        """Stop the timers."""
        self.sweep.cancel()
        self.look_at_clock.cancel()

    @commands.Cog.listener("on_ready")
    async def begin(self) -> None:
        """A new session: whatever happened before it was not told."""
        since = self.client.reconciler.session_began_at = self.client.now()
        await self._look_at_posted_heads()
        await self.client.effects.start()
        for timer in (self.sweep, self.look_at_clock):
            if not timer.is_running():
                timer.start()
        for group in self.client.groups.values():
            await self._catch_up_safely(group, since)

    async def _look_at_posted_heads(self) -> None:
        """Before anything is done or a new head is posted: is this the newest record?"""
        client = self.client
        for group in client.groups.values():
            guild = client.get_guild(group.guild_id)
            try:
                if guild is not None and await compare_with_posted_head(
                    client, client.database, guild, group, client.now()
                ):
                    log.error("Group %s: the record is older than what was posted of it", group.key)
            except RecordUnavailableError:
                return  # whoever noticed it has said so
            except Exception:
                # Whatever it was, the bot must not sit there online and do nothing.
                log.exception("Group %s: the posted head could not be compared", group.key)

    @commands.Cog.listener("on_guild_available")
    async def look_after_returned_server(self, guild: discord.Guild) -> None:
        """A server came back after an outage."""
        await self._catch_up_in(guild)

    @commands.Cog.listener("on_guild_join")
    async def look_after_new_server(self, guild: discord.Guild) -> None:
        """The bot was added to a server."""
        await self._catch_up_in(guild)

    @commands.Cog.listener("on_guild_remove")
    async def leave_server(self, guild: discord.Guild) -> None:
        """The bot was removed from a server, or the server is gone."""
        for group in self.client.groups_in(guild.id):
            await self._note_server(group, there=False)

    @commands.Cog.listener("on_reconcile")
    async def reconcile(self, group_key: str) -> None:
        """Something has happened that makes a look at the group's server worth while now."""
        await self._catch_up_safely(self.client.groups[group_key], None)

    @commands.Cog.listener("on_raw_member_update")
    async def look_at_member(self, data: dict[str, Any]) -> None:
        """Somebody's roles may have changed: was the member role given by hand?"""
        guild = self.client.get_guild(int(data["guild_id"]))
        user = data["user"]
        if guild is None or user.get("bot"):
            return
        role_ids = [int(role_id) for role_id in data["roles"]]
        for group in self.client.groups_in(guild.id):
            client, member_id = self.client, int(user["id"])
            if await client.reconciler.notice_change(guild, group, member_id, role_ids):
                client.effects.wake()
            known_by = officers_of(guild, group)
            held = known_by.held_by(member_id, str(user.get("username", "")), role_ids)
            if await notice_offices(client, client.database, group, member_id, held, client.now()):
                client.effects.wake()

    @commands.Cog.listener("on_raw_member_remove")
    async def look_at_leaver(self, event: discord.RawMemberRemoveEvent) -> None:
        """Somebody left: the cases that were theirs to take go to whoever is left."""
        client, member_id = self.client, event.user.id
        for group in client.groups_in(event.guild_id):
            if await notice_offices(client, client.database, group, member_id, (), client.now()):
                client.effects.wake()

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

    @every(minutes=1)
    async def sweep(self) -> None:
        """Find what no event told of, in each group when its time has come."""
        for group in self.client.groups.values():
            due_at = self._next_sweep.get(group.key)
            if due_at is not None and due_at <= self.client.now():
                # What was cut short is done whole; otherwise it is a look in passing.
                was_cut = group.key in self.client.reconciler.unfinished
                since = self.client.reconciler.session_began_at if was_cut else None
                await self._catch_up_safely(group, since)

    @every(minutes=LAPSE_MINUTES)
    async def look_at_clock(self) -> None:
        """Do what is due by time alone, in steps that leave room for others."""
        client = self.client
        await apart(self._end_lapsed())
        await apart(self._end_pauses())
        for group in client.groups.values():
            await apart(self._look_after_cases(group), group.key)
            await apart(self._look_after_people(group), group.key)
        await apart(ending.note_carried_out(client.database, client.groups, client.now()))
        client.effects.wake()

    async def _end_lapsed(self) -> None:
        client = self.client
        # A clock that is wrong is a doubt, and doubt takes nobody's access.
        while not client.clock.is_wrong and await reminders.end_lapsed(
            client.database, client.groups, client.now()
        ):
            client.effects.wake()

    async def _look_after_people(self, group: Group) -> None:
        client = self.client
        await ledger.post_head_daily(client.database, group.key, client.now())
        if not client.clock.is_wrong:
            await self._remind(group)

    async def _end_pauses(self) -> None:
        """End pauses whose time is over."""
        client = self.client
        # As above: nobody is let in early by a clock that is wrong.
        while not client.clock.is_wrong and await ending.end_due_suspensions(
            client.database, client.groups, client.now()
        ):
            client.effects.wake()

    async def _look_after_cases(self, group: Group) -> None:
        """Close cases nobody appeals in, and watch over the others."""
        client = self.client
        # Nor is anybody's time cut by it.
        while not client.clock.is_wrong and await ending.close_due(
            client.database, group.key, clocks_of(group), client.now()
        ):
            client.effects.wake()
        await self._watch_cases(group)

    async def _watch_cases(self, group: Group) -> None:
        """Tell of cases that wait, and let those go that were kept for long enough."""
        client, kept = self.client, timedelta(days=group.retention.case_days)
        database, key = client.database, group.key
        told = 0
        if not client.clock.is_wrong:
            told += await clocks.remind(
                database, desk_of(client, group), clocks_of(group), client.now()
            )
            told += await retention.warn_of_purge(database, key, kept, client.now())
            await retention.purge_due(database, key, kept, client.now())
        if told:
            client.effects.wake()

    async def _remind(self, group: Group) -> None:
        """Write to whom it is time to write to, all in all not faster than the settings say."""
        client, signing = self.client, group.signing
        database, left = client.database, signing.dm_per_minute * LAPSE_MINUTES
        before, after = signing.remind_before_days, signing.remind_after_days
        left -= await reminders.remind_ending(database, group.key, before, client.now(), left)
        rules = rules_of(group)
        left -= await reminders.remind(database, group.key, after, client.now(), left, rules=rules)
        rule, guild = removal_rule(group, client.groups.values()), client.get_guild(group.guild_id)
        if rule is None or guild is None or guild.unavailable:
            return
        await removals.warn(database, rule, client.now(), left)
        await removals.remove(database, rule, guild.member_count or 0, client.now())

    async def _catch_up_safely(self, group: Group, since: datetime | None) -> None:
        guild = self.client.get_guild(group.guild_id)
        try:
            if guild is None:
                await self._note_server(group, there=False)
            elif guild.unavailable:
                log.warning("The server of group %s is not there for now", group.key)
            else:
                await self._catch_up(guild, group, since)
        except RecordUnavailableError:
            return  # when it can be used again, all groups are looked at
        except Exception:
            # One group's trouble is not the next one's, nor the timer's.
            log.exception("Group %s: catching up failed; the next round tries again", group.key)

    async def _note_server(self, group: Group, *, there: bool) -> None:
        """A group without its server rests: nothing is asked of Discord until it is back."""
        client = self.client
        if there:
            client.effects.resting.discard(group.key)
        elif group.key not in client.effects.resting:
            client.effects.resting.add(group.key)
            log.warning(
                "The server of group %s is not there: the bot is not on it, or not any more."
                " Everything is kept for as long as `retention` says. Invite the bot again, or"
                " correct `guild`, and it goes on",
                group.key,
            )
        # Also when nothing has changed here: the bot may have come back while it was not running.
        await servers.record_server(client.database, group.key, client.now(), there=there)

    async def _catch_up_in(self, guild: discord.Guild) -> None:
        # While Discord still sends the servers one by one, `begin` comes and looks at all.
        if self.client.is_ready():
            for group in self.client.groups_in(guild.id):
                await self._catch_up_safely(group, self.client.now())

    async def _catch_up(self, guild: discord.Guild, group: Group, since: datetime | None) -> None:
        minutes = group.upkeep.sweep_minutes * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        self._next_sweep[group.key] = self.client.now() + timedelta(minutes=minutes)
        async with self._catching_up:
            await self._note_server(group, there=True)
            await self._check(guild, group)
            await outbox.request_panel(self.client.database, group.key, self.client.now())
            self.client.effects.wake()
            found = await self.client.reconciler.catch_up(guild, group, since)
            if group.key in self.client.reconciler.unfinished:
                self._next_sweep[group.key] = self.client.now() + CUT_SHORT
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
            EffectKind.REMOVE: (
                (AlarmKind.KICK_MISSING,),
                None if may_remove(guild, group) else AlarmKind.KICK_MISSING,
            ),
            EffectKind.ASK: (
                (AlarmKind.MEMBERS_UNSEEN,),
                None if self.client.intents.members else AlarmKind.MEMBERS_UNSEEN,
            ),
        }
        for _, cause in causes.values():
            if cause is not None:
                await outbox.raise_alarm(database, group.key, cause, now)
        clear = [kind for kind, (_, cause) in causes.items() if cause is None]
        closed = [alarm for kind in clear for alarm in causes[kind][0]]
        if can_post(guild, group.channels.moderators):
            # Not an alarm of its own: it is raised when a notice cannot be posted.
            clear.append(EffectKind.CASE_NOTICE)
            closed.append(AlarmKind.CASES_UNSEEN)
        await outbox.all_clear(database, group.key, clear, closed, now)


def may_remove(guild: discord.Guild, group: Group) -> bool:
    """Whether the bot can remove people, or need not."""
    is_wanted = group.signing.remove_unsigned_after_days is not None
    return not is_wanted or guild.me.guild_permissions.kick_members


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Upkeep(client))
    client.add_dynamic_items(EnforceButton, RemoveButton)
