"""What people see when they ask what is held about them, take it along, or have it erased."""

import json
import logging

import discord
import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage
from sqlalchemy import update

from bot.services import ledger
from bot.services.privacy import erasing
from bot.storage.case_tables import breach_cases
from cogs._ui import buttons
from cogs.privacy import EraseButton
from tests.cogs.conftest import ACCEPT, World
from tests.cogs.test_commands import said
from tests.cogs.test_letters import Case
from tests.services.privacy.planting import everything

ERASE, KEEP = "Erase it for good", "No, keep everything"


@pytest.fixture
async def member(world: World) -> MemberActor:
    """Somebody who has signed."""
    await world.publish()
    person = await world.join("test-member")
    await world.react(person)
    assert world.has_role(person)
    return person


async def ask(world: World, person: MemberActor, what: str) -> InteractionResult:
    result = await person.slash(world.channel("welcome"), f"privacy {what}")
    await world.env.settle()
    return result


def last(result: InteractionResult) -> ResponseMessage:
    return [one for one in [result.response, *result.followups] if one is not None][-1]


def words(result: InteractionResult) -> str:
    """What a command in a direct message answered."""
    return "\n".join(m.content for m in [result.response, *result.followups] if m)


async def erase(world: World, person: MemberActor) -> InteractionResult:
    shown = await ask(world, person, "erase")
    pressed = await person.click(last(shown), label=ERASE)
    await world.env.settle()
    return pressed


async def files(result: InteractionResult) -> dict[str, bytes]:
    """What was attached to the answers, by name."""
    answers = [one for one in [result.response, *result.followups] if one is not None]
    return {file.filename: await file.read() for one in answers for file in one.attachments}


# Shown -------------------------------------------------------------------------------------------


async def test_member_is_shown_what_is_held_why_how_long_and_for_whom(
    world: World, member: MemberActor
) -> None:
    result = await ask(world, member, "show")
    text = said(result)
    for part in (
        "## Harbour Light: what I keep about you",
        "### Your promise",
        "I asked you to sign version 1. You signed on <t:",
        "You signed version 1 by reaction on <t:",
        "Your receipt is ",
        "I gave you the role.",
        "I told you that you have signed.",
        "### What I did and have to do for you",
        "### The ledger",
        "1095 days after it has ended",
        "Facilitators can see it",
        "backups for up to 30 days",
    ):
        assert part in text, part
    assert "What you reported" not in text
    assert "state:" not in text, "columns"
    answers = [one for one in [result.response, *result.followups] if one is not None]
    assert all(len(one.content) <= 2_000 for one in answers)


async def test_stranger_is_told_that_nothing_is_held(world: World) -> None:
    stranger = world.env.create_user("test-stranger")
    for what in ("show", "export", "erase"):
        result = await stranger.slash(f"privacy {what}")
        await world.env.settle()
        assert "There is nothing here that I could show you" in words(result)


async def test_reporter_is_shown_the_report_and_who_looked_but_no_names(world: World) -> None:
    await world.publish()
    case = await Case(world).open()
    await world.moderator.slash(world.channel("moderators"), "breach show", case=1)
    text = said(await ask(world, case.reporter, "show"))
    assert "I told the group about" in text
    assert "somebody looked at it (read)" in text
    for secret in (str(case.accused.id), str(world.moderator.id), "test-"):
        assert secret not in text


async def test_accused_is_shown_nothing_before_they_were_written_to(world: World) -> None:
    await world.publish()
    case = await Case(world).open()
    for what in ("show", "erase"):
        text = said(await ask(world, case.accused, what))
        assert "#1" not in text
        assert "Cases that concern you" not in text


async def test_it_works_in_a_direct_message_for_whoever_has_left(
    world: World, member: MemberActor
) -> None:
    world.env.backend.remove_member(world.guild.id, member.id)
    await world.env.settle()
    result = await member.user.slash("privacy show")
    assert "You signed version 1" in words(result)
    result = await member.user.slash("privacy export")
    assert len(await files(result)) == 2
    shown = await member.user.slash("privacy erase")
    await world.env.settle()
    assert "leave you in peace" not in words(shown)
    await member.user.click(last(shown), label=ERASE)
    await world.env.settle()
    assert str(member.id) not in await everything(world.database)


async def test_long_record_ends_in_a_file(world: World, member: MemberActor) -> None:
    case = await Case(world).open()
    for _n in range(40):
        await Case(world).open_again(case)
    result = await ask(world, case.reporter, "show")
    ((name, content),) = (await files(result)).items()
    assert name.startswith("record-")
    assert content.decode().count("I told the group about") == 41


# Exported ----------------------------------------------------------------------------------------


async def test_export_gives_two_files_with_neutral_names(world: World, member: MemberActor) -> None:
    result = await ask(world, member, "export")
    assert "Only you can see this" in said(result)
    found = await files(result)
    assert sorted(name.rpartition(".")[2] for name in found) == ["json", "txt"]
    assert all(name.startswith("record-20") for name in found)
    text = next(content for name, content in found.items() if name.endswith("txt")).decode()
    assert "You signed version 1" in text
    assert "<t:" not in text
    document = json.loads(next(one for name, one in found.items() if name.endswith("json")))
    (signature,) = document["held"]["agreement"]["signatures"]
    assert signature["method"] == "reaction"
    assert signature["receipt_number"] in text


# Erased ------------------------------------------------------------------------------------------


async def test_erasing_says_first_what_goes_and_what_stays(
    world: World, member: MemberActor
) -> None:
    text = said(await ask(world, member, "erase"))
    for part in (
        "**Your access to the support channel ends.**",
        "1 signature",
        "1 request",
        "**That somebody has signed**",
        "leave you in peace while you stay",
        "Backups from before",
        "30 days",
        "**Nobody can undo it.**",
    ):
        assert part in text, part
    assert world.has_role(member)


async def test_keeping_everything_changes_nothing(world: World, member: MemberActor) -> None:
    shown = await ask(world, member, "erase")
    kept = await member.click(last(shown), label=KEEP)
    await world.env.settle()
    assert "nothing was erased" in last(kept).content
    assert world.has_role(member)


async def test_erased_member_loses_access_is_told_and_is_found_nowhere(
    world: World, member: MemberActor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pressed = await erase(world, member)
    lines = [one.getMessage() for one in caplog.records if one.name.startswith(("bot", "cogs"))]
    assert [line for line in lines if str(member.id) in line] == []
    assert last(pressed).content.startswith("It is done.")
    assert not world.has_role(member)
    told = world.dms(member)[-1].content
    assert told.startswith("What could be erased about you for **Harbour Light** is erased")
    assert "it is closed to you now." in told
    assert str(member.id) not in await everything(world.database)
    result = await ledger.verify(world.database)
    assert (result.findings, result.signatures, result.proofs) == ((), 0, 1)
    assert "What is left of a signature" in said(await ask(world, member, "show"))


async def test_acceptance_that_still_stands_there_signs_nobody_in(
    world: World, member: MemberActor
) -> None:
    message = world.request_of(member)
    await erase(world, member)
    before = len(world.dms(member))
    await world.restart(asleep=3 * 86_400)
    guild = world.client.get_guild(world.guild.id)
    assert guild is not None
    await world.client.reconciler.catch_up(guild, world.group, world.client.now())
    await world.env.settle()
    assert not world.has_role(member)
    await member.user.set_reaction(message, ACCEPT, reacted=False)
    await member.user.set_reaction(message, ACCEPT, reacted=True)
    await world.env.settle()
    assert not world.has_role(member)
    assert len(world.dms(member)) == before, "nobody writes to them by itself"
    assert str(member.id) not in await everything(world.database)


async def test_erased_member_can_sign_anew_by_themselves(world: World, member: MemberActor) -> None:
    await erase(world, member)
    shown = await member.slash(world.channel("welcome"), "agreement sign")
    await member.click(last(shown), label="I accept")
    await world.env.settle()
    assert world.has_role(member)


async def test_erased_member_who_returns_is_asked_like_anybody(
    world: World, member: MemberActor
) -> None:
    await erase(world, member)
    world.env.backend.remove_member(world.guild.id, member.id)
    await world.env.settle()
    before = len(world.dms(member))
    await world.join(user=member.user)
    written = [one.content for one in world.dms(member)[before:]]
    assert written
    assert not any("Welcome back" in one for one in written)
    assert not world.has_role(member)


async def forge(world: World, member: MemberActor, fingerprint: str) -> discord.Message:
    """A message with somebody's button, where everybody can press it."""
    channel = world.client.get_channel(world.channel("welcome").id)
    assert isinstance(channel, discord.TextChannel)
    button = EraseButton(world.group.key, str(member.id), fingerprint)
    await channel.send("-", view=buttons(button))
    return world.channel("welcome").history()[-1]


async def test_button_is_for_the_person_it_was_shown_to(world: World, member: MemberActor) -> None:
    message = await forge(world, member, "0" * 16)
    pressed = await world.moderator.click(message, label=ERASE)
    assert "shown to somebody else" in said(pressed)
    # The person's own, but for something else than there is: it is shown anew.
    pressed = await member.click(message, label=ERASE)
    await world.env.settle()
    assert "1 signature" in words(pressed)
    assert world.has_role(member)


async def test_second_press_is_answered_kindly(world: World, member: MemberActor) -> None:
    terms = world.group.retention.terms
    now = world.client.now()
    found = await erasing.preview(world.database, world.group.key, member.id, terms, now)
    first, second = [await forge(world, member, found.fingerprint()) for _ in range(2)]
    await member.click(first, label=ERASE)
    await world.env.settle()
    assert not world.has_role(member)
    again = await member.click(second, label=ERASE)
    await world.env.settle()
    assert "there is nothing that can be erased" in words(again)


async def test_press_after_a_restart_works(world: World, member: MemberActor) -> None:
    shown = await ask(world, member, "erase")
    await world.restart()
    await member.click(last(shown), label=ERASE)
    await world.env.settle()
    assert not world.has_role(member)


async def test_closed_direct_messages_leave_nothing_behind(
    world: World, member: MemberActor
) -> None:
    world.close_dms()
    await erase(world, member)
    assert not world.has_role(member)
    assert str(member.id) not in await everything(world.database)


async def test_role_is_taken_when_discord_is_back(world: World, member: MemberActor) -> None:
    path = f"/guilds/{world.guild.id}/members/*/roles/*"
    world.env.inject_error("DELETE", path, status=503, code=0, times=None)
    await erase(world, member)
    assert world.has_role(member)
    world.open_dms()
    await world.restart(asleep=600)
    assert not world.has_role(member)
    assert str(member.id) not in await everything(world.database)


async def test_role_that_is_too_high_is_said_and_taken_later(
    world: World, member: MemberActor
) -> None:
    world.raise_bot_role(1)
    await world.env.settle()
    pressed = await erase(world, member)
    assert "I cannot close the support channel to you yet" in last(pressed).content
    assert world.has_role(member)
    world.raise_bot_role()
    await world.env.settle()
    await world.restart(asleep=600)
    assert not world.has_role(member)
    assert str(member.id) not in await everything(world.database)


async def test_open_case_stays_and_is_said(world: World, member: MemberActor) -> None:
    case = await Case(world).open()
    text = said(await ask(world, case.reporter, "erase"))
    assert "**What you reported** (#1)" in text
    await erase(world, case.reporter)
    assert "your report #1" in said(
        await case.reporter.slash(world.channel("welcome"), "breach mine")
    )
    async with world.database.write() as tx:
        await tx.execute(update(breach_cases).values(merged_into=None))
    text = said(await ask(world, case.reporter, "erase"))
    assert "there is nothing that can be erased" in text
    assert "**What you reported** (#1)" in text


@pytest.mark.parametrize(("code", "is_taken"), [(0, True), (10007, False)])
async def test_role_is_taken_unless_discord_says_that_they_are_not_there(
    world: World, member: MemberActor, code: int, is_taken: bool
) -> None:
    # From a direct message Discord is asked whether they are there.
    path = "/guilds/*/members/*"
    world.env.inject_error("GET", path, status=404, code=code, times=None)
    shown = await member.user.slash("privacy erase")
    await world.env.settle()
    await member.user.click(last(shown), label=ERASE)
    await world.env.settle()
    assert world.has_role(member) is not is_taken


async def test_whoever_has_no_access_by_the_record_is_told_that_a_role_goes(world: World) -> None:
    person = await world.join()
    assert "The role that opens the support channel" in said(await ask(world, person, "erase"))
