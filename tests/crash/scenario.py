"""What people do in the failpoint runs, one step after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot import texts
from tests.crash.town import ACCEPT, DECLINE
from tests.crash.world import World

Act = Callable[[World], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that people do, and what they do once more if the bot died over it.

    `asleep`: it happens while the bot is away, and the bot's start is what is looked at.
    `looked_at`: whether the bot is killed in it; some steps only prepare the next one.
    """

    name: str
    act: Act
    again: Act | None = None
    asleep: bool = False
    looked_at: bool = True


def reacts(name: str, emoji: str, *, reacted: bool = True) -> Act:
    async def act(world: World) -> None:
        world.react(name, emoji, reacted=reacted)

    return act


def joins(name: str) -> Act:
    async def act(world: World) -> None:
        world.join(name)

    return act


def leaves(name: str) -> Act:
    async def act(world: World) -> None:
        world.leave(name)

    return act


async def nothing(_world: World) -> None:
    """The start is all there is to it."""


async def publish(world: World) -> None:
    """The facilitator reads the draft and signs it, unless it is in force already."""
    pages = await world.slash(world.facilitator, "moderators", "agreement publish")
    if pages and pages[-1].content != texts.REFUSALS["NothingToPublishError"]:
        await world.press(world.facilitator, pages[-1], texts.PUBLISH_BUTTON)


async def blocked(world: World) -> None:
    world.closed.add("cleo")
    world.join("cleo")


async def sign_by_button(world: World) -> None:
    """Somebody whose direct messages are closed signs in the welcome channel."""
    who = world.people["cleo"]
    welcome = world.backend.messages[world.channels["welcome"]].values()
    panel = next(message for message in welcome if not message.is_ephemeral)
    pages = await world.press(who, panel, texts.PANEL_BUTTON)
    if pages and pages[-1].content == texts.BUTTON_HINT:
        await world.press(who, pages[-1], texts.ACCEPT_BUTTON)


async def a_day_without_the_bot(world: World) -> None:
    """Somebody joins, somebody accepts, somebody takes it back, and nobody is there to see it."""
    world.join("edith")
    world.react("bela", ACCEPT)
    world.react("anna", ACCEPT, reacted=False)


STEPS = (
    Step("first start", nothing, asleep=True),
    Step("publishing", publish, again=publish),
    Step("anna joins", joins("anna")),
    Step("anna accepts", reacts("anna", ACCEPT)),
    Step("anna takes it back", reacts("anna", ACCEPT, reacted=False)),
    Step("anna accepts again", reacts("anna", ACCEPT), looked_at=False),
    Step("bela joins", joins("bela"), looked_at=False),
    Step("bela declines", reacts("bela", DECLINE)),
    Step("cleo joins with closed messages", blocked),
    Step("cleo signs by button", sign_by_button, again=sign_by_button),
    Step("anna leaves", leaves("anna")),
    Step("anna comes back", joins("anna")),
    Step("catching up", a_day_without_the_bot, asleep=True),
    Step("start with nothing new", nothing, asleep=True),
)
