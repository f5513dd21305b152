"""What happened while the bot was away is found and acted on."""

import discord
from simcord.actors import MemberActor

from bot.domain.agreements import RevokeReason, Standing
from bot.services import records
from bot.services.records import MemberRecord
from tests.cogs.conftest import ACCEPT, DECLINE, World


async def record_of(world: World, member: MemberActor) -> MemberRecord:
    now = discord.utils.utcnow()
    return await records.check_member(world.database, world.group.key, member.id, now)


def react_unseen(world: World, member: MemberActor, emoji: str, *, reacted: bool) -> None:
    message = world.request_of(member)
    world.env.backend.set_reaction(message.channel.id, message.id, emoji, member.id, reacted)


async def test_acceptance_given_while_offline_is_recorded_as_an_interval(world: World) -> None:
    await world.publish()
    member = await world.join()
    sent_at = discord.utils.utcnow()
    await world.stop()
    world.env.backend.advance_clock(3600)
    react_unseen(world, member, ACCEPT, reacted=True)
    world.env.backend.advance_clock(3600)
    await world.start()

    (signature,) = (await record_of(world, member)).signatures
    assert world.has_role(member)
    assert signature.signed_after is not None
    assert signature.signed_after <= sent_at
    assert (signature.signed_at - sent_at).total_seconds() >= 7200
    assert "between" in world.dms(member)[-1].content


async def test_decline_given_while_offline_is_recorded(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.stop()
    react_unseen(world, member, DECLINE, reacted=True)
    await world.start()

    assert (await record_of(world, member)).standing is Standing.DECLINED


async def test_withdrawal_made_while_offline_is_carried_out(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.stop()
    world.env.backend.advance_clock(60)
    react_unseen(world, member, ACCEPT, reacted=False)
    await world.start()

    record = await record_of(world, member)
    assert record.signatures[0].revoke_reason is RevokeReason.WITHDRAWN
    assert record.signatures[0].revoked_after is not None
    assert not world.has_role(member)


async def test_newcomer_who_joined_while_offline_is_asked(world: World) -> None:
    await world.publish()
    await world.stop()
    world.env.backend.advance_clock(60)
    member = world.guild.add_member(world.env.create_user("test-newcomer"))
    await world.start()

    assert world.request_of(member)


async def test_newcomer_in_screening_is_not_asked_by_the_sweep(world: World) -> None:
    await world.publish()
    await world.stop()
    world.env.backend.advance_clock(60)
    member = world.guild.add_member(world.env.create_user("test-newcomer"))
    world.env.backend.get_member(world.guild.id, member.id).pending = True
    await world.start()

    assert world.dms(member) == []


async def test_unsigned_person_who_left_and_returned_unseen_is_asked_anew(world: World) -> None:
    await world.publish()
    member = await world.join()
    first = world.request_of(member)
    await world.stop()
    # Longer than two clocks may differ; within that their first request simply stands.
    world.env.backend.advance_clock(420)
    world.guild.remove_member(member)
    world.guild.add_member(member.user)
    await world.start()

    assert world.request_of(member).id != first.id
    second = world.request_of(member)
    await world.restart(asleep=60)
    assert world.request_of(member).id == second.id


async def test_role_taken_away_while_offline_is_given_back(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.stop()
    role = world.roles[str(world.group.roles.member)]
    world.env.backend.remove_member_role(world.guild.id, member.id, role.id)
    await world.start()

    assert world.has_role(member)


async def test_nothing_is_done_twice_when_nothing_was_missed(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    before = [message.id for message in world.dms(member)]

    await world.restart(asleep=60)

    assert [message.id for message in world.dms(member)] == before
    assert len((await record_of(world, member)).signatures) == 1


async def test_unreadable_message_changes_nothing(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.stop()
    world.env.backend.advance_clock(60)
    react_unseen(world, member, ACCEPT, reacted=False)
    world.env.inject_error("GET", "/channels/*/messages/*", status=503, times=None)
    await world.start()

    assert world.has_role(member)
    assert (await record_of(world, member)).standing is Standing.SIGNED


async def test_deleted_message_is_no_withdrawal(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    message = world.request_of(member)
    world.env.backend.delete_message(message.channel.id, message.id)

    await world.restart(asleep=60)

    assert world.has_role(member)


async def test_new_session_catches_up_without_a_restart(world: World) -> None:
    await world.publish()
    member = await world.join()
    subscribers = list(world.env.backend.subscribers)
    world.env.backend.subscribers.clear()
    react_unseen(world, member, ACCEPT, reacted=True)
    world.env.backend.subscribers.extend(subscribers)

    with world.env._bot_scope():
        world.client.dispatch("ready")
    await world.env.settle()

    assert world.has_role(member)


async def test_who_withdrew_unseen_outside_the_server_is_not_let_in_on_return(
    world: World,
) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    world.env.backend.remove_member(world.guild.id, member.id)
    await world.env.settle()
    await world.stop()
    world.env.backend.advance_clock(60)
    react_unseen(world, member, ACCEPT, reacted=False)
    await world.start()
    given = count_given(world)

    await world.join(user=member.user)

    assert count_given(world) == given
    assert not world.has_role(member)
    assert (await record_of(world, member)).signatures[0].revoked_at is not None


async def test_who_withdrew_unseen_and_came_back_unseen_is_not_let_in(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.stop()
    world.env.backend.advance_clock(60)
    react_unseen(world, member, ACCEPT, reacted=False)
    world.env.backend.remove_member(world.guild.id, member.id)
    world.guild.add_member(member.user)
    given = count_given(world)

    await world.start()

    assert count_given(world) == given
    assert not world.has_role(member)


async def test_returning_signer_waits_outside_while_their_message_cannot_be_read(
    world: World,
) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    world.env.backend.remove_member(world.guild.id, member.id)
    await world.env.settle()
    await world.restart(asleep=60)
    world.env.inject_error("GET", "/channels/*/messages/*", status=503, times=None)

    await world.join(user=member.user)
    assert not world.has_role(member)

    world.env.backend.faults.clear()
    await world.restart(asleep=600)
    assert world.has_role(member)


def count_given(world: World) -> int:
    """How often the bot asked Discord to give a role."""
    return sum(
        request.method == "PUT" and "/roles/" in request.path for request in world.env.http_requests
    )
