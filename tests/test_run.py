"""`pledge run` stops cleanly when it is told to, and its exit code says what to do next."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import aiohttp
import discord
import pytest
import yaml
from typing_extensions import override

import bot.__main__ as program
from bot.__main__ import _stay_online
from bot.client import Pledge
from bot.domain.errors import (
    ConfigurationError,
    InUseError,
    RecordUnavailableError,
    RecordUncertainError,
    StorageError,
)
from bot.effects.identify import SessionsUsedUpError
from bot.effects.watchdog import StuckError
from bot.process import BLOCKED_SECONDS, LONGEST_END_SECONDS, LastResort
from bot.settings import Settings
from bot.storage.alone import lock_path
from bot.storage.database import Database
from tests.cogs.conftest import make_group
from tests.factories import KEYS

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
DEPLOY = Path(__file__).parents[1] / "deploy"


class Offline(Pledge):
    """Comes online without Discord, and stays until it is closed."""

    online = False
    ended: asyncio.Event

    @override
    async def start(self, token: str, *, reconnect: bool = True) -> None:
        await self.effects.start()
        self.online = True
        os.kill(os.getpid(), signal.SIGTERM)
        await self.ended.wait()

    @override
    async def close(self) -> None:
        await super().close()
        self.ended.set()


@pytest.fixture
def last_resort() -> Iterator[LastResort]:
    """Armed by an end, and disarmed with the test: else it would end the whole test run."""
    last_resort = LastResort()
    yield last_resort
    last_resort.disarm()


@pytest.mark.parametrize("times", [1, 3])
async def test_process_ends_its_work_and_returns_when_it_gets_sigterm(
    sqlite_url: str, last_resort: LastResort, times: int
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    client = Offline([make_group()], database, KEYS)
    client.ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for _ in range(times - 1):
        loop.call_later(0, os.kill, os.getpid(), signal.SIGTERM)

    async with asyncio.timeout(20):
        await _stay_online(client, "no token", last_resort)

    assert client.online
    assert client.is_closed()
    client.effects.wake()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "pledge-effects"] == []
    await database.close()


class GivingUp(Offline):
    """Notices after a while that a request is stuck, while something in hand does not end."""

    @override
    async def start(self, token: str, *, reconnect: bool = True) -> None:
        await self.effects.start()
        self.give_up(StuckError("stuck"))
        self.give_up(StuckError("a second reason changes nothing"))
        await self.ended.wait()


async def test_process_that_gives_up_closes_and_says_why(
    sqlite_url: str, last_resort: LastResort
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    client = GivingUp([make_group()], database, KEYS)
    client.ended = asyncio.Event()

    with pytest.raises(StuckError, match=r"^stuck$"):
        async with asyncio.timeout(20):
            await _stay_online(client, "no token", last_resort)

    assert client.is_closed()
    client.on_close()
    await database.close()


async def test_process_ends_when_another_takes_over_its_database(
    sqlite_url: str, last_resort: LastResort
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    await database.hold_alone()
    path = lock_path(Path(sqlite_url.removeprefix("sqlite:///")))

    class TakenOver(Offline):
        @override
        async def start(self, token: str, *, reconnect: bool = True) -> None:
            path.unlink()
            await second.hold_alone()
            with pytest.raises(InUseError):
                async with database.write():
                    pass
            await self.ended.wait()

    second = await Database.open(sqlite_url, KEYS)
    client = TakenOver([make_group()], database, KEYS)
    client.ended = asyncio.Event()
    with pytest.raises(InUseError):
        async with asyncio.timeout(20):
            await _stay_online(client, "no token", last_resort)
    await second.close()
    await database.close()


def closed_with(code: int) -> discord.ConnectionClosed:
    socket = mock.create_autospec(aiohttp.ClientWebSocketResponse, instance=True)
    return discord.ConnectionClosed(socket, shard_id=None, code=code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *[(closed_with(code), 1) for code in (4004, 4010, 4011, 4012, 4013, 4014)],
        (closed_with(1006), 75),
        (closed_with(4000), 75),
        (discord.LoginFailure("bad token"), 1),
        (discord.PrivilegedIntentsRequired(None), 1),
        (aiohttp.ClientConnectionError("no network"), 75),
        (OSError("no network"), 75),
        (discord.GatewayNotFound(), 75),
        (InUseError(), 75),
        (RecordUnavailableError("no room"), 75),
        (RecordUncertainError("no answer"), 75),
        (SessionsUsedUpError("few left"), 75),
        (StuckError("stuck"), 75),
        (StorageError("wrong key"), 1),
        (ConfigurationError("no such role"), 1),
        (KeyError("a fault of our own, or of a library"), 70),
        (None, 0),
    ],
    ids=lambda value: getattr(value, "code", "") or type(value).__name__,
)
def test_exit_code_tells_a_supervisor_whether_to_try_again(
    error: Exception | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(*_args: object) -> None:
        if error is not None:
            raise error

    settings = Settings(database_url="sqlite:////nowhere/pledge.db", groups=())
    monkeypatch.setattr(program, "_serve", serve)
    monkeypatch.setattr(program, "_load", lambda: settings)
    monkeypatch.setattr(program.log, "configure", lambda: None)
    monkeypatch.setattr(sys, "argv", ["pledge", "run"])
    monkeypatch.setenv("DISCORD_TOKEN", "a.b.c")
    monkeypatch.setenv("PLEDGE_KEY", KEY)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == code


def test_unit_file_acts_on_the_exit_codes() -> None:
    unit = (DEPLOY / "pledge.service").read_text(encoding="utf-8")
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    assert settings["Restart"] == "on-failure"
    assert settings["RestartPreventExitStatus"] == "1 2"
    assert settings["RestartMaxDelaySec"] == "120"
    assert settings["StartLimitIntervalSec"] == "0", "a limit of systemd's gives up for ever"
    assert settings["Type"] == "notify"
    assert int(settings["TimeoutStopSec"]) > LONGEST_END_SECONDS
    assert int(settings["WatchdogSec"]) > 2 * BLOCKED_SECONDS


def test_container_has_the_least_rights() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["pledge"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert "ports" not in service and "privileged" not in service
    assert all(one.endswith(":ro") for one in service["volumes"] if not one.startswith("record:"))
    assert service["ulimits"] == {"core": 0}
    assert int(service["stop_grace_period"].removesuffix("s")) > LONGEST_END_SECONDS
    assert not {"DISCORD_TOKEN", "PLEDGE_KEY"} & set(service["environment"])

    lines = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    users = [line.removeprefix("USER ") for line in lines if line.startswith("USER ")]
    assert users == [service["user"]]
    installs = [line for line in lines if "pip install" in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line or "--no-deps --no-build-isolation" in line
