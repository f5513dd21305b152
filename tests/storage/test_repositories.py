"""Keys and checks of the database that make every step safe to repeat, on both engines."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from bot.domain.agreements import Change, Method, RequestState, RevokeReason, VersionState
from bot.domain.effects import AlarmKind, EffectKind, EffectState
from bot.domain.errors import NotPublishedError
from bot.storage import effects, requests, signatures, tables, versions
from bot.storage.database import Database, Transaction
from tests.factories import FACILITATOR, NEWCOMER, NOW, make_agreement

GROUP = "harbour-light"
OTHER_GROUP = "north-star"
MESSAGE = 800_000_000_000_000_001
SHA256 = make_agreement().sha256()
Step = Callable[[Transaction], Awaitable[object]]


async def add_version(tx: Transaction, state: VersionState, number: int = 1) -> int:
    values: dict[str, Any] = {}
    if state is not VersionState.DRAFT:
        values = {
            "change": Change.FIRST,
            "material_number": number,
            "published_by": FACILITATOR,
            "published_at": NOW,
        }
    statement = insert(tables.agreement_versions).values(
        group_key=GROUP,
        number=number,
        state=state,
        text=make_agreement().canonical(),
        sha256=SHA256,
        created_at=NOW,
        **values,
    )
    inserted = await tx.execute(statement.returning(tables.agreement_versions.c.id))
    return inserted.scalar_one()


async def add_signature(tx: Transaction, request_id: int, version_id: int, **changes: Any) -> int:
    values: dict[str, Any] = {
        "group_key": GROUP,
        "member_id": NEWCOMER,
        "sha256": SHA256,
        "receipt_number": "R-1",
        "method": Method.REACTION,
        "message_id": None,
        "signed_at": NOW,
    }
    values |= changes
    added = await signatures.add(
        tx, version_number=1, request_id=request_id, version_id=version_id, **values
    )
    # What the caller goes on with is what the database holds.
    assert added == await signatures.get(tx, added.id)
    return added.id


@pytest.fixture
async def seeded(database: Database) -> Database:
    """Two groups, a published version (id 1) and a newcomer's open request (id 1)."""
    async with database.write() as tx:
        await versions.add_group(tx, GROUP, 1, NOW)
        await versions.add_group(tx, OTHER_GROUP, 1, NOW)
        assert await add_version(tx, VersionState.PUBLISHED) == 1
        assert await requests.add(tx, GROUP, NEWCOMER, NOW, version_id=1) == 1
    return database


async def refuses(database: Database, *steps: Step, name: str | None = None) -> None:
    """The last step is refused by the database, whatever the code before it checked."""
    async with database.write() as tx:
        for step in steps[:-1]:
            await step(tx)
        with pytest.raises(IntegrityError) as caught:
            async with tx.begin_nested():
                await steps[-1](tx)
    if name and database.dialect == "postgresql":
        assert f'"{name}"' in str(caught.value)


# One of each -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(RequestState))
async def test_second_request_is_refused_while_one_is_open(
    seeded: Database, state: RequestState
) -> None:
    async def set_state(tx: Transaction) -> None:
        await requests.mark(tx, 1, state=state, message_id=MESSAGE)

    async def ask_again(tx: Transaction) -> None:
        await requests.add(tx, GROUP, NEWCOMER, NOW, version_id=1)

    if state in (RequestState.EXPIRED, RequestState.CANCELLED):
        async with seeded.write() as tx:
            await set_state(tx)
            await ask_again(tx)
    else:
        await refuses(seeded, set_state, ask_again, name="uq_signature_requests_open")
    async with seeded.write() as tx:
        await requests.add(tx, OTHER_GROUP, NEWCOMER, NOW, version_id=None)


async def test_second_signature_is_refused_until_the_first_is_revoked(seeded: Database) -> None:
    async def sign_again(tx: Transaction) -> int:
        return await add_signature(tx, 1, 1, receipt_number="R-2")

    await refuses(
        seeded, lambda tx: add_signature(tx, 1, 1), sign_again, name="uq_signatures_in_force"
    )
    async with seeded.write() as tx:
        first = await signatures.find_unrevoked(tx, GROUP, NEWCOMER)
        assert first is not None
        await signatures.mark_revoked(tx, first, RevokeReason.WITHDRAWN, NOW)
        second = await sign_again(tx)
        given = await signatures.list_of_member(tx, GROUP, NEWCOMER)
    assert [one.id for one in given] == [first.id, second]
    assert [one.revoke_reason for one in given] == [RevokeReason.WITHDRAWN, None]


async def test_revocation_stays_as_it_was_when_revoked_again(seeded: Database) -> None:
    later = NOW + timedelta(days=1)
    async with seeded.write() as tx:
        signature = await signatures.get(tx, await add_signature(tx, 1, 1))
        await signatures.mark_revoked(tx, signature, RevokeReason.WITHDRAWN, NOW)
        found = await signatures.get(tx, signature.id)
        await signatures.mark_revoked(tx, found, RevokeReason.EXPIRED, later, after=NOW)
        found = await signatures.get(tx, signature.id)
    assert (found.revoked_at, found.revoked_after, found.revoke_reason) == (
        NOW,
        None,
        RevokeReason.WITHDRAWN,
    )


async def test_second_version_in_force_or_draft_or_of_a_number_is_refused(
    seeded: Database,
) -> None:
    published, draft = VersionState.PUBLISHED, VersionState.DRAFT
    await refuses(
        seeded, lambda tx: add_version(tx, published, 2), name="uq_agreement_versions_in_force"
    )
    await refuses(
        seeded,
        lambda tx: add_version(tx, VersionState.SUPERSEDED, 1),
        name="uq_agreement_versions_group_key_number",
    )
    await refuses(
        seeded,
        lambda tx: add_version(tx, draft, 2),
        lambda tx: add_version(tx, draft, 3),
        name="uq_agreement_versions_draft",
    )


async def test_message_and_receipt_belong_to_one_record_only(seeded: Database) -> None:
    async def sent(tx: Transaction, member_id: int) -> None:
        request_id = await requests.add(tx, GROUP, member_id, NOW, version_id=1)
        await requests.mark(tx, request_id, message_id=MESSAGE)

    await refuses(
        seeded,
        lambda tx: sent(tx, 1),
        lambda tx: sent(tx, 2),
        name="uq_signature_requests_message_id",
    )
    await refuses(
        seeded,
        lambda tx: add_signature(tx, 1, 1, member_id=1),
        lambda tx: add_signature(tx, 1, 1, member_id=2),
        name="uq_signatures_receipt_number",
    )


async def test_alarm_is_open_once_until_it_is_closed(seeded: Database) -> None:
    kind = AlarmKind.ROLE_GONE
    async with seeded.write() as tx:
        assert await effects.open_alarm(tx, GROUP, kind, NOW)
        assert not await effects.open_alarm(tx, GROUP, kind, NOW)
        assert await effects.open_alarm(tx, OTHER_GROUP, kind, NOW)
        assert await effects.close_alarms(tx, GROUP, list(AlarmKind), NOW) == 1
        assert await effects.close_alarms(tx, GROUP, list(AlarmKind), NOW) == 0
        assert await effects.open_alarm(tx, GROUP, kind, NOW)
    again = insert(tables.alarms).values(group_key=GROUP, kind=kind, opened_at=NOW)
    await refuses(seeded, lambda tx: tx.execute(again), name="uq_alarms_open")


# What no row may say -----------------------------------------------------------------------------


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
async def test_impossible_states_are_refused(seeded: Database) -> None:
    async with seeded.write() as tx:
        await add_signature(tx, 1, 1)
        await effects.add(tx, group_key=GROUP, lane="a", kind=EffectKind.PANEL, now=NOW)
        await effects.open_alarm(tx, GROUP, AlarmKind.ROLE_GONE, NOW)
    impossible: list[tuple[Any, dict[str, object]]] = [
        (tables.agreement_versions, {"state": "forgotten"}),
        (tables.agreement_versions, {"change": "huge"}),
        (tables.agreement_versions, {"sha256": "abc"}),
        (tables.agreement_versions, {"published_by": None}),
        (tables.agreement_versions, {"material_number": None}),
        (tables.agreement_versions, {"group_key": "nobody"}),
        (tables.signature_requests, {"state": "lost"}),
        (tables.signature_requests, {"state": RequestState.SENT}),  # on no message
        (tables.signature_requests, {"state": RequestState.BLOCKED, "version_id": None}),
        (tables.signature_requests, {"version_id": 99}),
        (tables.signature_requests, {"group_key": "nobody"}),
        (tables.signature_requests, {"member_id": None}),
        (tables.signatures, {"method": "telepathy"}),
        (tables.signatures, {"revoked_at": NOW}),  # for no reason
        (tables.signatures, {"revoke_reason": RevokeReason.EXPIRED}),  # at no time
        (tables.signatures, {"signed_after": NOW + timedelta(seconds=1)}),
        (tables.signatures, {"sha256": "abc"}),
        (tables.signatures, {"request_id": 99}),
        (tables.signatures, {"version_id": 99}),
        (tables.effects, {"state": "asleep"}),
        (tables.effects, {"state": EffectState.DONE}),  # at no time
        (tables.effects, {"finished_at": NOW}),  # and still to be done
        (tables.effects, {"request_id": 99}),
        (tables.alarms, {"group_key": "nobody"}),
    ]
    for table, values in impossible:
        await refuses(seeded, lambda tx, t=table, v=values: tx.execute(update(t).values(**v)))
    for table in (tables.groups, tables.agreement_versions, tables.signature_requests):
        await refuses(seeded, lambda tx, t=table: tx.execute(t.delete()))


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("table", "values"),
    [
        (tables.signatures, {"revoked_at": NOW, "revoke_reason": "bored"}),
        (tables.effects, {"kind": "dance"}),
        (tables.alarms, {"kind": "boredom"}),
    ],
)
async def test_word_of_no_vocabulary_is_not_written(
    seeded: Database, table: Any, values: dict[str, object]
) -> None:
    async with seeded.write() as tx:
        with pytest.raises(StatementError, match="is not a valid"):
            await tx.execute(update(table).values(**values))


async def test_ids_and_instants_come_back_as_they_were(seeded: Database) -> None:
    largest = 2**63 - 1
    odd = datetime.fromisoformat("2026-03-01T23:59:59.000001+05:30")
    async with seeded.write() as tx:
        request_id = await requests.add(tx, GROUP, largest, odd, version_id=1)
        await requests.mark(tx, request_id, message_id=largest)
    async with seeded.read() as tx:
        found = await requests.find_by_message(tx, largest)
    assert found is not None
    assert (found.member_id, found.created_at) == (largest, odd)
    assert found.created_at.utcoffset() == timedelta(0)


async def test_id_is_never_given_to_a_second_row(seeded: Database) -> None:
    # Custom ids of buttons and nonces of messages name rows that may be long gone.
    delete = tables.signature_requests.delete().where(tables.signature_requests.c.id == 2)
    async with seeded.write() as tx:
        assert await requests.add(tx, GROUP, 1, NOW, version_id=1) == 2
        await tx.execute(delete)
    async with seeded.write() as tx:
        assert await requests.add(tx, GROUP, 1, NOW, version_id=1) == 3


# Versions and marks ------------------------------------------------------------------------------


async def test_text_read_back_is_the_text_that_was_hashed(database: Database) -> None:
    agreement = make_agreement(purpose="Ça, “ça” & 😀\nund\ttäglich\\n", crisis="112")
    async with database.write() as tx:
        await versions.add_group(tx, GROUP, 1, NOW)
        await versions.put_draft(tx, GROUP, make_agreement(), NOW)
        await versions.put_draft(tx, GROUP, agreement, NOW)
        draft = await versions.find_draft(tx, GROUP)
        assert await versions.find_in_force(tx, GROUP) is None
        with pytest.raises(NotPublishedError):
            await versions.get_in_force(tx, GROUP)
    assert draft is not None
    assert draft.agreement == agreement
    assert hashlib.sha256(draft.text.encode()).hexdigest() == draft.sha256 == agreement.sha256()


async def test_group_keeps_its_first_day_when_it_moves_to_another_server(
    seeded: Database,
) -> None:
    later = NOW + timedelta(days=9)
    async with seeded.write() as tx:
        await versions.add_group(tx, GROUP, 2, later)
        assert (await versions.get_group(tx, GROUP)).created_at == NOW
        guild_ids = await tx.execute(text("SELECT guild_id FROM groups ORDER BY key"))
        assert list(guild_ids.scalars()) == [2, 1]


async def test_mark_holds_what_was_put_last(database: Database) -> None:
    async with database.write() as tx:
        assert await versions.find_mark(tx, "commands") is None
        await versions.put_mark(tx, "commands", "one")
        await versions.put_mark(tx, "commands", "two")
        assert await versions.find_mark(tx, "commands") == "two"
