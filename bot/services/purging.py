"""Once a day, what was kept for long enough goes, in steps that a crash cannot halve."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import partial

from bot.domain.agreements import RevokeReason
from bot.domain.breaches import CaseState
from bot.domain.retention import AWAY_AT_LEAST, RetentionTerms, told_until
from bot.services import forewarning
from bot.services.cases.retention import purge as purge_case
from bot.storage import (
    case_upkeep,
    cases,
    forgetting,
    holders,
    ledger,
    proofs,
    retention,
    signatures,
    versions,
)
from bot.storage.database import Database, Transaction
from bot.storage.retention import Leavers

PEOPLE_PER_STEP = 25
"""Each step is a transaction of its own, and nobody waits longer than for one of them."""

LEAVERS_PER_STEP = 10
"""Each of their signatures has to end first."""

PEOPLE_PER_LOOK = 5_000
"""Who is due is found out before the steps, where it holds nobody up, for many steps at once."""

ROWS_PER_STEP = 500
CASES_PER_STEP = 5
STEPS_PER_RUN = 100
SWEPT_WITHIN = timedelta(days=1)
"""Somebody counts as having left only if the member list was read to its end this lately."""

AGAIN_AFTER = timedelta(minutes=30)
"""When to look again after it was not, as at every start, or after old pages could not go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How many signatures and proofs lost their name, people were forgotten, and rows went.

    `is_whole` is False when there is more to do, `is_sure` while it is not known who has left.
    """

    signatures: int = 0
    proofs: int = 0
    people: int = 0
    requests: int = 0
    words: int = 0
    activity: int = 0
    cases: int = 0
    is_whole: bool = True
    is_sure: bool = True

    @property
    def total(self) -> int:
        """How many things went, of whatever kind."""
        counts = (getattr(self, field.name) for field in fields(self))
        return sum(count for count in counts if not isinstance(count, bool))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What is due in a group: whatever was due by `warned` was told of in time.

    `gone_at` is since when the bot is not in the server; `knows_leavers` says that whoever is
    noted as having left has.
    """

    group_key: str
    terms: RetentionTerms
    now: datetime
    warned: datetime | None
    gone_at: datetime | None
    knows_leavers: bool

    def is_gone_for(self, time: timedelta) -> bool:
        return self.gone_at is not None and self.gone_at <= self.now - time

    def find_leavers(self, time: timedelta) -> Leavers | None:
        """Whoever has been away for this long; None while that is not sure, or nobody was told."""
        everybody = self.is_gone_for(time)
        if self.warned is None or not (everybody or self.knows_leavers):
            return None
        return Leavers(group_key=self.group_key, before=self.warned - time, everybody=everybody)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What a step did, and whether there may be more of it to do."""

    count: int = 0
    has_more: bool = False


_Step = Callable[[Transaction, _Limits], Awaitable[_Done]]
_Look = Callable[[Transaction, Leavers, int], Awaitable[list[int]]]


def _next_mark(group_key: str) -> str:
    return f"retention of {group_key} next"


def _words_mark(group_key: str) -> str:
    return f"retention of {group_key} in the ledger"


async def run_daily(
    database: Database,
    group_key: str,
    terms: RetentionTerms,
    now: datetime,
    next_at: datetime,
) -> Purged | None:
    """The purge of a group, if its day has come; what is left over is for the next call.

    Args:
        database: the open database.
        group_key: the group.
        terms: how long it keeps things.
        now: the current instant.
        next_at: when to do it again, once everything is done.

    Returns:
        What went; None when it is too early.
    """
    mark = _next_mark(group_key)
    async with database.read() as tx:
        due_at = await versions.find_mark(tx, mark)
    # One that lies days ahead was written by a clock that was ahead.
    if due_at is not None and now < datetime.fromisoformat(due_at) <= next_at:
        return None
    purged = await purge(database, group_key, terms, now)
    if purged.is_whole:
        soon = min(next_at, now + AGAIN_AFTER)
        await _put_mark(database, mark, next_at if purged.is_sure else soon)
        if not await database.drop_old_pages():
            await _put_mark(database, mark, soon)
    return purged


async def _put_mark(database: Database, mark: str, at: datetime) -> None:
    async with database.write() as tx:
        await versions.put_mark(tx, mark, at.isoformat())


async def purge(
    database: Database,
    group_key: str,
    terms: RetentionTerms,
    now: datetime,
    *,
    steps: int = STEPS_PER_RUN,
) -> Purged:
    """Remove what was kept for long enough in a group, in so many transactions at the most.

    Nobody's access changes by it: what goes of people who are there is history, and whoever has no
    signature then had none that counted before.
    """
    async with database.read() as tx:
        limits = await _look(tx, group_key, terms, now)
    purged = Purged(is_sure=limits.knows_leavers)
    async with aclosing(_steps(database, limits)) as todo:
        async for name, step in todo:
            has_more = True
            while has_more:
                if not steps:
                    return replace(purged, is_whole=False)
                steps -= 1
                async with database.write() as tx:
                    done = await step(tx, limits)
                purged = replace(purged, **{name: getattr(purged, name) + done.count})
                has_more = done.has_more
    return purged


async def _look(tx: Transaction, group_key: str, terms: RetentionTerms, now: datetime) -> _Limits:
    group = await versions.get_group(tx, group_key)
    sweep = await holders.find_sweep(tx, group_key)
    tellings = await forewarning.find_tellings(tx, group_key, terms, now)
    is_read = sweep is None or (
        sweep.finished_at is not None and sweep.finished_at > now - SWEPT_WITHIN
    )
    is_away = group.gone_at is not None and group.gone_at <= now - AWAY_AT_LEAST
    return _Limits(
        group_key=group_key,
        terms=terms,
        now=now,
        warned=now if is_away else told_until(tellings, now),
        gone_at=group.gone_at,
        knows_leavers=group.restored_from is None and (is_away or is_read),
    )


async def _steps(database: Database, limits: _Limits) -> AsyncGenerator[tuple[str, _Step]]:
    """What there is to do, in this order: people are forgotten once their signatures are."""
    signed = limits.find_leavers(limits.terms.proof)
    async for people in _pages(database, retention.list_left_signed, signed, LEAVERS_PER_STEP):
        yield "signatures", partial(_end_of_leavers, people)
    yield "signatures", _keep_proofs
    yield "proofs", _reduce_proofs
    unsigned = limits.find_leavers(limits.terms.unsigned)
    async for people in _pages(database, retention.list_left_unsigned, unsigned, PEOPLE_PER_STEP):
        yield "people", partial(_forget_people, people)
    yield "requests", _drop_replaced
    yield "words", _forget_words
    yield "activity", _drop_activity
    yield "activity", _drop_small
    if limits.is_gone_for(limits.terms.unsigned):
        yield "activity", _drop_all_activity
        yield "activity", _drop_presence
    if limits.is_gone_for(AWAY_AT_LEAST):
        yield "cases", _drop_closed_cases
    if limits.is_gone_for(limits.terms.case):
        yield "cases", _drop_cases


async def _pages(
    database: Database, look: _Look, leavers: Leavers | None, size: int
) -> AsyncGenerator[Leavers]:
    """Leavers who are due, so many for a step; each step looks again whether they still are."""
    has_more = leavers is not None
    while leavers is not None and has_more:
        async with database.read() as tx:
            found = await look(tx, leavers, PEOPLE_PER_LOOK)
        for start in range(0, len(found), size):
            yield replace(leavers, among=found[start : start + size])
        has_more = len(found) == PEOPLE_PER_LOOK


async def _end_of_leavers(leavers: Leavers, tx: Transaction, limits: _Limits) -> _Done:
    """Signatures of people who left long ago end; then they are proofs like the others."""
    found = await retention.list_signatures_of(tx, leavers)
    for signature in found:
        await signatures.mark_revoked(tx, signature, RevokeReason.EXPIRED, limits.now)
    ended = [await signatures.get(tx, signature.id) for signature in found]
    # They were held since the person left: that is over.
    await proofs.keep(tx, limits.group_key, ended, timedelta(), limits.now)
    await retention.settle_refusals(tx, limits.group_key, ended)
    return _Done(count=len(found))


async def _keep_proofs(tx: Transaction, limits: _Limits) -> _Done:
    if limits.warned is None:
        return _Done()
    key, time = limits.group_key, limits.terms.proof
    ended = await retention.list_ended(tx, key, limits.warned - time, PEOPLE_PER_STEP)
    await proofs.keep(tx, key, ended, time, limits.now)
    await retention.settle_refusals(tx, key, ended)
    return _page(len(ended), PEOPLE_PER_STEP)


async def _reduce_proofs(tx: Transaction, limits: _Limits) -> _Done:
    # Their people were erased on their own word: nobody else is told.
    held = await proofs.list_due(tx, limits.group_key, limits.now, PEOPLE_PER_STEP)
    await proofs.reduce(tx, limits.group_key, held, limits.now)
    return _page(len(held), PEOPLE_PER_STEP)


async def _forget_people(leavers: Leavers, tx: Transaction, limits: _Limits) -> _Done:
    people = await retention.list_left_unsigned(tx, leavers, PEOPLE_PER_STEP)
    if people:
        await retention.forget_people(tx, limits.group_key, people, limits.now)
    return _Done(count=len(people))


async def _drop_replaced(tx: Transaction, limits: _Limits) -> _Done:
    if limits.warned is None:
        return _Done()
    before = limits.warned - limits.terms.unsigned
    found = await retention.list_replaced(tx, limits.group_key, before, ROWS_PER_STEP)
    return _page(await forgetting.drop_requests(tx, found), ROWS_PER_STEP)


async def _forget_words(tx: Transaction, limits: _Limits) -> _Done:
    if limits.warned is None:
        return _Done()
    key, mark = limits.group_key, _words_mark(limits.group_key)
    after = int(await versions.find_mark(tx, mark) or 0)
    before = limits.warned - limits.terms.proof
    positions, last = await retention.list_words(tx, key, before, after, ROWS_PER_STEP)
    if last == after:
        return _Done()
    await versions.put_mark(tx, mark, str(last))
    return _Done(count=await ledger.erase_at(tx, key, positions, limits.now), has_more=True)


async def _drop_activity(tx: Transaction, limits: _Limits) -> _Done:
    before = limits.now - limits.terms.activity
    gone = await retention.drop_activity(tx, limits.group_key, before, ROWS_PER_STEP)
    return _page(gone, ROWS_PER_STEP)


async def _drop_small(tx: Transaction, limits: _Limits) -> _Done:
    before = limits.now - limits.terms.activity
    return _Done(count=await retention.drop_small(tx, limits.group_key, before))


async def _drop_all_activity(tx: Transaction, limits: _Limits) -> _Done:
    gone = await retention.drop_all_activity(tx, limits.group_key, ROWS_PER_STEP)
    return _page(gone, ROWS_PER_STEP)


async def _drop_presence(tx: Transaction, limits: _Limits) -> _Done:
    return _Done(count=await retention.drop_presence(tx, limits.group_key))


async def _drop_closed_cases(tx: Transaction, limits: _Limits) -> _Done:
    """What moderators would have been warned of, if there were any."""
    now, before = limits.now, limits.now - limits.terms.case
    found = await case_upkeep.list_closed(
        tx, limits.group_key, before, now, CASES_PER_STEP, warned_before=None, even_unwarned=True
    )
    for case in found:
        await purge_case(tx, case, now)
    return _page(len(found), CASES_PER_STEP)


async def _drop_cases(tx: Transaction, limits: _Limits) -> _Done:
    """Cases that nobody can work on any more, in whatever state they are, and every pause."""
    key, now = limits.group_key, limits.now
    found = await retention.list_unpurged_cases(tx, key, CASES_PER_STEP)
    for case in found:
        if case.closed_at is None:
            await cases.mark(tx, case.id, state=CaseState.CLOSED, closed_at=now)
        await purge_case(tx, case, now)
    if not found:
        await retention.drop_suspensions(tx, key)
        return _Done()
    return _Done(count=len(found), has_more=True)


def _page(count: int, size: int) -> _Done:
    return _Done(count=count, has_more=count == size)
