"""Doubt takes nobody's role and lets nobody in: half-done sweeps, other roles, older records."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.agreements import Change
from bot.domain.effects import EffectKind
from bot.domain.ledger import Head
from bot.services import holders, ledger, outbox, reminders
from bot.services.holders import Conclusion, Page
from bot.services.members import Present
from bot.storage.database import Database
from tests.factories import NEWCOMER, NOW, RULES, make_agreement, publish
from tests.services.test_holders import BEFORE, HOUR, LATER, ROLE, conclude, settled, sweep
from tests.services.test_signing import ACCEPT, GROUP, ask, due, react, run_all

OTHER_ROLE = ROLE + 1
MISSED = Head(position=1_000, hash="0" * 64)


async def test_older_record_ends_no_signature_before_it_was_compared(database: Database) -> None:
    await settled(database)
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)
    newer = replace(make_agreement(), purpose="We listen, and we keep it to ourselves.")
    await publish(database, agreement=newer, change=Change.MATERIAL, now=LATER)
    # They signed the newer text, which this copy of the record does not know of.
    much_later = LATER + timedelta(days=30)
    assert await ledger.note_posted_head(database, GROUP, MISSED, much_later)

    assert await reminders.end_lapsed(database, [GROUP], much_later) == 0
    await sweep(database, [NEWCOMER], now=much_later)
    await conclude(database, much_later)
    assert await reminders.end_lapsed(database, [GROUP], much_later) == 1

    wanted = await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, much_later)
    assert wanted is None


async def role_wanted(database: Database) -> bool | None:
    """What the record says when the role change that waits is carried out."""
    (effect,) = [one for one in await due(database) if one.kind is EffectKind.ALIGN_ROLE]
    return await outbox.should_have_role(
        database, GROUP, NEWCOMER, RULES, LATER, decided_at=effect.created_at
    )


async def test_older_record_lets_nobody_in_before_it_was_compared(database: Database) -> None:
    await settled(database)
    await ask(database)
    await react(database, ACCEPT)
    await ledger.note_posted_head(database, GROUP, MISSED, LATER)

    assert await role_wanted(database) is None


async def test_signature_given_after_an_older_record_came_back_counts(database: Database) -> None:
    await settled(database)
    await ask(database)
    await ledger.note_posted_head(database, GROUP, MISSED, LATER)
    await react(database, ACCEPT)

    assert await role_wanted(database) is True


async def test_sweep_from_before_an_older_record_was_noticed_compares_nothing(
    database: Database,
) -> None:
    await settled(database)
    await sweep(database, [1, 2])
    await ledger.note_posted_head(database, GROUP, MISSED, LATER)

    assert await conclude(database) == Conclusion()
    assert await holders.is_restored(database, GROUP)


async def test_another_role_ends_no_adoption(database: Database) -> None:
    await publish(database)
    await sweep(database, [1, 2, 3])
    await conclude(database)
    await sweep(database, [8, 9], now=LATER + HOUR, role_id=OTHER_ROLE)
    await sweep(database, [], now=LATER + 2 * HOUR, role_id=0)
    await holders.notice_holder(
        database, GROUP, 1, LATER + 2 * HOUR, has_role=False, role_id=OTHER_ROLE
    )

    await sweep(database, [1, 2, 3], now=LATER + 3 * HOUR)
    assert await conclude(database, LATER + 3 * HOUR) == Conclusion(holders=3)


async def test_sweep_of_another_role_decides_nothing(database: Database) -> None:
    await settled(database)
    await sweep(database, [1])
    decided = await holders.conclude(database, GROUP, RULES, LATER, role_id=OTHER_ROLE)
    assert decided == Conclusion()


async def test_last_page_is_not_read_again_after_a_crash(database: Database) -> None:
    await settled(database)
    begun = await holders.begin_sweep(database, GROUP, ROLE, LATER)
    people = range(1, 61)
    page = Page(
        after_id=0,
        last_id=None,
        asked_at=LATER,
        people=[Present(member_id=one, has_role=True, joined_at=BEFORE) for one in people],
        holders=people,
        present=people,
        size=60,
    )
    await holders.record_page(database, begun, page, LATER)
    # The process is killed here, and the next one begins a sweep of its own.
    assert (await holders.begin_sweep(database, GROUP, ROLE, LATER)).holders == 0


async def test_sweep_begun_by_a_clock_that_was_ahead_forgets_nobody(database: Database) -> None:
    await publish(database)
    await sweep(database, [1, 2])
    await conclude(database)
    await holders.begin_sweep(database, GROUP, ROLE, LATER + timedelta(days=30))

    await sweep(database, [1, 2], now=LATER + HOUR)
    await sweep(database, [1, 2], now=LATER + 2 * HOUR)
    assert await conclude(database, LATER + 2 * HOUR) == Conclusion(holders=2)


async def test_head_posted_by_a_clock_that_was_ahead_does_not_silence_the_next(
    database: Database,
) -> None:
    await publish(database)
    assert await ledger.post_head_daily(database, GROUP, NOW + timedelta(days=400))
    assert await ledger.post_head_daily(database, GROUP, NOW + timedelta(days=1))
