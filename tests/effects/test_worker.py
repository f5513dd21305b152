"""The worker while the database fails, and when a request never comes back."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import select

from bot.domain.effects import EffectKind, EffectState
from bot.effects import worker as worker_module
from bot.effects.actions import Actions
from bot.effects.worker import Worker
from bot.storage import effects
from bot.storage.database import Database
from bot.storage.tables import effects as table
from tests.cogs.conftest import make_group
from tests.factories import register

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
engine_name = pytest.mark.parametrize("engine_name", ["sqlite"])


async def add_work(database: Database) -> None:
    await register(database)
    async with database.write() as tx:
        await effects.add_role_change(tx, "harbour-light", 1, NOW)


def make_worker(database: Database, actions: Any) -> Worker:
    return Worker(database, actions, {"harbour-light": make_group()}, lambda: NOW)


async def states(database: Database) -> list[EffectState]:
    """How the role changes stand."""
    query = select(table.c.state).where(table.c.kind == EffectKind.ALIGN_ROLE)
    async with database.read() as tx:
        return [EffectState(state) for state in (await tx.execute(query)).scalars()]


@engine_name
async def test_stop_waits_for_a_stuck_request_only_so_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_work(database)
    begun, answer = asyncio.Event(), asyncio.Event()

    async def perform(_effect: object) -> str:
        begun.set()
        await answer.wait()
        return "role given"

    actions = mock.create_autospec(Actions, instance=True)
    actions.perform.side_effect = perform
    worker = make_worker(database, actions)
    await worker.start()
    await begun.wait()
    assert worker.oldest_in_hand(float("inf")) < float("inf")
    monkeypatch.setattr(worker_module, "LONGEST_STOP_SECONDS", 0.01)

    async with asyncio.timeout(20):
        await worker.stop()

    assert await states(database) == [EffectState.RUNNING], "the next start finds it"
    answer.set()
    assert worker._task is not None
    await worker._task
    assert await states(database) == [EffectState.DONE]
    assert worker.oldest_in_hand(5.0) == 5.0


@engine_name
async def test_worker_does_not_spin_while_the_database_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_work(database)
    tries: list[object] = []

    async def refuse(given: object) -> int:
        tries.append(given)
        raise OSError(28, "no room")

    worker = make_worker(database, mock.create_autospec(Actions, instance=True))
    await worker.start()
    await worker.stop()
    monkeypatch.setattr("bot.services.outbox.take_over", refuse)
    worker._suspect, worker._stopped, worker._running = True, False, True

    for _ in range(3):
        worker.wake()
        assert worker._task is not None
        await worker._task
        await asyncio.sleep(0)

    assert len(tries) == 3
    assert worker._task is None
    await worker.stop()
