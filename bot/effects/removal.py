"""Warns and removes people who do not answer, after making certain of everything once more."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

import discord

from bot import texts
from bot.domain.agreements import SignatureRequest
from bot.domain.effects import Effect, Notice
from bot.domain.reminders import stated_removal
from bot.effects.due_texts import link_to
from bot.effects.places import find_role
from bot.effects.reconciler import Reconciler
from bot.services import removals
from bot.services.removals import RemovalRule
from bot.settings import Group
from bot.storage.database import Database
from bot.texts.catalogue import _

NOT_NOW = "not true any more"
_TO_THE_SECOND = timedelta(minutes=1)
_GONE = (10007, 10013)
"""The codes that say that a person is not in the server, or their account is not there."""

Prepare = Callable[[Database, Effect, RemovalRule, datetime], Awaitable[SignatureRequest | None]]


def removal_rule(group: Group, groups: Iterable[Group]) -> RemovalRule | None:
    """What a group has settled about people who do not answer; None when nobody is removed."""
    after_days = group.signing.remove_unsigned_after_days
    if after_days is None:
        return None
    neighbours = [g.key for g in groups if g.guild_id == group.guild_id and g.key != group.key]
    return RemovalRule(group_key=group.key, after_days=after_days, neighbours=tuple(neighbours))


def may_be_removed(guild: discord.Guild, member: discord.Member, groups: Iterable[Group]) -> bool:
    """Whether this is nobody but a person without an answer: no bot, no staff, no member.

    Roles of every group on the server count, and whoever stands as high as the bot or higher
    stays, as do those who are still being screened. While one of these roles is not found, as
    when it was renamed, nobody can be told from those who hold it, and everybody stays.
    """
    kept = {
        find_role(guild, wanted)
        for group in groups
        if group.guild_id == guild.id
        for wanted in (group.roles.member, group.roles.moderator, group.roles.facilitator)
    }
    rights = member.guild_permissions
    return not (
        None in kept
        or member.bot
        or member.pending
        or member.id == guild.owner_id
        or rights.administrator
        or rights.manage_guild
        or member.top_role >= guild.me.top_role
        or any(role in kept for role in member.roles)
    )


class Removals:
    """Looks at a person's request, membership and message just before acting on them.

    Every doubt is an answer: whoever cannot be looked at stays.
    """

    def __init__(
        self,
        client: discord.Client,
        database: Database,
        groups: Mapping[str, Group],
        clock: Callable[[], datetime],
        reconciler: Reconciler,
    ) -> None:
        self._client = client
        self._database = database
        self._groups = groups
        self._clock = clock
        self._reconciler = reconciler

    async def find_warning(self, effect: Effect, group: Group, guild: discord.Guild) -> str | None:
        """The words of a warning that is due; None when there is nothing to warn of any more.

        Raises:
            DiscordAwayError: nobody knows at the moment.
            discord.HTTPException: Discord refused.
        """
        request = await self._find_silent(effect, group, guild, removals.prepare_warning)
        if request is None:
            return None
        notice, now = Notice(effect.detail or ""), self._clock()
        removal_at = stated_removal(notice, effect.tried_at or now, now)
        words = texts.removal_near if notice is Notice.REMOVAL_NEAR else texts.removal_next
        return words(group.name, link_to(request) or "", request.decline_emoji or "", removal_at)

    async def remove(self, effect: Effect, group: Group, guild: discord.Guild) -> str | None:
        """Remove somebody; None when that was done and recorded.

        Raises:
            DiscordAwayError: nobody knows at the moment.
            discord.HTTPException: Discord refused.
        """
        try:
            request = await self._find_silent(effect, group, guild, removals.prepare_removal)
        except discord.NotFound as error:
            if error.code not in _GONE or not removals.was_asked(effect):
                raise
            request = None
        if request is None:
            return await self._look_whether_gone(effect, guild)
        rule = removal_rule(group, self._groups.values())
        if rule is None or not await removals.mark_asked(
            self._database, effect, rule, self._clock()
        ):
            return NOT_NOW
        reason = _(texts.REMOVAL_REASON)
        certain = True
        try:
            await self._client.http.kick(effect.member_id or 0, guild.id, reason=reason)
        except discord.NotFound as error:
            if error.code not in _GONE:
                raise
            # They were there a moment ago. Perhaps discord.py had to ask twice.
            certain = False
        await removals.record_removed(self._database, effect, self._clock(), certain=certain)
        return None

    async def _look_whether_gone(self, effect: Effect, guild: discord.Guild) -> str | None:
        """Nobody to remove any more: because an earlier try did it, or for other reasons."""
        if not removals.was_asked(effect):
            return NOT_NOW
        try:
            await guild.fetch_member(effect.member_id or 0)
        except discord.NotFound as error:
            if error.code not in _GONE:
                raise
            await removals.record_removed(self._database, effect, self._clock(), certain=False)
            return None
        return NOT_NOW

    async def _find_silent(
        self, effect: Effect, group: Group, guild: discord.Guild, prepare: Prepare
    ) -> SignatureRequest | None:
        rule = removal_rule(group, self._groups.values())
        if rule is None:
            return None
        request = await prepare(self._database, effect, rule, self._clock())
        if request is None:
            return None
        member = await guild.fetch_member(request.member_id)
        began_at = await removals.find_beginning(self._database, group.key)
        # Discord's clock and ours need not agree to the second.
        if member.joined_at is None or member.joined_at < began_at - _TO_THE_SECOND:
            return None
        if not may_be_removed(guild, member, self._groups.values()):
            return None
        if not await self._reconciler.is_silent(request):
            return None
        # The reading took a while, and an answer may have come meanwhile.
        return await prepare(self._database, effect, rule, self._clock())
