"""Failures and haste: nothing is stuck, nobody waits for somebody else's trouble."""

import asyncio
import dataclasses
from typing import Any

import discord
import pytest
from sqlalchemy.exc import OperationalError

from bot.domain.agreements import Change
from bot.services import agreements, outbox, records, reminders, signing
from bot.services.agreements import GroupText
from bot.settings import Signing
from tests.cogs.conftest import ACCEPT, World
from tests.cogs.test_faults import ROUTE_MESSAGES, ROUTE_ROLE, contents
from tests.factories import GRACE, GUILD, make_agreement

FETCH = "/channels/{channel_id}/messages/{message_id}"
BROKEN = OperationalError("x", {}, Exception("connection was closed"))


async def publish_second(world: World, change: Change) -> None:
    """A facilitator publishes other words, at once and unseen."""
    agreement = make_agreement(purpose="The second text.")
    text = GroupText(key=world.group.key, guild_id=GUILD, agreement=agreement)
    database, now = world.database, discord.utils.utcnow()
    await agreements.register_groups(database, [text], now)
    preview = await agreements.preview_publish(database, world.group.key, now)
    await agreements.publish(
        database,
        world.group.key,
        fingerprint=preview.draft.sha256,
        change=change,
        facilitator_id=1,
        grace=GRACE,
        now=now,
    )
    with world.env._bot_scope():
        world.client.effects.wake()


@pytest.mark.parametrize("change", [Change.MINOR, Change.MATERIAL])
async def test_nobody_signs_a_text_that_was_not_shown_when_another_is_published_meanwhile(
    world: World, change: Change
) -> None:
    await world.publish()
    held = world.hold_request("POST", ROUTE_MESSAGES)
    member = world.guild.add_member(world.env.create_user("test-newcomer"))
    await held.reached.wait()

    await publish_second(world, change)
    held.go.set()
    await world.env.settle()
    await world.react(member)

    now = discord.utils.utcnow()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    versions = [signature.version_number for signature in record.signatures]
    assert versions == ([1] if change is Change.MINOR else [])
    await world.env.advance_time(60)
    was_shown = "The second text." in "\n".join(contents(world, member))
    assert was_shown is (change is Change.MATERIAL)


async def test_other_emoji_in_the_settings_withdraw_nobody(world: World) -> None:
    await world.publish()
    people = [await world.join(f"test-{n}") for n in range(3)]
    for person in people:
        await world.react(person)
    await world.stop()
    world.groups[:] = [dataclasses.replace(world.group, signing=Signing(accept="👍"))]
    await world.start()
    assert all(world.has_role(person) for person in people)

    # What was asked with ✅ is still taken back with it.
    message = [m for m in world.dms(people[0]) if len(m.reactions) >= 2][-1]
    await people[0].user.set_reaction(message, ACCEPT, reacted=False)
    await world.env.settle()
    assert not world.has_role(people[0])


async def test_break_holds_although_another_message_was_on_its_way(world: World) -> None:
    await world.publish()
    await world.stop()
    for n in range(3):
        world.guild.add_member(world.env.create_user(f"test-{n}"))
    world.env.inject_error("POST", "/users/@me/channels", status=403, code=20026)
    await world.start()

    assert world.client.effects.pace.not_asking(discord.utils.utcnow()) == [world.group.key]


async def test_signing_by_button_opens_the_door_during_a_break(world: World) -> None:
    await world.publish()
    world.env.inject_error("POST", "/users/@me/channels", status=403, code=20026, times=None)
    member = await world.join()

    shown = await member.slash(world.channel("welcome"), "agreement sign")
    await member.click(shown.followups[-1], label="I accept")
    await world.env.settle()

    assert world.has_role(member)


async def test_withdrawal_closes_the_door_while_requests_are_paused(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=20026, times=None)
    await publish_second(world, Change.MATERIAL)
    await world.env.settle()

    now = discord.utils.utcnow()
    await signing.withdraw(world.database, world.group.key, member.id, now)
    with world.env._bot_scope():
        world.client.effects.wake()
    await world.env.settle()

    assert not world.has_role(member)


async def test_pause_is_told_again_after_a_restart(world: World) -> None:
    await world.publish()
    world.env.inject_error("POST", "/users/@me/channels", status=403, code=40003)
    await world.join("test-a")
    await world.restart(asleep=3600)
    world.env.inject_error("POST", "/users/@me/channels", status=403, code=40003)

    await world.join("test-b")

    assert len([notice for notice in world.notices() if "slow down" in notice]) == 2


async def test_timer_goes_on_after_the_database_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: Any) -> int:
        raise BROKEN

    with monkeypatch.context() as patch:
        patch.setattr(reminders, "end_lapsed", fail)
        await world.env.advance_time(301)
    await world.env.advance_time(301)

    upkeep: Any = world.client.get_cog("Upkeep")
    assert upkeep.look_at_clock.is_running()


async def test_outcome_that_could_not_be_recorded_is_found_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish()
    member = await world.join()

    async def fail(*_args: Any) -> None:
        raise BROKEN

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "finish", fail)
        patch.setattr(outbox, "retry", fail)
        await world.react(member)
    await world.env.advance_time(600)

    assert world.has_role(member)
    assert "Thank you" in contents(world, member)[-1]
    await world.react(member, reacted=False)
    assert not world.has_role(member)


async def test_one_slow_message_keeps_nobody_else_waiting(world: World) -> None:
    await world.publish()
    first = await world.join("test-a")
    held = world.hold_request("POST", ROUTE_MESSAGES)
    world.guild.add_member(world.env.create_user("test-b"))
    await held.reached.wait()

    role_given = world.notice_request("PUT", ROUTE_ROLE)
    message = world.request_of(first)
    world.env.backend.set_reaction(message.channel.id, message.id, ACCEPT, first.id, True)
    async with asyncio.timeout(10):
        await role_given.wait()

    assert world.has_role(first)
    held.go.set()
    await world.env.settle()


async def test_nobody_is_told_that_access_has_ended_while_it_has_not(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    world.raise_bot_role(position=1)
    role = world.roles[str(world.group.roles.member)]
    world.env.backend.edit_role(world.guild.id, role.id, {"position": 60})
    await world.env.settle()

    await world.react(member, reacted=False)

    assert world.has_role(member)
    assert "cannot close the support channel to you yet" in contents(world, member)[-1]
    world.raise_bot_role(position=70)
    await world.env.settle()
    assert not world.has_role(member)


async def test_reading_back_stops_when_discord_refuses_the_bot(world: World) -> None:
    await world.publish()
    for n in range(4):
        await world.react(await world.join(f"test-{n}"))
    before = len(world.env.http_requests)
    world.env.inject_error("GET", "/channels/*/messages/*", status=401, times=None)

    await world.client.reconciler.read_back(world.group)

    asked = [r for r in world.env.http_requests[before:] if r.method == "GET"]
    assert len(asked) == 1
