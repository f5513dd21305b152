"""Takes in reports: what was typed is kept before anything else is done with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from bot.domain.agreements import Signature
from bot.domain.breaches import CaseEvent, Evidence, LetterKind, ReportForm, Side
from bot.domain.errors import TooManyReportsError
from bot.storage import case_letters, case_reports, cases, proofs, signatures, versions
from bot.storage.database import Database, Transaction

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many reports are taken in a day, from one person and in a whole group."""

    per_person: int
    per_group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A report that was kept; `is_new` is False when the same form had come before."""

    case_number: int
    report_id: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file as it is kept; `content` is None when the bytes could not be had or were refused."""

    about: Evidence
    content: bytes | None


async def require_room(
    database: Database, group_key: str, reporter_id: int, limits: Limits, now: datetime
) -> None:
    """Refuse one more report before anybody has typed it.

    Raises:
        TooManyReportsError: too many have come within a day.
    """
    async with database.read() as tx:
        await _require_room(tx, group_key, reporter_id, limits, now)


async def _require_room(
    tx: Transaction, group_key: str, reporter_id: int, limits: Limits, now: datetime
) -> None:
    since = now - DAY
    own = await case_reports.count_since(tx, group_key, since, reporter_id)
    if own >= limits.per_person:
        raise TooManyReportsError
    if await case_reports.count_since(tx, group_key, since) >= limits.per_group:
        raise TooManyReportsError


async def read_crisis(database: Database, group_key: str) -> str | None:
    """What the agreement in force says to somebody in danger; None before the first one."""
    async with database.read() as tx:
        in_force = await versions.find_in_force(tx, group_key)
    return None if in_force is None else in_force.agreement.crisis


async def report(
    database: Database,
    group_key: str,
    reporter_id: int,
    form: ReportForm,
    given_by: int,
    limits: Limits,
    now: datetime,
) -> Received:
    """Open a case with what somebody has just sent.

    The case remembers which version the accused had validly signed at the time, or that they had
    none. Nobody can accuse themselves: then the case names nobody, and the words stay.

    Args:
        database: the open database.
        group_key: the group.
        reporter_id: who reports.
        form: what they typed.
        given_by: the number of the form. The same one twice makes one case: Discord leaves a form
            open when it has not heard from us in time, and people press again.
        limits: how many reports are taken in a day.
        now: the current instant.

    Raises:
        TooManyReportsError: too many have come within a day; nothing was kept.
    """
    if form.accused_id == reporter_id:
        form = replace(form, accused_id=None)
    async with database.write() as tx:
        given = await case_reports.find_given(tx, given_by)
        if given is not None and (given.reporter_id, given.form) == (reporter_id, form):
            case = await cases.get(tx, given.case_id)
            return Received(case_number=case.case_number, report_id=given.id, is_new=False)
        await _require_room(tx, group_key, reporter_id, limits, now)
        signed_id = await _find_signed_version(tx, group_key, form, now)
        case = await cases.add(tx, group_key, form.clause, form.accused_id, signed_id, now)
        # The form was sent once more with other words: those are a report of their own.
        number = given_by if given is None else None
        report_id = await case_reports.add(tx, case.id, reporter_id, form, now, given_by=number)
        await cases.add_step(tx, case, CaseEvent.REPORTED, Side.REPORTER, now)
        await cases.request_notice(tx, case, now)
        await case_letters.add(tx, case, LetterKind.ACKNOWLEDGED, now, report_id=report_id)
    return Received(case_number=case.case_number, report_id=report_id, is_new=True)


async def _find_signed_version(
    tx: Transaction, group_key: str, form: ReportForm, now: datetime
) -> int | None:
    """Which version the accused had signed then; also if only a proof is left that they had."""
    if form.accused_id is None:
        return None
    given = await signatures.list_of_member(tx, group_key, form.accused_id)
    signed = signature_at(given, form.incident_on, now)
    if signed is not None:
        return signed.version_id
    begins, ends = _time_of(form.incident_on, now)
    left = await proofs.list_of_member(tx, group_key, form.accused_id)
    counted = [one for one in left if one.signed_at <= ends and one.ended_at > begins]
    return counted[-1].version_id if counted else None


def _time_of(incident_on: date | None, now: datetime) -> tuple[datetime, datetime]:
    """When something began and ended at the most; now, if no day is known.

    Discord shows everybody their own time, so a day here is as long as a day is anywhere.
    """
    if incident_on is None:
        return now, now
    midnight = datetime.combine(incident_on, time(), UTC)
    return midnight - timedelta(hours=14), midnight + timedelta(hours=36)


def signature_at(
    given: Sequence[Signature], incident_on: date | None, now: datetime
) -> Signature | None:
    """The newest signature that counted at some time of a day, or counts now if no day is known."""
    begins, ends = _time_of(incident_on, now)
    counted = [
        one
        for one in given
        if one.signed_at <= ends
        and all(end is None or end > begins for end in (one.revoked_at, one.ends_at()))
    ]
    return max(counted, key=lambda one: one.id, default=None)


async def keep_evidence(
    database: Database, report_id: int, files: Sequence[KeptFile], now: datetime
) -> bool:
    """Keep what was handed in with a report; what could not be kept is noted, and asked for again.

    Args:
        database: the open database.
        report_id: the report.
        files: in the order in which they were handed in.
        now: the current instant.

    Returns:
        False when the report has its files already, and nothing has changed.
    """
    if not files:
        return False
    async with database.write() as tx:
        if await case_reports.has_evidence(tx, report_id):
            return False
        case = await cases.get(tx, await case_reports.get_case_id(tx, report_id))
        for file in files:
            await case_reports.add_evidence(tx, case.id, report_id, file.about, file.content, now)
        await cases.add_step(tx, case, CaseEvent.EVIDENCE_ADDED, Side.REPORTER, now)
        if any(file.content is None for file in files):
            await case_letters.add(tx, case, LetterKind.EVIDENCE_LOST, now, report_id=report_id)
    return True
