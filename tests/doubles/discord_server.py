"""A simulated Discord behind real sockets: a bot in another process talks to it as to Discord.

The world is simcord's; here are only the two doors to it, REST and the gateway. It lives in the
process of the test, so it survives the death of the bot.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import unquote

import discord
import yarl
from aiohttp import BodyPartReader, web
from discord.gateway import DiscordWebSocket
from discord.http import Route
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.errors import BackendError
from simcord.http import RouteNotImplemented, UnsupportedField, dispatch
from typing_extensions import override

from tests.doubles.discord_gateway import Session

API = "/api/v10"
NONCE_WINDOW = timedelta(minutes=5)
"""Discord says "the past few minutes"; nothing here may rely on more."""


class WallClock(Clock):
    """Simcord's clock, going as the bot's own does; `advance` still moves it ahead."""

    @override
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the bot, as it came in; `index` counts them from 0."""

    index: int
    method: str
    path: str
    body: Any = None


class Lost(StrEnum):
    """How a connection can break over a request; in both cases the bot gets no answer."""

    BEFORE = "before it was carried out"
    AFTER = "after it was carried out"


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer other than the world's own; the request is not carried out."""

    status: int
    code: int = 0
    message: str = "refused"
    headers: Mapping[str, str] = field(default_factory=dict)


Nonces = dict[tuple[str, str], tuple[int, datetime]]
"""Message and time, by channel and nonce."""

Interference = Callable[[Call], Lost | Refused | None]


@dataclass
class Upload:
    """A file as simcord's routes want it."""

    filename: str
    fp: io.BytesIO
    description: str | None = None


class DiscordServer:
    """Serves one `Backend` on a port of this machine until it is closed.

    `interfere` is asked about every request first. `witnesses` see every request that is about
    to be answered: it was carried out or refused. `surprises` are requests that the simulator
    does not know: a test that ends with any has proved nothing.
    """

    def __init__(
        self, *, token: str | None = None, approved_intents: discord.Intents | None = None
    ) -> None:
        self.backend = Backend(clock=WallClock())
        self.token = token
        self.approved_intents = approved_intents
        self.calls: list[Call] = []
        self.in_hand = 0
        self.sessions: list[Session] = []
        self.identified = 0
        self.deduplicated = 0
        self.surprises: list[str] = []
        self.witnesses: list[Callable[[Call], None]] = []
        self.interfere: Interference = lambda _call: None
        self.port = 0
        self.nonces: Nonces = {}
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sequence(self) -> int:
        """The number of the last event that the bot was sent; 0 while it is offline."""
        return self.sessions[-1].sequence if self.sessions else 0

    def reset(self, backend: Backend, nonces: Nonces) -> None:
        """Serve another world from now on; nobody may be connected."""
        assert not self.sessions, "the bot is still connected"
        self.backend, self.nonces = backend, dict(nonces)
        self.calls.clear()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/", self._gateway)
        app.router.add_route("*", API + "/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for session in list(self.sessions):
            await session.close(1001)
        if self._runner is not None:
            await self._runner.cleanup()

    # --- REST -----------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0].removeprefix(API)
        body, files = await self._read(request)
        call = Call(index=len(self.calls), method=request.method, path=path, body=body)
        self.calls.append(call)
        self.in_hand += 1
        try:
            fault = self.interfere(call)
            if fault is Lost.BEFORE:
                return self._hang_up(request)
            if isinstance(fault, Refused):
                answer = {"code": fault.code, "message": fault.message}
                response = _answer(answer, status=fault.status, headers=fault.headers)
            else:
                response = self._carry_out(request, call, files)
            response.headers["Date"] = format_datetime(self.backend.clock.now(), usegmt=True)
            for witness in self.witnesses:
                witness(call)
            return self._hang_up(request) if fault is Lost.AFTER else response
        finally:
            self.in_hand -= 1

    def _carry_out(self, request: web.Request, call: Call, files: list[Upload]) -> web.Response:
        if call.path in ("/gateway", "/gateway/bot"):
            return _answer(self._way_in())
        is_open = call.path.startswith(("/interactions/", "/webhooks/"))
        if self.token and not is_open and request.headers.get("Authorization") != self._bearer:
            return _answer({"code": 0, "message": "401: Unauthorized"}, status=401)
        repeated = self._find_repeated(call)
        if repeated is not None:
            return _answer(repeated)
        reason = request.headers.get("X-Audit-Log-Reason")
        try:
            answer: Any = dispatch(
                self.backend,
                call.method,
                call.path,
                json=call.body,
                params=dict(request.query),
                files=files,
                reason=unquote(reason) if reason else None,
            )
        except (RouteNotImplemented, UnsupportedField) as gap:
            self.surprises.append(str(gap))
            return _answer(gap.to_json(), status=gap.status)
        except BackendError as error:
            return _answer(error.to_json(), status=error.status)
        self._remember_nonce(call, answer)
        return web.Response(status=204) if answer is None else _answer(answer)

    @property
    def _bearer(self) -> str:
        return f"Bot {self.token}"

    def _way_in(self) -> dict[str, Any]:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        return {"url": f"ws://127.0.0.1:{self.port}/", "shards": 1, "session_start_limit": limit}

    @staticmethod
    async def _read(request: web.Request) -> tuple[Any, list[Upload]]:
        if not request.content_type.startswith("multipart/"):
            text = await request.text()
            return (json.loads(text) if text else None), []
        body, files = None, list[Upload]()
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            data = bytes(await part.read(decode=True))
            if part.name == "payload_json":
                body = json.loads(data)
            else:
                files.append(Upload(part.filename or "file", io.BytesIO(data)))
        return body, files

    @staticmethod
    def _hang_up(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)

    # --- nonces: a second message with the same one is not made -----------------------------

    def _nonce_of(self, call: Call) -> tuple[str, str] | None:
        is_message = call.method == "POST" and call.path.endswith("/messages")
        if is_message and isinstance(call.body, dict) and call.body.get("enforce_nonce"):
            return call.path, str(call.body["nonce"])
        return None

    def _find_repeated(self, call: Call) -> Mapping[str, Any] | None:
        nonce = self._nonce_of(call)
        message_id, sent_at = self.nonces.get(nonce, (0, None)) if nonce else (0, None)
        if nonce is None or sent_at is None or self.backend.clock.now() - sent_at > NONCE_WINDOW:
            return None
        message = self.backend.messages[int(call.path.split("/")[2])].get(message_id)
        if message is None:
            return None
        self.deduplicated += 1
        return dict(serializers.message_payload(self.backend, message))

    def _remember_nonce(self, call: Call, answer: Any) -> None:
        nonce = self._nonce_of(call)
        if nonce is not None:
            self.nonces[nonce] = (int(answer["id"]), self.backend.clock.now())

    # --- the gateway ------------------------------------------------------------------------

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=0)
        await socket.prepare(request)
        session = Session(self.backend, socket, self.address, self.token, self.approved_intents)
        self.sessions.append(session)
        try:
            await session.run()
        finally:
            self.identified += session.identified
            self.sessions.remove(session)
        return socket


def use_instead_of_discord(address: str) -> None:
    """Make discord.py in this process talk to the server at `address`, until the process ends."""
    Route.BASE = f"{address}{API}"
    gateway = yarl.URL(address).with_scheme("ws").with_path("/")
    DiscordWebSocket.DEFAULT_GATEWAY = gateway


def _answer(
    content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """JSON as Discord marks it; discord.py does not know it with a charset behind."""
    content_type = {"Content-Type": "application/json"}
    return web.Response(
        body=json.dumps(content).encode(),
        status=status,
        headers={**content_type, **(headers or {})},
    )
