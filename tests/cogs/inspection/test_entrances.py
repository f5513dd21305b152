"""`/pledge check`: who may ask, and every way into the support channel."""

import discord
from simcord.backend.models import Overwrite
from simcord.enums import ChannelType, OverwriteType

from tests.cogs.conftest import World, make_group
from tests.cogs.inspection.looking import (
    CLOSED,
    OPEN,
    VIEW,
    change_role,
    check,
    give,
    let_in,
    member_role,
    said,
)
from tests.doubles.extra_routes import Extras
from tests.factories import register

# Who may ask -----------------------------------------------------------------------------------


async def test_facilitators_and_server_managers_may_look(sound: World) -> None:
    manages = sound.guild.create_role("office", permissions=discord.Permissions(manage_guild=True))
    manager = sound.guild.add_member(sound.env.create_user("test-manager"), roles=[manages])

    assert CLOSED in await check(sound)
    assert CLOSED in await check(sound, manager)


async def test_everybody_else_is_refused_and_nothing_is_looked_at(sound: World) -> None:
    newcomer = await sound.join()
    for person in (newcomer, sound.moderator):
        asked = len(sound.env.http_requests)
        assert "only open to some people" in await check(sound, person)
        assert [r for r in sound.env.http_requests[asked:] if r.method == "GET"] == []


async def test_right_counts_at_the_moment_of_use(sound: World) -> None:
    role = sound.roles[str(sound.group.roles.facilitator)]
    sound.env.backend.remove_member_role(sound.guild.id, sound.facilitator.id, role.id)
    assert "only open to some people" in await check(sound)


async def test_facilitator_is_told_of_their_own_group_only(world: World) -> None:
    await register(world.database, "quiet-cove")
    world.client.groups["quiet-cove"] = make_group("quiet-cove")
    lobby = world.guild.create_text_channel("lobby")
    office = world.guild.create_role("office", permissions=discord.Permissions(manage_guild=True))
    manager = world.guild.add_member(world.env.create_user("test-manager"), roles=[office])
    await world.env.settle()

    own = said(await world.facilitator.slash(lobby, "pledge check"))
    both = said(await manager.slash(lobby, "pledge check"))

    assert ("Harbour Light" in own, "uiet" in own) == (True, False)
    assert ("Harbour Light" in both, "Quiet Cove" in both) == (True, True)
    assert "There is no role “quiet-cove-member”" in both


async def test_discord_is_answered_before_anything_is_looked_at(sound: World) -> None:
    asked = len(sound.env.http_requests)
    await check(sound)
    paths = [(r.method, r.path) for r in sound.env.http_requests[asked:]]
    assert paths[0][0] == "POST"
    assert paths[0][1].endswith("/callback")


# A closed gate ---------------------------------------------------------------------------------


async def test_gate_is_closed_when_only_people_who_signed_can_read(sound: World) -> None:
    member = await sound.join()
    await sound.react(member)
    assert sound.has_role(member)

    answer = await check(sound)

    assert CLOSED in answer
    for word in ("**OPEN**", "**BROKEN**", "**COULD OPEN**"):
        assert word not in answer
    assert "The owner of the server and every Administrator can always read" in answer


async def test_category_that_is_not_synced_is_no_finding(sound: World) -> None:
    before = await check(sound)
    category = sound.guild.create_category("talk")
    sound.env.backend.edit_channel(sound.channel("support").id, {"parent_id": category.id})
    assert await check(sound) == before


# The ways in -----------------------------------------------------------------------------------


async def test_unsigned_owner_is_named(world: World) -> None:
    await world.publish()
    answer = await check(world)
    assert OPEN in answer
    assert "**OPEN** The owner of the server can read the support channel" in answer


async def test_unsigned_administrators_are_counted_by_role(sound: World) -> None:
    boss = sound.guild.create_role("boss", permissions=discord.Permissions(administrator=True))
    for number in range(2):
        sound.guild.add_member(sound.env.create_user(f"test-boss-{number}"), roles=[boss])

    answer = await check(sound)

    assert "2 people can read the support channel without having signed, because they are" in answer
    assert "by these roles: “boss”." in answer
    assert "every Administrator (by these roles: “boss”)" in answer
    assert "test-boss" not in answer


async def test_everyone_is_open_whether_or_not_somebody_uses_it(sound: World) -> None:
    let_in(sound, sound.guild.default_role)
    await sound.join()

    answer = await check(sound)

    assert OPEN in answer
    assert "Everybody on the server can read the support channel; 3 people there" in answer
    assert "switch off View Channel for @everyone" in answer


async def test_everyone_with_administrator_is_open(sound: World) -> None:
    administrator = discord.Permissions(administrator=True).value
    change_role(sound, sound.guild.default_role, permissions=administrator)
    assert "Everybody on the server can read the support channel" in await check(sound)


async def test_role_that_opens_is_told_by_whether_an_unsigned_person_has_it(sound: World) -> None:
    let_in(sound, sound.roles["moderator"])
    answer = await check(sound)
    assert (
        "**OPEN** 1 person can read the support channel without having signed, by other" in answer
    )
    assert "roles: “moderator”." in answer

    await sound.react(sound.moderator)
    answer = await check(sound)
    assert CLOSED in answer
    assert "**COULD OPEN** Other roles than the member role open the support channel" in answer
    assert "“moderator”" in answer


async def test_role_can_open_by_its_own_permissions(sound: World) -> None:
    """No entry for @everyone in the channel, and a role that can view all channels."""
    sound.env.backend.delete_overwrite(sound.channel("support").id, sound.guild.id)
    blind = discord.Permissions(use_application_commands=True).value
    change_role(sound, sound.guild.default_role, permissions=blind)
    let_in(sound, sound.guild.default_role, "welcome")
    eyes = sound.guild.create_role("eyes", permissions=discord.Permissions(view_channel=True))
    sound.guild.add_member(sound.env.create_user("test-looker"), roles=[eyes])

    answer = await check(sound)

    assert "by other roles: “eyes”." in answer


async def test_denial_of_one_role_does_not_hide_what_another_allows(sound: World) -> None:
    let_in(sound, sound.roles["moderator"])
    muted = sound.guild.create_role("muted")
    hidden = Overwrite(target_id=muted.id, type=OverwriteType.ROLE, deny=VIEW)
    sound.env.backend.set_overwrite(sound.channel("support").id, hidden)
    give(sound, sound.moderator, muted)
    assert "by other roles: “moderator”." in await check(sound)


async def test_person_whom_the_channel_keeps_out_does_not_count(sound: World) -> None:
    let_in(sound, sound.roles["moderator"])
    hidden = Overwrite(target_id=sound.moderator.id, type=OverwriteType.MEMBER, deny=VIEW)
    sound.env.backend.set_overwrite(sound.channel("support").id, hidden)
    answer = await check(sound)
    assert CLOSED in answer
    assert "**COULD OPEN** Other roles" in answer


async def test_single_people_in_the_channels_settings_are_counted(sound: World) -> None:
    let_in(sound, sound.moderator)
    assert "1 person can read the support channel without having signed, because" in await check(
        sound
    )

    await sound.react(sound.moderator)
    answer = await check(sound)
    assert CLOSED in answer
    assert "let single accounts in by name (1)" in answer


async def test_people_who_left_would_still_be_let_in_by_name(sound: World) -> None:
    let_in(sound, sound.moderator)
    sound.guild.remove_member(sound.moderator)
    assert "**COULD OPEN** The support channel's settings let single accounts in" in await check(
        sound
    )


async def test_member_role_given_by_hand_is_found(sound: World) -> None:
    newcomer = await sound.join()
    give(sound, newcomer, member_role(sound))
    answer = await check(sound)
    assert "1 person can read the support channel with the member role" in answer
    assert "without having signed" in answer


async def test_invites_that_carry_a_role_that_opens_are_found(sound: World, extras: Extras) -> None:
    sound.env.backend.create_invite(sound.channel("welcome").id, sound.guild.owner.id)
    extras.invited = [sound.roles["moderator"].id]
    assert CLOSED in await check(sound)

    extras.invited.append(member_role(sound).id)
    answer = await check(sound)
    assert OPEN in answer
    assert "Invites that are valid now (1) hand out what opens the support channel" in answer
    assert "“harbour-light-member”" in answer


async def test_onboarding_that_gives_a_role_that_opens_is_found(
    sound: World, extras: Extras
) -> None:
    extras.ask(sound.roles["moderator"].id)
    assert CLOSED in await check(sound)

    let_in(sound, sound.roles["moderator"])
    await sound.react(sound.moderator)
    answer = await check(sound)
    assert OPEN in answer
    assert "The server's onboarding hands out what opens the support channel: “mod" in answer

    extras.ask(sound.roles["moderator"].id, enabled=False)
    assert CLOSED in await check(sound)


async def test_member_role_that_discord_gives_out_itself_is_found(
    sound: World, extras: Extras
) -> None:
    extras.role_tags[member_role(sound).id] = {"guild_connections": None}
    assert "gives out a role that opens the support channel" in await check(sound)


async def test_announcement_channel_could_open(sound: World) -> None:
    backend = sound.env.backend
    backend.get_channel(sound.channel("support").id).type = ChannelType.NEWS
    assert "**COULD OPEN** The support channel is an announcement channel" in await check(sound)


async def test_public_threads_are_told_of_and_let_nobody_in(sound: World) -> None:
    support = sound.channel("support").id
    sound.env.backend.create_thread(support, "a talk", sound.moderator.id)
    private = ChannelType.PRIVATE_THREAD
    sound.env.backend.create_thread(support, "between us", sound.moderator.id, type=private)

    answer = await check(sound)

    assert CLOSED in answer
    assert "public threads (1 not archived). Whoever can read the channel can read" in answer


async def test_other_bots_are_counted_and_are_not_unsigned_people(sound: World) -> None:
    other = sound.guild.add_member(sound.env.create_user("test-bot", bot=True))
    let_in(sound, other)
    answer = await check(sound)
    assert CLOSED in answer
    assert "Other bots can read the support channel (1)" in answer
    assert "single accounts" not in answer


# Before the start ------------------------------------------------------------------------------


async def test_nothing_is_open_only_because_nobody_can_sign_yet(world: World) -> None:
    let_in(world, world.env.bot.user)  # type: ignore[arg-type]
    give(world, world.moderator, member_role(world))

    answer = await check(world)

    assert "**OPEN**" not in answer
    assert "**COULD OPEN** The owner of the server can read" in answer
    assert "**COULD OPEN** 1 person can read the support channel with the member role" in answer
    assert "No agreement is published yet" in answer


async def test_channel_that_is_open_to_all_is_open_before_the_start_too(world: World) -> None:
    let_in(world, world.guild.default_role)
    assert OPEN in await check(world)
