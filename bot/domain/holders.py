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
class Adoption:
    """How a member from before Pledge keeps the role: since when, and since when they are asked.

    `asked_at` is when the first request reached them that they have not answered, None before
    that. A request that takes its place, as after a publish, does not move it.
    """

    adopted_at: datetime
    asked_at: datetime | None

    def kept_until(self, grace: timedelta) -> datetime | None:
        """When their time is over if they stay silent; None while it does not run yet."""
        return max(self.adopted_at, self.asked_at) + grace if self.asked_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a group has settled about people with the role and without a signature.

    `grace` is how long members from before Pledge keep the role after they were asked;
    `reminds` whether the settings have a reminder fall into that time.
    """

    enforcement: Enforcement
    grace: timedelta
    reminds: bool

    def kept_until(self, adoption: Adoption | None) -> datetime | None:
        """When a member from before Pledge who stays silent loses the role; None is open.

        Args:
            adoption: how they keep it as such, None for everybody else.
        """
        if self.enforcement is not Enforcement.REVOKE or adoption is None:
            return None
        return adoption.kept_until(self.grace)


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
