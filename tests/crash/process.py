"""What runs in the process that is killed: `pledge run` itself, with points to die at.

Only the outside is changed: where Discord is, how late it is, how long to wait for servers and
before another try, and two seams, `Database.write` and discord.py's way of sending a request.
Nor does it wait for the disk: a killed process loses nothing that it gave to the system, and
what a power failure loses is looked at elsewhere.
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, fields
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import discord.http
import discord.webhook.async_
from sqlalchemy.ext.asyncio import AsyncConnection

import bot.__main__ as program
from bot.client import Pledge
from bot.effects import worker
from bot.keys import Keyring
from bot.storage import database as storage
from bot.storage.database import Database
from tests.crash.points import Counts, Phase, Point, request_name
from tests.crash.record import HIGH_WATER
from tests.crash.sabotage import sabotage
from tests.doubles.discord_server import use_instead_of_discord

READY_TIMEOUT = 0.1
"""Seconds of silence after which the servers are all there; discord.py itself waits two."""

SHORTER_DELAY = 100
"""So many times sooner than in earnest the outbox tries again what failed."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What one process is told when it starts; `ahead` is how far its clock is put forward."""

    address: str
    log: Path
    environ: dict[str, str]
    ahead: timedelta = timedelta()
    die_at: Point | None = None
    report_commits: bool = False
    sabotage: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """How far the record had come at a commit that returned; rows are never taken away."""

    signatures: int
    revoked: int
    requests: int
    finished: int

    def covers(self, other: "Acknowledged") -> bool:
        return all(getattr(self, one.name) >= getattr(other, one.name) for one in fields(self))


class Fate:
    """Counts what happens and ends the process where it was told to."""

    def __init__(self, die_at: Point | None) -> None:
        self.begin(die_at)
        self.in_hand = 0
        self.done = 0

    def begin(self, die_at: Point | None) -> None:
        self.counts = Counts()
        self._die_at = die_at

    def reach(self, point: Point) -> None:
        if point == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def run(orders: Orders, pipe: Connection) -> None:
    """The life of one process; it ends by itself only when told to stop."""
    gc.disable()  # such a life is too short for it
    log = os.open(orders.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    os.environ.update(orders.environ)
    use_instead_of_discord(orders.address)
    fate = Fate(orders.die_at)
    report = pipe.send if orders.report_commits else None
    seam: Any = Database
    seam.write = _counted_write(fate, report)
    _count_requests(fate)
    _do_not_wait_for_the_disk()
    delay = worker.retry_delay
    worker.retry_delay = lambda attempts, jitter: delay(attempts, jitter) / SHORTER_DELAY
    if orders.sabotage is not None:
        sabotage(orders.sabotage)
    clients: list[Pledge] = []

    class Watched(Pledge):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._connection.guild_ready_timeout = READY_TIMEOUT
            read = self.clock._read
            self.clock._read = lambda: read() + orders.ahead
            clients.append(self)

    serve = program._serve

    async def serve_and_listen(*args: Any) -> None:
        def take_command() -> None:
            pipe.send(_answer(pipe.recv(), fate, clients))

        asyncio.get_running_loop().add_reader(pipe.fileno(), take_command)
        await serve(*args)

    program.Pledge = Watched
    program._serve = serve_and_listen
    program.run()


def _do_not_wait_for_the_disk() -> None:
    open_file = storage._open_file

    def open_unsynced(path: Path, keys: Keyring) -> Any:
        connection = open_file(path, keys)
        connection.execute("PRAGMA synchronous = OFF").fetchall()
        return connection

    storage._open_file = open_unsynced


def _answer(command: Any, fate: Fate, clients: list[Pledge]) -> Any:
    match command:
        case "state":
            return _state(fate, clients)
        case "events":
            return fate.counts.events()
        case ("begin", die_at):
            fate.begin(die_at)
            return "begun"
        case _:
            raise ValueError(command)


@dataclass(frozen=True, slots=True)
class State:
    """How far the process is: quiet when nothing is in hand and `done` does not grow."""

    sequence: int
    is_ready: bool
    in_hand: int
    done: int


def _state(fate: Fate, clients: list[Pledge]) -> State:
    client = clients[-1] if clients else None
    if client is None or client.ws is None or not client.is_ready():
        return State(sequence=0, is_ready=False, in_hand=1, done=fate.done)
    at_work = [task for task in asyncio.all_tasks() if not _is_at_rest(task)]
    return State(
        sequence=client.ws.sequence or 0,
        is_ready=True,
        in_hand=fate.in_hand + len(at_work),
        done=fate.done,
    )


AT_REST = ("run.<locals>.serve_and_listen", "BaseView.__timeout_task_impl")
"""The tasks that are there when nothing is to be done: the process itself, and the time in which a
button or a form can be used. A timer of ours has none while it waits."""


def _is_at_rest(task: asyncio.Task[Any]) -> bool:
    return getattr(task.get_coro(), "__qualname__", "") in AT_REST


def _counted_write(
    fate: Fate, report: Callable[[Acknowledged], None] | None
) -> Callable[[Database], contextlib.AbstractAsyncContextManager[AsyncConnection]]:
    original = Database.write

    @contextlib.asynccontextmanager
    async def write(self: Database) -> AsyncGenerator[AsyncConnection]:
        name = _caller()
        event, reached = None, None
        fate.in_hand += 1
        try:
            async with original(self) as tx:
                changes = await _changes(tx)
                yield tx
                if await _changes(tx) != changes:
                    event = fate.counts.next(name)
                    if report is not None:
                        row = (await tx.exec_driver_sql(HIGH_WATER)).one()
                        reached = Acknowledged(*row)
                    fate.reach(Point(event, Phase.BEFORE_COMMIT))
            if event is not None:
                if report is not None and reached is not None:
                    report(reached)
                fate.reach(Point(event, Phase.AFTER_COMMIT))
        finally:
            fate.in_hand -= 1
            fate.done += 1

    return write


async def _changes(tx: AsyncConnection) -> int:
    """How many rows this connection has changed; a commit that changes none is no event."""
    raw = await tx.get_raw_connection()
    connection: Any = raw.driver_connection
    return connection.total_changes


def _caller() -> str:
    """The use case that opened the transaction, such as `signing.record_reaction`."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("bot.") and "database" not in name:
            return f"{name.removeprefix('bot.')}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "storage.database.open"


def _count_requests(fate: Fate) -> None:
    def counted(original: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
        async def request(self: Any, route: Any, *args: Any, **options: Any) -> Any:
            path = route.url.removeprefix(discord.http.Route.BASE)
            event = fate.counts.next(request_name(route.method, path))
            fate.reach(Point(event, Phase.NOT_SENT))
            fate.in_hand += 1
            try:
                return await original(self, route, *args, **options)
            finally:
                fate.in_hand -= 1
                fate.done += 1
                fate.reach(Point(event, Phase.ANSWERED))

        return request

    for sender in (discord.http.HTTPClient, discord.webhook.async_.AsyncWebhookAdapter):
        sender.request = counted(sender.request)
