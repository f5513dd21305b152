"""Whatever is sent to the bot, it answers or lets it be; nothing of it pings, formats or decides.

The inputs come from a seed: what they found once they find again.
"""

import logging
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from simcord.results import InteractionResult

from bot.entry_points import ENTRY_POINTS
from bot.settings import Group
from tests.cogs.authorisation.scene import Scene, outcome
from tests.cogs.conftest import World, make_group
from tests.doubles.extra_routes import add_extra_routes

SEED = 20261128
PIECES = (
    "",
    "\x00",
    "\ud800",
    "\u202eabc\u202c",
    "\u2066x\u2069",
    "\u200b" * 500,
    "a" * 5_000,
    "e" + "\u0301" * 1_000,
    "@everyone @here",
    "<@1> <@&1> <#1> <t:0:R> </x:1>",
    "[here](https://example.org/)",
    "https://example.org/**b**?_a_=1",
    "HTTP://example.org discord.gg/abcdef Discord.com/invite/abcdef",
    "**bold** `code` ```block``` ||hidden|| # head\n> quote\n-# small",
    "=1+1",
    "{0} {group} {} %s %(x)s",
    "'; DROP TABLE signatures; --",
    "../../etc/passwd",
    "1e999",
    "-1",
    "9" * 40,
    "١٢٣",
    "null",
    "\r\n\t\v\f\x85\u2028",
    "✅\ufe0f❌",
    "\U000e0041\U000e007f",
    "\uffff\ufdd0",
)
WRITTEN = (
    ("moderator", "breach note", {"case": 1}, "text"),
    ("moderator", "breach ask", {"case": 1}, "question"),
    ("moderator", "breach decide", {"case": 1, "outcome": "no_breach"}, "reason"),
    ("moderator", "breach decide", {"case": 1, "reason": "So it was."}, "outcome"),
    ("moderator", "breach reopen", {"case": 2}, "reason"),
    ("moderator", "breach unseal", {"case": 1}, "reason"),
    ("moderator", "breach list", {}, "status"),
    ("facilitator", "signatures list", {}, "status"),
    ("facilitator", "signatures export", {}, "format"),
    ("facilitator", "agreement publish", {}, "change"),
)
FORMS = (
    ("member", "pledge:report:harbour-light:command:{n}", ("what", "clause", "when", "whom")),
    ("member", "pledge:report:harbour-light:user:{n}", ("what", "clause", "when", "whom")),
    ("signer", "pledge:letter:answer:harbour-light:{letter_id}", ("words",)),
    ("moderator", "pledge:case:hear:harbour-light:1", ("words",)),
    ("moderator", "pledge:case:words:harbour-light:1:1", ("words",)),
    ("accused moderator", "pledge:case:appeal:harbour-light:3", ("words",)),
)
NUMBERS = ("0", "1", "3", "999999999", "9" * 18, "9" * 40, "-1", "١", "0x1", "1.5", "")
KEYS = ("harbour-light", "quiet-cove", "no-such-group", "HARBOUR-LIGHT", "a" * 32, "../x", "")


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(), make_group("quiet-cove")]


@pytest_asyncio.fixture
async def scene(world: World, monkeypatch: pytest.MonkeyPatch) -> Scene:
    add_extra_routes(monkeypatch)
    scene = Scene(world)
    await scene.build()
    return scene


@pytest.fixture
def faults(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What was logged as an error: an input from outside is no reason for one."""
    found: list[str] = []
    yield found
    records = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in records] == []


def text(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 3)))


def wrong_in(scene: Scene, since: int, result: InteractionResult) -> Iterator[str]:
    """What must not come of any input."""
    if outcome(result) == "a fault":
        yield "it was a fault"
    for request in scene.world.env.http_requests[since:]:
        if request.method == "PUT" and "/roles/" in request.path:
            yield f"a role was given: {request.path}"
        body: Any = request.json if isinstance(request.json, dict) else {}
        said = body.get("data") or body
        if not isinstance(said, dict) or "content" not in said:
            continue
        if (said.get("allowed_mentions") or {}).get("parse") != []:
            yield f"it may ping: {said['content'][:60]!r}"
        if re.search(r"(?<!\\)<@[!&]?1>|@everyone", str(said["content"])):
            yield f"somebody is mentioned: {said['content'][:60]!r}"
        if re.search(
            r"(?<!\\)://example|discord\.(gg|com/invite)/", str(said["content"]), re.IGNORECASE
        ):
            yield f"it links: {said['content'][:60]!r}"
        if re.search(r"(?<!\\)\*\*b", str(said["content"])):
            yield f"it formats: {said['content'][:60]!r}"


async def signatures(scene: Scene) -> list[str]:
    return (await scene.held())["signatures"]


async def test_what_is_written_into_commands_does_no_harm(scene: Scene, faults: list[str]) -> None:
    rng, wrong, before = random.Random(SEED), list[str](), await signatures(scene)
    for person, command, given, option in WRITTEN:
        for _ in range(12):
            typed, since = text(rng), len(scene.world.env.http_requests)
            result = await scene.forger(person).slash(command, **given, **{option: typed})
            await scene.world.env.settle()
            found = wrong_in(scene, since, result)
            wrong += [f"/{command} {option}={typed[:40]!r}: {one}" for one in found]
    assert wrong == []
    assert await signatures(scene) == before


async def test_what_is_typed_into_forms_does_no_harm(scene: Scene, faults: list[str]) -> None:
    rng, wrong, before = random.Random(SEED), list[str](), await signatures(scene)
    for person, custom_id, fields in FORMS:
        for number in range(12):
            typed = {name: text(rng) for name in fields if rng.random() < 0.8}
            name = custom_id.format(n=number + 1, **vars(scene))
            since = len(scene.world.env.http_requests)
            result = await scene.forger(person).submit(name, **typed)
            await scene.world.env.settle()
            wrong += [f"{name} {typed}: {one}"[:200] for one in wrong_in(scene, since, result)]
    assert wrong == []
    assert await signatures(scene) == before


async def test_made_up_buttons_do_no_harm(scene: Scene, faults: list[str]) -> None:
    rng, wrong, before = random.Random(SEED), list[str](), await signatures(scene)
    names = [name for name in ENTRY_POINTS if name.startswith("pledge:")]
    for name in names:
        for _ in range(8):
            parts = [rng.choice(KEYS), *(rng.choice(NUMBERS) for _ in range(rng.randint(0, 3)))]
            custom_id = ":".join([name, *parts])[:100]
            forger = scene.forger(rng.choice(["member", "moderator", "outsider"]))
            since = len(scene.world.env.http_requests)
            result = await forger.press(custom_id, scene.notes[forger.place.id])
            await scene.world.env.settle()
            wrong += [f"{custom_id}: {one}" for one in wrong_in(scene, since, result)]
    assert wrong == []
    assert await signatures(scene) == before
