"""`pledge backup` and `pledge restore`, as they are typed: words, exit codes, files."""

import asyncio
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import text
from typing_extensions import override

from bot import backups
from bot.__main__ import main
from bot.storage.database import Database
from tests.factories import KEY, KEYS, NEWCOMER, publish
from tests.services.test_restore import sign
from tests.test_cli import EXAMPLE, OTHER_KEY, VARIABLES

ROOT = Path(__file__).parent.parent


class Result(NamedTuple):
    """How a command ended, and what it wrote where."""

    code: int
    out: str
    err: str


Pledge = Callable[..., Result]


@pytest.fixture
def pledge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Pledge]:
    """Types a command in an empty folder, with the database there and the key."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.setenv("PLEDGE_CONFIG", str(EXAMPLE))
    monkeypatch.setenv("PLEDGE_DATABASE", "sqlite:///pledge.db")

    def type_in(*arguments: str, key: str = KEY) -> Result:
        monkeypatch.setenv("PLEDGE_KEY", key)
        monkeypatch.setattr(sys, "argv", ["pledge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        assert key not in captured.out + captured.err
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, captured.out, captured.err)

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield type_in
    root.handlers[:] = handlers
    root.setLevel(level)


def change(*statements: str, signers: int = 0, anew: bool = False) -> None:
    """Make the record, or do something to it."""

    async def work() -> None:
        database = await Database.open("sqlite:///pledge.db", KEYS)
        if anew:
            await publish(database)
        for number in range(signers):
            await sign(database, NEWCOMER + number)
        async with database.write() as tx:
            for statement in statements:
                await tx.execute(text(statement))
        await database.close()

    asyncio.run(work())


@pytest.fixture
def record(pledge: Pledge) -> Pledge:
    """There is a record in which two people have signed."""
    change(signers=2, anew=True)
    return pledge


def test_backup_says_what_is_in_it_and_that_the_key_is_not(record: Pledge) -> None:
    result = record("backup", "a.backup")
    assert (result.code, result.err) == (0, "")
    assert re.match(r"Saved a\.backup \(\d+\.\d kB, encrypted\)\. In it:\n", result.out)
    assert "groups 1, versions of agreements 1, signatures 2 (2 of them not ended)" in result.out
    assert re.search(r"  made 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", result.out)
    assert re.search(r"  head of the ledger \d+:[0-9a-f]{64}\n", result.out)
    assert "ledger and record agree" in result.out
    assert "keep the key and the backups in different places" in result.out
    assert Path("a.backup").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in Path().iterdir() if "backup" in path.name] == ["a.backup"]


def test_head_that_backup_names_is_one_that_verify_takes(record: Pledge) -> None:
    found = re.search(r"head of the ledger (\S+)", record("backup", "a.backup").out)
    assert found is not None
    assert record("ledger", "verify", "--head", found[1]).code == 0


def test_second_backup_needs_another_name(record: Pledge) -> None:
    assert record("backup", "a.backup").code == 0
    before = Path("a.backup").read_bytes()
    result = record("backup", "a.backup")
    assert (result.code, result.out) == (1, "")
    assert "a.backup is there already; nothing was written." in result.err
    assert "a name of its own" in result.err
    assert Path("a.backup").read_bytes() == before


def test_backup_refuses_when_there_is_nothing_to_save(pledge: Pledge) -> None:
    result = pledge("backup", "a.backup")
    assert (result.code, result.out) == (1, "")
    assert result.err == "There is no database yet; `pledge run` makes it.\n"
    assert list(Path().iterdir()) == []


def test_backup_ends_with_1_when_the_record_is_not_what_it_was(record: Pledge) -> None:
    change("UPDATE signatures SET receipt_number = 'AAAA-BBBB-CCCC' WHERE id = 1")
    result = record("backup", "a.backup")
    assert (result.code, result.err) == (1, "")
    assert "the record is not what it was" in result.out
    assert "Signature AAAA-BBBB-CCCC says something else" in result.out
    assert Path("a.backup").exists()


def test_restore_says_what_it_put_back_and_what_comes_next(record: Pledge) -> None:
    record("backup", "a.backup")
    for path in Path().glob("pledge.db*"):
        path.unlink()
    result = record("restore", "a.backup")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Put back a.backup. In it:\n")
    assert "signatures 2 (2 of them not ended)" in result.out
    assert re.search(r"knows nothing of what happened after 20\d\d-\d\d-\d\d", result.out)
    assert "Now start Pledge: it compares the record with Discord" in result.out
    assert "Whoever used `/privacy erase` after that is in the record again" in result.out
    assert "no backup is older than" not in result.out
    assert record("ledger", "verify").code == 0


def test_restore_says_when_the_backup_should_have_been_deleted(
    record: Pledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        @override
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=31)

    record("backup", "a.backup")
    monkeypatch.setattr(backups, "datetime", Later)
    result = record("restore", "a.backup", "--yes")
    assert result.code == 0
    assert "Your members were told that no backup is older than 30 days" in result.out


def test_restore_asks_for_leave_and_says_what_would_be_lost(record: Pledge) -> None:
    record("backup", "a.backup")
    change("UPDATE effects SET due_at = due_at", signers=3)
    result = record("restore", "a.backup")
    assert (result.code, result.out) == (1, "")
    message = result.err.splitlines()
    assert message[:2] == ["Nothing was changed.", "There is a record already:"]
    assert "signatures 3 (3 of them not ended)" in message[2]
    place = message.index("What would take its place:")
    assert "signatures 2 (2 of them not ended)" in message[place + 1]
    assert "newer than the backup and would be lost: 1. To keep them" in message[-2]
    assert message[-1].endswith("with --yes.")

    assert record("restore", "a.backup", "--yes").code == 0
    result = record("restore", "a.backup")
    assert "signatures 2 (2 of them not ended)" in result.err.splitlines()[2]


def test_restore_with_another_key_changes_nothing(record: Pledge) -> None:
    record("backup", "a.backup")
    before = Path("pledge.db").read_bytes()
    result = record("restore", "a.backup", "--yes", key=OTHER_KEY)
    assert (result.code, result.out) == (1, "")
    (message,) = result.err.splitlines()
    assert "a.backup: PLEDGE_KEY does not open this file" in message
    assert Path("pledge.db").read_bytes() == before


def test_restore_of_a_file_that_is_cut_short_changes_nothing(record: Pledge) -> None:
    record("backup", "a.backup")
    raw = Path("a.backup").read_bytes()
    Path("b.backup").write_bytes(raw[: len(raw) // 2])
    result = record("restore", "b.backup", "--yes")
    assert (result.code, result.out) == (1, "")
    (message,) = result.err.splitlines()
    assert message.endswith("this file is damaged or cut short. Nothing was changed.")


def test_restore_keeps_a_file_that_it_cannot_read(record: Pledge) -> None:
    record("backup", "a.backup")
    Path("pledge.db").write_bytes(b"garbage" * 1_000)
    refused = record("restore", "a.backup")
    assert (refused.code, refused.out) == (1, "")
    assert "a file that this Pledge cannot read with this key" in refused.err
    result = record("restore", "a.backup", "--yes")
    assert result.code == 0
    (aside,) = Path().glob("pledge.db-unreadable-*.db")
    assert aside.name in result.out
    assert aside.read_bytes() == b"garbage" * 1_000


def test_restore_waits_for_nobody_when_pledge_runs(record: Pledge) -> None:
    record("backup", "a.backup")
    # In a process of its own: a lock is held against other processes only.
    holder = (
        "import asyncio, sys\n"
        "from bot.keys import Keyring\n"
        "from bot.storage.database import Database\n"
        "async def main():\n"
        "    database = await Database.open(sys.argv[1], Keyring(sys.argv[2]))\n"
        "    await database.hold_alone()\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
    )
    url = f"sqlite:///{Path('pledge.db').absolute()}"
    with subprocess.Popen(
        [sys.executable, "-c", holder, url, KEY],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "held\n"
        refused = record("restore", "a.backup", "--yes")
        saved = record("backup", "b.backup")
        running.communicate("")
    assert refused.code != 0
    assert refused.err.startswith("Another Pledge is running with this database.")
    assert saved.code == 0


@pytest.mark.parametrize("arguments", [["backup"], ["restore"], ["backup", "a", "b"]])
def test_wrong_usage_ends_with_2(pledge: Pledge, arguments: list[str]) -> None:
    result = pledge(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage: " in result.err
