"""The worker process: other people wait for nothing, and it goes when the bot goes."""

import asyncio
import importlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator

import psutil
import pytest

from bot.documents.press import MOST_MEMORY, GivenUpError, Press
from bot.network import ForbiddenHostError


def say_who() -> bytes:
    return str(os.getpid()).encode()


def add(first: bytes, *, second: bytes) -> bytes:
    return first + second


def fail() -> bytes:
    msg = "a page that cannot be set"
    raise ValueError(msg)


def fall() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def never_end() -> bytes:
    threading.Event().wait()
    return b""


def take(size: int) -> bytes:
    return bytes(size)[:1]


def count_threads() -> bytes:
    return str(psutil.Process().num_threads()).encode()


def draw_with_numbers() -> bytes:
    importlib.import_module("numpy")
    return count_threads()


def ask_for(host: str) -> bytes:
    socket.getaddrinfo(host, 443)
    return b""


@pytest.fixture
async def press() -> AsyncIterator[Press]:
    press = Press()
    yield press
    await press.close()


async def test_one_worker_makes_everything_until_it_is_closed(press: Press) -> None:
    both = await asyncio.gather(press.make(say_who), press.make(say_who))
    assert both[0] == both[1]
    assert int(both[0]) != os.getpid()
    assert await press.make(add, b"a", second=b"b") == b"ab"
    await press.close()
    assert not psutil.pid_exists(int(both[0]))
    assert await press.make(say_who) != both[0]


async def test_fault_reaches_whoever_asked_and_nobody_else(press: Press) -> None:
    with pytest.raises(ValueError, match="cannot be set"):
        await press.make(fail)
    assert await press.make(add, b"a", second=b"b") == b"ab"


async def test_worker_that_was_killed_is_replaced(press: Press) -> None:
    worker = int(await press.make(say_who))
    os.kill(worker, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(worker)] if psutil.pid_exists(worker) else [])
    assert int(await press.make(say_who)) != worker


async def test_worker_that_falls_every_time_is_given_up(press: Press) -> None:
    with pytest.raises(GivenUpError):
        await press.make(fall)
    assert await press.make(add, b"a", second=b"b") == b"ab"


async def test_file_that_takes_too_long_is_given_up_and_what_waits_is_made() -> None:
    press = Press(longest=0.2)
    endless, waits = (
        asyncio.create_task(press.make(never_end)),
        asyncio.create_task(press.make(add, b"a", second=b"b")),
    )
    with pytest.raises(GivenUpError):
        await endless
    assert await waits == b"ab"
    await press.close()


async def test_file_that_takes_too_much_memory_is_given_up(press: Press) -> None:
    worker = await press.make(say_who)
    with pytest.raises(MemoryError):
        await press.make(take, MOST_MEMORY)
    assert await press.make(say_who) == worker


async def test_what_draws_takes_no_memory_for_each_processor(press: Press) -> None:
    before = await press.make(count_threads)
    assert await press.make(draw_with_numbers) == before


async def test_worker_speaks_to_nobody(press: Press) -> None:
    with pytest.raises(ForbiddenHostError):
        await press.make(ask_for, "discord.com")


async def test_ctrl_c_of_a_terminal_does_not_end_it(press: Press) -> None:
    worker = await press.make(say_who)
    os.kill(int(worker), signal.SIGINT)
    assert await press.make(say_who) == worker


async def test_worker_without_work_gives_its_memory_back() -> None:
    press = Press(rest_after=0)
    worker = int(await press.make(say_who))
    both = await asyncio.gather(press.make(add, b"a", second=b"b"), press.make(say_who))
    assert both == [b"ab", str(worker).encode()]
    for _ in range(3):
        await asyncio.sleep(0)  # the timer is due at once
    assert int(await press.make(say_who)) != worker
    await press.close()


async def test_press_that_made_nothing_closes_at_once() -> None:
    await Press().close()
