"""People who take no direct messages sign inside the server."""

import discord
import pytest

from bot.domain.agreements import Method, RequestState, Standing
from bot.services import records
from bot.services.records import MemberRecord
from tests.cogs.conftest import World
from tests.factories import NEWCOMER


async def record_of(world: World, member_id: int) -> MemberRecord:
    now = discord.utils.utcnow()
    return await records.check_member(world.database, world.group.key, member_id, now)


def panel_of(world: World) -> discord.Message:
    (panel,) = [m for m in world.channel("welcome").history() if m.components]
    return panel


@pytest.mark.parametrize(("status", "code"), [(403, 50007), (400, 50007), (403, 50278)])
async def test_request_is_blocked_and_not_tried_again_when_dms_are_closed(
    world: World, status: int, code: int
) -> None:
    await world.publish()
    world.close_dms(status=status, code=code)

    member = await world.join()

    assert (await record_of(world, member.id)).standing is Standing.BLOCKED
    tried = len(world.env.http_requests)
    await world.env.advance_time(200)
    assert [r for r in world.env.http_requests[tried:] if r.method == "POST"] == []


async def test_blocked_newcomer_signs_by_the_panel(world: World) -> None:
    await world.publish()
    world.close_dms()
    member = await world.join()

    shown = await member.click(panel_of(world), label="Read and sign")
    assert shown.ephemeral
    assert "I promise." in "".join(m.content for m in [shown.response, *shown.followups] if m)
    pressed = await member.click(shown.followups[-1], label="I accept")
    await world.env.settle()

    record = await record_of(world, member.id)
    assert world.has_role(member)
    assert record.signatures[0].method is Method.BUTTON
    assert pressed.response is not None
    assert record.signatures[0].receipt_number in pressed.response.content


async def test_panel_and_its_answers_work_after_a_restart(world: World) -> None:
    await world.publish()
    world.close_dms()
    member = await world.join()
    await world.restart()
    shown = await member.click(panel_of(world), label="Read and sign")
    await world.restart()

    await member.click(shown.followups[-1], label="I accept")
    await world.env.settle()

    assert world.has_role(member)


async def test_panel_is_posted_once_however_often_the_bot_starts(world: World) -> None:
    await world.restart()
    await world.restart()

    assert panel_of(world)


async def test_panel_comes_back_when_somebody_deletes_it(world: World) -> None:
    old = panel_of(world)
    world.env.backend.delete_message(old.channel.id, old.id)

    await world.restart()

    assert panel_of(world).id != old.id


async def test_declining_by_button_is_recorded(world: World) -> None:
    await world.publish()
    world.close_dms()
    member = await world.join()

    shown = await member.click(panel_of(world), label="Read and sign")
    await member.click(shown.followups[-1], label="I would rather not")
    await world.env.settle()

    assert (await record_of(world, member.id)).standing is Standing.DECLINED
    assert not world.has_role(member)


async def test_sign_command_offers_the_same(world: World) -> None:
    await world.publish()
    world.close_dms()
    member = await world.join()

    shown = await member.slash(world.channel("welcome"), "agreement sign")
    await member.click(shown.followups[-1], label="I accept")
    await world.env.settle()

    assert world.has_role(member)
    again = await member.slash(world.channel("welcome"), "agreement sign")
    assert again.response is not None
    assert "already" in again.response.content


async def test_member_from_before_pledge_is_not_asked_unbidden_but_can_sign(
    world: World,
) -> None:
    # Joined while the bot could not see it, before the group had Pledge.
    backend = world.env.backend
    elder = world.env.create_user("test-elder")
    backend.add_member(world.guild.id, elder.id)
    backend.get_member(world.guild.id, elder.id).joined_at = "2020-01-01T00:00:00+00:00"
    await world.publish()
    await world.restart()
    assert elder.dm_channel.history() == []

    from simcord.actors import MemberActor

    member = MemberActor(world.env, world.guild, elder)
    shown = await member.click(panel_of(world), label="Read and sign")
    await member.click(shown.followups[-1], label="I accept")
    await world.env.settle()

    assert world.has_role(member)


async def test_pressing_before_anything_is_published_puts_in_the_queue(world: World) -> None:
    backend = world.env.backend
    elder = world.env.create_user("test-elder")
    backend.add_member(world.guild.id, elder.id)
    from simcord.actors import MemberActor

    member = MemberActor(world.env, world.guild, elder)

    shown = await member.click(panel_of(world), label="Read and sign")
    assert shown.response is not None
    assert "not published" in shown.response.content

    await world.publish()
    assert world.request_of(member)


async def test_two_newcomers_in_a_row_are_both_blocked_and_the_next_is_asked(world: World) -> None:
    await world.publish()
    world.close_dms()
    first, second = await world.join("test-a"), await world.join("test-b")
    world.open_dms()
    third = await world.join("test-c")

    for member in (first, second):
        request = (await record_of(world, member.id)).request
        assert request is not None
        assert request.state is RequestState.BLOCKED
    assert world.request_of(third)


async def test_button_of_a_person_who_never_joined_is_unknown(world: World) -> None:
    assert (await record_of(world, NEWCOMER)).standing is None
