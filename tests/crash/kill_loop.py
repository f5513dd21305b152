"""Kills the bot over and over while people come, sign, change their minds and leave."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bot import texts
from bot.domain.effects import Notice
from tests.crash.handle import DEADLINE, StuckError
from tests.crash.people import Crowd
from tests.crash.process import Acknowledged
from tests.crash.town import ACCEPT, DECLINE, NAME
from tests.crash.world import World
from tests.doubles.discord_server import DiscordServer

MOST_REQUESTS = 12
"""A life of the bot ends after at most so many requests, from its start or from its first rest."""
DIE_STARTING = 0.4
"""How many lives end while the bot is still catching up."""

RECEIPT = re.compile(r"`([0-9A-Z]{4}(?:-[0-9A-Z]{4}){2})`")
NOTICES = {
    Notice.DECLINED: texts.declined(NAME, ACCEPT),
    Notice.WITHDRAWN: texts.withdrawn(NAME, ACCEPT, role_waits=False),
    Notice.WELCOME_BACK: texts.welcome_back(NAME),
    Notice.STILL_SIGNED: texts.still_signed(NAME, ACCEPT, DECLINE),
}


@dataclass
class Figures:
    """What the loop did and what went wrong in it."""

    seed: int
    kills: int = 0
    acts: int = 0
    requests: int = 0
    commits: int = 0
    signatures: int = 0
    withdrawals: int = 0
    lost: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        shown = {
            name: len(value) if isinstance(value, list) else value
            for name, value in asdict(self).items()
        }
        return ", ".join(f"{name} {value}" for name, value in shown.items())


async def run_kill_loops(folder: Path, seeds: Sequence[int], kills: int) -> list[Figures]:
    """Several loops side by side, each with so many kills."""
    loops = (run_kill_loop(folder / f"seed-{seed}", seed, kills) for seed in seeds)
    return await asyncio.gather(*loops)


async def run_kill_loop(
    folder: Path, seed: int, kills: int, *, spoil: Callable[[World], None] | None = None
) -> Figures:
    """Kill the bot so many times, let it come to rest, and compare the world with the record.

    Args:
        folder: a new folder for the database and the bot's log.
        seed: decides who does what and when the bot dies, as far as that can be decided.
        kills: how many times to kill it.
        spoil: called at the end, to show that what it does wrong is found.
    """
    figures, rng, began = Figures(seed), random.Random(seed), time.monotonic()
    async with DiscordServer() as server:
        world = World.build(server, folder)
        world.start()
        await world.settle()
        await _publish(world)
        crowd = Crowd(world, rng)
        try:
            while figures.kills < kills:
                await _live(world, crowd, rng)
                _take_stock(world, world.kill(), figures)
                await world.gone()
                figures.kills += 1
                figures.requests += len(server.calls)
                server.calls.clear()
                world.backend.transcript.clear()
                world.backend.http_requests.clear()
                for _ in range(rng.randrange(3)):
                    crowd.act()
                world.start(report_commits=True)
            await _come_to_rest(world, crowd)
            if spoil is not None:
                spoil(world)
            _judge(world, crowd, figures)
        finally:
            world.kill()
    figures.acts = crowd.acts
    figures.seconds = time.monotonic() - began
    return figures


async def _publish(world: World) -> None:
    pages = await world.slash(world.facilitator, "moderators", "agreement publish")
    await world.press(world.facilitator, pages[-1], texts.PUBLISH_BUTTON)


async def _live(world: World, crowd: Crowd, rng: random.Random) -> None:
    """Some of the bot's life, with people doing things, up to a random moment of its work."""
    calls, deadline = world.server.calls, time.monotonic() + DEADLINE
    dies_starting = rng.random() < DIE_STARTING
    last_request, seen, is_up = rng.randint(1, MOST_REQUESTS), 0, dies_starting
    while not is_up or len(calls) < last_request:
        if time.monotonic() > deadline:
            raise StuckError(f"the bot does nothing; its log is {world.folder / 'bot.log'}")
        is_resting = await _is_resting(world)
        if is_resting and not is_up:
            is_up, last_request = True, len(calls) + last_request
        if is_resting or (len(calls) > seen and rng.random() < 0.3):
            crowd.act()
        seen = len(calls)
        await asyncio.sleep(0.002)
    # A kill falls between two requests as well, such as into a commit.
    await asyncio.sleep(rng.random() * 0.01)


async def _is_resting(world: World) -> bool:
    assert world.bot is not None
    state = await world.bot.state()
    assert state is not None, f"the bot died by itself; its log is {world.folder / 'bot.log'}"
    return state.is_ready and state.sequence == world.server.sequence and not state.in_hand


def _take_stock(world: World, reported: list[Acknowledged], figures: Figures) -> None:
    """What the bot had reported as committed before it died must be there."""
    figures.commits += len(reported)
    if reported and not (found := Acknowledged(*world.record.high_water())).covers(reported[-1]):
        figures.lost.append(f"{reported[-1]} was committed, {found} is there")


async def _come_to_rest(world: World, crowd: Crowd) -> None:
    # An answer to an older message is told so, and given once more under the newer one.
    for _ in range(3):
        assert await world.settle()
        crowd.finish()
    assert await world.settle()


def _judge(world: World, crowd: Crowd, figures: Figures) -> None:
    record = world.record
    world.check_gate()
    figures.unsigned += world.wrongs
    figures.other += [*world.server.surprises, *world.errors()]
    figures.other += [line for line in record.integrity() if line != "ok"]
    receipts, signers = set(record.receipts()), record.signers()
    figures.signatures = len(receipts)
    for name, wanted in crowd.wants.items():
        who = world.people[name]
        said = Counter(message.content for message in world.messages(name))
        confirmed = {found for text in said for found in RECEIPT.findall(text)}
        figures.lost += [f"{name}: receipt {one}" for one in confirmed - receipts]
        if (who in signers) is not wanted:
            figures.lost.append(f"{name} wants {wanted}, the record says {who in signers}")
        withdrawn = sum(reason == "withdrawn" for _method, reason in record.signatures(who))
        figures.withdrawals += withdrawn
        if said[NOTICES[Notice.WITHDRAWN]] > withdrawn:
            figures.lost.append(f"{name}: a withdrawal that was confirmed")
        figures.duplicates += _repeated(world, name, said)


def _repeated(world: World, name: str, said: Counter[str]) -> list[str]:
    """What this person was told more often than the outbox had reasons to tell them."""
    who, found = world.people[name], list[str]()
    reasons = world.record.reasons(who)
    allowed = {text: reasons[notice] for notice, text in NOTICES.items()}
    asked = len(world.record.requests(who))
    for text, times in said.items():
        if RECEIPT.search(text):
            most = 1
        elif text in allowed:
            most = allowed[text]
        elif "withdrawn" not in text and NAME in text and "older text" in text:
            most = reasons[Notice.OUTDATED]
        else:
            most = asked
        if times > most:
            found.append(f"{name} was told {times} times instead of {most}: {text[:60]}")
    return found
