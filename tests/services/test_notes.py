"""A note about a signature is only shown: nothing depends on whether it can be read."""

from datetime import timedelta

from sqlalchemy import update

from bot.services import attesting, records, reminders
from bot.services.privacy import reading
from bot.storage.database import Database
from bot.storage.tables import signatures as rows
from tests.factories import FACILITATOR, NEWCOMER, NOW
from tests.services.test_ledger import ACCEPT, GROUP, Story


async def test_note_that_no_key_opens_stands_in_nobody_s_way(database: Database) -> None:
    story = Story(database)
    await story.publish()
    for member_id in (NEWCOMER, NEWCOMER + 1):
        await story.join(member_id)
    shown = await attesting.preview(database, GROUP, NEWCOMER, NOW)
    await attesting.attest(
        database, GROUP, NEWCOMER, shown, facilitator_id=FACILITATOR, note="on paper", now=NOW
    )
    await story.react(ACCEPT, NEWCOMER + 1)
    async with database.write() as tx:
        notes = update(rows).where(rows.c.member_id == NEWCOMER)
        await tx.execute(notes.values(note=b"of another key"))
        await tx.execute(update(rows).values(expires_at=NOW + timedelta(days=1)))
    found = await records.check_member(database, GROUP, NEWCOMER, NOW)
    assert [one.note for one in found.signatures] == [None]
    await reading.read_own(database, GROUP, NEWCOMER, NOW)
    assert await reminders.end_lapsed(database, [GROUP], NOW + timedelta(days=2)) == 2
