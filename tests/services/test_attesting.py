"""Signatures that a facilitator records, and objections to them, on both engines."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.agreements import (
    AgreementVersion,
    Change,
    Method,
    RequestState,
    RevokeReason,
    Signature,
    Standing,
)
from bot.domain.effects import Effect, EffectKind, Notice, Report, unpack
from bot.domain.errors import (
    AttestationStaleError,
    CoveredError,
    NotPublishedError,
    OwnAttestationError,
)
from bot.services import attesting, ledger, outbox, reading_back, records, signing
from bot.storage.database import Database
from bot.storage.tables import ledger_entries
from tests.factories import FACILITATOR, NEWCOMER, make_agreement, publish, register
from tests.services.test_signing import (
    ACCEPT,
    DECLINE,
    GROUP,
    LATER,
    MESSAGE,
    ask,
    due,
    join,
    react,
    readable,
    run_all,
    standing,
)

TOLD = MESSAGE + 500
AFTER = LATER + timedelta(hours=1)


async def start(database: Database) -> AgreementVersion:
    """A published group that has told the moderators' channel what it had to tell."""
    version = await publish(database)
    await run_all(database)
    return version


async def record(database: Database, note: str = "on paper, 1 March") -> Signature:
    shown = await attesting.preview(database, GROUP, NEWCOMER, LATER)
    return await attesting.attest(
        database, GROUP, NEWCOMER, shown, facilitator_id=FACILITATOR, note=note, now=LATER
    )


async def tell(database: Database) -> None:
    """The role is given and the message reaches the person."""
    while rows := await due(database):
        for row in rows:
            following: Effect | None = row
            while following is not None:
                if following.detail == Notice.ATTESTED:
                    telling = await attesting.prepare_telling(database, following)
                    assert telling is not None
                    await attesting.record_told(
                        database,
                        telling.request.id,
                        channel_id=1,
                        message_id=TOLD,
                        sent_at=LATER,
                        decline=DECLINE,
                    )
                following = await outbox.finish(database, following, "told", LATER)


async def object_to_it(database: Database, *, member_id: int = NEWCOMER) -> bool:
    return await signing.record_reaction(database, TOLD, member_id, DECLINE, AFTER)


async def reports(database: Database) -> list[tuple[object, dict[str, object]]]:
    found = []
    for row in await outbox.claim(database, AFTER, limit=50, group_keys=[GROUP], not_asking=[]):
        if row.kind is EffectKind.REPORT:
            word, facts = unpack(row.detail or "")
            found.append((word, dict(facts)))
        await outbox.finish(database, row, "done", AFTER)
    return [one for one in found if one[0] is not Report.LEDGER_HEAD]


async def only_signature(database: Database) -> Signature:
    (signature,) = (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures
    return signature


async def test_recorded_signature_is_marked_as_attested(database: Database) -> None:
    version = await start(database)
    await ask(database)
    given = await record(database)

    signature = await only_signature(database)
    assert signature == replace(given, signed_position=signature.signed_position)
    assert (signature.method, signature.attested_by) == (Method.ATTESTED, FACILITATOR)
    assert (signature.note, signature.sha256) == ("on paper, 1 March", version.sha256)
    assert await standing(database) is Standing.SIGNED
    assert await run_all(database) == [
        (EffectKind.ALIGN_ROLE, None),
        (EffectKind.NOTICE, Notice.ATTESTED),
    ]


async def test_ledger_says_who_attested_and_keeps_the_note_out(database: Database) -> None:
    await start(database)
    await record(database, note="she told me at the river")
    signature = await only_signature(database)
    query = select(ledger_entries.c.payload).where(
        ledger_entries.c.position == signature.signed_position
    )
    async with database.read() as tx:
        payload = (await tx.execute(query)).scalar_one()
    assert json.loads(payload)["attested_by"] == FACILITATOR
    assert "river" not in payload
    assert (await ledger.verify(database)).findings == ()


async def test_nobody_attests_their_own_signature(database: Database) -> None:
    await start(database)
    shown = await attesting.preview(database, GROUP, FACILITATOR, LATER)
    with pytest.raises(OwnAttestationError):
        await attesting.attest(
            database, GROUP, FACILITATOR, shown, facilitator_id=FACILITATOR, note="me", now=LATER
        )
    assert await standing(database, FACILITATOR) is None


async def test_nothing_is_attested_before_there_is_something_to_sign(database: Database) -> None:
    await register(database)
    with pytest.raises(NotPublishedError):
        await attesting.preview(database, GROUP, NEWCOMER, LATER)


async def test_whoever_signs_while_the_facilitator_reads_keeps_their_own(
    database: Database,
) -> None:
    await start(database)
    await ask(database)
    shown = await attesting.preview(database, GROUP, NEWCOMER, LATER)
    await react(database, ACCEPT)

    with pytest.raises(CoveredError):
        await attesting.attest(
            database, GROUP, NEWCOMER, shown, facilitator_id=FACILITATOR, note="x", now=LATER
        )
    assert (await only_signature(database)).method is Method.REACTION


async def test_acceptance_that_comes_after_the_record_changes_nothing(database: Database) -> None:
    await start(database)
    await ask(database)
    await record(database)
    await tell(database)

    await react(database, ACCEPT)

    assert (await only_signature(database)).method is Method.ATTESTED
    assert await run_all(database) == []
    # Nor does taking it back: it was not what let them in.
    await react(database, ACCEPT, removed=True)
    assert await standing(database) is Standing.SIGNED


@pytest.mark.parametrize("says_no", [Standing.DECLINED, Standing.WITHDRAWN])
async def test_no_that_came_since_the_question_is_not_overruled(
    database: Database, says_no: Standing
) -> None:
    await start(database)
    await ask(database)
    shown = await attesting.preview(database, GROUP, NEWCOMER, LATER)
    if says_no is Standing.DECLINED:
        await react(database, DECLINE)
    else:
        await react(database, ACCEPT)
        await react(database, ACCEPT, removed=True)

    with pytest.raises(AttestationStaleError):
        await attesting.attest(
            database, GROUP, NEWCOMER, shown, facilitator_id=FACILITATOR, note="x", now=LATER
        )
    assert await standing(database) is says_no

    # Shown that they had said no, a facilitator may go on.
    await record(database)
    assert await standing(database) is Standing.SIGNED


async def test_text_that_changed_since_the_question_is_not_attested(database: Database) -> None:
    await start(database)
    shown = await attesting.preview(database, GROUP, NEWCOMER, LATER)
    await publish(database, agreement=make_agreement(title="A new title"), change=Change.MINOR)
    with pytest.raises(AttestationStaleError):
        await attesting.attest(
            database, GROUP, NEWCOMER, shown, facilitator_id=FACILITATOR, note="x", now=LATER
        )


async def test_objection_ends_it_and_the_person_and_facilitators_are_told(
    database: Database,
) -> None:
    await start(database)
    await join(database)
    await run_all(database)
    given = await record(database)
    await tell(database)

    assert await object_to_it(database)

    signature = await only_signature(database)
    assert (signature.revoke_reason, signature.revoked_at) == (RevokeReason.OBJECTED, AFTER)
    assert await standing(database) is Standing.DECLINED
    receipt = {"receipt": given.receipt_number}
    rows = await outbox.claim(database, AFTER, limit=50, group_keys=[GROUP], not_asking=[])
    said = [(row.kind, row.detail) for row in rows]
    assert (EffectKind.ALIGN_ROLE, None) in said
    assert [unpack(d or "") for k, d in said if k is EffectKind.REPORT] == [
        (Report.ATTEST_OBJECTED, receipt)
    ]
    # Once is enough, and taking it away again gives nothing back.
    await object_to_it(database)
    await signing.record_reaction(database, TOLD, NEWCOMER, DECLINE, AFTER, removed=True)
    assert await standing(database) is Standing.DECLINED
    assert (await ledger.verify(database)).findings == ()


async def test_nobody_else_can_object(database: Database) -> None:
    await start(database)
    await record(database)
    await tell(database)
    assert not await object_to_it(database, member_id=FACILITATOR)
    assert await standing(database) is Standing.SIGNED


async def test_objection_found_after_a_gap_is_recorded_with_its_doubt(database: Database) -> None:
    await start(database)
    await record(database)
    await tell(database)
    (request,) = await readable(database)
    assert await reading_back.record_found_answer(
        database, request.id, accepted=False, declined=True, observed_at=AFTER, now=AFTER
    )
    signature = await only_signature(database)
    assert signature.revoke_reason is RevokeReason.OBJECTED
    assert (signature.revoked_after, signature.revoked_at) == (LATER, AFTER)
    (request,) = await readable(database)
    assert not await reading_back.record_found_answer(
        database, request.id, accepted=False, declined=True, observed_at=AFTER, now=AFTER
    )


async def test_objection_counts_while_a_newer_text_waits(database: Database) -> None:
    await start(database)
    await record(database)
    await tell(database)
    newer = make_agreement(purpose="Another purpose.")
    await publish(database, agreement=newer, change=Change.MATERIAL, now=LATER)
    await run_all(database)

    assert await object_to_it(database)

    assert (await only_signature(database)).revoke_reason is RevokeReason.OBJECTED
    record_ = await records.check_member(database, GROUP, NEWCOMER, AFTER)
    assert record_.request is not None
    assert record_.request.state is RequestState.QUEUED
    assert record_.standing is Standing.WAITING


async def test_whoever_objected_can_sign_by_themselves_and_the_old_sign_does_not_end_it(
    database: Database,
) -> None:
    version = await start(database)
    await record(database)
    await tell(database)
    await object_to_it(database)
    later = AFTER + timedelta(minutes=1)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, later)
    await object_to_it(database)
    assert await standing(database) is Standing.SIGNED


async def test_facilitators_are_told_when_the_person_could_not_be(database: Database) -> None:
    await start(database)
    await run_all(database)
    given = await record(database)
    for row in await due(database):
        following: Effect | None = row
        while following is not None:
            if following.detail == Notice.ATTESTED:
                await outbox.record_blocked(database, following, 50007, LATER)
                break
            following = await outbox.finish(database, following, "role given", LATER)
    assert await standing(database) is Standing.SIGNED
    untold = (Report.ATTEST_UNTOLD, {"receipt": given.receipt_number})
    assert await reports(database) == [untold]
