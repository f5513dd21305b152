"""A facilitator looks at the whole group, and takes it along as a file."""

import csv
import io
import json
from datetime import timedelta

import discord
import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage
from sqlalchemy import update

from bot.services import export
from bot.storage.tables import signature_requests
from cogs import _overview
from tests.cogs.conftest import DECLINE, World
from tests.factories import NOW


async def ask(
    world: World,
    command: str,
    who: MemberActor | None = None,
    place: str = "moderators",
    **options: str,
) -> ResponseMessage:
    """The answer that follows the waiting, which must be for the asker's eyes only."""
    result: InteractionResult = await (who or world.facilitator).slash(
        world.channel(place), f"signatures {command}", **options
    )
    await world.env.settle()
    assert result.ephemeral
    return [one for one in (result.response, *result.followups) if one is not None][-1]


async def empty(world: World) -> None:
    """Everybody has left, also the staff, whom the record knows like all others."""
    await world.env.settle()
    async with world.database.write() as tx:
        await tx.execute(update(signature_requests).values(left_at=NOW))


async def file_of(answer: ResponseMessage) -> tuple[discord.Attachment, bytes]:
    (attached,) = answer.attachments
    return attached, await attached.read()


async def test_overview_tells_numbers_and_shows_a_described_picture(world: World) -> None:
    await world.publish()
    await empty(world)
    for name in ("test-one", "test-two"):
        await world.react(await world.join(name))
    await world.react(await world.join("test-three"), DECLINE)
    await world.join("test-four")

    answer = await ask(world, "overview")
    attached, content = await file_of(answer)

    assert "2 of 4 people hold a valid signature, **50 %**" in answer.content
    assert "- signed: 2\n- waiting for an answer: 1\n- declined: 1\n" in answer.content
    assert "Half of the people signed within 1 minute of being asked." in answer.content
    assert "those who joined since I look after the group" in answer.content
    assert content.startswith(b"\x89PNG")
    assert attached.filename == "harbour-light-overview.png"
    assert attached.description is not None
    assert "4 joined, 4 of them were asked, 2 hold a signature now" in attached.description
    assert "2 now" in attached.description


async def test_overview_of_nobody_is_a_picture_too(world: World) -> None:
    await empty(world)
    answer = await ask(world, "overview")
    attached, content = await file_of(answer)
    assert "there is nobody in my record yet" in answer.content
    assert content.startswith(b"\x89PNG")
    assert "Nobody has signed yet" in (attached.description or "")


async def test_export_is_a_table_with_the_names_of_the_moment(world: World) -> None:
    await world.publish()
    await empty(world)
    member = await world.join("test-newcomer")
    hostile = '=cmd("x")\u202e<@1>@everyone'
    world.env.backend.get_guild(world.guild.id).members[member.id].nick = hostile
    await world.react(member)

    answer = await ask(world, "export", format="csv")
    attached, content = await file_of(answer)
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))

    assert row["member_id"] == str(member.id)
    assert row["name"] == '\'=cmd("x")<@1>@everyone (@test-newcomer)'
    assert (row["standing"], row["method"], row["version"]) == ("signed", "reaction", "1")
    assert attached.filename.startswith("harbour-light-")
    assert attached.filename.endswith(".csv")
    assert "1 person" in answer.content
    assert "no names" not in answer.content
    assert hostile not in answer.content


async def test_export_of_data_and_of_paper(world: World) -> None:
    await world.publish()
    await empty(world)
    member = await world.join()
    await world.react(member)
    _, data = await file_of(await ask(world, "export", format="json"))
    (person,) = json.loads(data)["people"]
    assert person["member_id"] == str(member.id)
    assert person["name"] == "test-newcomer (@test-newcomer)"
    attached, paper = await file_of(await ask(world, "export", format="pdf"))
    assert attached.filename.endswith(".pdf")
    assert paper.startswith(b"%PDF-")


@pytest.mark.parametrize("form", ["csv", "json", "pdf"])
async def test_export_of_nobody_says_so(world: World, form: str) -> None:
    await empty(world)
    answer = await ask(world, "export", format=form)
    _, content = await file_of(answer)
    assert "There is nobody in my record for **Harbour Light** yet" in answer.content
    if form == "csv":
        assert content.decode("utf-8-sig") == ",".join(export.COLUMNS) + "\r\n"
    if form == "json":
        assert json.loads(content)["people"] == []


async def test_a_large_group_is_written_without_names_and_not_printed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_overview, "NAMED", 1)
    monkeypatch.setattr(_overview, "PRINTED", 1)
    monkeypatch.setattr(export, "LARGEST", 250)
    await world.publish()
    for name in ("test-one", "test-two"):
        await world.join(name)
    refused = await ask(world, "export", format="pdf")
    assert "too much to print" in refused.content
    assert refused.attachments == []
    too_large = await ask(world, "export", format="csv")
    assert "more than Discord takes" in too_large.content
    monkeypatch.setattr(export, "LARGEST", 10_000)
    answer = await ask(world, "export", format="csv")
    _, content = await file_of(answer)
    assert "It has no names" in answer.content
    assert b"test-one" not in content


@pytest.mark.parametrize(("command", "options"), [("overview", {}), ("export", {"format": "csv"})])
async def test_only_facilitators_see_the_whole_group(
    world: World, command: str, options: dict[str, str]
) -> None:
    await world.publish()
    stranger = await world.join()
    for person in (stranger, world.moderator):
        answer = await ask(world, command, person, "welcome", **options)
        assert "only open to some people" in answer.content
        assert answer.attachments == []


def test_the_words_for_a_length_of_time_are_coarse() -> None:
    from bot.texts.overview import length

    said = [length(timedelta(seconds=n)) for n in (0, 61, 7_000, 7_300, 90_000, 200_000)]
    assert said == ["1 minute", "2 minutes", "117 minutes", "3 hours", "25 hours", "3 days"]
