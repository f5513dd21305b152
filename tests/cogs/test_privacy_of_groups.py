"""Several groups, and groups that nobody looks after any more: what people see, take and erase."""

from dataclasses import replace
from datetime import timedelta

import pytest
from simcord.actors import MemberActor

from bot.domain.agreements import Agreement
from bot.domain.breaches import Clause
from bot.services import agreements
from bot.services.agreements import GroupText
from bot.settings import Group
from bot.storage import cases, holders, suspensions
from tests.cogs.conftest import ACCEPT, World, make_group
from tests.cogs.test_commands import said
from tests.cogs.test_privacy import ERASE, ask, files, last, words
from tests.services.privacy.planting import everything


@pytest.fixture
def groups(agreement: Agreement) -> list[Group]:
    return [make_group(agreement=agreement), make_group("still-water", agreement=agreement)]


async def signed_in_both(world: World) -> MemberActor:
    for group in world.groups:
        await world.publish(group=group)
    person = await world.join("test-member")
    for request in [one for one in world.dms(person) if len(one.reactions) >= 2]:
        await person.user.set_reaction(request, ACCEPT, reacted=True)
    await world.env.settle()
    assert all(world.has_role(person, group) for group in world.groups)
    return person


async def test_each_group_is_erased_by_itself(world: World) -> None:
    person = await signed_in_both(world)
    shown = await person.user.slash("privacy show")
    assert "Harbour Light" in words(shown)
    assert "Still Water" in words(shown)
    exported = await files(await person.user.slash("privacy export"))
    assert len(exported) == 4

    asked = await person.user.slash("privacy erase")
    chosen = await person.user.select(last(asked), ["still-water"])
    await world.env.settle()
    await person.user.click(last(chosen), label=ERASE)
    await world.env.settle()
    first, second = world.groups
    assert world.has_role(person, first)
    assert not world.has_role(person, second)


async def test_rights_stay_when_a_group_is_taken_out_of_the_settings(world: World) -> None:
    person = await signed_in_both(world)
    world.groups = world.groups[:1]
    await world.restart()

    shown = words(await person.user.slash("privacy show"))
    assert "## still-water: what I keep about you" in shown
    assert shown.count("I do not look after this group any more") == 1
    assert shown.count("You signed version 1 by reaction") == 2
    exported = await files(await person.user.slash("privacy export"))
    assert len(exported) == 4

    # On its server as well as in a direct message.
    asked = await ask(world, person, "erase")
    chosen = await person.select(last(asked), ["still-water"])
    await world.env.settle()
    preview = last(chosen).content
    assert "still-water" in preview
    assert "What I know of your access" in preview
    for useless in ("/agreement sign", "/breach mine", "leave you in peace"):
        assert useless not in preview
    pressed = await person.click(last(chosen), label=ERASE)
    await world.env.settle()
    answer = last(pressed).content
    assert "somebody there must take it from you" in answer
    assert "private" in answer
    assert "/agreement sign" not in answer

    held = await everything(world.database)
    mine = [line for line in held.splitlines() if str(person.id) in line]
    assert mine
    assert not [line for line in mine if "still-water" in line]
    shown = words(await person.user.slash("privacy show"))
    assert shown.count("You signed version 1 by reaction") == 1
    assert world.has_role(person)


@pytest.mark.parametrize("returns", [True, False])
async def test_nothing_is_erased_when_the_group_came_or_went_since_it_was_shown(
    world: World, returns: bool
) -> None:
    person, both = await signed_in_both(world), world.groups
    world.groups = both[:1] if returns else both
    await world.restart()
    asked = await person.user.slash("privacy erase")
    shown = await person.user.select(last(asked), ["still-water"])
    await world.env.settle()
    assert ("What I know of your access" in last(shown).content) is returns

    world.groups = both if returns else both[:1]
    await world.restart()
    pressed = await person.user.click(last(shown), label=ERASE)
    await world.env.settle()
    # What it means now is shown anew.
    assert ("Your access to the support channel ends" in words(pressed)) is returns
    assert all(world.has_role(person, group) for group in both)
    assert words(await person.user.slash("privacy show")).count("You signed version 1") == 2


async def test_what_is_said_of_a_former_group_is_true_of_one(world: World) -> None:
    person = await signed_in_both(world)
    second = world.groups[1]
    async with world.database.write() as tx:
        now = world.client.now()
        case = await cases.add(tx, second.key, Clause.COVERED, person.id, None, now)
        await suspensions.begin(tx, case, person.id, now, until=now + timedelta(days=3))
    world.groups = world.groups[:1]
    await world.restart()
    _, _, former = words(await person.user.slash("privacy show")).partition("## still-water")
    asked = await person.user.slash("privacy erase")
    preview = await person.user.select(last(asked), ["still-water"])
    await world.env.settle()
    for text in (former, last(preview).content):
        assert "When I stopped looking after the group, the support channel was closed" in text
        assert "365 days after I stopped looking after the group" in text
        for promise in ("opens to you again", "I write to you as soon", "while you are here"):
            assert promise not in text
    assert "Nobody in the group can see it any more" in former
    assert "Facilitators" not in former


async def test_role_that_may_be_left_is_said_whatever_the_record_knows(world: World) -> None:
    person = await signed_in_both(world)
    for request in [one for one in world.dms(person) if len(one.reactions) >= 2]:
        await person.user.set_reaction(request, ACCEPT, reacted=False)
    await world.env.settle()
    world.groups = world.groups[:1]
    await world.restart()
    asked = await person.user.slash("privacy erase")
    shown = await person.user.select(last(asked), ["still-water"])
    await world.env.settle()
    pressed = await person.user.click(last(shown), label=ERASE)
    await world.env.settle()
    assert "somebody there must take it from you" in words(pressed)


async def test_more_groups_than_one_list_takes_can_all_be_chosen(
    world: World, agreement: Agreement
) -> None:
    person, now = await signed_in_both(world), world.client.now()
    keys = [f"former-{number}" for number in range(28)]
    texts = [GroupText(key=key, guild_id=world.guild.id, agreement=agreement) for key in keys]
    await agreements.register_groups(world.database, texts, now)
    async with world.database.write() as tx:
        for key in keys:
            await holders.add_found(tx, key, [person.id], now)
    asked = await person.user.slash("privacy erase")
    lists = [row["components"][0] for row in last(asked).components]
    assert [len(one["options"]) for one in lists] == [25, 5]
    second = lists[1]["custom_id"]
    shown = await person.user.select(last(asked), ["former-9"], custom_id=second)
    await world.env.settle()
    assert "former-9" in words(shown)


async def test_server_that_has_only_former_groups_still_answers(world: World) -> None:
    person = await signed_in_both(world)
    # What is left lives on another server.
    world.groups = [replace(world.groups[0], guild_id=world.guild.id + 1)]
    await world.restart()
    asked = await ask(world, person, "erase")
    assert "still-water" in said(asked)
    await person.click(last(asked), label=ERASE)
    await world.env.settle()
    held = await everything(world.database)
    assert not [line for line in held.splitlines() if str(person.id) in line and "still" in line]
