"""The bot over weeks: disks fill up, clocks go wrong, requests get stuck."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from sqlalchemy import text

from bot.domain.agreements import Agreement, Duration, Standing
from bot.domain.effects import AlarmKind
from bot.services import records
from bot.storage import database as database_module
from tests.cogs.conftest import World
from tests.factories import make_agreement

ROLE = "/guilds/*/members/*/roles/*"


@dataclass
class Disk:
    """The disk under the database; what it allows holds for connections made from then on."""

    world: World
    pragma: str = "user_version"

    async def become(self, pragma: str) -> None:
        self.pragma = pragma
        await self.world.database.reconnect()

    async def fill(self) -> None:
        """No file may grow any more; what fits into pages that are there still does."""
        async with self.world.database.read() as tx:
            pages = (await tx.execute(text("PRAGMA page_count"))).scalar_one()
        await self.become(f"max_page_count = {pages}")

    async def protect(self) -> None:
        await self.become("query_only = ON")

    def mend(self) -> None:
        """It is the bot's own business to find out."""
        self.pragma = "user_version"


@pytest.fixture
def agreement() -> Agreement:
    return make_agreement(duration=Duration(text="For a month.", days=30))


@pytest.fixture
def disk(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(world)
    original = database_module._open_file

    def open_file(*args: Any) -> Any:
        connection = original(*args)
        connection.execute(f"PRAGMA {disk.pragma}").fetchall()
        return connection

    monkeypatch.setattr(database_module, "_open_file", open_file)
    yield disk
    disk.mend()


def about_record(world: World) -> list[str]:
    return [notice for notice in world.notices() if "to my record" in notice]


async def standing(world: World, member: MemberActor) -> Standing | None:
    now = discord.utils.utcnow()
    return (await records.check_member(world.database, world.group.key, member.id, now)).standing


async def test_nothing_is_decided_while_the_disk_is_read_only_and_all_is_found_afterwards(
    world: World, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    await world.publish()
    signs, withdraws, presses = [await world.join(f"test-{n}") for n in ("a", "b", "c")]
    await world.react(withdraws)
    assert world.has_role(withdraws)
    before = len(world.dms(signs))
    shown = await presses.slash(world.channel("welcome"), "agreement sign")
    await disk.protect()

    with caplog.at_level(logging.INFO, logger="bot"):
        await world.react(signs)
        await world.react(withdraws, reacted=False)
        refused = await presses.click(shown.followups[-1], label="I accept")
        await world.env.advance_time(300)

    # No role, no confirmation; honest to whoever asked; one line for the operator; one notice.
    assert not world.has_role(signs)
    assert len(world.dms(signs)) == before
    assert refused.response is not None
    assert "have not counted your answer" in refused.response.content
    critical = [entry for entry in caplog.records if entry.levelno >= logging.ERROR]
    assert [entry.levelname for entry in critical] == ["CRITICAL"]
    assert "SQLITE_READONLY" in critical[0].getMessage()
    assert len(about_record(world)) == 1
    assert "let nobody in and count no answers" in about_record(world)[0]

    disk.mend()
    await world.env.advance_time(120)

    assert world.has_role(signs)
    assert not world.has_role(withdraws)
    assert await standing(world, withdraws) is Standing.WITHDRAWN
    record = await records.check_member(
        world.database, world.group.key, signs.id, discord.utils.utcnow()
    )
    assert record.signatures[0].signed_after is not None, "found later: between then and now"
    assert len([c for c in world.dms(signs) if "Thank you" in c.content]) == 1
    assert len(about_record(world)) == 2
    assert "can write to my record again" in about_record(world)[1]
    await presses.click(shown.followups[-1], label="I accept")
    await world.env.settle()
    assert world.has_role(presses)


async def test_everybody_is_wholly_in_or_wholly_out_on_a_full_disk(
    world: World, disk: Disk
) -> None:
    await world.publish()
    members = [await world.join(f"test-{n}") for n in range(5)]
    await world.env.advance_time(60)
    await disk.fill()

    for member in members:
        await world.react(member)

    signed = [m for m in members if await standing(world, m) is Standing.SIGNED]
    assert len(signed) < len(members), "the disk was not full"
    assert not any(world.has_role(m) for m in members if m not in signed)

    disk.mend()
    await world.env.advance_time(400)

    assert all([await standing(world, m) is Standing.SIGNED for m in members])
    assert all(world.has_role(m) for m in members)
    thanked = [len([c for c in world.dms(m) if "Thank you" in c.content]) for m in members]
    assert thanked == [1] * len(members)


async def test_short_outage_is_not_talked_about(world: World, disk: Disk) -> None:
    await world.publish()
    member = await world.join()
    await disk.protect()
    await world.react(member)
    disk.mend()

    await world.env.advance_time(60)

    assert world.has_role(member)
    assert about_record(world) == []


async def test_second_outage_is_told_of_again(world: World, disk: Disk) -> None:
    await world.publish()
    for name in ("test-a", "test-b"):
        await disk.protect()
        await world.join(name)
        await world.env.advance_time(120)
        disk.mend()
        await world.env.advance_time(120)

    assert len(about_record(world)) == 4


async def test_people_who_join_while_the_disk_is_full_are_asked_afterwards(
    world: World, disk: Disk
) -> None:
    await world.publish()
    await disk.protect()
    member = await world.join()
    assert world.dms(member) == []
    disk.mend()

    await world.env.advance_time(120)

    assert world.request_of(member)


async def test_new_session_during_an_outage_does_not_stop_the_work_for_good(
    world: World, disk: Disk
) -> None:
    await world.publish()
    await world.stop()
    await disk.protect()
    disk.mend()
    await world.start()
    await disk.protect()
    with world.env._bot_scope():
        world.client.dispatch("ready")
    await world.env.settle()
    disk.mend()
    await world.env.advance_time(120)

    member = await world.join()
    await world.react(member)

    assert world.has_role(member)


async def test_outage_is_in_the_record_afterwards(world: World, disk: Disk) -> None:
    await world.publish()
    await disk.protect()
    await world.join()
    await world.env.advance_time(60)
    disk.mend()
    await world.env.advance_time(120)

    query = text("SELECT opened_at, closed_at FROM alarms WHERE kind = :kind")
    async with world.database.read() as tx:
        rows = (await tx.execute(query, {"kind": AlarmKind.RECORD_UNAVAILABLE})).all()
    assert len(rows) == 1
    assert rows[0].opened_at < rows[0].closed_at


# --- the outbox --------------------------------------------------------------------------------


def about_stuck(world: World) -> list[str]:
    return [notice for notice in world.notices() if "quarter of an hour" in notice]


async def test_stuck_role_is_told_once_and_again_when_it_happens_again(world: World) -> None:
    await world.publish()
    for name in ("test-a", "test-b"):
        member = await world.join(name)
        world.env.inject_error("PUT", ROLE, status=503, times=None)
        told = len(about_stuck(world))
        await world.react(member)
        await world.env.advance_time(600)
        assert len(about_stuck(world)) == told
        await world.env.advance_time(1800)
        assert len(about_stuck(world)) == told + 1
        assert "giving or taking the member role: 1" in about_stuck(world)[-1]

        world.open_dms()
        await world.env.advance_time(900)
        assert world.has_role(member)


async def test_break_of_direct_messages_is_not_called_stuck(world: World) -> None:
    await world.publish()
    world.env.inject_error("POST", "/users/@me/channels", status=400, code=20026, times=None)
    await world.join()

    for _ in range(6):
        await world.env.advance_time(600)

    assert about_stuck(world) == []


# --- the clock ---------------------------------------------------------------------------------


async def end_of_signature(world: World, member: MemberActor) -> timedelta:
    now = discord.utils.utcnow()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    expires_at = record.signatures[0].expires_at
    assert expires_at is not None
    return expires_at - now


async def test_nobody_loses_access_because_the_clock_of_the_computer_jumped(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    rest = await end_of_signature(world, member)
    clock, begun_at = world.client.clock, discord.utils.utcnow()
    jump = rest + timedelta(hours=1)

    def elapsed() -> float:
        return (discord.utils.utcnow() - begun_at - jump).total_seconds()

    # Hardly any time goes by, and the computer believes that it is past the end.
    clock._elapsed = elapsed
    clock._theirs = begun_at, 0.0
    world.env.backend.advance_clock(jump.total_seconds())
    await world.env.advance_time(600)

    assert world.has_role(member)
    told = [notice for notice in world.notices() if "clock of the computer" in notice]
    assert len(told) == 1

    # The time has really come.
    clock.observe(discord.utils.utcnow())
    await world.env.advance_time(400)
    assert not world.has_role(member)


async def test_work_put_off_by_a_clock_that_was_ahead_is_done_when_it_is_set_back(
    world: World,
) -> None:
    await world.publish()
    world.env.inject_error("POST", "/channels/*/messages", status=503, times=1)
    member = await world.join()
    async with world.database.write() as tx:
        await tx.execute(
            text("UPDATE effects SET due_at = '2099-01-01T00:00:00.000000Z' WHERE state='pending'")
        )
    world.client.clock._was_set_back = True

    await world.env.advance_time(600)

    assert world.request_of(member)


async def test_work_put_off_by_a_clock_that_was_ahead_is_done_by_the_next_process(
    world: World,
) -> None:
    await world.publish()
    world.env.inject_error("POST", "/channels/*/messages", status=503, times=1)
    member = await world.join()
    async with world.database.write() as tx:
        await tx.execute(
            text("UPDATE effects SET due_at = '2099-01-01T00:00:00.000000Z' WHERE state='pending'")
        )

    await world.start()

    assert world.request_of(member)
