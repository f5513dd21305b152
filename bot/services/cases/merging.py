"""Two reports of the same thing become one case, and their authors stay sealed from each other."""

from datetime import datetime

from bot.domain.breaches import BreachCase, CaseEvent, CaseState, LetterKind, Side, next_state
from bot.domain.entitlement import Act, Viewer
from bot.domain.errors import CaseMismatchError, CaseStateError
from bot.services.cases.opening import Desk, OpenCase, open_case
from bot.storage import case_letters, case_upkeep, cases
from bot.storage.case_reports import list_of_case
from bot.storage.database import Database, Transaction


async def merge(
    database: Database,
    desk: Desk,
    viewer: Viewer,
    from_number: int,
    into_number: int,
    now: datetime,
) -> BreachCase:
    """Bring the reports of one case into another; the first is closed and points to the second.

    Whoever has a part in one of them has a part in the other from then on. What the accused was
    told and has answered in either of them counts for the case that goes on.

    Args:
        database: the open database.
        desk: the group.
        viewer: who wants to; they must be entitled to both.
        from_number: the case that is given up.
        into_number: the case that goes on.
        now: the current instant.

    Returns:
        The case that goes on.

    Raises:
        UnknownCaseError: one of them is not there, or not theirs.
        CaseMismatchError: they are the same, or do not name the same person, or both nobody.
        CaseStateError: one of them is decided or closed.
    """
    async with database.write() as tx:
        source = await open_case(tx, desk, from_number, viewer, Act.MERGE)
        target = await open_case(tx, desk, into_number, viewer, Act.MERGE)
        _require_alike(source, target)
        state = next_state(source.case.state, CaseEvent.MERGED)
        next_state(target.case.state, CaseEvent.MERGED)
        if source.is_appealed or target.is_appealed:
            raise CaseStateError
        reports = await list_of_case(tx, source.case.id)
        await case_upkeep.move_parts(tx, source.case.id, target.case.id)
        for earlier in await cases.list_merged(tx, source.case):
            await cases.mark(tx, earlier, merged_into=target.case.case_number)
        await cases.mark(
            tx, source.case.id, state=state, closed_at=now, merged_into=target.case.case_number
        )
        await _note(tx, source.case, viewer, now, f"#{into_number}")
        await _note(tx, target.case, viewer, now, f"#{from_number}")
        for report in reports:
            if report.withdrawn_at is None:
                await case_letters.add(tx, target.case, LetterKind.MERGED, now, report_id=report.id)
        return await cases.get(tx, target.case.id)


def _require_alike(source: OpenCase, target: OpenCase) -> None:
    # Only what the moderator sees decides: were a case that names nobody merged, the accused of the
    # one could have reported the other, and to refuse just that would tell who reported.
    if source.case.id == target.case.id or source.people.accused != target.people.accused:
        raise CaseMismatchError
    if CaseState.CLOSED in (source.case.state, target.case.state):
        raise CaseStateError


async def _note(
    tx: Transaction, case: BreachCase, viewer: Viewer, now: datetime, other: str
) -> None:
    actor = viewer.member_id
    await cases.add_step(
        tx, case, CaseEvent.MERGED, Side.MODERATOR, now, actor_id=actor, text=other
    )
    await cases.request_notice(tx, case, now)
