"""The reconciler: compares one group's record with Discord, and mends what drifted apart."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import discord
from discord.types.member import MemberWithUser

from bot.domain.agreements import Answer, RequestState, SignatureRequest, plain_emoji
from bot.domain.effects import Verdict, verdict_on
from bot.domain.holders import Enforcement, Rules, Source, Sweep
from bot.effects.desks import desk_of, officers_of, officers_on
from bot.effects.places import find_role
from bot.services import holders, reading_back, records
from bot.services.cases.calling import look_for_uncalled, look_for_unposted
from bot.services.holders import Conclusion, Page
from bot.services.members import Present
from bot.settings import Group
from bot.storage.database import Database

log = logging.getLogger(__name__)

REQUESTS_PER_PAGE = 100
READ_AT_ONCE = 8
"""Messages read side by side; Discord's own limits are kept by discord.py."""

MEMBERS_PER_PAGE = 1_000
"""The most that Discord's List Guild Members gives at once."""

SHOWN_SHARE = 0.9
"""Less of a server's members than this is no whole list, whatever its last page says."""

LOG_EVERY = 10_000
"""After so many members or messages, a long reading says in the log how far it is."""

ANSWERS_AGE = timedelta(days=1)
"""How old the certainty about an answered request may grow while the connection holds."""

AUDIT_ENTRIES = 100
UNREADABLE = (
    *(aiohttp.ClientError, OSError, TimeoutError),
    # What discord.py raises when an answer is not what it says it is.
    *(ValueError, TypeError, LookupError),
)
MESSAGE_GONE = (10003, 10008)
"""The codes that say so; any other "not found" may be the word of something before Discord."""


class DiscordAwayError(Exception):
    """Discord does not answer, or does not want to: stop asking for this round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a long reading has come; `total` is None when nobody knows.

    `is_last` says that it is over for now, at its end or not.
    """

    group_key: str
    what: str
    done: int
    total: int | None = None
    is_last: bool = False


class Reconciler:
    """Finds what no event told of: reactions, joins, leaves, roles given by hand.

    A read that fails is no finding: it changes nothing, and the next round goes on where this
    one was.

    Args:
        client: whose rights are used.
        database: the open database.
        clock: gives the current instant.
        on_progress: told of every page that was read.
    """

    def __init__(
        self,
        client: discord.Client,
        database: Database,
        clock: Callable[[], datetime],
        on_progress: Callable[[Progress], None] = lambda _progress: None,
    ) -> None:
        self._client = client
        self._database = database
        self._clock = clock
        self.on_progress = on_progress
        self.session_began_at: datetime | None = None
        """Since when events arrive; what was known for certain before may have changed unseen."""
        self.unfinished: set[str] = set()
        """Groups whose last look Discord cut short: another one soon is worth while."""
        self._arrivals: dict[int, set[int]] = defaultdict(set)

    def note_arrival(self, guild_id: int, member_id: int) -> None:
        """Somebody has just joined: a page that was asked for before may not show them."""
        self._arrivals[guild_id].add(member_id)

    async def catch_up(
        self, guild: discord.Guild, group: Group, since: datetime | None = None
    ) -> int:
        """Bring one group's record and Discord together.

        Args:
            guild: the group's server.
            group: the group.
            since: when events began to arrive again after a gap, so that everything older is
                to be looked at; None for a look in passing.

        Returns:
            How many findings there were.
        """
        found = 0
        self.unfinished.discard(group.key)
        if await holders.is_restored(self._database, group.key):
            # What was taken back since the backup must be known before roles are given.
            found += await self.read_back(group, since)
            if group.key in self.unfinished:
                return found
        if self._client.intents.members:
            found += await self.sweep(guild, group, since)
        return found + await self.read_back(group, since)

    # --- reactions --------------------------------------------------------------------------

    async def make_certain(self, group: Group, member_id: int) -> None:
        """Look whether this person's acceptance still stands, unless that is known already.

        It may have been taken back in a gap of the connection, or while the person was outside
        the server and their messages were not read. A message that does not exist any more, or
        that Discord does not show, tells of no withdrawal.

        Raises:
            DiscordAwayError: nobody knows at the moment.
        """
        since = self.session_began_at
        if since is None:
            return
        request = await records.find_uncertain(self._database, group.key, member_id, since)
        if request is None:
            return
        started_at = self._clock()
        if await self._read_answer(request) is False:
            await records.mark_checked(self._database, [request.id], started_at)

    async def is_silent(self, request: SignatureRequest) -> bool:
        """Whether the message of this request is there and bears no answer at this moment.

        An answer that is found is recorded. False also when the message cannot be read, and when
        an answer stands there that was not counted: it is one all the same.

        Raises:
            DiscordAwayError: nobody knows at the moment.
        """
        answers, news = await self._read(request)
        return news is False and not answers

    async def read_back(self, group: Group, since: datetime | None = None) -> int:
        """Look at the reactions on every message that can hold an answer nobody knows of."""
        found, done, after_id, now = 0, 0, 0, self._clock()
        while True:
            page = await records.list_readable(
                self._database,
                group.key,
                after_id,
                REQUESTS_PER_PAGE,
                waiting_before=since or now,
                answered_before=since or now - ANSWERS_AGE,
            )
            if not page:
                self._tell(group, "messages", done, is_last=True)
                return found
            after_id, done = page[-1].id, done + len(page)
            try:
                found += await self._read_page(page)
            except DiscordAwayError:
                log.info("Group %s: reading back stopped after %d messages", group.key, done)
                self.unfinished.add(group.key)
                self._tell(group, "messages", done, is_last=True)
                return found
            self._tell(group, "messages", done)

    def _tell(
        self, group: Group, what: str, done: int, total: int | None = None, *, is_last: bool = False
    ) -> None:
        if done and not is_last and done % LOG_EVERY == 0:
            log.info("Group %s: %d %s read so far", group.key, done, what)
        self.on_progress(
            Progress(group_key=group.key, what=what, done=done, total=total, is_last=is_last)
        )

    async def _read_page(self, page: Sequence[SignatureRequest]) -> int:
        started_at = self._clock()
        found, unchanged = 0, list[int]()
        try:
            # One alone first: when Discord refuses to answer, it is asked no more than that.
            for start in (0, *range(1, len(page), READ_AT_ONCE)):
                batch = page[start : start + READ_AT_ONCE] if start else page[:1]
                tasks = [asyncio.create_task(self._read_answer(request)) for request in batch]
                await asyncio.wait(tasks)
                for request, task in zip(batch, tasks, strict=True):
                    # One that was not answered ends the page, once the others are counted.
                    if task.exception() is None:
                        found += task.result() is True
                        unchanged += [request.id] if task.result() is False else []
                for task in tasks:
                    task.result()
        finally:
            await records.mark_checked(self._database, unchanged, started_at)
        return found

    async def _read_answer(self, request: SignatureRequest) -> bool | None:
        """Whether the message says something new; None when it could not be read.

        Raises:
            DiscordAwayError: the fault is not this message's; the next would fare no better.
        """
        return (await self._read(request))[1]

    async def _read(self, request: SignatureRequest) -> tuple[set[Answer] | None, bool | None]:
        """The answers that stand under the message, and what `_read_answer` says of them."""
        if request.channel_id is None or request.message_id is None:
            return None, None
        observed_at = self._clock()
        channel = self._client.get_partial_messageable(request.channel_id)
        try:
            message = await channel.fetch_message(request.message_id)
        except discord.HTTPException as error:
            log.info("A request could not be read back (%d, %d)", error.status, error.code)
            verdict = verdict_on(error.status, error.code)
            if verdict is Verdict.RETRY:
                raise DiscordAwayError from error
            if error.code in MESSAGE_GONE:
                now = self._clock()
                # Gone is not unchanged: nobody knows what stood there last.
                again = await reading_back.record_message_gone(self._database, request.id, now)
                return None, again or None
            return None, None
        except UNREADABLE as error:
            log.info("A request could not be read back (%s)", type(error).__name__)
            raise DiscordAwayError from error
        answers = _answers_on(message, request)
        if answers is None or not _says_more(request, answers):
            return answers, None if answers is None else False
        news = await reading_back.record_found_answer(
            self._database,
            request.id,
            accepted=Answer.ACCEPT in answers,
            declined=Answer.DECLINE in answers,
            observed_at=observed_at,
            now=self._clock(),
        )
        return answers, news

    # --- members ----------------------------------------------------------------------------

    async def sweep(self, guild: discord.Guild, group: Group, since: datetime | None = None) -> int:
        """Go through the member list, page by page, then decide about the role.

        A sweep that was interrupted is taken up where it was, and is followed by a whole one
        when it began before `since`.

        Returns:
            How many people hold the role without any right to it.
        """
        role = find_role(guild, group.roles.member)
        role_id = role.id if role is not None else 0
        offices = str(officers_of(guild, group))
        sweep = await holders.begin_sweep(
            self._database, group.key, role_id, self._clock(), offices
        )
        began_before = since is not None and sweep.started_at < since
        if not await self._read_members(guild, group, role, sweep):
            return 0
        if began_before:
            sweep = await holders.begin_sweep(
                self._database, group.key, role_id, self._clock(), offices
            )
            if not await self._read_members(guild, group, role, sweep):
                return 0
        desk, now = desk_of(self._client, group), self._clock()
        await look_for_uncalled(self._database, desk, now)
        await look_for_unposted(self._database, desk, now)
        if role is None:
            return 0
        return (await self._conclude(guild, group)).strangers

    async def _read_members(
        self, guild: discord.Guild, group: Group, role: discord.Role | None, sweep: Sweep
    ) -> bool:
        """Read what is left of the list; False when it could not be read to its end."""
        expected = guild.member_count or 0
        while True:
            self._arrivals[guild.id].clear()
            asked_at = self._clock()
            page = await self._fetch_page(guild, sweep.after_id)
            if page is None:
                self.unfinished.add(group.key)
                self._tell(group, "members", sweep.members, is_last=True)
                return False
            seen = sweep.members + len(page)
            # A short page is the end only if nobody is missing, or nothing comes after it.
            is_last = not page or (len(page) < MEMBERS_PER_PAGE and seen >= expected)
            is_whole = seen >= expected * SHOWN_SHARE
            recorded = Page(
                after_id=sweep.after_id,
                last_id=None if is_last and is_whole else max([sweep.after_id, *map(_id, page)]),
                asked_at=asked_at,
                people=[_present(entry, role) for entry in page if _is_admitted(entry)],
                holders=[_id(entry) for entry in page if _is_person(entry) and _has(entry, role)],
                present=[*map(_id, page), *self._arrivals[guild.id]],
                size=len(page),
                officers=officers_on(page, officers_of(guild, group)),
            )
            sweep = await holders.record_page(self._database, sweep, recorded, self._clock())
            self._tell(group, "members", seen, max(seen, expected), is_last=is_last)
            if is_last and is_whole:
                log.info("Group %s: %d members, %d have the role", group.key, seen, sweep.holders)
                return True
            if is_last:
                log.warning("The member list ended early: %d of about %d", seen, expected)
                await holders.abandon_sweep(self._database, sweep)
                return False

    async def _fetch_page(
        self, guild: discord.Guild, after_id: int
    ) -> Sequence[MemberWithUser] | None:
        """One page of List Guild Members, as Discord sends it.

        `Guild.fetch_members` of discord.py 2.7.1 reads on to the end whatever its `limit` says,
        and would keep a whole server in memory.
        """
        try:
            page = await self._client.http.get_members(guild.id, MEMBERS_PER_PAGE, after_id)
            if all(_id(entry) > after_id for entry in page):
                return page
            # Taken for the next page, one that came before would be read for ever.
            log.warning("The member list could not be read (not the page that was asked for)")
        except discord.HTTPException as error:
            log.warning("The member list could not be read (%d, %d)", error.status, error.code)
        except UNREADABLE as error:
            log.warning("The member list could not be read (%s)", type(error).__name__)
        return None

    async def _conclude(self, guild: discord.Guild, group: Group) -> Conclusion:
        await self._explain(guild, group)
        role = find_role(guild, group.roles.member)
        conclusion = await holders.conclude(
            self._database,
            group.key,
            rules_of(group),
            self._clock(),
            role_id=role.id if role is not None else 0,
        )
        if conclusion.strangers:
            log.warning(
                "Group %s: %d of %d holders have not signed (acted: %s, guarded: %s)",
                group.key,
                conclusion.strangers,
                conclusion.holders,
                conclusion.acted,
                conclusion.guarded,
            )
        return conclusion

    async def _explain(self, guild: discord.Guild, group: Group) -> None:
        """Look into the server's audit log for how strangers came by the role."""
        unexplained = await holders.list_unexplained(self._database, group.key, AUDIT_ENTRIES)
        if not unexplained or not guild.me.guild_permissions.view_audit_log:
            return
        sources: dict[int, Source] = {}
        action = discord.AuditLogAction.member_role_update
        try:
            async for entry in guild.audit_logs(limit=AUDIT_ENTRIES, action=action):
                target_id = getattr(entry.target, "id", 0)
                given = [role.id for role in getattr(entry.changes.after, "roles", [])]
                role = find_role(guild, group.roles.member)
                is_own = entry.user_id == guild.me.id
                if target_id in unexplained and role and role.id in given and not is_own:
                    is_bot = getattr(entry.user, "bot", False)
                    sources.setdefault(target_id, Source.BOT if is_bot else Source.PERSON)
        except (discord.HTTPException, *UNREADABLE) as error:
            log.info("The audit log could not be read (%s)", type(error).__name__)
        rest = dict.fromkeys(unexplained, Source.UNKNOWN)
        await holders.mark_sources(self._database, group.key, rest | sources)

    async def notice_change(
        self, guild: discord.Guild, group: Group, member_id: int, role_ids: Iterable[int]
    ) -> bool:
        """Discord has told of a change to somebody: did they get the role without signing?

        Returns:
            Whether something is being done about it.
        """
        role = find_role(guild, group.roles.member)
        if role is None:
            return False
        has_role = role.id in set(role_ids)
        now = self._clock()
        if not await holders.notice_holder(
            self._database, group.key, member_id, now, has_role=has_role, role_id=role.id
        ):
            return False
        try:
            # Events can overtake one another: ask how it is by now.
            member = await guild.fetch_member(member_id)
        except (discord.HTTPException, *UNREADABLE) as error:
            log.info("A member could not be looked at (%s)", type(error).__name__)
            return False
        if member.bot or member.get_role(role.id) is None:
            return False
        if await holders.keep_out(self._database, group.key, member_id, self._clock()):
            return True
        if not await holders.add_stranger(self._database, group.key, member_id, self._clock()):
            return False
        return (await self._conclude(guild, group)).acted


def rules_of(group: Group) -> Rules:
    """What a group has settled about people with the role and without a signature."""
    signing_ = group.signing
    return Rules(
        enforcement=Enforcement(group.enforcement),
        grace=timedelta(days=signing_.grace_days),
        reminds=any(day < signing_.grace_days for day in signing_.remind_after_days),
    )


def is_admitted(member: discord.Member) -> bool:
    """Whether this is a person, and one who has passed the server's screening."""
    return not member.bot and not member.pending


def present(member: discord.Member, role: discord.Role | None) -> Present:
    """What the record needs to know of somebody who is in the server."""
    has_role = role is not None and member.get_role(role.id) is not None
    return Present(member_id=member.id, has_role=has_role, joined_at=member.joined_at)


def _id(entry: MemberWithUser) -> int:
    return int(entry["user"]["id"])


def _is_person(entry: MemberWithUser) -> bool:
    return not entry["user"].get("bot", False)


def _is_admitted(entry: MemberWithUser) -> bool:
    return _is_person(entry) and not entry.get("pending", False)


def _has(entry: MemberWithUser, role: discord.Role | None) -> bool:
    return role is not None and str(role.id) in map(str, entry["roles"])


def _present(entry: MemberWithUser, role: discord.Role | None) -> Present:
    joined_at = discord.utils.parse_time(entry["joined_at"])
    return Present(member_id=_id(entry), has_role=_has(entry, role), joined_at=joined_at)


def _answers_on(message: discord.Message, request: SignatureRequest) -> set[Answer] | None:
    """The answers that stand under a message; None when its emoji are not known."""
    if request.decline_emoji is None:
        return None
    emoji = {Answer.ACCEPT: request.accept_emoji, Answer.DECLINE: request.decline_emoji}
    return {answer for answer, sign in emoji.items() if sign and _is_given(message, sign)}


def _says_more(request: SignatureRequest, answers: set[Answer]) -> bool:
    """Whether what stands under a message differs from what the record knew of it."""
    accepted = Answer.ACCEPT in answers
    if accepted is not (request.accept_seen_at is not None):
        return True
    # Under what a facilitator recorded there is only a ❌ to press, to object.
    waits = request.state is RequestState.SENT or request.accept_emoji is None
    return waits and bool(answers)


def _is_given(message: discord.Message, emoji: str) -> bool:
    """Whether somebody besides the bot reacted: in a direct message that is the person."""
    return any(
        reaction.count > int(reaction.me)
        for reaction in message.reactions
        if plain_emoji(str(reaction.emoji)) == plain_emoji(emoji)
    )
