"""A member asks for a receipt, and a stranger checks it with the head that was posted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage
from typer.testing import CliRunner

from bot.__main__ import app
from bot.domain.ledger import Head
from bot.storage import ledger as entries
from tests.cogs.conftest import ACCEPT, World, make_group
from tests.factories import make_agreement

HOURS = 2 * 3600


@pytest.fixture
async def member(world: World) -> AsyncIterator[MemberActor]:
    """Somebody who signed some time ago."""
    await world.publish()
    member = await world.join()
    await world.react(member)
    world.env.backend.advance_clock(HOURS)
    yield member
    await world.client.press.close()


def answer(result: InteractionResult) -> ResponseMessage:
    """The last message that came back, which must be for the asker's eyes only."""
    assert result.ephemeral
    messages = [one for one in [result.response, *result.followups] if one is not None]
    return messages[-1]


async def save(result: InteractionResult, folder: Path) -> dict[str, Path]:
    """Save what was attached; the files by the ends of their names."""
    saved: dict[str, Path] = {}
    for attachment in answer(result).attachments:
        path = folder / attachment.filename
        path.write_bytes(await attachment.read())
        saved[path.suffix] = path
    return saved


def posted_head(world: World) -> str:
    """The newest head in the moderators' channel."""
    heads = [head for head in map(Head.find, world.notices()) if head is not None]
    return str(heads[-1])


def verify(file: Path, head: str) -> tuple[str, int]:
    """What a stranger is told, who has nothing else."""
    found = CliRunner(env=dict.fromkeys(("PLEDGE_KEY", "PLEDGE_CONFIG", "DISCORD_TOKEN"))).invoke(
        app, ["receipt", "verify", str(file), "--head", head]
    )
    return found.stdout.splitlines()[0], found.exit_code


async def test_receipt_is_checked_by_a_stranger(
    world: World, member: MemberActor, tmp_path: Path
) -> None:
    result = await member.slash(world.channel("welcome"), "agreement receipt")
    await world.env.settle()

    head, files = posted_head(world), await save(result, tmp_path)
    assert set(files) == {".pdf", ".json"}
    assert head in answer(result).content
    for name in (file.name for file in files.values()):
        assert member.name not in name
        assert str(member.id) not in name
    assert verify(files[".json"], head) == ("valid", 0)
    assert verify(files[".pdf"], head) == ("valid", 0)

    foreign = Head(position=Head.parse(head).position, hash="a" * 64)
    assert verify(files[".json"], str(foreign)) == ("unknown", 1)
    content = files[".json"].read_bytes()
    assert b"We listen to each other." in content
    files[".json"].write_bytes(content.replace(b"We listen", b"We shout "))
    assert verify(files[".json"], head) == ("altered", 1)


async def test_receipt_works_in_a_direct_message_and_says_when_it_is_too_early(
    world: World, member: MemberActor, tmp_path: Path
) -> None:
    early = await member.user.slash("agreement receipt")
    await world.env.settle()
    # Another one signs right after that: no head is posted again so soon.
    other = await world.join("test-second-newcomer")
    await world.react(other)
    result = await other.user.slash("agreement receipt")
    await world.env.settle()

    assert "To check the file" in answer(early).content
    assert "Others cannot check it in full yet" in answer(result).content
    files = await save(result, tmp_path)
    assert verify(files[".json"], posted_head(world)) == ("unknown", 1)
    world.env.backend.advance_clock(HOURS)
    later = await save(await other.user.slash("agreement receipt"), tmp_path)
    await world.env.settle()
    assert verify(later[".json"], posted_head(world)) == ("valid", 0)


async def test_receipt_of_a_withdrawn_signature_says_so(
    world: World, member: MemberActor, tmp_path: Path
) -> None:
    await world.react(member, ACCEPT, reacted=False)
    world.env.backend.advance_clock(HOURS)
    result = await member.slash(world.channel("welcome"), "agreement receipt")
    await world.env.settle()
    assert "has ended" in answer(result).content
    files = await save(result, tmp_path)
    assert b'"reason": "withdrawn"' in files[".json"].read_bytes()
    assert verify(files[".json"], posted_head(world)) == ("valid", 0)


async def test_whoever_did_not_sign_or_was_erased_gets_none(
    world: World, member: MemberActor
) -> None:
    stranger = await world.join("test-second-newcomer")
    refused = await stranger.slash(world.channel("welcome"), "agreement receipt")
    assert "nothing to give you a receipt for" in answer(refused).content
    async with world.database.write() as tx:
        await entries.erase(tx, member.id, world.client.now())
    refused = await member.slash(world.channel("welcome"), "agreement receipt")
    assert "was erased" in answer(refused).content
    assert not answer(refused).attachments


class TestSeveralGroups:
    @pytest.fixture
    def groups(self) -> list[object]:
        return [make_group(), make_group("night-owls", agreement=make_agreement(title="Night"))]

    async def test_member_of_two_groups_chooses_one(
        self, world: World, member: MemberActor, tmp_path: Path
    ) -> None:
        await world.publish(group=world.groups[1])
        lobby = world.guild.create_text_channel("lobby")
        asked = await member.slash(lobby, "agreement receipt")
        assert "Which one" in answer(asked).content
        chosen = await member.select(answer(asked), [world.group.key])
        await world.env.settle()
        assert verify((await save(chosen, tmp_path))[".json"], posted_head(world))[1] == 0
