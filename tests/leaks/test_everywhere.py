"""Every way in is used, and goes wrong in each way; what people are called and wrote is nowhere.

Names, accounts, words and tokens are planted in everything that reaches the bot, and looked for in
the log, the database, the files beside it, and what the documents say of themselves.
"""

import asyncio
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from simcord.results import InteractionResult
from sqlalchemy import event

from bot.services import backup
from bot.settings import Group
from bot.storage.database import Database
from bot.storage.tables import metadata
from tests.cogs.authorisation.scene import PEOPLE, Scene
from tests.cogs.authorisation.sheet import CHAPTERS, WORDS, Way
from tests.cogs.conftest import World, env, make_group, open_database, world
from tests.doubles.extra_routes import add_extra_routes
from tests.factories import KEYS, NOW
from tests.leaks.search import files_below, found, read_rows
from tests.storage.rows import nobody

__all__ = ["env", "open_database", "world"]

WAYS = [way for chapter in CHAPTERS.values() for way in chapter]
TOKEN = re.compile(r"/(?:interactions|webhooks)/\d+/([^/]+)")
ABOUT_ITSELF = re.compile(rb"/(?:Title|Author|Subject|Keywords|Creator|Producer) ?\(.*")


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(), make_group("quiet-cove")]


@pytest_asyncio.fixture
async def scene(
    temporary: Path, written: object, world: World, monkeypatch: pytest.MonkeyPatch
) -> Scene:
    add_extra_routes(monkeypatch)
    scene = Scene(world)
    await scene.build()
    return scene


class Planted:
    """What was planted in a scene."""

    def __init__(self, scene: Scene) -> None:
        people = [scene.people[name] for name in PEOPLE if name != "owner"]
        self.names = {one.name for one in (*people, scene.resident)}
        self.ids = {str(one.id) for one in (*people, scene.resident)}
        self.words = set(WORDS)
        self.tokens = {
            match[1]
            for one in scene.world.env.http_requests
            if (match := TOKEN.search(one.path)) and not match[1].isdigit()
        }

    @property
    def everything(self) -> set[str]:
        return self.names | self.ids | self.words | self.tokens


async def use(scene: Scene, way: Way) -> InteractionResult:
    """Whoever comes first of those who may."""
    person = next(one for one in PEOPLE if way.expected[one] == "+")
    opened = await way.begin(scene, person)
    await scene.world.env.settle()
    result = await way.use(scene, scene.forger(person), opened)
    await scene.world.env.settle()
    return result


async def documents(result: InteractionResult) -> list[tuple[str, bytes]]:
    messages = [one for one in (result.response, *result.followups) if one is not None]
    attached = [file for one in messages for file in one.attachments]
    return [(file.filename, await file.read()) for file in attached]


async def test_no_way_in_leaves_a_trace_where_none_belongs(
    scene: Scene,
    written: Callable[[], str],
    database_url: str,
    tmp_path: Path,
    temporary: Path,
) -> None:
    files = [file for way in WAYS for file in await documents(await use(scene, way))]
    planted, lines = Planted(scene), written()
    assert len(planted.everything) > 100
    assert len(lines.splitlines()) > 1_000
    assert [line for line in lines.splitlines() if found(line, planted.everything)] == []

    database = scene.world.database
    for name in metadata.tables:
        held = "\n".join(await read_rows(database, name))
        assert found(held, planted.names | planted.words | planted.tokens) == [], name
    await backup.save(database_url, KEYS, tmp_path / "a.backup", NOW, nobody)
    beside = await asyncio.to_thread(files_below, tmp_path)
    assert "a.backup" in beside
    for name, raw in beside.items():
        assert found(raw, planted.everything) == [], name
        assert found(name, planted.everything) == []
    assert await asyncio.to_thread(files_below, temporary) == {}

    for request in scene.world.env.http_requests:
        assert found(str(request.reason or ""), planted.names | planted.words) == []
    kinds = {name.rpartition(".")[2] for name, _ in files}
    assert {"pdf", "png", "csv", "json"} <= kinds
    for name, raw in files:
        assert found(name, planted.everything) == []
        assert found(of_itself(name, raw), planted.everything) == [], name


def of_itself(name: str, raw: bytes) -> bytes:
    """What a document says of itself, beside what is on its pages."""
    if name.endswith(".pdf"):
        told = ABOUT_ITSELF.findall(raw)
        assert told
        assert b"/Metadata" not in raw
        return b"\n".join(told)
    if name.endswith(".png"):
        return repr(Image.open(io.BytesIO(raw)).info).encode()
    return b""


@contextmanager
def repeating_database(database: Database, *, writes: bool) -> Iterator[None]:
    """Every reading, or every writing statement fails, and the error repeats all values."""
    engine = database._engine.sync_engine
    driver: Any = engine.dialect.loaded_dbapi

    def refuse(_cursor: Any, statement: str, values: Any, _context: Any) -> None:
        if statement.startswith("SELECT") is not writes:
            raise driver.IntegrityError(f"{statement}: the row contains {values}")

    event.listen(engine, "do_execute", refuse)
    yield
    event.remove(engine, "do_execute", refuse)


@contextmanager
def repeating_discord(scene: Scene) -> Iterator[None]:
    """Every request is refused, and the answer repeats what was written."""
    world = scene.world
    said = f"In content: {' '.join((*WORDS, *Planted(scene).names))}"
    world.env.inject_error("*", "*", status=400, code=50035, message=said, times=None)
    yield
    world.open_dms()


@pytest.mark.parametrize("fault", ["a read", "a write", "Discord"])
async def test_no_fault_repeats_what_people_are_called_or_wrote(
    scene: Scene, written: Callable[[], str], fault: str
) -> None:
    world, lines = scene.world, list[str]()
    for way in WAYS:
        person = next(one for one in PEOPLE if way.expected[one] == "+")
        opened = await way.begin(scene, person)
        await world.env.settle()
        failing = (
            repeating_discord(scene)
            if fault == "Discord"
            else repeating_database(world.database, writes=fault == "a write")
        )
        with failing:
            await way.use(scene, scene.forger(person), opened)
        await world.env.settle()
        world.env._errors.clear()
        lines.append(written())
    planted = Planted(scene)
    wrong = {
        way.name: words
        for way, text in zip(WAYS, lines, strict=True)
        if (words := found(text, planted.everything))
    }
    assert wrong == {}
    assert sum("Traceback" in text for text in lines) >= 10
