"""Whoever checks the record checks proofs as well, and finds what was done to them."""

from datetime import timedelta

import pytest

from bot.domain.audit import Flaw
from bot.services import ledger
from bot.storage import proofs
from bot.storage.database import Database
from tests.factories import NEWCOMER
from tests.services.test_ledger import ACCEPT, GROUP, SECOND, Story
from tests.services.test_tampering import ZEROS, entry, tamper

HELD = timedelta(days=30)


def proof(what: str, number: int = 1) -> str:
    return f"UPDATE proofs SET {what} WHERE id = {number}"  # noqa: S608


@pytest.fixture
async def proven(database: Database) -> Database:
    """Two proofs: entries 4 and 6 tell of the first, which leads to somebody, 9 and 11 of one that
    does not."""
    story = Story(database)
    await story.publish()
    for member_id in (NEWCOMER, SECOND):
        await story.join(member_id)
        await story.react(ACCEPT, member_id)
        await story.react(ACCEPT, member_id, removed=True)
    async with database.write() as tx:
        for member_id in (NEWCOMER, SECOND):
            await proofs.keep_of_member(tx, GROUP, member_id, HELD, story.now)
        second = await proofs.list_of_member(tx, GROUP, SECOND)
        assert second[0].positions == (9, 11)
        await proofs.reduce(tx, GROUP, second, story.now)
    return database


def found(result: ledger.Verification) -> set[tuple[Flaw, int | None]]:
    return {(finding.flaw, finding.position) for finding in result.findings}


async def test_proofs_answer_for_the_entries_of_signatures_that_are_gone(
    proven: Database,
) -> None:
    result = await ledger.verify(proven)
    assert (result.findings, result.signatures, result.proofs) == ((), 0, 2)
    assert result.erased == 2


async def test_progress_counts_proofs_too(proven: Database) -> None:
    told: list[tuple[int, int]] = []
    await ledger.verify(proven, tell=lambda done, total: told.append((done, total)))
    head = await ledger.find_head(proven)
    assert told[-1] == (head.position + 2, head.position + 2)


@pytest.mark.parametrize(
    ("change", "flaws"),
    [
        ("DELETE FROM proofs WHERE id = 1", {(Flaw.SIGNATURE_MISSING, 4), (Flaw.ENDING_UNDONE, 6)}),
        (
            proof(f"sha256 = '{ZEROS}'"),
            {(Flaw.SIGNATURE_TEXT, 4), (Flaw.SIGNATURE, 4)},
        ),
        # Nobody can say any more what the entry said; the text's hash is still known.
        (proof(f"sha256 = '{ZEROS}'", 2), {(Flaw.SIGNATURE_TEXT, 9)}),
        (
            proof("receipt_number = 'other'"),
            {(Flaw.SIGNATURE, 4), (Flaw.ENDING, 6)},
        ),
        (
            proof("ended_at = '2026-03-09T12:00:00.000000Z'"),
            {(Flaw.ENDING, 6)},
        ),
        (
            proof("revoked_position = NULL"),
            {(Flaw.ENDING_UNRECORDED, None), (Flaw.ENDING_UNDONE, 6)},
        ),
        (
            proof("signed_position = NULL"),
            {(Flaw.SIGNATURE_UNRECORDED, None), (Flaw.SIGNATURE_MISSING, 4)},
        ),
        # Of another person, too.
        (proof("signed_position = 3", 2), {(Flaw.SIGNATURE, 3), (Flaw.ENDING, 11)}),
        (
            proof("revoked_position = 6", 2),
            {(Flaw.ENDING, 6), (Flaw.SIGNATURE_TWICE, 6)},
        ),
        (
            proof("signed_position = 4", 2),
            {(Flaw.SIGNATURE, 4), (Flaw.ENDING, 11), (Flaw.SIGNATURE_TWICE, 4)},
        ),
    ],
)
async def test_whatever_is_done_to_a_proof_is_found(
    proven: Database, database_url: str, change: str, flaws: set[tuple[Flaw, int | None]]
) -> None:
    await tamper(proven, database_url, change)
    assert found(await ledger.verify(proven)) == flaws


async def test_a_signature_that_claims_the_entry_of_a_proof_is_found(
    proven: Database, database_url: str
) -> None:
    again = """
        INSERT INTO signatures (id, group_key, request_id, member_id, version_id, sha256,
            receipt_number, method, signed_at, signed_position)
        SELECT 9, p.group_key, r.id, r.member_id, p.version_id, p.sha256, 'again', p.method,
            p.signed_at, p.signed_position
        FROM proofs p, signature_requests r WHERE p.id = 2 AND r.id = 2
    """
    await tamper(proven, database_url, again)
    assert (Flaw.SIGNATURE_TWICE, 9) in found(await ledger.verify(proven))


async def test_words_that_are_erased_without_a_record_of_it_are_found(
    proven: Database, database_url: str
) -> None:
    await tamper(proven, database_url, entry("salt = NULL, payload = NULL", 4))
    assert found(await ledger.verify(proven)) == {(Flaw.ERASED, 4)}
