"""`pledge keygen --rotate`, as it is typed: words, exit codes, and when a key can go."""

import asyncio
from pathlib import Path

import pytest

from bot.storage.case_tables import breach_reports
from bot.storage.database import Database
from tests.factories import KEY, KEYS
from tests.storage.sealed import (
    NEW_KEY,
    THIRD,
    Sealed,
    fill_sealed,
    read_sealed,
)
from tests.test_backup_cli import Pledge, pledge

__all__ = ["pledge"]
URL = "sqlite:///pledge.db"


@pytest.fixture
def filled(pledge: Pledge) -> Sealed:
    """A record in the folder in which commands are typed."""

    async def make() -> Sealed:
        database = await Database.open(URL, KEYS)
        filled = await fill_sealed(database)
        await database.close()
        return filled

    return asyncio.run(make())


def test_keys_are_changed_by_putting_a_new_one_in_front(pledge: Pledge, filled: Sealed) -> None:
    made = pledge("keygen").out.strip()
    result = pledge("keygen", "--rotate", key=f"{made}\n{KEY}\n")
    assert (result.code, result.err) == (0, "")
    assert f"{len(filled)} values" in result.out
    assert "take the older ones away" in result.out
    assert "Backups that were made before now need them still" in result.out
    for key in (made, KEY):
        assert key not in result.out
    result = pledge("ledger", "verify", key=KEY)
    assert (result.code, "PLEDGE_KEY does not open this file" in result.err) == (1, True)
    result = pledge("keygen", "--rotate", key=made)
    assert result.code == 0
    assert "encrypted with this one key already" in result.out


def test_no_key_may_go_while_a_value_opens_with_none(pledge: Pledge, filled: Sealed) -> None:
    lost = THIRD.fernet.encrypt(b"lost")

    async def lose() -> None:
        database = await Database.open(URL, KEYS)
        async with database.write() as tx:
            change = breach_reports.update().where(breach_reports.c.form.is_not(None))
            await tx.execute(change.values(form=lost))
        await database.close()

    asyncio.run(lose())
    result = pledge("keygen", "--rotate", key=f"{NEW_KEY} {KEY}")
    assert result.code == 1
    assert "No key that is given opens 1 values" in result.out
    assert "Keep every key" in result.out
    assert "take the older ones away" not in result.out


def test_pledge_that_runs_without_the_new_key_is_to_be_restarted(
    pledge: Pledge, filled: Sealed
) -> None:
    async def hold() -> Database:
        database = await Database.open(URL, KEYS)
        await database.hold_alone()
        return database

    with asyncio.Runner() as runner:
        running = runner.run(hold())
        result = pledge("keygen", "--rotate", key=f"{NEW_KEY} {KEY}")
        assert runner.run(read_sealed(running)) == filled
        runner.run(running.close())
    assert (result.code, result.out) == (1, "")
    (message,) = result.err.splitlines()
    assert message.startswith("Pledge is running without the key that stands first. Restart it")


def test_key_that_is_cut_short_among_others_is_refused_before_anything(
    pledge: Pledge, filled: Sealed
) -> None:
    before = Path("pledge.db").read_bytes()
    result = pledge("keygen", "--rotate", key=f"{NEW_KEY} {KEY[:-3]}")
    assert (result.code, result.out) == (1, "")
    assert "of the 2 keys it is number 2" in result.err
    assert Path("pledge.db").read_bytes() == before
