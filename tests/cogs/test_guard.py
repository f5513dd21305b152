"""What must never empty a group: wrong settings, lost records, lists that cannot be read."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from simcord.actors import MemberActor

from bot.client import Pledge
from bot.domain.agreements import Standing
from bot.effects import reconciler
from bot.services import records
from bot.settings import Group, Signing
from bot.storage import holders as holders_rows
from bot.storage.database import Database
from tests.cogs.conftest import World, make_group
from tests.cogs.holding import DAY, give_role, hold, standing, sweep
from tests.factories import KEYS

Opener = Callable[[str], Awaitable[Database]]
GUARD = "have not signed"


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(signing=Signing(remind_after_days=(1, 3), grace_days=7))]


# The guard ----------------------------------------------------------------------------------------


async def many_strangers(world: World, signers: int, strangers: int) -> list[MemberActor]:
    """A group in which so many hold the role without a signature, unseen by the bot."""
    await world.publish()
    for number in range(signers):
        await world.react(await world.join(f"test-signer-{number}"))
    await world.stop()
    people = await hold(world, strangers, "test-stranger")
    await world.start()
    return people


async def test_mass_change_takes_the_role_from_nobody_and_asks_once(world: World) -> None:
    people = await many_strangers(world, 4, 6)
    await sweep(world)
    await sweep(world)

    assert all(world.has_role(member) for member in people)
    (notice,) = [notice for notice in world.notices() if GUARD in notice]
    assert "6 of the 10 people" in notice


async def test_five_strangers_are_no_mass_change(world: World) -> None:
    people = await many_strangers(world, 1, 5)
    assert not any(world.has_role(member) for member in people)


async def test_facilitator_agrees_to_a_mass_change(world: World) -> None:
    people = await many_strangers(world, 2, 7)

    await world.press_notice(world.facilitator, "Take the role from them")

    assert not any(world.has_role(member) for member in people)
    assert "A facilitator agreed" in world.notices()[-1] or any(
        "A facilitator agreed" in notice for notice in world.notices()
    )


async def test_moderator_cannot_agree_to_a_mass_change(world: World) -> None:
    people = await many_strangers(world, 2, 7)

    await world.press_notice(world.moderator, "Take the role from them")

    assert all(world.has_role(member) for member in people)


async def test_consent_to_fewer_is_no_consent_to_more(world: World) -> None:
    people = await many_strangers(world, 2, 7)
    await world.stop()
    people += await hold(world, 4, "test-later")
    await world.start()

    answer = await world.press_notice(world.facilitator, "Take the role from them")

    assert "11 people by now" in answer
    assert all(world.has_role(member) for member in people)


async def test_guard_holds_for_changes_told_one_by_one(world: World) -> None:
    people = await many_strangers(world, 2, 7)
    for member in people:
        world.env.backend.edit_member(world.guild.id, member.id, {"nick": "another name"})
        await world.env.settle()

    assert all(world.has_role(member) for member in people)


async def test_empty_database_empties_no_group(
    world: World, tmp_path: Path, open_database: Opener
) -> None:
    await world.publish()
    people = [await world.join(f"test-signer-{number}") for number in range(7)]
    for member in people:
        await world.react(member)
    await world.stop()
    empty = await open_database(f"sqlite:///{tmp_path}/empty.db")
    world.client = Pledge(world.groups, empty, KEYS)
    await world.start()
    await world.publish()
    await sweep(world)

    assert all(world.has_role(member) for member in people)


async def test_older_copy_of_the_record_is_noticed_by_the_posted_head(
    world: World, sqlite_url: str, tmp_path: Path, open_database: Opener
) -> None:
    await world.publish()
    early = await world.join("test-early")
    await world.react(early)
    for suffix in ("", "-wal"):
        source = sqlite_url.removeprefix("sqlite:///") + suffix
        shutil.copy(source, tmp_path / f"older.db{suffix}")
    late = await world.join("test-late")
    await world.react(late)
    await world.restart(asleep=2 * DAY)
    assert any("Its head is" in notice for notice in world.notices())
    await world.stop()

    older = await open_database(f"sqlite:///{tmp_path}/older.db")
    world.client = Pledge(world.groups, older, KEYS)
    await world.start()
    await world.restart()

    assert world.has_role(early)
    assert world.has_role(late)
    assert sum("My record is not the one I had" in notice for notice in world.notices()) == 1
    assert sum("A backup from" in notice for notice in world.notices()) == 1


async def test_wrong_role_in_the_settings_empties_no_group(world: World) -> None:
    await world.publish()
    await world.react(await world.join())
    other = world.guild.create_role("another-role")
    people = [
        world.guild.add_member(world.env.create_user(f"test-other-{number}"), roles=[other])
        for number in range(8)
    ]
    await world.env.settle()
    world.groups[0] = make_group(
        roles=world.group.roles.model_copy(update={"member": "another-role"})
    )
    world.roles["another-role"] = other
    world.raise_bot_role()
    await world.restart()

    assert all(world.has_role(member) for member in people)
    assert any("names the wrong role" in n or "another database" in n for n in world.notices())


async def test_renamed_role_empties_no_group(world: World) -> None:
    await world.publish()
    people = [await world.join(f"test-signer-{number}") for number in range(3)]
    for member in people:
        await world.react(member)
    world.env.backend.edit_role(world.guild.id, world.member_role.id, {"name": "renamed"})
    await world.restart(asleep=DAY)

    assert all(world.has_role(member) for member in people)
    assert any("The member role is gone" in notice for notice in world.notices())


# Coming and going ---------------------------------------------------------------------------------


async def test_leaving_while_offline_is_found(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.stop()
    world.env.backend.remove_member(world.guild.id, member.id)
    world.env.backend.advance_clock(60)
    await world.start()

    now = world.client.now()
    record = await records.check_member(world.database, world.group.key, member.id, now)
    assert record.request is not None
    assert record.request.left_at is not None


@pytest.mark.parametrize("status", [403, 500, 503])
async def test_member_list_that_cannot_be_read_is_no_finding(world: World, status: int) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.stop()
    stranger = (await hold(world, 1))[0]
    world.env.inject_error("GET", "/guilds/*/members", status=status, times=None)
    await world.start()

    assert world.has_role(member)
    assert world.has_role(stranger)
    assert await standing(world, member) is Standing.SIGNED
    world.env.backend.faults.clear()
    await sweep(world)
    assert not world.has_role(stranger)


async def test_removal_of_the_bot_while_offline_rests_the_group_until_it_is_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.publish()
    member = await world.join()
    await world.stop()
    saved = world.env.backend.guilds.pop(world.guild.id)
    before = len(world.env.http_requests)
    await world.start()
    assert "is not there" in caplog.text
    await world.react(member)
    # What they answered is in the record, and nothing is tried in vain.
    assert await standing(world, member) is Standing.SIGNED
    assert [r for r in world.env.http_requests[before:] if "/guilds/" in r.path] == []

    world.env.backend.guilds[world.guild.id] = saved
    await world.restart()
    assert world.has_role(member)


async def test_list_that_ends_too_early_is_no_finding_and_is_read_again(world: World) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await world.stop()
    stranger = (await hold(world, 1))[0]
    backend = world.env.backend
    saved = dict(backend.get_guild(world.guild.id).members)
    await world.start()
    give_role(world, stranger)
    await world.env.settle()
    guild = world.client.get_guild(world.guild.id)
    assert guild is not None
    guild._member_count = 100
    await sweep(world)
    async with world.database.read() as tx:
        assert (await holders_rows.find_sweep(tx, world.group.key)).finished_at is None  # type: ignore[union-attr]
    assert await standing(world, member) is Standing.SIGNED

    guild._member_count = len(saved)
    await sweep(world)
    async with world.database.read() as tx:
        assert (await holders_rows.find_sweep(tx, world.group.key)).finished_at is not None  # type: ignore[union-attr]


async def test_list_of_many_pages_is_read_to_its_end_and_taken_up_where_it_broke(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "MEMBERS_PER_PAGE", 3)
    await world.publish()
    for number in range(4):
        await world.react(await world.join(f"test-signer-{number}"))
    await world.stop()
    strangers = await hold(world, 2, "test-stranger")
    await world.start()
    assert not any(world.has_role(member) for member in strangers)

    read = world.client.http.get_members
    pages: list[int | None] = []

    async def break_the_third(guild_id: int, limit: int, after: int | None) -> Any:
        pages.append(after)
        if len(pages) == 3:
            raise aiohttp.ClientConnectionError
        return await read(guild_id, limit, after)

    monkeypatch.setattr(world.client.http, "get_members", break_the_third)
    for member in strangers:
        world.env.backend.get_member(world.guild.id, member.id).role_ids.append(
            world.member_role.id
        )
    await sweep(world)
    assert all(world.has_role(member) for member in strangers)
    assert len(pages) == 3

    await sweep(world)
    assert pages[3] == pages[2]
    assert pages[0] == 0
    assert not any(world.has_role(member) for member in strangers)
