"""Reads everything that Pledge holds about one person, for that person alone."""

from datetime import datetime

from bot.domain.privacy import OwnFile, OwnRecord, Part, Row
from bot.services.cases import mine
from bot.storage import case_parties, cases, privacy, suspensions
from bot.storage.database import Database, Transaction


async def read_own(
    database: Database,
    group_key: str,
    member_id: int,
    now: datetime,
    *,
    with_files: bool = False,
) -> OwnRecord:
    """Everything about one person in one group that they may see; it leaves no trace.

    Of a case that concerns them nothing is in it before they were written to, and never anything
    of the other side or of the work on it.

    Args:
        database: the open database.
        group_key: the group.
        member_id: who asks, whether or not they are in the server.
        now: the current instant.
        with_files: also read the files that they have handed in themselves.
    """
    async with database.read() as tx:
        rows = [
            *await privacy.list_agreement(tx, group_key, member_id),
            *await privacy.list_access(tx, group_key, member_id),
            *await privacy.list_messages(tx, group_key, member_id),
            *await privacy.list_ledger(tx, group_key, member_id),
            *await _list_reported(tx, group_key, member_id),
            *await _list_concerned(tx, group_key, member_id),
            *await privacy.list_office(tx, group_key, member_id),
        ]
        files = await _list_files(tx, group_key, member_id) if with_files else []
        pause = await suspensions.find_running(tx, group_key, member_id)
    return OwnRecord(
        group_key=group_key, read_at=now, rows=tuple(rows), files=tuple(files), pause=pause
    )


async def _list_reported(tx: Transaction, group_key: str, member_id: int) -> list[Row]:
    """Their reports in full, what was written to them, how it stands, and who has looked."""
    rows: list[Row] = []
    for report in await case_parties.list_own_reports(tx, group_key, member_id):
        case = await cases.get(tx, report.case_id)
        number = {"case_number": case.case_number}
        stands = {**number, "state": case.state.value}
        rows.append(Row(part=Part.REPORTED, table="breach_cases", values=stands))
        rows += await privacy.list_report(tx, case, report.id)
        for step in await mine.list_steps(tx, case, report):
            if step.kind in mine.SHOWN and step.at >= report.received_at:
                values = {**number, "at": step.at, "kind": step.kind.value}
                rows.append(Row(part=Part.REPORTED, table="breach_timeline", values=values))
        for look in await case_parties.list_access(tx, case, report):
            values = {**number, "at": look.at, "act": look.act}
            rows.append(Row(part=Part.REPORTED, table="case_access", values=values))
    return rows


async def _list_concerned(tx: Transaction, group_key: str, member_id: int) -> list[Row]:
    rows: list[Row] = []
    for case in await case_parties.list_accused_in(tx, group_key, member_id):
        rows += await privacy.list_concerned(tx, case)
    return rows


async def _list_files(tx: Transaction, group_key: str, member_id: int) -> list[OwnFile]:
    found: list[OwnFile] = []
    for report in await case_parties.list_own_reports(tx, group_key, member_id):
        for media_type, content in await privacy.list_files(tx, report.id):
            found.append(OwnFile(media_type=media_type, content=content))
    return found


async def list_groups(database: Database, group_keys: list[str], member_id: int) -> list[str]:
    """In which of these groups something is held about this person that they may see."""
    async with database.read() as tx:
        return [group_key for group_key in group_keys if await _holds(tx, group_key, member_id)]


async def _holds(tx: Transaction, group_key: str, member_id: int) -> bool:
    for read in (
        privacy.list_agreement,
        privacy.list_access,
        privacy.list_messages,
        privacy.list_ledger,
        _list_reported,
        _list_concerned,
        privacy.list_office,
    ):
        if await read(tx, group_key, member_id):
            return True
    return False
