"""The gateway of the simulated Discord: one session, from HELLO until either side hangs up."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import discord
from aiohttp import WSMsgType, web
from simcord import intents as simcord_intents
from simcord.backend import Backend, serializers
from simcord.gateway import FakeGateway

DISPATCH, INVALID_SESSION, HELLO, ACK = 0, 9, 10, 11
HEARTBEAT_MS = 41_250
BAD_TOKEN, DISALLOWED_INTENTS = 4004, 4014


class _Parsers:
    """Takes the place of discord.py's parsers: what simcord would feed them goes out as a frame."""

    def __init__(self, send: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._send = send

    def __getitem__(self, event: str) -> Callable[[Mapping[str, Any]], None]:
        return lambda payload: self._send(event, payload)


class Session:
    """One connection of the bot. A RESUME is always refused, so every one begins afresh."""

    def __init__(
        self,
        backend: Backend,
        socket: web.WebSocketResponse,
        address: str,
        token: str | None,
        approved: discord.Intents | None,
    ) -> None:
        self._backend = backend
        self._socket = socket
        self._address = address
        self._token = token
        self._approved = approved
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self._feed: Callable[[str, Mapping[str, Any]], None] | None = None
        self.sequence = 0
        self.identified = 0

    async def run(self) -> None:
        writer = asyncio.create_task(self._write())
        self._put({"op": HELLO, "d": {"heartbeat_interval": HEARTBEAT_MS}})
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(json.loads(message.data))
        finally:
            if self._feed is not None:
                self._backend.subscribers.remove(self._feed)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    async def close(self, code: int) -> None:
        await self._socket.close(code=code)

    async def _write(self) -> None:
        while True:
            frame = await self._frames.get()
            with contextlib.suppress(ConnectionError):  # the bot died; reading ends by itself
                await self._socket.send_str(frame)

    def _put(self, frame: Mapping[str, Any]) -> None:
        self._frames.put_nowait(json.dumps(frame))

    def _send(self, event: str, payload: Mapping[str, Any]) -> None:
        self.sequence += 1
        self._put({"op": DISPATCH, "t": event, "s": self.sequence, "d": payload})

    async def _take(self, frame: Mapping[str, Any]) -> None:
        match frame["op"]:
            case 1:  # HEARTBEAT
                self._put({"op": ACK, "d": None})
            case 2:  # IDENTIFY
                await self._identify(frame["d"])
            case 6:  # RESUME
                self._put({"op": INVALID_SESSION, "d": False})
            case _:  # presence, voice, member chunks: nothing that Pledge sends
                pass

    async def _identify(self, data: Mapping[str, Any]) -> None:
        intents = discord.Intents._from_value(data["intents"])
        if self._token is not None and data["token"] != self._token:
            return await self.close(BAD_TOKEN)
        if self._approved is not None and simcord_intents.missing_privileged_intents(
            intents, self._approved
        ):
            return await self.close(DISALLOWED_INTENTS)
        self.identified += 1
        state = SimpleNamespace(intents=intents, parsers=_Parsers(self._send))
        self._feed = FakeGateway(self._backend, state).feed
        self._feed("READY", self._ready())
        for guild in list(self._backend.guilds.values()):
            self._feed("GUILD_CREATE", serializers.guild_create_payload(self._backend, guild))
        self._backend.subscribers.append(self._feed)
        return None

    def _ready(self) -> dict[str, Any]:
        return {
            "v": 10,
            "user": dict(serializers.user_payload(self._backend.bot_user)),
            "guilds": [{"id": str(one), "unavailable": True} for one in self._backend.guilds],
            "session_id": f"session-{id(self)}",
            "resume_gateway_url": self._address.replace("http", "ws", 1),
            "shard": [0, 1],
            "application": {"id": str(self._backend.application_id), "flags": 0},
        }
