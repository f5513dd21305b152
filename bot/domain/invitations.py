"""Asking people who were in the server before: who they are, and how far the asking has come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ESTIMATE_HOLDS = timedelta(hours=1)
"""An older estimate is not acted on: people come and go."""


class Audience(StrEnum):
    """Whom a facilitator wants asked."""

    MEMBERS = "members"
    """Members from before Pledge, who hold the member role."""
    EVERYBODY = "everybody"
    """These, and everybody else in the server who has no request."""


class Kind(StrEnum):
    """Why somebody is on the list."""

    MEMBER = "member"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One asking of many people: counted first, then begun by a facilitator.

    `channel_id` and `message_id` are those of the message that tells how far it is, `posts` how
    often one was posted. `people`, `asked` and `unreachable` are what came of it in the end, when
    the list itself is forgotten.
    """

    id: int
    group_key: str
    counted_at: datetime
    audience: Audience = Audience.EVERYBODY
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    finished_at: datetime | None = None
    channel_id: int | None = None
    message_id: int | None = None
    posts: int = 0
    people: int | None = None
    asked: int | None = None
    unreachable: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many were written to, take no messages, and wait; the others need no asking any more."""

    people: int
    asked: int
    unreachable: int
    waiting: int


def minutes_for(people: int, per_minute: int) -> int:
    """How long it takes to write to so many, in whole minutes, at least one."""
    return max(1, -(-people // per_minute))
