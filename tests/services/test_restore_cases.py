"""Breach cases when a backup is put back: nothing is said twice, and no letter gets lost."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from bot.domain.breaches import CaseEvent, CaseState, Clause, LetterKind, Side
from bot.domain.effects import EffectKind
from bot.services import backup, restore
from bot.storage import case_letters, cases
from bot.storage.case_tables import breach_letters, breach_reports, breach_timeline
from bot.storage.database import Database
from bot.storage.sealing import person_ref, seal_json
from tests.factories import KEYS, NEWCOMER, NOW, publish
from tests.storage.rows import nobody, read_all
from tests.storage.test_backup import GROUP, target_url

__all__ = ["target_url"]
ACCUSED = NEWCOMER + 1
TAKEN = NOW + timedelta(hours=1)
LATER = NOW + timedelta(days=2)


async def make_cases(database: Database) -> None:
    """Four cases: open, closed with and without a notice, purged; and two letters, one sent."""
    await publish(database)
    async with database.write() as tx:
        made = [
            await cases.add(tx, GROUP, Clause.COVERED, ACCUSED, None, NOW) for _number in range(4)
        ]
        closed = {"state": CaseState.CLOSED, "closed_at": NOW}
        await cases.mark(tx, made[0].id, notice_channel_id=1, notice_message_id=2)
        await cases.mark(tx, made[1].id, **closed, notice_channel_id=1, notice_message_id=3)
        await cases.mark(tx, made[2].id, **closed)
        await cases.mark(tx, made[3].id, **closed, notice_message_id=4, purged_at=NOW)
        await cases.add_step(tx, made[0], CaseEvent.NOTED, Side.MODERATOR, NOW, actor_id=7)
        report = breach_reports.insert().values(
            case_id=made[0].id,
            reporter=seal_json(tx, NEWCOMER),
            reporter_ref=person_ref(tx, GROUP, NEWCOMER),
            received_at=NOW,
        )
        report_id = (await tx.execute(report.returning(breach_reports.c.id))).scalar_one()
        sent = await case_letters.add(
            tx, made[0], LetterKind.ACKNOWLEDGED, NOW, report_id=report_id
        )
        await tx.execute(
            breach_letters.update().where(breach_letters.c.id == sent).values(delivered_at=NOW)
        )
        await case_letters.add(tx, made[0], LetterKind.QUESTION, NOW, report_id=report_id, text="?")


async def put_back(database_url: str, target_url: str, tmp_path: Path) -> Database:
    file = tmp_path / "a.backup"
    await backup.save(database_url, KEYS, file, TAKEN, nobody)
    await restore.restore(target_url, KEYS, file, LATER, overwrite=True, progress=nobody)
    return await Database.open(target_url, KEYS, migrate=False)


async def test_letters_that_may_have_been_sent_wait_and_are_not_sent_again(
    database: Database, database_url: str, target_url: str, tmp_path: Path
) -> None:
    await make_cases(database)
    restored = await put_back(database_url, target_url, tmp_path)
    rows = await read_all(restored)
    await restored.close()
    assert [(row["delivered_at"], row["undelivered_at"]) for row in rows["breach_letters"]] == [
        (NOW, None),
        (None, LATER),
    ]
    letters = [row for row in rows["effects"] if row["kind"] == EffectKind.LETTER]
    assert [(row["state"], row["outcome"]) for row in letters] == [("dropped", "restored")] * 2


async def test_message_that_stands_for_a_case_is_brought_in_step_once(
    database: Database, database_url: str, target_url: str, tmp_path: Path
) -> None:
    await make_cases(database)
    async with database.write() as tx:
        await cases.request_notice(tx, await cases.get_by_number(tx, GROUP, 1), NOW)
    restored = await put_back(database_url, target_url, tmp_path)
    rows = await read_all(restored)
    await restored.close()
    notices = [row for row in rows["effects"] if row["kind"] == EffectKind.CASE_NOTICE]
    numbers = {str(row["id"]): row["case_number"] for row in rows["breach_cases"]}
    # As ones that may have been sent: a message that the backup does not know may be there.
    assert [(numbers[row["detail"]], row["state"], row["attempts"]) for row in notices] == [
        (1, "pending", 1),
        (2, "pending", 1),
    ]


async def test_timeline_that_was_put_back_still_only_grows(
    database: Database, database_url: str, target_url: str, tmp_path: Path
) -> None:
    await make_cases(database)
    before = await read_all(database)
    restored = await put_back(database_url, target_url, tmp_path)
    after = await read_all(restored)
    with pytest.raises(DBAPIError, match="append-only"):
        async with restored.write() as tx:
            await tx.execute(breach_timeline.delete())
    await restored.close()
    for name in ("breach_cases", "breach_reports", "breach_timeline"):
        assert before[name], name
        assert after[name] == before[name], name


async def test_number_of_a_case_that_was_lost_is_given_to_no_other(
    database: Database, database_url: str, target_url: str, tmp_path: Path
) -> None:
    await make_cases(database)
    restored = await put_back(database_url, target_url, tmp_path)
    async with restored.write() as tx:
        made = [await cases.add(tx, GROUP, Clause.COVERED, None, None, LATER) for _ in range(2)]
        await cases.skip_numbers(tx, GROUP)
        after = await cases.add(tx, GROUP, Clause.COVERED, None, None, LATER)
    await restored.close()
    assert [one.case_number for one in (*made, after)] == [105, 106, 207]
