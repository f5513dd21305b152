"""Buttons that live as long as this process only, and what is answered to a press after that."""

import logging
import secrets
from typing import Any

import discord
from typing_extensions import override

from bot.client import answer_error
from bot.texts.catalogue import _
from bot.texts.passing import PASSED

log = logging.getLogger(__name__)

_BEGIN = "pledge:passing:"
_TAKEN = "taken"
"""Stands in the extras of a press that a view of this process has taken."""


class Passing(discord.ui.View):
    """Buttons that hold something in memory: after a restart, or in time, it is gone.

    Args:
        about: what they are about, one of the keys of `bot.texts.passing.PASSED`.
        seconds: how long they can be pressed.
    """

    def __init__(self, about: str, seconds: float) -> None:
        super().__init__(timeout=seconds)
        self._prefix = f"{_BEGIN}{about}:{secrets.token_hex(8)}"

    def name_of(self, item: str) -> str:
        """The id of one of the buttons."""
        return f"{self._prefix}:{item}"

    @override
    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Called by discord.py before the press is carried out."""
        interaction.extras[_TAKEN] = True
        return True

    @override
    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, item: discord.ui.Item[Any], /
    ) -> None:
        """Answer where every error is answered."""
        await answer_error(interaction, error)


async def answer_passed(interaction: discord.Interaction[Any]) -> None:
    """Say kindly what to do when no view knows a button any more; Discord would say it failed.

    discord.py gives a press to its view first, so what is not taken by now has none.
    """
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    is_press = interaction.type is discord.InteractionType.component
    if not is_press or not custom_id.startswith(_BEGIN) or _TAKEN in interaction.extras:
        return
    answer = PASSED.get(custom_id.split(":")[2])
    if answer is None:
        return
    try:
        await interaction.response.send_message(_(answer), ephemeral=True)
    except discord.HTTPException as error:
        log.info("An answer did not arrive (%d, %d)", error.status, error.code)
