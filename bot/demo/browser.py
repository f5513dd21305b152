"""The browser view: one person in one place at a time, chosen in the terminal."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import simcord

from bot.demo.keyboard import listen
from bot.demo.stage import Stage
from bot.demo.world import ACCEPT, DECLINE
from bot.domain.errors import DomainError

if TYPE_CHECKING:
    from simcord.preview import Preview

NEWCOMERS = ("Tern", "Plover", "Curlew", "Avocet", "Dunlin", "Knot", "Puffin", "Osprey")
WIDTH, HEIGHT = 960, 900
TRIES = 50
PAUSE = 0.1
"""Seconds between tries to do something while a click in the browser is being worked on."""

ENDED = "view ended"
"""Stands in for what a person types when they end the view in the browser."""


@dataclass(frozen=True)
class Place:
    """A channel as one person sees it; `others` can be chosen in the page itself."""

    name: str
    channel: simcord.ChannelHandle
    viewer: simcord.MemberActor | simcord.UserHandle
    others: tuple[simcord.MemberActor, ...] = ()


class Browser:
    """Serves one place after another, all under one address.

    A view of the simulator shows a single channel. To change place, the view is closed and the
    next one is opened on the same port with the same secret: reloading the page is enough.
    """

    def __init__(self, stage: Stage, port: int) -> None:
        self._stage = stage
        self._port = port
        self._secret: str | None = None
        self._names = invented_names()
        self._newcomer = ""

    async def serve(self) -> None:
        """Let a person play on until they quit.

        Raises:
            DomainError: the address is taken.
        """
        tell = self._stage.tell
        tell.note("")
        await self._let_somebody_join()
        self._show_menu()
        place: Place | None = self._places()["1"]
        try:
            async with listen() as lines:
                while place is not None:
                    async with self._view(place) as preview:
                        tell.note(f"\n{place.name}:")
                        tell.address(preview.url)
                        place = await self._choose(lines, preview)
        except asyncio.CancelledError:  # Ctrl-C
            tell.note("")
            raise
        tell.note("\nThe server is gone, and so is its database. Goodbye.")

    def _show_menu(self) -> None:
        places = self._places()
        tell = self._stage.tell
        tell.note("\nNow it is your turn. Open the address in a browser on this computer.")
        tell.note("Who and where do you want to be? Type one of these and press Enter:")
        hints = {
            "1": f"read, then react with {ACCEPT} or {DECLINE}",
            "2": "the way in with closed direct messages; /privacy show works here, too",
            "3": "open only after signing",
            "4": "try /signatures list; “Viewing as” changes to the moderator",
        }
        for key, place in places.items():
            tell.choice(key, f"{place.name}: {hints[key]}")
        tell.choice("n", "somebody new joins")
        tell.choice("q", "quit")
        tell.note("After each choice reload the page; the address stays the same.")

    def _places(self) -> dict[str, Place]:
        world, people = self._stage.world, self._stage.people
        name, newcomer = self._newcomer, people[self._newcomer]
        heron, gannet = world.facilitator, world.moderator
        direct = newcomer.user.dm_channel
        return {
            "1": Place(f"Direct messages, as {name}", direct, newcomer.user),
            "2": Place(f"#welcome, as {name}", world.welcome, newcomer, (heron, gannet)),
            "3": Place(f"#support, as {name}", world.support, newcomer),
            "4": Place("#moderators, as Heron, facilitator", world.moderators, heron, (gannet,)),
        }

    @contextlib.asynccontextmanager
    async def _view(self, place: Place) -> AsyncGenerator["Preview"]:
        view = self._stage.world.env.preview(
            place.channel,
            viewers=[place.viewer, *place.others],
            layout="channel",
            width=WIDTH,
            height=HEIGHT,
            port=self._port,
        )
        view.capability = self._secret = self._secret or view.capability
        try:
            await view.__aenter__()
        except simcord.SetupError as error:
            raise DomainError(f"The browser view cannot start: {error}") from None
        try:
            self._port = int(view.url.partition("/#")[0].rpartition(":")[2])
            yield view
        finally:
            await view.close()

    async def _choose(self, lines: "asyncio.Queue[str | None]", preview: "Preview") -> Place | None:
        """The next place, or None to quit."""
        while True:
            self._stage.tell.prompt()
            word = await _next_word(lines, preview)
            if word == ENDED:
                self._stage.tell.note("\nThe view was ended in the browser. Type 1 to 4, n or q.")
                self._stage.tell.prompt()
                word = await lines.get()
            for fault in self._stage.world.faults.take():
                self._stage.tell.note(f"The bot reports a fault: {fault}")
            if word in ("q", None):
                return None
            if word == "n":
                await self._let_somebody_join()
                return self._places()["1"]
            place = self._places().get(word)
            if place is None:
                self._show_menu()
            elif place.name.startswith("#") and not self._is_open(place):
                self._stage.tell.note(f"{place.name}: still closed. Sign first (1 or 2).")
            else:
                return place

    def _is_open(self, place: Place) -> bool:
        viewer = place.viewer
        return isinstance(viewer, simcord.MemberActor) and self._stage.world.can_see(
            viewer, place.channel
        )

    async def _let_somebody_join(self) -> None:
        for _ in range(TRIES):
            try:
                await self._stage.world.settle()
                break
            except simcord.SetupError:
                await asyncio.sleep(PAUSE)
        name = next(self._names)
        await self._stage.enter(name)
        self._newcomer = name


async def _next_word(lines: "asyncio.Queue[str | None]", preview: "Preview") -> str | None:
    """What was typed next, or `ENDED` when the view was ended in the browser first."""
    typed = asyncio.create_task(lines.get())
    ended = asyncio.create_task(preview.wait_closed())
    try:
        await asyncio.wait({typed, ended}, return_when=asyncio.FIRST_COMPLETED)
        return typed.result() if typed.done() else ENDED
    finally:
        typed.cancel()
        ended.cancel()


def invented_names() -> Iterator[str]:
    """Names without end, none of them anybody's."""
    yield from NEWCOMERS
    for round_ in itertools.count(2):
        yield from (f"{name} {round_}" for name in NEWCOMERS)
