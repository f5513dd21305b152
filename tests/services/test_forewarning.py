"""Facilitators are told of what goes before it does, and not every day."""

from dataclasses import replace

import pytest

from bot.storage.database import Database
from tests.factories import NEWCOMER, NOW
from tests.services.town import (
    DAY,
    TERMS,
    Town,
    signed,
    withdrew,
)


@pytest.fixture
async def town(database: Database) -> Town:
    town = Town(database)
    await town.publish()
    return town


async def test_facilitators_are_told_in_numbers_before_anything_goes(town: Town) -> None:
    for who in range(NEWCOMER, NEWCOMER + 3):
        await town.join(who)
        await town.leave(who)
    days_told, day_gone = [], None
    for day in range(70, 100):
        town.now = NOW + day * DAY
        before = len(await town.told())
        gone = await town.purge()
        if len(await town.told()) > before:
            days_told.append(day)
        if gone.people:
            day_gone = day
            assert gone.people == 3
    assert day_gone == 90
    (day_told,) = days_told
    assert 76 <= day_told <= 83
    (facts,) = await town.told()
    assert (facts["people"], facts["signatures"]) == (3, 0)


async def test_after_a_long_absence_they_are_told_first(town: Town) -> None:
    await town.join(NEWCOMER)
    await town.leave(NEWCOMER)
    town.now += 400 * DAY
    assert (await town.purge()).people == 0
    assert [facts["people"] for facts in await town.told()] == [1]
    town.now += 6 * DAY
    assert (await town.purge()).people == 0
    town.now += DAY
    assert (await town.purge()).people == 1
    assert len(await town.told()) == 1


async def test_shorter_times_in_the_settings_are_told_of_before_they_count(town: Town) -> None:
    await town.join(NEWCOMER)
    await withdrew(town, NEWCOMER)
    await town.live(60)
    short = replace(TERMS, proof=30 * DAY)
    assert (await town.purge(short)).signatures == 0
    assert [facts["signatures"] for facts in await town.told()] == [1]
    assert (await town.live(7, short)).signatures == 1


async def test_nothing_is_told_where_nothing_goes(town: Town) -> None:
    await town.join(NEWCOMER)
    await signed(town, NEWCOMER)
    await town.live(200)
    assert await town.told() == []
