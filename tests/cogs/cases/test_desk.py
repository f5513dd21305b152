"""The moderators' desk as people see it: notices, calls, one case, its files, and its export."""

import json
from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import RoleHandle

from bot.domain.breaches import BreachCase
from bot.services.cases import desk
from bot.settings import Group
from bot.settings.sections import Cases
from bot.storage import cases
from tests.cogs.conftest import World, make_group
from tests.cogs.test_commands import said
from tests.services.cases.cases import PNG, WORDS, add_case, add_file, looks

NOTICE = "Breach case #1"


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(cases=Cases(escalation="escalation"))]


async def join(world: World, name: str, *roles: RoleHandle) -> MemberActor:
    member = world.guild.add_member(world.env.create_user(name), roles=list(roles))
    await world.env.settle()
    return member


async def look(world: World) -> None:
    """The member list is read, as it is every hour."""
    with world.env._bot_scope():
        world.client.dispatch("reconcile", world.group.key)
    await world.env.settle()


async def report(world: World, reporter: MemberActor, **values: object) -> BreachCase:
    """A case as reporting leaves it."""
    async with world.database.write() as tx:
        values = {"reporters": [reporter.id], **values}
        case = await add_case(tx, now=world.client.now(), **values)  # type: ignore[arg-type]
    await work(world)
    return case


async def work(world: World) -> None:
    with world.env._bot_scope():
        world.client.effects.wake()
    await world.env.settle()


def notices(world: World) -> list[discord.Message]:
    return [one for one in world.channel("moderators").history() if NOTICE in one.content]


def labels(message: discord.Message) -> list[str | None]:
    return [
        item.label
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for item in row.children
        if isinstance(item, discord.Button)
    ]


async def test_notice_says_a_number_and_follows_the_case(world: World) -> None:
    await world.publish()
    reporter, accused = await join(world, "test-reporter"), await join(world, "test-accused")
    await report(world, reporter, accused=accused.id)

    (notice,) = notices(world)
    assert "open" in notice.content
    assert "Due next: a first look" in notice.content
    for secret in (WORDS, reporter.name, accused.name, str(reporter.id), str(accused.id)):
        assert secret not in notice.content
    assert labels(notice) == ["Open", "Claim"]

    pressed = await world.moderator.click(notice, label="Claim")
    await world.env.settle()

    assert "yours now" in said(pressed)
    (notice,) = notices(world)
    assert "in review" in notice.content
    assert "Due next: news for the people who reported" in notice.content
    assert labels(notice) == ["Open"]


async def test_notice_that_was_deleted_is_posted_again(world: World) -> None:
    await world.publish()
    await report(world, await join(world, "test-reporter"))
    (notice,) = notices(world)
    world.env.backend.delete_message(notice.channel.id, notice.id)
    await world.moderator.slash(world.channel("welcome"), "breach claim", case=1)
    await world.env.settle()
    assert "in review" in notices(world)[0].content


async def test_notice_is_posted_once_though_the_answer_was_lost(world: World) -> None:
    await world.publish()
    reporter = await join(world, "test-reporter")
    path = "/channels/{channel_id}/messages"
    world.break_request("POST", path, ConnectionResetError("gone"), sent=True)
    await report(world, reporter)
    await world.env.advance_time(400)
    assert len(notices(world)) == 1


async def test_notice_waits_for_its_channel(world: World) -> None:
    await world.publish()
    reporter = await join(world, "test-reporter")
    channel = world.channel("moderators")
    world.env.backend.delete_channel(channel.id)
    await world.env.settle()
    await report(world, reporter)
    name = str(world.group.channels.moderators)
    world.channels[name] = world.guild.create_text_channel(name)
    await world.env.settle()
    await world.env.advance_time(400)
    assert len(notices(world)) == 1
    assert any("For a while I could not write" in text for text in world.notices())


async def test_last_moderators_case_is_told_to_the_escalation_alone(world: World) -> None:
    role = world.guild.create_role("escalation")
    await world.publish()
    reporter, next_one = await join(world, "test-reporter"), await join(world, "test-next", role)
    await look(world)

    await report(world, reporter, accused=world.moderator.id)

    # The one moderator, whom it is about, reads nothing of it in the channel.
    assert notices(world) == []
    (told,) = [one for one in world.dms(next_one) if "Breach case #1" in one.content]
    for secret in (WORDS, reporter.name, world.moderator.name):
        assert secret not in told.content
    opened = await next_one.user.click(told, label="Open")
    assert WORDS in said(opened)
    refused = await world.moderator.slash(world.channel("welcome"), "breach show", case=1)
    missing = await world.moderator.slash(world.channel("welcome"), "breach show", case=77)
    assert said(refused) == said(missing)


async def test_moderator_role_given_and_taken_is_known_at_once(world: World) -> None:
    role = world.guild.create_role("escalation")
    await world.publish()
    reporter, next_one = await join(world, "test-reporter"), await join(world, "test-next", role)
    other = await join(world, "test-other")
    await look(world)
    backend = world.env.backend
    backend.add_member_role(world.guild.id, other.id, world.roles["moderator"].id)
    await world.env.settle()
    await report(world, reporter, accused=world.moderator.id)
    assert len(notices(world)) == 1

    backend.remove_member_role(world.guild.id, other.id, world.roles["moderator"].id)
    await world.env.settle()

    assert any("Breach case #1" in one.content for one in world.dms(next_one))


async def test_closed_messages_do_not_keep_the_next_one_from_being_told(world: World) -> None:
    role = world.guild.create_role("escalation")
    await world.publish()
    reporter = await join(world, "test-reporter")
    closed, told = await join(world, "test-closed", role), await join(world, "test-told", role)
    await look(world)
    path = f"/channels/{closed.user.dm_channel.id}/messages"
    world.env.inject_error("POST", path, status=403, code=50007, times=None)
    await report(world, reporter, accused=world.moderator.id)
    assert any("Breach case #1" in one.content for one in world.dms(told))


async def test_case_is_shown_in_pages_with_what_people_wrote_made_plain(world: World) -> None:
    await world.publish()
    reporter, accused = await join(world, "test-reporter"), await join(world, "test-accused")
    case = await report(world, reporter, accused=accused.id)
    await add_file(world.database, case)
    at, viewer = desk_and_viewer(world)
    note = "**loud** <@&1> @everyone " + "word " * 700
    await desk.note(world.database, at, viewer, 1, note, world.client.now())

    shown = await world.moderator.slash(world.channel("welcome"), "breach show", case=1)

    text = said(shown)
    assert len([shown.response, *shown.followups]) > 1
    assert "Reporter: sealed" in text
    assert f"<@{accused.id}>" in text
    assert str(reporter.id) not in text
    assert "had no valid signature then" in text
    assert "**loud**" not in text
    assert "@everyone" not in text
    last = shown.followups[-1]
    handed = await world.moderator.click(last, label="File 1")
    (file,) = answer_files(handed.response)
    assert file.filename == "case-1-file-1.png"
    assert file.size == len(PNG)
    assert [act for _, act, _, _ in await looks(world.database)] == ["shown", "evidence"]


def desk_and_viewer(world: World) -> tuple[desk.Desk, desk.Viewer]:
    at = desk.Desk(group_key=world.group.key, owner_id=None)
    return at, desk.Viewer(member_id=world.moderator.id, is_moderator=True)


def answer_files(message: object) -> list[discord.Attachment]:
    return list(getattr(message, "attachments", []))


async def test_export_names_the_exporter_and_stays_sealed(world: World) -> None:
    await world.publish()
    reporter = await join(world, "test-reporter")
    await report(world, reporter)
    sealed = await exported(world)
    assert [one["reporter"] for one in sealed["reports"]] == ["sealed"]
    assert sealed["exported_by"]["account"] == world.moderator.id
    assert str(reporter.id) not in json.dumps(sealed)

    told = await world.moderator.slash(
        world.channel("welcome"), "breach unseal", case=1, reason="to arrange a talk"
    )
    await world.env.settle()
    assert f"<@{reporter.id}>" in said(told)
    assert any("to arrange a talk" in one.content for one in world.dms(reporter))
    assert [one["reporter"] for one in (await exported(world))["reports"]] == [reporter.id]


async def exported(world: World) -> dict[str, Any]:
    result = await world.moderator.slash(world.channel("welcome"), "breach export", case=1)
    assert result.ephemeral
    answers = [one for one in [result.response, *result.followups] if one is not None]
    page, data = answer_files(answers[-1])
    assert page.filename.startswith("case-1-")
    assert (await page.read()).startswith(b"%PDF")
    return json.loads(await data.read())


async def test_press_under_an_old_notice_counts_what_one_holds_then(world: World) -> None:
    await world.publish()
    await report(world, await join(world, "test-reporter"))
    (notice,) = notices(world)
    world.env.backend.remove_member_role(
        world.guild.id, world.moderator.id, world.roles["moderator"].id
    )
    await world.env.settle()
    facilitator = await world.facilitator.click(notice, label="Open")
    assert "There is no case of this number" in said(facilitator)
    async with world.database.read() as tx:
        assert (await cases.get(tx, 1)).first_looked_at is None
