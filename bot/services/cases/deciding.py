"""Deciding a breach case: written first, shown with all it would do, then confirmed as a whole."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.breaches import (
    NO_BREACH,
    CaseClocks,
    CaseEvent,
    CaseState,
    LetterKind,
    Side,
    next_state,
)
from bot.domain.disclosure import Risk
from bot.domain.entitlement import Act, Viewer
from bot.domain.errors import (
    CaseStateError,
    HearingNeededError,
    NobodyNamedError,
    StaleDecisionError,
)
from bot.domain.rulings import (
    Grounds,
    Plan,
    Ruling,
    may_be_appealed,
    resolve,
)
from bot.services.cases import access, letters
from bot.services.cases.opening import Desk, OpenCase, open_case
from bot.storage import (
    case_decisions,
    case_letters,
    case_reports,
    cases,
    signatures,
    suspensions,
    versions,
)
from bot.storage.case_decisions import Draft
from bot.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A decision that was written and not confirmed, what it would do, and the two letters.

    `risks` are what in the moderator's own words to the accused could give somebody away.
    """

    draft: Draft
    plan: Plan
    to_accused: str
    to_reporters: str
    risks: tuple[Risk, ...] = ()


Wording = Callable[[Plan, str | None], tuple[str, str]]
"""Gives the letters to the accused and to those who reported, with the moderator's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a group decides: the times it has set, and the words in which it writes."""

    clocks: CaseClocks
    word: Wording


async def list_outcomes(database: Database, group_key: str) -> list[tuple[str, str]]:
    """The steps of the ladder of the agreement in force: key and words, mildest first."""
    async with database.read() as tx:
        return await _ladder(tx, group_key)


async def _ladder(tx: Transaction, group_key: str) -> list[tuple[str, str]]:
    version = await versions.find_in_force(tx, group_key)
    steps = version.agreement.consequences if version is not None else ()
    return [(step.key, step.text) for step in steps]


async def prepare(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    ruling: Ruling,
    terms: Terms,
    now: datetime,
) -> Prepared:
    """Keep what a moderator wants to decide, and say what it would do; nothing is done yet.

    Args:
        database: the open database.
        desk: the group.
        viewer: who wants to decide.
        case_number: the case.
        ruling: what they want to decide.
        terms: how the group decides.
        now: the current instant.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        DecidedBeforeError: an appeal runs, and they have decided in this case.
        CaseStateError: it is not in review.
        UnknownOutcomeError, NobodyNamedError, SuspensionEndError, HarsherOutcomeError: see
            `bot.domain.rulings.resolve`.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.DECIDE)
        plan = await _plan(tx, opened, ruling, terms.clocks, now)
        case_id, by = opened.case.id, viewer.member_id
        draft_id = await case_decisions.put_draft(tx, case_id, by, plan.ruling, now)
        return _prepared(await _find_draft(tx, case_id, viewer, draft_id), plan, terms.word)


def _prepared(draft: Draft, plan: Plan, word: Wording) -> Prepared:
    to_accused, to_reporters = word(plan, draft.words)
    return Prepared(draft=draft, plan=plan, to_accused=to_accused, to_reporters=to_reporters)


async def _plan(
    tx: Transaction, opened: OpenCase, ruling: Ruling, clocks: CaseClocks, now: datetime
) -> Plan:
    case, accused = opened.case, opened.people.accused
    next_state(case.state, CaseEvent.DECIDED)
    steps = dict(await _ladder(tx, case.group_key))
    newest = await case_decisions.find_newest(tx, case.id)
    is_appealed = newest is not None and newest.appealed_at is not None
    grounds = Grounds(
        ladder=tuple(steps),
        has_accused=accused is not None,
        was_heard=await letters.was_heard(tx, case.id, now),
        appealed=newest if is_appealed else None,
        reopened=None if is_appealed else newest,
    )
    ruling = resolve(ruling, grounds, now)
    has_signature = False
    if accused is not None:
        signature = await signatures.find_unrevoked(tx, case.group_key, accused)
        in_force = await versions.find_in_force(tx, case.group_key)
        has_signature = signature is not None and signature.is_valid(in_force, now)
    was_told = await case_decisions.has_written_to_accused(tx, case.id)
    reports = await case_reports.list_of_case(tx, case.id)
    return Plan(
        case_number=case.case_number,
        ruling=ruling,
        step=steps.get(ruling.outcome),
        needs_hearing=grounds.needs_hearing(ruling.outcome, ruling.until),
        has_accused=accused is not None,
        tells_accused=accused is not None and (ruling.outcome != NO_BREACH or was_told),
        has_signature=has_signature,
        is_paused=bool(await suspensions.list_running_for(tx, case)),
        reports=sum(one.withdrawn_at is None for one in reports),
        appealed=grounds.appealed,
        appeal_until=now + clocks.appeal if may_be_appealed(ruling, grounds) else None,
    )


async def _find_draft(tx: Transaction, case_id: int, viewer: Viewer, draft_id: int) -> Draft:
    draft = await case_decisions.find_draft(tx, case_id, viewer.member_id, draft_id)
    if draft is None:
        raise StaleDecisionError
    return draft


async def reword(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    draft_id: int,
    terms: Terms,
    now: datetime,
    *,
    words: str | None = None,
) -> Prepared:
    """Change one's own words to the accused; None only reads the draft again.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        StaleDecisionError: the draft was replaced, confirmed or dropped.
        CaseStateError: the case is not in review any more.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.DECIDE)
        draft = await _find_draft(tx, opened.case.id, viewer, draft_id)
        if words is not None:
            await case_decisions.reword_draft(tx, draft.id, words)
            draft = replace(draft, words=words)
        plan = await _plan(tx, opened, draft.ruling, terms.clocks, now)
        risks = await letters.find_risks_to_accused(tx, opened.case, draft.words or "")
        return replace(_prepared(draft, plan, terms.word), risks=risks)


async def drop(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, draft_id: int
) -> None:
    """Drop one's own draft.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.DECIDE)
        draft = await case_decisions.find_draft(tx, opened.case.id, viewer.member_id, draft_id)
        if draft is not None:
            await case_decisions.delete_drafts(tx, opened.case.id, viewer.member_id)


async def decide(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    draft_id: int,
    terms: Terms,
    now: datetime,
) -> Plan:
    """Decide as one's draft says: recorded, carried out and told, all of it or nothing.

    Returns:
        What it does.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        DecidedBeforeError: an appeal runs, and they have decided in this case.
        StaleDecisionError: the draft is gone, or something was added to the case since.
        CaseStateError: the case is not in review.
        HearingNeededError: the accused was not heard yet.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.DECIDE)
        case = opened.case
        draft = await _find_draft(tx, case.id, viewer, draft_id)
        if draft.last_step_id != await case_decisions.find_last_step(tx, case.id):
            raise StaleDecisionError
        plan = await _plan(tx, opened, draft.ruling, terms.clocks, now)
        if plan.needs_hearing:
            raise HearingNeededError
        await _record(tx, opened, plan, viewer, now)
        accused = opened.people.accused
        if accused is not None and not plan.is_confirmed:
            appealed = plan.appealed
            signed_before = appealed.decided_at if appealed is not None else now
            await access.impose(tx, case, accused, plan.ruling, now, signed_before=signed_before)
        await _write(tx, opened, _prepared(draft, plan, terms.word), viewer, now)
        await case_decisions.delete_drafts(tx, case.id)
        await cases.request_notice(tx, case, now)
        return plan


async def _record(
    tx: Transaction, opened: OpenCase, plan: Plan, viewer: Viewer, now: datetime
) -> None:
    case, ruling = opened.case, plan.ruling
    state = next_state(case.state, CaseEvent.DECIDED)
    appeal_of = plan.appealed.id if plan.appealed is not None else None
    await case_decisions.add(tx, case.id, ruling, viewer.member_id, now, appeal_of=appeal_of)
    actor, words = viewer.member_id, ruling.reason
    kind, side = CaseEvent.DECIDED, Side.MODERATOR
    await cases.add_step(tx, case, kind, side, now, actor_id=actor, text=words)
    closed_at = None
    if plan.closes_now:
        state, closed_at = CaseState.CLOSED, now
        await cases.add_step(tx, case, CaseEvent.CLOSED, Side.PLEDGE, now)
    await cases.mark(
        tx,
        case.id,
        state=state,
        outcome=ruling.outcome,
        decided_at=now,
        closed_at=closed_at,
        first_looked_at=case.first_looked_at or now,
        feedback_at=now if plan.reports else case.feedback_at,
    )


async def _write(
    tx: Transaction, opened: OpenCase, prepared: Prepared, viewer: Viewer, now: datetime
) -> None:
    case, kind, by = opened.case, LetterKind.OUTCOME, viewer.member_id
    if prepared.plan.tells_accused:
        await case_letters.add(tx, case, kind, now, text=prepared.to_accused, written_by=by)
    for report in await case_reports.list_of_case(tx, case.id):
        if report.withdrawn_at is None:
            words = prepared.to_reporters
            await case_letters.add(
                tx, case, kind, now, report_id=report.id, text=words, written_by=by
            )


async def suspend_for_now(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, draft_id: int, now: datetime
) -> None:
    """Close the group to the accused before they were heard, because waiting would do harm.

    Why it is urgent is the reason of the moderator's draft. It runs until there is a decision;
    doing it again changes nothing.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        StaleDecisionError: the draft is gone.
        CaseStateError: the case is not in review, or an appeal runs, which makes nothing worse.
        NobodyNamedError: nobody is accused.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.DECIDE)
        case, accused = opened.case, opened.people.accused
        next_state(case.state, CaseEvent.DECIDED)
        if opened.is_appealed:
            raise CaseStateError
        draft = await _find_draft(tx, case.id, viewer, draft_id)
        if accused is None:
            raise NobodyNamedError
        if await suspensions.list_running_for(tx, case):
            return
        await access.close(tx, case, accused, now, until=None, provisional=True)
        actor, words = viewer.member_id, draft.ruling.reason
        kind, side = CaseEvent.SUSPENDED, Side.MODERATOR
        await cases.add_step(tx, case, kind, side, now, actor_id=actor, text=words)
        await case_letters.add(tx, case, LetterKind.SUSPENDED, now)
        await cases.request_notice(tx, case, now)
