"""Nobody in unsigned: roles given by hand, members from before Pledge, and the guard."""

import re
from collections.abc import Awaitable, Callable

import discord
import pytest

from bot.domain.agreements import Standing
from bot.settings import Group, Signing
from bot.storage.database import Database
from tests.cogs.conftest import DECLINE, World, make_group
from tests.cogs.holding import DAY, give_role, hold_from_before, standing, sweep

Opener = Callable[[str], Awaitable[Database]]
GUARD = "have not signed"


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(signing=Signing(remind_after_days=(1, 3), grace_days=7))]


# A role given by hand -----------------------------------------------------------------------------


async def test_role_given_by_hand_is_taken_within_seconds(world: World) -> None:
    await world.publish()
    member = await world.join()

    give_role(world, member)
    await world.env.settle()

    assert not world.has_role(member)
    assert "1 person had the member role without a valid signature" in world.notices()[-1]
    assert "test-newcomer" not in world.notices()[-1]


async def test_role_given_to_somebody_the_bot_never_saw_join_is_taken(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.restart()
    assert world.client.get_guild(world.guild.id).get_member(member.id) is None  # type: ignore[union-attr]

    give_role(world, member)
    await world.env.settle()

    assert not world.has_role(member)


async def test_role_given_by_hand_while_offline_is_taken_at_the_start(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.stop()
    give_role(world, member)
    await world.start()

    assert not world.has_role(member)


async def test_role_of_a_signer_stays_whatever_changes_about_them(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)

    world.env.backend.edit_member(world.guild.id, member.id, {"nick": "another name"})
    await world.env.settle()
    await sweep(world)

    assert world.has_role(member)
    assert not any("without a valid signature" in notice for notice in world.notices())


async def test_way_the_role_was_given_is_told_when_the_audit_log_shows_it(world: World) -> None:
    bot_role = next(
        r for r in world.env.backend.get_guild(world.guild.id).roles.values() if r.managed
    )
    allowed = discord.Permissions(int(bot_role.permissions)) | discord.Permissions(
        view_audit_log=True
    )
    world.env.backend.edit_role(world.guild.id, bot_role.id, {"permissions": allowed.value})
    await world.publish()
    member = await world.join()
    await world.give_role_by_hand(member)

    assert not world.has_role(member)
    assert "1 given by hand" in world.notices()[-1]


async def test_role_that_is_given_again_and_again_is_left_to_the_sweep(world: World) -> None:
    await world.publish()
    member = await world.join()
    for _ in range(3):
        give_role(world, member)
        await world.env.settle()
        assert not world.has_role(member)

    give_role(world, member)
    await world.env.settle()
    assert world.has_role(member)

    await sweep(world)
    assert not world.has_role(member)


async def test_bot_with_the_role_is_left_alone(world: World) -> None:
    await world.publish()
    other = world.guild.add_member(
        world.env.create_user("test-bot", bot=True), roles=[world.member_role]
    )
    await world.env.settle()
    await sweep(world)

    assert world.has_role(other)


class TestReport:
    """`enforcement: report`."""

    @pytest.fixture
    def groups(self) -> list[Group]:
        return [make_group(enforcement="report")]

    async def test_nothing_is_taken_and_it_is_told_once(self, world: World) -> None:
        await world.publish()
        member = await world.join()
        give_role(world, member)
        await world.env.settle()
        await sweep(world)
        await sweep(world)

        assert world.has_role(member)
        told = [notice for notice in world.notices() if "as the settings say" in notice]
        assert len(told) == 1


# Members from before Pledge -----------------------------------------------------------------------


async def test_members_from_before_keep_the_role_when_the_first_version_comes(
    world: World,
) -> None:
    people = await hold_from_before(world, 8)
    await world.publish()
    await sweep(world)

    assert all(world.has_role(member) for member in people)
    assert "8 people had the member role before I came" in world.notices()[-1]
    assert [world.dms(member) for member in people] == [[]] * 8


async def test_invited_member_keeps_the_role_until_the_grace_after_the_asking(
    world: World,
) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    await world.restart(asleep=30 * DAY)
    assert world.has_role(member)

    await world.invite()
    assert len(world.dms(member)) > 0
    await world.restart(asleep=6 * DAY)
    assert world.has_role(member)
    assert "A small reminder" in world.dms(member)[-1].content

    await world.restart(asleep=2 * DAY)
    assert not world.has_role(member)


async def test_invited_member_who_does_not_answer_is_told_once_that_access_has_ended(
    world: World,
) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    await world.invite()
    asked = world.dms(member)
    assert asked[0].content.startswith("Hello. **Harbour Light** has an agreement")
    assert "The support channel then stays open to you." in asked[-1].content
    ends_at = int(asked[-1].created_at.timestamp()) + 7 * DAY

    await world.restart(asleep=2 * DAY)
    reminder = world.dms(member)[-1].content
    assert "A small reminder" in reminder
    (until,) = map(int, re.findall(r"until <t:(\d+)", reminder))
    assert abs(until - ends_at) <= 60  # Discord says minutes

    said = len(world.dms(member))
    await world.restart(asleep=6 * DAY)
    assert not world.has_role(member)
    await sweep(world)
    assert len(world.dms(member)) == said + 1, "the reminder that is due waits"
    await world.restart(asleep=1.1 * DAY)
    assert "A small reminder" in world.dms(member)[-1].content
    told = [one.content for one in world.dms(member) if "has ended" in one.content]
    assert len(told) == 1
    assert "stayed open to you without a signature is over" in told[0]
    assert f"/{asked[-1].id}" in told[0]
    assert "keep what you heard there private" in told[0]

    await world.react(member)
    assert world.has_role(member)


async def test_whoever_loses_the_role_as_a_stranger_is_told_nothing(world: World) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    await world.invite()
    await world.restart(asleep=8 * DAY)
    assert not world.has_role(member)
    said = len(world.dms(member))

    give_role(world, member)
    await world.env.settle()
    assert not world.has_role(member)
    assert len(world.dms(member)) == said


async def test_invited_member_who_signs_keeps_the_role_for_good(world: World) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    await world.invite()
    await world.react(member)
    await world.restart(asleep=30 * DAY)

    assert world.has_role(member)
    assert await standing(world, member) is Standing.SIGNED


async def test_invited_member_who_says_no_loses_the_role(world: World) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    await world.invite()
    await world.react(member, DECLINE)

    assert not world.has_role(member)


async def test_member_from_before_who_signs_and_withdraws_loses_the_role(world: World) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    await world.invite()
    await world.react(member)
    await world.react(member, reacted=False)

    assert not world.has_role(member)
    await sweep(world)
    assert not world.has_role(member)


async def test_member_from_before_who_cannot_be_written_to_keeps_the_role(world: World) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    world.close_dms()
    await world.invite()
    world.open_dms()
    await world.restart(asleep=60 * DAY)

    assert await standing(world, member) is Standing.BLOCKED
    assert world.has_role(member)


async def test_only_facilitators_may_invite(world: World) -> None:
    await hold_from_before(world, 1)
    await world.publish()
    result = await world.moderator.slash(world.channel("moderators"), "agreement invite")
    assert result.response is not None
    assert "only open to some people" in result.response.content
