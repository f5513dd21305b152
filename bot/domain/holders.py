"""People who hold the member role without a valid signature, and when not to act on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

GUARD_PEOPLE = 5
GUARD_SHARE = 10
"""A sweep never takes the role from more than 5 people who are more than 10 % of the holders."""


class Source(StrEnum):
    """How somebody came by the role, as far as Discord's audit log tells."""

    PERSON = "person"
    BOT = "bot"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """What most likely lies behind a mass change; a person decides."""

    EMPTY_RECORD = "empty_record"
    OTHER_ROLE = "other_role"
    UNKNOWN = "unknown"


class Enforcement(StrEnum):
    """What a group wants done about strangers."""

    REVOKE = "revoke"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a group has settled about people with the role and without a signature.

    `grace` is how long members from before Pledge keep the role after they were asked;
    `reminds` whether the settings have a reminder fall into that time.
    """

    enforcement: Enforcement
    grace: timedelta
    reminds: bool

    def kept_until(self, adopted_at: datetime | None, asked_at: datetime | None) -> datetime | None:
        """When a member from before Pledge who stays silent loses the role; None is open.

        Args:
            adopted_at: since when they keep it as such, None for everybody else.
            asked_at: when the request came that they have not answered, if one did.
        """
        if self.enforcement is not Enforcement.REVOKE or adopted_at is None or asked_at is None:
            return None
        return max(adopted_at, asked_at) + self.grace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How far one group's member list has been read.

    `after_id` is the last account that was read, `members` and `holders` count people so far.
    A sweep without `finished_at` goes on where it was.
    """

    group_key: str
    started_at: datetime
    after_id: int
    members: int
    holders: int
    finished_at: datetime | None = None
    role_id: int | None = None


def is_mass_change(strangers: int, holders: int) -> bool:
    """Whether taking the role from so many could empty a group by a wrong setting.

    Args:
        strangers: from whom it would be taken.
        holders: everybody who has it, the strangers among them.
    """
    return strangers > GUARD_PEOPLE and strangers * 100 > holders * GUARD_SHARE


def likely_cause(signers: int, holders: int, *, role_changed: bool) -> Cause:
    """Guess why so many hold the role without a signature.

    Args:
        signers: people with a valid signature, whether or not they hold the role.
        holders: everybody who has the role.
        role_changed: the role is another one than in the sweep before.
    """
    if signers * GUARD_SHARE < holders:
        return Cause.EMPTY_RECORD
    return Cause.OTHER_ROLE if role_changed else Cause.UNKNOWN
