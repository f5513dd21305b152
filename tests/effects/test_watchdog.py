"""Stuck requests end the process; a clock that is off is known; sessions are spent sparingly."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import aiohttp
import discord
import pytest
from aiohttp import web
from discord.http import HTTPClient

from bot.domain.errors import TemporaryError
from bot.effects import identify
from bot.effects.clock import Clock
from bot.effects.identify import Sessions, SessionsUsedUpError
from bot.effects.watchdog import EFFECT_PATIENCE, PROBE_PATIENCE, Watchdog
from bot.effects.worker import Worker

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def client_with(**http: Any) -> Any:
    """A client whose requests end as the test says."""
    return mock.create_autospec(
        discord.Client, instance=True, http=mock.create_autospec(HTTPClient, instance=True, **http)
    )


def idle_worker(begun_at: float | None = None) -> Any:
    worker = mock.create_autospec(Worker, instance=True)
    worker.oldest_in_hand.side_effect = lambda now: now if begun_at is None else begun_at
    return worker


async def test_probe_that_never_comes_back_ends_the_process() -> None:
    never, reasons = asyncio.Event(), list[TemporaryError]()
    dog = Watchdog(client_with(request=never.wait), idle_worker(), reasons.append)
    client: Any = dog._client
    client.http.request = lambda _route: never.wait()

    dog.look(0.0)
    await asyncio.sleep(0)
    dog.look(PROBE_PATIENCE)
    assert reasons == []
    dog.look(PROBE_PATIENCE + 1)

    assert len(reasons) == 1
    assert "has not come back" in str(reasons[0])
    assert dog._probe is not None
    assert not dog._probe.cancelled(), "a request to Discord is never cancelled"
    never.set()
    await dog._probe


@pytest.mark.parametrize("error", [None, aiohttp.ServerDisconnectedError(), ConnectionResetError()])
async def test_probe_that_comes_back_in_whatever_way_is_fine(error: Exception | None) -> None:
    reasons: list[TemporaryError] = []
    client = client_with()
    client.http.request.side_effect = error
    dog = Watchdog(client, idle_worker(), reasons.append)
    for minute in range(100):
        dog.look(minute * 60.0)
        assert dog._probe is not None
        await dog._probe
    assert reasons == []
    assert client.http.request.await_count == 100


async def test_effect_that_never_ends_ends_the_process() -> None:
    reasons: list[TemporaryError] = []
    dog = Watchdog(client_with(), idle_worker(begun_at=0.0), reasons.append)
    dog.look(EFFECT_PATIENCE)
    assert reasons == []
    dog.look(EFFECT_PATIENCE + 1)
    assert len(reasons) == 1
    assert dog._probe is not None
    await dog._probe


# --- the clock ---------------------------------------------------------------------------------


class Times:
    """A clock that a test can set, and time that goes by all the same."""

    def __init__(self) -> None:
        self.wall, self.seconds = NOON, 0.0
        self.clock = Clock(lambda: self.wall, lambda: self.seconds)

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


def test_clock_stands_still_until_a_small_step_back_is_made_up() -> None:
    times = Times()
    assert times.clock.now() == NOON
    times.wall -= timedelta(minutes=4)
    assert times.clock.now() == NOON
    times.wait(5 * 60)
    assert times.clock.now() == NOON + timedelta(minutes=1)
    assert not times.clock.take_set_back()


def test_clock_that_was_set_back_far_is_believed_and_reported_once() -> None:
    times = Times()
    times.clock.now()
    times.wall -= timedelta(days=1)
    assert times.clock.now() == NOON - timedelta(days=1)
    assert times.clock.take_set_back()
    assert not times.clock.take_set_back()


def test_clock_is_trusted_until_discord_says_otherwise() -> None:
    assert not Times().clock.is_wrong


@pytest.mark.parametrize(("minutes", "is_wrong"), [(-6, True), (-4, False), (4, False), (6, True)])
def test_clock_is_wrong_when_discord_differs_by_more_than_five_minutes(
    minutes: int, *, is_wrong: bool
) -> None:
    times = Times()
    times.clock.observe(NOON + timedelta(minutes=minutes))
    assert times.clock.is_wrong is is_wrong
    times.wait(3600)
    assert times.clock.is_wrong is is_wrong, "how long ago Discord said so does not matter"
    times.clock.observe(times.wall)
    assert not times.clock.is_wrong


@pytest.mark.parametrize(("ahead", "told"), [(4, -4), (-4, 4), (6, 0), (0, 0)])
def test_instants_of_ours_are_told_by_discords_clock(ahead: int, told: int) -> None:
    times = Times()
    times.clock.observe(NOON - timedelta(minutes=ahead))
    # Beyond what is trusted, our instants are Discord's already.
    assert times.clock.by_discord(NOON) == NOON + timedelta(minutes=told)


def test_clock_that_jumps_after_it_was_right_is_wrong_at_once() -> None:
    times = Times()
    times.clock.observe(NOON)
    times.wait(600)
    times.wall += timedelta(days=1)
    assert times.clock.is_wrong
    assert times.clock.ahead == timedelta(days=1)
    assert times.clock.now() == NOON + timedelta(seconds=600), "Discord's time counts meanwhile"


@pytest.mark.parametrize(
    ("date", "is_wrong"),
    [
        ("Mon, 01 Jun 2026 12:00:00 GMT", False),
        ("Mon, 01 Jun 2026 11:00:00 GMT", True),
        ("yesterday", False),
        ("Mon, 99 Jun 2026 11:00:00 GMT", False),
    ],
)
async def test_time_is_read_from_every_answer(date: str, *, is_wrong: bool) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(headers={"Date": date})

    times, app = Times(), web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with (
        aiohttp.ClientSession(trace_configs=[times.clock.trace()]) as session,
        session.get(f"http://127.0.0.1:{port}/") as response,
    ):
        assert response.status == 200
    await runner.cleanup()
    assert times.clock.is_wrong is is_wrong


# --- sessions ----------------------------------------------------------------------------------


def sessions_left(remaining: int) -> Any:
    limit = {"total": 1000, "remaining": remaining, "reset_after": 3_600_000, "max_concurrency": 1}
    client = client_with()
    client.http.get_bot_gateway.return_value = (1, "wss://gateway.invalid", limit)
    return client


async def test_no_session_is_begun_when_few_are_left() -> None:
    with pytest.raises(SessionsUsedUpError, match=r"Only 49 of 1000.*2026-06-01 13:00 UTC"):
        await Sessions(sessions_left(49)).wait_for_turn(NOON)
    await Sessions(sessions_left(50)).wait_for_turn(NOON)


async def test_sessions_that_end_at_once_are_begun_more_and_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(identify, "asyncio", SimpleNamespace(sleep=sleep, shield=asyncio.shield))
    sessions, now = Sessions(sessions_left(900)), NOON
    for _ in range(200):
        await sessions.wait_for_turn(now)
        now += timedelta(seconds=slept[-1])
    assert slept[:6] == [0.0, 5.0, 10.0, 20.0, 30.0, 30.0]
    await sessions.wait_for_turn(now + timedelta(hours=1))
    assert slept[-1] == 0.0


async def test_request_for_the_budget_is_not_cancelled_with_the_connecting() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()
    finished: list[bool] = []

    async def get_bot_gateway() -> Any:
        asked.set()
        await answer.wait()
        finished.append(True)
        return 1, "", {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}

    client = client_with()
    client.http.get_bot_gateway = get_bot_gateway
    turn = asyncio.create_task(Sessions(client).wait_for_turn(NOON))
    await asked.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    answer.set()
    for _ in range(3):
        await asyncio.sleep(0)
    assert finished == [True]
