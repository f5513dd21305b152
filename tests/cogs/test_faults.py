"""Discord answers late, twice, wrongly or never; the process dies in between."""

import asyncio
from datetime import timedelta

import aiohttp
import discord
import pytest
from simcord.actors import MemberActor
from sqlalchemy import update

from bot.domain.agreements import Standing
from bot.domain.effects import EffectKind
from bot.services import records
from bot.storage.tables import effects
from tests.cogs.conftest import World
from tests.crash.handle import until

ROLE = "/guilds/*/members/*/roles/*"
MESSAGES = "/channels/*/messages"
ROUTE_MESSAGES = "/channels/{channel_id}/messages"
ROUTE_ROLE = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"


async def standing(world: World, member: MemberActor) -> Standing | None:
    now = discord.utils.utcnow()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    return record.standing


def contents(world: World, member: MemberActor) -> list[str]:
    return [message.content for message in world.dms(member)]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524, 429])
async def test_request_is_sent_after_all_when_discord_fails_for_a_while(
    world: World, status: int
) -> None:
    await world.publish()
    world.env.inject_error("POST", MESSAGES, status=status, times=2)

    member = await world.join()
    assert contents(world, member) == []
    await world.env.advance_time(60)

    assert world.request_of(member)
    assert len(contents(world, member)) == len(set(contents(world, member)))


@pytest.mark.parametrize(
    "error",
    [aiohttp.ServerDisconnectedError(), ConnectionResetError(), TimeoutError()],
    ids=["disconnected", "reset", "timeout"],
)
@pytest.mark.parametrize("sent", [False, True], ids=["not sent", "answer lost"])
async def test_nobody_gets_the_same_message_twice_when_the_connection_breaks(
    world: World, error: Exception, *, sent: bool
) -> None:
    await world.publish()
    world.break_request("POST", ROUTE_MESSAGES, error, sent=sent)

    member = await world.join()
    await world.env.advance_time(60)

    assert world.request_of(member)
    assert len(contents(world, member)) == len(set(contents(world, member))) == 2


async def test_message_of_an_ended_request_is_not_taken_for_that_of_the_next(world: World) -> None:
    await world.publish()
    held = world.hold_request("POST", ROUTE_MESSAGES)
    user = world.env.create_user("test-newcomer")
    member = world.guild.add_member(user)
    await held.reached.wait()
    world.guild.remove_member(member)
    member = world.guild.add_member(user)

    async def is_tried_anew() -> bool:
        """The second asking is there, and as if a first try of it had come to nothing."""
        async with world.database.write() as tx:
            query = update(effects).where(effects.c.kind == EffectKind.ASK, effects.c.attempts == 0)
            return (await tx.execute(query.values(attempts=1))).rowcount == 1

    await until("the second asking", is_tried_anew)
    held.go.set()
    await world.env.settle()

    asked = [message for message in world.dms(member) if message.reactions]
    assert len(asked) == 2
    await world.react(member)
    assert world.has_role(member)


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
async def test_request_is_finished_by_the_next_process_when_this_one_dies(
    world: World, *, sent: bool
) -> None:
    await world.publish()
    world.break_request("POST", ROUTE_MESSAGES, asyncio.CancelledError(), sent=sent)
    member = await world.join()
    assert len(contents(world, member)) == int(sent)

    await world.start()

    assert len(contents(world, member)) == len(set(contents(world, member))) == 2
    await world.react(member)
    assert world.has_role(member)


async def test_reactions_are_added_by_the_next_process_when_this_one_dies_before(
    world: World,
) -> None:
    await world.publish()
    path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
    world.break_request("PUT", path, asyncio.CancelledError(), sent=False)
    member = await world.join()
    assert [m for m in world.dms(member) if m.reactions] == []

    await world.start()

    assert len(world.request_of(member).reactions) == 2
    assert len(contents(world, member)) == 2


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
async def test_role_is_given_by_the_next_process_when_this_one_dies(
    world: World, *, sent: bool
) -> None:
    await world.publish()
    member = await world.join()
    world.break_request("PUT", ROUTE_ROLE, asyncio.CancelledError(), sent=sent)
    await world.react(member)
    assert "Thank you" not in contents(world, member)[-1]

    await world.start()

    assert world.has_role(member)
    assert [c for c in contents(world, member) if "Thank you" in c] == [contents(world, member)[-1]]


async def test_confirmation_comes_once_when_its_answer_is_lost(world: World) -> None:
    await world.publish()
    member = await world.join()
    world.break_request("POST", ROUTE_MESSAGES, ConnectionResetError(), sent=True)

    await world.react(member)
    await world.env.advance_time(60)

    assert len([c for c in contents(world, member) if "Thank you" in c]) == 1


async def test_message_that_was_sent_is_found_though_our_clock_is_ahead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish()
    ahead = timedelta(minutes=4)
    read = world.client.clock._read
    monkeypatch.setattr(world.client.clock, "_read", lambda: read() + ahead)
    monkeypatch.setattr("bot.effects.clock.Clock.ahead", property(lambda _clock: ahead))
    world.break_request("POST", ROUTE_MESSAGES, ConnectionResetError(), sent=True)
    member = await world.join()
    await world.env.advance_time(60)
    assert world.request_of(member)
    assert len(contents(world, member)) == len(set(contents(world, member))) == 2


async def test_grant_never_comes_after_a_withdrawal(world: World) -> None:
    await world.publish()
    member = await world.join()
    world.env.inject_error("PUT", ROLE, status=503, times=1)
    await world.react(member)
    assert not world.has_role(member)

    await world.react(member, reacted=False)
    granted = len([r for r in world.env.http_requests if r.method == "PUT" and "/roles/" in r.path])
    await world.env.advance_time(120)

    after = [r for r in world.env.http_requests if r.method == "PUT" and "/roles/" in r.path]
    assert len(after) == granted
    assert not world.has_role(member)
    assert not any("Thank you" in content for content in contents(world, member))


async def test_facilitators_are_told_once_when_the_role_stands_too_high(world: World) -> None:
    world.raise_bot_role(position=1)
    role = world.roles[str(world.group.roles.member)]
    world.env.backend.edit_role(world.guild.id, role.id, {"position": 40})
    await world.env.settle()
    await world.publish()
    members = [await world.join(f"test-{n}") for n in range(3)]

    for member in members:
        await world.react(member)

    assert [standing_ for m in members if (standing_ := await standing(world, m))] == [
        Standing.SIGNED
    ] * 3
    assert not any(world.has_role(member) for member in members)
    assert len([n for n in world.notices() if "Manage Roles" in n]) == 1
    assert "cannot open the channel for you yet" in contents(world, members[0])[-1]

    world.raise_bot_role(position=50)
    await world.env.settle()

    assert all(world.has_role(member) for member in members)


async def test_facilitators_are_told_when_the_role_is_gone_and_access_follows_when_it_is_back(
    world: World,
) -> None:
    await world.publish()
    member = await world.join()
    name = str(world.group.roles.member)
    world.env.backend.delete_role(world.guild.id, world.roles[name].id)
    await world.env.settle()
    await world.react(member)
    assert len([n for n in world.notices() if "role is gone" in n]) == 1

    world.roles[name] = world.guild.create_role(name)
    await world.env.settle()

    assert world.has_role(member)


@pytest.mark.parametrize("code", [40003, 20026])
async def test_asking_pauses_when_discord_says_too_many(world: World, code: int) -> None:
    await world.publish()
    world.env.inject_error("POST", "/users/@me/channels", status=400, code=code)

    first = await world.join("test-a")
    second = await world.join("test-b")

    assert contents(world, first) == contents(world, second) == []
    assert len([n for n in world.notices() if "slow down" in n]) == 1
    await world.env.advance_time(400)
    assert contents(world, second) == []
    await world.env.advance_time(3900)
    assert world.request_of(first)
    assert world.request_of(second)


async def test_people_are_asked_at_the_pace_of_the_group(world: World) -> None:
    await world.publish()
    members = [world.guild.add_member(world.env.create_user(f"test-{n}")) for n in range(30)]
    await world.env.settle()

    def asked() -> int:
        return len([m for m in members if contents(world, m)])

    assert asked() < 15
    await world.env.advance_time(120)
    assert asked() == 30


async def test_somebody_who_left_meanwhile_gets_a_final_state(world: World) -> None:
    await world.publish()
    member = await world.join()
    world.env.inject_error("PUT", ROLE, status=404, code=10007)

    await world.react(member)
    await world.env.advance_time(600)

    tried = [r for r in world.env.http_requests if r.method == "PUT" and "/roles/" in r.path]
    assert len(tried) == 1
    assert await standing(world, member) is Standing.SIGNED


async def test_moderators_are_told_later_when_their_channel_comes_back(world: World) -> None:
    channel = world.channel("moderators")
    world.env.backend.delete_channel(channel.id)
    world.raise_bot_role(position=1)
    role = world.roles[str(world.group.roles.member)]
    world.env.backend.edit_role(world.guild.id, role.id, {"position": 40})
    await world.env.settle()

    name = str(world.group.channels.moderators)
    world.channels[name] = world.guild.create_text_channel(name)
    await world.env.settle()

    assert len([n for n in world.notices() if "Manage Roles" in n]) == 1


async def test_role_is_given_although_the_welcome_channel_is_gone(world: World) -> None:
    await world.publish()
    member = await world.join()
    world.env.backend.delete_channel(world.channel("welcome").id)
    world.raise_bot_role(position=1)
    role = world.roles[str(world.group.roles.member)]
    world.env.backend.edit_role(world.guild.id, role.id, {"position": 40})
    await world.env.settle()
    await world.react(member)
    assert not world.has_role(member)

    world.raise_bot_role(position=50)
    await world.env.settle()

    assert world.has_role(member)


async def test_new_session_leaves_what_is_in_hand_alone(world: World) -> None:
    await world.publish()
    held = world.hold_request("POST", ROUTE_MESSAGES)
    member = world.guild.add_member(world.env.create_user("test-newcomer"))
    await held.reached.wait()

    with world.env._bot_scope():
        world.client.dispatch("ready")
    held.go.set()
    await world.env.settle()

    assert len(contents(world, member)) == 2


async def test_moderators_channel_gone_does_not_stop_anything(world: World) -> None:
    await world.publish()
    world.env.backend.delete_channel(world.channel("moderators").id)
    await world.env.settle()

    member = await world.join()
    await world.react(member)

    assert world.has_role(member)


async def test_row_in_hand_is_finished_when_told_to_stop(world: World) -> None:
    await world.publish()
    member = world.guild.add_member(world.env.create_user("test-newcomer"))
    await asyncio.sleep(0)

    await world.client.effects.stop()

    assert len(contents(world, member)) in (0, 2)
    await world.start()
    assert len(contents(world, member)) == 2


async def test_invalid_requests_stop_long_before_discord_bans(world: World) -> None:
    await world.publish()
    pace = world.client.effects.pace
    for _ in range(1000):
        pace.count_invalid(discord.utils.utcnow())

    member = await world.join()
    assert contents(world, member) == []

    await world.env.advance_time(700)
    assert world.request_of(member)
