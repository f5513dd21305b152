"""A newcomer signs and is let in: every sentence of the contract's section on signing."""

import itertools

import discord
import pytest
from simcord.actors import MemberActor

from bot.domain.agreements import Agreement, Duration, Method, Standing
from bot.services import records
from tests.cogs.conftest import ACCEPT, DECLINE, World
from tests.factories import make_agreement


async def standing(world: World, member: MemberActor) -> Standing | None:
    now = discord.utils.utcnow()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    return record.standing


async def test_newcomer_signs_and_is_let_in_when_they_accept(world: World) -> None:
    await world.publish()
    member = await world.join()
    assert not world.has_role(member)

    await world.react(member)

    assert world.has_role(member)
    now = discord.utils.utcnow()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    (signature,) = record.signatures
    assert signature.message_id == world.request_of(member).id
    assert signature.receipt_number in world.dms(member)[-1].content


async def test_signature_stands_when_discord_fails_to_give_the_role(world: World) -> None:
    await world.publish()
    member = await world.join()
    world.env.inject_error("PUT", "/guilds/*/members/*/roles/*", status=503)
    await world.react(member)

    assert not world.has_role(member)
    assert await standing(world, member) is Standing.SIGNED
    assert "Thank you" not in world.dms(member)[-1].content

    await world.env.advance_time(20)
    assert world.has_role(member)
    assert "Thank you" in world.dms(member)[-1].content


async def test_last_message_carries_statement_and_both_reactions(world: World) -> None:
    await world.publish()
    member = await world.join()

    last = world.dms(member)[-1]

    assert [str(reaction.emoji) for reaction in last.reactions] == [ACCEPT, DECLINE]
    assert "I promise." in last.content
    for word in ("accept", "not", "withdraw"):
        assert f"**{word}**" in last.content


class TestLongText:
    @pytest.fixture
    def agreement(self) -> Agreement:
        paragraphs = [f"Paragraph {n} says that we listen. " * 12 for n in range(30)]
        return make_agreement(purpose="\n\n".join(text.strip() for text in paragraphs))

    async def test_long_agreement_arrives_whole_and_in_order(self, world: World) -> None:
        await world.publish()
        member = await world.join()

        contents = [message.content for message in world.dms(member)]

        assert len(contents) > 5
        assert all(len(content) <= 2000 for content in contents)
        everything = " ".join(contents).split()
        numbers = [
            int(after) for before, after in itertools.pairwise(everything) if before == "Paragraph"
        ]
        assert numbers == sorted(numbers)
        assert len(numbers) == 30 * 12
        assert all(content.rstrip().endswith((".", "1")) for content in contents)


async def test_decline_leaves_the_door_closed_and_open_to_second_thoughts(world: World) -> None:
    await world.publish()
    member = await world.join()

    await world.react(member, DECLINE)
    assert not world.has_role(member)
    assert await standing(world, member) is Standing.DECLINED
    assert "change your mind" in world.dms(member)[-1].content

    await world.react(member)
    assert world.has_role(member)


async def test_second_acceptance_says_and_changes_nothing(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    before = len(world.dms(member))
    payload = {
        "user_id": str(member.id),
        "channel_id": str(member.user.dm_channel.id),
        "message_id": str(world.request_of(member).id),
        "emoji": {"id": None, "name": "✅"},
        "type": 0,
    }

    world.env.backend.emit("MESSAGE_REACTION_ADD", payload)
    await world.env.settle()

    assert len(world.dms(member)) == before
    assert world.has_role(member)


async def test_removing_the_acceptance_withdraws_and_a_new_one_signs_anew(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)

    await world.react(member, reacted=False)
    assert not world.has_role(member)
    assert "access to the support channel has ended" in world.dms(member)[-1].content
    assert "does not end" in world.dms(member)[-1].content

    await world.react(member)
    assert world.has_role(member)
    now = discord.utils.utcnow()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    assert len(record.signatures) == 2
    assert record.signatures[0].revoked_at is not None


async def test_another_emoji_is_no_answer(world: World) -> None:
    await world.publish()
    member = await world.join()
    before = len(world.dms(member))

    await world.react(member, "🎉")

    assert await standing(world, member) is Standing.WAITING
    assert len(world.dms(member)) == before


async def test_emoji_with_variation_selector_is_the_same_answer(world: World) -> None:
    await world.publish()
    member = await world.join()

    await world.react(member, "✅\ufe0f")

    assert await standing(world, member) is Standing.SIGNED


async def test_reaction_by_somebody_else_is_no_answer(world: World) -> None:
    await world.publish()
    member, other = await world.join(), await world.join("test-other")
    payload = {
        "user_id": str(other.id),
        "channel_id": str(member.user.dm_channel.id),
        "message_id": str(world.request_of(member).id),
        "emoji": {"id": None, "name": "✅"},
        "type": 0,
    }

    world.env.backend.emit("MESSAGE_REACTION_ADD", payload)
    await world.env.settle()

    assert not world.has_role(member)
    assert not world.has_role(other)


async def test_reaction_after_leaving_signs_nothing(world: World) -> None:
    await world.publish()
    member = await world.join()
    world.guild.remove_member(member)
    await world.env.settle()

    await world.react(member)

    now = discord.utils.utcnow()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    assert record.signatures == ()


async def test_reaction_on_an_old_request_is_pointed_to_the_new_one(world: World) -> None:
    await world.publish()
    member = await world.join()
    old = world.request_of(member)
    world.guild.remove_member(member)
    await world.env.settle()
    await world.join(user=member.user)
    new = world.request_of(member)
    assert new.id != old.id

    await member.user.set_reaction(old, ACCEPT, reacted=True)
    await world.env.settle()

    assert not world.has_role(member)
    assert str(new.id) in world.dms(member)[-1].content


async def test_return_with_a_valid_signature_gives_the_role_back_and_says_so(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    asked = len([m for m in world.dms(member) if m.reactions])
    world.guild.remove_member(member)
    await world.env.settle()

    await world.join(user=member.user)

    assert world.has_role(member)
    assert "Welcome back" in world.dms(member)[-1].content
    assert len([m for m in world.dms(member) if m.reactions]) == asked


async def test_join_told_twice_asks_once(world: World) -> None:
    await world.publish()
    member = await world.join()
    before = len(world.dms(member))
    payload = next(
        entry[2]
        for entry in reversed(world.env.backend.transcript)
        if entry[1] == "GUILD_MEMBER_ADD"
    )

    world.env.backend.emit("GUILD_MEMBER_ADD", payload)
    await world.env.settle()

    assert len(world.dms(member)) == before


async def test_bots_are_skipped(world: World) -> None:
    await world.publish()
    robot = world.guild.add_member(world.env.create_user("test-robot", bot=True))
    await world.env.settle()

    assert await standing(world, robot) is None


async def test_newcomer_is_asked_only_after_screening(world: World) -> None:
    await world.publish()
    backend = world.env.backend
    user = world.env.create_user("test-newcomer")
    joining = {"roles": [], "joined_at": backend.now_iso(), "deaf": False, "mute": False}
    backend.add_member(world.guild.id, user.id)
    backend.get_member(world.guild.id, user.id).pending = True
    data = {
        **joining,
        "guild_id": str(world.guild.id),
        "flags": 0,
        "user": {
            "id": str(user.id),
            "username": "test-newcomer",
            "discriminator": "0",
            "avatar": None,
        },
    }
    backend.emit("GUILD_MEMBER_ADD", {**data, "pending": True})
    await world.env.settle()
    assert user.dm_channel.history() == []

    backend.get_member(world.guild.id, user.id).pending = False
    backend.emit("GUILD_MEMBER_UPDATE", {**data, "pending": False})
    await world.env.settle()

    assert user.dm_channel.history()[-1].reactions


async def test_newcomer_waits_in_the_queue_until_something_is_published(world: World) -> None:
    member = await world.join()
    assert world.dms(member) == []

    await world.publish()

    assert world.request_of(member)
    assert await standing(world, member) is Standing.WAITING


class TestExpiry:
    @pytest.fixture
    def agreement(self) -> Agreement:
        return make_agreement(duration=Duration(text="For ten days.", days=10))

    async def test_access_ends_and_the_person_is_asked_again_when_it_expires(
        self, world: World
    ) -> None:
        await world.publish()
        member = await world.join()
        await world.react(member)
        first = world.request_of(member)

        await world.restart(asleep=10 * 86_400)

        assert not world.has_role(member)
        assert world.request_of(member).id != first.id
        assert await standing(world, member) is Standing.EXPIRED


async def test_facilitator_sees_how_somebody_signed(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)

    result = await world.moderator.slash(
        world.channel("welcome"), "signatures check", member=member
    )

    assert result.ephemeral
    assert result.response is not None
    assert "signed" in result.response.content
    assert Method.REACTION in result.response.content
