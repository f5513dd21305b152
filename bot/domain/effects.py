"""What must be done in Discord after a commit, and what each answer of Discord means."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class EffectKind(StrEnum):
    """The things Pledge does in Discord because the record says so."""

    ASK = "ask"
    """Send the agreement by direct message, with the two reactions."""
    ALIGN_ROLE = "align_role"
    """Give or take the member role, whichever the record says at that moment."""
    NOTICE = "notice"
    """Tell one person something by direct message."""
    PANEL = "panel"
    """Keep the standing panel in the welcome channel."""
    ALARM = "alarm"
    """Tell the moderators' channel that something needs a person."""
    REPORT = "report"
    """Tell the moderators' channel what was done or found."""
    REMOVE = "remove"
    """Remove from the server somebody who was asked, warned twice, and did not answer."""
    LETTER = "letter"
    """Write to a party of a breach case; the row knows only the number of the letter."""
    CASE_NOTICE = "case_notice"
    """Keep the message that stands for a breach case in the moderators' channel."""
    CASE_CALL = "case_call"
    """Tell whoever is left, where no moderator is, that a breach case waits for them."""


class EffectState(StrEnum):
    """`held` waits for a person to mend something; `dropped` is a final "cannot be done"."""

    PENDING = "pending"
    RUNNING = "running"
    HELD = "held"
    DONE = "done"
    DROPPED = "dropped"


class Notice(StrEnum):
    """The messages one person can get after something was recorded."""

    SIGNED = "signed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    WELCOME_BACK = "welcome_back"
    STILL_SIGNED = "still_signed"
    OUTDATED = "outdated"
    UNCLEAR = "unclear"
    """An acceptance was found that may be older than the person's last no."""
    REMINDER = "reminder"
    ATTESTED = "attested"
    """A facilitator has recorded a signature of theirs, and how to object."""
    OBJECTED = "objected"
    ENDING = "ending"
    """A signature ends soon, and how to renew it."""
    EXPIRED = "expired"
    GRACE_OVER = "grace_over"
    ADOPTION_OVER = "adoption_over"
    """These three say why access has ended."""
    ERASED = "erased"
    """What was kept about them is gone."""
    REMOVAL_NEAR = "removal_near"
    REMOVAL_NEXT = "removal_next"
    """Warnings, a week and a day before somebody who does not answer is removed."""


class AlarmKind(StrEnum):
    """Why the bot cannot do its job in a group until somebody changes a setting."""

    ROLE_TOO_HIGH = "role_too_high"
    ROLE_GONE = "role_gone"
    CHANNEL_GONE = "channel_gone"
    DIRECT_MESSAGES_PAUSED = "direct_messages_paused"
    MEMBERS_UNSEEN = "members_unseen"
    TWO_FACTOR = "two_factor"
    MASS_CHANGE = "mass_change"
    """So many hold the role without a signature that a wrong setting is likelier."""
    RECORD_UNAVAILABLE = "record_unavailable"
    CLOCK_WRONG = "clock_wrong"
    KICK_MISSING = "kick_missing"
    """Who did not answer cannot be removed, as the settings want."""
    MASS_REMOVAL = "mass_removal"
    """So many are to be removed that a wrong setting is likelier."""
    CASES_UNSEEN = "cases_unseen"
    """The notices of breach cases cannot be posted."""
    STUCK = "stuck"
    """Something in the outbox has been tried for a long time, and nobody was told why."""


class Report(StrEnum):
    """What the moderators' channel is told without anything being wrong with the settings."""

    LEDGER_HEAD = "ledger_head"
    DRAFT_WAITING = "draft_waiting"
    """A changed text has become a draft."""
    ADOPTED = "adopted"
    ROLE_TAKEN = "role_taken"
    ROLE_UNSIGNED = "role_unsigned"
    RESTORED = "restored"
    RECORD_OLDER = "record_older"
    RECORD_BACK = "record_back"
    CASE_DUE = "case_due"
    """A limit of a breach case is near, or over."""
    CASES_END = "cases_end"
    """Closed cases are about to be destroyed, as they were kept for long enough."""
    RECORDS_END = "records_end"
    """Signatures are about to lose their names, or people who left to be forgotten."""
    ATTEST_OBJECTED = "attest_objected"
    """Somebody objected to a signature that was recorded for them."""
    ATTEST_UNTOLD = "attest_untold"
    """Somebody could not be told of a signature that was recorded for them."""


Facts = Mapping[str, int | str]
"""The numbers and words of a report; never a name or an id of a person."""


def pack(word: AlarmKind | Report, facts: Facts) -> str:
    """What a row of the outbox remembers of an alarm or a report."""
    key = "alarm" if isinstance(word, AlarmKind) else "report"
    return json.dumps({key: word, **facts}, sort_keys=True)


def unpack(detail: str) -> tuple[AlarmKind | Report, Facts]:
    """Read what `pack` wrote; an alarm without facts may be its bare word."""
    if not detail.startswith("{"):
        return AlarmKind(detail), {}
    facts: dict[str, int | str] = json.loads(detail)
    if "alarm" in facts:
        return AlarmKind(str(facts.pop("alarm"))), facts
    return Report(str(facts.pop("report"))), facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One row of the outbox.

    Rows of one `lane` run one after the other, in the order of their ids. `attempts` counts
    the tries that began: above zero, an earlier try may have reached Discord. `tried_at` is when
    the first of them began.
    """

    id: int
    group_key: str
    lane: str
    kind: EffectKind
    state: EffectState
    attempts: int
    created_at: datetime
    due_at: datetime
    tried_at: datetime | None = None
    member_id: int | None = None
    request_id: int | None = None
    detail: str | None = None
    outcome: str | None = None


class Verdict(StrEnum):
    """What an answer of Discord means for the effect that got it."""

    RETRY = "retry"
    """The outcome is unknown or the fault passes by itself."""
    BLOCKED = "blocked"
    """The person takes no direct messages from this bot."""
    PAUSE = "pause"
    """Discord refuses new direct messages for now: stop opening any."""
    GONE = "gone"
    """The person or their account is not there."""
    HOLD = "hold"
    """A permission or a role order must be mended by a person."""
    MISSING = "missing"
    """A channel, message, role or server does not exist any more."""
    REFUSED = "refused"
    """Discord will not take this request, now or later."""


_VERDICTS = {
    50007: Verdict.BLOCKED,
    50278: Verdict.BLOCKED,
    40003: Verdict.PAUSE,
    20026: Verdict.PAUSE,
    20016: Verdict.RETRY,
    20022: Verdict.RETRY,
    20028: Verdict.RETRY,
    20029: Verdict.RETRY,
    30046: Verdict.RETRY,
    40001: Verdict.RETRY,
    40002: Verdict.RETRY,
    40004: Verdict.RETRY,
    40006: Verdict.RETRY,
    110001: Verdict.RETRY,
    130000: Verdict.RETRY,
    10007: Verdict.GONE,
    10013: Verdict.GONE,
    40007: Verdict.GONE,
    50001: Verdict.HOLD,
    50013: Verdict.HOLD,
    60003: Verdict.HOLD,
    10003: Verdict.MISSING,
    10004: Verdict.MISSING,
    10008: Verdict.MISSING,
    10011: Verdict.MISSING,
}
"""Discord's JSON error codes, from "Opcodes and Status Codes" of its documentation.

Those to be tried again speak of Discord's own limits and outages, or of the bot's account
(40001, 40002): no person and no setting of the group is the cause, so nobody is given up for them.
"""


def verdict_on(status: int | None, code: int) -> Verdict:
    """Read an answer of Discord.

    Args:
        status: HTTP status, None when the connection broke before one came.
        code: Discord's own error code from the body, 0 when there was none. It counts
            before the status, because closed direct messages come as 400 and as 403.
    """
    if code in _VERDICTS:
        return _VERDICTS[code]
    if code == 0 and status in (400, 403, 404):
        # Not Discord's own words but those of something before it.
        return Verdict.RETRY
    if status is None or status >= 500 or status in (401, 408, 429):  # noqa: PLR2004
        # 401 too: a token that was reset is the operator's to mend, and nothing may be lost.
        return Verdict.RETRY
    if status == 403:  # noqa: PLR2004
        return Verdict.HOLD
    if status == 404:  # noqa: PLR2004
        return Verdict.MISSING
    return Verdict.REFUSED


def retry_delay(attempts: int, jitter: float) -> timedelta:
    """Wait before the next try: 10, 20, 40 … seconds, at most five minutes, less up to half.

    Args:
        attempts: tries that failed so far, at least 1.
        jitter: a random number from 0 to 1, so that people do not all come back at once.
    """
    return timedelta(seconds=min(5.0 * 2.0 ** min(attempts, 6), 300.0) * (0.5 + jitter / 2))


def lane_of_member(group_key: str, member_id: int) -> str:
    """Everything said to one person in one group is said in order."""
    return f"member:{group_key}:{member_id}"


def lane_of_group(group_key: str, subject: str) -> str:
    """Everything done to one subject of a group, such as its panel, happens in order."""
    return f"group:{group_key}:{subject}"


def lane_of_letters(group_key: str, case_id: int, report_id: int | None) -> str:
    """What is written to one party of a case is written in order.

    Args:
        group_key: the group.
        case_id: the case.
        report_id: of whom it is for; None is the accused.
    """
    return f"letters:{group_key}:{case_id}:{report_id or 'accused'}"


def lane_of_role(group_key: str, member_id: int) -> str:
    """A person's role changes wait for one another, and for no message."""
    return f"role:{group_key}:{member_id}"


def nonce_of(effect_id: int, part: int, content: str) -> str:
    """The `nonce` under which Discord drops a second copy of a message: 25 characters at most.

    The words are part of it: the same row may have other ones to send when it is tried again.
    """
    return hashlib.sha256(f"{effect_id}:{part}:{content}".encode()).hexdigest()[:25]
