"""Signatures that ended become proofs, and proofs lose what leads to somebody, on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.domain.agreements import Method, RequestState, RevokeReason, Signature
from bot.domain.ledger import LedgerKind
from bot.storage import forgetting, ledger, proofs, requests, signatures
from bot.storage import tables as t
from bot.storage.database import Database, Transaction
from bot.storage.proof_tables import proofs as kept
from tests.factories import KEYS, NEWCOMER, NOW, publish
from tests.services.test_ledger import ACCEPT, GROUP, SECOND, Story

YEARS = timedelta(days=1095)
ENDED = NOW + timedelta(days=1)


@pytest.fixture
async def told(database: Database) -> Database:
    """Two people: one signed and withdrew, the other one signed."""
    story = Story(database)
    await story.publish()
    await story.join()
    await story.react(ACCEPT)
    story.now = ENDED
    await story.react(ACCEPT, removed=True)
    await story.join(SECOND)
    await story.react(ACCEPT, SECOND)
    return database


async def given_by(tx: Transaction, member_id: int = NEWCOMER) -> list[Signature]:
    return await signatures.list_of_member(tx, GROUP, member_id)


async def words_of(tx: Transaction, member_id: int) -> dict[str, bool]:
    """By kind, whether the ledger still says anything in the entries about a person."""
    subject = ledger.subject_of(KEYS.lookup("ledger-subject"), member_id)
    query = select(t.ledger_entries.c.kind, t.ledger_entries.c.payload)
    found = await tx.execute(query.where(t.ledger_entries.c.subject == subject))
    return {kind: payload is not None for kind, payload in found}


async def test_an_ended_signature_becomes_a_proof_that_leads_to_its_person(told: Database) -> None:
    async with told.write() as tx:
        (signature,) = await given_by(tx)
        assert await proofs.keep_of_member(tx, GROUP, NEWCOMER, YEARS, ENDED) == 1
        assert await given_by(tx) == []
        (proof,) = await proofs.list_of_member(tx, GROUP, NEWCOMER)
        assert await proofs.list_of_member(tx, GROUP, SECOND) == []
        assert await proofs.list_of_member(tx, "other", NEWCOMER) == []
    assert (proof.sha256, proof.receipt_number) == (signature.sha256, signature.receipt_number)
    assert (proof.method, proof.version_number) == (Method.REACTION, 1)
    assert (proof.signed_at, proof.ended_at, proof.held_until) == (NOW, ENDED, ENDED + YEARS)
    assert proof.positions == (signature.signed_position, signature.revoked_position)
    assert proof.subject is not None
    assert proof.subject != ledger.subject_of(KEYS.lookup("ledger-subject"), NEWCOMER)


async def test_a_signature_that_stands_stays(told: Database) -> None:
    async with told.write() as tx:
        assert await proofs.keep_of_member(tx, GROUP, SECOND, YEARS, ENDED) == 0
        (standing,) = await given_by(tx, SECOND)
        with pytest.raises(ValueError, match="stands"):
            await proofs.keep(tx, GROUP, [standing], YEARS, ENDED)


async def test_requests_know_of_no_signature_that_is_gone(told: Database) -> None:
    columns = t.signature_requests.c
    query = select(columns.newest_id, columns.newest_version_id, columns.newest_end)
    async with told.write() as tx:
        await proofs.keep_of_member(tx, GROUP, NEWCOMER, YEARS, ENDED)
        mine = await tx.execute(query.where(columns.member_id == NEWCOMER))
        assert [tuple(row) for row in mine] == [(None, None, None)]
        others = (await tx.execute(query.where(columns.member_id == SECOND))).one()
        assert others[0] is not None


async def test_requests_go_back_to_the_signature_before_the_one_that_is_gone(
    told: Database,
) -> None:
    async with told.write() as tx:
        (first,) = await given_by(tx)
        values = {"group_key": GROUP, "request_id": first.request_id, "member_id": NEWCOMER}
        values |= {"version_id": first.version_id, "sha256": first.sha256, "message_id": None}
        second = await signatures.add(
            tx,
            version_number=1,
            receipt_number="second",
            method=Method.BUTTON,
            signed_at=ENDED,
            **values,
        )
        await signatures.mark_revoked(tx, second, RevokeReason.CASE, ENDED)
        second = await signatures.get(tx, second.id)
        await proofs.keep(tx, GROUP, [second], YEARS, ENDED)
        columns = t.signature_requests.c
        query = select(columns.newest_id, columns.newest_end).where(columns.member_id == NEWCOMER)
        assert (await tx.execute(query)).one() == (first.id, "withdrawn")


async def test_a_proof_loses_its_person_when_it_was_held_for_long_enough(told: Database) -> None:
    over = ENDED + YEARS
    async with told.write() as tx:
        await proofs.keep_of_member(tx, GROUP, NEWCOMER, YEARS, ENDED)
        assert await proofs.list_due(tx, GROUP, over - timedelta(seconds=1), 10) == []
        assert await proofs.list_due(tx, "other", over, 10) == []
        due = await proofs.list_due(tx, GROUP, over, 10)
        assert await proofs.reduce(tx, GROUP, due, over) == 1
        assert await proofs.list_of_member(tx, GROUP, NEWCOMER) == []
        assert await proofs.list_due(tx, GROUP, over, 10) == []
        words = await words_of(tx, NEWCOMER)
        assert not words[LedgerKind.SIGNED]
        assert not words[LedgerKind.WITHDRAWN]
        # What else is said of them is not the proof's.
        assert words[LedgerKind.REQUESTED]
        assert words[LedgerKind.ERASED]
        assert (await words_of(tx, SECOND))[LedgerKind.SIGNED]
        assert (await tx.execute(select(func.count()).select_from(kept))).scalar_one() == 1


async def test_what_was_held_for_long_enough_leads_to_nobody_from_the_beginning(
    told: Database,
) -> None:
    over = ENDED + YEARS
    async with told.write() as tx:
        assert await proofs.keep_of_member(tx, GROUP, NEWCOMER, YEARS, over) == 1
        assert await proofs.list_of_member(tx, GROUP, NEWCOMER) == []
        words = await words_of(tx, NEWCOMER)
        assert not words[LedgerKind.SIGNED]
        assert not words[LedgerKind.WITHDRAWN]


async def test_reducing_twice_says_nothing_new(told: Database) -> None:
    async with told.write() as tx:
        await proofs.keep_of_member(tx, GROUP, NEWCOMER, YEARS, ENDED)
        due = await proofs.list_due(tx, GROUP, ENDED + YEARS, 10)
        await proofs.reduce(tx, GROUP, due, ENDED + YEARS)
        head = await ledger.find_head(tx)
        assert await proofs.reduce(tx, GROUP, due, ENDED + YEARS) == 0
        assert await ledger.find_head(tx) == head


async def test_what_the_ledger_says_goes_but_for_signatures_and_held_proofs(
    told: Database,
) -> None:
    async with told.write() as tx:
        await proofs.forget_in_ledger(tx, GROUP, [NEWCOMER, SECOND], ENDED)
        assert {kind for kind, is_said in (await words_of(tx, SECOND)).items() if is_said} == {
            *(LedgerKind.SIGNED, LedgerKind.ERASED),
        }
        await proofs.keep_of_member(tx, GROUP, NEWCOMER, YEARS, ENDED)
        await proofs.forget_in_ledger(tx, GROUP, [NEWCOMER], ENDED)
        assert (await words_of(tx, NEWCOMER))[LedgerKind.WITHDRAWN]
        await proofs.reduce(tx, GROUP, await proofs.list_of_member(tx, GROUP, NEWCOMER), ENDED)
        assert not any(
            is_said
            for kind, is_said in (await words_of(tx, NEWCOMER)).items()
            if kind != LedgerKind.ERASED
        )


async def test_a_facilitators_publishing_is_never_forgotten(database: Database) -> None:
    version = await publish(database)
    assert version.published_by is not None
    async with database.write() as tx:
        assert await proofs.forget_in_ledger(tx, GROUP, [version.published_by], NOW) == 0
        assert await ledger.find_publication(tx, GROUP, 1) is not None


async def test_requests_go_unless_a_signature_or_unfinished_work_refers_to_them(
    told: Database,
) -> None:
    query = select(t.signature_requests.c.id).order_by(t.signature_requests.c.id)
    async with told.write() as tx:
        ids = list((await tx.execute(query)).scalars())
        assert await forgetting.drop_requests(tx, ids) == 0
        await proofs.keep_of_member(tx, GROUP, NEWCOMER, YEARS, ENDED)
        assert await forgetting.drop_requests(tx, ids) == 1
        assert await requests.find_open(tx, GROUP, NEWCOMER) is None
        other = await requests.find_open(tx, GROUP, SECOND)
        assert other is not None
        assert other.state is RequestState.SIGNED


async def test_a_request_that_is_about_to_be_sent_stays(database: Database) -> None:
    version = await publish(database)
    async with database.write() as tx:
        request_id = await requests.add(tx, GROUP, NEWCOMER, NOW, version_id=version.id)
        await requests.ask_queued(tx, GROUP, NOW, [NEWCOMER])
        assert await forgetting.drop_requests(tx, [request_id]) == 0
