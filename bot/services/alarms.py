"""What Pledge notices about itself: a stuck outbox, a wrong clock, a record it could not write."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from bot.domain.effects import AlarmKind, EffectKind, Facts, Report
from bot.services import outbox
from bot.storage import effects, versions
from bot.storage.database import Database

STUCK_AFTER = timedelta(minutes=15)
"""What was begun this long ago and is not done needs somebody to know of it."""

LONGEST_WAIT = timedelta(minutes=65)
"""Nothing in the outbox is put off by more than the longest break of direct messages, an hour."""

WATCHED = tuple(set(EffectKind) - {EffectKind.ALARM, EffectKind.REPORT})
"""An alarm that does not get through would not be helped by another one."""

TRIAL = "room to write"
_TRIAL_SIZE = 64 * 1024
"""More than one record needs: where this fits, the next ones do, too."""


async def switch(
    database: Database,
    kind: AlarmKind,
    wrong: Mapping[str, Facts],
    group_keys: Collection[str],
    now: datetime,
) -> list[str]:
    """Have an alarm open in the groups of `wrong`, with what to tell there, and in no others.

    Nothing is written while nothing changes.

    Returns:
        The groups in which it was opened now.
    """
    async with database.read() as tx:
        is_open = await effects.list_open_alarms(tx, kind)
    opened = [key for key in group_keys if key in wrong and key not in is_open]
    closed = [key for key in group_keys if key not in wrong and key in is_open]
    if opened or closed:
        async with database.write() as tx:
            for key in opened:
                await outbox.raise_alarm_in(tx, key, kind, now, wrong[key])
            for key in closed:
                await effects.close_alarms(tx, key, [kind], now)
    return opened


async def watch_outbox(
    database: Database, group_keys: Collection[str], now: datetime
) -> dict[str, Facts]:
    """Tell each group once that something has been stuck for long, and what kind of thing.

    Returns:
        What is stuck, by group: how many of each kind.
    """
    async with database.read() as tx:
        stuck = await effects.count_stuck(tx, now - STUCK_AFTER, WATCHED)
    facts: dict[str, Facts] = {
        key: {kind.value: count for kind, count in kinds.items()} for key, kinds in stuck.items()
    }
    await switch(database, AlarmKind.STUCK, facts, group_keys, now)
    return facts


async def pull_forward(database: Database, now: datetime) -> int:
    """After the clock was set back: let nothing wait for a time that was never right.

    Returns:
        How many things had been put off for too long.
    """
    async with database.write() as tx:
        return await effects.pull_forward(tx, now + LONGEST_WAIT, now)


async def try_to_write(database: Database) -> None:
    """See whether the record can be written again, by writing more than it will need.

    Raises:
        RecordUnavailableError: it cannot.
    """
    for value in ("." * _TRIAL_SIZE, ""):
        async with database.write() as tx:
            await versions.put_mark(tx, TRIAL, value)


async def record_outage(
    database: Database, group_keys: Collection[str], since: datetime, now: datetime, *, tell: bool
) -> None:
    """Keep in mind that the record could not be written for a while.

    Args:
        database: the open database.
        group_keys: the groups.
        since: when that was noticed.
        now: the current instant.
        tell: whether the moderators' channels are told, as when they know of the outage.
    """
    facts = {"since": int(since.timestamp()), "until": int(now.timestamp())}
    async with database.write() as tx:
        for key in group_keys:
            await effects.open_alarm(tx, key, AlarmKind.RECORD_UNAVAILABLE, since)
            await effects.close_alarms(tx, key, [AlarmKind.RECORD_UNAVAILABLE], now)
            if tell:
                await outbox.report_in(tx, key, Report.RECORD_BACK, facts, now)
