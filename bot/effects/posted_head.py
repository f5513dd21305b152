"""Looks up the head of the ledger posted last: it tells when a record is not the newest."""

import logging
from datetime import datetime

import aiohttp
import discord

from bot.domain.ledger import Head
from bot.effects.places import find_channel
from bot.services import ledger
from bot.settings import Group
from bot.storage.database import Database

log = logging.getLogger(__name__)

MESSAGES = 100
"""How many messages of the moderators' channel are looked through, the newest first."""


async def compare_with_posted_head(
    client: discord.Client, database: Database, guild: discord.Guild, group: Group, now: datetime
) -> bool:
    """Whether the channel knows more than this database; then it is treated as put back.

    An old copy can come back without `pledge restore`, by a snapshot of the whole machine or a
    file moved into place. What the channel does not show, or cannot be read, is no finding.
    """
    channel = find_channel(guild, group.channels.moderators)
    if channel is None or client.user is None:
        return False
    try:
        async for message in channel.history(limit=MESSAGES):
            is_own = message.author.id == client.user.id
            head = Head.find(message.content) if is_own else None
            if head is not None:
                return await ledger.note_posted_head(database, group.key, head, now)
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        log.info("The posted head could not be looked up (%s)", type(error).__name__)
    return False
