"""`/pledge check`: how many would be removed, and what keeps Pledge from it."""

import re
from datetime import date

import discord
import pytest

from bot.settings import Group, Signing
from tests.cogs.conftest import World, make_group
from tests.cogs.holding import DAY
from tests.cogs.inspection.looking import check, take_from_bot


def settled(after_days: int | None) -> list[Group]:
    signing = Signing(remind_after_days=(), remove_unsigned_after_days=after_days)
    return [make_group(enforcement="report", signing=signing)]


def allow_kicks(world: World) -> None:
    """Give the bot's own role the permission Kick Members."""
    guild = world.env.backend.get_guild(world.guild.id)
    (role,) = (role for role in guild.roles.values() if role.managed)
    rights = discord.Permissions(role.permissions)
    rights.update(kick_members=True, administrator=False)
    world.env.backend.edit_role(guild.id, role.id, {"permissions": rights.value})


class TestOn:
    """With `remove_unsigned_after_days`."""

    @pytest.fixture
    def groups(self) -> list[Group]:
        return settled(30)

    async def test_people_on_the_way_are_counted_with_the_first_day(self, sound: World) -> None:
        allow_kicks(sound)
        member = await sound.join("test-silent")
        assert "stay silent" not in await check(sound)

        await sound.restart(asleep=23.1 * DAY)
        answer = await check(sound)
        # The two with an office count until somebody looks at their roles.
        assert "3 people if they stay silent" in answer
        found = re.search(r"the first on (\d{4}-\d\d-\d\d) \(UTC\)", answer)
        assert found is not None
        days = date.fromisoformat(found[1]) - sound.client.now().date()
        assert days.days in (6, 7)
        assert "test-silent" not in answer

        await sound.react(member)
        assert "2 people if they stay silent" in await check(sound)

    async def test_missing_permission_is_named_with_what_mends_it(self, sound: World) -> None:
        allow_kicks(sound)
        assert "lacks the permission Kick Members" not in await check(sound)
        take_from_bot(sound, "kick_members", "administrator")
        answer = await check(sound)
        assert "lacks the permission Kick Members" in answer
        assert "give Kick Members to Pledge's own role" in answer


class TestOff:
    """By default nobody is removed, and nothing is said of it."""

    @pytest.fixture
    def groups(self) -> list[Group]:
        return settled(None)

    async def test_nothing_is_said_or_needed(self, sound: World) -> None:
        take_from_bot(sound, "kick_members", "administrator")
        await sound.join("test-silent")
        await sound.restart(asleep=100 * DAY)
        answer = await check(sound)
        assert "stay silent" not in answer
        assert "Kick Members" not in answer
