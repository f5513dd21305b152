"""Acceptances, refusals and withdrawals, on both engines."""

from datetime import datetime, timedelta

import pytest

from bot.domain.agreements import (
    Change,
    Method,
    RequestState,
    RevokeReason,
    SignatureRequest,
    Standing,
)
from bot.domain.effects import Effect, EffectKind, Notice
from bot.domain.errors import AlreadySignedError, NotSignedError, OutdatedRequestError
from bot.effects.clock import TOLERANCE
from bot.services import members, notices, outbox, reading_back, records, reminders, signing
from bot.services.members import Present
from bot.storage.database import Database
from tests.factories import NEWCOMER, NOW, RULES, make_agreement, publish, register

GROUP = "harbour-light"
ACCEPT, DECLINE = "✅", "❌"
MESSAGE = 800_000_000_000_000_001
LATER = NOW + timedelta(minutes=5)


def place(message_id: int) -> outbox.Place:
    """Where a request was sent to."""
    return outbox.Place(
        channel_id=1,
        message_id=message_id,
        sent_at=NOW,
        accept_emoji=ACCEPT,
        decline_emoji=DECLINE,
    )


async def join(database: Database, member_id: int = NEWCOMER) -> None:
    person = Present(member_id=member_id, has_role=False, joined_at=NOW)
    await members.welcome(database, GROUP, [person], NOW, live=True)


async def readable(database: Database) -> list[SignatureRequest]:
    """What a new session reads back."""
    late = LATER + timedelta(days=1)
    return await records.list_readable(
        database, GROUP, 0, 100, waiting_before=late, answered_before=late
    )


async def due(database: Database, now: datetime = LATER) -> list[Effect]:
    return await outbox.claim(database, now, limit=50, group_keys=[GROUP], not_asking=[])


async def ask(database: Database, member_id: int = NEWCOMER, message_id: int = MESSAGE) -> None:
    """The person joins and the agreement reaches them."""
    await join(database, member_id)
    for effect in await due(database):
        if effect.kind is EffectKind.ASK:
            asking = await outbox.prepare_asking(database, effect)
            assert asking is not None
            await outbox.record_asked(database, effect, asking.version, place(message_id), NOW)
        assert await outbox.finish(database, effect, "done", LATER) is None


async def run_all(database: Database, now: datetime = LATER) -> list[tuple[EffectKind, str | None]]:
    """Carry out whatever is due, in order; returns what it was."""
    seen = []
    while effects := await due(database, now):
        for effect in effects:
            following: Effect | None = effect
            while following is not None:
                seen.append((following.kind, following.detail))
                following = await outbox.finish(database, following, "done", now)
    return seen


async def react(
    database: Database,
    emoji: str,
    *,
    member_id: int = NEWCOMER,
    removed: bool = False,
) -> bool:
    return await signing.record_reaction(
        database, MESSAGE, member_id, emoji, LATER, removed=removed
    )


async def standing(database: Database, member_id: int = NEWCOMER) -> Standing | None:
    return (await records.check_member(database, GROUP, member_id, LATER)).standing


async def test_acceptance_is_recorded_with_everything_that_proves_it(database: Database) -> None:
    version = await publish(database)
    await ask(database)

    assert await react(database, ACCEPT)

    record = await records.check_member(database, GROUP, NEWCOMER, LATER)
    (signature,) = record.signatures
    assert record.standing is Standing.SIGNED
    assert signature.sha256 == version.sha256 == make_agreement().sha256()
    assert (signature.version_number, signature.method) == (1, Method.REACTION)
    assert (signature.message_id, signature.signed_at) == (MESSAGE, LATER)
    assert signature.signed_after is None
    assert await run_all(database) == [
        (EffectKind.ALIGN_ROLE, None),
        (EffectKind.NOTICE, Notice.SIGNED),
    ]


@pytest.mark.parametrize(("minutes", "is_new"), [(2, False), (5, False), (30, True)])
async def test_newcomer_is_asked_once_though_our_clock_is_behind_discords(
    database: Database, minutes: int, *, is_new: bool
) -> None:
    await publish(database)
    await ask(database)
    # A clock that is off by no more than five minutes is trusted.
    joined_at = NOW + timedelta(minutes=minutes)
    person = Present(member_id=NEWCOMER, has_role=False, joined_at=joined_at)
    late = NOW + timedelta(hours=1)
    assert await members.welcome(database, GROUP, [person], late, live=False) == int(is_new)


def test_skew_that_is_allowed_for_covers_every_clock_that_is_trusted() -> None:
    assert members.CLOCK_SKEW > TOLERANCE


async def test_second_acceptance_changes_nothing(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    before = await records.check_member(database, GROUP, NEWCOMER, LATER)
    await run_all(database)

    await react(database, ACCEPT)

    assert await records.check_member(database, GROUP, NEWCOMER, LATER) == before
    assert await run_all(database) == []


async def test_reaction_by_somebody_else_is_not_an_answer(database: Database) -> None:
    await publish(database)
    await ask(database)

    assert not await react(database, ACCEPT, member_id=NEWCOMER + 1)

    assert await standing(database) is Standing.WAITING


async def test_decline_is_recorded_and_a_later_acceptance_signs(database: Database) -> None:
    await publish(database)
    await ask(database)

    await react(database, DECLINE)
    assert await standing(database) is Standing.DECLINED
    assert await run_all(database) == [(EffectKind.NOTICE, Notice.DECLINED)]

    await react(database, ACCEPT)
    assert await standing(database) is Standing.SIGNED


async def test_decline_after_acceptance_takes_nothing_away(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)

    await react(database, DECLINE)

    assert await standing(database) is Standing.SIGNED
    assert await run_all(database) == [(EffectKind.NOTICE, Notice.STILL_SIGNED)]


async def test_taking_the_acceptance_back_revokes_and_accepting_again_signs_anew(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)

    await react(database, ACCEPT, removed=True)

    record = await records.check_member(database, GROUP, NEWCOMER, LATER)
    assert record.standing is Standing.WITHDRAWN
    assert record.signatures[0].revoke_reason is RevokeReason.WITHDRAWN
    assert not await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, LATER)
    assert await run_all(database) == [
        (EffectKind.ALIGN_ROLE, None),
        (EffectKind.NOTICE, Notice.WITHDRAWN),
    ]

    await react(database, ACCEPT)
    record = await records.check_member(database, GROUP, NEWCOMER, LATER)
    assert record.standing is Standing.SIGNED
    first, second = record.signatures
    assert first.receipt_number != second.receipt_number


async def test_withdrawal_overtakes_a_grant_that_was_not_carried_out(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    (grant,) = await due(database)

    await react(database, ACCEPT, removed=True)

    assert not await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, LATER)
    confirmation = await outbox.finish(database, grant, "done", LATER)
    assert confirmation is not None
    assert await notices.prepare_notice(database, confirmation, LATER) is None


async def test_newcomer_waits_while_nothing_is_published_and_is_asked_then(
    database: Database,
) -> None:
    await register(database)
    await join(database)
    await join(database)
    assert await run_all(database) == []

    await publish(database)

    assert [kind for kind, _ in await run_all(database)].count(EffectKind.ASK) == 1


async def test_joining_twice_asks_once(database: Database) -> None:
    await publish(database)
    await run_all(database)
    await join(database)
    await join(database)

    assert await run_all(database) == [(EffectKind.ASK, None)]


async def test_return_with_a_valid_signature_gives_the_role_back(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    await members.say_goodbye(database, [GROUP], NEWCOMER, LATER)

    await join(database)

    assert await standing(database) is Standing.SIGNED
    assert await run_all(database) == [
        (EffectKind.ALIGN_ROLE, None),
        (EffectKind.NOTICE, Notice.WELCOME_BACK),
    ]


async def test_reaction_after_leaving_signs_nothing(database: Database) -> None:
    await publish(database)
    await ask(database)
    await members.say_goodbye(database, [GROUP], NEWCOMER, LATER)

    assert await react(database, ACCEPT)

    assert (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures == ()
    assert await run_all(database) == []


async def test_return_without_a_signature_is_asked_anew(database: Database) -> None:
    await publish(database)
    await ask(database)
    await members.say_goodbye(database, [GROUP], NEWCOMER, LATER)

    await join(database)
    assert await run_all(database) == [(EffectKind.ASK, None)]

    # The message from before is an old request now.
    await react(database, ACCEPT)
    assert (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures == ()


async def test_acceptance_of_an_old_text_signs_nothing_and_shows_the_new_one(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await publish(database, agreement=make_agreement(purpose="New words."), change=Change.MATERIAL)
    for effect in await due(database):
        if effect.kind is EffectKind.ASK:
            asking = await outbox.prepare_asking(database, effect)
            assert asking is not None
            await outbox.record_asked(database, effect, asking.version, place(MESSAGE + 1), NOW)
        await outbox.finish(database, effect, "done", LATER)

    await react(database, ACCEPT)

    record = await records.check_member(database, GROUP, NEWCOMER, LATER)
    assert record.signatures == ()
    assert await run_all(database) == [(EffectKind.NOTICE, Notice.OUTDATED)]


async def test_minor_change_keeps_signatures(database: Database) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)

    await publish(database, agreement=make_agreement(purpose="A comma."), change=Change.MINOR)

    assert await standing(database) is Standing.SIGNED
    assert EffectKind.ASK not in [kind for kind, _ in await run_all(database)]


async def test_material_change_asks_signers_again_and_ends_with_the_grace(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)

    await publish(
        database, agreement=make_agreement(purpose="Other."), change=Change.MATERIAL, now=LATER
    )
    assert [kind for kind, _ in await run_all(database)].count(EffectKind.ASK) == 1
    assert await outbox.should_have_role(
        database, GROUP, NEWCOMER, RULES, LATER + timedelta(days=13)
    )

    end = LATER + timedelta(days=14)
    assert not await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, end)
    assert await reminders.end_lapsed(database, [GROUP], end) == 1
    assert await reminders.end_lapsed(database, [GROUP], end) == 0
    record = await records.check_member(database, GROUP, NEWCOMER, end)
    assert record.standing is Standing.OUTDATED


async def test_answer_by_button_is_the_same_record(database: Database) -> None:
    version = await publish(database)

    signature = await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)
    again = await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)

    assert signature == again
    assert signature.method is Method.BUTTON
    assert await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, LATER)
    with pytest.raises(AlreadySignedError):
        await signing.decline_by_button(database, GROUP, NEWCOMER, version.id, LATER)


async def test_button_under_an_old_text_is_refused(database: Database) -> None:
    old = await publish(database)
    await publish(database, agreement=make_agreement(purpose="Other."), change=Change.MATERIAL)

    with pytest.raises(OutdatedRequestError):
        await signing.accept_by_button(database, GROUP, NEWCOMER, old.id, LATER)


async def test_withdrawal_by_command_needs_a_signature(database: Database) -> None:
    version = await publish(database)
    with pytest.raises(NotSignedError):
        await signing.withdraw(database, GROUP, NEWCOMER, LATER)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)

    await signing.withdraw(database, GROUP, NEWCOMER, LATER)

    assert await standing(database) is Standing.WITHDRAWN


async def test_found_acceptance_is_recorded_as_an_interval(database: Database) -> None:
    await publish(database)
    await ask(database)
    (request,) = await readable(database)

    found = await reading_back.record_found_answer(
        database, request.id, accepted=True, declined=True, observed_at=LATER, now=LATER
    )

    assert found
    (signature,) = (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures
    assert (signature.signed_after, signature.signed_at) == (NOW, LATER)


async def test_missing_reaction_withdraws_only_what_was_given_by_reaction(
    database: Database,
) -> None:
    version = await publish(database)
    await ask(database)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)
    (request,) = await readable(database)
    assert not await reading_back.record_found_answer(
        database, request.id, accepted=False, declined=False, observed_at=LATER, now=LATER
    )
    assert await standing(database) is Standing.SIGNED

    await signing.withdraw(database, GROUP, NEWCOMER, LATER)
    await react(database, ACCEPT)
    end = LATER + timedelta(hours=1)
    assert await reading_back.record_found_answer(
        database, request.id, accepted=False, declined=False, observed_at=end, now=end
    )

    newest = (await records.check_member(database, GROUP, NEWCOMER, end)).signatures[-1]
    assert newest.revoke_reason is RevokeReason.WITHDRAWN
    assert (newest.revoked_after, newest.revoked_at) == (LATER, end)


async def test_button_answer_while_the_message_is_on_its_way_stands(database: Database) -> None:
    version = await publish(database)
    await run_all(database)
    await join(database)
    (effect,) = await due(database)
    assert await outbox.prepare_asking(database, effect) is not None

    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)
    await outbox.record_asked(database, effect, version, place(MESSAGE), LATER)

    record = await records.check_member(database, GROUP, NEWCOMER, LATER)
    assert record.standing is Standing.SIGNED
    assert record.request is not None
    assert record.request.state is RequestState.SIGNED


async def test_answer_counts_for_the_text_that_was_sent_when_a_minor_change_came_between(
    database: Database,
) -> None:
    first = await publish(database)
    await run_all(database)
    await join(database)
    (effect,) = await due(database)
    assert await outbox.prepare_asking(database, effect) is not None
    await publish(database, agreement=make_agreement(purpose="A comma."), change=Change.MINOR)

    await outbox.record_asked(database, effect, first, place(MESSAGE), NOW)
    await outbox.finish(database, effect, "done", NOW)
    await react(database, ACCEPT)

    (signature,) = (await records.check_member(database, GROUP, NEWCOMER, LATER)).signatures
    assert (signature.version_number, signature.sha256) == (1, first.sha256)


async def test_person_is_asked_anew_when_a_material_change_came_while_the_message_was_on_its_way(
    database: Database,
) -> None:
    first = await publish(database)
    await run_all(database)
    await join(database)
    (effect,) = await due(database)
    assert await outbox.prepare_asking(database, effect) is not None
    await publish(database, agreement=make_agreement(purpose="New."), change=Change.MATERIAL)

    await outbox.record_asked(database, effect, first, place(MESSAGE), NOW)
    await outbox.finish(database, effect, "done", NOW)
    await react(database, ACCEPT)

    record = await records.check_member(database, GROUP, NEWCOMER, LATER)
    assert record.signatures == ()
    assert record.request is not None
    assert record.request.version_number == 2
    assert (EffectKind.ASK, None) in await run_all(database)
