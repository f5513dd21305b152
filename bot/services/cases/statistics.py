"""How many cases there were and how they ended: numbers in which nobody can be recognised."""

from dataclasses import dataclass
from datetime import datetime

from bot.storage import case_upkeep
from bot.storage.database import Database

FEWEST = 5
"""Fewer than this are not told apart: in a small group a single case is a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNumbers:
    """Cases opened in a time; None stands for "fewer than five, but not none".

    `outcomes` has the decided ones by outcome. Where leaving out one number would not hide it,
    as the others and the total give it away, the total is left out as well.
    """

    total: int | None
    running: int | None
    outcomes: dict[str, int | None]


async def count(
    database: Database, group_key: str, since: datetime, until: datetime
) -> CaseNumbers:
    """Count the cases of a group that were opened from `since` on and before `until`."""
    async with database.read() as tx:
        found = await case_upkeep.count_outcomes(tx, group_key, since, until)
    outcomes: dict[str, int] = {}
    running = 0
    for (_state, outcome), number in found.items():
        if outcome is None:
            running += number
        else:
            outcomes[outcome] = outcomes.get(outcome, 0) + number
    return suppress(running, outcomes)


def suppress(running: int, outcomes: dict[str, int]) -> CaseNumbers:
    """Leave out every number that is smaller than five, and what would tell it all the same."""
    shown = {outcome: _shown(number) for outcome, number in outcomes.items()}
    hidden = sum(number is None for number in (*shown.values(), _shown(running)))
    total = running + sum(outcomes.values())
    return CaseNumbers(
        total=_shown(total) if hidden != 1 else None,
        running=_shown(running),
        outcomes=dict(sorted(shown.items())),
    )


def _shown(number: int) -> int | None:
    return number if number == 0 or number >= FEWEST else None
