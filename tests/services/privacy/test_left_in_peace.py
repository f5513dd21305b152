"""Whoever was erased is asked by nobody while they stay, and is new when they come."""

from datetime import datetime, timedelta

from sqlalchemy import select

from bot.domain.agreements import RequestState
from bot.domain.effects import Effect, EffectKind, Notice
from bot.domain.invitations import Audience
from bot.domain.privacy import Whereabouts
from bot.services import holders, invitations, ledger, members, outbox, signing
from bot.services.members import Present
from bot.services.privacy import erasing
from bot.storage import requests, versions
from bot.storage.database import Database
from bot.storage.tables import effects, invited, signature_requests
from bot.storage.tables import erasures as marks
from tests.factories import NOW, RULES
from tests.services.privacy.planting import places_of
from tests.services.privacy.wishes import ME, NEIGHBOUR, TERMS, claim, erase, preview
from tests.services.test_ledger import GROUP, Story

SECOND = timedelta(seconds=1)
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


async def test_member_list_that_was_asked_for_before_does_not_bring_them_back(
    database: Database, story: Story
) -> None:
    await story.settle()
    async with database.write() as tx:
        await versions.mark_group(tx, GROUP, adopted_at=NOW)
    begun = await holders.begin_sweep(database, GROUP, 5, NOW)
    asked_at = NOW + SECOND
    shown = await preview(database)
    after = asked_at + SECOND
    await erasing.erase(
        database, GROUP, ME, shown.fingerprint(), TERMS, after, whereabouts=Whereabouts.HERE
    )
    for effect in await claim(database, after):
        following: Effect | None = effect
        while following is not None:
            outcome = outbox.ROLE_TAKEN if following.kind is EffectKind.ALIGN_ROLE else "told"
            following = await outbox.finish(database, following, outcome, after)
    page = holders.Page(
        after_id=0,
        last_id=None,
        asked_at=asked_at,
        people=[Present(member_id=one, has_role=True, joined_at=NOW) for one in (ME, NEIGHBOUR)],
        holders=[ME, NEIGHBOUR],
        present=[ME, NEIGHBOUR],
        size=2,
    )

    await holders.record_page(database, begun, page, after + SECOND)
    concluded = await holders.conclude(database, GROUP, RULES, after + SECOND)

    assert concluded.strangers == 0
    assert await places_of(database, str(ME)) == set()


async def test_member_list_does_not_bring_them_back_while_the_role_is_still_to_be_taken(
    database: Database, story: Story
) -> None:
    """As when the process died between the erasing and the request to Discord."""
    await story.settle()
    async with database.write() as tx:
        await versions.mark_group(tx, GROUP, adopted_at=NOW)
    await erase(database)
    begun = await holders.begin_sweep(database, GROUP, 5, LONG_AFTER)
    page = holders.Page(
        after_id=0,
        last_id=None,
        asked_at=LONG_AFTER,
        people=[],
        holders=[ME],
        present=[ME, NEIGHBOUR],
        size=2,
    )
    await holders.record_page(database, begun, page, LONG_AFTER)
    assert (await holders.conclude(database, GROUP, RULES, LONG_AFTER)).strangers == 0
