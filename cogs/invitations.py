"""Carries invitations on by a timer, also after a restart."""

import logging

from discord.ext import commands

from bot.client import Pledge
from bot.domain.errors import RecordUnavailableError
from bot.effects.timer import every
from cogs._inviting import InviteButton, StopInviteButton

log = logging.getLogger(__name__)

ROUND_SECONDS = 30
"""How often the message that tells how far an invitation is may change."""


class Invitations(commands.Cog):
    """Looks after invitations without being asked."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    async def cog_unload(self) -> None:
        """Stop the timer."""
        self.look_after.cancel()

    @commands.Cog.listener("on_ready")
    async def begin(self) -> None:
        """A new session: an invitation that was under way goes on."""
        if not self.look_after.is_running():
            self.look_after.start()

    @every(seconds=ROUND_SECONDS)
    async def look_after(self) -> None:
        """One round."""
        try:
            await self.client.inviting.look_after_all()
        except RecordUnavailableError:
            return  # whoever noticed it has said so
        except Exception:
            log.exception("Invitations could not be looked after; the next round tries again")


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Invitations(client))
    client.add_dynamic_items(InviteButton, StopInviteButton)
