"""What a look at the servers can find, and how grave each thing is."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Gravity(StrEnum):
    """How much a finding matters; the gravest comes first."""

    OPEN = "open"
    """Somebody who has not signed can read the support channel, or can let themselves in."""
    BROKEN = "broken"
    """Pledge cannot do its work, or cannot see whether the channel is closed."""
    COULD_OPEN = "could_open"
    """Nobody unsigned comes in this way now, and nothing would stop the next one."""
    NOTE = "note"
    """Worth knowing; nothing to mend."""


class Matter(StrEnum):
    """What a finding is about; `bot.texts` has the words for each."""

    EVERYONE_READS = "everyone_reads"
    MEMBER_ROLE_UNSIGNED = "member_role_unsigned"
    ROLES_UNSIGNED = "roles_unsigned"
    PEOPLE_UNSIGNED = "people_unsigned"
    ADMINISTRATORS_UNSIGNED = "administrators_unsigned"
    OWNER_UNSIGNED = "owner_unsigned"
    ONBOARDING_GIVES = "onboarding_gives"
    INVITES_GIVE = "invites_give"
    ROLE_TAKEN_FREELY = "role_taken_freely"

    INTENT_OFF = "intent_off"
    NOT_ON_SERVER = "not_on_server"
    MEMBERS_UNSEEN = "members_unseen"
    RECORD_UNREADABLE = "record_unreadable"
    MANAGE_ROLES_MISSING = "manage_roles_missing"
    ROLE_MISSING = "role_missing"
    ROLE_AMBIGUOUS = "role_ambiguous"
    ROLE_IS_EVERYONE = "role_is_everyone"
    ROLE_MANAGED = "role_managed"
    ROLE_TOO_HIGH = "role_too_high"
    ROLE_SHARED = "role_shared"
    ROLE_BLIND = "role_blind"
    CHANNEL_MISSING = "channel_missing"
    CHANNEL_AMBIGUOUS = "channel_ambiguous"
    CHANNEL_NOT_TEXT = "channel_not_text"
    CHANNEL_SHARED = "channel_shared"
    PERMISSIONS_MISSING = "permissions_missing"
    ESCALATION_NOWHERE = "escalation_nowhere"
    ESCALATION_BY_NAME = "escalation_by_name"
    KICK_MISSING = "kick_missing"

    ROLES_COULD_READ = "roles_could_read"
    PEOPLE_COULD_READ = "people_could_read"
    ANNOUNCEMENTS = "announcements"

    NO_RECORD = "no_record"
    NOT_STARTED = "not_started"
    ADOPTED = "adopted"
    REMOVALS = "removals"
    ALWAYS_READ = "always_read"
    THREADS = "threads"
    BOTS_READ = "bots_read"
    WELCOME_HIDDEN = "welcome_hidden"
    MODERATORS_PUBLIC = "moderators_public"
    TWO_FACTOR = "two_factor"
    AUDIT_LOG_UNSEEN = "audit_log_unseen"
    INVITES_UNSEEN = "invites_unseen"
    ONBOARDING_UNSEEN = "onboarding_unseen"
    GROUP_UNCONFIGURED = "group_unconfigured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found.

    `names` are those of roles, channels and permissions, as people wrote them: whoever shows
    them must make them plain first. They are never names of people. `place` is the setting that
    is meant, `count` counts people (or invites, threads, bots), and `group_key` is None for what
    concerns the whole installation.
    """

    gravity: Gravity
    matter: Matter
    group_key: str | None = None
    place: str = ""
    names: tuple[str, ...] = ()
    count: int = 0
    detail: str = ""


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first; equally grave ones in the order of `Matter`."""
    gravities, matters = list(Gravity), list(Matter)
    return sorted(findings, key=lambda f: (gravities.index(f.gravity), matters.index(f.matter)))


def needs_mending(findings: Iterable[Finding]) -> bool:
    """Whether the gate is open, or Pledge cannot do its work."""
    return any(finding.gravity in (Gravity.OPEN, Gravity.BROKEN) for finding in findings)
