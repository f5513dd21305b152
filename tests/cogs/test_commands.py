"""What people ask by command, who may, and what a stale or forged press gets."""

import discord
import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage

from bot.client import intents
from bot.domain.agreements import Agreement, Standing
from bot.services import agreements, records
from bot.services.agreements import GroupText
from bot.settings import Group
from tests.cogs.conftest import ACCEPT, World, make_group
from tests.factories import GUILD, make_agreement


def said(result: InteractionResult) -> str:
    """Everything that came back, which must be for the asker's eyes only."""
    assert result.ephemeral
    return "\n".join(m.content for m in [result.response, *result.followups] if m)


def answer(result: InteractionResult) -> ResponseMessage:
    """The first message that came back."""
    assert result.response is not None
    return result.response


async def standing(world: World, member: MemberActor, key: str | None = None) -> Standing | None:
    now = discord.utils.utcnow()
    group_key = key or world.group.key
    return (await records.check_member(world.database, group_key, member.id, now)).standing


async def redraft(world: World, agreement: Agreement) -> None:
    """The file has changed and the bot was restarted."""
    text = GroupText(key=world.group.key, guild_id=GUILD, agreement=agreement)
    await agreements.register_groups(world.database, [text], discord.utils.utcnow())


async def test_publish_shows_the_whole_text_and_the_facilitators_statement(world: World) -> None:
    shown = await world.facilitator.slash(world.channel("moderators"), "agreement publish")

    text = said(shown)
    for part in ("We listen to each other.", "Stories.", "Danger.", "A reminder.", "I promise."):
        assert part in text
    assert "**you sign** this" in text
    assert "I promise too." in text
    assert "first version" in text


async def test_publish_refuses_everybody_but_facilitators(world: World) -> None:
    outsider = await world.join()
    for person in (outsider, world.moderator):
        refused = await person.slash(world.channel("welcome"), "agreement publish")
        assert "only open to some people" in said(refused)


async def test_publish_button_counts_the_office_at_the_moment_of_the_press(world: World) -> None:
    shown = await world.facilitator.slash(world.channel("welcome"), "agreement publish")
    role = world.roles[str(world.group.roles.facilitator)]
    world.env.backend.remove_member_role(world.guild.id, world.facilitator.id, role.id)

    pressed = await world.facilitator.click(shown.followups[-1], label="Sign and publish")

    assert "only open to some people" in said(pressed)
    with pytest.raises(Exception, match="not published"):
        await agreements.read_in_force(world.database, world.group.key)


async def test_publish_again_needs_to_know_what_kind_of_change(world: World) -> None:
    await world.publish()
    nothing = await world.facilitator.slash(world.channel("moderators"), "agreement publish")
    assert "nothing to publish" in said(nothing)

    await redraft(world, make_agreement(purpose="New."))
    asked = await world.facilitator.slash(world.channel("moderators"), "agreement publish")
    assert "option `change`" in said(asked)

    assert "Version 2 is in force" in await world.publish("minor")


async def test_publish_refuses_a_text_that_changed_since_it_was_shown(world: World) -> None:
    shown = await world.facilitator.slash(world.channel("moderators"), "agreement publish")
    await redraft(world, make_agreement(purpose="Slipped in afterwards."))

    pressed = await world.facilitator.click(shown.followups[-1], label="Sign and publish")

    assert pressed.followups[-1].ephemeral
    assert "has changed since you opened this" in pressed.followups[-1].content


async def test_second_facilitator_who_confirms_the_same_text_is_told(world: World) -> None:
    first = await world.facilitator.slash(world.channel("moderators"), "agreement publish")
    second = await world.facilitator.slash(world.channel("moderators"), "agreement publish")
    await world.facilitator.click(first.followups[-1], label="Sign and publish")

    pressed = await world.facilitator.click(second.followups[-1], label="Sign and publish")

    assert "somebody else has published it" in pressed.followups[-1].content


async def test_cancelling_publishes_nothing(world: World) -> None:
    shown = await world.facilitator.slash(world.channel("moderators"), "agreement publish")

    await world.facilitator.click(shown.followups[-1], label="Not now")

    refused = await world.facilitator.slash(world.channel("welcome"), "agreement read")
    assert "not published" in said(refused)


async def test_anyone_can_read_the_text_in_force(world: World) -> None:
    await world.publish()
    member = await world.join()

    text = said(await member.slash(world.channel("welcome"), "agreement read"))

    assert "We listen to each other." in text
    assert make_agreement().sha256()[:16] in text


async def test_agreement_commands_work_in_a_direct_message(world: World) -> None:
    await world.publish()
    member = await world.join()

    assert "We listen" in said(await member.user.slash("agreement read"))
    shown = await member.user.slash("agreement sign")
    await member.user.click(shown.followups[-1], label="I accept")
    await world.env.settle()

    assert world.has_role(member)


async def test_somebody_who_left_cannot_sign_by_direct_message(world: World) -> None:
    await world.publish()
    member = await world.join()
    world.guild.remove_member(member)
    await world.env.settle()

    refused = await member.user.slash("agreement sign")

    assert "Only people who are in the server" in said(refused)


async def test_withdrawing_by_command_is_confirmed_first(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)

    kept = await member.slash(world.channel("welcome"), "agreement withdraw")
    await member.click(answer(kept), label="No, keep my signature")
    assert world.has_role(member)

    asked = await member.slash(world.channel("welcome"), "agreement withdraw")
    pressed = await member.click(answer(asked), label="Yes, withdraw")
    await world.env.settle()

    assert not world.has_role(member)
    assert pressed.response is not None
    assert "has ended" in pressed.response.content
    again = await member.slash(world.channel("welcome"), "agreement withdraw")
    assert "nothing to take back" in said(again)


async def test_withdrawal_by_command_is_not_undone_by_the_reaction_left_behind(
    world: World,
) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    asked = await member.slash(world.channel("welcome"), "agreement withdraw")
    await member.click(answer(asked), label="Yes, withdraw")
    await world.env.settle()

    # The ✅ still stands under the message; it was there before the withdrawal.
    await world.restart(asleep=3600)

    assert await standing(world, member) is Standing.WITHDRAWN
    assert not world.has_role(member)


async def test_check_tells_the_whole_story_of_one_person(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.react(member, reacted=False)

    text = said(
        await world.facilitator.slash(world.channel("welcome"), "signatures check", member=member)
    )

    for words in ("withdrawn", "Asked by direct message", "Signed version 1 by reaction"):
        assert words in text


async def test_check_refuses_members_and_outsiders(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)

    refused = await member.slash(
        world.channel("welcome"), "signatures check", member=world.moderator
    )

    assert "only open to some people" in said(refused)


async def test_list_is_for_facilitators_only(world: World) -> None:
    refused = await world.moderator.slash(world.channel("welcome"), "signatures list", status="all")
    assert "only open to some people" in said(refused)


async def test_list_turns_its_pages(world: World) -> None:
    for number in range(20):
        world.guild.add_member(world.env.create_user(f"test-{number:02}"))
    await world.env.settle()

    shown = await world.facilitator.slash(
        world.channel("moderators"), "signatures list", status="waiting"
    )
    assert "23 people" in said(shown)  # and the owner and two of the staff
    assert "test-00" in said(shown)
    assert "test-19" not in said(shown)

    second = await world.facilitator.click(answer(shown), label="Next")
    assert "Page 2 of 3" in answer(second).content
    third = await world.facilitator.click(answer(second), label="Next")
    assert "test-19" in answer(third).content
    back = await world.facilitator.click(answer(third), label="Back")
    assert answer(back).content == answer(second).content


async def test_list_fits_one_message_when_every_name_is_long_and_needs_escaping(
    world: World,
) -> None:
    await world.publish()
    world.close_dms()
    for number in range(15):
        user = world.env.create_user(f"{'_' * 30}{number:02}", global_name="*_~`|>" * 5 + "**")
        world.guild.add_member(user)
    await world.env.settle()
    await world.env.advance_time(120)

    shown = await world.facilitator.slash(
        world.channel("moderators"), "signatures list", status="blocked"
    )

    assert "Page 1 of 2" in said(shown)
    assert len(said(shown)) <= 2000


@pytest.mark.parametrize("status", [word for word in Standing if word != Standing.WAITING])
async def test_list_answers_every_status_when_nobody_is_there(world: World, status: str) -> None:
    shown = await world.facilitator.slash(
        world.channel("moderators"), "signatures list", status=status
    )
    assert "Nobody is on this list" in said(shown)


async def test_names_cannot_format_ping_or_turn_the_line_around(world: World) -> None:
    evil = world.env.create_user("test-evil", global_name="**@everyone** \u202egnp.x\u200b `code`")
    member = await world.join(user=evil)

    text = said(
        await world.facilitator.slash(world.channel("welcome"), "signatures check", member=member)
    )

    assert "\u202e" not in text
    assert "\u200b" not in text.replace("@\u200beveryone", "")
    assert "\\*\\*" in text
    assert "@everyone" not in text


class TestTwoGroups:
    @pytest.fixture
    def groups(self) -> list[Group]:
        other = make_group("night-watch", agreement=make_agreement(title="Another promise"))
        return [make_group(), other]

    async def test_each_group_asks_and_opens_its_own_door(self, world: World) -> None:
        harbour, night = world.groups
        await world.publish()
        await world.publish(group=night)
        member = await world.join()
        first, second = [m for m in world.dms(member) if m.reactions]

        await member.user.set_reaction(first, ACCEPT, reacted=True)
        await world.env.settle()

        signed = [g for g in (harbour, night) if world.has_role(member, g)]
        assert len(signed) == 1
        await member.user.set_reaction(second, ACCEPT, reacted=True)
        await world.env.settle()
        assert world.has_role(member, harbour)
        assert world.has_role(member, night)

    async def test_command_asks_which_group_is_meant(self, world: World) -> None:
        harbour, night = world.groups
        await world.publish()
        await world.publish(group=night)
        lobby = world.guild.create_text_channel("lobby")
        member = await world.join()

        asked = await member.slash(lobby, "agreement read")
        assert "Which one" in said(asked)
        chosen = await member.select(answer(asked), [night.key])
        assert "Another promise" in said(chosen)
        here = await member.slash(world.channels[f"{harbour.key}-welcome"], "agreement read")
        assert "Another promise" not in said(here)

    async def test_office_in_one_group_opens_nothing_in_the_other(self, world: World) -> None:
        harbour, night = world.groups
        role = world.roles[str(night.roles.facilitator)]
        world.env.backend.remove_member_role(world.guild.id, world.facilitator.id, role.id)

        result = await world.facilitator.slash(
            world.channels[str(night.channels.welcome)], "agreement publish"
        )

        assert "only open to some people" in said(result)
        await world.publish(group=harbour)


async def test_commands_are_sent_to_discord_once_until_they_change(world: World) -> None:
    def syncs() -> int:
        requests = world.env.http_requests
        return len([r for r in requests if r.method == "PUT" and r.path.endswith("/commands")])

    assert syncs() == 1
    await world.restart()
    assert syncs() == 1


def test_only_the_least_intents_are_asked_for() -> None:
    wanted = {name for name, value in intents() if value}
    assert wanted == {"guilds", "members", "dm_reactions"}


async def test_client_keeps_no_messages_and_pings_nobody(world: World) -> None:
    client = world.client
    assert list(client.cached_messages) == []
    assert client.allowed_mentions is not None
    assert client.allowed_mentions.to_dict() == {"parse": []}
    assert not client._connection.member_cache_flags.voice


async def test_without_the_members_intent_the_panel_still_works_and_staff_are_told(
    world: World,
) -> None:
    from bot.client import Pledge
    from tests.factories import KEYS

    await world.publish()
    await world.stop()
    world.client = Pledge(world.groups, world.database, KEYS, with_members=False)
    await world.env.restart_bot(world.client)
    await world.env.settle()
    assert len([n for n in world.notices() if "cannot see who joins" in n]) == 1

    member = await world.join()
    panel = next(m for m in world.channel("welcome").history() if m.components)
    shown = await member.click(panel, label="Read and sign")
    await member.click(shown.followups[-1], label="I accept")
    await world.env.settle()

    assert world.has_role(member)
