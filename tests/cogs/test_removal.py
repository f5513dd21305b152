"""Removing people who do not answer, as they and the facilitators see it."""

import discord
import pytest
from simcord.actors import MemberActor
from sqlalchemy import select

from bot.domain.ledger import LedgerKind
from bot.settings import Group, Signing
from bot.storage import tables
from tests.cogs.conftest import DECLINE, World, make_group
from tests.cogs.holding import DAY, hold_from_before
from tests.factories import make_agreement

KICK_ROUTE = "/guilds/{guild_id}/members/{user_id}"
NEAR, LAST = "in about a week", "This is the last time"


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(signing=Signing(remind_after_days=(), remove_unsigned_after_days=30))]


def allow_kicks(world: World, *, allowed: bool = True) -> None:
    """Give the bot's own role the permission Kick Members, or take it."""
    roles = world.env.backend.get_guild(world.guild.id).roles.values()
    managed = next(role for role in roles if role.managed)
    rights = discord.Permissions(int(managed.permissions))
    rights.update(kick_members=allowed, administrator=False)
    world.env.backend.edit_role(world.guild.id, managed.id, {"permissions": rights.value})


@pytest.fixture
async def newcomer(world: World) -> MemberActor:
    """Somebody who was asked and does not answer."""
    allow_kicks(world)
    await world.publish()
    return await world.join()


def is_here(world: World, member: MemberActor) -> bool:
    return member.id in world.env.backend.get_guild(world.guild.id).members


def warnings(world: World, member: MemberActor) -> list[str]:
    found = [message.content for message in world.dms(member)]
    return [NEAR if NEAR in text else LAST for text in found if NEAR in text or LAST in text]


async def sleep(world: World, *days: float) -> None:
    """The bot is away for so many days, comes back, and looks around, each time."""
    for away in days:
        await world.restart(asleep=away * DAY)


async def kicked(world: World) -> int:
    async with world.database.read() as tx:
        kinds = (await tx.execute(select(tables.ledger_entries.c.kind))).scalars()
        return [*kinds].count(LedgerKind.KICKED)


async def test_who_stays_silent_is_warned_twice_and_removed(
    world: World, newcomer: MemberActor
) -> None:
    await sleep(world, 23.1)
    assert warnings(world, newcomer) == [NEAR]
    link = f"/{world.dms(newcomer)[0].channel.id}/{world.request_of(newcomer).id}"
    assert link in world.dms(newcomer)[-1].content

    await sleep(world, 6.1)
    assert warnings(world, newcomer) == [NEAR, LAST]
    assert is_here(world, newcomer)

    await sleep(world, 1.1)
    assert not is_here(world, newcomer)
    assert await kicked(world) == 1
    sent = world.env.http_requests
    (kick,) = [
        one for one in sent if one.method == "DELETE" and one.path.endswith(str(newcomer.id))
    ]
    assert "have not answered" in str(kick)


async def test_whoever_was_removed_may_come_back_and_is_asked_anew(
    world: World, newcomer: MemberActor
) -> None:
    await sleep(world, 23.1, 6.1, 1.1)
    before = len(world.dms(newcomer))
    again = await world.join(user=newcomer.user)
    assert len(world.dms(again)) > before
    await world.react(again)
    assert world.has_role(again)
    await sleep(world, 40)
    assert is_here(world, again)


async def test_outage_over_everything_begins_with_the_first_warning(
    world: World, newcomer: MemberActor
) -> None:
    await sleep(world, 200)
    assert warnings(world, newcomer) == [NEAR]
    assert is_here(world, newcomer)
    await sleep(world, 8)
    assert warnings(world, newcomer) == [NEAR, LAST]
    assert is_here(world, newcomer)
    await sleep(world, 1.1)
    assert not is_here(world, newcomer)


@pytest.mark.parametrize("emoji", [None, DECLINE])
async def test_answer_given_while_the_bot_was_away_is_found_before_the_removal(
    world: World, newcomer: MemberActor, emoji: str | None
) -> None:
    await sleep(world, 23.1, 6.1)
    await world.stop()
    await newcomer.user.set_reaction(world.request_of(newcomer), emoji or "✅", reacted=True)
    world.env.backend.advance_clock(1.1 * DAY)
    await world.start()

    assert is_here(world, newcomer)
    assert world.has_role(newcomer) is (emoji is None)
    await sleep(world, 10, 10, 10)
    assert is_here(world, newcomer)


async def test_nobody_is_removed_when_the_message_cannot_be_read(
    world: World, newcomer: MemberActor
) -> None:
    await sleep(world, 23.1, 6.1)
    pattern = "/channels/*/messages/*"
    world.env.inject_error("GET", pattern, status=403, code=50001, times=None)
    await sleep(world, 1.1)
    assert is_here(world, newcomer)


async def test_nobody_is_removed_whose_direct_messages_are_closed(
    world: World, newcomer: MemberActor
) -> None:
    world.close_dms()
    await sleep(world, 23.1, 8, 8, 8, 8)
    assert is_here(world, newcomer)
    world.open_dms()
    await sleep(world, 1)
    assert is_here(world, newcomer)


async def test_staff_owner_and_whoever_holds_the_role_are_never_warned(world: World) -> None:
    allow_kicks(world)
    await world.publish()
    facilitator = await world.join("test-a")
    owner = await world.join("test-b")
    moderator = await world.join("test-c")
    keeper = await world.join("test-d")
    backend, guild = world.env.backend, world.guild
    office = world.roles[str(world.group.roles.facilitator)]
    backend.add_member_role(guild.id, facilitator.id, office.id)
    backend.add_member_role(guild.id, moderator.id, world.roles["moderator"].id)
    manager = guild.create_role("manager", permissions=discord.Permissions(manage_guild=True))
    backend.add_member_role(guild.id, keeper.id, manager.id)
    backend.get_guild(guild.id).owner_id = owner.id
    await world.env.settle()

    await sleep(world, 23.1, 7, 2, 8, 7, 2)

    for member in (facilitator, owner, moderator, keeper):
        assert warnings(world, member) == []
        assert is_here(world, member)


async def test_somebody_who_got_an_office_after_the_warnings_stays(
    world: World, newcomer: MemberActor
) -> None:
    await sleep(world, 23.1, 6.1)
    moderator = world.roles["moderator"]
    world.env.backend.add_member_role(world.guild.id, newcomer.id, moderator.id)
    await sleep(world, 1.1, 1, 1)
    assert is_here(world, newcomer)


async def test_members_from_before_are_never_removed(world: World) -> None:
    allow_kicks(world)
    (member,) = await hold_from_before(world, 1)
    await world.publish()
    await world.invite()
    await sleep(world, 10, 13.1, 6.1, 1.1)
    assert is_here(world, member)


class TestOff:
    """`remove_unsigned_after_days: null`, as it is by default."""

    @pytest.fixture
    def groups(self) -> list[Group]:
        return [make_group(signing=Signing(remind_after_days=()))]

    async def test_nobody_is_warned_or_removed(self, world: World, newcomer: MemberActor) -> None:
        await sleep(world, 23.1, 6.1, 1.1, 400)
        assert warnings(world, newcomer) == []
        assert is_here(world, newcomer)


async def test_wrong_clock_warns_and_removes_nobody(
    world: World, newcomer: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.effects.clock.Clock.is_wrong", property(lambda _clock: True))
    await sleep(world, 23.1, 6.1, 1.1)
    assert warnings(world, newcomer) == []
    assert is_here(world, newcomer)


async def test_missing_permission_is_told_and_the_removal_waits(
    world: World, newcomer: MemberActor
) -> None:
    allow_kicks(world, allowed=False)
    await world.env.settle()
    assert "Kick Members" in world.notices()[-1]
    await sleep(world, 23.1, 6.1, 1.1)
    assert is_here(world, newcomer)
    assert len([notice for notice in world.notices() if "Kick Members" in notice]) == 1

    allow_kicks(world)
    await world.env.settle()
    assert not is_here(world, newcomer)


@pytest.mark.parametrize("sent", [True, False])
async def test_crash_around_the_kick_is_finished_and_recorded_once(
    world: World, newcomer: MemberActor, *, sent: bool
) -> None:
    await sleep(world, 23.1, 6.1)
    await world.stop()
    world.env.backend.advance_clock(1.1 * DAY)
    world.client = world.client.__class__(world.groups, world.client.database, world.client.keys)
    world.break_request("DELETE", KICK_ROUTE, ConnectionResetError(), sent=sent)
    await world.env.restart_bot(world.client)
    await world.env.settle()
    await world.restart(asleep=600)

    assert not is_here(world, newcomer)
    assert await kicked(world) == 1


async def test_many_at_once_are_left_until_a_facilitator_agrees(world: World) -> None:
    allow_kicks(world)
    await world.publish()
    people = [await world.join(f"test-silent-{number}") for number in range(6)]
    await sleep(world, 23.1, 6.1, 1.1)
    assert all(is_here(world, member) for member in people)
    assert "6 people have not answered" in world.notices()[-1]

    await world.react(people[0])
    refused = await world.press_notice(world.moderator, "Remove them")
    assert "only open to some people" in refused
    await world.press_notice(world.facilitator, "Remove them")
    assert [is_here(world, member) for member in people] == [True] + [False] * 5


async def test_nobody_is_removed_who_accepts_what_could_not_be_counted(world: World) -> None:
    """Their ✅ stands under the message, though nobody knows whether it came before their no."""
    allow_kicks(world)
    await world.publish()
    member = await world.join()
    await world.react(member)
    changed = make_agreement(purpose="Everybody reads this anew.")
    world.groups[0] = make_group(agreement=changed, signing=world.group.signing)
    await world.restart()
    await world.publish("material")
    world.env.backend.advance_clock(60)
    shown = await member.slash(world.channel("welcome"), "agreement withdraw")
    assert shown.response is not None
    await member.click(shown.response, label="Yes, withdraw")
    await world.stop()
    await member.user.set_reaction(world.request_of(member), "✅", reacted=True)
    await world.start()
    assert not world.has_role(member)

    await sleep(world, 23.1, 6.1, 1.1)
    assert is_here(world, member)


@pytest.mark.parametrize("office", ["moderator", "facilitator"])
async def test_nobody_is_removed_while_an_office_cannot_be_told_by_its_role(
    world: World, newcomer: MemberActor, office: str
) -> None:
    """Renamed, the role is not found by its name, and whoever holds it looks like anybody."""
    await sleep(world, 23.1, 6.1)
    backend, role = world.env.backend, world.roles[str(getattr(world.group.roles, office))]
    backend.add_member_role(world.guild.id, newcomer.id, role.id)
    backend.edit_role(world.guild.id, role.id, {"name": "renamed"})
    await sleep(world, 1.1, 1)
    assert is_here(world, newcomer)
