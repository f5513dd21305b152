"""What people do in the failpoint runs, one step after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot import texts
from bot.services import backup, restore
from bot.texts import erasing
from tests.crash.town import ACCEPT, DECLINE
from tests.crash.world import World, offers
from tests.factories import KEYS

Act = Callable[[World], Awaitable[Any]]


def _nothing_to_show(_world: World) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Step:
    """Something that people do, and what they do once more if the bot died over it.

    `prepare`: what is done before, while the bot is away. `asleep`: it happens while the bot is
    away, and the bot's start is what is looked at. `looked_at`: whether the bot is killed in it;
    some steps only prepare the next one. `in_long_form`: looked at there only, as another step goes
    through the same points. `later`: so long after a start that was disturbed a clock has all of it
    done. `shows`: what must have come of it when nobody
    interferes, or else looking at it proves nothing.
    """

    name: str
    act: Act
    again: Act | None = None
    prepare: Act | None = None
    asleep: bool = False
    looked_at: bool = True
    in_long_form: bool = False
    later: timedelta = timedelta()
    shows: Callable[[World], bool] = _nothing_to_show


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


def is_inside(name: str, *, holds: bool = True) -> Callable[[World], bool]:
    return lambda world: (world.people[name] in world.inside()) is holds


async def nothing(_world: World) -> None:
    """The start is all there is to it."""


async def a_living_group(world: World) -> None:
    """A group that is older than Pledge: two members have the role, one has not."""
    world.join("dora", "member")
    world.join("emil", "member")
    world.join("ivo")


async def publish(world: World) -> None:
    """The facilitator reads the draft and signs it, unless it is in force already."""
    pages = await world.slash(world.facilitator, "moderators", "agreement publish")
    if pages and offers(pages[-1], texts.PUBLISH_BUTTON):
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
    if pages and offers(pages[-1], texts.ACCEPT_BUTTON):
        await world.press(who, pages[-1], texts.ACCEPT_BUTTON)


async def role_by_hand(world: World) -> None:
    world.give_by_hand("ivo")


async def invite(world: World) -> None:
    """The facilitator has those asked who were there before Pledge, unless they were.

    Told that not everybody could be counted, they count once more.
    """
    pages = await world.slash(world.facilitator, "moderators", "agreement invite")
    if any(texts.invite_partly() in page.content for page in pages):
        pages = await world.slash(world.facilitator, "moderators", "agreement invite")
    if pages and offers(pages[-1], texts.INVITE_BUTTON):
        await world.press(world.facilitator, pages[-1], texts.INVITE_BUTTON)


async def a_day_without_the_bot(world: World) -> None:
    """People join, accept, take it back and get the role by hand, and nobody is there to see it.

    Somebody else has not answered for a day.
    """
    world.join("edith")
    world.react("bela", ACCEPT)
    world.react("anna", ACCEPT, reacted=False)
    world.give_by_hand("ivo")
    world.let_time_pass(timedelta(days=1))


def _has_caught_up(world: World) -> bool:
    reminded = [message for message in world.messages("gwen") if "discord.com" in message.content]
    posted_daily = world.heads().total() > len(world.record.versions())
    is_there = is_inside("bela")(world) and world.request("edith") is not None
    is_gone = is_inside("anna", holds=False)(world) and is_inside("ivo", holds=False)(world)
    return len(reminded) == 1 and posted_daily and is_there and is_gone


async def a_year_without_the_bot(world: World) -> None:
    world.let_time_pass(timedelta(days=366))


def _has_lapsed(world: World) -> bool:
    anna = world.people["anna"]
    states = [state for state, *_ in world.record.requests(anna)]
    return is_inside("anna", holds=False)(world) and states == ["expired", "sent"]


async def save(world: World) -> None:
    """The operator makes a backup."""
    await backup.save(_url(world), KEYS, _backup(world), world.backend.clock.now(), _tell_nobody)


async def put_back(world: World) -> None:
    """The operator puts the backup in the place of a newer record."""
    now, file = world.backend.clock.now(), _backup(world)
    await restore.restore(_url(world), KEYS, file, now, overwrite=True, progress=_tell_nobody)
    world.is_restored = True


def _is_as_before_the_restore(world: World) -> bool:
    """Found again: an acceptance, a withdrawal, and somebody who had been asked already."""
    carla = [text for message in world.messages("carla") if "safe" in (text := message.content)]
    return is_inside("bela")(world) and is_inside("anna", holds=False)(world) and len(carla) == 1


def _url(world: World) -> str:
    return f"sqlite:///{world.folder / 'pledge.db'}"


def _backup(world: World) -> Any:
    return world.folder / "older.backup"


def _tell_nobody(_done: int, _total: int) -> None:
    """Nobody watches how far it is."""


LIFE = (
    Step("first start", a_living_group, asleep=True),
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
    Step("ivo gets the role by hand", role_by_hand, shows=is_inside("ivo", holds=False)),
    Step("inviting", invite, again=invite, shows=is_inside("dora")),
    Step("dora accepts", reacts("dora", ACCEPT), shows=is_inside("dora")),
    Step("emil declines", reacts("emil", DECLINE), shows=is_inside("emil", holds=False)),
    Step("gwen joins", joins("gwen"), looked_at=False),
    Step("catching up", a_day_without_the_bot, asleep=True, shows=_has_caught_up),
    Step("start with nothing new", nothing, asleep=True, in_long_form=True),
)
"""A group from the day Pledge comes."""

ANNA_HAS_SIGNED = (
    Step("first start", nothing, asleep=True, looked_at=False),
    Step("publishing", publish, looked_at=False),
    Step("anna joins", joins("anna"), looked_at=False),
    Step("anna accepts", reacts("anna", ACCEPT), looked_at=False),
)
"""How most other scenarios begin."""

YEAR = (
    *ANNA_HAS_SIGNED,
    Step("a year later", a_year_without_the_bot, asleep=True, shows=_has_lapsed),
)
"""A signature runs out."""


async def erase(world: World) -> None:
    """Anna has what is kept about her erased, unless it was."""
    anna = world.people["anna"]
    pages = await world.slash(anna, "welcome", "privacy erase")
    if pages and offers(pages[-1], erasing.ERASE_BUTTON):
        await world.press(anna, pages[-1], erasing.ERASE_BUTTON)


def _is_erased(world: World) -> bool:
    anna = world.people["anna"]
    held = [*world.record.requests(anna), *world.record.signatures(anna)]
    told = [one for one in world.messages("anna") if "could be erased" in one.content]
    return not held and len(told) == 1 and is_inside("anna", holds=False)(world)


ERASED = (
    *ANNA_HAS_SIGNED,
    Step("anna erases", erase, again=erase, shows=_is_erased),
    Step("start after the erasing", nothing, asleep=True, shows=_is_erased),
)
"""Somebody has their own record erased, and is not asked again nor let in by their old ✅."""

HOUR = timedelta(hours=1)
KEPT_FOR = timedelta(days=1_095)
"""How long the record of somebody who left is kept at the longest."""


async def kept_for_long(world: World) -> None:
    world.let_time_pass(KEPT_FOR)


async def almost_a_week(world: World) -> None:
    world.let_time_pass(timedelta(days=7) - HOUR)


async def two_hours(world: World) -> None:
    world.let_time_pass(2 * HOUR)


def _is_announced(world: World) -> bool:
    notices = world.backend.messages[world.channels["moderators"]].values()
    return any("Kept long enough:" in one.content for one in notices)


def _is_gone(world: World) -> bool:
    people = [world.people[name] for name in ("anna", "bela")]
    held = [[*world.record.requests(who), *world.record.signatures(who)] for who in people]
    proofs, named, words = world.record.forgotten()
    return not any(held) and (proofs, named) == (1, 0) and words > 0


PURGED = (
    *ANNA_HAS_SIGNED,
    Step("anna takes it back", reacts("anna", ACCEPT, reacted=False), looked_at=False),
    Step("bela joins", joins("bela"), looked_at=False),
    Step("bela declines", reacts("bela", DECLINE), looked_at=False),
    Step("anna leaves", leaves("anna"), looked_at=False),
    Step("bela leaves", leaves("bela"), looked_at=False),
    Step("telling of what goes", kept_for_long, asleep=True, shows=_is_announced),
    # Who has left is known once the member list has been read.
    Step("looking around before that", almost_a_week, asleep=True, looked_at=False),
    Step("the purge", two_hours, asleep=True, later=HOUR, shows=_is_gone),
)
"""What was kept for long enough goes, after the facilitators were told."""

PAST = (
    *ANNA_HAS_SIGNED,
    Step("bela joins", joins("bela"), looked_at=False),
    Step("a backup", save, looked_at=False),
    Step("bela accepts", reacts("bela", ACCEPT), looked_at=False),
    Step("anna takes it back", reacts("anna", ACCEPT, reacted=False), looked_at=False),
    Step("carla joins", joins("carla"), looked_at=False),
    Step(
        "start with an older record",
        nothing,
        prepare=put_back,
        asleep=True,
        shows=_is_as_before_the_restore,
    ),
)
"""A backup is put back over a newer record."""
