"""The moderators' channel is told how much goes, some days before it does, and not every day."""

import json
from datetime import datetime
from typing import Any

from bot.domain.effects import Facts, Report
from bot.domain.retention import RetentionTerms, Telling, next_telling, remembered
from bot.services import outbox
from bot.storage import retention, versions
from bot.storage.database import Database, Transaction


def _mark(group_key: str) -> str:
    return f"retention of {group_key} told"


def _worded(terms: RetentionTerms) -> str:
    return f"{terms.unsigned.days} {terms.proof.days}"


async def find_tellings(
    tx: Transaction, group_key: str, terms: RetentionTerms, now: datetime
) -> tuple[Telling, ...]:
    """What a group was told of what goes under these terms, as far as it still counts."""
    mark = await versions.find_mark(tx, _mark(group_key))
    found: dict[str, Any] = json.loads(mark) if mark else {}
    if found.get("terms") != _worded(terms):
        # With other settings something else is due: of that nobody was told.
        return ()
    tellings = [
        Telling(at=datetime.fromisoformat(at), until=datetime.fromisoformat(until))
        for at, until in found["tellings"]
    ]
    return remembered(tellings, now)


async def warn(database: Database, group_key: str, terms: RetentionTerms, now: datetime) -> bool:
    """Tell the moderators' channel, once a week at the most, how much goes in the next two weeks.

    Returns:
        Whether there was anything to tell.
    """
    async with database.read() as tx:
        if (await versions.get_group(tx, group_key)).gone_at is not None:
            return False
        tellings = await find_tellings(tx, group_key, terms, now)
        telling = next_telling(tellings, now)
        if telling is None:
            return False
        since, until = tellings[-1].until if tellings else None, telling.until
        told = None if since is None else since - terms.proof
        ending = await retention.count_signatures_due(tx, group_key, told, until - terms.proof)
        told = None if since is None else since - terms.unsigned
        left = await retention.count_left_unsigned(tx, group_key, told, until - terms.unsigned)
    value = {
        "terms": _worded(terms),
        "tellings": [(one.at.isoformat(), one.until.isoformat()) for one in (*tellings, telling)],
    }
    async with database.write() as tx:
        await versions.put_mark(tx, _mark(group_key), json.dumps(value))
        if ending or left:
            facts: Facts = {
                "signatures": ending,
                "people": left,
                "until": until.isoformat(),
                "proof_days": terms.proof.days,
                "unsigned_days": terms.unsigned.days,
            }
            await outbox.report_in(tx, group_key, Report.RECORDS_END, facts, now)
    return bool(ending or left)
