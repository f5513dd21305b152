"""What follows a decision: appeals, pauses that are over, and cases that close by themselves."""

from collections.abc import Collection
from datetime import datetime

from bot.domain.breaches import (
    BreachCase,
    CaseClocks,
    CaseEvent,
    CaseState,
    Decision,
    LetterKind,
    Side,
    is_appeal_over,
    may_appeal_until,
    next_state,
)
from bot.domain.effects import EffectKind, lane_of_role
from bot.domain.entitlement import Act, Viewer
from bot.domain.errors import NoAppealError, UnknownCaseError
from bot.domain.rulings import REMINDER
from bot.domain.suspensions import Suspension
from bot.services.cases import access
from bot.services.cases.opening import Desk, open_case
from bot.storage import (
    case_decisions,
    case_letters,
    case_parties,
    case_reports,
    cases,
    effects,
    suspensions,
)
from bot.storage.database import Database, Transaction

PER_RUN = 100


async def appeal(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    words: str,
    clocks: CaseClocks,
    now: datetime,
) -> None:
    """The accused asks for another look by somebody who did not decide; once, and in time.

    What was decided stays in force until then. Those who reported are told that it goes on. The
    same words again change nothing.

    Args:
        database: the open database.
        desk: the group.
        viewer: the accused.
        case_number: the case.
        words: what they say.
        clocks: the times the group has set.
        now: the current instant.

    Raises:
        UnknownCaseError: there is no such case, or it is not about them.
        NoAppealError: nothing is decided against them, it was an appeal already, or it is too late.
    """
    async with database.write() as tx:
        case = (await open_case(tx, desk, case_number, viewer, Act.APPEAL)).case
        decision = await case_decisions.find_newest(tx, case.id)
        if decision is not None and decision.appealed_at and decision.appeal == words:
            return
        if decision is None or await _find_appeal_end(tx, case, decision, clocks, now) is None:
            raise NoAppealError
        state = next_state(case.state, CaseEvent.APPEALED)
        await case_decisions.mark_appealed(tx, decision.id, words, now)
        await cases.mark(
            tx, case.id, state=state, claimed_by=None, claimed_at=None, decided_at=None
        )
        await cases.add_step(tx, case, CaseEvent.APPEALED, Side.ACCUSED, now, text=words)
        await _tell_reporters(tx, case, LetterKind.PROGRESS, now)
        await cases.request_notice(tx, case, now)


async def find_appeal_end(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    clocks: CaseClocks,
    now: datetime,
) -> datetime:
    """Until when the accused may appeal.

    Raises:
        UnknownCaseError: there is no such case, or it is not about them.
        NoAppealError: they may not.
    """
    async with database.read() as tx:
        case = (await open_case(tx, desk, case_number, viewer, Act.APPEAL)).case
        decision = await case_decisions.find_newest(tx, case.id)
        until = None
        if decision is not None:
            until = await _find_appeal_end(tx, case, decision, clocks, now)
    if until is None:
        raise NoAppealError
    return until


async def _find_appeal_end(
    tx: Transaction, case: BreachCase, decision: Decision, clocks: CaseClocks, now: datetime
) -> datetime | None:
    """Until when an appeal is taken; None when none is."""
    told = await case_letters.find_outcome(tx, case.id, decision.decided_at)
    until = may_appeal_until(decision, clocks, told)
    is_open = until is not None and case.state is CaseState.DECIDED
    return until if is_open and not is_appeal_over(decision, clocks, told, now) else None


async def list_appealable(database: Database, group_key: str, member_id: int) -> list[int]:
    """Numbers of the cases in which something is decided against this person, newest first."""
    async with database.read() as tx:
        return await case_decisions.list_numbers_against(tx, group_key, member_id)


async def list_groups_of_accused(
    database: Database, group_keys: Collection[str], member_id: int, case_number: int
) -> list[str]:
    """Those of these groups in which a case of this number is about this person, as they know."""
    found: list[str] = []
    async with database.read() as tx:
        for key in group_keys:
            known = await case_parties.list_accused_in(tx, key, member_id)
            decided = await case_decisions.list_numbers_against(tx, key, member_id)
            if case_number in {*decided, *(case.case_number for case in known)}:
                found.append(key)
    return found


async def close_due(database: Database, group_key: str, clocks: CaseClocks, now: datetime) -> int:
    """Close the decided cases of a group in which the time to appeal is over.

    It is not while the accused has not been told, or had the time since they were.

    Returns:
        How many were closed.
    """
    closed = 0
    async with database.write() as tx:
        decided_before = now - clocks.appeal
        found = await case_decisions.list_decided(tx, [group_key], decided_before, PER_RUN)
        for case, decision in found:
            told = await case_letters.find_outcome(tx, case.id, decision.decided_at)
            if not is_appeal_over(decision, clocks, told, now):
                continue
            state = next_state(case.state, CaseEvent.CLOSED)
            await cases.mark(tx, case.id, state=state, closed_at=now, feedback_at=now)
            await cases.add_step(tx, case, CaseEvent.CLOSED, Side.PLEDGE, now)
            await _tell_reporters(tx, case, LetterKind.CLOSED, now)
            await cases.request_notice(tx, case, now)
            closed += 1
    return closed


async def end_due_suspensions(
    database: Database, group_keys: Collection[str], now: datetime
) -> int:
    """End the suspensions whose time is over, and provisional ones of cases that are closed.

    Whoever holds a valid signature gets the role back, everybody else is asked to sign.

    Args:
        database: the open database.
        group_keys: the groups.
        now: the current instant; not by a clock that is known to be wrong.

    Returns:
        How many ended.
    """
    async with database.write() as tx:
        due = await suspensions.list_due(tx, group_keys, now, PER_RUN)
        for one in await suspensions.list_provisional(tx, group_keys):
            if (await _root(tx, one.case_id)).state is CaseState.CLOSED:
                due.append(one)
        for one in due:
            await _end(tx, one, now)
        return len(due)


async def _end(tx: Transaction, suspension: Suspension, now: datetime) -> None:
    await suspensions.end(tx, suspension, now)
    await access.open_again(tx, suspension.group_key, suspension.member_id, now)
    case = await _root(tx, suspension.case_id)
    if case.purged_at is not None:
        # Nothing is left of it that could be told, or added to.
        return
    await cases.add_step(tx, case, CaseEvent.SUSPENSION_ENDED, Side.PLEDGE, now)
    if await cases.find_accused(tx, case.id) is not None:
        await case_letters.add(tx, case, LetterKind.SUSPENSION_ENDED, now)
    await cases.request_notice(tx, case, now)


async def _root(tx: Transaction, case_id: int) -> BreachCase:
    """The case that goes on, when this one was merged into another."""
    case, seen = await cases.get(tx, case_id), set[int]()
    while case.merged_into is not None and case.id not in seen:
        seen.add(case.id)
        try:
            case = await cases.get_by_number(tx, case.group_key, case.merged_into)
        except UnknownCaseError:
            return case
    return case


async def note_carried_out(database: Database, group_keys: Collection[str], now: datetime) -> int:
    """Note of which decisions everything was done: the role taken, or the reminder delivered.

    What Discord does not let be done yet stays open, and the moderators see that.

    Returns:
        How many were noted.
    """
    noted, after_id = 0, 0
    while True:
        async with database.write() as tx:
            page = await case_decisions.list_uncarried(tx, group_keys, after_id, PER_RUN)
            for case, decision in page:
                after_id = decision.id
                if not await _is_carried_out(tx, case, decision):
                    continue
                await case_decisions.mark_carried_out(tx, decision.id, now)
                await cases.add_step(tx, case, CaseEvent.CARRIED_OUT, Side.PLEDGE, now)
                await cases.request_notice(tx, case, now)
                noted += 1
        if len(page) < PER_RUN:
            return noted


async def _is_carried_out(tx: Transaction, case: BreachCase, decision: Decision) -> bool:
    if decision.outcome == REMINDER:
        return await case_decisions.has_reached_accused(tx, case.id, decision.decided_at)
    accused = await cases.find_accused(tx, case.id)
    if accused is None:
        return False
    lane = lane_of_role(case.group_key, accused)
    return not await effects.has_unfinished(tx, lane, EffectKind.ALIGN_ROLE)


async def _tell_reporters(
    tx: Transaction, case: BreachCase, kind: LetterKind, now: datetime
) -> None:
    for report in await case_reports.list_of_case(tx, case.id):
        if report.withdrawn_at is None:
            await case_letters.add(tx, case, kind, now, report_id=report.id)
