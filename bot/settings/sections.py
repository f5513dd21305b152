"""The sections of the configuration file, with the limits and defaults of each setting."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from bot.domain.retention import RetentionTerms
from bot.settings.locales import find_locale, nearest_locales
from bot.settings.models import Strict, refused
from bot.settings.problems import shown
from bot.settings.values import (
    ChannelRef,
    Emoji,
    EscalationRef,
    Id,
    RoleRef,
    plain_line,
    same_emoji,
)

DEFAULT_DATABASE = "sqlite:///data/pledge.db"
_ROLE = "give the id or the name of a role"
_CHANNEL = "give the id or the name of a channel"
_EMOJI = "give one standard emoji in quotes, such as “✅”"

_LANGUAGE = "give a language of Discord, such as en, es or pt-BR, or null for the server's own"

RENEWAL_DAYS = 14
"""How many days before its end a signature may be renewed where nobody is reminded."""

Days = Annotated[int, Field(ge=1, le=3650)]
ReminderDay = Annotated[int, Field(ge=1, le=365)]


class Roles(Strict):
    """Who is who: three different roles, each by id (int) or name."""

    member: RoleRef = Field(description=_ROLE)
    moderator: RoleRef = Field(description=_ROLE)
    facilitator: RoleRef = Field(description=_ROLE)

    @field_validator("moderator", "facilitator")
    @classmethod
    def _differs(cls, value: int | str, info: ValidationInfo) -> int | str:
        return _unlike_earlier(value, info, "role")


class Channels(Strict):
    """Where things happen: three different channels, each by id (int) or name."""

    support: ChannelRef = Field(description=_CHANNEL)
    moderators: ChannelRef = Field(description=_CHANNEL)
    welcome: ChannelRef = Field(description=_CHANNEL)

    @field_validator("moderators", "welcome")
    @classmethod
    def _differs(cls, value: int | str, info: ValidationInfo) -> int | str:
        return _unlike_earlier(value, info, "channel")


class Signing(Strict):
    """How people are asked and reminded, how long old signatures count, and how fast DMs go."""

    accept: Emoji = Field(default="✅", description=_EMOJI)
    decline: Emoji = Field(default="❌", description=_EMOJI)
    remind_after_days: tuple[ReminderDay, ...] = Field(
        default=(1, 3, 7),
        max_length=8,
        strict=False,  # YAML has lists; the numbers in it stay strict
        description="list at most 8 different days from 1 to 365, the smallest first: [1, 3, 7]",
    )
    remind_before_days: tuple[ReminderDay, ...] = Field(
        default=(14, 3, 1),
        max_length=8,
        strict=False,  # as above
        description="list at most 8 different days from 1 to 365, the greatest first: [14, 3, 1]",
    )
    remove_unsigned_after_days: int | None = Field(
        default=None,
        ge=2,
        le=365,
        description="give whole days from 2 to 365, or null to remove nobody",
    )
    grace_days: int = Field(default=14, ge=0, le=365, description="give whole days from 0 to 365")
    dm_per_minute: int = Field(
        default=20, ge=1, le=60, description="give a whole number from 1 to 60"
    )

    @property
    def renew_within(self) -> timedelta:
        """How long before its end a signature may be renewed: from the first reminder on."""
        return timedelta(days=max(self.remind_before_days, default=RENEWAL_DAYS))

    @field_validator("decline")
    @classmethod
    def _another_emoji(cls, value: str, info: ValidationInfo) -> str:
        if same_emoji(value, info.data.get("accept", "")):
            raise refused("this is the emoji of `accept`", "give two different emoji")
        return value

    @field_validator("remind_after_days")
    @classmethod
    def _ascending(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days)):
            raise refused("the days do not rise")
        return days

    @field_validator("remind_before_days")
    @classmethod
    def _descending(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days), reverse=True):
            raise refused("the days do not fall")
        return days


class Cases(Strict):
    """The clocks of a breach case in days, how many are taken, and who is asked last."""

    first_look_days: Days = Field(default=3, description="give whole days from 1 to 3650")
    feedback_days: Days = Field(default=30, description="give whole days from 1 to 3650")
    hearing_days: Days = Field(default=3, description="give whole days from 1 to 3650")
    appeal_days: Days = Field(default=14, description="give whole days from 1 to 3650")
    reports_per_day: int = Field(
        default=5, ge=1, le=100, description="give a whole number from 1 to 100"
    )
    group_reports_per_day: int = Field(
        default=50, ge=1, le=1000, description="give a whole number from 1 to 1000"
    )
    escalation: EscalationRef = Field(
        default=None,
        description="give the id or name of a role or person, or null for the server's owner",
    )


class Upkeep(Strict):
    """How often the group's server is compared with the record without any cause."""

    sweep_minutes: int = Field(
        default=60, ge=5, le=1440, description="give whole minutes from 5 to 1440"
    )


class Retention(Strict):
    """How many days each kind of record is kept."""

    case_days: Days = Field(default=365, description="give whole days from 1 to 3650")
    unsigned_days: Days = Field(default=90, description="give whole days from 1 to 3650")
    proof_days: Days = Field(default=1095, description="give whole days from 1 to 3650")
    activity_days: Days = Field(default=30, description="give whole days from 1 to 3650")
    backup_days: Days = Field(default=30, description="give whole days from 1 to 3650")

    @property
    def terms(self) -> RetentionTerms:
        """The same as times."""
        return RetentionTerms(
            case=timedelta(days=self.case_days),
            unsigned=timedelta(days=self.unsigned_days),
            proof=timedelta(days=self.proof_days),
            activity=timedelta(days=self.activity_days),
            backup=timedelta(days=self.backup_days),
        )


def _name(value: object) -> str:
    return plain_line(value, 60)


def _path(value: object) -> str:
    return plain_line(value, 4096)


def _locale(value: object) -> str | None:
    if value is None:
        return None
    written = plain_line(value, 40)
    locale = find_locale(written)
    if locale is None:
        close = ", ".join(nearest_locales(written))
        raise refused(f"Discord knows no language {shown(written)}", f"write one such as {close}")
    return locale


class GroupSection(Strict):
    """One group as the file has it, before its agreement is read."""

    name: Annotated[str, PlainValidator(_name)] = Field(
        description="give the name people know, one line of 1 to 60 characters"
    )
    guild: Id = Field(description="give the id of the server, digits only")
    agreement: Annotated[str, PlainValidator(_path)] = Field(
        description="give the path of the agreement, absolute or from this file's folder"
    )
    roles: Roles = Field(description="give member, moderator and facilitator")
    channels: Channels = Field(description="give support, moderators and welcome")
    language: Annotated[str | None, PlainValidator(_locale)] = Field(
        default=None, description=_LANGUAGE
    )
    signing: Signing = Signing()
    enforcement: Literal["revoke", "report"] = Field(
        default="revoke", description="write revoke or report"
    )
    upkeep: Upkeep = Upkeep()
    cases: Cases = Cases()
    retention: Retention = Retention()

    @field_validator("roles")
    @classmethod
    def _not_everyone(cls, roles: Roles, info: ValidationInfo) -> Roles:
        # Discord gives the role @everyone the id of the server.
        if info.data.get("guild") in (roles.member, roles.moderator, roles.facilitator):
            right = "give the ids of roles of your own"
            raise refused("one of these is the id of the server, which is everyone", right)
        return roles


class File(Strict):
    """The top of the file; each group is read apart, so that one does not hide another."""

    database: str = Field(
        default=DEFAULT_DATABASE,
        description="write sqlite:///path/to/file.db or postgresql://user@host/name",
    )
    groups: dict[str, Any] = Field(
        min_length=1, description="describe at least one group, as in config/pledge.example.yaml"
    )


def _unlike_earlier(value: int | str, info: ValidationInfo, noun: str) -> int | str:
    for name, other in info.data.items():
        if other == value:
            raise refused(f"this is the {noun} of `{name}` as well", f"give another {noun}")
    return value
