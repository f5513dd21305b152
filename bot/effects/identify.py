"""Spends Discord's sessions sparingly: after 1,000 new ones in a day it resets the bot's token."""

import asyncio
import logging
from collections import deque
from datetime import datetime, timedelta

import discord

from bot.domain.errors import TemporaryError

log = logging.getLogger(__name__)

RESERVE = 50
"""Sessions of a day that are never used, for the operator's own starts."""

WAITS = (0.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds before each further session within `WINDOW`. Discord.py gives all of connecting 60 s."""

WINDOW = timedelta(minutes=10)


class SessionsUsedUpError(TemporaryError):
    """Discord allows no more new sessions for now."""


class Sessions:
    """Asked before every IDENTIFY, the first of the process and each later one.

    Discord itself counts, over all processes and machines, so nothing is counted here. What is
    added is patience: discord.py identifies again five seconds after Discord ended a session,
    which would use up a day's worth in an hour and a half.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._begun: deque[datetime] = deque()

    async def wait_for_turn(self, now: datetime) -> None:
        """Return when a new session may begin.

        Raises:
            SessionsUsedUpError: too few are left until Discord counts anew.
            discord.HTTPException, discord.GatewayNotFound: Discord does not say.
        """
        while self._begun and self._begun[0] <= now - WINDOW:
            self._begun.popleft()
        await asyncio.sleep(WAITS[min(len(self._begun), len(WAITS) - 1)])
        self._begun.append(now)
        # Connecting has a time limit, and no request to Discord is ever cancelled.
        _, _, limit = await asyncio.shield(self._client.http.get_bot_gateway())
        if limit["remaining"] < RESERVE:
            resets_at = now + timedelta(milliseconds=limit["reset_after"])
            raise SessionsUsedUpError(
                f"Only {limit['remaining']} of {limit['total']} new sessions are left today."
                " Discord resets the token of a bot that uses them all, so Pledge waits until"
                f" {resets_at:%Y-%m-%d %H:%M} UTC. Find out why it started so often."
            )
