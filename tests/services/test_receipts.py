"""Receipts from a real ledger: proved by the head that was posted, on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from bot.domain.agreements import Change
from bot.domain.effects import Report, unpack
from bot.domain.errors import NoReceiptError, NothingSignedError
from bot.domain.ledger import Head, LedgerKind
from bot.domain.receipt_file import read, write
from bot.domain.receipts import Doubt, Outcome, Receipt, judge
from bot.services import ledger, receipts, signing
from bot.storage import ledger as entries
from bot.storage import signatures
from bot.storage.database import Database
from bot.storage.tables import agreement_translations
from tests.factories import FACILITATOR, GUILD, NEWCOMER, NOW, make_agreement, publish
from tests.services.test_ledger import ACCEPT, GROUP, SECOND, Story, fill, kinds
from tests.services.test_tampering import tamper

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GIVEN = (
    *("group_key", "request_id", "member_id", "version_id", "version_number"),
    *("sha256", "method", "message_id", "signed_at"),
)


async def issue(story: Story, member_id: int = NEWCOMER) -> Receipt:
    """Ask for a receipt, and let Discord get what is to be posted."""
    receipt = await receipts.issue(story.database, GROUP, "Harbour Light", member_id, story.now)
    await story.settle()
    return receipt


def posted(story: Story) -> list[Head]:
    """The heads in the moderators' channel, in their order."""
    told = [unpack(report) for report in story.reports]
    return [
        Head(position=int(facts["position"]), hash=str(facts["hash"]))
        for word, facts in told
        if word is Report.LEDGER_HEAD
    ]


async def signed(database: Database) -> Story:
    """Somebody has signed, some hours after the agreement was published."""
    story = Story(database)
    await story.publish()
    await story.join()
    story.now += 2 * HOUR
    await story.react(ACCEPT)
    return story


async def test_receipt_says_what_was_signed_and_the_posted_head_proves_it(
    database: Database,
) -> None:
    story = await signed(database)
    story.now += HOUR
    receipt = await issue(story)
    assert receipt.text == make_agreement().canonical()
    assert (receipt.member_id, receipt.facilitator_id) == (NEWCOMER, FACILITATOR)
    assert (receipt.signed_at, receipt.published_at) == (NOW + 2 * HOUR, NOW)
    assert (receipt.server_id, receipt.in_force, receipt.reason) == (GUILD, True, None)
    # It was the receipt that had the head posted, for the last one was too old to cover it.
    assert len(posted(story)) == 2
    file = write(receipt)
    assert judge(read(file), posted(story)[-1]).outcome is Outcome.VALID
    assert judge(read(file), posted(story)[0]).doubts == (Doubt.OTHER_HEAD,)
    assert (await ledger.verify(database, posted(story)[-1])).findings == ()


async def test_receipt_soon_after_a_head_has_to_wait_for_the_next(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await story.join()
    story.now += timedelta(minutes=20)
    await story.react(ACCEPT)
    early = await issue(story)
    assert early.head is None
    assert len(posted(story)) == 1
    judgement = judge(read(write(early)), posted(story)[0])
    assert (judgement.outcome, judgement.doubts) == (Outcome.UNKNOWN, (Doubt.NOT_COVERED,))
    story.now += HOUR
    later = await issue(story)
    assert judge(later, posted(story)[-1]).outcome is Outcome.VALID
    # Once a head covers it, receipts post nothing more.
    story.now += DAY
    again = await issue(story)
    assert (again.head, len(posted(story))) == (later.head, 2)


async def test_clock_that_was_ahead_does_not_keep_receipts_waiting(database: Database) -> None:
    story = Story(database)
    await story.publish()
    await ledger.post_head(database, GROUP, NOW)
    story.now += 400 * DAY
    await story.join()
    await ledger.post_head(database, GROUP, story.now)
    await story.settle()
    story.now = NOW + HOUR
    await story.react(ACCEPT)
    assert judge(await issue(story), posted(story)[-1]).outcome is Outcome.VALID


async def test_any_later_head_proves_an_old_signature(database: Database) -> None:
    story = await signed(database)
    for number in range(1, 14):
        story.now += DAY
        await fill(database, number)
        assert await ledger.post_head_daily(database, GROUP, story.now)
    await story.settle()
    await story.publish(purpose="Something else.")
    receipt = await issue(story)
    assert receipt.version == 1
    assert judge(receipt, posted(story)[-1]).outcome is Outcome.VALID
    assert len(write(receipt)) < 12_000
    assert (await ledger.verify(database)).findings == ()


async def test_receipt_of_a_signature_that_ended_proves_the_end_too(database: Database) -> None:
    story = await signed(database)
    await story.react(ACCEPT, removed=True)
    story.now += HOUR
    receipt = await issue(story)
    assert (receipt.in_force, receipt.reason) == (False, "withdrawn")
    assert receipt.ended is not None
    assert receipt.ended.link.entry.kind == LedgerKind.WITHDRAWN
    assert judge(read(write(receipt)), posted(story)[-1]).outcome is Outcome.VALID
    alive = replace(receipt, in_force=True, reason=None, ended_at=None, ended=None)
    assert judge(alive, posted(story)[-1]).outcome is Outcome.VALID  # the end came after it
    # The newest one counts.
    await story.react(ACCEPT)
    story.now += HOUR
    assert (await issue(story)).in_force


async def test_nobody_gets_a_receipt_without_a_signature_or_of_somebody_else(
    database: Database,
) -> None:
    story = await signed(database)
    await story.join(SECOND)
    with pytest.raises(NothingSignedError):
        await issue(story, SECOND)
    assert (await issue(story)).member_id == NEWCOMER


async def test_what_was_erased_has_no_receipt(database: Database) -> None:
    story = await signed(database)
    async with database.write() as tx:
        await entries.erase(tx, NEWCOMER, story.now)
    with pytest.raises(NoReceiptError):
        await issue(story)


async def test_receipt_without_what_the_facilitator_had_erased_is_not_called_valid(
    database: Database,
) -> None:
    story = await signed(database)
    async with database.write() as tx:
        await entries.erase(tx, FACILITATOR, story.now)
    judgement = judge(await issue(story), posted(story)[-1])
    assert (judgement.outcome, judgement.doubts) == (Outcome.UNKNOWN, (Doubt.NO_PUBLICATION,))


async def test_translation_that_was_shown_is_proved_as_well(database: Database) -> None:
    story = await signed(database)
    spanish = make_agreement(title="Lo que se dice aquí se queda aquí")
    async with database.write() as tx:
        values = {"version_id": 1, "language": "es", "text": spanish.canonical()}
        statement = insert(agreement_translations).values(**values, sha256=spanish.sha256())
        await tx.execute(statement)
    await story.react(ACCEPT, removed=True)
    async with database.write() as tx:
        (withdrawn,) = await signatures.list_of_member(tx, GROUP, NEWCOMER)
        given = {name: getattr(withdrawn, name) for name in GIVEN}
        await signatures.add(
            tx,
            **given,
            receipt_number="RRRR-RRRR-RRRR",
            language="es",
            shown_sha256=spanish.sha256(),
        )
    story.now += HOUR
    receipt = await issue(story)
    assert receipt.shown is not None
    assert receipt.shown.text == spanish.canonical()
    assert judge(read(write(receipt)), posted(story)[-1]).outcome is Outcome.VALID
    other = replace(receipt, shown=None)
    assert judge(other, posted(story)[-1]).outcome is Outcome.ALTERED


# Checkpoints -------------------------------------------------------------------------------------


async def test_ledger_does_not_grow_while_nothing_happens(database: Database) -> None:
    story = await signed(database)
    for _ in range(5):
        story.now += DAY
        assert await ledger.post_head_daily(database, GROUP, story.now)
    await story.settle()
    assert (await kinds(database)).count("checkpoint") == 2
    first, second, *rest = posted(story)
    assert first != second
    assert rest == [second] * 4
    assert (await ledger.verify(database)).findings == ()


async def test_older_ledger_without_checkpoints_is_covered_by_the_first(
    database: Database, database_url: str
) -> None:
    story = await signed(database)
    # As an older Pledge left it: long, and no checkpoint in it.
    await tamper(
        database,
        database_url,
        "UPDATE signatures SET signed_position = NULL",
        "DELETE FROM ledger_entries",
        "UPDATE signatures SET receipt_number = 'OLD'",
    )
    await fill(database, 2_500)
    with pytest.raises(NoReceiptError):
        await issue(story)
    await signing.withdraw(database, GROUP, NEWCOMER, story.now)
    await story.settle()
    in_force = (
        await publish(database, agreement=make_agreement(title="T"), change=Change.MINOR)
    ).id
    await signing.accept_by_button(database, GROUP, NEWCOMER, in_force, story.now)
    story.now += 2 * HOUR
    receipt = await issue(story)
    head = posted(story)[-1]
    assert judge(receipt, head).outcome is Outcome.VALID
    assert receipt.published is not None
    assert receipt.published.way is not None
    assert '"from":1,' in (receipt.published.way.checkpoint.entry.payload or "")
    assert (await ledger.verify(database, head)).findings == ()


async def test_each_group_has_checkpoints_of_its_own(database: Database) -> None:
    story = await signed(database)
    await publish(database, "quiet-cove", now=story.now)
    story.now += 2 * HOUR
    receipt = await issue(story)
    assert receipt.head is not None
    assert receipt.head.entry.group_key == GROUP
    assert judge(receipt, posted(story)[-1]).outcome is Outcome.VALID
    for _ in range(4):
        story.now += DAY
        for group_key in (GROUP, "quiet-cove"):
            assert await ledger.post_head_daily(database, group_key, story.now)
    # Neither takes the other's checkpoint for news.
    assert (await kinds(database)).count("checkpoint") == 3
    assert (await ledger.verify(database)).findings == ()


async def test_checkpoint_of_other_entries_is_found(database: Database, database_url: str) -> None:
    story = await signed(database)
    await ledger.post_head(database, GROUP, story.now)
    async with database.read() as tx:
        last = await entries.find_last_checkpoint(tx, GROUP)
    assert last is not None
    assert last.payload is not None
    before = await ledger.find_head(database)
    payload = last.payload.replace('"from":2', '"from":1')
    assert payload != last.payload
    commitment = entries.commit(last.salt or "", payload)
    forged = replace(last, payload=payload, commitment=commitment)
    async with database.read() as tx:
        previous = await entries.find_hash(tx, last.position - 1)
    hash_ = forged.hash_after(previous or "")
    await tamper(
        database,
        database_url,
        f"UPDATE ledger_entries SET payload = '{payload}', commitment = '{commitment}',"  # noqa: S608
        f" hash = '{hash_}' WHERE position = {last.position}",
    )
    result = await ledger.verify(database)
    assert [(one.flaw.value, one.position) for one in result.findings] == [
        ("checkpoint", last.position)
    ]
    assert await ledger.is_ahead(database, before)
