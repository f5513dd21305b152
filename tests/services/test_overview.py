"""The numbers of a whole group and how it came to them, on both engines."""

from datetime import timedelta

import pytest

from bot.domain.agreements import Change, Method, RequestState, RevokeReason, Standing
from bot.services import overview
from bot.storage import signatures
from bot.storage.database import Database
from tests.factories import FACILITATOR, NOW, make_agreement, publish
from tests.roster import GROUP, add_person, after


async def test_an_empty_group_has_no_line_and_no_median(database: Database) -> None:
    await publish(database)
    found = await overview.look_over(database, GROUP, NOW)
    assert (found.people, found.asked, found.covered) == (0, 0, 0)
    assert (found.counts, found.half_within, found.line) == ({}, None, ())
    assert [(one.number, one.published_by) for one in found.publishes] == [(1, FACILITATOR)]


async def test_everybody_present_is_counted_once_and_whoever_left_is_not(
    database: Database,
) -> None:
    version = await publish(database)
    async with database.write() as tx:
        await add_person(tx, version, 1, signed_at=after(hours=1))
        await add_person(tx, version, 2, signed_at=after(hours=2), left_at=after(hours=5))
        await add_person(tx, version, 3, RequestState.SENT)
        await add_person(tx, version, 4, RequestState.QUEUED, asked_at=None)
        await add_person(tx, version, 5, RequestState.DECLINED)
        await add_person(tx, version, 6, RequestState.BLOCKED, asked_at=None)
    found = await overview.look_over(database, GROUP, after(days=1))
    assert found.counts == {
        Standing.SIGNED: 1,
        Standing.WAITING: 2,
        Standing.DECLINED: 1,
        Standing.BLOCKED: 1,
    }
    assert (found.people, found.asked, found.covered, found.one_in) == (5, 3, 1, 1)
    assert found.line == (
        (after(hours=1), 1),
        (after(hours=2), 2),
        (after(hours=5), 1),
        (after(days=1), 1),
    )


async def test_the_line_falls_when_signatures_end_and_when_their_text_does(
    database: Database,
) -> None:
    version = await publish(database)
    async with database.write() as tx:
        await add_person(tx, version, 1, signed_at=after(hours=1), expires_at=after(days=3))
        second = await add_person(tx, version, 2, signed_at=after(hours=1))
        await add_person(tx, version, 3, signed_at=after(hours=2))
        withdrawn = await signatures.find_unrevoked(tx, GROUP, second)
        assert withdrawn is not None
        await signatures.mark_revoked(tx, withdrawn, RevokeReason.WITHDRAWN, after(days=2))
    changed = make_agreement(purpose="We listen well.")
    await publish(database, agreement=changed, change=Change.MATERIAL, now=after(days=4))
    found = await overview.look_over(database, GROUP, after(days=30))
    assert found.line == (
        (after(hours=1), 2),
        (after(hours=2), 3),
        (after(days=2), 2),
        (after(days=3), 1),
        (after(days=18), 0),
        (after(days=30), 0),
    )
    assert [one.number for one in found.publishes] == [1, 2]


async def test_the_median_is_of_exact_times_only(database: Database) -> None:
    version = await publish(database)
    async with database.write() as tx:
        for number, hours in enumerate((1, 2, 30), 1):
            await add_person(tx, version, number, signed_at=after(hours=hours))
        await add_person(tx, version, 7, signed_at=after(days=9), signed_after=after(days=1))
        await add_person(
            tx, version, 8, signed_at=after(days=9), method=Method.ATTESTED, attested_by=1
        )
        await add_person(tx, version, 9, asked_at=None, signed_at=after(days=9))
    found = await overview.look_over(database, GROUP, after(days=10))
    assert found.half_within == timedelta(hours=2)


async def test_of_a_large_group_the_past_is_read_of_a_part(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "EXACT", 39)
    monkeypatch.setattr(overview, "SAMPLE", 10)
    version = await publish(database)
    async with database.write() as tx:
        for number in range(1, 41):
            await add_person(tx, version, number, signed_at=after(minutes=number))
    found = await overview.look_over(database, GROUP, after(days=1))
    assert (found.one_in, found.people, found.covered) == (4, 40, 40)
    assert len(found.line) == 11
    assert [count for _, count in found.line] == [*range(4, 41, 4), 40]
