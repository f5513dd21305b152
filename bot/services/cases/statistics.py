"""How many cases there were and how they ended: numbers in which nobody can be recognised."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.entitlement import Viewer
from bot.services.cases.opening import Desk, read_offices
from bot.storage import case_lists, case_upkeep
from bot.storage.database import Database

FEWEST = 5
"""Fewer than this are not told apart: in a small group a single case is a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNumbers:
    """Cases opened in a time; None stands for "fewer than five, but not none".

    `outcomes` has the decided ones by outcome. Where a number is left out the total is as well: of
    two or three small ones their sum could say what each is.
    """

    total: int | None
    running: int | None
    outcomes: dict[str, int | None]


async def count(
    database: Database, desk: Desk, viewer: Viewer, since: datetime, until: datetime
) -> CaseNumbers:
    """Count the cases of a group that were opened from `since` on and before `until`.

    Only those that the viewer may see: one number more than their list has would tell of a case in
    which they have a part.
    """
    async with database.read() as tx:
        offices = await read_offices(tx, desk, viewer)
        is_theirs = case_lists.is_open_to(tx, desk.group_key, viewer, offices)
        found = await case_upkeep.count_outcomes(tx, desk.group_key, is_theirs, since, until)
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
    is_hidden = None in (*shown.values(), _shown(running))
    total = running + sum(outcomes.values())
    return CaseNumbers(
        total=None if is_hidden else _shown(total),
        running=_shown(running),
        outcomes=dict(sorted(shown.items())),
    )


def _shown(number: int) -> int | None:
    return number if number == 0 or number >= FEWEST else None
