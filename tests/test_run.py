"""`pledge run` stops cleanly when it is told to."""

import asyncio
import os
import signal

import pytest
from typing_extensions import override

from bot.__main__ import _stay_online
from bot.client import Pledge
from bot.storage.database import Database
from tests.cogs.conftest import make_group
from tests.factories import KEYS


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


@pytest.mark.parametrize("times", [1, 3])
async def test_process_ends_its_work_and_returns_when_it_gets_sigterm(
    sqlite_url: str, times: int
) -> None:
    database = await Database.open(sqlite_url, KEYS)
    client = Offline([make_group()], database, KEYS)
    client.ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for _ in range(times - 1):
        loop.call_later(0, os.kill, os.getpid(), signal.SIGTERM)

    async with asyncio.timeout(20):
        await _stay_online(client, "no token")

    assert client.online
    assert client.is_closed()
    client.effects.wake()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "pledge-effects"] == []
    await database.close()
