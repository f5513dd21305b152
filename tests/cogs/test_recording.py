"""A signature given on paper: recorded by a facilitator, told to the person, objected to."""

import discord
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage

from bot.domain.agreements import Method, Standing
from bot.services import records
from tests.cogs.conftest import ACCEPT, DECLINE, World
from tests.cogs.holding import standing
from tests.cogs.test_commands import answer, said

NOTE = "on paper, 3 May"


async def ask_to_record(
    world: World, member: MemberActor, note: str = NOTE, place: str = "moderators"
) -> InteractionResult:
    return await world.facilitator.slash(
        world.channel(place), "signatures record", member=member, note=note
    )


def last(result: InteractionResult) -> ResponseMessage:
    return [one for one in [result.response, *result.followups] if one is not None][-1]


async def attest(world: World, shown: InteractionResult) -> InteractionResult:
    pressed = await world.facilitator.click(last(shown), label="I attest this")
    await world.env.settle()
    return pressed


def told(world: World, member: MemberActor) -> discord.Message:
    """The message that says what was recorded."""
    return [one for one in world.dms(member) if "has recorded that you agreed" in one.content][-1]


async def method_of(world: World, member: MemberActor) -> list[Method]:
    record = await records.check_member(
        world.database, world.group.key, member.id, world.client.now()
    )
    return [one.method for one in record.signatures if one.revoked_at is None]


async def check(world: World, member: MemberActor) -> str:
    return said(
        await world.moderator.slash(world.channel("welcome"), "signatures check", member=member)
    )


async def test_facilitator_sees_what_they_attest_and_the_person_is_let_in_and_told(
    world: World,
) -> None:
    await world.publish()
    member = await world.join()
    shown = await ask_to_record(world, member)
    for words in ("version 1", "> I promise.", f"Your note: {NOTE}", "nothing about anybody's"):
        assert words in said(shown)
    assert not world.has_role(member)

    pressed = await attest(world, shown)

    assert "attested by you" in last(pressed).content
    assert world.has_role(member)
    message = told(world, member)
    assert f"<@{world.facilitator.id}>" in message.content
    assert NOTE in message.content
    assert "The support channel is open to you now." in message.content
    assert [str(reaction.emoji) for reaction in message.reactions] == [DECLINE]
    text = await check(world, member)
    assert f"on paper or aloud, attested by <@{world.facilitator.id}>" in text
    assert f"Note: {NOTE}" in text


async def test_one_reaction_objects(world: World) -> None:
    await world.publish()
    member = await world.join()
    await attest(world, await ask_to_record(world, member))

    await member.user.set_reaction(told(world, member), DECLINE, reacted=True)
    await world.env.settle()

    assert not world.has_role(member)
    assert "The signature that was recorded for you" in world.dms(member)[-1].content
    (notice,) = [one for one in world.notices() if "was objected to" in one]
    assert "test-newcomer" not in notice
    assert str(member.id) not in notice
    assert "as they objected to it" in await check(world, member)
    assert await standing(world, member) is Standing.DECLINED

    # They may still sign by themselves.
    offered = await member.slash(world.channel("welcome"), "agreement sign")
    await member.click(last(offered), label="I accept")
    await world.env.settle()
    assert world.has_role(member)


async def test_objection_while_the_bot_was_away_is_found(world: World) -> None:
    await world.publish()
    member = await world.join()
    await attest(world, await ask_to_record(world, member))
    message = told(world, member)

    await world.stop()
    await member.user.set_reaction(message, DECLINE, reacted=True)
    await world.start()

    assert not world.has_role(member)
    assert await standing(world, member) is Standing.DECLINED
    assert len([one for one in world.notices() if "was objected to" in one]) == 1


async def test_decline_under_the_agreement_itself_does_not_end_it(world: World) -> None:
    await world.publish()
    member = await world.join()
    request = world.request_of(member)
    await attest(world, await ask_to_record(world, member))
    for emoji in (ACCEPT, DECLINE):
        await member.user.set_reaction(request, emoji, reacted=True)
        await world.env.settle()
    assert world.has_role(member)
    assert await method_of(world, member) == [Method.ATTESTED]


async def test_closed_dms_let_the_signature_stand_and_ask_for_a_word_in_person(
    world: World,
) -> None:
    await world.publish()
    member = await world.join()
    closed = f"/channels/{member.user.dm_channel.id}/messages"
    world.env.inject_error("POST", closed, status=403, code=50007, times=None)
    shown = await ask_to_record(world, member)
    await attest(world, shown)

    assert world.has_role(member)
    (notice,) = [one for one in world.notices() if "could not tell somebody" in one]
    assert "in person" in notice
    assert "test-newcomer" not in notice


async def test_nobody_records_their_own_a_bots_or_an_absent_persons(world: World) -> None:
    await world.publish()
    assert "You cannot record your own" in said(await ask_to_record(world, world.facilitator))
    bot = world.guild.add_member(world.env.create_user("test-machine", bot=True))
    assert "That is a bot" in said(await ask_to_record(world, bot))
    member = await world.join()
    shown = await ask_to_record(world, member)
    world.env.backend.remove_member(world.guild.id, member.id)
    await world.env.settle()
    await attest(world, shown)
    assert await method_of(world, member) == []


async def test_whoever_has_signed_needs_no_record(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    assert "valid signature already" in said(await ask_to_record(world, member))


async def test_own_signature_that_comes_first_wins(world: World) -> None:
    await world.publish()
    member = await world.join()
    shown = await ask_to_record(world, member)
    await world.react(member)
    pressed = await attest(world, shown)
    assert "valid signature already" in last(pressed).content
    assert await method_of(world, member) == [Method.REACTION]


async def test_withdrawal_is_warned_of(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.react(member, reacted=False)
    shown = await ask_to_record(world, member)
    assert "has withdrawn.** Please go on only if they told you" in said(shown)
    await attest(world, shown)
    assert world.has_role(member)


async def test_nothing_is_recorded_on_a_no_or_without_the_office(world: World) -> None:
    await world.publish()
    member = await world.join()
    shown = await ask_to_record(world, member)
    pressed = await world.facilitator.click(last(shown), label="No, record nothing")
    assert "Nothing was recorded." in last(pressed).content

    shown = await ask_to_record(world, member, place="welcome")
    role = world.roles[str(world.group.roles.facilitator)]
    world.env.backend.remove_member_role(world.guild.id, world.facilitator.id, role.id)
    await world.env.settle()
    pressed = await attest(world, shown)
    assert "only open to some people" in last(pressed).content
    assert await method_of(world, member) == []

    refused = await world.moderator.slash(
        world.channel("welcome"), "signatures record", member=member, note=NOTE
    )
    assert "only open to some people" in said(refused)


async def test_note_cannot_format_or_ping(world: World) -> None:
    await world.publish()
    member = await world.join()
    await attest(world, await ask_to_record(world, member, "**@everyone** \u202e<@1>\n# big"))
    content = told(world, member).content
    assert "@everyone" not in content
    assert "\u202e" not in content
    assert "\n# big" not in content
    assert "\\<@1>" in content
    assert answer(await ask_to_record(world, member)).content.startswith("They hold a valid")
