"""Does one thing in Discord for each row of the outbox; every one can be repeated safely."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import discord

from bot import texts
from bot.domain.effects import (
    AlarmKind,
    Effect,
    EffectKind,
    Notice,
    Report,
    Verdict,
    nonce_of,
    unpack,
    verdict_on,
)
from bot.effects.case_notices import CaseNotices, NoChannelError
from bot.effects.due_texts import due_text
from bot.effects.languages import locale_of
from bot.effects.letters import letter_pages, letter_view
from bot.effects.places import find_channel, find_problem, find_role
from bot.effects.plain import plain_words
from bot.effects.reconciler import DiscordAwayError, Reconciler, rules_of
from bot.effects.removal import NOT_NOW, Removals
from bot.effects.views import consent_view, languages_view, panel_view
from bot.services import attesting, notices, outbox, reading_back, removals
from bot.services.cases.posting import prepare as posting_of
from bot.services.cases.posting import record_delivered
from bot.services.notices import NoticeFacts
from bot.services.outbox import Asking, Place
from bot.settings import Group
from bot.storage.database import Database
from bot.texts.catalogue import _, speaking

log = logging.getLogger(__name__)

_SCREENING = "MEMBER_VERIFICATION_GATE_ENABLED"
_HISTORY = 50
_NOT_OUR_MESSAGE = (10008, 50005)
"""Nothing stands there any more, or what another account posted: only then a new one is posted."""


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

    `by_discord` tells an instant of ours by Discord's clock.
    `perform` returns a word for the outcome, after which the row is finished, or None when the
    record was closed by the action itself. What Discord refuses comes out as its exception.
    """

    def __init__(
        self,
        client: discord.Client,
        database: Database,
        groups: Mapping[str, Group],
        clock: Callable[[], datetime],
        reconciler: Reconciler,
        by_discord: Callable[[datetime], datetime] = lambda at: at,
    ) -> None:
        self._client = client
        self._reconciler = reconciler
        self._database = database
        self._groups = groups
        self._clock = clock
        self._by_discord = by_discord
        self._removals = Removals(client, database, groups, clock, reconciler)
        self._case_notices = CaseNotices(client, database, clock)
        self._by_kind: dict[EffectKind, Callable[[Effect, Group], Awaitable[str | None]]] = {
            EffectKind.ASK: self._ask,
            EffectKind.ALIGN_ROLE: self._align_role,
            EffectKind.NOTICE: self._notice,
            EffectKind.PANEL: self._panel,
            EffectKind.ALARM: self._tell_staff,
            EffectKind.REPORT: self._tell_staff,
            EffectKind.REMOVE: self._remove,
            EffectKind.CASE_NOTICE: self._keep_case_notice,
            EffectKind.CASE_CALL: self._case_notices.call,
            EffectKind.LETTER: self._letter,
        }

    async def perform(self, effect: Effect) -> str | None:
        """Do what the row says, as the record wants it at this moment.

        Raises:
            CannotYetError: something in the server must be mended, or come back, first.
            discord.HTTPException: Discord refused.
            OSError, aiohttp.ClientError: the connection broke; what came of it is not known.
        """
        group = self._groups[effect.group_key]
        with speaking(locale_of(self._client, group)):
            return await self._by_kind[effect.kind](effect, group)

    async def _ask(self, effect: Effect, group: Group) -> str:
        locale = locale_of(self._client, group)
        asking = await outbox.prepare_asking(self._database, effect, locale)
        if asking is None:
            return "not needed"
        signing = group.signing
        channel_id = asking.request.channel_id
        message_id = asking.request.message_id
        if message_id is None or channel_id is None:
            channel_id = await self._direct_channel(asking.request.member_id)
            taken = await reading_back.list_taken(self._database, asking.request)
            messages = await self._request_messages(channel_id, asking, group, taken)
            language = asking.translation.language if asking.translation else None
            view = languages_view(group.key, asking.languages, language)
            since = asking.asked_since
            message_id = await self._send(effect, channel_id, messages, since, view, taken)
            # Before the reactions: whoever presses one at once must find the record waiting.
            place = Place(
                channel_id=channel_id,
                message_id=message_id,
                sent_at=self._sent_at(effect, message_id),
                accept_emoji=signing.accept,
                decline_emoji=signing.decline,
                language=language,
            )
            now = self._clock()
            await outbox.record_asked(self._database, effect, asking.version, place, now)
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        for emoji in (signing.accept, signing.decline):
            await self._offer(message, emoji)
        return "asked"

    async def _request_messages(
        self, channel_id: int, asking: Asking, group: Group, taken: frozenset[int]
    ) -> list[str]:
        """The words in which somebody is asked, or was in what a lost record knew of."""
        background = texts.Background(
            is_adopted=asking.adoption is not None,
            kept_until=rules_of(group).kept_until(asking.adoption),
            has_lapsed=asking.has_lapsed,
            pause=asking.pause,
        )

        def write(background: texts.Background) -> list[str]:
            return texts.request_messages(
                asking.version,
                group.name,
                group.signing.accept,
                group.signing.decline,
                renewal=asking.renewal,
                translation=asking.translation,
                background=background,
            )

        of_newcomers = texts.Background()
        if asking.asked_since is not None and background != of_newcomers:
            # Whoever joined and signed in what was lost has the role, and seems to be from before;
            # they were asked as a newcomer.
            channel = self._client.get_partial_messageable(channel_id)
            as_newcomer = write(of_newcomers)
            if await self._find_sent(channel, as_newcomer, asking.asked_since, taken):
                return as_newcomer
        return write(background)

    async def _offer(self, message: discord.PartialMessage, emoji: str) -> None:
        """Put a reaction under the request to press.

        When Discord will not have it, the request has arrived all the same, and the person can
        add the reaction themselves.
        """
        try:
            await message.add_reaction(emoji)
        except discord.HTTPException as error:
            if verdict_on(error.status, error.code) in (Verdict.RETRY, Verdict.PAUSE):
                raise
            log.info("A reaction was refused (%d, %d)", error.status, error.code)

    def _sent_at(self, effect: Effect, message_id: int) -> datetime:
        """Now; but when an earlier try had sent it, Discord's own time of the message."""
        now = self._clock()
        if effect.attempts == 1 and effect.detail is None:
            return now
        return min(discord.utils.snowflake_time(message_id), now)

    async def _direct_channel(self, member_id: int) -> int:
        return (await self._client.create_dm(discord.Object(member_id))).id

    async def _send(
        self,
        effect: Effect,
        channel_id: int,
        messages: Sequence[str],
        sent_since: datetime | None = None,
        view: discord.ui.View | None = None,
        taken: frozenset[int] = frozenset(),
    ) -> int:
        """Send the messages in order, each once, and return the id of the last.

        The nonce makes Discord itself drop a copy that follows within minutes. On a later try,
        or when a lost record may have sent it since `sent_since`, what is in the channel already
        is found by its text and not sent again, unless it is `taken`: in the record as something
        else that was sent. `view` stands under the last of them.
        """
        channel = self._client.get_partial_messageable(channel_id)
        there: list[int] = []
        if effect.attempts > 1 or sent_since is not None:
            since = sent_since or effect.created_at
            there = await self._find_sent(channel, messages, since, taken)
        message_id = there[-1] if there else 0
        for part, content in enumerate(messages[len(there) :], start=len(there)):
            extra: dict[str, Any] = {"view": view} if view and part == len(messages) - 1 else {}
            nonce = nonce_of(effect.id, part, content)
            sent = await channel.send(content, nonce=nonce, **extra)
            message_id = sent.id
        return message_id

    async def _find_sent(
        self,
        channel: discord.PartialMessageable,
        messages: Sequence[str],
        since: datetime,
        taken: frozenset[int] = frozenset(),
    ) -> list[int]:
        found: list[int] = []
        # By a clock that is ahead, what was sent would seem to be from before the first try.
        after = discord.Object(discord.utils.time_snowflake(self._by_discord(since)))
        async for message in channel.history(limit=_HISTORY, after=after, oldest_first=True):
            is_ours = self._client.user is not None and message.author.id == self._client.user.id
            if is_ours and len(found) < len(messages) and message.content == messages[len(found)]:
                found.append(message.id)
                if message.id in taken:
                    # Somebody left and came back while they were asked: the same words, sent for
                    # a request that has ended. What belongs to this one comes after it.
                    found.clear()
        return found

    async def _wants_role(self, effect: Effect, group: Group) -> bool | None:
        return await outbox.should_have_role(
            self._database,
            group.key,
            effect.member_id or 0,
            rules_of(group),
            self._clock(),
            decided_at=effect.created_at,
        )

    async def _align_role(self, effect: Effect, group: Group) -> str:
        guild = self._guild(group)
        member_id = effect.member_id or 0
        wanted = await self._wants_role(effect, group)
        if wanted:
            # Nobody is let in by an acceptance that was perhaps taken back while we were away.
            try:
                await self._reconciler.make_certain(group, member_id)
            except DiscordAwayError:
                raise CannotYetError(None) from None
            wanted = await self._wants_role(effect, group)
        problem = find_problem(guild, group)
        role = find_role(guild, group.roles.member)
        if problem is not None or role is None:
            raise CannotYetError(problem or AlarmKind.ROLE_GONE)
        reason = _(texts.AUDIT_REASON)
        if wanted is None:
            return "left as it is"
        if not wanted:
            await self._client.http.remove_role(guild.id, member_id, role.id, reason=reason)
            return outbox.ROLE_TAKEN
        if await self._is_being_screened(guild, member_id):
            return "waits for screening"
        await self._client.http.add_role(guild.id, member_id, role.id, reason=reason)
        return outbox.ROLE_GIVEN

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

    async def _remove(self, effect: Effect, group: Group) -> str | None:
        guild = self._guild(group)
        if not guild.me.guild_permissions.kick_members:
            raise CannotYetError(AlarmKind.KICK_MISSING)
        try:
            return await self._removals.remove(effect, group, guild)
        except DiscordAwayError:
            raise CannotYetError(None) from None

    async def _warn(self, effect: Effect, group: Group) -> str | None:
        """Warn somebody of their removal; the days count from when this is known to have come."""
        try:
            content = await self._removals.find_warning(effect, group, self._guild(group))
        except DiscordAwayError:
            raise CannotYetError(None) from None
        if content is None:
            return NOT_NOW
        await self._send(effect, await self._direct_channel(effect.member_id or 0), [content])
        await removals.record_warned(self._database, effect, self._clock())
        return None

    async def _notice(self, effect: Effect, group: Group) -> str | None:
        if effect.detail in (Notice.REMOVAL_NEAR, Notice.REMOVAL_NEXT):
            return await self._warn(effect, group)
        if effect.detail == Notice.ATTESTED:
            return await self._tell_of_attested(effect, group)
        facts = await notices.prepare_notice(self._database, effect, self._clock(), rules_of(group))
        content = self._notice_text(facts, group) if facts else None
        if facts is None or content is None:
            return NOT_NOW
        channel_id = facts.request.channel_id if facts.request else None
        if channel_id is None:
            channel_id = await self._direct_channel(effect.member_id or 0)
        await self._send(effect, channel_id, [content])
        return "told"

    async def _letter(self, effect: Effect, group: Group) -> str | None:
        posting = await posting_of(self._database, effect)
        if posting is None:
            return NOT_NOW
        channel_id = await self._direct_channel(posting.member_id)
        pages, view = letter_pages(posting, group), letter_view(group.key, posting.letter)
        await self._send(effect, channel_id, pages, view=view)
        await record_delivered(self._database, effect, self._clock())
        return None

    async def _tell_of_attested(self, effect: Effect, group: Group) -> str:
        """Tell somebody of a signature that was recorded for them, with a ❌ to object."""
        telling = await attesting.prepare_telling(self._database, effect)
        if telling is None:
            return NOT_NOW
        decline, request = group.signing.decline, telling.request
        channel_id, message_id = request.channel_id, request.message_id
        if channel_id is None or message_id is None:
            channel_id = await self._direct_channel(request.member_id)
            note = plain_words(telling.signature.note or "")
            waits = telling.role_waits
            content = texts.attested(
                telling.signature,
                group.name,
                note,
                decline,
                role_waits=waits,
                pause=telling.pause,
            )
            message_id = await self._send(effect, channel_id, [content])
            # Before the reaction: whoever presses it at once must find the record waiting.
            await attesting.record_told(
                self._database,
                request.id,
                channel_id=channel_id,
                message_id=message_id,
                sent_at=self._sent_at(effect, message_id),
                decline=decline,
            )
        place = self._client.get_partial_messageable(channel_id)
        await self._offer(place.get_partial_message(message_id), request.decline_emoji or decline)
        return "told"

    def _notice_text(self, facts: NoticeFacts, group: Group) -> str | None:
        accept, decline = group.signing.accept, group.signing.decline
        match facts.notice:
            case Notice.SIGNED if facts.signature is not None:
                waits, pause = facts.role_waits, facts.pause
                return texts.signed(
                    facts.signature, group.name, accept, role_waits=waits, pause=pause
                )
            case Notice.DECLINED:
                return texts.declined(group.name, accept)
            case Notice.WITHDRAWN:
                return texts.withdrawn(group.name, accept, role_waits=facts.role_waits)
            case Notice.WELCOME_BACK:
                return texts.welcome_back(group.name, facts.pause)
            case Notice.OBJECTED:
                return texts.objected(group.name)
            case Notice.STILL_SIGNED:
                return texts.still_signed(group.name, accept, decline)
            case Notice.UNCLEAR:
                return texts.unclear(group.name, accept)
            case _:
                return due_text(facts, group.name)

    async def _panel(self, effect: Effect, group: Group) -> None:
        channel = find_channel(self._guild(group), group.channels.welcome)
        if channel is None:
            raise CannotYetError(AlarmKind.CHANNEL_GONE)
        content, view = texts.panel(group.name), panel_view(group.key)
        message_id = await self._standing_panel(effect, channel, content)
        if message_id is not None:
            try:
                await channel.get_partial_message(message_id).edit(content=content, view=view)
            except discord.HTTPException as error:
                if error.code not in _NOT_OUR_MESSAGE:
                    raise
                message_id = await self._find_panel(effect, channel, content)
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
        return await self._find_panel(effect, channel, content)

    async def _find_panel(
        self, effect: Effect, channel: discord.TextChannel, content: str
    ) -> int | None:
        """The panel that an earlier try may have posted without hearing of it."""
        if effect.attempts == 1:
            return None
        partial = self._client.get_partial_messageable(channel.id)
        found = await self._find_sent(partial, [content], effect.created_at)
        return found[0] if found else None

    async def _keep_case_notice(self, effect: Effect, group: Group) -> str | None:
        try:
            return await self._case_notices.keep(effect, group, self._guild(group))
        except NoChannelError as error:
            raise CannotYetError(error.alarm) from None

    async def _tell_staff(self, effect: Effect, group: Group) -> str:
        channel = find_channel(self._guild(group), group.channels.moderators)
        if channel is None:
            raise CannotYetError(AlarmKind.CHANNEL_GONE)
        word, facts = unpack(effect.detail or "")
        if isinstance(word, Report):
            await self._send(effect, channel.id, [texts.report(group.name, word, facts)])
            return "told"
        content = texts.alarm(group.name, word, facts)
        view = consent_view(group.key, word, facts)
        await self._send(effect, channel.id, [content], view=view)
        return "told"
