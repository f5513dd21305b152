"""What moderators do at the desk: look at cases, take them on, note, step back, reopen, unseal."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.breaches import (
    BreachCase,
    CaseEvent,
    CaseState,
    Evidence,
    LetterKind,
    Look,
    Side,
    next_state,
)
from bot.domain.dossiers import Dossier, ShownReport
from bot.domain.entitlement import Act, Viewer
from bot.domain.errors import CaseStateError, UnknownCaseError
from bot.services.cases.opening import Desk, OpenCase, open_case, read_offices
from bot.storage import (
    case_decisions,
    case_letters,
    case_lists,
    case_reports,
    case_upkeep,
    cases,
    versions,
)
from bot.storage.case_lists import Range
from bot.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of the cases that somebody may see, counted from 0; `total` is of those alone."""

    cases: tuple[BreachCase, ...]
    page: int
    pages: int
    total: int


async def list_cases(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    states: Collection[CaseState],
    page: int,
    per_page: int,
) -> Listing:
    """One page of the cases that this person may see; the last one if there are fewer."""
    wanted = Range(states=states)
    async with database.read() as tx:
        offices = await read_offices(tx, desk, viewer)
        key = desk.group_key
        total = await case_lists.count_open_to(tx, key, viewer, offices, wanted)
        pages = max(1, -(-total // per_page))
        page = min(page, pages - 1)
        found = await case_lists.list_open_to(
            tx, key, viewer, offices, wanted, limit=per_page, offset=page * per_page
        )
    return Listing(cases=tuple(found), page=page, pages=pages, total=total)


async def list_choices(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    states: Collection[CaseState],
    digits: str,
    limit: int,
) -> list[BreachCase]:
    """Cases that this person may see, whose number begins with these digits, the newest first."""
    wanted = Range(states=states, digits=digits)
    async with database.read() as tx:
        offices = await read_offices(tx, desk, viewer)
        return await case_lists.list_open_to(
            tx, desk.group_key, viewer, offices, wanted, limit=limit
        )


async def show(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, now: datetime
) -> Dossier:
    """Everything about a case but who reported it; remembers who has seen it.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.SHOW)
        dossier = await _read_dossier(tx, desk, viewer, opened)
        await _log_look(tx, opened, viewer, Look.SHOWN, now)
        await _note_first_look(tx, opened.case, now)
    return dossier


async def export(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, now: datetime
) -> Dossier:
    """What goes into a file of the case: as it is shown, and whom this moderator has unsealed.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.EXPORT)
        dossier = await _read_dossier(tx, desk, viewer, opened)
        unsealed = await cases.list_unsealed(tx, opened.case.id, viewer.member_id)
        authors = {
            report.id: report.reporter_id
            for report in await case_reports.list_of_case(tx, opened.case.id)
            if report.id in unsealed
        }
        await _log_look(tx, opened, viewer, Look.EXPORTED, now)
        await _note_first_look(tx, opened.case, now)
    reports = (replace(one, reporter_id=authors.get(one.id)) for one in dossier.reports)
    return replace(dossier, reports=tuple(reports))


async def _read_dossier(tx: Transaction, desk: Desk, viewer: Viewer, opened: OpenCase) -> Dossier:
    case = opened.case
    accused_id = opened.people.accused
    reports = tuple(
        ShownReport(
            id=report.id,
            form=report.form,
            received_at=report.received_at,
            withdrawn_at=report.withdrawn_at,
        )
        for report in await case_reports.list_of_case(tx, case.id)
    )
    version = None
    if case.signed_version_id is not None:
        version = await versions.get(tx, case.signed_version_id)
    return Dossier(
        case=case,
        accused_id=accused_id,
        reports=reports,
        evidence=tuple(await case_reports.list_evidence(tx, case.id)),
        timeline=tuple(await cases.list_whole_timeline(tx, case)),
        waiting=await case_upkeep.read_waiting(tx, case.id),
        letters=tuple(await case_letters.list_of_case(tx, case.id)),
        earlier=await case_lists.count_earlier(tx, case, accused_id, viewer, opened.offices),
        signed_number=None if version is None else version.number,
        signed=None if version is None else version.agreement,
    )


async def _note_first_look(tx: Transaction, case: BreachCase, now: datetime) -> None:
    if case.first_looked_at is None:
        await cases.mark(tx, case.id, first_looked_at=now)
        await cases.request_notice(tx, case, now)


async def hand_out(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    case_number: int,
    evidence_id: int,
    now: datetime,
) -> tuple[Evidence, bytes]:
    """One file of a case, as it is kept; remembers who got it.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs; or it has no such file.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.SHOW)
        files = {file.id: file for file in await case_reports.list_evidence(tx, opened.case.id)}
        content = await case_reports.find_content(tx, opened.case.id, evidence_id)
        if evidence_id not in files or content is None:
            raise UnknownCaseError
        await _log_look(tx, opened, viewer, Look.EVIDENCE, now)
    return files[evidence_id], content


async def claim(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, now: datetime
) -> bool:
    """Take a case on, from nobody or from another moderator; the people who reported are told once.

    Returns:
        False when it was theirs already, and nothing has changed.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is decided or closed.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.CLAIM)
        case = opened.case
        state = next_state(case.state, CaseEvent.CLAIMED)
        if case.claimed_by == viewer.member_id and state is case.state:
            return False
        values = {"state": state, "claimed_by": viewer.member_id, "claimed_at": now}
        if case.first_looked_at is None:
            values["first_looked_at"] = now
        await cases.mark(tx, case.id, **values)
        await _add_own_step(tx, case, CaseEvent.CLAIMED, viewer, now)
        if case.state is CaseState.OPEN:
            await _tell_reporters(tx, case, LetterKind.PROGRESS, now)
        await cases.request_notice(tx, case, now)
    return True


async def note(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, text: str, now: datetime
) -> None:
    """Add a note to the timeline, for everybody who works on the case.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.NOTE)
        await _add_own_step(tx, opened.case, CaseEvent.NOTED, viewer, now, text)


async def recuse(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, now: datetime
) -> None:
    """Step back from a case, for good; whoever is left is told if no moderator is.

    Whoever steps back from one that was merged into another steps back from both.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.RECUSE)
        found = [opened.case]
        if opened.case.merged_into is not None:
            found.append(await cases.get_by_number(tx, desk.group_key, opened.case.merged_into))
        for case in found:
            await cases.add_recusal(tx, case.id, viewer.member_id, now)
            if case.claimed_by == viewer.member_id:
                await cases.mark(tx, case.id, claimed_by=None, claimed_at=None)
            await _add_own_step(tx, case, CaseEvent.RECUSED, viewer, now)
            await cases.request_notice(tx, case, now)


async def reopen(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, reason: str, now: datetime
) -> None:
    """Take a decided or closed case up again; the parties who know of it are told.

    What was decided stays in force until there is a new decision. That can be appealed against
    once, as the first one could, and anything graver needs a hearing of its own.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
        CaseStateError: it is not decided, or was merged into another or purged.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.REOPEN)
        case = opened.case
        state = next_state(case.state, CaseEvent.REOPENED)
        if case.merged_into is not None or case.purged_at is not None:
            raise CaseStateError
        await cases.mark(
            tx,
            case.id,
            state=state,
            outcome=None,
            decided_at=None,
            closed_at=None,
            purge_warned_at=None,
            claimed_by=viewer.member_id,
            claimed_at=now,
        )
        await _add_own_step(tx, case, CaseEvent.REOPENED, viewer, now, reason)
        await _tell_reporters(tx, case, LetterKind.PROGRESS, now)
        if case.has_accused and await case_decisions.has_written_to_accused(tx, case.id):
            await case_letters.add(tx, case, LetterKind.REOPENED, now)
        await cases.request_notice(tx, case, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who made a report, for the eyes of the one who unsealed it."""

    report_id: int
    reporter_id: int
    received_at: datetime


async def unseal(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, reason: str, now: datetime
) -> list[Author]:
    """Show one moderator who reported; it is remembered with the reason, and they are told.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs.
    """
    async with database.write() as tx:
        opened = await open_case(tx, desk, case_number, viewer, Act.UNSEAL)
        case = opened.case
        reports = await case_reports.list_of_case(tx, case.id)
        for report in reports:
            await _log_look(tx, opened, viewer, Look.UNSEALED, now, reason, report.id)
            await case_letters.add(
                tx,
                case,
                LetterKind.UNSEALED,
                now,
                report_id=report.id,
                text=reason,
                written_by=viewer.member_id,
            )
        await _add_own_step(tx, case, CaseEvent.UNSEALED, viewer, now, reason)
    return [
        Author(report_id=one.id, reporter_id=one.reporter_id, received_at=one.received_at)
        for one in reports
    ]


async def _log_look(
    tx: Transaction,
    opened: OpenCase,
    viewer: Viewer,
    look: Look,
    now: datetime,
    reason: str | None = None,
    report_id: int | None = None,
) -> None:
    case_id, by, office = opened.case.id, viewer.member_id, opened.office
    await cases.log_access(tx, case_id, by, look, now, reason, report_id, office=office)


async def _add_own_step(
    tx: Transaction,
    case: BreachCase,
    kind: CaseEvent,
    viewer: Viewer,
    now: datetime,
    text: str | None = None,
) -> None:
    await cases.add_step(tx, case, kind, Side.MODERATOR, now, actor_id=viewer.member_id, text=text)


async def _tell_reporters(
    tx: Transaction, case: BreachCase, kind: LetterKind, now: datetime
) -> None:
    """Write to everybody whose report stands; that counts as feedback."""
    for report in await case_reports.list_of_case(tx, case.id):
        if report.withdrawn_at is None:
            await case_letters.add(tx, case, kind, now, report_id=report.id)
    await cases.mark(tx, case.id, feedback_at=now)
