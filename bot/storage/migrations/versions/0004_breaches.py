"""Breach cases: reports, evidence, timelines, letters, decisions, suspensions, and who looked."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

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


def upgrade() -> None:
    op.create_table(
        "operator_keys",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("lookups", sa.LargeBinary(), nullable=False),
        sa.Column("is_newest", sa.Integer(), nullable=False),
        sa.CheckConstraint("is_newest IN (0, 1)", name=op.f("ck_operator_keys_is_newest")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_operator_keys")),
        sqlite_strict=True,
    )
    op.create_table(
        "officers",
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("member_id", ID, autoincrement=False, nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "office IN ('moderator', 'escalation')", name=op.f("ck_officers_office")
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_officers_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("group_key", "office", "member_id", name=op.f("pk_officers")),
        sqlite_strict=True,
    )
    op.create_table(
        "breach_cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("case_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("accused", sa.LargeBinary(), nullable=True),
        sa.Column("accused_ref", sa.Text(), nullable=True),
        sa.Column("signed_version_id", ID, nullable=True),
        sa.Column("claimed_by", ID, nullable=True),
        sa.Column("claimed_at", UTCDateTime(), nullable=True),
        sa.Column("first_looked_at", UTCDateTime(), nullable=True),
        sa.Column("feedback_at", UTCDateTime(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("kept_until", UTCDateTime(), nullable=True),
        sa.Column("purge_warned_at", UTCDateTime(), nullable=True),
        sa.Column("purged_at", UTCDateTime(), nullable=True),
        sa.Column("notice_channel_id", ID, nullable=True),
        sa.Column("notice_message_id", ID, nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_breach_cases_closed")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'in_review', 'decided', 'closed')",
            name=op.f("ck_breach_cases_state"),
        ),
        sa.CheckConstraint(
            "(accused IS NULL) = (accused_ref IS NULL)", name=op.f("ck_breach_cases_accused")
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_breach_cases_group_key_groups")
        ),
        sa.ForeignKeyConstraint(
            ["signed_version_id"],
            ["agreement_versions.id"],
            name=op.f("fk_breach_cases_signed_version_id_agreement_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_cases")),
        sa.UniqueConstraint(
            "group_key", "case_number", name=op.f("uq_breach_cases_group_key_case_number")
        ),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_breach_cases_accused_ref", "breach_cases", ["accused_ref"], unique=False)
    op.create_index(
        "ix_breach_cases_group_key_state",
        "breach_cases",
        ["group_key", "state", "case_number"],
        unique=False,
    )
    op.create_table(
        "breach_decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("decided_by", ID, nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("suspended_until", UTCDateTime(), nullable=True),
        sa.Column("appeal_of", ID, nullable=True),
        sa.Column("appealed_at", UTCDateTime(), nullable=True),
        sa.Column("appeal", sa.LargeBinary(), nullable=True),
        sa.Column("carried_out_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appeal_of"],
            ["breach_decisions.id"],
            name=op.f("fk_breach_decisions_appeal_of_breach_decisions"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_decisions_case_id_breach_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_decisions")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "ix_breach_decisions_case_id", "breach_decisions", ["case_id", "id"], unique=False
    )
    op.create_index("uq_breach_decisions_appeal_of", "breach_decisions", ["appeal_of"], unique=True)
    op.create_table(
        "breach_recusals",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("moderator_id", ID, autoincrement=False, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_recusals_case_id_breach_cases")
        ),
        sa.PrimaryKeyConstraint("case_id", "moderator_id", name=op.f("pk_breach_recusals")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_breach_recusals_moderator_id",
        "breach_recusals",
        ["moderator_id", "case_id"],
        unique=False,
    )
    op.create_table(
        "breach_reports",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("reporter", sa.LargeBinary(), nullable=True),
        sa.Column("reporter_ref", sa.Text(), nullable=True),
        sa.Column("form", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.Column("given_by", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_reports_case_id_breach_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_reports")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("uq_breach_reports_given_by", "breach_reports", ["given_by"], unique=True)
    op.create_index("ix_breach_reports_case_id", "breach_reports", ["case_id"], unique=False)
    op.create_index(
        "ix_breach_reports_reporter_ref",
        "breach_reports",
        ["reporter_ref", "received_at"],
        unique=False,
    )
    op.create_table(
        "breach_timeline",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(side = 'moderator') = (actor_id IS NOT NULL)", name=op.f("ck_breach_timeline_actor")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_timeline_case_id_breach_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_timeline")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "ix_breach_timeline_case_id", "breach_timeline", ["case_id", "id"], unique=False
    )
    op.create_table(
        "breach_drafts",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("drafted_at", UTCDateTime(), nullable=False),
        sa.Column("last_step_id", ID, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("suspended_until", UTCDateTime(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_drafts_case_id_breach_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_drafts")),
        sa.UniqueConstraint(
            "case_id", "moderator_id", name=op.f("uq_breach_drafts_case_id_moderator_id")
        ),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_table(
        "case_access",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("report_id", ID, nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_case_access_case_id_breach_cases")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["breach_reports.id"],
            name=op.f("fk_case_access_report_id_breach_reports"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_access")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_case_access_case_id", "case_access", ["case_id", "id"], unique=False)
    op.create_index(
        "ix_case_access_report_id", "case_access", ["report_id", "moderator_id"], unique=False
    )
    op.create_table(
        "breach_calls",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.CheckConstraint("reached IN (0, 1)", name=op.f("ck_breach_calls_reached")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_calls_case_id_breach_cases")
        ),
        sa.PrimaryKeyConstraint("case_id", "member_ref", name=op.f("pk_breach_calls")),
        sqlite_strict=True,
    )
    op.create_table(
        "suspensions",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("member", sa.LargeBinary(), nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("provisional", sa.Integer(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("provisional IN (0, 1)", name=op.f("ck_suspensions_provisional")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_suspensions_case_id_breach_cases")
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_suspensions_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_suspensions_case_id", "suspensions", ["case_id"], unique=False)
    op.create_index(
        "ix_suspensions_running",
        "suspensions",
        ["group_key", "member_ref"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "breach_evidence",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=True),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_evidence_case_id_breach_cases")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["breach_reports.id"],
            name=op.f("fk_breach_evidence_report_id_breach_reports"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_evidence")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_breach_evidence_case_id", "breach_evidence", ["case_id"], unique=False)
    op.create_index("ix_breach_evidence_report_id", "breach_evidence", ["report_id"], unique=False)
    op.create_table(
        "breach_letters",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=True),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("written_by", ID, nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("delivered_at", UTCDateTime(), nullable=True),
        sa.Column("undelivered_at", UTCDateTime(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(side = 'reporter') = (report_id IS NOT NULL)", name=op.f("ck_breach_letters_report")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["breach_cases.id"], name=op.f("fk_breach_letters_case_id_breach_cases")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["breach_reports.id"],
            name=op.f("fk_breach_letters_report_id_breach_reports"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_letters")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_breach_letters_case_id", "breach_letters", ["case_id", "id"], unique=False)
    op.create_index("ix_breach_letters_report_id", "breach_letters", ["report_id"], unique=False)
    op.create_table(
        "case_reminders",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "clock IN ('first_look', 'feedback', 'hearing', 'appeal')",
            name=op.f("ck_case_reminders_clock"),
        ),
        sa.CheckConstraint("stage IN ('before', 'at')", name=op.f("ck_case_reminders_stage")),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["breach_cases.id"],
            name=op.f("fk_case_reminders_case_id_breach_cases"),
        ),
        sa.PrimaryKeyConstraint(
            "case_id", "clock", "due_at", "stage", name=op.f("pk_case_reminders")
        ),
        sqlite_strict=True,
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in TIMELINE_ON_SQLITE if is_sqlite else TIMELINE_ON_POSTGRESQL:
        op.execute(statement)
