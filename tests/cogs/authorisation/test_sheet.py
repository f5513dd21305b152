"""The whole sheet: each way in is tried by everybody, and refused without any trace."""

import pytest
import pytest_asyncio

from bot.domain import authorisation
from bot.domain.authorisation import Action, Ground, Viewer
from bot.entry_points import right_to
from bot.settings import Group
from tests.cogs.authorisation.scene import PEOPLE, Scene, outcome
from tests.cogs.authorisation.sheet import CHAPTERS, Way
from tests.cogs.conftest import World, make_group
from tests.doubles.extra_routes import add_extra_routes


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
def asked(monkeypatch: pytest.MonkeyPatch) -> set[Action]:
    """What the table was asked for."""
    found: set[Action] = set()
    original = authorisation.may

    def may(viewer: Viewer, action: Action, *, about: int | None = None) -> bool:
        found.add(action)
        return original(viewer, action, about=about)

    monkeypatch.setattr(authorisation, "may", may)
    return found


async def tried(scene: Scene, way: Way, person: str, asked: set[Action]) -> list[str]:
    """What is wrong with one cell, in words."""
    env, expected = scene.world.env, way.expected[person]
    opened = await way.begin(scene, person)
    await env.settle()
    if expected == "+" or opened is not None:
        scene.last_held = None
    before = {} if expected == "+" else scene.last_held or await scene.held()
    since = len(env.http_requests)
    asked.clear()
    with scene.lost(person):
        result = await way.use(scene, scene.forger(person), opened)
        await env.settle()
    found = outcome(result)
    wrong = [f"expected {expected}, but it was {found}"] if found != expected else []
    if expected == "+":
        right = right_to(way.entry_point)
        needs = (
            isinstance(right, Action) and Ground.ONESELF not in authorisation.RULES[right].grounds
        )
        if needs and right not in asked:
            wrong.append(f"nobody asked whether they may {right}")
        return wrong
    after = scene.last_held = await scene.held()
    wrong += [f"{table} has changed" for table, rows in before.items() if after[table] != rows]
    return wrong + scene.changes(since)


@pytest.mark.parametrize("chapter", CHAPTERS)
async def test_way_in_is_open_to_whom_it_is_meant_for(
    scene: Scene, chapter: str, asked: set[Action]
) -> None:
    wrong: list[str] = []
    for way in CHAPTERS[chapter]:
        # First whoever is refused: what is there for them to try it on must not be used up.
        for person in sorted(PEOPLE, key=lambda person: way.expected[person] == "+"):
            found = await tried(scene, way, person, asked)
            wrong += [f"{way.name}, {person}: {one}" for one in found]
    assert wrong == []
