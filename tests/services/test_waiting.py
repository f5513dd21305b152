"""Reminders by hand, on both engines."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.domain.effects import EffectKind, Notice
from bot.domain.errors import NotPublishedError
from bot.services import members, reminders, waiting
from bot.services.waiting import Waiting
from bot.storage.database import Database
from bot.storage.tables import effects
from tests.factories import NEWCOMER, NOW, register
from tests.services.test_attesting import start
from tests.services.test_signing import ACCEPT, GROUP, MESSAGE, ask, react

DAY = timedelta(days=1)
TOMORROW = NOW + DAY


async def ask_many(database: Database, people: int) -> None:
    await start(database)
    for number in range(people):
        await ask(database, NEWCOMER + number, MESSAGE + number)


async def due_times(database: Database) -> list[datetime]:
    query = select(effects.c.due_at).where(
        effects.c.kind == EffectKind.NOTICE, effects.c.detail == Notice.REMINDER
    )
    async with database.read() as tx:
        return sorted((await tx.execute(query)).scalars())


async def test_whoever_was_just_asked_is_not_reminded(database: Database) -> None:
    await ask_many(database, 2)
    soon = NOW + timedelta(hours=23)
    assert await waiting.count_waiting(database, GROUP, soon) == Waiting(due=0, recent=2)
    assert await waiting.remind_all(database, GROUP, 20, soon) == 0


async def test_everybody_who_waits_is_reminded_once_a_day_at_the_pace(database: Database) -> None:
    await ask_many(database, 5)
    assert await waiting.count_waiting(database, GROUP, TOMORROW) == Waiting(due=5, recent=0)
    assert await waiting.remind_all(database, GROUP, 2, TOMORROW) == 5

    minutes = [0, 0, 1, 1, 2]
    assert await due_times(database) == [TOMORROW + timedelta(minutes=n) for n in minutes]
    later = TOMORROW + timedelta(hours=23)
    assert await waiting.count_waiting(database, GROUP, later) == Waiting(due=0, recent=5)
    assert await waiting.remind_all(database, GROUP, 2, later) == 0
    assert await waiting.remind_all(database, GROUP, 2, TOMORROW + DAY) == 5


async def test_reminder_by_itself_counts_and_the_other_way_round(database: Database) -> None:
    await ask_many(database, 1)
    assert await reminders.remind(database, GROUP, [1], TOMORROW, 10) == 1
    assert await waiting.remind_all(database, GROUP, 20, TOMORROW) == 0
    assert await waiting.remind_all(database, GROUP, 20, TOMORROW + DAY) == 1
    assert await reminders.remind(database, GROUP, [1, 2], TOMORROW + DAY, 10) == 0


async def test_whoever_answered_or_left_is_left_in_peace(database: Database) -> None:
    await ask_many(database, 3)
    await react(database, ACCEPT)
    await members.say_goodbye(database, [GROUP], NEWCOMER + 1, NOW)
    assert await waiting.count_waiting(database, GROUP, TOMORROW) == Waiting(due=1, recent=0)
    assert await waiting.remind_all(database, GROUP, 20, TOMORROW) == 1


async def test_nobody_waits_where_nothing_is_published(database: Database) -> None:
    await register(database)
    with pytest.raises(NotPublishedError):
        await waiting.count_waiting(database, GROUP, NOW)
