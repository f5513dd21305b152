"""A change of keys that is killed at any moment leaves a record that opens with the two keys."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.services import rotation
from bot.storage.database import Database
from tests.factories import KEYS
from tests.storage.rows import files_in, nobody
from tests.storage.sealed import BOTH, NEW, Sealed, fill_sealed, read_sealed
from tests.storage.test_database import ROOT

# In a process of its own each time: encrypts everything anew and dies before or after the step-th
# thing that can touch the disk. The first part counts in calls of functions written in C, as they
# happen while the file as a whole gets its new key, the second in transactions.
DIE_AT = """
import asyncio, json, os, shutil, signal, sys
from pathlib import Path

from bot.services import rotation
from bot.storage import file_key, resealing
from bot.storage.database import Database
from tests.storage.sealed import BOTH

folder = Path(sys.argv[1])
resealing.PAGE_ROWS = 1
steps = 0


def step(die_at):
    global steps
    steps += 1
    if steps == die_at:
        os.kill(os.getpid(), signal.SIGKILL)


def renew(work, die_at):
    sys.setprofile(lambda _f, event, _a: step(die_at) if event in ("c_call", "c_return") else None)
    file_key.renew(work / "pledge.db", BOTH)
    sys.setprofile(None)


def rotate(work, die_at):
    real = Database.write

    class Watched:
        def __init__(self, inner):
            self.inner = inner

        async def __aenter__(self):
            return await self.inner.__aenter__()

        async def __aexit__(self, *error):
            step(die_at)
            result = await self.inner.__aexit__(*error)
            step(die_at)
            return result

    Database.write = lambda database: Watched(real(database))
    asyncio.run(rotation.rotate(f"sqlite:///{work}/pledge.db", BOTH, lambda *_: None))


def in_child(call, *arguments):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        call(*arguments)
        os.write(writer, str(steps).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return int(said or 0), os.waitstatus_to_exitcode(status)


def after(call, die_at):
    work = folder / f"{call.__name__}-{die_at}"
    shutil.copytree(folder / "old", work)
    return in_child(call, work, die_at)


call, every = {"renew": renew, "rotate": rotate}[sys.argv[2]], int(sys.argv[3])
whole = after(call, 0)
print(json.dumps([whole, *(after(call, n) for n in range(1, whole[0] + 1, every))]))
"""


@pytest.fixture
async def filled(sqlite_url: str, tmp_path: Path) -> Sealed:
    """A record with the old key, alone in its folder."""
    database = await Database.open(sqlite_url, KEYS)
    filled = await fill_sealed(database)
    await database.close()
    await asyncio.to_thread(move, tmp_path / "pledge.db", tmp_path / "old")
    return filled


def move(file: Path, folder: Path) -> None:
    folder.mkdir()
    file.rename(folder / file.name)


def kill(folder: Path, call: str, every: int) -> list[Path]:
    """The folders that were left behind, each by a process killed some steps later."""
    ran = subprocess.run(
        [sys.executable, "-c", DIE_AT, str(folder), call, str(every)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    (unharmed, *kills) = json.loads(ran.stdout)
    assert unharmed[1] == 0
    assert len(kills) > 5
    assert {code for _, code in kills} == {-9}
    left = [folder for folder in folder.iterdir() if folder.name.startswith(f"{call}-")]
    assert len(left) == len(kills) + 1
    return left


async def require_whole(folder: Path, filled: Sealed) -> None:
    """With both keys everything is there; and the second attempt comes to an end."""
    url = f"sqlite:///{folder}/pledge.db"
    database = await Database.open(url, BOTH)
    assert await read_sealed(database) == filled, folder.name
    await database.close()
    done = await rotation.rotate(url, BOTH, nobody)
    assert done.is_whole, folder.name
    database = await Database.open(url, NEW)
    assert await read_sealed(database) == filled, folder.name
    await database.close()
    assert files_in(folder) == {"pledge.db", "pledge.db.lock"}, folder.name


@pytest.mark.parametrize(("call", "every"), [("renew", 101), ("rotate", 3)])
async def test_record_is_whole_wherever_a_change_of_keys_is_killed(
    filled: Sealed, tmp_path: Path, call: str, every: int
) -> None:
    left = await asyncio.to_thread(kill, tmp_path, call, every)
    for folder in left:
        await require_whole(folder, filled)
