"""What the ledger keeps of a whole story, on both engines, and its way to the moderators."""

import asyncio
import tracemalloc
from datetime import timedelta

import pytest

from bot.domain.agreements import Change, Duration
from bot.domain.effects import Effect, EffectKind, Report, unpack
from bot.domain.errors import PublishConflictError
from bot.domain.ledger import NO_ENTRIES, Entry, Head, LedgerKind
from bot.services import agreements, ledger, members, outbox, reading_back, reminders, signing
from bot.services.members import Present
from bot.storage import ledger as entries
from bot.storage import requests, signatures, versions
from bot.storage.database import Database
from bot.storage.ledger import NewEntry
from tests.factories import FACILITATOR, GRACE, NEWCOMER, NOW, make_agreement, publish

GROUP = "harbour-light"
ACCEPT, DECLINE = "✅", "❌"
MESSAGE = 800_000_000_000_000_001
SECOND = NEWCOMER + 1
LATER = NOW + timedelta(minutes=5)
OUTCOMES = {EffectKind.NOTICE: "told", EffectKind.PANEL: "posted", EffectKind.REPORT: "told"}


class Story:
    """People answering, and Discord doing what the outbox says."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.granted: set[int] = set()
        self.reports: list[str] = []

    async def publish(self, **changes: object) -> None:
        """Publish the agreement, as a material change when there is one already."""
        change = Change.MATERIAL if changes else None
        await publish(
            self.database, agreement=make_agreement(**changes), change=change, now=self.now
        )
        await self.settle()

    async def join(self, member_id: int = NEWCOMER) -> None:
        person = Present(member_id=member_id, has_role=False, joined_at=self.now)
        await members.welcome(self.database, GROUP, [person], self.now, live=True)
        await self.settle()

    async def react(self, emoji: str, member_id: int = NEWCOMER, *, removed: bool = False) -> None:
        message_id = await self.message_of(member_id)
        await signing.record_reaction(
            self.database, message_id, member_id, emoji, self.now, removed=removed
        )
        await self.settle()

    async def message_of(self, member_id: int) -> int:
        async with self.database.read() as tx:
            request = await requests.find_open(tx, GROUP, member_id)
        assert request is not None
        assert request.message_id is not None
        return request.message_id

    async def settle(self) -> None:
        """Do in Discord what is due."""
        while due := await outbox.claim(
            self.database, self.now, limit=50, group_keys=[GROUP], not_asking=[]
        ):
            for effect in due:
                following: Effect | None = effect
                while following is not None:
                    following = await self.perform(following)

    async def perform(self, effect: Effect) -> Effect | None:
        outcome = OUTCOMES.get(effect.kind, "asked")
        if effect.kind is EffectKind.REPORT:
            self.reports.append(effect.detail or "")
        if effect.kind is EffectKind.ASK:
            asking = await outbox.prepare_asking(self.database, effect)
            if asking is not None:
                place = outbox.Place(
                    channel_id=1,
                    message_id=MESSAGE + effect.id,
                    sent_at=self.now,
                    accept_emoji=ACCEPT,
                    decline_emoji=DECLINE,
                )
                await outbox.record_asked(self.database, effect, asking.version, place, self.now)
        if effect.kind is EffectKind.ALIGN_ROLE:
            member_id = effect.member_id or 0
            async with self.database.read() as tx:
                signature = await signatures.find_unrevoked(tx, GROUP, member_id)
            outcome = outbox.ROLE_GIVEN if signature else outbox.ROLE_TAKEN
        return await outbox.finish(self.database, effect, outcome, self.now)


async def recorded(database: Database) -> list[Entry]:
    async with database.read() as tx:
        return await entries.list_after(tx, 0, 1_000)


async def kinds(database: Database, after: int = 0) -> list[str]:
    return [entry.kind for entry in (await recorded(database))[after:]]


# What is recorded --------------------------------------------------------------------------------


async def test_whole_story_is_recorded_in_its_order(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await story.join()
    await story.react(ACCEPT)
    await story.react(ACCEPT)
    await story.react(ACCEPT, removed=True)
    await story.react(DECLINE)
    await story.react(DECLINE)
    assert await kinds(database) == [
        *("published", "checkpoint"),
        "requested",
        *("signed", "granted"),
        *("withdrawn", "removed"),
        "declined",
    ]
    await story.react(ACCEPT)
    await story.join(SECOND)
    in_force = await agreements.read_in_force(database, GROUP)
    await signing.decline_by_button(database, GROUP, SECOND, in_force.id, story.now)
    await signing.accept_by_button(database, GROUP, SECOND, in_force.id, story.now)
    await story.settle()
    assert await kinds(database, 8) == [
        *("signed", "granted"),
        "requested",
        "declined",
        *("signed", "granted"),
    ]
    year = Duration(text="A year.", days=365)
    await story.publish(purpose="Something else.", duration=year)
    assert await kinds(database, 14) == ["published", "checkpoint", "requested", "requested"]
    # One signs the new text; the other one lets the grace run out.
    await story.react(ACCEPT)
    assert await kinds(database, 18) == ["revoked", "signed", "granted"]
    story.now += GRACE
    await reminders.end_lapsed(database, [GROUP], story.now)
    await story.settle()
    assert await kinds(database, 21) == ["revoked", "removed"]
    story.now += timedelta(days=365)
    await reminders.end_lapsed(database, [GROUP], story.now)
    await story.settle()
    assert await kinds(database, 23) == ["expired", "removed", "requested"]

    result = await ledger.verify(database)
    assert result.findings == ()
    assert (result.entries, result.signatures, result.versions) == (26, 4, 2)
    assert (result.older, result.erased, result.wrong) == (0, 0, 0)
    assert str(result.head) == f"26:{(await recorded(database))[-1].hash}"


async def test_found_answer_is_recorded_with_the_time_it_may_have_been_given(
    database: Database,
) -> None:
    story = Story(database)
    await story.publish()
    await story.join()
    async with database.read() as tx:
        request = await requests.find_open(tx, GROUP, NEWCOMER)
    assert request is not None
    story.now = LATER
    for accepted in (True, False):
        story.now += timedelta(hours=1)
        assert await reading_back.record_found_answer(
            database,
            request.id,
            accepted=accepted,
            declined=False,
            observed_at=story.now,
            now=story.now,
        )
    *_, signed, withdrawn = await recorded(database)
    assert '"signed_after":"2026-03-01T12:00:00.000000Z"' in (signed.payload or "")
    assert '"revoked_after":"2026-03-01T13:05:00.000000Z"' in (withdrawn.payload or "")
    assert (await ledger.verify(database)).findings == ()


async def test_nothing_is_recorded_of_what_was_refused(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await story.join()
    before = await recorded(database)
    with pytest.raises(PublishConflictError):
        await publish_wrong_text(database)
    await signing.record_reaction(database, MESSAGE, SECOND, ACCEPT, LATER)
    assert await recorded(database) == before


async def publish_wrong_text(database: Database) -> None:
    await agreements.publish(
        database,
        GROUP,
        fingerprint=make_agreement().sha256(),
        change=Change.MINOR,
        facilitator_id=FACILITATOR,
        grace=GRACE,
        now=NOW,
    )


async def test_what_was_said_of_a_person_can_be_erased_and_all_still_holds(
    database: Database,
) -> None:
    story = Story(database)
    await story.publish()
    for member_id in (NEWCOMER, SECOND):
        await story.join(member_id)
        await story.react(ACCEPT, member_id)
    await story.react(ACCEPT, removed=True)
    async with database.write() as tx:
        erased = await entries.erase(tx, NEWCOMER, LATER)
    result = await ledger.verify(database)
    assert (result.findings, result.erased) == ((), erased)
    assert erased == 5
    said = "".join(entry.payload or "" for entry in await recorded(database))
    assert str(NEWCOMER) not in said
    assert str(SECOND) in said
    # Another signature of the same person is recorded as ever.
    await story.react(ACCEPT)
    assert (await ledger.verify(database)).findings == ()


# The head ----------------------------------------------------------------------------------------


async def test_head_goes_to_the_moderators_with_every_publish(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await story.publish(purpose="Something else.")
    (_, first, _, second) = await recorded(database)
    told = [unpack(report) for report in story.reports]
    assert [one for one in told if one[0] is Report.LEDGER_HEAD] == [
        (Report.LEDGER_HEAD, {"position": 2, "hash": first.hash}),
        (Report.LEDGER_HEAD, {"position": 4, "hash": second.hash}),
    ]


async def test_head_can_be_posted_at_any_time(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await story.join()
    await ledger.post_head(database, GROUP, LATER)
    story.now = LATER
    await story.settle()
    head = await ledger.find_head(database)
    assert unpack(story.reports[-1]) == (
        Report.LEDGER_HEAD,
        {"position": 4, "hash": head.hash},
    )


def heads(story: Story) -> list[object]:
    told = [unpack(report) for report in story.reports]
    return [facts["hash"] for word, facts in told if word is Report.LEDGER_HEAD]


async def test_no_head_is_posted_twice_when_several_ask_for_it_at_once(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await ledger.post_head(database, GROUP, NOW)  # a receipt that was asked for just before
    await story.join()
    await asyncio.gather(*(ledger.post_head(database, GROUP, LATER) for _ in range(3)))
    story.now = LATER
    await story.settle()
    assert len(heads(story)) == len(set(heads(story))) == 2


async def test_daily_head_comes_a_day_after_the_same_one_was_posted(database: Database) -> None:
    story = Story(database)
    await story.publish()
    for minutes in (0, 5, 24 * 60 - 1):
        story.now = NOW + timedelta(minutes=minutes)
        await ledger.post_head_daily(database, GROUP, story.now)
        await story.settle()
        assert len(heads(story)) == 1
    story.now = NOW + timedelta(days=1)
    assert await ledger.post_head_daily(database, GROUP, story.now)
    await story.settle()
    assert len(heads(story)) == 2


async def test_posted_head_tells_an_older_or_another_database_from_this_one(
    database: Database,
) -> None:
    story = Story(database)
    assert not await ledger.is_ahead(database, NO_ENTRIES)
    await story.publish()
    early = await ledger.find_head(database)
    await story.join()
    head = await ledger.find_head(database)
    assert not await ledger.is_ahead(database, early)
    assert not await ledger.is_ahead(database, head)
    assert await ledger.is_ahead(database, Head(position=4, hash="0" * 64))
    assert await ledger.is_ahead(database, Head(position=3, hash=early.hash))


# Long ledgers ------------------------------------------------------------------------------------


async def fill(database: Database, count: int) -> None:
    """Add entries, each with a signature, as a large group would in years."""
    member_id = 10_000_000 + (await ledger.find_head(database)).position
    async with database.write() as tx:
        new = [granted(member_id + number) for number in range(count)]
        await entries.append_many(tx, new, NOW)


def granted(member_id: int) -> NewEntry:
    facts = {"member_id": member_id}
    return NewEntry(group_key=GROUP, kind=LedgerKind.GRANTED, facts=facts, subject_id=member_id)


async def peak_of_verifying(database: Database) -> tuple[int, int]:
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        told[:] = [(done, total)]

    await ledger.verify(database)
    tracemalloc.start()
    result = await ledger.verify(database, tell=tell)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (result.findings, told) == ((), [(result.entries, result.entries)])
    return result.entries, peak


@pytest.mark.parametrize("engine_name", ["sqlite"])
async def test_memory_does_not_grow_with_the_ledger(database: Database) -> None:
    async with database.write() as tx:
        await versions.add_group(tx, GROUP, 1, NOW)
    await fill(database, 2_000)
    short, peak_of_short = await peak_of_verifying(database)
    await fill(database, 18_000)
    long, peak_of_long = await peak_of_verifying(database)
    assert (short, long) == (2_000, 20_000)
    # All of it at once would take ten times as much.
    assert peak_of_long < peak_of_short * 1.25
