"""Does one thing in Discord for each row of the outbox; every one can be repeated safely."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import discord

from bot import texts
from bot.domain.effects import AlarmKind, Effect, EffectKind, Notice, nonce_of
from bot.effects.places import find_channel, find_problem, find_role
from bot.services import outbox
from bot.services.outbox import NoticeFacts, Place
from bot.settings import Group
from bot.storage.database import Database

PANEL_CUSTOM_ID = "pledge:sign:{group_key}"
"""The id of the standing panel's button."""

_SCREENING = "MEMBER_VERIFICATION_GATE_ENABLED"
_HISTORY = 50


class CannotYetError(Exception):
    """What the effect needs is not there at the moment; it is held, or tried again later.

    Args:
        alarm: what to tell the moderators' channel; None when it passes by itself.
    """

    def __init__(self, alarm: AlarmKind | None) -> None:
        super().__init__(alarm)
        self.alarm = alarm


class Actions:
    """Carries out effects with the rights of one client.

    `perform` returns a word for the outcome, after which the row is finished, or None when the
    record was closed by the action itself. What Discord refuses comes out as its exception.
    """

    def __init__(
        self,
        client: discord.Client,
        database: Database,
        groups: Mapping[str, Group],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._database = database
        self._groups = groups
        self._clock = clock
        self._by_kind = {
            EffectKind.ASK: self._ask,
            EffectKind.ALIGN_ROLE: self._align_role,
            EffectKind.NOTICE: self._notice,
            EffectKind.PANEL: self._panel,
            EffectKind.ALARM: self._alarm,
        }

    async def perform(self, effect: Effect) -> str | None:
        """Do what the row says, as the record wants it at this moment.

        Raises:
            CannotYetError: something in the server must be mended, or come back, first.
            discord.HTTPException: Discord refused.
            OSError, aiohttp.ClientError: the connection broke; what came of it is not known.
        """
        return await self._by_kind[effect.kind](effect, self._groups[effect.group_key])

    async def _ask(self, effect: Effect, group: Group) -> str:
        asking = await outbox.prepare_asking(self._database, effect)
        if asking is None:
            return "not needed"
        signing = group.signing
        channel_id = asking.request.channel_id
        message_id = asking.request.message_id
        if message_id is None or channel_id is None:
            channel_id = await self._direct_channel(asking.request.member_id)
            messages = texts.request_messages(
                asking.version, group.name, signing.accept, signing.decline
            )
            message_id = await self._send(effect, channel_id, messages)
            # Before the reactions: whoever presses one at once must find the record waiting.
            place = Place(
                channel_id=channel_id,
                message_id=message_id,
                accept_emoji=signing.accept,
                decline_emoji=signing.decline,
            )
            now = self._clock()
            await outbox.record_asked(self._database, effect, asking.version, place, now)
        channel = self._client.get_partial_messageable(channel_id)
        for emoji in (signing.accept, signing.decline):
            await channel.get_partial_message(message_id).add_reaction(emoji)
        return "asked"

    async def _direct_channel(self, member_id: int) -> int:
        return (await self._client.create_dm(discord.Object(member_id))).id

    async def _send(self, effect: Effect, channel_id: int, messages: Sequence[str]) -> int:
        """Send the messages in order, each once, and return the id of the last.

        The nonce makes Discord itself drop a copy that follows within minutes. On a later try
        what is in the channel already is found by its text and not sent again.
        """
        channel = self._client.get_partial_messageable(channel_id)
        there = await self._find_sent(effect, channel, messages) if effect.attempts > 1 else []
        message_id = there[-1] if there else 0
        for part, content in enumerate(messages[len(there) :], start=len(there)):
            sent = await channel.send(content, nonce=nonce_of(effect.id, part, content))
            message_id = sent.id
        return message_id

    async def _find_sent(
        self, effect: Effect, channel: discord.PartialMessageable, messages: Sequence[str]
    ) -> list[int]:
        found: list[int] = []
        after = discord.Object(discord.utils.time_snowflake(effect.created_at))
        async for message in channel.history(limit=_HISTORY, after=after, oldest_first=True):
            is_ours = self._client.user is not None and message.author.id == self._client.user.id
            if is_ours and len(found) < len(messages) and message.content == messages[len(found)]:
                found.append(message.id)
        return found

    async def _align_role(self, effect: Effect, group: Group) -> str:
        guild = self._guild(group)
        member_id = effect.member_id or 0
        wanted = await outbox.should_have_role(self._database, group.key, member_id, self._clock())
        problem = find_problem(guild, group)
        role = find_role(guild, group.roles.member)
        if problem is not None or role is None:
            raise CannotYetError(problem or AlarmKind.ROLE_GONE)
        if not wanted:
            await self._client.http.remove_role(
                guild.id, member_id, role.id, reason=texts.AUDIT_REASON
            )
            return "role taken"
        if await self._is_being_screened(guild, member_id):
            return "waits for screening"
        await self._client.http.add_role(guild.id, member_id, role.id, reason=texts.AUDIT_REASON)
        return "role given"

    async def _is_being_screened(self, guild: discord.Guild, member_id: int) -> bool:
        """A role given to somebody who is `pending` would let them past the screening."""
        member = guild.get_member(member_id)
        if member is None and _SCREENING in guild.features:
            member = await guild.fetch_member(member_id)
        return member is not None and member.pending

    def _guild(self, group: Group) -> discord.Guild:
        guild = self._client.get_guild(group.guild_id)
        if guild is None or guild.unavailable:
            raise CannotYetError(None)
        return guild

    async def _notice(self, effect: Effect, group: Group) -> str:
        facts = await outbox.prepare_notice(self._database, effect, self._clock())
        content = self._notice_text(facts, group) if facts else None
        if facts is None or content is None:
            return "not true any more"
        channel_id = facts.request.channel_id if facts.request else None
        if channel_id is None:
            channel_id = await self._direct_channel(effect.member_id or 0)
        await self._send(effect, channel_id, [content])
        return "told"

    def _notice_text(self, facts: NoticeFacts, group: Group) -> str | None:
        accept, decline = group.signing.accept, group.signing.decline
        request = facts.request
        match facts.notice:
            case Notice.SIGNED if facts.signature is not None:
                waits = facts.role_waits
                return texts.signed(facts.signature, group.name, accept, role_waits=waits)
            case Notice.DECLINED:
                return texts.declined(group.name, accept)
            case Notice.WITHDRAWN:
                return texts.withdrawn(group.name, accept, role_waits=facts.role_waits)
            case Notice.WELCOME_BACK:
                return texts.welcome_back(group.name)
            case Notice.STILL_SIGNED:
                return texts.still_signed(group.name, accept, decline)
            case Notice.OUTDATED if request is not None and request.message_id is not None:
                place = f"{request.channel_id}/{request.message_id}"
                return texts.outdated(group.name, f"https://discord.com/channels/@me/{place}")
            case Notice.OUTDATED:
                return texts.outdated_in_server(group.name)
            case _:
                return None

    async def _panel(self, effect: Effect, group: Group) -> None:
        channel = find_channel(self._guild(group), group.channels.welcome)
        if channel is None:
            raise CannotYetError(AlarmKind.CHANNEL_GONE)
        content, view = texts.panel(group.name), panel_view(group.key)
        message_id = await self._standing_panel(effect, channel, content)
        if message_id is not None:
            try:
                await channel.get_partial_message(message_id).edit(content=content, view=view)
            except discord.NotFound:
                message_id = None
        if message_id is None:
            nonce = nonce_of(effect.id, 0, content)
            message_id = (await channel.send(content, view=view, nonce=nonce)).id
        await outbox.record_panel(self._database, effect, channel.id, message_id, self._clock())

    async def _standing_panel(
        self, effect: Effect, channel: discord.TextChannel, content: str
    ) -> int | None:
        known = await outbox.find_panel(self._database, effect.group_key)
        if known is not None and known[0] == channel.id:
            return known[1]
        if effect.attempts > 1:
            partial = self._client.get_partial_messageable(channel.id)
            found = await self._find_sent(effect, partial, [content])
            return found[0] if found else None
        return None

    async def _alarm(self, effect: Effect, group: Group) -> str:
        channel = find_channel(self._guild(group), group.channels.moderators)
        if channel is None:
            raise CannotYetError(AlarmKind.CHANNEL_GONE)
        content = texts.alarm(group.name, AlarmKind(effect.detail or ""))
        await self._send(effect, channel.id, [content])
        return "told"


def panel_view(group_key: str) -> discord.ui.View:
    """The button of the standing panel; its presses are answered by `cogs.signing`."""
    view = discord.ui.View(timeout=None)
    custom_id = PANEL_CUSTOM_ID.format(group_key=group_key)
    style = discord.ButtonStyle.primary
    view.add_item(discord.ui.Button(label=texts.PANEL_BUTTON, custom_id=custom_id, style=style))
    view.stop()
    return view
