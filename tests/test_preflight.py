"""`pledge check` as an operator runs it: the whole program against a simulated Discord."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import discord
import pytest
import pytest_asyncio
from simcord.backend.models import Channel, Overwrite, Role
from simcord.enums import OverwriteType

from bot.demo.world import open_world
from bot.domain.errors import NoDatabaseError, StorageError
from bot.domain.inspection import Finding, Gravity, Matter, needs_mending, sort_findings
from bot.services import members, records, signing
from bot.services.members import Present
from bot.storage.database import Database
from bot.texts import finding, verdict
from tests.doubles.discord_server import DiscordServer
from tests.doubles.extra_routes import Extras, add_extra_routes
from tests.factories import KEY, KEYS, publish, register

TOKEN = "hunter2.hunter2.hunter2"
VIEW = discord.Permissions(view_channel=True).value
PROGRAM = """
import sys
from tests.doubles.discord_server import use_instead_of_discord
use_instead_of_discord(sys.argv.pop(1))
from bot.__main__ import main
main()
"""


class Result(NamedTuple):
    """How the command ended, and what it wrote where."""

    code: int
    out: str
    err: str


@dataclass
class Town:
    """A server of which everything is in order, and a folder with the settings for it."""

    discord: DiscordServer
    folder: Path
    roles: dict[str, Role] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)

    def build(self) -> None:
        backend = self.discord.backend
        self.guild = backend.create_guild("Test Server")
        (bot_role,) = (role for role in self.guild.roles.values() if role.managed)
        for name in ("member", "moderator", "facilitator"):
            self.roles[name] = backend.create_role(self.guild.id, name)
        hidden = Overwrite(target_id=self.guild.id, type=OverwriteType.ROLE, deny=VIEW)
        own = Overwrite(target_id=bot_role.id, type=OverwriteType.ROLE, allow=VIEW)
        opened = Overwrite(target_id=self.roles["member"].id, type=OverwriteType.ROLE, allow=VIEW)
        for name, overwrites in {
            "support": [hidden, own, opened],
            "moderators": [hidden, own],
            "welcome": [],
        }.items():
            self.channels[name] = backend.create_channel(self.guild.id, name, overwrites=overwrites)
        starter = Path(__file__).parent.parent / "config" / "agreements"
        (self.folder / "pledge.yaml").write_text(
            f"database: sqlite:///{self.folder}/pledge.db\n"
            "groups:\n"
            "  harbour-light:\n"
            "    name: Harbour Light\n"
            f"    guild: {self.guild.id}\n"
            f"    agreement: {starter}/default.en.yaml\n"
            "    roles: {member: member, moderator: moderator, facilitator: facilitator}\n"
            "    channels: {support: support, moderators: moderators, welcome: welcome}\n",
            encoding="utf-8",
        )

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/pledge.db"

    async def sign(self, *member_ids: int) -> None:
        """Publish the agreement, and let these people sign it."""
        database, now = await Database.open(self.url, KEYS), discord.utils.utcnow()
        await publish(database)
        for member_id in member_ids:
            person = Present(member_id=member_id, has_role=False, joined_at=now)
            await members.welcome(database, "harbour-light", [person], now, live=True)
            offer = await signing.offer(database, "harbour-light", member_id, now)
            await signing.accept_by_button(
                database, "harbour-light", member_id, offer.version.id, now
            )
        await database.close()

    def join(self, name: str, *roles: Role) -> int:
        backend = self.discord.backend
        user = backend.make_user(name)
        backend.add_member(self.guild.id, user.id, roles=[role.id for role in roles])
        return user.id

    async def check(self, *options: str) -> Result:
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PLEDGE_", "DISCORD_"))
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, self.discord.address, "check", *options),
            cwd=Path(__file__).parent.parent,
            env={
                **environ,
                "DISCORD_TOKEN": TOKEN,
                "PLEDGE_KEY": KEY,
                "PLEDGE_CONFIG": str(self.folder / "pledge.yaml"),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = (stream.decode() for stream in await process.communicate())
        assert "Traceback" not in out + err
        assert self.discord.surprises == []
        assert process.returncode is not None
        return Result(process.returncode, out, err)


@pytest.fixture
def extras(monkeypatch: pytest.MonkeyPatch) -> Extras:
    return add_extra_routes(monkeypatch)


@pytest_asyncio.fixture
async def town(tmp_path: Path, extras: Extras) -> AsyncIterator[Town]:
    async with DiscordServer(token=TOKEN) as server:
        town = Town(discord=server, folder=tmp_path)
        town.build()
        yield town


# The command ------------------------------------------------------------------------------------


async def test_check_ends_with_0_when_the_gate_is_closed(town: Town) -> None:
    signed = town.join("test-member", town.roles["member"])
    await town.sign(town.guild.owner_id, signed)

    result = await town.check()

    assert (result.code, result.err) == (0, "")
    assert "harbour-light: The gate is closed, as far as can be seen from here." in result.out
    for word in ("OPEN", "BROKEN"):
        assert word not in result.out
    assert town.discord.identified == 0, "the check must not go online"


async def test_check_ends_with_1_and_says_who_and_why_when_the_gate_is_open(town: Town) -> None:
    await town.sign(town.guild.owner_id)
    staff = town.discord.backend.create_role(
        town.guild.id,
        "[red]staff\x1b[2J",
        permissions=discord.Permissions(administrator=True).value,
    )
    for number in range(3):
        town.join(f"test-staff-{number}", staff)

    result = await town.check()

    assert (result.code, result.err) == (1, "")
    assert "harbour-light: The gate is open" in result.out
    assert "OPEN 3 people can read the support channel without having signed, because" in result.out
    assert "“[red]staff[2J”" in result.out
    assert "    → Ask them to sign with `/agreement sign`, or take Administrator" in result.out
    assert "test-staff" not in result.out
    lines = [line.split()[0] for line in result.out.splitlines() if line.startswith("  ")]
    assert lines.index("OPEN") < lines.index("NOTE")


async def test_check_goes_through_every_page_of_the_members(town: Town) -> None:
    people = [town.join(f"test-{n}", town.roles["member"]) for n in range(2_005)]
    await town.sign(town.guild.owner_id, people[0], people[1_500])

    result = await town.check()

    assert "OPEN 2003 people can read the support channel with the member role" in result.out
    pages = [call for call in town.discord.calls if call.path.endswith("/members")]
    assert len(pages) == 3


async def test_check_before_the_start_makes_nothing_and_calls_nothing_open(town: Town) -> None:
    town.join("test-member", town.roles["member"])

    result = await town.check()

    assert (result.code, result.err) == (0, "")
    assert "There is no database yet, so everybody counts as unsigned." in result.out
    assert "COULD OPEN 1 person can read the support channel with the member role" in result.out
    assert sorted(path.name for path in town.folder.iterdir()) == ["pledge.yaml"]


async def test_check_changes_nothing_in_the_record(town: Town) -> None:
    await town.sign(town.guild.owner_id)
    before = (town.folder / "pledge.db").read_bytes()
    await town.check()
    assert (town.folder / "pledge.db").read_bytes() == before


async def test_check_accuses_nobody_when_the_record_cannot_be_read(town: Town) -> None:
    (town.folder / "pledge.db").write_bytes(b"something else" * 1000)
    town.join("test-member", town.roles["member"])

    result = await town.check()

    assert (result.code, result.err) == (1, "")
    assert "BROKEN The record cannot be read" in result.out
    assert "OPEN" not in result.out


async def test_check_finds_the_intent_and_the_bot_missing(town: Town, extras: Extras) -> None:
    extras.flags = 0
    town.discord.backend.remove_guild(town.guild.id)

    result = await town.check()

    assert result.code == 1
    assert "BROKEN The Server Members Intent is off" in result.out
    assert "BROKEN Pledge is not on the server" in result.out


async def test_check_names_groups_that_are_not_configured_any_more(town: Town) -> None:
    database = await Database.open(town.url, KEYS)
    await register(database, "quiet-cove")
    await database.close()
    result = await town.check()
    assert "NOTE The record knows groups that the settings do not name any more: “quiet-" in (
        result.out
    )


async def test_check_finds_what_two_groups_share(town: Town) -> None:
    file = town.folder / "pledge.yaml"
    head, first = file.read_text(encoding="utf-8").split("  harbour-light:\n")
    ids = {name: str(role.id) for name, role in town.roles.items()}
    second = first.replace("member: member", f"member: {ids['member']}").replace(
        "support: support", f"support: {town.channels['support'].id}"
    )
    file.write_text(f"{head}  harbour-light:\n{first}  quiet-cove:\n{second}", encoding="utf-8")

    result = await town.check()

    assert result.code == 1
    for other in ("quiet-cove", "harbour-light"):
        assert f"`roles.member`: The member role is also something else: {other}: " in result.out
        assert f"The support channel is also something else: {other}: channels." in result.out


async def test_check_ends_with_75_when_discord_does_not_answer(town: Town) -> None:
    await town.sign(town.guild.owner_id)
    town.discord.backend.faults.append(
        {
            **{"method": "GET", "path": "/guilds/*/members", "status": 503, "code": 0},
            **{"message": "away", "times": None},
        }
    )
    result = await town.check()
    assert result.code == 75
    assert "gate" not in result.out
    assert "Discord cannot be reached" in result.err


async def test_check_refuses_a_token_that_discord_does_not_know(town: Town) -> None:
    town.discord.token = "another"
    result = await town.check()
    assert result.code == 1
    assert "Discord does not know this token" in result.err


async def test_offline_check_asks_nobody(town: Town) -> None:
    result = await town.check("--offline")
    assert (result.code, result.err) == (0, "")
    assert town.discord.calls == []


# Its parts ---------------------------------------------------------------------------------------


def samples() -> list[Finding]:
    return [
        Finding(gravity=gravity, matter=matter, names=("a{b}", "c"), count=2, detail="d", place="e")
        for gravity, matter in zip(list(Gravity) * len(Matter), Matter, strict=False)
    ]


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.matter)
def test_every_matter_has_words_and_what_mends_it(sample: Finding) -> None:
    wrong, fix = finding(sample)
    assert wrong.startswith("`e`: ")
    assert wrong.rstrip("d").rstrip(": ")
    assert fix.endswith(".")
    assert fix[0].isupper()
    assert "{" not in (wrong + fix).replace("a{b}", "")


def test_findings_stand_by_gravity_and_only_two_kinds_need_mending() -> None:
    findings = [Finding(gravity=gravity, matter=Matter.THREADS) for gravity in reversed(Gravity)]
    assert [found.gravity for found in sort_findings(findings)] == list(Gravity)
    needing = [found.gravity for found in findings if needs_mending([found])]
    assert needing == [Gravity.BROKEN, Gravity.OPEN]
    assert len({verdict([found]) for found in findings}) == 4
    assert verdict([]) == verdict([Finding(gravity=Gravity.NOTE, matter=Matter.THREADS)])


async def test_demo_answers_the_check_too() -> None:
    async with open_world() as world:
        world.faults.take()
        asked = await world.facilitator.slash(world.welcome, "pledge check")
        assert asked.ephemeral
        answer = "\n".join(m.content for m in [asked.response, *asked.followups] if m)
        assert "**Harbour Light** · The gate is closed" in answer
        assert "**BROKEN**" not in answer
        assert world.faults.take() == []


async def test_looking_makes_no_tables_and_refuses_those_of_another_version(
    database_url: str,
) -> None:
    database = await Database.open(database_url, KEYS)
    await (await Database.open(database_url, KEYS, migrate=False)).close()
    async with database.write() as tx:
        await tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StorageError, match="another version of Pledge"):
        await Database.open(database_url, KEYS, migrate=False)
    async with database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM alembic_version")
    with pytest.raises(NoDatabaseError):
        await Database.open(database_url, KEYS, migrate=False)
    await database.close()


@pytest.mark.parametrize("there", [False, True])
async def test_looking_makes_no_file(tmp_path: Path, *, there: bool) -> None:
    path = tmp_path / "data" / "pledge.db"
    if there:
        path.parent.mkdir()
        path.touch()
    with pytest.raises(NoDatabaseError):
        await Database.open(f"sqlite:///{path}", KEYS, migrate=False)
    assert path.exists() is there
    assert not there or path.stat().st_size == 0


async def test_only_valid_signatures_count(database: Database) -> None:
    now = discord.utils.utcnow()
    assert await records.list_valid_members(database, "harbour-light", [1, 2], now) == set()
    await publish(database)
    for member_id in (1, 2, 3):
        person = Present(member_id=member_id, has_role=False, joined_at=now)
        await members.welcome(database, "harbour-light", [person], now, live=True)
        if member_id != 3:
            offer = await signing.offer(database, "harbour-light", member_id, now)
            await signing.accept_by_button(
                database, "harbour-light", member_id, offer.version.id, now
            )
    await signing.withdraw(database, "harbour-light", 2, now)

    valid = await records.list_valid_members(database, "harbour-light", [1, 2, 3, 4], now)

    assert valid == {1}
