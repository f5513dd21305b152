"""What goes wrong in one group, or with one thing, is not what the others wait for."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.services import forewarning, ledger, purging, reminders
from bot.services.cases import ending
from bot.settings import Group
from tests.cogs.conftest import World, make_group

KEYS = ["harbour-light", "quiet-cove"]
Watch = Callable[[Any, str], list[str]]


@pytest.fixture
def groups() -> list[Group]:
    return [make_group(key) for key in KEYS]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Notes for which groups a function of a service is called, and has it fail for the first."""

    def watch(module: Any, name: str) -> list[str]:
        called: list[str] = []
        original: Callable[..., Awaitable[Any]] = getattr(module, name)

        async def call(database: Any, group_key: str, *more: Any, **named: Any) -> Any:
            called.append(group_key)
            if group_key == KEYS[0]:
                raise ValueError("a fault of ours")
            return await original(database, group_key, *more, **named)

        monkeypatch.setattr(module, name, call)
        return called

    return watch


async def test_purge_of_a_group_does_not_wait_for_another(
    world: World, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    warned, purged = watch(forewarning, "warn"), watch(purging, "run_daily")
    cog: Any = world.client.get_cog("Retention")
    await cog.let_go.work()
    assert (warned, purged) == (KEYS, KEYS[1:])
    assert "Group harbour-light: let_go_of failed" in caplog.text


async def test_clocks_of_a_group_do_not_wait_for_another(
    world: World,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_args: object) -> bool:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(reminders, "end_lapsed", fail)
    monkeypatch.setattr(ending, "end_due_suspensions", fail)
    closed, posted = watch(ending, "close_due"), watch(ledger, "post_head_daily")
    cog: Any = world.client.get_cog("Upkeep")
    await cog.look_at_clock.work()
    assert (closed, posted) == (KEYS, KEYS)
    assert caplog.text.count("failed; the next round tries again") == 4
