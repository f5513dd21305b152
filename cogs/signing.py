"""What Discord tells of newcomers: they join, pass screening, react, and leave."""

import discord
from discord.ext import commands

from bot.client import Pledge
from bot.effects import find_role
from bot.effects.reconciler import is_admitted, present
from bot.services import members, signing


class Signing(commands.Cog):
    """Everything a newcomer does."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    @commands.Cog.listener("on_member_join")
    async def ask_newcomer(self, member: discord.Member) -> None:
        """Ask whoever joins, once they have passed the server's screening."""
        self.client.reconciler.note_arrival(member.guild.id, member.id)
        if is_admitted(member):
            await self._welcome(member)
        await self._look_at_roles(member)

    async def _look_at_roles(self, member: discord.Member) -> None:
        """An invite can give the role with the joining itself: no change will tell of it."""
        role_ids = [role.id for role in member.roles]
        for group in self.client.groups_in(member.guild.id):
            if (
                member.bot
                or not present(member, find_role(member.guild, group.roles.member)).has_role
            ):
                continue
            reconciler = self.client.reconciler
            if await reconciler.notice_change(member.guild, group, member.id, role_ids):
                self.client.effects.wake()

    @commands.Cog.listener("on_member_update")
    async def ask_after_screening(self, before: discord.Member, after: discord.Member) -> None:
        """The end of screening is what joining is elsewhere."""
        if before.pending and is_admitted(after):
            await self._welcome(after)

    async def _welcome(self, member: discord.Member) -> None:
        client = self.client
        for group in client.groups_in(member.guild.id):
            people = [present(member, find_role(member.guild, group.roles.member))]
            await members.welcome(client.database, group.key, people, client.now(), live=True)
        client.effects.wake()

    @commands.Cog.listener("on_raw_member_remove")
    async def remember_leaving(self, payload: discord.RawMemberRemoveEvent) -> None:
        """Keep in mind who left; their signature stays as it is."""
        keys = [group.key for group in self.client.groups_in(payload.guild_id)]
        if keys:
            now = self.client.now()
            await members.say_goodbye(self.client.database, keys, payload.user.id, now)

    @commands.Cog.listener("on_raw_reaction_add")
    async def record_answer(self, payload: discord.RawReactionActionEvent) -> None:
        """A reaction on a request is an answer."""
        await self._record(payload, removed=False)

    @commands.Cog.listener("on_raw_reaction_remove")
    async def record_answer_taken_back(self, payload: discord.RawReactionActionEvent) -> None:
        """An acceptance taken back is a withdrawal."""
        await self._record(payload, removed=True)

    async def _record(self, payload: discord.RawReactionActionEvent, *, removed: bool) -> None:
        client = self.client
        is_own = client.user is not None and payload.user_id == client.user.id
        if payload.guild_id is not None or is_own or payload.emoji.id is not None:
            return
        if await signing.record_reaction(
            client.database,
            payload.message_id,
            payload.user_id,
            payload.emoji.name,
            client.now(),
            removed=removed,
        ):
            client.effects.wake()


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Signing(client))
