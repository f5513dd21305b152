"""A made-up group in which people live their lives, leave, and time goes by."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.domain.agreements import RequestState, Standing
from bot.domain.effects import Report, unpack
from bot.domain.retention import RetentionTerms
from bot.services import (
    forewarning,
    members,
    purging,
    records,
)
from bot.services.members import Present
from bot.services.purging import Purged
from bot.storage import proofs, requests
from bot.storage.database import Database
from bot.storage.tables import metadata
from tests.factories import NOW
from tests.services.test_ledger import ACCEPT, DECLINE, GROUP, Story

DAY = timedelta(days=1)
WEEK = 7 * DAY
TERMS = RetentionTerms()
LONG = 1_095 + 21
"""Days after which everything of somebody who is gone has to be gone, with the warning."""


class Town(Story):
    """A story in which people also leave, and time goes by."""

    now: datetime

    async def leave(self, member_id: int) -> None:
        await members.say_goodbye(self.database, [GROUP], member_id, self.now)

    async def live(self, days: int, terms: RetentionTerms = TERMS, *, rests: bool = True) -> Purged:
        """Let days go by; once a week is as good as every day, and at first nothing is due."""
        total = Purged()
        end = self.now + days * DAY
        if rests:
            self.now = max(self.now, end - 4 * WEEK)
        while self.now < end:
            self.now = min(self.now + WEEK, end)
            total = _sum(total, await self.purge(terms))
        return total

    async def purge(self, terms: RetentionTerms = TERMS) -> Purged:
        await forewarning.warn(self.database, GROUP, terms, self.now)
        await self.settle()
        total = Purged()
        while True:
            gone = await purging.purge(self.database, GROUP, terms, self.now)
            total = _sum(total, gone)
            if gone.is_whole:
                return total

    async def state_of(self, member_id: int) -> RequestState | None:
        async with self.database.read() as tx:
            request = await requests.find_open(tx, GROUP, member_id)
        return request.state if request else None

    async def sweep(self, *member_ids: int) -> int:
        """The member list shows these people; how many had something coming to them."""
        people = [Present(member_id=one, has_role=False, joined_at=NOW) for one in member_ids]
        return await members.welcome(self.database, GROUP, people, self.now, live=False)

    async def told(self) -> list[dict[str, int | str]]:
        found = [unpack(detail) for detail in self.reports]
        return [dict(facts) for word, facts in found if word is Report.RECORDS_END]


def _sum(one: Purged, other: Purged) -> Purged:
    names = ("signatures", "proofs", "people", "requests", "words", "activity", "cases")
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in names})


async def places_of(database: Database, member_id: int) -> set[str]:
    """The tables in which an account's id stands, in whatever column."""
    found = set[str]()
    async with database.read() as tx:
        for table in metadata.sorted_tables:
            for row in await tx.execute(select(table)):
                if any(str(member_id) in str(value) for value in row):
                    found.add(table.name)
    return found


Life = Callable[[Town, int], Awaitable[None]]


async def declined(town: Town, who: int) -> None:
    await town.react(DECLINE, who)


async def silent(town: Town, who: int) -> None:
    assert await town.state_of(who) is RequestState.SENT


async def signed(town: Town, who: int) -> None:
    await town.react(ACCEPT, who)


async def withdrew(town: Town, who: int) -> None:
    await town.react(ACCEPT, who)
    await town.react(ACCEPT, who, removed=True)


async def signed_again(town: Town, who: int) -> None:
    await withdrew(town, who)
    await town.react(ACCEPT, who)


async def returned(town: Town, who: int) -> None:
    await town.react(DECLINE, who)
    await town.leave(who)
    await town.join(who)


async def erased(town: Town, who: int) -> None:
    await withdrew(town, who)
    async with town.database.write() as tx:
        assert await proofs.keep_of_member(tx, GROUP, who, TERMS.proof, town.now) == 1


LIVES: list[Life] = [declined, silent, signed, withdrew, signed_again, returned, erased]


async def standing_of(town: Town, who: int) -> Standing | None:
    return (await records.check_member(town.database, GROUP, who, town.now)).standing
