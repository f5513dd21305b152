"""The whole matrix: every way into a case, tried by everybody."""

import pytest
import pytest_asyncio

from bot.settings import Group
from bot.settings.sections import Cases
from tests.cogs.cases.matrix import ENTRIES, PEOPLE, WITHOUT_CASE, Entry, Scene, registered
from tests.cogs.conftest import World, make_group


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(cases=Cases(escalation="escalation"))]


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    scene = Scene(world)
    await scene.build()
    return scene


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
async def test_way_into_a_case_is_open_to_whom_it_is_meant_for(scene: Scene, entry: Entry) -> None:
    opens = {person: await entry.opens(scene, person) for person in PEOPLE}
    assert {person for person, answer in opens.items() if answer} == entry.open_to


def test_every_way_in_has_a_row(world: World) -> None:
    assert registered(world.client) - WITHOUT_CASE == {
        entry.name for entry in ENTRIES if not entry.name.endswith(", typed")
    }
