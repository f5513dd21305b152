"""A simulated Discord on which a short wait takes no time, and a slow machine does no harm."""

from typing import Any

import discord
import simcord
import simcord.env
from simcord import _dpy_internals, _settlement
from simcord._settlement import _next_virtual_timer
from typing_extensions import override

HORIZON = 5.0
"""Timers that fall due within so many seconds belong to what the bot is doing now."""

PATIENCE = 60.0
"""Real seconds for the bot to come to rest; a busy machine must not decide about a test."""

IDLE = 0.01
"""Real seconds after which to look again whether the bot has come to rest, if no task has ended."""


def _is_view_wait_future(client: discord.Client, waiter: Any) -> bool:
    """What simcord's own function of this name says, without a search through every attribute.

    With fifty views open, that search takes most of the time of a test.
    """
    if waiter is None or waiter.done():
        return False
    store = client._connection._view_store
    for items in store._views.values():
        for item in items.values():
            view: Any = item._view
            if view is not None and view._BaseView__stopped is waiter:
                return True
    modals: list[Any] = list(store._modals.values())
    return any(modal._BaseView__stopped is waiter for modal in modals)


def _timer_records_waking(state: Any, task: Any, waiter: Any) -> list[Any]:
    """Find the timer that simcord's own function would find first, where a sleep is waited for."""
    for record in state.work.callbacks:
        handle = record.handle
        args = None if handle is None else handle._args
        if args and args[0] is waiter and (record.when or 0) > state.virtual_time:
            return [record]
    return _SEARCH(state, task, waiter)


def _let_be(_state: object, _pending: object) -> None:
    """Take no timer off the real clock: on `VirtualWaits` none is on it."""


_SEARCH = _settlement._timer_records_waking
_settlement._timer_records_waking = _timer_records_waking
_dpy_internals.is_view_wait_future = _is_view_wait_future
simcord.env._virtualize_recognized_waits = _let_be  # pyright: ignore[reportPrivateImportUsage]


class VirtualWaits(simcord.Env):
    """Settles as its parent does, but moves its own clock to a timer instead of waiting for it.

    The parent has one limit for both: it sits out every timer that ends before the time in which
    the work must be done. So a short limit fails on a busy machine, and a long one takes long.
    """

    def __init__(self, bot: Any, **options: Any) -> None:
        super().__init__(bot, settle_timeout=PATIENCE, **options)

    @override
    def _schedule_timer(self, record: Any, callback: Any, args: Any, schedule_context: Any) -> None:
        super()._schedule_timer(record, callback, args, schedule_context)
        if record.real_handle is not None:
            record.real_handle.cancel()

    @override
    async def _settle_internal(self, **limits: Any) -> None:
        horizon = self._virtual_time + HORIZON
        await super()._settle_internal(**{**limits, "timeout": PATIENCE, "idle": IDLE})
        while not self._advancing:
            due = _next_virtual_timer(self._settlement_state())
            if due is None or due > horizon:
                break
            assert self._loop is not None
            await self._advance_to(max(due, self._virtual_time), self._loop.time() + PATIENCE)
