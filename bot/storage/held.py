"""Which columns of which tables people are shown about themselves, and why not the others.

Every column of every table stands in one of the two, and a test sees to it: whoever adds a column
decides whether people are shown it.
"""

from collections.abc import Mapping

SHOWN: Mapping[str, tuple[str, ...]] = {
    "signature_requests": (
        *("state", "created_at", "version_id", "channel_id", "message_id", "sent_at"),
        *("answered_at", "checked_at", "accept_seen_at", "left_at", "returned_at"),
        *("accept_emoji", "decline_emoji", "reminded_day", "reminded_at", "warned_before"),
        *("warned_at", "language"),
    ),
    "signatures": (
        *("version_id", "sha256", "receipt_number", "method", "message_id", "signed_at"),
        *("signed_after", "expires_at", "revoked_at", "revoked_after", "revoke_reason"),
        *("signed_position", "revoked_position", "language", "shown_sha256", "note"),
        "reminded_before",
    ),
    "proofs": (
        *("version_id", "sha256", "receipt_number", "method", "signed_at", "signed_after"),
        *("ended_at", "signed_position", "revoked_position", "held_until"),
    ),
    "holders": ("found_at", "seen_at", "adopted_at", "told_at", "source"),
    "suspensions": ("began_at", "until", "provisional", "ended_at"),
    "invited": ("kind",),
    "erasures": ("erased_at", "seen_at"),
    "effects": (
        *("kind", "detail", "state", "attempts", "created_at", "due_at", "tried_at"),
        *("finished_at", "outcome"),
    ),
    "ledger_entries": ("position", "kind", "recorded_at", "commitment", "hash", "payload"),
    "breach_reports": ("form", "received_at", "withdrawn_at", "given_by"),
    "breach_evidence": ("received_at", "about", "size", "content"),
    "breach_letters": (
        *("kind", "created_at", "text", "due_at", "delivered_at", "undelivered_at"),
        *("answered_at", "answer"),
    ),
    "breach_timeline": ("at", "kind"),
    "case_access": ("at", "act"),
    "breach_cases": ("case_number", "state", "signed_version_id", "claimed_at"),
    "breach_decisions": ("appealed_at", "appeal", "decided_at"),
    "agreement_versions": ("number", "change", "published_at"),
    "breach_drafts": ("drafted_at",),
    "breach_recusals": ("at",),
    "breach_calls": ("at", "reached"),
    "officers": ("office", "seen_at"),
}
"""What is shown to the person whom a row is about, who gave it, or who did it."""

_NOBODY = "It is about nobody."
_OWN = "It is the person's own account, as a number or as a keyed name; they know it."
_INSIDE = "It ties rows together inside the database and says nothing of anybody."
_GROUP = "It is the key of the group, which stands above everything that is shown."
_OTHERS = "It is the account of somebody else, who looks after the group or has part in a case."
_WORK = "It is the work on a case, kept from its parties so that it is fair to all of them."
_TEXT = "It is the agreement, which everybody can read with `/agreement read`."

NOT_SHOWN: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "groups",
            "agreement_translations",
            "alarms",
            "invitations",
            "operator_keys",
            "marks",
            "case_reminders",
        ),
        _NOBODY,
    ),
    "sweeps": "How far the member list was read: the account a page ended with, for some minutes.",
    **dict.fromkeys(
        (
            *("signature_requests.member_id", "signatures.member_id", "effects.member_id"),
            *("holders.member_id", "invited.member_id", "officers.member_id"),
            *("suspensions.member", "suspensions.member_ref", "erasures.member_ref"),
            *("breach_reports.reporter", "breach_reports.reporter_ref"),
            *("breach_cases.accused", "breach_cases.accused_ref", "breach_calls.member_ref"),
            *("ledger_entries.subject", "effects.lane", "proofs.subject"),
            *("agreement_versions.published_by", "breach_drafts.moderator_id"),
            "breach_recusals.moderator_id",
        ),
        _OWN,
    ),
    **dict.fromkeys(
        (
            *("signature_requests.id", "signatures.id", "signatures.request_id", "effects.id"),
            *("effects.request_id", "invited.invitation_id", "invited.request_id"),
            *("suspensions.id", "suspensions.case_id", "agreement_versions.id"),
            *("proofs.id", "breach_reports.id", "breach_reports.case_id", "breach_evidence.id"),
            *("breach_evidence.case_id", "breach_evidence.report_id", "breach_letters.id"),
            *("breach_letters.case_id", "breach_letters.report_id", "breach_letters.side"),
            *("breach_timeline.id", "breach_timeline.case_id", "breach_timeline.side"),
            *("case_access.id", "case_access.case_id", "case_access.report_id"),
            *("breach_cases.id", "breach_decisions.id", "breach_decisions.case_id"),
            *("breach_decisions.appeal_of", "breach_drafts.id", "breach_drafts.case_id"),
            *("breach_drafts.last_step_id", "breach_recusals.case_id", "breach_calls.case_id"),
        ),
        _INSIDE,
    ),
    **dict.fromkeys(
        (
            *("signature_requests.group_key", "signatures.group_key", "effects.group_key"),
            *("holders.group_key", "suspensions.group_key", "erasures.group_key"),
            *("ledger_entries.group_key", "proofs.group_key", "agreement_versions.group_key"),
            *("breach_cases.group_key", "officers.group_key"),
        ),
        _GROUP,
    ),
    **dict.fromkeys(
        (
            *("signature_requests.newest_id", "signature_requests.newest_version_id"),
            "signature_requests.newest_end",
        ),
        "It is a copy of what their newest signature says, which is shown.",
    ),
    "ledger_entries.salt": "A random number that keeps the fingerprint from being guessed.",
    **dict.fromkeys(
        (
            *("signatures.attested_by", "breach_letters.written_by", "breach_timeline.actor_id"),
            *("breach_decisions.decided_by", "case_access.moderator_id"),
            "breach_cases.claimed_by",
        ),
        _OTHERS,
    ),
    **dict.fromkeys(
        (
            *("breach_timeline.text", "case_access.reason", "breach_cases.opened_at"),
            *("breach_cases.clause", "breach_cases.first_looked_at", "breach_cases.feedback_at"),
            *("breach_cases.decided_at", "breach_cases.closed_at", "breach_cases.outcome"),
            *("breach_cases.merged_into", "breach_cases.kept_until"),
            *("breach_cases.purge_warned_at", "breach_cases.purged_at"),
            *("breach_cases.notice_channel_id", "breach_cases.notice_message_id"),
            *("breach_decisions.outcome", "breach_decisions.reason"),
            *("breach_decisions.suspended_until", "breach_decisions.carried_out_at"),
            "breach_drafts.outcome",
            *("breach_drafts.suspended_until", "breach_drafts.reason", "breach_drafts.words"),
        ),
        _WORK,
    ),
    **dict.fromkeys(
        (
            *("agreement_versions.state", "agreement_versions.text", "agreement_versions.sha256"),
            *("agreement_versions.created_at", "agreement_versions.material_number"),
            *("agreement_versions.grace_ends_at", "agreement_versions.outdated_at"),
        ),
        _TEXT,
    ),
}
"""By table, or by table and column: why nobody is shown it as something about themselves."""
