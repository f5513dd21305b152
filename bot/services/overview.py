"""How a group stands as a whole, and how it came to that."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import RequestState, Standing
from bot.storage import coverage, standings, versions
from bot.storage.coverage import Publish, Span
from bot.storage.database import Database
from bot.storage.standings import Kind

EXACT = 1_000
"""The largest group of which every signature is read for the past."""

SAMPLE = 250
"""How many people of a larger one are read for it: what is drawn cannot be told from the whole."""

_REACHED = (RequestState.SENT, RequestState.SIGNED, RequestState.DECLINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A group in numbers; everybody counted is in the server now.

    `people` have joined as far as the record knows, `asked` of them were shown the agreement, and
    `covered` hold a signature that counts. `half_within` is the time from being asked to signing
    that half of the signatures took. `line` says from when on how many people were covered. The
    last two come from one in `one_in` people: everybody, unless the group is large.
    """

    counts: dict[Standing, int]
    people: int
    asked: int
    covered: int
    half_within: timedelta | None
    line: tuple[tuple[datetime, int], ...]
    one_in: int
    publishes: tuple[Publish, ...]


async def look_over(database: Database, group_key: str, now: datetime) -> Overview:
    """Sum up a group as it is at `now`."""
    async with database.read() as tx:
        in_force = await versions.find_in_force(tx, group_key)
        kinds = await standings.list_kinds(tx, group_key, in_force, now)
        people = sum(kind.people for kind in kinds)
        one_in = 1 if people <= EXACT else -(-people // SAMPLE)
        spans = await coverage.list_spans(tx, group_key, one_in)
        publishes = await coverage.list_publishes(tx, group_key)
    counts: dict[Standing, int] = {}
    for kind in kinds:
        counts[kind.standing] = counts.get(kind.standing, 0) + kind.people
    covered = counts.get(Standing.SIGNED, 0)
    return Overview(
        counts=counts,
        people=people,
        asked=sum(kind.people for kind in kinds if _was_asked(kind)),
        covered=covered,
        half_within=_half_within(spans),
        line=_line(spans, covered, now),
        one_in=one_in,
        publishes=tuple(publishes),
    )


def _was_asked(kind: Kind) -> bool:
    """Whoever signed was asked, also when the asking for a newer text has not gone out yet."""
    return kind.state in _REACHED or kind.version_id is not None


def _half_within(spans: Iterable[Span]) -> timedelta | None:
    times = [
        span.signed_at - span.asked_at
        for span in spans
        if span.asked_at is not None and span.asked_at <= span.signed_at
    ]
    return statistics.median_low(times) if times else None


def _line(spans: Iterable[Span], covered: int, now: datetime) -> tuple[tuple[datetime, int], ...]:
    """The people covered after each change, the last of them at `now`."""
    changes: dict[datetime, int] = {}
    for span in spans:
        if span.ends_at is not None and span.ends_at <= span.signed_at:
            continue
        for at, change in ((span.signed_at, 1), (span.ends_at, -1)):
            if at is not None and at <= now:
                changes[at] = changes.get(at, 0) + change
    if not changes:
        return ()
    line: list[tuple[datetime, int]] = []
    count = 0
    for at, change in sorted(changes.items()):
        if change:
            count += change
            line.append((at, count))
    # Of a sample, the line is drawn to the scale of what is known of everybody.
    scale = covered / count if count else 1
    return (*((at, round(number * scale)) for at, number in line), (now, covered))
