"""What people and Discord do at the same time, or in the wrong order."""

from datetime import timedelta

import pytest

from bot.domain.agreements import Change, Standing
from bot.domain.effects import EffectKind, EffectState, Notice
from bot.services import members, notices, outbox, reading_back, records, signing
from bot.services.members import Present
from bot.storage import effects as outbox_rows
from bot.storage.database import Database
from tests.factories import NEWCOMER, NOW, RULES, make_agreement, publish
from tests.services.test_signing import (
    ACCEPT,
    DECLINE,
    GROUP,
    LATER,
    MESSAGE,
    ask,
    due,
    join,
    place,
    react,
    readable,
    run_all,
    standing,
)

NEW_TEXT = make_agreement(purpose="New words.")
MUCH_LATER = LATER + timedelta(hours=1)
NOTICE = EffectKind.NOTICE


async def request_id(database: Database) -> int:
    request = (await records.check_member(database, GROUP, NEWCOMER, LATER)).request
    assert request is not None
    return request.id


async def find(database: Database, *, accepted: bool) -> bool | None:
    """The message is read back, an hour later."""
    return await reading_back.record_found_answer(
        database,
        await request_id(database),
        accepted=accepted,
        declined=False,
        observed_at=MUCH_LATER,
        now=MUCH_LATER,
    )


async def answer_asking(database: Database) -> None:
    """The newer text reaches the person, in another message."""
    for effect in await due(database):
        if effect.kind is EffectKind.ASK:
            asking = await outbox.prepare_asking(database, effect)
            assert asking is not None
            await outbox.record_asked(database, effect, asking.version, place(MESSAGE + 1), LATER)
        await outbox.finish(database, effect, "done", LATER)


async def test_role_does_not_wait_for_a_request_that_keeps_its_pace(database: Database) -> None:
    version = await publish(database)
    await run_all(database)
    await join(database)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, NOW)

    claimed = await outbox.claim(database, LATER, limit=50, group_keys=[GROUP], not_asking=[GROUP])

    assert [effect.kind for effect in claimed] == [EffectKind.ALIGN_ROLE]


async def test_role_goes_at_once_while_a_notice_waits(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    (role,) = await due(database)
    notice = await outbox.finish(database, role, "given", LATER)
    assert notice is not None
    assert notice.kind is EffectKind.NOTICE
    await outbox.retry(database, notice, "paused 20026", MUCH_LATER)

    await signing.withdraw(database, GROUP, NEWCOMER, LATER)

    assert [effect.kind for effect in await due(database)] == [EffectKind.ALIGN_ROLE]


async def test_notice_waits_for_the_role_it_speaks_of(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    (role,) = await due(database)

    await outbox.retry(database, role, "http 503", MUCH_LATER)

    assert await due(database) == []


async def test_replaced_request_is_still_read_back_while_its_signature_counts(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    await publish(database, agreement=NEW_TEXT, change=Change.MATERIAL, now=LATER)

    found = await readable(database)
    assert MESSAGE in [request.message_id for request in found]
    (old,) = [request for request in found if request.message_id == MESSAGE]
    await reading_back.record_found_answer(
        database, old.id, accepted=False, declined=False, observed_at=MUCH_LATER, now=MUCH_LATER
    )

    (signature,) = (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures
    assert signature.revoked_at == MUCH_LATER


async def test_acceptance_removed_unseen_withdraws_also_what_was_signed_by_button(
    database: Database,
) -> None:
    version = await publish(database)
    await ask(database)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, NOW)
    await react(database, ACCEPT)

    assert await find(database, accepted=False)

    assert await standing(database) is Standing.WITHDRAWN


async def test_acceptance_found_after_a_decline_by_button_signs_nothing(
    database: Database,
) -> None:
    version = await publish(database)
    await ask(database)
    # A ✅ was given in a gap of the connection; then came the person's last word.
    await signing.decline_by_button(database, GROUP, NEWCOMER, version.id, LATER)

    assert not await find(database, accepted=True)

    assert await standing(database) is Standing.DECLINED


async def test_acceptance_found_after_a_withdrawal_by_command_signs_nothing(
    database: Database,
) -> None:
    version = await publish(database)
    await ask(database)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)
    await signing.withdraw(database, GROUP, NEWCOMER, LATER)

    assert not await find(database, accepted=True)

    assert await standing(database) is Standing.WITHDRAWN


async def test_reading_that_is_older_than_a_reaction_changes_nothing(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await signing.withdraw(database, GROUP, NEWCOMER, LATER)
    # While the message that still shows the ✅ is on its way back, the ✅ is taken away.
    removed_at = MUCH_LATER + timedelta(milliseconds=50)
    await signing.record_reaction(database, MESSAGE, NEWCOMER, ACCEPT, removed_at, removed=True)

    # It tells nothing, so that nobody takes the message for known.
    assert await find(database, accepted=True) is None

    assert await standing(database) is Standing.WITHDRAWN


async def test_clock_of_discord_a_little_ahead_asks_nobody_twice(database: Database) -> None:
    await publish(database)
    ahead = Present(member_id=NEWCOMER, has_role=False, joined_at=NOW + timedelta(milliseconds=300))
    await members.welcome(database, GROUP, [ahead], NOW, live=True)

    assert await members.welcome(database, GROUP, [ahead], LATER, live=False) == 0


async def test_acceptance_under_a_replaced_message_is_pointed_to_the_text_in_force(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    newer = await publish(
        database, agreement=make_agreement(title="A typo less"), change=Change.MINOR
    )
    await run_all(database)
    await signing.decline_by_button(database, GROUP, NEWCOMER, newer.id, LATER)

    assert await react(database, ACCEPT)

    assert await run_all(database) == [(EffectKind.NOTICE, Notice.OUTDATED)]


async def test_person_who_returns_in_a_grace_is_asked_like_the_others(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    await members.say_goodbye(database, [GROUP], NEWCOMER, LATER)
    await publish(database, agreement=NEW_TEXT, change=Change.MATERIAL, now=LATER)
    await run_all(database)

    await join(database)

    seen = [kind for kind, _ in await run_all(database)]
    assert seen.count(EffectKind.ASK) == 1
    assert EffectKind.ALIGN_ROLE in seen


async def test_renewal_on_the_old_message_is_pointed_to_the_new_one_during_a_grace(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    await publish(database, agreement=NEW_TEXT, change=Change.MATERIAL, now=LATER)
    await answer_asking(database)

    await react(database, ACCEPT)

    (notice,) = await due(database)
    assert notice.detail == Notice.OUTDATED
    assert await notices.prepare_notice(database, notice, LATER) is not None


async def test_clock_set_back_still_records_an_interval(database: Database) -> None:
    await publish(database)
    await ask(database)
    ahead = NOW + timedelta(days=1)
    await records.mark_checked(database, [await request_id(database)], ahead)

    found = await reading_back.record_found_answer(
        database,
        await request_id(database),
        accepted=True,
        declined=False,
        observed_at=ahead,
        now=LATER,
    )

    assert found
    (signature,) = (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures
    assert signature.signed_after == signature.signed_at == LATER


async def test_lapsed_signature_does_not_come_to_life_with_the_next_grace(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    await publish(database, agreement=NEW_TEXT, change=Change.MATERIAL, now=NOW)
    after_grace = NOW + timedelta(days=15)
    third = make_agreement(purpose="Newer still.")

    await publish(database, agreement=third, change=Change.MATERIAL, now=after_grace)

    assert not await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, after_grace)


async def test_held_role_is_not_asked_for_again_by_every_sweep(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    (role,) = await due(database)
    await outbox.hold(database, role, None, "role_too_high", LATER)
    person = Present(member_id=NEWCOMER, has_role=False, joined_at=NOW)

    for _ in range(3):
        await members.welcome(database, GROUP, [person], LATER, live=False)

    async with database.read() as tx:
        counts = await outbox_rows.count_by_state(tx)
    assert counts[EffectState.HELD] == 1
    assert counts.get(EffectState.PENDING, 0) == 1  # the confirmation


@pytest.mark.parametrize("seen", [True, False])
async def test_withdrawal_after_a_return_is_not_answered_by_another_request(
    database: Database, *, seen: bool
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    back, later = NOW + timedelta(days=1), NOW + timedelta(days=2)
    if seen:
        await members.say_goodbye(database, [GROUP], NEWCOMER, LATER)
    person = Present(member_id=NEWCOMER, has_role=False, joined_at=back)
    await members.welcome(database, GROUP, [person], back, live=seen)
    await signing.withdraw(database, GROUP, NEWCOMER, back + timedelta(hours=1))
    before = await records.check_member(database, GROUP, NEWCOMER, later)

    assert await members.welcome(database, GROUP, [person], later, live=False) == 0

    after = await records.check_member(database, GROUP, NEWCOMER, later)
    assert after.standing is Standing.WITHDRAWN
    assert after.request == before.request


async def test_whoever_leaves_and_returns_after_a_withdrawal_is_asked_anew(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    back = NOW + timedelta(days=1)
    person = Present(member_id=NEWCOMER, has_role=False, joined_at=back)
    await members.welcome(database, GROUP, [person], back, live=False)
    await signing.withdraw(database, GROUP, NEWCOMER, back + timedelta(hours=1))
    again = Present(member_id=NEWCOMER, has_role=False, joined_at=back + timedelta(days=1))

    assert (
        await members.welcome(database, GROUP, [again], back + timedelta(days=2), live=False) == 1
    )


async def test_acceptance_that_may_be_older_than_a_no_is_not_counted_and_the_person_is_told(
    database: Database,
) -> None:
    version = await publish(database)
    await ask(database)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)
    await signing.withdraw(database, GROUP, NEWCOMER, LATER + timedelta(minutes=1))
    await run_all(database)

    assert not await find(database, accepted=True)
    assert not await find(database, accepted=True)

    told = [detail for kind, detail in await run_all(database, MUCH_LATER) if kind is NOTICE]
    assert told == [Notice.UNCLEAR]
    assert await standing(database) is Standing.WITHDRAWN


async def test_refusal_on_the_message_does_not_vouch_for_an_acceptance_that_nobody_saw(
    database: Database,
) -> None:
    version = await publish(database)
    await ask(database)
    # A ✅ was given in a gap of the connection, and could not be read back yet.
    await signing.decline_by_button(database, GROUP, NEWCOMER, version.id, LATER)
    pressed_at = LATER + timedelta(minutes=1)
    for removed in (False, True):
        await signing.record_reaction(
            database, MESSAGE, NEWCOMER, DECLINE, pressed_at, removed=removed
        )

    assert not await find(database, accepted=True)

    assert await standing(database) is Standing.DECLINED


async def test_acceptance_found_after_a_refusal_on_the_message_signs(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, DECLINE)
    assert await standing(database) is Standing.DECLINED

    assert await find(database, accepted=True)

    assert await standing(database) is Standing.SIGNED


async def test_withdrawal_that_was_seen_makes_a_later_found_acceptance_doubtful(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    await publish(database, agreement=NEW_TEXT, change=Change.MATERIAL, now=LATER)
    await answer_asking(database)
    # The older ✅ is taken away before everybody's eyes, and the person told what that means.
    seen_at = LATER + timedelta(minutes=1)
    await signing.record_reaction(database, MESSAGE, NEWCOMER, ACCEPT, seen_at, removed=True)

    assert not await find(database, accepted=True)

    # Their no answered the newer request as well; a ✅ of theirs brings them back.
    assert await standing(database) is Standing.WITHDRAWN
