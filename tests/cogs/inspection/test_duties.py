"""`/pledge check`: what keeps Pledge from its work, what is good to know, and how it is told."""

import discord
import pytest
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.settings.sections import Cases
from tests.cogs.conftest import World, make_group
from tests.cogs.inspection.looking import (
    CLOSED,
    VIEW,
    change_role,
    check,
    give,
    keep_from_bot,
    let_in,
    member_role,
    said,
    take_from_bot,
)
from tests.doubles.extra_routes import Extras

# What keeps Pledge from its work ---------------------------------------------------------------


async def test_role_above_the_bots_own_is_broken(sound: World) -> None:
    change_role(sound, member_role(sound), position=90)
    answer = await check(sound)
    assert "**BROKEN** `roles.member`: Pledge may not give or take the role" in answer
    assert "drag Pledge's role above it" in answer


async def test_role_that_is_managed_by_others_is_broken(sound: World) -> None:
    guild = sound.env.backend.get_guild(sound.guild.id)
    guild.roles[member_role(sound).id].managed = True
    assert "because Discord or another service manages it" in await check(sound)


async def test_roles_that_are_gone_or_named_twice_are_broken(sound: World) -> None:
    change_role(sound, sound.roles["moderator"], name="renamed")
    sound.guild.create_role(str(sound.group.roles.member))
    answer = await check(sound)
    assert "`roles.moderator`: There is no role “moderator” on this server." in answer
    assert "`roles.member`: Several roles on this server are called" in answer


async def test_missing_permissions_are_named_with_their_channel(sound: World) -> None:
    take_from_bot(sound, "manage_roles")
    for place in ("welcome", "moderators"):
        keep_from_bot(sound, place, "send_messages", "read_message_history")
    answer = await check(sound)
    assert "Pledge lacks the permission Manage Roles" in answer
    missing = "Pledge lacks Send Messages, Read Message History in this channel."
    assert f"`channels.welcome`: {missing}" in answer
    assert f"`channels.moderators`: {missing}" in answer


async def test_channels_that_are_gone_or_of_another_kind_are_broken(sound: World) -> None:
    sound.env.backend.delete_channel(sound.channel("support").id)
    sound.env.backend.delete_channel(sound.channel("welcome").id)
    sound.guild.create_voice_channel("harbour-light-welcome")
    (moderators,) = [c for n, c in sound.channels.items() if n.endswith("moderators")]
    result = await sound.facilitator.slash(moderators, "pledge check")
    answer = said(result)
    assert "`channels.support`: There is no channel “harbour-light-support”" in answer
    assert "`channels.welcome`: The channel “harbour-light-welcome” is not a text" in answer


async def test_member_role_that_opens_nothing_is_broken(sound: World) -> None:
    sound.env.backend.delete_overwrite(sound.channel("support").id, member_role(sound).id)
    assert "does not open the support channel: people who sign still cannot" in await check(sound)


async def test_members_that_cannot_be_listed_are_broken_not_absent(sound: World) -> None:
    let_in(sound, sound.guild.default_role)
    sound.env.inject_error("GET", "/guilds/*/members", status=403, code=50001)
    answer = await check(sound)
    assert "Pledge may not list the members" in answer
    assert "Everybody on the server can read the support channel." in answer


async def test_failed_look_says_so_and_does_not_say_closed(sound: World) -> None:
    sound.env.inject_error("GET", "/guilds/*/members", status=503, code=0)
    answer = await check(sound)
    assert "I cannot say whether the support channel is closed" in answer
    assert "The gate" not in answer


@pytest.mark.parametrize("wanted", [9_000_000_000_000_000, "nobody-of-this-name"])
async def test_escalation_to_nobody_is_broken(world: World, wanted: int | str) -> None:
    world.client.groups[world.group.key] = make_group(cases=Cases(escalation=wanted))
    assert "`cases.escalation`: The role or person named here is not" in await check(world)


@pytest.mark.parametrize("wanted", ["moderator", "by id"])
async def test_escalation_to_a_role_or_a_member_is_fine(world: World, wanted: str) -> None:
    value = world.moderator.id if wanted == "by id" else wanted
    world.client.groups[world.group.key] = make_group(cases=Cases(escalation=value))
    assert "cases.escalation" not in await check(world)


async def test_escalation_to_an_account_name_can_pass_to_somebody_else(world: World) -> None:
    cases = Cases(escalation="test-moderator")
    world.client.groups[world.group.key] = make_group(cases=cases)
    assert "they get the cases" in await check(world)


# What cannot be seen, and what is good to know ---------------------------------------------------


async def test_what_the_bot_may_not_look_at_is_said(sound: World, extras: Extras) -> None:
    take_from_bot(sound, "manage_guild", "view_audit_log", "administrator")
    extras.onboarding = None
    answer = await check(sound)
    assert "**NOTE** Pledge could not look at the invites" in answer
    assert "**NOTE** Pledge could not look at the onboarding" in answer
    assert "**NOTE** Pledge cannot see the audit log" in answer
    assert CLOSED in answer


async def test_servers_that_ask_for_two_factors_are_noted(sound: World, extras: Extras) -> None:
    extras.mfa_level = 1
    assert "two-factor authentication" in await check(sound)


async def test_who_sees_the_other_channels_is_noted(sound: World) -> None:
    let_in(sound, sound.guild.default_role, "moderators")
    hidden = Overwrite(target_id=sound.guild.id, type=OverwriteType.ROLE, deny=VIEW)
    sound.env.backend.set_overwrite(sound.channel("welcome").id, hidden)
    result = await sound.facilitator.slash(sound.channel("moderators"), "pledge check")
    answer = said(result)
    assert "The moderators' channel is open to all" in answer
    assert "Some people cannot see the welcome channel" in answer


async def test_names_of_roles_do_no_harm(sound: World) -> None:
    evil = sound.guild.create_role("**x** <@&1> `y` @everyone\u202e")
    let_in(sound, evil)
    answer = await check(sound)
    assert "\u202e" not in answer
    assert "“\\*\\*x\\*\\* \\<@&1> " in answer


async def test_long_answers_come_in_several_messages(sound: World, extras: Extras) -> None:
    administrator = discord.Permissions(administrator=True)
    for number in range(10):
        # With a place of their own, so that not every role moves for each new one.
        boss = sound.guild.create_role(
            f"{'_' * 90}{number}", permissions=administrator, position=60 + number
        )
        give(sound, sound.moderator, boss)
        let_in(sound, sound.guild.create_role(f"{'*' * 90}{number}", position=80 + number))
        await sound.env.settle()
    let_in(sound, sound.moderator)
    extras.ask(member_role(sound).id)
    result = await sound.facilitator.slash(sound.channel("welcome"), "pledge check")
    answer = said(result)
    assert len([result.response, *result.followups]) > 1
    assert "and 2 more" in answer
    assert answer.index("**OPEN**") < answer.index("**COULD OPEN**") < answer.index("**NOTE**")
