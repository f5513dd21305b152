"""A person's access that is paused by a decision, whatever they have signed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Access that is closed to one person because of one case.

    It runs until `ended_at` is set, whatever the time: `until` is only when Pledge ends it by
    itself, None while that is for somebody to decide. A provisional one came before the decision.
    """

    id: int
    group_key: str
    case_id: int
    member_id: int
    began_at: datetime
    until: datetime | None = None
    provisional: bool = False
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What may be known of a suspension outside its case; None is until further notice.

    `is_final` is whether the person was removed from the group, so that nobody asks them to sign.
    """

    until: datetime | None = None
    is_final: bool = False


def pause_of(suspensions: Iterable[Suspension]) -> Pause | None:
    """Sum up what runs against one person; None when nothing does. The longest counts."""
    running = [one for one in suspensions if one.ended_at is None]
    if not running:
        return None
    if any(one.until is None for one in running):
        is_final = any(one.until is None and not one.provisional for one in running)
        return Pause(until=None, is_final=is_final)
    return Pause(until=max(one.until for one in running if one.until is not None))
