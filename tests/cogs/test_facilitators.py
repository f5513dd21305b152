"""What facilitators do for many people at once, as they and the people see it."""

from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage

from bot import texts
from bot.effects.reconciler import rules_of
from bot.settings import Group, Signing
from tests.cogs.conftest import DECLINE, World, make_group
from tests.cogs.holding import DAY, hold_from_before
from tests.cogs.test_commands import answer, said

HOUR = 3_600


async def look_after(world: World, times: int = 1) -> None:
    """What the timer of the invitations does."""
    for _time in range(times):
        with world.env._bot_scope():
            await world.client.inviting.look_after_all()
        await world.env.settle()


async def live_long_before(world: World, count: int) -> list[MemberActor]:
    """People without the role who were in the server long before the bot came."""
    await world.stop()
    people = [
        world.guild.add_member(world.env.create_user(f"test-resident-{n:02}")) for n in range(count)
    ]
    for member in people:
        stored = world.env.backend.get_member(world.guild.id, member.id)
        stored.joined_at = "2020-01-01T00:00:00+00:00"
    await world.start()
    return people


async def estimate(world: World, place: str = "moderators") -> ResponseMessage:
    shown = await world.facilitator.slash(world.channel(place), "agreement invite")
    return [one for one in [shown.response, *shown.followups] if one is not None][-1]


def words_of(result: InteractionResult) -> str:
    """Everything that came back, on whatever message."""
    return "\n".join(one.content for one in [result.response, *result.followups] if one)


def progress(world: World) -> list[discord.Message]:
    """The messages that tell how far an invitation is."""
    words = ("asking people", "have asked everybody", "stopped the asking")
    history = world.channel("moderators").history()
    return [one for one in history if any(word in one.content for word in words)]


def edits(world: World) -> int:
    path = f"/channels/{world.channel('moderators').id}/messages/"
    return len(
        [one for one in world.env.http_requests if one.method == "PATCH" and path in one.path]
    )


def asked(world: World, people: list[MemberActor]) -> int:
    return len([one for one in people if [m for m in world.dms(one) if m.reactions]])


class TestInvitation:
    @pytest.fixture
    def groups(self) -> list[Group]:
        return [make_group(signing=Signing(dm_per_minute=1))]

    async def test_estimate_counts_everybody_without_a_request_and_asks_nobody(
        self, world: World
    ) -> None:
        people = await live_long_before(world, 7)
        await world.publish()

        shown = await estimate(world)

        assert "**7 people** in the server do not have the member role" in shown.content
        assert "about 7 minutes" in shown.content
        assert "declined or withdrew are left in peace" in shown.content
        assert asked(world, people) == 0

    async def test_progress_is_told_edited_rarely_and_ends(self, world: World) -> None:
        people = await live_long_before(world, 12)
        await world.publish()
        await world.facilitator.click(await estimate(world), label="Ask them now")
        await world.env.settle()

        (message,) = progress(world)
        assert "Asked 0 of 12" in message.content
        assert "test-resident" not in message.content
        await look_after(world)
        (message,) = progress(world)
        assert "Asked 8 of 12. About 4 minutes left." in message.content
        before = edits(world)
        await look_after(world, 3)
        assert edits(world) == before

        await world.env.advance_time(1_200)
        (message,) = progress(world)
        assert "I have asked everybody there was to ask.** Asked 12 of 12." in message.content
        assert message.components == []
        assert 1 <= edits(world) - before <= 4
        assert asked(world, people) == 12

    async def test_it_goes_on_by_itself_after_a_restart(self, world: World) -> None:
        people = await live_long_before(world, 12)
        await world.publish()
        await world.facilitator.click(await estimate(world), label="Ask them now")
        await world.env.settle()
        assert asked(world, people) == 8

        await world.restart(asleep=60)
        await world.env.advance_time(900)

        assert asked(world, people) == 12
        (message,) = progress(world)
        assert "Asked 12 of 12" in message.content

    async def test_post_that_nobody_wrote_down_is_found_again(self, world: World) -> None:
        await live_long_before(world, 7)
        await world.publish()
        shown = await estimate(world)
        moderators = world.channel("moderators").id
        lost = OSError("the connection broke")
        world.break_request("POST", f"/channels/{moderators}/messages", lost, sent=True)
        await world.facilitator.click(shown, label="Ask them now")
        await world.env.settle()

        await world.restart(asleep=600)
        await look_after(world)

        assert len(progress(world)) == 1

    async def test_deleted_progress_is_posted_once_more(self, world: World) -> None:
        await live_long_before(world, 7)
        await world.publish()
        await world.facilitator.click(await estimate(world), label="Ask them now")
        await world.env.settle()

        for left in (1, 0):
            (message,) = progress(world)
            world.env.backend.delete_message(message.channel.id, message.id)
            await world.env.advance_time(90)
            assert len(progress(world)) == left

    async def test_facilitator_stops_it(self, world: World) -> None:
        people = await live_long_before(world, 12)
        await world.publish()
        await world.facilitator.click(await estimate(world), label="Ask them now")
        await world.env.settle()
        assert await world.press_notice(world.facilitator, "Stop asking") == (
            "I ask nobody else. What was on its way already still arrives."
        )

        await world.env.advance_time(600)

        assert asked(world, people) == 8
        (message,) = progress(world)
        assert "A facilitator has stopped the asking.** Asked 8 of 12." in message.content
        assert message.components == []
        again = await estimate(world)
        assert "**4 people**" in again.content

    async def test_moderator_cannot_stop_it(self, world: World) -> None:
        people = await live_long_before(world, 7)
        await world.publish()
        await world.facilitator.click(await estimate(world), label="Ask them now")
        await world.env.settle()

        refused = await world.press_notice(world.moderator, "Stop asking")
        await world.env.advance_time(300)

        assert "only open to some people" in refused
        assert asked(world, people) == 7

    async def test_office_that_was_taken_since_the_estimate_begins_nothing(
        self, world: World
    ) -> None:
        people = await live_long_before(world, 3)
        await world.publish()
        shown = await estimate(world, "welcome")
        role = world.roles[str(world.group.roles.facilitator)]
        world.env.backend.remove_member_role(world.guild.id, world.facilitator.id, role.id)
        await world.env.settle()

        pressed = await world.facilitator.click(shown, label="Ask them now")

        assert "only open to some people" in words_of(pressed)
        assert asked(world, people) == 0

    async def test_second_one_waits_for_the_first(self, world: World) -> None:
        await live_long_before(world, 7)
        await world.publish()
        first, second = await estimate(world), await estimate(world)
        await world.facilitator.click(first, label="Ask them now")
        await world.env.settle()
        pressed = await world.facilitator.click(second, label="Ask them now")
        assert "I am asking people already" in words_of(pressed)
        assert "I am asking people already" in (await estimate(world)).content

    async def test_only_those_with_the_role_can_be_asked(self, world: World) -> None:
        residents = await live_long_before(world, 3)
        members = await hold_from_before(world, 2)
        await world.publish()
        shown = await estimate(world)
        assert "**2 people** had the member role" in shown.content
        assert "**3 people** in the server" in shown.content

        await world.facilitator.click(shown, label="Only those with the member role")
        await world.env.settle()

        assert asked(world, members) == 2
        assert asked(world, residents) == 0

    async def test_whoever_declined_is_left_in_peace(self, world: World) -> None:
        await world.publish()
        member = await world.join()
        await world.react(member, DECLINE)
        shown = await estimate(world)
        assert "There is nobody to ask" in shown.content

    async def test_member_list_that_cannot_be_read_is_said(self, world: World) -> None:
        await hold_from_before(world, 2)
        await world.publish()
        world.env.inject_error("GET", "/guilds/*/members", status=503, code=0, times=None)
        shown = await estimate(world)
        assert "**2 people** had the member role" in shown.content
        assert "could not read the whole member list" in shown.content
        world.env.backend.faults.clear()


@pytest.mark.parametrize(
    ("changes", "words", "not_words"),
    [
        ({}, "even after a reminder, loses it 14 days", "no reminder"),
        ({"signing": Signing(remind_after_days=())}, "no reminder comes before", "even after"),
        ({"enforcement": "report"}, "only report (`enforcement: report`)", "loses it"),
    ],
)
def test_estimate_says_what_the_settings_mean(
    changes: dict[str, Any], words: str, not_words: str
) -> None:
    group = make_group(**changes)
    text = texts.invite_estimate(
        group.name,
        2,
        0,
        1,
        grace_days=group.signing.grace_days,
        reminds=rules_of(group).reminds,
        takes_roles=group.enforcement == "revoke",
    )
    assert words in text
    assert not_words not in text


class TestReminding:
    @pytest.fixture
    def groups(self) -> list[Group]:
        return [make_group(signing=Signing(remind_after_days=()))]

    async def remind(self, world: World) -> str:
        shown = await world.facilitator.slash(world.channel("moderators"), "signatures remind")
        before = answer(shown).content
        if not answer(shown).components:
            return before
        pressed = await world.facilitator.click(answer(shown), label="Remind them now")
        await world.env.settle()
        return f"{before}\n{words_of(pressed)}"

    async def test_facilitator_reminds_those_who_wait_once_a_day(self, world: World) -> None:
        await world.publish()
        member, signer = await world.join(), await world.join("test-signer")
        await world.react(signer)
        text = await self.remind(world)
        assert "There is nobody to remind now" in text
        assert "4 people were asked or reminded within the last day" in text

        await world.restart(asleep=DAY + HOUR)
        before, peace = len(world.dms(member)), len(world.dms(signer))
        text = await self.remind(world)
        assert "**4 people** of **Harbour Light** were asked and have not answered" in text
        assert "I am reminding 4 people" in text
        assert len(world.dms(member)) == before + 1
        assert "A small reminder" in world.dms(member)[-1].content
        assert len(world.dms(signer)) == peace

        assert "4 people were asked or reminded within" in await self.remind(world)
        assert len(world.dms(member)) == before + 1

    async def test_it_is_for_facilitators(self, world: World) -> None:
        await world.publish()
        refused = await world.moderator.slash(world.channel("moderators"), "signatures remind")
        assert "only open to some people" in said(refused)

    async def test_office_that_was_taken_meanwhile_reminds_nobody(self, world: World) -> None:
        await world.publish()
        member = await world.join()
        await world.restart(asleep=DAY + HOUR)
        before = len(world.dms(member))
        shown = await world.facilitator.slash(world.channel("welcome"), "signatures remind")
        role = world.roles[str(world.group.roles.facilitator)]
        world.env.backend.remove_member_role(world.guild.id, world.facilitator.id, role.id)
        await world.env.settle()
        pressed = await world.facilitator.click(answer(shown), label="Remind them now")
        await world.env.settle()
        assert "only open to some people" in words_of(pressed)
        assert len(world.dms(member)) == before
