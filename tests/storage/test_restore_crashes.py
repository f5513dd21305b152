"""A restore that is killed at any moment leaves the whole old record or the whole new one."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services import backup, restore
from bot.storage import backup_file as files
from bot.storage import versions
from bot.storage.database import Database
from tests.factories import KEY, KEYS, NOW, publish
from tests.storage.rows import files_in, nobody, read_all
from tests.storage.test_database import ROOT, WRITE_AND_DIE

# In a process of its own each time: puts the file in the place of the database, and dies before or
# after the step-th call of something written in C, which is all that can touch a file.
DIE_AT = """
import json, os, shutil, signal, sys
from pathlib import Path

from bot.keys import Keyring
from bot.storage import backup_file
from bot.storage.database import connect_file

KEYS = Keyring(sys.argv[2])
folder = Path(sys.argv[1])


def put_back(work, die_at):
    steps = 0

    def watch(_frame, event, _argument):
        nonlocal steps
        if event in ("c_call", "c_return"):
            steps += 1
            if steps == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)
    backup_file.replace_database(work / "new.db", work / "pledge.db", KEYS, "aside.db")
    sys.setprofile(None)
    return steps


def look(work):
    connection = connect_file(work / "pledge.db", KEYS, "rw")
    marks = sorted(row[0] for row in connection.execute("SELECT name FROM marks"))
    whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    versions = connection.execute("SELECT count(*) FROM agreement_versions").fetchone()[0]
    connection.close()
    return [marks, whole, versions]


def in_child(call, *arguments):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(call(*arguments)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else None, os.waitstatus_to_exitcode(status)


def after(die_at):
    work = folder / "work"
    shutil.copytree(folder / "old", work)
    shutil.copy(folder / "a.backup", work / "new.db")
    steps, code = in_child(put_back, work, die_at)
    seen, _ = in_child(look, work)
    shutil.rmtree(work)
    return dict(steps=steps, code=code, seen=seen)


whole = after(0)
print(json.dumps([whole, *(after(step) for step in range(1, whole["steps"] + 1))]))
"""


@pytest.fixture
async def file(sqlite_url: str, tmp_path: Path) -> Path:
    """A backup of a record in which a text was published."""
    database = await Database.open(sqlite_url, KEYS)
    await publish(database)
    async with database.write() as tx:
        await versions.put_mark(tx, "new", "there")
    await database.close()
    await backup.save(sqlite_url, KEYS, tmp_path / "a.backup", NOW, nobody)
    return tmp_path / "a.backup"


@pytest.fixture
def folder(file: Path) -> Path:
    """Beside the backup an older record, whose last commit is in the WAL of a killed program."""
    old = file.parent / "old"
    old.mkdir()
    url = f"sqlite:///{old}/pledge.db"
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, url], cwd=ROOT, check=False)
    (old / "pledge.db-shm").unlink()
    assert (old / "pledge.db-wal").stat().st_size > 4_096
    return file.parent


def test_old_or_new_record_is_there_whole_wherever_a_restore_is_killed(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DIE_AT, str(folder), KEY],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    (unharmed, *kills) = json.loads(ran.stdout)
    assert len(kills) > 100
    assert {kill["code"] for kill in kills} == {-9}
    old = [["acknowledged"], True, 0]
    new = [["backup taken at", "draft told in harbour-light", "new"], True, 1]
    assert unharmed["seen"] == new
    states = [kill["seen"] for kill in kills]
    assert [state for state in states if state not in (old, new)] == []
    # First the old one, from some step on the new one, and never back.
    turn = states.index(new)
    assert states == [old] * turn + [new] * (len(states) - turn)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_second_restore_gets_there_when_the_first_was_interrupted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    url, file = f"sqlite:///{folder}/old/pledge.db", folder / "a.backup"
    real = files.put_in_place

    def break_off(new: Path, path: Path) -> None:
        if moment == "after":
            real(new, path)
        raise InterruptedError

    async def put_back() -> None:
        await restore.restore(
            url, KEYS, file, NOW + timedelta(days=2), overwrite=True, progress=nobody
        )

    with monkeypatch.context() as patch:
        patch.setattr(files, "put_in_place", break_off)
        with pytest.raises(InterruptedError):
            await put_back()
    await put_back()
    database = await Database.open(url, KEYS, migrate=False)
    assert len((await read_all(database))["agreement_versions"]) == 1
    await database.close()
    assert files_in(folder / "old") == {"pledge.db", "pledge.db.lock"}
