"""Faults put into the bot on purpose, to show that the harness sees what comes of them."""

import secrets
from typing import Any

from bot.effects import actions
from bot.services import outbox
from bot.storage import suspensions
from bot.storage.database import Database


def _forget_what_was_in_hand() -> None:
    async def take_over(database: Database) -> int:
        async with database.write() as tx:
            await tx.exec_driver_sql(
                "UPDATE effects SET state = 'dropped', finished_at = created_at"
                " WHERE state = 'running'"
            )
        return 0

    outbox.take_over = take_over


def _say_everything_again() -> None:
    async def find_nothing(*_args: object) -> list[int]:
        return []

    seam: Any = actions.Actions
    seam._find_sent = find_nothing
    actions.nonce_of = lambda *_parts: secrets.token_hex(12)


def _keep_no_pause() -> None:
    async def find_nothing(*_args: object) -> None:
        return None

    seam: Any = suspensions
    seam.find_running = find_nothing


_KINDS = {
    "keeps no pause": _keep_no_pause,
    "forgets what was in hand": _forget_what_was_in_hand,
    "says everything again": _say_everything_again,
}


def sabotage(kind: str) -> None:
    """Break the bot in this process, for good."""
    _KINDS[kind]()
