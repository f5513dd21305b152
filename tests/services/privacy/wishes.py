"""Somebody who wants to be erased, and what is shown to them and done."""

from datetime import datetime

from bot.domain.effects import Effect
from bot.domain.privacy import Erasure, Whereabouts
from bot.domain.retention import RetentionTerms
from bot.services import outbox
from bot.services.privacy import erasing
from bot.storage.database import Database
from tests.factories import NOW
from tests.services.test_ledger import ACCEPT, GROUP, Story

ME, NEIGHBOUR = 912_345_678_901_234_567, 923_456_789_012_345_678
TERMS = RetentionTerms()


async def preview(
    database: Database, member_id: int = ME, group: str = GROUP, *, is_former: bool = False
) -> Erasure:
    return await erasing.preview(database, group, member_id, TERMS, NOW, is_former=is_former)


async def erase(
    database: Database,
    member_id: int = ME,
    group: str = GROUP,
    *,
    whereabouts: Whereabouts = Whereabouts.HERE,
) -> Erasure:
    is_former = whereabouts is Whereabouts.FORMER
    shown = await preview(database, member_id, group, is_former=is_former)
    found = await erasing.erase(
        database, group, member_id, shown.fingerprint(), TERMS, NOW, whereabouts=whereabouts
    )
    assert found is not None
    return found


async def claim(database: Database, now: datetime = NOW) -> list[Effect]:
    return await outbox.claim(database, now, limit=50, group_keys=[GROUP], not_asking=[])


async def signed_twice(database: Database) -> Story:
    """Somebody signed, withdrew and signed again; so did somebody else."""
    story = Story(database)
    await story.publish()
    for member_id in (ME, NEIGHBOUR):
        await story.join(member_id)
        await story.react(ACCEPT, member_id)
        await story.react(ACCEPT, member_id, removed=True)
        await story.react(ACCEPT, member_id)
    return story
