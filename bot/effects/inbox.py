"""The inbox: reads back from Discord what the gateway lost while the bot was away."""

import logging
from collections.abc import Callable
from datetime import datetime

import aiohttp
import discord

from bot.domain.agreements import SignatureRequest, plain_emoji
from bot.domain.effects import Verdict, verdict_on
from bot.services import members, records, signing
from bot.services.members import Present
from bot.settings import Group
from bot.storage.database import Database

log = logging.getLogger(__name__)

REQUESTS_PER_PAGE = 100
MEMBERS_PER_PAGE = 1_000
"""The most that Discord's List Guild Members gives at once."""


class DiscordAwayError(Exception):
    """Discord does not answer, or does not want to: stop asking for this round."""


class Inbox:
    """Finds reactions and joins that no event told of.

    A read that fails is no finding: it changes nothing, and the next round tries again.
    """

    def __init__(
        self, client: discord.Client, database: Database, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._database = database
        self._clock = clock

    async def catch_up(self, guild: discord.Guild, group: Group) -> int:
        """Bring one group's record up to what Discord shows now; returns what was found."""
        found = 0
        if self._client.intents.members:
            found = await self.sweep(guild, group)
        return found + await self.read_back(group)

    async def read_back(self, group: Group) -> int:
        """Look at the reactions on every message that can hold an answer."""
        found, after_id = 0, 0
        while True:
            page = await records.list_readable(
                self._database, group.key, after_id, REQUESTS_PER_PAGE
            )
            if not page:
                return found
            after_id, started_at = page[-1].id, self._clock()
            unchanged: list[int] = []
            try:
                for request in page:
                    answer = await self._read_answer(request)
                    if answer is True:
                        found += 1
                    elif answer is False:
                        unchanged.append(request.id)
            except DiscordAwayError:
                return found
            finally:
                await records.mark_checked(self._database, unchanged, started_at)

    async def _read_answer(self, request: SignatureRequest) -> bool | None:
        """Whether the message says something new; None when it could not be read.

        Raises:
            DiscordAwayError: the fault is not this message's; the next would fare no better.
        """
        if request.channel_id is None or request.message_id is None:
            return None
        observed_at = self._clock()
        channel = self._client.get_partial_messageable(request.channel_id)
        try:
            message = await channel.fetch_message(request.message_id)
        except discord.HTTPException as error:
            log.info("A request could not be read back (%d, %d)", error.status, error.code)
            if verdict_on(error.status, error.code) is Verdict.RETRY:
                raise DiscordAwayError from error
            return None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.info("A request could not be read back (%s)", type(error).__name__)
            raise DiscordAwayError from error
        if request.accept_emoji is None or request.decline_emoji is None:
            return None
        return await signing.record_found_answer(
            self._database,
            request.id,
            accepted=_is_given(message, request.accept_emoji),
            declined=_is_given(message, request.decline_emoji),
            observed_at=observed_at,
            now=self._clock(),
        )

    async def sweep(self, guild: discord.Guild, group: Group) -> int:
        """Go through the member list, page by page, and welcome whoever was missed."""
        found, page = 0, list[discord.Member]()
        try:
            async for member in guild.fetch_members(limit=None):
                page.append(member)
                if len(page) == MEMBERS_PER_PAGE:
                    found += await self._welcome(group, page)
                    page.clear()
        except discord.HTTPException as error:
            log.warning("The member list could not be read (%d, %d)", error.status, error.code)
            return found
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("The member list could not be read (%s)", type(error).__name__)
            return found
        return found + await self._welcome(group, page)

    async def _welcome(self, group: Group, page: list[discord.Member]) -> int:
        people = [present(member, group) for member in page if is_admitted(member)]
        if not people:
            return 0
        return await members.welcome(self._database, group.key, people, self._clock(), live=False)


def is_admitted(member: discord.Member) -> bool:
    """Whether this is a person, and one who has passed the server's screening."""
    return not member.bot and not member.pending


def present(member: discord.Member, group: Group) -> Present:
    """What the record needs to know of somebody who is in the server."""
    wanted = group.roles.member
    has_role = any(wanted in (role.id, role.name) for role in member.roles)
    return Present(member_id=member.id, has_role=has_role, joined_at=member.joined_at)


def _is_given(message: discord.Message, emoji: str) -> bool:
    """Whether somebody besides the bot reacted: in a direct message that is the person."""
    return any(
        reaction.count > int(reaction.me)
        for reaction in message.reactions
        if plain_emoji(str(reaction.emoji)) == plain_emoji(emoji)
    )
