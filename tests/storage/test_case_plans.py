"""What moderators ask of a group with many cases is answered from indexes, on both engines."""

from typing import Any

from sqlalchemy import event, text

from benchmarks.cases import DESK, ESCALATED, MODERATOR, OWNER, fill
from benchmarks.crowd import NOW
from bot.domain.breaches import CaseState
from bot.domain.entitlement import Viewer
from bot.services.cases import calling, desk
from bot.storage.database import Database
from tests.storage.test_plans import explain, scanned

CASES = 2_000
SMALL = {"groups", "agreement_versions", "marks", "officers", "breach_recusals", "breach_calls"}
"""Tables of a few rows, which may be read as a whole."""

EMPTY = {"breach_decisions", "breach_letters"}
"""Without any rows here, so that a plan may do as it likes with them."""


async def record(database: Database) -> list[tuple[str, Any]]:
    """Every question that lists, choices, one case and the look for uncalled ones ask."""
    asked: list[tuple[str, Any]] = []
    engine = database._engine.sync_engine

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    every, owner = list(CaseState), Viewer(member_id=OWNER, is_owner=True)
    for viewer in (MODERATOR, ESCALATED, owner):
        await desk.list_cases(database, DESK, viewer, every, 0, 10)
        await desk.list_choices(database, DESK, viewer, every, "7", 25)
    for number in range(1, 30):
        case = await desk.list_choices(database, DESK, MODERATOR, every, str(number), 1)
        await desk.show(database, DESK, MODERATOR, case[0].case_number, NOW)
    await calling.look_for_uncalled(database, DESK, NOW)
    event.remove(engine, "before_cursor_execute", note)
    return asked


async def test_no_question_reads_all_cases_from_end_to_end(database: Database) -> None:
    async with database.write() as tx:
        await fill(tx, CASES)
    if database.dialect == "postgresql":
        async with database.write() as tx:
            await tx.execute(text("ANALYZE"))
    asked = await record(database)
    assert len(asked) > 100
    scans = [
        (statement, line)
        for statement, values in dict(asked).items()
        for line in await explain(database, statement, values)
        if scanned(line) not in {None, *SMALL, *EMPTY}
    ]
    assert scans == []
