"""Reminders before an end, renewal without a gap, and what people are told, on both engines."""

from datetime import datetime, timedelta

import pytest

from bot.domain.agreements import (
    Change,
    Duration,
    Method,
    RequestState,
    RevokeReason,
    SignatureRequest,
    Standing,
)
from bot.domain.effects import EffectKind, Notice
from bot.services import notices, outbox, records, reminders, signing, waiting
from bot.storage import requests, versions
from bot.storage.database import Database
from tests.factories import NEWCOMER, NOW, RULES, make_agreement, publish
from tests.services.waiting import ACCEPT, GROUP, answer, ask, deliver, details

DAYS = timedelta(days=1)
MARKS = (14, 3, 1)
YEAR = make_agreement(duration=Duration(text="For a year.", days=365))
SOON = 14 * DAYS


async def find_request(database: Database) -> SignatureRequest:
    async with database.read() as tx:
        request = await requests.find_open(tx, GROUP, NEWCOMER)
    assert request is not None
    return request


async def sign(database: Database, now: datetime = NOW) -> None:
    """Somebody is asked and signs at `now`."""
    await ask(database, now)
    await answer(database, (await find_request(database)).message_id, now)
    await deliver(database, now)


async def told(database: Database, now: datetime, limit: int = 10) -> list[str | None]:
    """What one round of the timer tells people."""
    await reminders.remind_ending(database, GROUP, MARKS, now, limit)
    await reminders.end_lapsed(database, [GROUP], now)
    return details(await deliver(database, now))


async def test_reminders_before_the_end_come_once_each(database: Database) -> None:
    await publish(database, agreement=YEAR)
    await sign(database)
    seen = [(day, await told(database, NOW + day * DAYS)) for day in range(345, 370)]
    assert [one for one in seen if one[1]] == [
        (351, [Notice.ENDING]),
        (362, [Notice.ENDING]),
        (364, [Notice.ENDING]),
        (365, [Notice.EXPIRED]),
    ]


async def test_after_an_outage_over_several_days_one_reminder_comes(database: Database) -> None:
    await publish(database, agreement=YEAR)
    await sign(database)
    assert await told(database, NOW + 364 * DAYS) == [Notice.ENDING]
    assert await told(database, NOW + 364 * DAYS + timedelta(hours=1)) == []


async def test_signature_until_withdrawn_never_ends(database: Database) -> None:
    await publish(database)
    await sign(database)
    for years in range(1, 40):
        assert await told(database, NOW + years * 365 * DAYS) == []
    assert await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, NOW + 40 * 365 * DAYS)


async def sign_and_be_asked_anew(database: Database) -> tuple[int, datetime]:
    """Somebody has signed under this message, and since then is to be asked for a newer text."""
    await publish(database)
    await sign(database)
    first = (await find_request(database)).message_id
    now = NOW + 10 * DAYS
    changed = make_agreement(purpose="Other.")
    await publish(database, agreement=changed, change=Change.MATERIAL, now=now)
    assert first is not None
    return first, now


@pytest.mark.parametrize("by_command", [True, False])
async def test_whoever_withdraws_while_a_newer_text_waits_is_left_in_peace(
    database: Database, by_command: bool
) -> None:
    first, now = await sign_and_be_asked_anew(database)
    await deliver(database, now)
    second = await find_request(database)
    assert second.message_id not in {None, first}
    if by_command:
        await signing.withdraw(database, GROUP, NEWCOMER, now)
    else:
        await answer(database, first, now, removed=True)
    await deliver(database, now)

    record = await records.check_member(database, GROUP, NEWCOMER, now)
    assert record.standing is Standing.WITHDRAWN
    for day in range(11, 30):
        later = NOW + day * DAYS
        assert await reminders.remind(database, GROUP, [1, 3, 7], later, 10) == 0
        assert await told(database, later) == []
    later = NOW + 30 * DAYS
    assert (await waiting.count_waiting(database, GROUP, later)).due == 0
    changed = make_agreement(purpose="Something else.")
    await publish(database, agreement=changed, change=Change.MATERIAL, now=later)
    assert all(effect.member_id is None for effect in await deliver(database, later))


async def test_whoever_has_withdrawn_comes_back_by_the_newer_message(database: Database) -> None:
    _first, now = await sign_and_be_asked_anew(database)
    await deliver(database, now)
    second = await find_request(database)
    await signing.withdraw(database, GROUP, NEWCOMER, now)
    await deliver(database, now)
    await answer(database, second.message_id, now + DAYS)
    record = await records.check_member(database, GROUP, NEWCOMER, now + DAYS)
    assert (record.standing, record.signatures[-1].version_number) == (Standing.SIGNED, 2)


async def test_reminder_on_its_way_is_dropped_by_a_withdrawal(database: Database) -> None:
    _first, now = await sign_and_be_asked_anew(database)
    await deliver(database, now)
    later = now + DAYS
    assert await reminders.remind(database, GROUP, [1], later, 10) == 1
    await signing.withdraw(database, GROUP, NEWCOMER, later)
    due = await outbox.claim(database, later, limit=9, group_keys=[GROUP], not_asking=[])
    (reminder,) = [row for row in due if row.detail == Notice.REMINDER]
    assert await notices.prepare_notice(database, reminder, later, RULES) is None


async def test_request_that_has_not_gone_out_is_not_sent_after_a_withdrawal(
    database: Database,
) -> None:
    first, now = await sign_and_be_asked_anew(database)
    await signing.withdraw(database, GROUP, NEWCOMER, now)
    (asking,) = [
        row
        for row in await outbox.claim(database, now, limit=9, group_keys=[GROUP], not_asking=[])
        if row.kind is EffectKind.ASK
    ]
    assert await outbox.prepare_asking(database, asking) is None
    await outbox.finish(database, asking, "not needed", now)

    # They come back under the message they know: then the newer text goes out after all.
    await answer(database, first, now + DAYS)
    await deliver(database, now + DAYS)
    second = await find_request(database)
    assert (second.state, second.version_number) == (RequestState.SENT, 2)
    await answer(database, second.message_id, now + DAYS)
    record = await records.check_member(database, GROUP, NEWCOMER, now + DAYS)
    assert record.standing is Standing.SIGNED


async def test_reminder_waits_a_day_when_access_has_just_ended(database: Database) -> None:
    _first, now = await sign_and_be_asked_anew(database)
    await deliver(database, now)
    later = now + 20 * DAYS  # the bot was away meanwhile
    await reminders.end_lapsed(database, [GROUP], later)
    assert await reminders.remind(database, GROUP, [1, 3, 7], later, 10) == 0
    assert details(await deliver(database, later)) == [Notice.GRACE_OVER]

    assert await reminders.remind(database, GROUP, [1, 3, 7], later + DAYS, 10) == 1
    assert details(await deliver(database, later + DAYS)) == [Notice.REMINDER]


async def test_grace_is_reminded_of_but_not_with_the_request_itself(database: Database) -> None:
    await publish(database)
    await sign(database)
    changed = make_agreement(purpose="Other.")
    await publish(database, agreement=changed, change=Change.MATERIAL, now=NOW + 100 * DAYS)
    seen = [(day, await told(database, NOW + day * DAYS)) for day in range(100, 116)]
    assert [one for one in seen if one[1]] == [
        (111, [Notice.ENDING]),
        (113, [Notice.ENDING]),
        (114, [Notice.GRACE_OVER]),
    ]


async def test_second_change_in_a_grace_moves_no_reminder(database: Database) -> None:
    await publish(database)
    await sign(database)
    for day, purpose in ((100, "Other."), (105, "Another.")):
        changed = make_agreement(purpose=purpose)
        now = NOW + day * DAYS
        await publish(database, agreement=changed, change=Change.MATERIAL, now=now)
    assert await told(database, NOW + 111 * DAYS) == [Notice.ENDING]
    assert await told(database, NOW + 114 * DAYS) == [Notice.GRACE_OVER]


async def test_whoever_left_is_neither_reminded_nor_told(database: Database) -> None:
    await publish(database, agreement=YEAR)
    await sign(database)
    async with database.write() as tx:
        await requests.mark_left(tx, [GROUP], NEWCOMER, NOW)
    assert await told(database, NOW + 360 * DAYS) == []
    assert await told(database, NOW + 366 * DAYS) == []


async def test_no_more_are_reminded_than_the_pace_allows(database: Database) -> None:
    await publish(database, agreement=YEAR)
    for number in range(5):
        await ask(database, NOW, NEWCOMER + number)
        async with database.read() as tx:
            request = await requests.find_open(tx, GROUP, NEWCOMER + number)
        assert request is not None
        await signing.record_reaction(
            database, request.message_id or 0, NEWCOMER + number, ACCEPT, NOW
        )
    await deliver(database, NOW)
    late = NOW + 352 * DAYS
    rounds = [await reminders.remind_ending(database, GROUP, MARKS, late, 2) for _ in range(4)]
    assert rounds == [2, 2, 1, 0]
    assert await reminders.remind_ending(database, GROUP, MARKS, late, 0) == 0
    assert await reminders.remind_ending(database, GROUP, [], late, 2) == 0


async def test_backup_that_was_put_back_reminds_nobody_of_an_end(database: Database) -> None:
    await publish(database, agreement=YEAR)
    await sign(database)
    async with database.write() as tx:
        await versions.mark_group(tx, GROUP, restored_from=NOW)
    assert await reminders.remind_ending(database, GROUP, MARKS, NOW + 360 * DAYS, 10) == 0


# Renewal ------------------------------------------------------------------------------------------


async def test_renewal_before_the_end_leaves_no_gap(database: Database) -> None:
    version = await publish(database, agreement=YEAR)
    await sign(database)
    day = NOW + 352 * DAYS
    assert await told(database, day) == [Notice.ENDING]
    offered = await signing.offer(database, GROUP, NEWCOMER, day, renew_within=SOON)
    assert (offered.signature, offered.ends_at) == (None, NOW + 365 * DAYS)

    renewed = await signing.accept_by_button(
        database, GROUP, NEWCOMER, version.id, day, renew_within=SOON
    )

    assert (renewed.method, renewed.expires_at) == (Method.BUTTON, day + 365 * DAYS)
    record = await records.check_member(database, GROUP, NEWCOMER, day)
    old, new = record.signatures
    assert (old.revoke_reason, old.revoked_at) == (RevokeReason.RENEWED, new.signed_at)
    seen = await deliver(database, day)
    assert {effect.kind for effect in seen} <= {EffectKind.ALIGN_ROLE, EffectKind.REPORT}
    for later in range(352, 700):
        now = NOW + later * DAYS
        assert await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, now)
    assert await told(database, NOW + 366 * DAYS) == []
    assert await told(database, day + 351 * DAYS) == [Notice.ENDING]


async def test_pressing_twice_renews_once(database: Database) -> None:
    version = await publish(database, agreement=YEAR)
    await sign(database)
    day = NOW + 360 * DAYS
    given = [
        await signing.accept_by_button(
            database, GROUP, NEWCOMER, version.id, day, renew_within=SOON
        )
        for _ in range(2)
    ]
    assert given[0] == given[1]


async def test_early_acceptance_changes_nothing(database: Database) -> None:
    version = await publish(database, agreement=YEAR)
    await sign(database)
    day = NOW + 100 * DAYS
    offered = await signing.offer(database, GROUP, NEWCOMER, day, renew_within=SOON)
    assert offered.signature is not None
    again = await signing.accept_by_button(
        database, GROUP, NEWCOMER, version.id, day, renew_within=SOON
    )
    assert again.signed_at == NOW


@pytest.mark.parametrize("renewed", [True, False])
async def test_reminder_on_its_way_is_dropped_when_it_was_renewed(
    database: Database, *, renewed: bool
) -> None:
    version = await publish(database, agreement=YEAR)
    await sign(database)
    day = NOW + 360 * DAYS
    await reminders.remind_ending(database, GROUP, MARKS, day, 10)
    if renewed:
        await signing.accept_by_button(
            database, GROUP, NEWCOMER, version.id, day, renew_within=SOON
        )
    effects = await deliver(database, day)
    (notice,) = [effect for effect in effects if effect.kind is EffectKind.NOTICE]
    facts = await notices.prepare_notice(database, notice, day)
    assert (facts is None) is renewed


# Requests without an answer -----------------------------------------------------------------------


async def test_reminder_by_hand_puts_the_next_one_off_for_a_day(database: Database) -> None:
    await publish(database)
    await ask(database, NOW)
    request = await find_request(database)
    by_hand = NOW + timedelta(hours=20)
    async with database.write() as tx:
        await requests.mark(tx, request.id, reminded_at=by_hand)
    assert await reminders.remind(database, GROUP, [1, 3], NOW + DAYS, 10) == 0
    assert await reminders.remind(database, GROUP, [1, 3], by_hand + DAYS, 10) == 1
    assert (await find_request(database)).reminded_at == by_hand + DAYS


async def test_reminder_in_a_grace_knows_until_when_access_lasts(database: Database) -> None:
    await publish(database)
    await sign(database)
    changed = make_agreement(purpose="Other.")
    await publish(database, agreement=changed, change=Change.MATERIAL, now=NOW + 100 * DAYS)
    await deliver(database, NOW + 100 * DAYS)
    day = NOW + 101 * DAYS
    assert await reminders.remind(database, GROUP, [1], day, 10) == 1
    effects = await deliver(database, day)
    (notice,) = [effect for effect in effects if effect.kind is EffectKind.NOTICE]
    facts = await notices.prepare_notice(database, notice, day)
    assert facts is not None
    assert facts.has_access
    assert facts.signature is not None
    assert facts.signature.ends_at() == NOW + 114 * DAYS
