"""Keeps Pledge well below the limits after which Discord stops listening to a bot."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

INVALID_STATUSES = (401, 403, 429)
"""What Discord counts as invalid requests."""

INVALID_WINDOW = timedelta(minutes=10)
IN_HAND = 50
"""Invalid answers that may still come when nothing new is begun: eight rows, five tries each."""

INVALID_BUDGET = 1_000 - IN_HAND
"""Discord bans an address after 10,000 invalid requests in ten minutes; we stop far earlier."""

BURST = 5
"""How many people of one group are asked at once before the pace counts."""

ENOUGH = 1 - 1e-6
"""What one request takes; instants are whole microseconds, so a level may fall short by a hair."""

BREAKS = {40003: timedelta(minutes=10), 20026: timedelta(hours=1)}
"""How long to open no direct messages after Discord said there were too many, or flagged us."""


class Pace:
    """How fast people may be asked, and when to stop altogether.

    Args:
        per_minute: requests a minute, by group.
    """

    def __init__(self, per_minute: Mapping[str, int]) -> None:
        self._rates = dict(per_minute)
        self._tokens: dict[str, tuple[float, datetime]] = {}
        self._break_ends_at: datetime | None = None
        self._invalid: deque[datetime] = deque()

    def spend(self, group_key: str, now: datetime) -> None:
        """Count one request to somebody; a small debt is paid back by waiting."""
        self._tokens[group_key] = (self._level(group_key, now) - 1, now)

    def _level(self, group_key: str, now: datetime) -> float:
        level, at = self._tokens.get(group_key, (float(BURST), now))
        grown = max((now - at).total_seconds(), 0.0) * self._rates[group_key] / 60
        return min(level + grown, float(BURST))

    def not_asking(self, now: datetime) -> list[str]:
        """The groups that may ask nobody at `now`."""
        if self._break_ends_at is not None and now < self._break_ends_at:
            return list(self._rates)
        return [key for key in self._rates if self._level(key, now) < ENOUGH]

    def next_asking_at(self, now: datetime) -> datetime:
        """The earliest instant at which one of the groups of `not_asking` may ask again."""
        if self._break_ends_at is not None and now < self._break_ends_at:
            return self._break_ends_at
        levels = ((rate, self._level(key, now)) for key, rate in self._rates.items())
        waits = [(1 - level) * 60 / rate for rate, level in levels if level < 1]
        return now + timedelta(seconds=min(waits, default=0.0))

    def take_a_break(self, code: int, now: datetime) -> datetime:
        """Discord refused a new direct message for now; returns when to go on."""
        until = now + BREAKS.get(code, min(BREAKS.values()))
        self._break_ends_at = max(until, self._break_ends_at or until)
        return self._break_ends_at

    def end_break(self, started_at: datetime) -> bool:
        """A direct message begun at `started_at` got through; returns whether a break is over."""
        if self._break_ends_at is None or started_at < self._break_ends_at:
            return False
        self._break_ends_at = None
        return True

    def count_invalid(self, now: datetime) -> None:
        """Count an answer that Discord counts as invalid."""
        self._invalid.append(now)

    def over_budget_until(self, now: datetime) -> datetime | None:
        """Until when to send nothing, because too many requests were invalid; None is fine."""
        while self._invalid and self._invalid[0] <= now - INVALID_WINDOW:
            self._invalid.popleft()
        if len(self._invalid) < INVALID_BUDGET:
            return None
        return self._invalid[0] + INVALID_WINDOW
