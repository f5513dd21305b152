"""Discord stops listening to a bot that asks for what it may not have too often: we stop first."""

from collections import deque
from datetime import datetime, timedelta

import pytest

from bot.domain.agreements import RequestState
from bot.domain.effects import EffectKind, EffectState
from bot.settings import Group, Signing
from bot.storage import effects
from tests.cogs.conftest import make_group
from tests.simulation.conftest import LONG, Line
from tests.simulation.wire import Answer

BUDGET = 1_000
WINDOW = timedelta(minutes=10)
INVALID = (401, 403, 429)
GROUPS = 3
JOINERS = 1_000 if LONG else 360
"""With three groups that ask at the greatest pace there is; enough to reach the budget."""


def worst_window(line: Line) -> int:
    """The most invalid requests in ten minutes, as Discord counts them."""
    window, worst = deque[datetime](), 0
    for exchange in line.wire.exchanges:
        if exchange.status in INVALID:
            window.append(exchange.at)
        while window and window[0] <= exchange.at - WINDOW:
            window.popleft()
        worst = max(worst, len(window))
    return worst


class TestClosedDirectMessages:
    @pytest.fixture
    def groups(self) -> list[Group]:
        signing = Signing(dm_per_minute=60)
        return [make_group(f"group-{n}", signing=signing) for n in range(GROUPS)]

    async def test_budget_is_kept_and_everything_goes_on_after_the_window(self, line: Line) -> None:
        from bot.services import members
        from bot.services.members import Present

        closed = Answer(status=403, code=50007)
        line.wire.break_("POST", "/channels/*/messages", closed)
        now = line.now()
        ids = [line.arrive(f"test-{n}") for n in range(JOINERS)]
        people = [Present(member_id=one, has_role=False, joined_at=now) for one in ids]
        for key in line.client.groups:
            await members.welcome(line.database, key, people, now, live=True)

        await line.run(6 * 60)
        stopped = line.wire.count(403)
        await line.run(60)
        assert stopped == line.wire.count(403), "it has stopped for the rest of the window"
        await line.finish(3 * 3600)

        assert BUDGET * 0.9 < worst_window(line) <= BUDGET
        asks = [ask for ask in await line.outbox(EffectKind.ASK) if ask.member_id in ids]
        assert len(asks) == JOINERS * GROUPS
        assert {ask.state for ask in asks} == {EffectState.DROPPED}
        assert all(ask.attempts == 1 for ask in asks), "nobody was tried twice"
        record = await line.record_of(ids[-1])
        assert record.request is not None
        assert record.request.state is RequestState.BLOCKED


async def test_budget_counts_what_discord_py_tries_again_by_itself(line: Line) -> None:
    member_ids = [line.arrive(f"test-{n}") for n in range(300)]
    async with line.database.write() as tx:
        for member_id in member_ids:
            await effects.add_role_change(tx, line.group.key, member_id, line.now())
    line.wire.retry_after = 0.1
    line.wire.break_("DELETE", "/guilds/*/members/*/roles/*", Answer(status=429))

    await line.run(20 * 60)

    assert line.wire.count(429) > BUDGET
    assert worst_window(line) <= BUDGET
    line.wire.faults.clear()
    await line.finish(3600)
    rows = await line.outbox(EffectKind.ALIGN_ROLE)
    assert {row.state for row in rows} == {EffectState.DONE}
