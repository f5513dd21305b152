"""A backup is put back, and the bot brings it up to the present from what Discord shows."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from simcord.actors import MemberActor

from bot.client import Pledge
from bot.domain.agreements import RevokeReason, Standing
from bot.services import backup, ledger, records, restore
from bot.services.records import MemberRecord
from bot.storage.database import Database
from tests.cogs.conftest import World
from tests.factories import KEYS
from tests.services.privacy.planting import everything
from tests.storage.rows import nobody

Opener = Callable[[str], Awaitable[Database]]
DAY = 86_400


class Past:
    """A record as it was, ready to be put back under the same bot."""

    def __init__(self, world: World, url: str, folder: Path, open_database: Opener) -> None:
        self.world, self.url, self.open = world, url, open_database
        self.file, self.other = folder / "early.backup", f"sqlite:///{folder}/restored.db"

    async def save(self) -> None:
        await backup.save(self.url, KEYS, self.file, self.world.client.now(), nobody)
        self.world.env.backend.advance_clock(3600)

    async def put_back(self, *, answers: bool = True) -> Database:
        """Stop, `pledge restore`, start; into a new file, as the old one is still held.

        Without `answers` Discord does not show the first message that is looked at.
        """
        world = self.world
        await world.stop()
        world.env.backend.advance_clock(DAY)
        now = world.client.now()
        await restore.restore(self.other, KEYS, self.file, now, overwrite=False, progress=nobody)
        restored = await self.open(self.other)
        world.client = Pledge(world.groups, restored, KEYS)
        if not answers:
            # One for a last look of the process that ends, one for the first look of the new one.
            world.env.inject_error("GET", "/channels/*/messages/*", status=503, code=0, times=2)
        await world.start()
        return restored

    async def record_of(self, member: MemberActor) -> MemberRecord:
        world = self.world
        return await records.check_member(
            world.database, world.group.key, member.id, world.client.now()
        )


@pytest.fixture
def past(world: World, sqlite_url: str, tmp_path: Path, open_database: Opener) -> Past:
    return Past(world, sqlite_url, tmp_path, open_database)


async def test_acceptance_after_the_backup_is_found_again(world: World, past: Past) -> None:
    await world.publish()
    member = await world.join()
    await past.save()
    await world.react(member)
    (signature,) = (await past.record_of(member)).signatures

    await past.put_back()

    record = await past.record_of(member)
    assert record.standing is Standing.SIGNED
    assert world.has_role(member)
    (found,) = record.signatures
    assert found.signed_after is not None
    assert found.signed_after <= signature.signed_at <= found.signed_at


async def test_withdrawal_after_the_backup_is_found_again(world: World, past: Past) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await past.save()
    await world.react(member, reacted=False)
    assert not world.has_role(member)

    await past.put_back()

    assert not world.has_role(member)
    (signature,) = (await past.record_of(member)).signatures
    assert signature.revoke_reason is RevokeReason.WITHDRAWN


async def test_nothing_is_decided_while_discord_does_not_show_what_was_answered_since(
    world: World, past: Past
) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await past.save()
    await world.react(member, reacted=False)

    await past.put_back(answers=False)
    (doubtful,) = (await past.record_of(member)).signatures
    assert not world.has_role(member)
    await world.env.advance_time(600)

    assert doubtful.revoked_at is None
    (signature,) = (await past.record_of(member)).signatures
    assert signature.revoke_reason is RevokeReason.WITHDRAWN
    assert not world.has_role(member)


async def test_withdrawal_by_command_after_the_backup_lets_nobody_in(
    world: World, past: Past
) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await past.save()
    shown = await member.slash(world.channel("welcome"), "agreement withdraw")
    assert shown.response is not None
    await member.click(shown.response, label="Yes, withdraw")
    await world.env.settle()
    assert not world.has_role(member)

    await past.put_back()

    assert not world.has_role(member)
    (signature,) = (await past.record_of(member)).signatures
    assert signature.revoke_reason is RevokeReason.UNCONFIRMED
    assert (await past.record_of(member)).standing is Standing.WAITING


async def test_person_who_joined_after_the_backup_is_not_asked_twice(
    world: World, past: Past
) -> None:
    await world.publish()
    await past.save()
    member = await world.join()
    await world.react(member)
    before = [message.content for message in world.dms(member)]

    await past.put_back()
    assert world.has_role(member)
    assert [message.content for message in world.dms(member)][: len(before)] == before
    assert sum("Your promise" in message.content for message in world.dms(member)) == 1

    await world.restart(asleep=60)
    record = await past.record_of(member)
    assert record.standing is Standing.SIGNED
    assert record.signatures[0].signed_after is not None


async def test_signature_by_button_after_the_backup_keeps_the_role(
    world: World, past: Past
) -> None:
    await world.publish()
    world.close_dms()
    member = await world.join()
    world.open_dms()
    await past.save()
    shown = await member.slash(world.channel("welcome"), "agreement sign")
    await member.click([shown.response, *shown.followups][-1], label="I accept")
    await world.env.settle()
    assert world.has_role(member)

    await past.put_back()

    assert world.has_role(member)
    (notice,) = [notice for notice in world.notices() if "A backup from" in notice]
    assert "1 person" in notice


async def test_ledger_of_a_restored_record_holds(world: World, past: Past) -> None:
    await world.publish()
    await world.react(await world.join())
    await past.save()
    restored = await past.put_back()

    assert (await ledger.verify(restored)).wrong == 0


async def erase(world: World, member: MemberActor) -> None:
    shown = await member.slash(world.channel("welcome"), "privacy erase")
    await world.env.settle()
    pages = [one for one in [shown.response, *shown.followups] if one is not None]
    await member.click(pages[-1], label="Erase it for good")
    await world.env.settle()


async def test_person_erased_after_the_backup_is_back_in_it_but_not_let_in(
    world: World, past: Past
) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await past.save()
    await erase(world, member)
    assert not world.has_role(member)

    await past.put_back()

    assert not world.has_role(member), "a ✅ that still stands there is no new acceptance"
    (signature,) = (await past.record_of(member)).signatures
    assert signature.revoke_reason is RevokeReason.UNCONFIRMED
    await erase(world, member)
    assert str(member.id) not in await everything(world.database)
    assert (await ledger.verify(world.database)).findings == ()


async def test_backup_from_after_the_erasing_knows_nothing_of_them(
    world: World, past: Past
) -> None:
    await world.publish()
    member = await world.join()
    await world.react(member)
    await erase(world, member)
    await past.save()
    restored = await past.put_back()
    assert str(member.id) not in await everything(restored)
    assert not world.has_role(member)
