"""Whoever was erased is asked by nobody while they stay, and is new when they come."""

from datetime import datetime, timedelta

from sqlalchemy import select

from bot.domain.agreements import RequestState
from bot.domain.effects import Notice
from bot.domain.invitations import Audience
from bot.services import holders, invitations, ledger, members, outbox, signing
from bot.services.members import Present
from bot.storage import requests
from bot.storage.database import Database
from bot.storage.tables import effects, invited, signature_requests
from bot.storage.tables import erasures as marks
from tests.factories import NOW, RULES
from tests.services.privacy.wishes import ME, NEIGHBOUR, erase, preview
from tests.services.test_ledger import GROUP, Story

LONG_AFTER = NOW + timedelta(hours=1)


async def sweep(database: Database, *people: int, now: datetime = LONG_AFTER) -> None:
    """A whole reading of the member list, which shows these people."""
    begun = await holders.begin_sweep(database, GROUP, 5, now)
    page = holders.Page(
        after_id=0,
        last_id=None,
        asked_at=now,
        people=[Present(member_id=one, has_role=False, joined_at=NOW) for one in people],
        holders=[],
        present=people,
        size=len(people),
    )
    await holders.record_page(database, begun, page, now)


async def open_request(database: Database) -> RequestState | None:
    async with database.read() as tx:
        request = await requests.find_open(tx, GROUP, ME)
    return None if request is None else request.state


async def test_nobody_asks_them_by_itself_while_they_stay(database: Database, story: Story) -> None:
    await erase(database)
    await story.settle()
    await sweep(database, ME, NEIGHBOUR)
    # Discord can tell of a joining twice.
    joined = Present(member_id=ME, has_role=False, joined_at=NOW)
    await members.welcome(database, GROUP, [joined], LONG_AFTER, live=True)
    assert await open_request(database) is None
    assert (await preview(database)).is_quiet

    invitation = await invitations.begin_count(database, GROUP, LONG_AFTER)
    await invitations.count_page(database, GROUP, invitation, [ME, NEIGHBOUR + 5])
    async with database.read() as tx:
        listed = list((await tx.execute(select(invited.c.member_id))).scalars())
    assert listed == [NEIGHBOUR + 5]


async def test_invitation_under_way_does_not_ask_them(database: Database) -> None:
    story = Story(database)
    await story.publish()
    invitation = await invitations.begin_count(database, GROUP, NOW)
    await invitations.count_page(database, GROUP, invitation, [ME, NEIGHBOUR])
    await invitations.begin(database, GROUP, invitation, Audience.EVERYBODY, NOW)
    assert (await preview(database)).lists == 1
    await erase(database)
    await invitations.carry_on(database, GROUP, 20, NOW)
    assert await open_request(database) is None
    async with database.read() as tx:
        asked = list((await tx.execute(select(signature_requests.c.member_id))).scalars())
    assert asked == [NEIGHBOUR]


async def test_whoever_leaves_and_returns_is_new(database: Database, story: Story) -> None:
    await erase(database)
    await story.settle()
    await members.say_goodbye(database, [GROUP], ME, LONG_AFTER)
    story.now = LONG_AFTER
    await story.join(ME)
    assert await open_request(database) is RequestState.SENT
    query = select(effects.c.detail).where(effects.c.member_id == ME)
    async with database.read() as tx:
        assert Notice.WELCOME_BACK not in set((await tx.execute(query)).scalars())
    assert not (await preview(database)).is_quiet


async def test_return_that_nobody_saw_leaving_is_new_as_well(
    database: Database, story: Story
) -> None:
    await erase(database)
    later = Present(member_id=ME, has_role=False, joined_at=LONG_AFTER)
    await members.welcome(database, GROUP, [later], LONG_AFTER, live=False)
    assert await open_request(database) is RequestState.QUEUED
    assert not (await preview(database)).is_quiet


async def test_leaving_that_nobody_saw_ends_the_mark_with_the_next_reading(
    database: Database, story: Story
) -> None:
    await erase(database)
    await sweep(database, NEIGHBOUR)
    async with database.read() as tx:
        assert list(await tx.execute(select(marks))) == []


async def test_whoever_signs_by_themselves_is_new(database: Database, story: Story) -> None:
    await erase(database)
    await story.settle()
    offered = await signing.offer(database, GROUP, ME, NOW)
    assert offered.signature is None
    await signing.accept_by_button(database, GROUP, ME, offered.version.id, LONG_AFTER)
    found = await preview(database)
    assert (found.signatures, found.proofs, found.is_quiet) == (1, 2, False)
    assert await outbox.should_have_role(database, GROUP, ME, RULES, LONG_AFTER)
    assert (await ledger.verify(database)).findings == ()
