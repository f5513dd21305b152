"""The message that stands for a case in the moderators' channel, and who is told without it."""

import logging
from collections.abc import Callable
from datetime import datetime

import discord

from bot.domain.breaches import BreachCase, CaseState
from bot.domain.case_clocks import due_next
from bot.domain.effects import AlarmKind, Effect, Verdict, nonce_of, verdict_on
from bot.domain.entitlement import Handlers
from bot.effects.desks import clocks_of, desk_of
from bot.effects.places import find_channel
from bot.effects.views import CASE_CUSTOM_ID, button_row
from bot.services.cases import calling
from bot.services.cases.calling import NoticeFacts
from bot.settings import Group
from bot.storage.database import Database
from bot.texts import cases as words

log = logging.getLogger(__name__)

HISTORY = 50
NOT_OUR_MESSAGE = (10008, 50005)
"""Nothing stands there any more, or what another account posted: only then a new one is posted."""

UNREACHABLE = (Verdict.BLOCKED, Verdict.GONE, Verdict.HOLD, Verdict.MISSING, Verdict.REFUSED)


class NoChannelError(Exception):
    """The moderators' channel is not there, so the notice waits."""

    alarm = AlarmKind.CASES_UNSEEN


class CaseNotices:
    """Keeps the notices of cases, and tells people of cases that no moderator can take.

    What is told is a number, how old the case is, and how it stands: never whom it is about.
    """

    def __init__(
        self, client: discord.Client, database: Database, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._database = database
        self._clock = clock

    async def keep(self, effect: Effect, group: Group, guild: discord.Guild) -> str | None:
        """Post the notice of a case, or bring it up to date.

        Raises:
            NoChannelError: there is no moderators' channel.
        """
        desk, now = desk_of(self._client, group), self._clock()
        facts = await calling.prepare_notice(self._database, desk, effect, now)
        if not facts.is_for_channel and facts.place is None:
            return "not for the channel"
        channel = find_channel(guild, group.channels.moderators)
        if channel is None:
            raise NoChannelError
        due = due_next(facts.case, facts.waiting, clocks_of(group))
        content = words.notice(group.name, facts.case, due)
        view = notice_view(group.key, facts.case)
        message_id = await self._edit(effect, facts, channel, content, view)
        if message_id is None:
            nonce = nonce_of(effect.id, 0, content)
            message_id = (await channel.send(content, view=view, nonce=nonce)).id
        await calling.record_notice(self._database, effect, channel.id, message_id, self._clock())
        return None

    async def _edit(
        self,
        effect: Effect,
        facts: NoticeFacts,
        channel: discord.TextChannel,
        content: str,
        view: discord.ui.View,
    ) -> int | None:
        """Change the message that is there; None when there is none."""
        place = facts.place
        message_id = place[1] if place is not None and place[0] == channel.id else None
        if message_id is None:
            message_id = await self._find(effect, channel, facts.case)
        if message_id is None:
            return None
        try:
            await channel.get_partial_message(message_id).edit(content=content, view=view)
        except discord.HTTPException as error:
            if error.code not in NOT_OUR_MESSAGE:
                raise
            return None
        return message_id

    async def _find(
        self, effect: Effect, channel: discord.TextChannel, case: BreachCase
    ) -> int | None:
        """The notice that an earlier try may have posted without hearing of it."""
        if effect.attempts == 1:
            return None
        wanted = custom_id("open", case.group_key, case.case_number)
        after = discord.Object(discord.utils.time_snowflake(effect.created_at))
        async for message in channel.history(limit=HISTORY, after=after, oldest_first=True):
            is_ours = self._client.user is not None and message.author.id == self._client.user.id
            if is_ours and wanted in _custom_ids(message):
                return message.id
        return None

    async def call(self, effect: Effect, group: Group) -> str:
        """Tell whoever is left that a case waits for them, each once, or still does."""
        if calling.is_reminder(effect):
            return await self._remind(effect, group)
        desk = desk_of(self._client, group)
        call = await calling.prepare_call(self._database, desk, effect)
        if call is None:
            return "not needed"
        reached = 0
        for member_id in call.people:
            if await self._tell(effect, group, call, member_id):
                reached += 1
        return self._outcome(group, reached)

    def _outcome(self, group: Group, reached: int) -> str:
        if reached:
            return "told"
        log.error(
            "Group %s: a case waits for people who take no direct messages and are no moderators."
            " Please ask the escalation, or the owner, to use /breach list",
            group.key,
        )
        return "nobody reached"

    async def _tell(self, effect: Effect, group: Group, call: calling.Call, member_id: int) -> bool:
        case = call.case
        is_owner = call.handlers is Handlers.OWNER
        content = words.call(group.name, case, is_owner=is_owner)
        is_reached = await self._write(effect, group, case, member_id, content)
        await calling.record_called(
            self._database, case, member_id, self._clock(), reached=is_reached
        )
        return is_reached

    async def _remind(self, effect: Effect, group: Group) -> str:
        desk, clocks = desk_of(self._client, group), clocks_of(group)
        reminder = await calling.prepare_reminder(self._database, desk, clocks, effect)
        if reminder is None:
            return "not needed"
        content = words.call_again(group.name, reminder.facts)
        reached = [
            await self._write(effect, group, reminder.case, member_id, content)
            for member_id in reminder.people
        ]
        return self._outcome(group, sum(reached))

    async def _write(
        self, effect: Effect, group: Group, case: BreachCase, member_id: int, content: str
    ) -> bool:
        """Write to somebody once; False if they take no direct messages."""
        view = button_row((words.OPEN_BUTTON, custom_id("open", group.key, case.case_number)))
        try:
            channel = await self._client.create_dm(discord.Object(member_id))
            if effect.attempts > 1 and await self._stands_in(channel, effect, content):
                return True
            nonce = nonce_of(effect.id, 0, f"{member_id}{content}")
            await channel.send(content, view=view, nonce=nonce)
        except discord.HTTPException as error:
            if verdict_on(error.status, error.code) not in UNREACHABLE:
                raise
            log.info("A call was refused (%d, %d)", error.status, error.code)
            return False
        return True

    async def _stands_in(self, channel: discord.DMChannel, effect: Effect, content: str) -> bool:
        """Whether an earlier try has written this without hearing of it."""
        after = discord.Object(discord.utils.time_snowflake(effect.created_at))
        async for message in channel.history(limit=HISTORY, after=after, oldest_first=True):
            is_ours = self._client.user is not None and message.author.id == self._client.user.id
            if is_ours and message.content == content:
                return True
        return False


def custom_id(action: str, group_key: str, case_number: int, *more: int) -> str:
    """The id of a button that belongs to a case."""
    begin = CASE_CUSTOM_ID.format(action=action, group_key=group_key, case=case_number)
    return ":".join((begin, *map(str, more)))


def notice_view(group_key: str, case: BreachCase) -> discord.ui.View:
    """The buttons under a notice; whoever presses them is looked at then."""
    if case.purged_at is not None:
        return button_row()
    items = [(words.OPEN_BUTTON, custom_id("open", group_key, case.case_number))]
    if case.claimed_by is None and case.state in (CaseState.OPEN, CaseState.IN_REVIEW):
        items.append((words.CLAIM_BUTTON, custom_id("claim", group_key, case.case_number)))
    return button_row(*items)


def _custom_ids(message: discord.Message) -> set[str | None]:
    return {
        item.custom_id
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for item in row.children
    }
