"""A server that is in order; each test then opens one way in, or breaks one thing."""

import pytest
import pytest_asyncio

from bot.domain.agreements import Agreement
from bot.settings import Group
from tests.cogs.conftest import World, make_group
from tests.cogs.inspection.looking import put_in_order
from tests.doubles.extra_routes import Extras, add_extra_routes


@pytest.fixture
def groups(agreement: Agreement) -> list[Group]:
    # What is given by hand must stay, or there would be nothing to find.
    return [make_group(agreement=agreement, enforcement="report")]


@pytest.fixture(autouse=True)
def extras(monkeypatch: pytest.MonkeyPatch) -> Extras:
    return add_extra_routes(monkeypatch)


@pytest_asyncio.fixture
async def sound(world: World) -> World:
    """A server on which everything is as it should be, and nobody unsigned gets in."""
    await put_in_order(world)
    return world
