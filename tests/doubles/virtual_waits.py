"""A simulated Discord on which a short wait takes no time, and a slow machine does no harm."""

from typing import Any

import simcord
from simcord._settlement import _next_virtual_timer
from typing_extensions import override

HORIZON = 5.0
"""Timers that fall due within so many seconds belong to what the bot is doing now."""

PATIENCE = 60.0
"""Real seconds for the bot to come to rest; a busy machine must not decide about a test."""


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
        await super()._settle_internal(**{**limits, "timeout": PATIENCE})
        while not self._advancing:
            due = _next_virtual_timer(self._settlement_state())
            if due is None or due > horizon:
                break
            assert self._loop is not None
            await self._advance_to(max(due, self._virtual_time), self._loop.time() + PATIENCE)
