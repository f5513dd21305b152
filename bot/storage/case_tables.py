"""The tables of breach cases: whatever names or quotes somebody is encrypted in them."""

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from bot.domain.breaches import CaseEvent, CaseState, Clause, LetterKind, Side
from bot.domain.case_clocks import Clock, Stage
from bot.domain.entitlement import Office
from bot.storage.columns import Id, UTCDateTime, Word, group_key, metadata, one_of

Sealed = LargeBinary
"""A Fernet token, written and read with `bot.storage.sealing`."""


def _case_id() -> Column[int]:
    return Column("case_id", Id, ForeignKey("breach_cases.id"), nullable=False)


breach_cases = Table(
    "breach_cases",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
    Column("case_number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    Column("clause", Word(Clause), nullable=False),
    Column("accused", Sealed),
    Column("accused_ref", Text),
    Column("signed_version_id", Id, ForeignKey("agreement_versions.id")),
    Column("claimed_by", Id),
    Column("claimed_at", UTCDateTime),
    Column("first_looked_at", UTCDateTime),
    Column("feedback_at", UTCDateTime),
    Column("decided_at", UTCDateTime),
    Column("closed_at", UTCDateTime),
    Column("outcome", Text),
    Column("merged_into", Integer),
    Column("kept_until", UTCDateTime),
    Column("purge_warned_at", UTCDateTime),
    Column("purged_at", UTCDateTime),
    Column("notice_channel_id", Id),
    Column("notice_message_id", Id),
    UniqueConstraint("group_key", "case_number"),
    CheckConstraint(one_of("state", CaseState), name="state"),
    CheckConstraint("(accused IS NULL) = (accused_ref IS NULL)", name="accused"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
    Index("ix_breach_cases_group_key_state", "group_key", "state", "case_number"),
    Index("ix_breach_cases_accused_ref", "accused_ref"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""`accused_ref` finds a person without telling who they are (`bot.storage.sealing.person_ref`).
`merged_into` is the number of another case.
The notice is the message in the moderators' channel that stands for the case."""

breach_reports = Table(
    "breach_reports",
    metadata,
    Column("id", Id, primary_key=True),
    _case_id(),
    Column("reporter", Sealed),
    Column("reporter_ref", Text),
    Column("form", Sealed),
    Column("received_at", UTCDateTime, nullable=False),
    Column("withdrawn_at", UTCDateTime),
    Column("given_by", Id),
    Index("ix_breach_reports_case_id", "case_id"),
    Index("ix_breach_reports_reporter_ref", "reporter_ref", "received_at"),
    Index("uq_breach_reports_given_by", "given_by", unique=True),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""What people typed, as they typed it: a whole `ReportForm` as JSON. `given_by` is Discord's number
of the form that was sent: one that arrives twice makes one case."""

breach_evidence = Table(
    "breach_evidence",
    metadata,
    Column("id", Id, primary_key=True),
    _case_id(),
    Column("report_id", Id, ForeignKey("breach_reports.id")),
    Column("received_at", UTCDateTime, nullable=False),
    Column("about", Sealed, nullable=False),
    Column("size", Integer, nullable=False),
    # The last: SQLite reads through it to whatever stands behind it.
    Column("content", Sealed),
    Index("ix_breach_evidence_case_id", "case_id"),
    Index("ix_breach_evidence_report_id", "report_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""Files that were handed in. `about` has name, media type and the SHA-256 of what was received and
of what is kept; `content` is None when the bytes could not be had."""

breach_timeline = Table(
    "breach_timeline",
    metadata,
    Column("id", Id, primary_key=True),
    _case_id(),
    Column("at", UTCDateTime, nullable=False),
    Column("kind", Word(CaseEvent), nullable=False),
    Column("side", Word(Side), nullable=False),
    Column("actor_id", Id),
    Column("text", Sealed),
    CheckConstraint("(side = 'moderator') = (actor_id IS NOT NULL)", name="actor"),
    Index("ix_breach_timeline_case_id", "case_id", "id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""What was done with a case, step by step: only added to. A new key encrypts the words anew; when a
case has been kept long enough, its timeline goes as a whole. Nothing else of it can change."""

breach_recusals = Table(
    "breach_recusals",
    metadata,
    Column("case_id", Id, ForeignKey("breach_cases.id"), primary_key=True),
    Column("moderator_id", Id, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
    Index("ix_breach_recusals_moderator_id", "moderator_id", "case_id"),
    sqlite_strict=True,
)
"""Who has stepped back from a case."""

breach_letters = Table(
    "breach_letters",
    metadata,
    Column("id", Id, primary_key=True),
    _case_id(),
    Column("report_id", Id, ForeignKey("breach_reports.id")),
    Column("side", Word(Side), nullable=False),
    Column("kind", Word(LetterKind), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("text", Sealed),
    Column("written_by", Id),
    Column("due_at", UTCDateTime),
    Column("delivered_at", UTCDateTime),
    Column("undelivered_at", UTCDateTime),
    Column("answered_at", UTCDateTime),
    Column("answer", Sealed),
    CheckConstraint("(side = 'reporter') = (report_id IS NOT NULL)", name="report"),
    Index("ix_breach_letters_case_id", "case_id", "id"),
    Index("ix_breach_letters_report_id", "report_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""What is written to a party. Whom it goes to stands in the report or in the case, encrypted; the
outbox knows only the number of the letter. Where it stands in Discord is not kept: the number of
somebody's direct messages leads to them."""

breach_decisions = Table(
    "breach_decisions",
    metadata,
    Column("id", Id, primary_key=True),
    _case_id(),
    Column("outcome", Text, nullable=False),
    Column("reason", Sealed),
    Column("decided_by", Id, nullable=False),
    Column("decided_at", UTCDateTime, nullable=False),
    Column("suspended_until", UTCDateTime),
    Column("appeal_of", Id, ForeignKey("breach_decisions.id")),
    Column("appealed_at", UTCDateTime),
    Column("appeal", Sealed),
    Column("carried_out_at", UTCDateTime),
    Index("ix_breach_decisions_case_id", "case_id", "id"),
    Index("uq_breach_decisions_appeal_of", "appeal_of", unique=True),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

breach_drafts = Table(
    "breach_drafts",
    metadata,
    Column("id", Id, primary_key=True),
    _case_id(),
    Column("moderator_id", Id, nullable=False),
    Column("drafted_at", UTCDateTime, nullable=False),
    Column("last_step_id", Id, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("suspended_until", UTCDateTime),
    Column("reason", Sealed, nullable=False),
    Column("words", Sealed),
    UniqueConstraint("case_id", "moderator_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""What a moderator is about to decide and has not confirmed; `words` are theirs to the accused.
`last_step_id` is the newest step of the timeline that they have seen; 0 is none."""

suspensions = Table(
    "suspensions",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
    _case_id(),
    Column("member", Sealed, nullable=False),
    Column("member_ref", Text, nullable=False),
    Column("began_at", UTCDateTime, nullable=False),
    Column("until", UTCDateTime),
    Column("provisional", Integer, nullable=False),
    Column("ended_at", UTCDateTime),
    CheckConstraint("provisional IN (0, 1)", name="provisional"),
    Index(
        "ix_suspensions_running",
        "group_key",
        "member_ref",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_suspensions_case_id", "case_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""Whose access is paused, whatever they have signed. `until` is None while it runs until somebody
ends it, as a provisional one before the decision does."""

case_access = Table(
    "case_access",
    metadata,
    Column("id", Id, primary_key=True),
    _case_id(),
    Column("at", UTCDateTime, nullable=False),
    Column("moderator_id", Id, nullable=False),
    Column("act", Text, nullable=False),
    Column("report_id", Id, ForeignKey("breach_reports.id")),
    Column("reason", Sealed),
    Index("ix_case_access_case_id", "case_id", "id"),
    Index("ix_case_access_report_id", "report_id", "moderator_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""Who has seen, exported or unsealed what, and in which office, which stands behind the act unless
it is that of a moderator. One row each time; unsealing has one for each report
whose author was shown, which stays with the report when its case is merged into another."""

breach_calls = Table(
    "breach_calls",
    metadata,
    Column("case_id", Id, ForeignKey("breach_cases.id"), primary_key=True),
    Column("member_ref", Text, primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    Column("reached", Integer, nullable=False),
    CheckConstraint("reached IN (0, 1)", name="reached"),
    sqlite_strict=True,
)
"""Who was told privately that a case waits for them, as no moderator is left to take it."""

case_reminders = Table(
    "case_reminders",
    metadata,
    Column("case_id", Id, ForeignKey("breach_cases.id"), primary_key=True),
    Column("clock", Text, primary_key=True),
    Column("due_at", UTCDateTime, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    CheckConstraint(one_of("clock", Clock), name="clock"),
    CheckConstraint(one_of("stage", Stage), name="stage"),
    sqlite_strict=True,
)
"""Which limits of a case the moderators' channel was told of, before them and at them: once."""

officers = Table(
    "officers",
    metadata,
    Column("group_key", Text, ForeignKey("groups.key"), primary_key=True),
    Column("office", Text, primary_key=True),
    Column("member_id", Id, primary_key=True, autoincrement=False),
    Column("seen_at", UTCDateTime, nullable=False),
    CheckConstraint(one_of("office", Office), name="office"),
    sqlite_strict=True,
)
"""Who holds an office, as the member list last showed it: so that it is known whether anybody is
left to take a case. What somebody may do is decided by the roles they have when they do it."""

TIMELINE_ON_SQLITE = (
    """
    CREATE TRIGGER breach_timeline_keep BEFORE DELETE ON breach_timeline
    WHEN NOT EXISTS (
        SELECT 1 FROM breach_cases WHERE id = OLD.case_id AND purged_at IS NOT NULL
    )
    BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END
    """,
    """
    CREATE TRIGGER breach_timeline_words_only BEFORE UPDATE ON breach_timeline
    WHEN NEW.case_id IS NOT OLD.case_id OR NEW.at IS NOT OLD.at OR NEW.kind IS NOT OLD.kind
        OR NEW.side IS NOT OLD.side OR NEW.actor_id IS NOT OLD.actor_id
    BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END
    """,
)
TIMELINE_ON_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION breach_timeline_guard() RETURNS trigger AS $$
    BEGIN
        IF TG_OP = 'UPDATE'
            AND ROW(NEW.case_id, NEW.at, NEW.kind, NEW.side, NEW.actor_id)
            IS NOT DISTINCT FROM ROW(OLD.case_id, OLD.at, OLD.kind, OLD.side, OLD.actor_id)
        THEN
            RETURN NEW;
        END IF;
        IF TG_OP = 'DELETE' AND EXISTS (
            SELECT 1 FROM breach_cases WHERE id = OLD.case_id AND purged_at IS NOT NULL
        ) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the timeline is append-only';
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER breach_timeline_guard BEFORE UPDATE OR DELETE ON breach_timeline
    FOR EACH ROW EXECUTE FUNCTION breach_timeline_guard()
    """,
)
for _dialect, _statements in (
    ("sqlite", TIMELINE_ON_SQLITE),
    ("postgresql", TIMELINE_ON_POSTGRESQL),
):
    for _statement in _statements:
        event.listen(breach_timeline, "after_create", DDL(_statement).execute_if(dialect=_dialect))
