"""Imported once by the process that every bot is forked from: what is done here costs no start.

One bot lives for a moment, so that everything is imported and at hand. Only memory may be left
behind: no thread, no open file, no loop.
"""

import asyncio
import gc
import tempfile
import threading
from pathlib import Path

from bot.client import Pledge
from bot.settings import Settings
from bot.storage.database import Database
from tests.crash.handle import until
from tests.crash.process import READY_TIMEOUT
from tests.crash.town import TOKEN, Town
from tests.doubles.compiled import share_compiled_statements
from tests.doubles.discord_server import DiscordServer, use_instead_of_discord
from tests.factories import KEYS


async def _live_once(folder: Path) -> None:
    async with DiscordServer() as server:
        town = Town.build(server, folder)
        use_instead_of_discord(server.address)
        settings = Settings.load(folder / "pledge.yaml", {})
        database = await Database.open(settings.database_url, KEYS)
        client = Pledge(settings.groups, database, KEYS)
        client._connection.guild_ready_timeout = READY_TIMEOUT
        await client.login(TOKEN)
        life = asyncio.create_task(client.connect())
        await client.wait_until_ready()
        town.join("nobody")
        await until("the end of the first look", lambda: _is_resting(client))
        await client.close()
        await life
        await database.close()


async def _is_resting(client: Pledge) -> bool:
    handlers = (task.get_name().startswith("discord.py: ") for task in asyncio.all_tasks())
    return client.effects._task is None and not any(handlers)


share_compiled_statements()
with tempfile.TemporaryDirectory() as place:
    asyncio.run(_live_once(Path(place)))
assert threading.active_count() == 1, threading.enumerate()
# What is here stays here: a child that tidied it up would first have to copy it.
gc.collect()
gc.freeze()
