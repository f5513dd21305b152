"""Asking people who were in the server before, on both engines."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.domain.agreements import RequestState
from bot.domain.effects import EffectKind
from bot.domain.errors import AlreadyInvitingError, NotPublishedError, StaleEstimateError
from bot.domain.invitations import Audience
from bot.services import invitations, members, outbox, records, signing
from bot.services.invitations import Asking
from bot.services.members import Present
from bot.storage import invitations as storage_invitations
from bot.storage import versions
from bot.storage.database import Database, Transaction
from tests.factories import NEWCOMER, NOW, register
from tests.services.test_attesting import start
from tests.services.test_holders import conclude, sweep
from tests.services.test_signing import DECLINE, GROUP, MESSAGE, ask, place, react, run_all

LATER = NOW + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def count(database: Database, present: list[int]) -> invitations.Estimate:
    """Read the whole member list and count."""
    invitation_id = await invitations.begin_count(database, GROUP, LATER)
    await invitations.count_page(database, GROUP, invitation_id, present)
    return await invitations.estimate(database, invitation_id)


async def begin(
    database: Database, present: list[int], audience: Audience = Audience.EVERYBODY
) -> int:
    found = await count(database, present)
    await invitations.begin(database, GROUP, found.invitation_id, audience, LATER)
    return found.invitation_id


async def go_on(database: Database, *, per_minute: int = 5) -> Asking:
    asking = await invitations.carry_on(database, GROUP, per_minute, LATER)
    assert asking is not None
    return asking


async def send(database: Database, limit: int, *, blocked: tuple[int, ...] = ()) -> list[int]:
    """Carry out up to `limit` askings; returns who was asked."""
    asked = []
    for effect in await outbox.claim(
        database, LATER, limit=limit, group_keys=[GROUP], not_asking=[]
    ):
        if effect.kind is not EffectKind.ASK:
            await outbox.finish(database, effect, "done", LATER)
        elif effect.member_id in blocked:
            await outbox.record_blocked(database, effect, 50007, LATER)
        else:
            asking = await outbox.prepare_asking(database, effect)
            assert asking is not None
            where = place(MESSAGE + (effect.member_id or 0))
            await outbox.record_asked(database, effect, asking.version, where, LATER)
            await outbox.finish(database, effect, "asked", LATER)
            asked.append(effect.member_id or 0)
    return asked


async def state_of(database: Database, member_id: int) -> RequestState | None:
    record = await records.check_member(database, GROUP, member_id, LATER)
    return record.request.state if record.request else None


async def test_nobody_is_counted_before_there_is_something_to_sign(database: Database) -> None:
    await register(database)
    with pytest.raises(NotPublishedError):
        await invitations.begin_count(database, GROUP, NOW)


async def test_members_from_before_and_others_without_a_request_are_counted_apart(
    database: Database,
) -> None:
    await start(database)
    await ask(database)
    await react(database, DECLINE)
    await sweep(database, [1, 2, 3])
    await conclude(database)

    found = await count(database, [1, 2, 3, 10, 11, NEWCOMER])

    assert (found.members, found.others) == (3, 2)


async def test_member_from_before_is_counted_when_the_list_cannot_be_read(
    database: Database,
) -> None:
    await start(database)
    await sweep(database, [1, 2, 3])
    await conclude(database)
    found = await count(database, [])
    assert (found.members, found.others) == (3, 0)


async def test_counting_asks_nobody(database: Database) -> None:
    await start(database)
    await run_all(database)
    await count(database, [10, 11])
    assert await send(database, 10) == []
    assert await state_of(database, 10) is None


async def test_only_members_are_asked_when_a_facilitator_wants_it_so(database: Database) -> None:
    await start(database)
    await sweep(database, [1, 2])
    await conclude(database)
    await begin(database, [1, 2, 10, 11], Audience.MEMBERS)

    asking = await go_on(database)
    assert asking.progress.people == 2
    assert sorted(await send(database, 10)) == [1, 2]
    asking = await go_on(database)
    assert (asking.progress.asked, asking.progress.waiting) == (2, 0)
    assert await state_of(database, 10) is None


async def test_outbox_is_fed_in_small_helpings_until_everybody_was_asked(
    database: Database,
) -> None:
    await start(database)
    await run_all(database)
    await begin(database, list(range(10, 45)))

    asked: list[int] = []
    waiting = []
    for _round in range(6):
        asking = await go_on(database)
        waiting.append(asking.progress.waiting)
        asked += await send(database, 50, blocked=(13,))
    assert waiting == [35, 25, 15, 5, 0, 0]
    assert sorted([*asked, 13]) == list(range(10, 45))

    asking = await go_on(database)
    assert (asking.progress.people, asking.progress.asked) == (35, 34)
    assert asking.progress.unreachable == 1


async def test_whoever_joined_or_signed_since_the_count_is_not_asked_twice(
    database: Database,
) -> None:
    version = await start(database)
    await run_all(database)
    await begin(database, [NEWCOMER, 10, 11])
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, LATER)
    person = Present(member_id=10, has_role=False, joined_at=LATER)
    await members.welcome(database, GROUP, [person], LATER, live=True)

    await go_on(database)
    assert sorted(await send(database, 50)) == [10, 11]
    asking = await go_on(database)
    assert (asking.progress.people, asking.progress.asked, asking.progress.waiting) == (3, 1, 0)
    assert await state_of(database, NEWCOMER) is RequestState.SIGNED


async def test_whoever_left_since_the_count_is_not_asked(database: Database) -> None:
    await start(database)
    await run_all(database)
    await begin(database, [10, 11])
    await members.say_goodbye(database, [GROUP], 10, LATER)
    await go_on(database)
    assert await send(database, 50) == [11]


async def test_stopping_takes_back_what_was_not_begun_and_nothing_else(
    database: Database,
) -> None:
    await start(database)
    await run_all(database)
    invitation_id = await begin(database, list(range(10, 40)))
    await go_on(database)
    sent = await send(database, 3)
    in_hand = await outbox.claim(database, LATER, limit=2, group_keys=[GROUP], not_asking=[])

    assert await invitations.stop(database, GROUP, invitation_id, LATER)
    asking = await go_on(database)
    assert (asking.progress.asked, asking.progress.waiting) == (3, 2)
    for effect in in_hand:
        await outbox.retry(database, effect, "http 503", LATER)
    late = await send(database, 50)
    assert sorted(late) == sorted(effect.member_id or 0 for effect in in_hand)

    asking = await go_on(database)
    assert (asking.progress.asked, asking.progress.waiting) == (5, 0)
    await invitations.finish(database, asking, LATER)
    assert await invitations.carry_on(database, GROUP, 5, LATER) is None
    # The others can be asked another time.
    again = await count(database, list(range(10, 40)))
    assert again.people == 30 - len(sent) - len(late)


async def test_stopping_twice_or_too_late_changes_nothing(database: Database) -> None:
    await start(database)
    await run_all(database)
    invitation_id = await begin(database, [10])
    assert not await invitations.stop(database, GROUP, invitation_id + 1, LATER)
    assert await invitations.stop(database, GROUP, invitation_id, LATER)
    assert await invitations.stop(database, GROUP, invitation_id, LATER + MINUTE)
    await invitations.finish(database, await go_on(database), LATER)
    assert not await invitations.stop(database, GROUP, invitation_id, LATER)


async def test_one_invitation_at_a_time(database: Database) -> None:
    await start(database)
    first, second = await count(database, [10]), await count(database, [10, 11])
    everybody = Audience.EVERYBODY
    await invitations.begin(database, GROUP, first.invitation_id, everybody, LATER)

    with pytest.raises(AlreadyInvitingError):
        await invitations.begin(database, GROUP, first.invitation_id, everybody, LATER)
    with pytest.raises(AlreadyInvitingError):
        await invitations.begin(database, GROUP, second.invitation_id, everybody, LATER)
    with pytest.raises(AlreadyInvitingError):
        await invitations.begin_count(database, GROUP, LATER)


async def test_estimate_is_not_acted_on_twice_nor_when_it_is_old(database: Database) -> None:
    await start(database)
    await run_all(database)
    found = await count(database, [10])
    everybody = Audience.EVERYBODY
    with pytest.raises(StaleEstimateError):
        late = LATER + timedelta(minutes=61)
        await invitations.begin(database, GROUP, found.invitation_id, everybody, late)
    with pytest.raises(StaleEstimateError):
        await invitations.begin(database, "night-watch", found.invitation_id, everybody, LATER)
    await invitations.begin(database, GROUP, found.invitation_id, everybody, LATER)
    await go_on(database)
    await send(database, 5)
    await invitations.finish(database, await go_on(database), LATER)
    with pytest.raises(StaleEstimateError):
        await invitations.begin(database, GROUP, found.invitation_id, everybody, LATER)


async def test_lists_that_are_over_are_forgotten(database: Database) -> None:
    await start(database)
    await run_all(database)
    never_begun = await count(database, [10, 11])
    await invitations.forget_lists(database, GROUP, LATER + MINUTE)
    assert (await invitations.estimate(database, never_begun.invitation_id)).people == 2
    await invitations.forget_lists(database, GROUP, LATER + timedelta(hours=2))
    assert (await invitations.estimate(database, never_begun.invitation_id)).people == 0

    done = await begin(database, [10])
    await go_on(database)
    await invitations.forget_lists(database, GROUP, LATER + timedelta(hours=2))
    assert (await invitations.estimate(database, done)).people == 1
    await send(database, 5)
    await invitations.finish(database, await go_on(database), LATER)
    await invitations.forget_lists(database, GROUP, LATER)
    assert (await invitations.estimate(database, done)).people == 0


async def test_after_a_restore_it_is_looked_up_who_was_asked_before(database: Database) -> None:
    """The backup knows of a list, and not how far the asking had come."""
    await start(database)
    await run_all(database)
    await begin(database, [10, 11])
    async with database.write() as tx:
        await versions.mark_group(tx, GROUP, restored_from=LATER, adopted_at=None)
    await sweep(database, [], now=LATER)
    await conclude(database, LATER)

    await go_on(database)
    due = await outbox.claim(database, LATER, limit=50, group_keys=[GROUP], not_asking=[])
    asked = [effect for effect in due if effect.kind is EffectKind.ASK]
    assert len(asked) == 2
    for effect in asked:
        asking = await outbox.prepare_asking(database, effect)
        assert asking is not None
        assert asking.asked_since == LATER


async def test_list_of_people_who_were_asked_otherwise_is_cleared_in_short_transactions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "PAGE", 10)
    await start(database)
    await run_all(database)
    await begin(database, list(range(1, 61)))
    # Meanwhile nearly everybody joins anew, and is asked as those who join are.
    people = [Present(member_id=one, has_role=False, joined_at=LATER) for one in range(1, 60)]
    await members.welcome(database, GROUP, people, LATER, live=True)
    write, sizes = Database.write, list[int]()

    @contextlib.asynccontextmanager
    async def counted(self: Database) -> AsyncIterator[Transaction]:
        async with write(self) as tx:
            before = await storage_invitations.count_people(tx, invitation_id)
            yield tx
            after = await storage_invitations.count_people(tx, invitation_id)
            sizes.append(sum(before.values()) - sum(after.values()))

    async with database.read() as tx:
        running = await storage_invitations.find_running(tx, GROUP)
    assert running is not None
    invitation_id = running.id
    monkeypatch.setattr(Database, "write", counted)
    asking = await go_on(database)
    assert sum(sizes) == 59
    assert max(sizes) <= 10
    assert (asking.progress.waiting, await state_of(database, 60)) == (1, RequestState.QUEUED)
