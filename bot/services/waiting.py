"""Reminding people by hand who were asked and have not answered."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.reminders import BETWEEN_REMINDERS
from bot.storage import versions, waiting
from bot.storage.database import Database

AT_ONCE = 1_200
"""How many people one transaction reminds: nobody else waits long for the writer. Whole minutes of
most paces fit into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many can be reminded, and how many were asked or reminded within the last day."""

    due: int
    recent: int


async def count_waiting(database: Database, group_key: str, now: datetime) -> Waiting:
    """Count the people who have not answered.

    Raises:
        NotPublishedError: nothing is published yet.
    """
    async with database.read() as tx:
        await versions.get_in_force(tx, group_key)
        due, recent = await waiting.count_waiting(tx, group_key, now - BETWEEN_REMINDERS)
    return Waiting(due=due, recent=recent)


async def remind_all(database: Database, group_key: str, per_minute: int, now: datetime) -> int:
    """Remind everybody who has not answered, except whoever was written to within the last day.

    A crash in the middle leaves some who were not reminded, and nobody who is reminded twice.

    Args:
        database: the open database.
        group_key: the group.
        per_minute: how many direct messages go out in a minute.
        now: the current instant.

    Returns:
        How many are reminded.
    """
    reminded, after_id, before = 0, 0, now - BETWEEN_REMINDERS
    while True:
        async with database.write() as tx:
            page = await waiting.mark_reminded(tx, group_key, before, now, after_id, AT_ONCE)
            for minute in range(0, len(page), per_minute):
                due_at = now + timedelta(minutes=(reminded + minute) // per_minute)
                await waiting.add_reminders(tx, page[minute : minute + per_minute], now, due_at)
        reminded += len(page)
        if len(page) < AT_ONCE:
            return reminded
        after_id = page[-1]
