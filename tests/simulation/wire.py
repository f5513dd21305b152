"""A Discord at the other end of the wire: discord.py's own HTTP client talks to it.

Where simcord replaces discord.py's HTTP client, this replaces only the connection below it. So
discord.py reads the answers, sleeps and tries again by itself, as it does against the real thing;
its sleeps take simulated time.
"""

import asyncio
import fnmatch
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace, TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import TraceConfig, TraceRequestEndParams
from discord.http import HTTPClient
from multidict import CIMultiDict
from simcord.backend import Backend
from simcord.backend.errors import BackendError
from simcord.http import router, routes
from typing_extensions import override
from yarl import URL

assert routes, "importing the routes registers them"

LATENCY = 0.05
"""Seconds that a request takes; nothing happens twice at the same instant."""

NONCE_WINDOW = timedelta(minutes=5)
_PREFIX = "/api/v10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Discord, or something before it, answers instead of the right thing.

    `error` breaks the connection. `sent` says whether Discord did what it was asked before the
    answer went wrong. `text` is the body when it is not JSON with the code.
    """

    status: int = 0
    code: int = 0
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    error: Callable[[], Exception] | None = None
    sent: bool = False


@dataclass(slots=True, kw_only=True)
class Fault:
    """Requests that match get this answer, so many times or until it is taken out."""

    method: str
    path: str
    answer: Answer
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request as it reached Discord, and the status of the answer; 0 for none."""

    at: datetime
    method: str
    path: str
    status: int


class Response:
    """As much of an aiohttp response as discord.py looks at."""

    def __init__(self, status: int, text: str, headers: dict[str, str]) -> None:
        self.status = status
        self.reason = "because"
        self.headers = headers
        self._text = text

    async def text(self, encoding: str = "utf-8") -> str:
        assert encoding == "utf-8"
        return self._text


class _Request(AbstractAsyncContextManager[Response]):
    def __init__(
        self, answer: Callable[[], Response], tell: Callable[[Response], Awaitable[None]]
    ) -> None:
        self._answer, self._tell = answer, tell

    @override
    async def __aenter__(self) -> Response:
        await asyncio.sleep(0)
        response = self._answer()
        await self._tell(response)
        return response

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class Wire:
    """Stands where discord.py has its aiohttp session."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.features: list[str] = []
        self.retry_after = 2.0
        self._trace: TraceConfig | None = None
        self._nonces: dict[tuple[str, str], tuple[datetime, Any]] = {}

    def plug_into(self, http: HTTPClient) -> None:
        """Make this what `http` sends its requests through."""
        opened: Any = http
        opened._HTTPClient__session = self
        opened._global_over = asyncio.Event()
        opened._global_over.set()
        opened.token = "a token"
        self._trace = http.http_trace
        if self._trace is not None:
            self._trace.freeze()

    def break_(self, method: str, path: str, answer: Answer, times: int | None = None) -> None:
        """Answer wrongly from now on."""
        self.faults.append(Fault(method=method, path=path, answer=answer, times=times))

    def count(self, *statuses: int) -> int:
        """How many requests were answered so."""
        return sum(1 for exchange in self.exchanges if exchange.status in statuses)

    def request(self, method: str, url: str, **options: Any) -> _Request:
        """Called by discord.py."""
        path = unquote(urlsplit(url).path).removeprefix(_PREFIX)

        async def tell(response: Response) -> None:
            if self._trace is not None:
                opened: Any = response
                end = TraceRequestEndParams(method, URL(url), CIMultiDict(), opened)
                await self._trace.on_request_end.send(opened, SimpleNamespace(), end)

        return _Request(lambda: self._answer(method, path, options), tell)

    async def close(self) -> None:
        """Called by discord.py."""

    def _answer(self, method: str, path: str, options: dict[str, Any]) -> Response:
        self.backend.advance_clock(LATENCY)
        fault = self._find_fault(method, path)
        if fault is None or fault.answer.sent:
            right = self._carry_out(method, path, options)
            if fault is None:
                self._note(method, path, right.status)
                return right
        answer = fault.answer
        self._note(method, path, answer.status)
        if answer.error is not None:
            raise answer.error()
        if answer.text is not None:
            return Response(answer.status, answer.text, answer.headers)
        body: dict[str, Any] = {"code": answer.code, "message": "made up"}
        headers = {"content-type": "application/json", **answer.headers}
        if answer.status == 429:
            body |= {"retry_after": self.retry_after, "global": False}
            headers["Via"] = "1.1 google"
        return Response(answer.status, json.dumps(body), headers)

    def _note(self, method: str, path: str, status: int) -> None:
        now = self.backend.clock.now()
        self.exchanges.append(Exchange(at=now, method=method, path=path, status=status))

    def _find_fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fnmatch.fnmatchcase(path, fault.path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    def _carry_out(self, method: str, path: str, options: dict[str, Any]) -> Response:
        body = json.loads(options["data"]) if options.get("data") else None
        nonce = body.get("nonce") if isinstance(body, dict) else None
        now = self.backend.clock.now()
        if nonce is not None:
            at, said = self._nonces.get((path, nonce), (None, None))
            if at is not None and now - at < NONCE_WINDOW:
                return _json(200, said)
        try:
            said = router.dispatch(
                self.backend, method, path, json=body, params=options.get("params")
            )
        except router.RouteNotImplemented:
            raise
        except BackendError as error:
            return _json(error.status, error.to_json())
        if nonce is not None:
            self._nonces[path, nonce] = (now, said)
        return Response(204, "", {}) if said is None else _json(200, said)


def _json(status: int, body: Any) -> Response:
    return Response(status, json.dumps(body), {"content-type": "application/json"})


class SimulatedSleep:
    """`asyncio` as `discord.http` sees it: sleeping moves the simulated clock instead."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        """Let simulated time go by."""
        self._backend.advance_clock(seconds)
        await asyncio.sleep(0)
