"""A facilitator changes the file, reads what is different, publishes it, and looks back."""

import re
from dataclasses import replace
from pathlib import Path

import discord
import pytest
import yaml
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage

from bot.domain.agreements import Agreement
from bot.settings import Group, load_texts
from tests.cogs.conftest import World, make_group
from tests.cogs.holding import hold_from_before
from tests.cogs.test_commands import said
from tests.factories import make_agreement

DAY = 86_400


def written(agreement: Agreement) -> str:
    """The file of an agreement."""
    whole: dict[str, object] = {
        "title": agreement.title,
        "purpose": agreement.purpose,
        "scope": {
            name: getattr(agreement.scope, name) for name in agreement.scope.__dataclass_fields__
        },
        "consequences": [{"key": one.key, "text": one.text} for one in agreement.consequences],
        "duration": {"text": agreement.duration.text, "until_withdrawn": True},
        "signatures": {
            "participant": agreement.signatures.participant,
            "facilitator": agreement.signatures.facilitator,
        },
    }
    return yaml.safe_dump(whole, allow_unicode=True)


FIRST = make_agreement()
SECOND = make_agreement(purpose="We listen to each other, *always*.")
MATERIAL = make_agreement(scope=replace(FIRST.scope, covered="Stories and names."))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ours.en.yaml"
    path.write_text(written(FIRST), encoding="utf-8")
    return path


@pytest.fixture
def groups(file: Path) -> list[Group]:
    return [make_group(agreement=load_texts(file).agreement, agreement_path=file)]


def change(world: World, agreement: Agreement, name: str = "ours.en.yaml") -> None:
    """Somebody changes the file on disk; the bot goes on running."""
    path = world.group.agreement_path
    assert path is not None
    path.with_name(name).write_text(written(agreement), encoding="utf-8")


async def preview(
    world: World, kind: str | None = None, who: MemberActor | None = None
) -> InteractionResult:
    options = {"change": kind} if kind else {}
    person = who or world.facilitator
    result = await person.slash(world.channel("moderators"), "agreement publish", **options)
    await world.env.settle()
    return result


def last(result: InteractionResult) -> ResponseMessage:
    message = [result.response, *result.followups][-1]
    assert message is not None
    return message


async def press(world: World, result: InteractionResult, who: MemberActor | None = None) -> str:
    pressed = await (who or world.facilitator).click(last(result), label="Sign and publish")
    await world.env.settle()
    return last(pressed).content


def drafts_told(world: World) -> int:
    return sum("is waiting" in notice for notice in world.notices())


async def newcomer_signs(world: World, name: str = "test-newcomer") -> MemberActor:
    member = await world.join(name)
    await world.react(member)
    assert world.has_role(member)
    return member


async def test_the_moderators_channel_is_told_once_of_a_draft(world: World) -> None:
    await world.restart()
    assert drafts_told(world) == 1
    await world.restart()
    assert drafts_told(world) == 1
    await world.publish()
    change(world, SECOND)
    world.groups[0] = replace(world.group, agreement=SECOND)
    await world.restart()
    await world.restart()
    assert drafts_told(world) == 2
    assert any("`/agreement publish` shows what has changed" in one for one in world.notices())


async def test_a_changed_file_is_shown_word_by_word_without_a_restart(world: World) -> None:
    await world.publish()
    change(world, SECOND)
    text = said(await preview(world, "minor"))
    assert "We listen to each ~~other.\u200b~~ **other, \\*always\\*.\u200b**" in text
    assert "Changed parts: why we make this promise." in text
    assert "stay valid, and nobody is written to" in text
    assert "material change" not in text


async def test_minor_change_is_in_force_and_nobody_is_written_to(world: World) -> None:
    await world.publish()
    member = await newcomer_signs(world)
    before = len(world.dms(member))
    change(world, SECOND)
    assert "All signatures stay valid" in await press(world, await preview(world, "minor"))
    assert len(world.dms(member)) == before
    assert world.has_role(member)
    read = await member.slash(world.channel("welcome"), "agreement read")
    assert "We listen to each other, *always*." in said(read)


async def test_preview_names_members_from_before_only_until_they_were_asked(world: World) -> None:
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    change(world, MATERIAL)
    words = "Not asked by this: 1 person with the role from before me."
    assert words in last(await preview(world, "material")).content

    await world.invite()
    await world.env.advance_time(600)
    assert world.request_of(member)
    shown = await preview(world, "material")
    assert "from before me" not in last(shown).content
    before = world.request_of(member)
    asked = len(world.dms(member))
    await press(world, shown)
    assert world.request_of(member).id != before.id
    await world.env.advance_time(600)
    anew = world.dms(member)[asked].content
    assert anew.startswith("Hello again. The agreement of **Harbour Light** has changed since I")
    ends_at = int(before.created_at.timestamp()) + 14 * DAY
    (until,) = map(int, re.findall(r"is open to you until <t:(\d+)", anew))
    assert abs(until - ends_at) <= 60


async def test_choosing_minor_for_a_weighty_change_is_questioned_and_allowed(
    world: World,
) -> None:
    await world.publish()
    change(world, MATERIAL)
    shown = await preview(world, "minor")
    assert "this looks like a material change" in last(shown).content
    assert "Version 2 is in force" in await press(world, shown)


async def test_material_change_tells_signers_what_changed_before_the_whole_text(
    world: World,
) -> None:
    await world.publish()
    member = await newcomer_signs(world)
    before = len(world.dms(member))
    change(world, MATERIAL)
    shown = await preview(world, "material")
    assert re.findall(r"(\d+) p\w+ with a signature, and (\d+)", last(shown).content) == [
        ("1", "3")
    ]
    assert "Older signatures count until <t:" in said(shown)
    await press(world, shown)
    first, *others = [message.content for message in world.dms(member)[before:]]
    assert "has changed since you signed version 1" in first
    assert "until then you keep your access" in first
    assert others[0] == "### What stays here\n~~Stories.\u200b~~ **Stories and names.\u200b**"
    assert others[1].startswith("**The whole new text**, version 2:")
    assert world.has_role(member)
    await world.react(member)
    history = said(await world.facilitator.slash(world.channel("moderators"), "agreement history"))
    assert history.count("Signed 1 time; 1 of these") == 1
    assert history.count("Signed 1 time; 0 of these") == 1


async def test_second_change_in_a_grace_asks_once_and_says_that_dates_stay(world: World) -> None:
    await world.publish()
    member = await newcomer_signs(world)
    change(world, MATERIAL)
    await press(world, await preview(world, "material"))
    older = world.request_of(member)
    world.env.backend.advance_clock(2 * DAY)
    change(world, make_agreement(scope=replace(FIRST.scope, covered="Stories, names, faces.")))
    shown = await preview(world, "material")
    assert "For 1 of them the time of an earlier change is still running" in said(shown)
    await press(world, shown)
    asked = [message for message in world.dms(member) if len(message.reactions) >= 2]
    assert len(asked) == 3, "one for each version"
    assert "has changed since you signed version 1" in "".join(
        message.content for message in world.dms(member)
    )
    await member.user.set_reaction(older, "✅", reacted=True)
    await world.env.settle()
    assert str(world.request_of(member).id) in world.dms(member)[-1].content, "points to the newest"


async def test_of_two_facilitators_one_publishes_and_the_other_is_told(world: World) -> None:
    other = world.guild.add_member(
        world.env.create_user("test-second-facilitator"),
        roles=[world.roles[str(world.group.roles.facilitator)]],
    )
    await world.publish()
    change(world, SECOND)
    mine, theirs = await preview(world, "minor"), await preview(world, "material", other)
    assert "Version 2 is in force" in await press(world, mine)
    assert "somebody else has published it" in await press(world, theirs, other)
    history = said(await world.facilitator.slash(world.channel("moderators"), "agreement history"))
    assert history.count("- **Version") == 2


async def test_a_file_that_changed_between_preview_and_confirmation_is_not_signed_unseen(
    world: World,
) -> None:
    await world.publish()
    change(world, SECOND)
    shown = await preview(world, "minor")
    change(world, MATERIAL)
    # The text that was shown is still the draft: the file is read when somebody asks again.
    again = await preview(world, "material")
    assert "The text has changed since you opened this" in await press(world, shown)
    assert "Version 2 is in force" in await press(world, again)


async def test_exactly_the_text_that_was_shown_is_published(world: World) -> None:
    await world.publish()
    change(world, SECOND)
    shown = await preview(world, "minor")
    change(world, MATERIAL)
    assert "Version 2 is in force" in await press(world, shown)
    read = said(await world.facilitator.slash(world.channel("welcome"), "agreement read"))
    assert "*always*" in read
    assert "Stories and names." not in read


async def test_a_broken_file_is_refused_in_words_and_the_draft_is_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.publish()
    change(world, SECOND)
    shown = await preview(world, "minor")
    path = world.group.agreement_path
    assert path is not None
    path.write_text("purpose: [", encoding="utf-8")
    refused = await preview(world, "minor")
    assert "I cannot read the file of the agreement as it is now" in said(refused)
    assert any(str(path) in record.getMessage() for record in caplog.records)
    assert "Version 2 is in force" in await press(world, shown)


async def test_a_long_change_is_attached_whole(world: World) -> None:
    long = "\n\n".join(f"Rule {number} is for all of us here." for number in range(300))
    change(world, make_agreement(purpose=long))
    await world.publish()
    change(world, make_agreement(purpose=long.replace("all", "each")))
    shown = await preview(world, "minor")
    pages = [page.content for page in [shown.response, *shown.followups] if page is not None]
    assert all(len(page) <= 2_000 for page in pages)
    assert "There is more." in pages[-2]
    (file,) = last(shown).attachments
    assert isinstance(file, discord.Attachment)
    assert file.filename == "changes-2.html"
    page = (await file.read()).decode()
    assert "Rule 299 is for <del>all </del><ins>each </ins>of us here." in page


async def test_a_translation_that_was_added_is_named_and_published(world: World) -> None:
    await world.publish()
    change(world, make_agreement(purpose="Nos escuchamos."), "ours.es.yaml")
    shown = await preview(world, "minor")
    assert "only its translations" in said(shown)
    assert "`es`" in said(shown)
    assert "Nos escuchamos." in (await last(shown).attachments[0].read()).decode()
    await press(world, shown)
    history = said(await world.facilitator.slash(world.channel("moderators"), "agreement history"))
    assert "Translations: `es`." in history


async def test_history_is_for_facilitators_and_names_who_published(world: World) -> None:
    channel = world.channel("moderators")
    assert "is a draft" in said(await world.facilitator.slash(channel, "agreement history"))
    await world.publish()
    await newcomer_signs(world)
    text = said(await world.facilitator.slash(channel, "agreement history"))
    assert f"`{FIRST.sha256()[:16]}`" in text
    assert f"<@{world.facilitator.id}>" in text
    assert "Signed 1 time; 1 of these signatures count now." in text
    refused = await world.moderator.slash(channel, "agreement history")
    assert "only open to some people" in said(refused)


async def test_history_turns_its_pages(world: World) -> None:
    await world.publish()
    for number in range(9):
        change(world, make_agreement(purpose=f"We listen, {number}."))
        await press(world, await preview(world, "minor"))
    shown = await world.facilitator.slash(world.channel("welcome"), "agreement history")
    assert "**Version 10**" in said(shown)
    assert "**Version 2**" not in said(shown)
    turned = await world.facilitator.click(last(shown), label="Next")
    assert turned.response is not None
    assert "**Version 1**" in turned.response.content
    office = world.roles[str(world.group.roles.facilitator)]
    world.env.backend.remove_member_role(world.guild.id, world.facilitator.id, office.id)
    await world.env.settle()
    pressed = await world.facilitator.click(last(shown), label="Back")
    assert "only open to some people" in last(pressed).content
