"""Asking people who were in the server before Pledge: counted, begun, paced, stopped."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import AlreadyInvitingError, StaleEstimateError
from bot.domain.invitations import ESTIMATE_HOLDS, Audience, Invitation, Kind, Progress
from bot.storage import invitations, requests, versions
from bot.storage.database import Database

PAGE = 1_000
"""How many people one transaction looks at: nobody else waits long for the writer."""

FORGOTTEN_AT_ONCE = 5_000
FEWEST_QUEUED = 10
MINUTES_QUEUED = 2
"""How much of the list is in the outbox at a time. Little: newcomers are asked in between, and
stopping takes back nearly everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Whom an invitation would ask: members from before Pledge, and others in the server."""

    invitation_id: int
    members: int
    others: int

    @property
    def people(self) -> int:
        """All of them."""
        return self.members + self.others


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """An invitation and how far it is."""

    invitation: Invitation
    progress: Progress


async def find_running(database: Database, group_key: str) -> Asking | None:
    """The invitation of a group that is under way, if there is one."""
    async with database.read() as tx:
        invitation = await invitations.find_running(tx, group_key)
        if invitation is None:
            return None
        progress = await invitations.count_progress(tx, invitation)
        return Asking(invitation=invitation, progress=progress)


async def begin_count(database: Database, group_key: str, now: datetime) -> int:
    """Begin a list of people to ask with the members from before Pledge; nobody is asked yet.

    Returns:
        The id of the invitation.

    Raises:
        AlreadyInvitingError: one is under way.
        NotPublishedError: nothing is published yet.
    """
    async with database.write() as tx:
        await versions.get_in_force(tx, group_key)
        if await invitations.find_running(tx, group_key) is not None:
            raise AlreadyInvitingError
        invitation_id = await invitations.add(tx, group_key, now)
    after_id = 0
    while True:
        async with database.write() as tx:
            page = await invitations.list_adopted_after(tx, group_key, after_id, PAGE)
            await invitations.add_people(tx, invitation_id, group_key, page)
        if not page:
            return invitation_id
        after_id = page[-1]


async def count_page(
    database: Database, group_key: str, invitation_id: int, present: Collection[int]
) -> None:
    """Put those of a page of the member list on the list who have no request."""
    async with database.write() as tx:
        await invitations.add_people(tx, invitation_id, group_key, present)


async def estimate(database: Database, invitation_id: int) -> Estimate:
    """How many there are on the list."""
    async with database.read() as tx:
        counts = await invitations.count_people(tx, invitation_id)
    members, others = counts.get(Kind.MEMBER, 0), counts.get(Kind.OTHER, 0)
    return Estimate(invitation_id=invitation_id, members=members, others=others)


async def begin(
    database: Database, group_key: str, invitation_id: int, audience: Audience, now: datetime
) -> int:
    """A facilitator agrees to the estimate: those who were counted are asked from now on.

    Returns:
        How many they are.

    Raises:
        AlreadyInvitingError: an invitation is under way.
        StaleEstimateError: this one was counted too long ago, or is over.
    """
    async with database.write() as tx:
        if await invitations.find_running(tx, group_key) is not None:
            raise AlreadyInvitingError
        found = await invitations.find(tx, invitation_id)
        if (
            found is None
            or found.group_key != group_key
            or found.started_at is not None
            or found.counted_at < now - ESTIMATE_HOLDS
        ):
            raise StaleEstimateError
        counts = await invitations.count_people(tx, invitation_id)
        wanted = Kind if audience is Audience.EVERYBODY else (Kind.MEMBER,)
        people = sum(counts.get(kind, 0) for kind in wanted)
        await invitations.mark(
            tx, invitation_id, started_at=now, audience=audience.value, people=people
        )
        return people


async def carry_on(
    database: Database, group_key: str, per_minute: int, now: datetime
) -> Asking | None:
    """Do the next of what an invitation needs: ask some more, or take back when it is stopped.

    Where many of the list were asked or have answered meanwhile, this takes several transactions,
    of which each leaves the list shorter: whatever interrupts them, the next call goes on there.

    Args:
        database: the open database.
        group_key: the group.
        per_minute: the pace of direct messages.
        now: the current instant.

    Returns:
        How it stands; None when none was under way.
    """
    asking = await find_running(database, group_key)
    if asking is None:
        return None
    while await _take_step(database, group_key, per_minute, now):
        pass
    return await find_running(database, group_key)


async def _take_step(database: Database, group_key: str, per_minute: int, now: datetime) -> bool:
    """One transaction of `carry_on`; whether another one is wanted at once."""
    async with database.write() as tx:
        invitation = await invitations.find_running(tx, group_key)
        in_force = await versions.find_in_force(tx, group_key)
        if invitation is None or in_force is None:
            return False
        if invitation.stopped_at is not None:
            await invitations.cancel_unsent(tx, invitation, now)
            return False
        room = max(FEWEST_QUEUED, MINUTES_QUEUED * per_minute)
        room = min(room - await invitations.count_queued(tx, invitation), PAGE)
        if room <= 0:
            return False
        people, is_more = await invitations.take_next(tx, invitation, room, PAGE)
        if people:
            # What was lost with a record that was put back may have asked them already.
            since = await versions.find_restored(tx, group_key)
            await requests.add_many(tx, group_key, people, in_force.id, now)
            await invitations.link_requests(tx, invitation, people)
            await requests.ask_queued(tx, group_key, now, people, asked_since=since)
        return is_more


async def finish(database: Database, asking: Asking, now: datetime) -> None:
    """Nobody waits any more: keep the numbers; the list itself is forgotten soon."""
    progress = asking.progress
    async with database.write() as tx:
        await invitations.mark(
            tx,
            asking.invitation.id,
            finished_at=now,
            people=progress.people,
            asked=progress.asked,
            unreachable=progress.unreachable,
        )


async def stop(database: Database, group_key: str, invitation_id: int, now: datetime) -> bool:
    """Ask nobody else; `carry_on` takes back what was not begun. False when it was over."""
    async with database.write() as tx:
        running = await invitations.find_running(tx, group_key)
        if running is None or running.id != invitation_id:
            return False
        if running.stopped_at is None:
            await invitations.mark(tx, invitation_id, stopped_at=now)
        return True


async def record_post(
    database: Database, invitation: Invitation, channel_id: int, message_id: int | None
) -> Invitation:
    """Remember where the message stands that tells how far it is; None says it is gone."""
    async with database.write() as tx:
        posts = invitation.posts + (message_id is not None)
        await invitations.mark(
            tx, invitation.id, channel_id=channel_id, message_id=message_id, posts=posts
        )
        return await invitations.find(tx, invitation.id) or invitation


async def forget_lists(database: Database, group_key: str, now: datetime) -> None:
    """Forget the lists of invitations that are over, or were counted and never begun."""
    async with database.read() as tx:
        over = await invitations.list_over(tx, group_key, now - ESTIMATE_HOLDS)
    for invitation_id in over:
        while True:
            async with database.write() as tx:
                gone = await invitations.forget_people(tx, invitation_id, FORGOTTEN_AT_ONCE)
            if gone < FORGOTTEN_AT_ONCE:
                break
