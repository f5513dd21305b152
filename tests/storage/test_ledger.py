"""The ledger's table: added to in the transaction of what happens, and to nothing else."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.domain.audit import Chain
from bot.domain.ledger import NO_ENTRIES, Entry, Head, LedgerKind, canonical, commit, subject_of
from bot.storage import ledger, tables, versions
from bot.storage.database import Database
from bot.storage.ledger import NewEntry
from tests.factories import KEYS, NEWCOMER, NOW

GROUP = "harbour-light"
FACTS = {"member_id": NEWCOMER, "at": NOW}
KEY = KEYS.derive(ledger.SUBJECT_KEY)
LATER = NOW + timedelta(days=1)


async def append(database: Database, count: int = 1, member_id: int | None = NEWCOMER) -> None:
    async with database.write() as tx:
        for _ in range(count):
            await ledger.append(tx, GROUP, LedgerKind.GRANTED, FACTS, NOW, subject_id=member_id)


async def entries_of(database: Database) -> list[Entry]:
    async with database.read() as tx:
        return await ledger.list_after(tx, 0, 1_000)


@pytest.fixture
async def seeded(database: Database) -> Database:
    """A group to record things of."""
    async with database.write() as tx:
        await versions.add_group(tx, GROUP, 1, NOW)
    return database


async def test_entry_commits_to_what_it_says_and_names_nobody(seeded: Database) -> None:
    await append(seeded)
    (entry,) = await entries_of(seeded)
    assert entry.salt is not None
    assert (entry.position, entry.group_key, entry.kind) == (1, GROUP, "granted")
    assert (entry.recorded_at, entry.payload) == (NOW, canonical(FACTS))
    assert entry.commitment == commit(entry.salt, canonical(FACTS))
    assert entry.subject == subject_of(KEY, NEWCOMER)
    kept = replace(entry, salt=None, payload=None)
    assert str(NEWCOMER) not in str(kept)


async def test_every_entry_follows_the_one_before_it(seeded: Database) -> None:
    await append(seeded, 2)
    await append(seeded)
    async with seeded.write() as tx:
        new = NewEntry(group_key=None, kind=LedgerKind.RESTORED, facts={})
        assert await ledger.append_many(tx, [], NOW) == []
        assert await ledger.append_many(tx, [new, new], LATER) == [4, 5]
        assert await ledger.append(tx, None, LedgerKind.RESTORED, {}, LATER) == 6
        head = await ledger.find_head(tx)
        assert await ledger.find_hash(tx, 6) == head.hash
        assert await ledger.find_hash(tx, 7) is None
        assert await ledger.find_hash(tx, 0) == NO_ENTRIES.hash
    chain, entries = Chain(), await entries_of(seeded)
    assert [finding for entry in entries for finding in chain.check(entry)] == []
    assert chain.head == head == Head(position=6, hash=entries[-1].hash)
    assert len({entry.salt for entry in entries}) == 6
    assert [entry.group_key for entry in entries] == [GROUP] * 3 + [None] * 3


async def test_entries_come_in_pages_by_position(seeded: Database) -> None:
    await append(seeded, 5)
    async with seeded.read() as tx:
        pages = [await ledger.list_after(tx, after, 2) for after in (0, 2, 4)]
    assert [[entry.position for entry in page] for page in pages] == [[1, 2], [3, 4], [5]]


async def test_entry_goes_with_the_transaction_that_fails(seeded: Database) -> None:
    await append(seeded)
    with pytest.raises(ZeroDivisionError):
        async with seeded.write() as tx:
            await ledger.append(tx, GROUP, LedgerKind.GRANTED, FACTS, NOW)
            raise ZeroDivisionError
    async with seeded.read() as tx:
        assert (await ledger.find_head(tx)).position == 1
    await append(seeded)
    assert [entry.position for entry in await entries_of(seeded)] == [1, 2]


async def test_writers_at_the_same_time_make_one_chain(seeded: Database) -> None:
    await asyncio.gather(*(append(seeded, 2) for _ in range(5)))
    chain, entries = Chain(), await entries_of(seeded)
    assert [finding for entry in entries for finding in chain.check(entry)] == []
    assert chain.head.position == 10


async def test_two_processes_cannot_follow_the_same_entry(
    seeded: Database, database_url: str
) -> None:
    other = await Database.open(database_url, KEYS)
    results = await asyncio.gather(
        *(append(one, 3) for one in (seeded, other)), return_exceptions=True
    )
    await other.close()
    # SQLite has them wait for one another; of two on PostgreSQL one may be refused as a whole.
    refused = [result for result in results if result is not None]
    assert all(isinstance(result, IntegrityError) for result in refused)
    chain, entries = Chain(), await entries_of(seeded)
    assert [finding for entry in entries for finding in chain.check(entry)] == []
    assert chain.head.position == 6 - 3 * len(refused)


@pytest.mark.parametrize(
    "values",
    [
        {"position": 9},
        {"group_key": None},
        {"kind": "removed"},
        {"recorded_at": LATER},
        {"subject": None},
        {"commitment": "0" * 64},
        {"hash": "0" * 64},
        {"payload": "{}"},
        {"salt": "00" * 32},
        {"salt": None, "payload": None, "hash": "0" * 64},
    ],
)
async def test_database_refuses_to_change_an_entry(
    seeded: Database, values: dict[str, object]
) -> None:
    await append(seeded)
    before = await entries_of(seeded)
    with pytest.raises(DBAPIError, match="append-only"):
        async with seeded.write() as tx:
            await tx.execute(update(tables.ledger_entries).values(**values))
    assert await entries_of(seeded) == before


async def test_database_refuses_to_take_an_entry_away_or_to_erase_half_of_it(
    seeded: Database,
) -> None:
    await append(seeded, 2)
    before = await entries_of(seeded)
    with pytest.raises(DBAPIError, match="append-only"):
        async with seeded.write() as tx:
            await tx.execute(delete(tables.ledger_entries))
    for half in ("salt", "payload"):
        with pytest.raises(DBAPIError):
            async with seeded.write() as tx:
                await tx.execute(update(tables.ledger_entries).values({half: None}))
    assert await entries_of(seeded) == before


async def test_erasing_takes_what_was_said_of_one_person_and_records_that(
    seeded: Database,
) -> None:
    await append(seeded, 2)
    await append(seeded, member_id=NEWCOMER + 1)
    await append(seeded, member_id=None)
    before = await entries_of(seeded)
    async with seeded.write() as tx:
        assert await ledger.erase(tx, NEWCOMER, LATER) == 2
        # There is nothing left to erase, and so nothing to record.
        assert await ledger.erase(tx, NEWCOMER, LATER) == 0
        assert await ledger.erase(tx, NEWCOMER + 2, LATER) == 0
    *after, record = await entries_of(seeded)
    assert after[:2] == [replace(entry, salt=None, payload=None) for entry in before[:2]]
    assert after[2:] == before[2:]
    assert (record.kind, record.subject) == ("erased", before[0].subject)
    assert record.payload == '{"entries":2}'


async def test_erased_words_are_nowhere_in_the_database(seeded: Database) -> None:
    await append(seeded)
    async with seeded.write() as tx:
        await ledger.erase(tx, NEWCOMER, LATER)
        found = await tx.execute(text("SELECT * FROM ledger_entries"))
        assert str(NEWCOMER) not in str(found.all())
