"""Reads everything about one person for whoever looks after the group."""

from datetime import datetime

from bot.domain.agreements import standing_of
from bot.domain.stories import Story
from bot.storage import holders, signatures, stories, suspensions, versions
from bot.storage.database import Database


async def read_story(database: Database, group_key: str, member_id: int, now: datetime) -> Story:
    """The story of one person, whether or not they are still in the server."""
    async with database.read() as tx:
        requests = await stories.list_requests(tx, group_key, member_id)
        request = next((one for one in reversed(requests) if one.is_open), None)
        given = tuple(await signatures.list_of_member(tx, group_key, member_id))
        in_force = await versions.find_in_force(tx, group_key)
        reminders = await stories.count_reminders(tx, request) if request else 0
        adoption = await holders.find_adoption(tx, group_key, member_id)
        pause = await suspensions.find_running(tx, group_key, member_id)
    return Story(
        member_id=member_id,
        standing=standing_of(request, given, in_force, now),
        request=request,
        earlier=tuple(one for one in requests if one is not request),
        signatures=given,
        in_force=in_force,
        adoption=adoption,
        reminders=reminders,
        reminded_at=request.reminded_at if request else None,
        pause=pause,
    )
