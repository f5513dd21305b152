"""Since when a group is without its server, or without its place in the settings."""

from collections.abc import Collection
from datetime import datetime

from bot.storage import versions
from bot.storage.database import Database


async def record_server(database: Database, group_key: str, now: datetime, *, there: bool) -> None:
    """The bot was removed from the group's server, or is back on it; since when is kept."""
    async with database.read() as tx:
        if there is ((await versions.get_group(tx, group_key)).gone_at is None):
            return
    async with database.write() as tx:
        await versions.mark_group(tx, group_key, gone_at=None if there else now)


async def note_unconfigured(
    database: Database, configured: Collection[str], now: datetime
) -> list[str]:
    """Groups of the record that the settings do not have any more: their clock runs from now on.

    Returns:
        Their keys.
    """
    unknown = list(await list_former(database, configured))
    for key in unknown:
        await record_server(database, key, now, there=False)
    return unknown


async def list_former(database: Database, configured: Collection[str]) -> dict[str, int]:
    """Groups of the record that the settings do not have any more.

    Returns:
        By key, the server each was last on.
    """
    async with database.read() as tx:
        known = await versions.list_groups(tx)
    return {key: guild_id for key, guild_id in known.items() if key not in configured}
