"""Somebody who was erased is looked for as a thief with the key would, then and a month later."""

import asyncio
import os
import re
import shlex
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from simcord.actors import MemberActor

from bot.client import Pledge
from bot.services import backup
from bot.settings import Group
from bot.storage import database as storage
from bot.storage.database import Database
from tests.cogs.conftest import World, agreement, env, groups, open_database, world
from tests.cogs.test_privacy import erase, files
from tests.factories import KEYS
from tests.leaks.search import files_below, found
from tests.storage.rows import nobody

__all__ = ["agreement", "env", "groups", "open_database", "world"]

NAME, NOTE = "test-celandine", "celandine-promised-aloud"
SERVICE = Path(__file__).parents[2] / "deploy" / "pledge-backup.service"
DAY = 86_400


@pytest_asyncio.fixture
async def client(
    groups: list[Group], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pledge]:
    """The real bot, on a file without encryption: what is found by searching is all there is."""

    def connect(uri: str, _key: str) -> sqlite3.Connection:
        return storage.sqlcipher.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False
        )

    monkeypatch.setattr(storage, "_connect", connect)
    (tmp_path / "live").mkdir()
    database = await Database.open(f"sqlite:///{tmp_path}/live/pledge.db", KEYS)
    yield Pledge(groups, database, KEYS)
    await database.close()


def delete_old(folder: Path) -> None:
    """What the shipped service does after every backup, in another folder."""
    (line,) = re.findall(r"^ExecStartPost=(.*)$", SERVICE.read_text("utf-8"), re.MULTILINE)
    place = "/var/lib/pledge-backups"
    command = [part.replace(place, str(folder)) for part in shlex.split(line)]
    assert command[1] == str(folder)
    subprocess.run(command, check=True)


class Nights:
    """A backup each night, as the shipped timer has them made."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.folder.mkdir()
        self.count = 0

    async def pass_by(self) -> None:
        """A day, and the backup at its end; the files age with it."""
        self.world.env.backend.advance_clock(DAY)
        for file in self.folder.iterdir():
            aged = file.stat().st_mtime - DAY
            os.utime(file, (aged, aged))
        self.count += 1
        place = self.folder / f"pledge-{self.count:02}.backup"
        address = f"sqlite:///{self.folder.parent}/live/pledge.db"
        await backup.save(address, KEYS, place, self.world.client.now(), nobody)
        await asyncio.to_thread(delete_old, self.folder)

    async def holding(self, words: set[str]) -> list[str]:
        kept = await asyncio.to_thread(files_below, self.folder)
        return sorted(name for name, raw in kept.items() if found(raw, words))


async def exported(world: World) -> bytes:
    result = await world.facilitator.slash(
        world.channel("moderators"), "signatures export", format="csv"
    )
    await world.env.settle()
    return b"".join((await files(result)).values())


async def test_erased_person_is_nowhere_and_a_month_later_in_no_backup_either(
    world: World, tmp_path: Path, written: Callable[[], str]
) -> None:
    await world.publish()
    person, neighbour = await world.join(NAME), await world.join("test-neighbour")
    await record(world, person)
    await world.react(neighbour)
    marks = {str(person.id), NAME, NOTE}
    live, nights = tmp_path / "live", Nights(world, tmp_path / "backups")
    for _ in range(2):
        await nights.pass_by()
    assert await nights.holding(marks) == ["pledge-01.backup", "pledge-02.backup"]
    assert found(b"".join(files_below(live).values()), marks) == [str(person.id)]
    assert found(await exported(world), marks)

    await erase(world, person)
    await nights.pass_by()
    await world.restart()

    assert found(b"".join(files_below(live).values()), marks) == []
    assert found(await exported(world), marks) == []
    assert found(await exported(world), [str(neighbour.id)])
    assert await nights.holding(marks) == ["pledge-01.backup", "pledge-02.backup"]
    # The night after this one would be too late for what was made just before.
    days = world.group.retention.backup_days
    for _ in range(days - 2):
        await nights.pass_by()
    assert await nights.holding(marks) == []
    assert len(await nights.holding({str(neighbour.id)})) == days - 1
    assert found(written(), marks) == []


async def record(world: World, person: MemberActor) -> None:
    """A facilitator records what somebody promised aloud, with a note about it."""
    shown = await world.facilitator.slash(
        world.channel("moderators"), "signatures record", member=person, note=NOTE
    )
    assert shown.response is not None
    await world.facilitator.click(shown.response, label="I attest this")
    await world.env.settle()
    assert world.has_role(person)
