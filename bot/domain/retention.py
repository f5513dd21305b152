"""How long each class of data is kept, from when it counts, who can see it, and what goes then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType


class DataClass(StrEnum):
    """What Pledge keeps about people, by what it is kept for."""

    SIGNATURE = "signature"
    """One that stands: it is what lets somebody in."""
    ENDED_SIGNATURE = "ended_signature"
    """Withdrawn, run out or replaced; in the end it becomes a proof without a name."""
    PROOF = "proof"
    """What is left of a signature of somebody who was erased, while it still leads to them."""
    NAMELESS_PROOF = "nameless_proof"
    REQUEST = "request"
    """The open request of somebody who is here: so nobody is asked twice, and a late ✅ counts."""
    LEFT_REQUEST = "left_request"
    """Requests of somebody who left and holds no signature."""
    REPLACED_REQUEST = "replaced_request"
    """Older requests of somebody who is here, in whose place there is another one."""
    LEDGER_WORDS = "ledger_words"
    """What the ledger says of somebody besides signatures: asked, declined, role given."""
    LEDGER = "ledger"
    """The chain itself, without the words."""
    HOLDER = "holder"
    """Who holds the member role without a signature."""
    OFFICER = "officer"
    """Who looks after cases."""
    INVITED = "invited"
    """Who is on the list of an invitation."""
    ACTIVITY = "activity"
    """What was done in Discord and told, alarms that are over, numbers of old invitations."""
    CASE = "case"
    """Reports, files, letters, decisions, notes, and how many somebody has reported."""
    CASE_ACCESS = "case_access"
    """Who has looked at a case, and whose name was looked up."""
    SUSPENSION = "suspension"
    """Whose access is paused."""
    DRAFT_DECISION = "draft_decision"
    """What a moderator was about to decide."""
    CASE_STUB = "case_stub"
    """Number, dates and outcome of a case that was destroyed, without anybody in it."""
    AGREEMENT = "agreement"
    """The texts, and which facilitator signed them: every signature and proof stands on one."""
    BACKUP = "backup"
    """Copies of all this, in the hands of whoever runs the bot."""


class Start(StrEnum):
    """From when the time counts."""

    LEAVING = "leaving"
    """The person left the server, or their account is gone, or the bot is not there any more."""
    END = "end"
    """The signature was withdrawn, ran out or was replaced."""
    REPLACEMENT = "replacement"
    RECORDING = "recording"
    COMPLETION = "completion"
    """It was done, or is over."""
    CLOSING = "closing"
    """The case was closed."""
    MAKING = "making"
    """The backup was made."""


class Reader(StrEnum):
    """Who can see it in Pledge; the person it is about sees their own with `/privacy show`."""

    FACILITATORS = "facilitators"
    MODERATORS = "moderators"
    OPERATOR = "operator"
    """Nobody in Discord: only whoever runs the bot has the record and the key to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionTerms:
    """How long a group keeps things, as its settings say."""

    case: timedelta = timedelta(days=365)
    unsigned: timedelta = timedelta(days=90)
    proof: timedelta = timedelta(days=1095)
    activity: timedelta = timedelta(days=30)
    backup: timedelta = timedelta(days=30)

    def of(self, setting: str) -> timedelta:
        """The time of a setting, such as `proof_days`."""
        times = {
            "case_days": self.case,
            "unsigned_days": self.unsigned,
            "proof_days": self.proof,
            "activity_days": self.activity,
            "backup_days": self.backup,
        }
        return times[setting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is settled about a class of data.

    `setting` and `start` are None for what stays as long as it is needed, for the reason that
    `bot.texts` gives of it. `leaves` is what is left when the time is up, if anything.
    """

    setting: str | None
    start: Start | None
    readers: tuple[Reader, ...]
    leaves: DataClass | None = None


_FACILITATORS = (Reader.FACILITATORS,)
_MODERATORS = (Reader.MODERATORS,)
_BOTH = (Reader.FACILITATORS, Reader.MODERATORS)
_OPERATOR = (Reader.OPERATOR,)


def _kept(readers: tuple[Reader, ...]) -> Rule:
    return Rule(setting=None, start=None, readers=readers)


def _goes(
    setting: str, start: Start, readers: tuple[Reader, ...], leaves: DataClass | None = None
) -> Rule:
    return Rule(setting=setting, start=start, readers=readers, leaves=leaves)


RULES: Mapping[DataClass, Rule] = MappingProxyType(
    {
        DataClass.SIGNATURE: _goes("proof_days", Start.LEAVING, _BOTH, DataClass.NAMELESS_PROOF),
        DataClass.ENDED_SIGNATURE: _goes("proof_days", Start.END, _BOTH, DataClass.NAMELESS_PROOF),
        DataClass.PROOF: _goes("proof_days", Start.END, _OPERATOR, DataClass.NAMELESS_PROOF),
        DataClass.NAMELESS_PROOF: _kept(_OPERATOR),
        DataClass.REQUEST: _kept(_BOTH),
        DataClass.LEFT_REQUEST: _goes("unsigned_days", Start.LEAVING, _BOTH),
        DataClass.REPLACED_REQUEST: _goes("unsigned_days", Start.REPLACEMENT, _BOTH),
        DataClass.LEDGER_WORDS: _goes("proof_days", Start.RECORDING, _OPERATOR, DataClass.LEDGER),
        DataClass.LEDGER: _kept(_OPERATOR),
        DataClass.HOLDER: _kept(_FACILITATORS),
        DataClass.OFFICER: _kept(_OPERATOR),
        DataClass.INVITED: _kept(_FACILITATORS),
        DataClass.ACTIVITY: _goes("activity_days", Start.COMPLETION, _OPERATOR),
        DataClass.CASE: _goes("case_days", Start.CLOSING, _MODERATORS, DataClass.CASE_STUB),
        DataClass.CASE_ACCESS: _goes("case_days", Start.CLOSING, _MODERATORS),
        DataClass.SUSPENSION: _goes("case_days", Start.CLOSING, _MODERATORS),
        DataClass.DRAFT_DECISION: _goes("activity_days", Start.RECORDING, _MODERATORS),
        DataClass.CASE_STUB: _kept(_MODERATORS),
        DataClass.AGREEMENT: _kept(_FACILITATORS),
        DataClass.BACKUP: _goes("backup_days", Start.MAKING, _OPERATOR),
    }
)
"""Every class of data has its rule."""


def kept_for(data: DataClass, terms: RetentionTerms) -> timedelta | None:
    """How long a class of data is kept once its time counts; None while it is needed."""
    setting = RULES[data].setting
    return None if setting is None else terms.of(setting)


def goes_at(data: DataClass, terms: RetentionTerms, since: datetime | None) -> datetime | None:
    """When something of a class goes at the earliest.

    Args:
        data: the class.
        terms: those of the group.
        since: when its time began to count (`Rule.start`); None if it has not yet.

    Returns:
        The instant, or None as long as nothing has begun that ends it. The purge comes once a
        day, and not before facilitators were warned, so that it may be some days later.
    """
    time = kept_for(data, terms)
    return None if time is None or since is None else since + time


def is_due(data: DataClass, terms: RetentionTerms, since: datetime | None, now: datetime) -> bool:
    """Whether something of a class has been kept for long enough at `now`."""
    at = goes_at(data, terms, since)
    return at is not None and at <= now


# Warnings ----------------------------------------------------------------------------------------

TOLD_BEFORE = timedelta(days=14)
"""How far ahead facilitators are told of what goes."""

TOLD_AT_LEAST = timedelta(days=7)
"""Nothing goes that they were told of later than this before; and they are not told more often."""


AWAY_AT_LEAST = timedelta(days=30)
"""Where Pledge has been away for so long, nobody can be told any more, and it goes without that;
until then it may be back tomorrow, or its place in the settings was only lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """At `at` facilitators were told of everything that is due until `until`."""

    at: datetime
    until: datetime


def next_telling(tellings: Sequence[Telling], now: datetime) -> Telling | None:
    """The next time they are told of what goes, if that is now.

    Args:
        tellings: those there were under the same terms, oldest first.
        now: the current instant.
    """
    if tellings and now + TOLD_AT_LEAST <= tellings[-1].until:
        return None
    return Telling(at=now, until=now + TOLD_BEFORE)


def told_until(tellings: Sequence[Telling], now: datetime) -> datetime | None:
    """Until when what is due may go, as they were told of it in time; None if of nothing."""
    in_time = (one.until for one in tellings if one.at <= now - TOLD_AT_LEAST)
    last = max(in_time, default=None)
    return None if last is None else min(last, now)


def remembered(tellings: Sequence[Telling], now: datetime) -> tuple[Telling, ...]:
    """Those that still count: the newest that was in time and what came after it.

    One from the future was told by a clock that was ahead, and counts for nothing.
    """
    past = [one for one in tellings if one.at <= now]
    in_time = [one for one in past if one.at <= now - TOLD_AT_LEAST]
    return tuple(in_time[-1:] + past[len(in_time) :])
