"""Carries an invitation on: reads who is there, keeps the outbox fed, and says how far it is."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

import aiohttp
import discord

from bot import texts
from bot.domain.effects import Verdict, nonce_of, verdict_on
from bot.domain.invitations import Invitation, minutes_for
from bot.effects.clock import TOLERANCE
from bot.effects.languages import locale_of
from bot.effects.places import find_channel
from bot.services import invitations
from bot.services.invitations import Asking, Estimate
from bot.settings import Group
from bot.storage.database import Database
from bot.texts.catalogue import _, speaking

log = logging.getLogger(__name__)

STOP_CUSTOM_ID = "pledge:stop-invite:{group_key}:{invitation_id}"
"""The id of the button that stops an invitation."""

POSTS = 2
"""The progress message is posted once, and once more when somebody has deleted it."""

MEMBERS_PER_PAGE = 1_000
_GONE = (10008, 50005)
_HISTORY = 100
_UNREADABLE = (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError, LookupError)


class Inviting:
    """Looks after the invitations of all groups.

    Args:
        client: whose rights are used.
        database: the open database.
        groups: the configured groups.
        clock: gives the current instant.
        wake: tells the outbox that there is something new in it.
    """

    def __init__(
        self,
        client: discord.Client,
        database: Database,
        groups: Mapping[str, Group],
        clock: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._client = client
        self._database = database
        self._groups = groups
        self._clock = clock
        self._wake = wake
        self._turn = asyncio.Lock()
        self._shown: dict[int, str] = {}

    async def count(self, guild: discord.Guild, group: Group) -> tuple[Estimate, bool]:
        """Count whom an invitation would ask.

        Returns:
            The numbers, and whether the whole member list could be read. Without it they are
            those of the members from before Pledge and of the pages that came.

        Raises:
            AlreadyInvitingError: one is under way.
            NotPublishedError: nothing is published yet.
        """
        database = self._database
        invitation_id = await invitations.begin_count(database, group.key, self._clock())
        after_id, is_whole = 0, False
        while not is_whole:
            try:
                page = await self._client.http.get_members(guild.id, MEMBERS_PER_PAGE, after_id)
                ids = [int(entry["user"]["id"]) for entry in page]
                people = [
                    int(entry["user"]["id"])
                    for entry in page
                    if not entry["user"].get("bot", False) and not entry.get("pending", False)
                ]
            except (discord.HTTPException, *_UNREADABLE) as error:
                log.info("The member list could not be read (%s)", type(error).__name__)
                break
            await invitations.count_page(database, group.key, invitation_id, people)
            if ids and min(ids) <= after_id:
                break
            is_whole = len(ids) < MEMBERS_PER_PAGE
            after_id = max(ids, default=after_id)
        return await invitations.estimate(database, invitation_id), is_whole

    async def look_after_all(self) -> None:
        """One round: every invitation goes on, and its message says how far it is."""
        for group in self._groups.values():
            await self.go_on(group)
            await invitations.forget_lists(self._database, group.key, self._clock())

    async def go_on(self, group: Group) -> None:
        """Somebody has just begun or stopped an invitation: no need to wait for the next round."""
        try:
            await self.look_after(group)
        except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
            log.info("Group %s: no progress shown (%s)", group.key, type(error).__name__)

    async def look_after(self, group: Group) -> None:
        """Let the invitation of one group go on, if there is one.

        Raises:
            discord.HTTPException: its message could not be shown for now; the rest is done.
        """
        async with self._turn:
            now = self._clock()
            per_minute = group.signing.dm_per_minute
            asking = await invitations.carry_on(self._database, group.key, per_minute, now)
            if asking is None:
                return
            self._wake()
            with speaking(locale_of(self._client, group)):
                await self._show(group, asking)
            if not asking.progress.waiting:
                await invitations.finish(self._database, asking, self._clock())
                self._shown.pop(asking.invitation.id, None)

    async def _show(self, group: Group, asking: Asking) -> None:
        guild = self._client.get_guild(group.guild_id)
        channel = find_channel(guild, group.channels.moderators) if guild else None
        if channel is None:
            return
        content, view = _content(group, asking), _stop_view(group, asking)
        if self._shown.get(asking.invitation.id) == content:
            return
        try:
            invitation = await self._find_lost_post(channel, asking.invitation)
            if invitation.message_id is not None:
                place = self._client.get_partial_messageable(invitation.channel_id or channel.id)
                try:
                    message = place.get_partial_message(invitation.message_id)
                    await message.edit(content=content, view=view)
                except discord.HTTPException as error:
                    if error.code not in _GONE:
                        raise
                    # Somebody has deleted it.
                    invitation = await invitations.record_post(
                        self._database, invitation, channel.id, None
                    )
            if invitation.message_id is None and invitation.posts < POSTS:
                nonce = nonce_of(invitation.id, invitation.posts, STOP_CUSTOM_ID)
                if view is None:
                    sent = await channel.send(content, nonce=nonce)
                else:
                    sent = await channel.send(content, view=view, nonce=nonce)
                await invitations.record_post(self._database, invitation, channel.id, sent.id)
        except discord.HTTPException as error:
            log.info("Progress could not be shown (%d, %d)", error.status, error.code)
            if verdict_on(error.status, error.code) in (Verdict.RETRY, Verdict.PAUSE):
                raise
        self._shown[asking.invitation.id] = content

    async def _find_lost_post(
        self, channel: discord.TextChannel, invitation: Invitation
    ) -> Invitation:
        """The message an earlier process may have posted without writing down where."""
        is_first = invitation.id not in self._shown
        if invitation.message_id is not None or invitation.posts or not is_first:
            return invitation
        since = discord.utils.time_snowflake(
            (invitation.started_at or invitation.counted_at) - TOLERANCE  # its button is its own
        )
        wanted = _custom_id(invitation)
        place = self._client.get_partial_messageable(channel.id)
        try:
            async for message in place.history(limit=_HISTORY, after=discord.Object(since - 1)):
                is_ours = message.author.id == getattr(self._client.user, "id", None)
                if is_ours and wanted in _custom_ids(message):
                    return await invitations.record_post(
                        self._database, invitation, channel.id, message.id
                    )
        except discord.Forbidden:
            log.info("The moderators' channel cannot be read back")
        return invitation


def _custom_id(invitation: Invitation) -> str:
    return STOP_CUSTOM_ID.format(group_key=invitation.group_key, invitation_id=invitation.id)


def _custom_ids(message: discord.Message) -> list[str | None]:
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    return [getattr(child, "custom_id", None) for row in rows for child in row.children]


def _content(group: Group, asking: Asking) -> str:
    progress, is_stopped = asking.progress, asking.invitation.stopped_at is not None
    if not progress.waiting:
        return texts.invitation_over(group.name, progress, stopped=is_stopped)
    if is_stopped:
        return texts.invitation_stopping(group.name, progress)
    minutes = minutes_for(progress.waiting, group.signing.dm_per_minute)
    return texts.invitation_progress(group.name, progress, minutes)


def _stop_view(group: Group, asking: Asking) -> discord.ui.View | None:
    """The button under the progress; its presses are answered by `cogs.invitations`."""
    if not asking.progress.waiting or asking.invitation.stopped_at is not None:
        return None
    view = discord.ui.View(timeout=None)
    view.add_item(
        discord.ui.Button(
            label=_(texts.STOP_INVITE_BUTTON),
            custom_id=_custom_id(asking.invitation),
            style=discord.ButtonStyle.secondary,
        )
    )
    view.stop()
    return view
