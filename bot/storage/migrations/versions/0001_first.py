"""The first tables: groups, agreement versions, requests, signatures, the outbox and alarms."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "groups",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("panel_channel_id", ID, nullable=True),
        sa.Column("panel_message_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_groups")),
        sqlite_strict=True,
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
        sqlite_strict=True,
    )
    op.create_table(
        "agreement_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("material_number", sa.Integer(), nullable=True),
        sa.Column("change", sa.Text(), nullable=True),
        sa.Column("published_by", ID, nullable=True),
        sa.Column("published_at", UTCDateTime(), nullable=True),
        sa.Column("grace_ends_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "change IN ('first', 'minor', 'material')", name=op.f("ck_agreement_versions_change")
        ),
        sa.CheckConstraint(
            "state = 'draft' OR (published_by IS NOT NULL AND published_at IS NOT NULL AND change IS NOT NULL AND material_number IS NOT NULL)",
            name=op.f("ck_agreement_versions_published"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'superseded')",
            name=op.f("ck_agreement_versions_state"),
        ),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_agreement_versions_sha256")),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_agreement_versions_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_versions")),
        sa.UniqueConstraint(
            "group_key", "number", name=op.f("uq_agreement_versions_group_key_number")
        ),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "uq_agreement_versions_draft",
        "agreement_versions",
        ["group_key"],
        unique=True,
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_index(
        "uq_agreement_versions_in_force",
        "agreement_versions",
        ["group_key"],
        unique=True,
        sqlite_where=sa.text("state = 'published'"),
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "alarms",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('role_too_high', 'role_gone', 'channel_gone', 'direct_messages_paused', 'members_unseen', 'two_factor')",
            name=op.f("ck_alarms_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_alarms_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "uq_alarms_open",
        "alarms",
        ["group_key", "kind"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "signature_requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("version_id", ID, nullable=True),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("checked_at", UTCDateTime(), nullable=True),
        sa.Column("accept_seen_at", UTCDateTime(), nullable=True),
        sa.Column("left_at", UTCDateTime(), nullable=True),
        sa.Column("accept_emoji", sa.Text(), nullable=True),
        sa.Column("decline_emoji", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state <> 'sent' OR message_id IS NOT NULL", name=op.f("ck_signature_requests_sent")
        ),
        sa.CheckConstraint(
            "state = 'queued' OR state = 'cancelled' OR version_id IS NOT NULL",
            name=op.f("ck_signature_requests_version"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'blocked', 'signed', 'declined', 'expired', 'cancelled')",
            name=op.f("ck_signature_requests_state"),
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_signature_requests_group_key_groups")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["agreement_versions.id"],
            name=op.f("fk_signature_requests_version_id_agreement_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_requests")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "ix_signature_requests_group_key_state_id",
        "signature_requests",
        ["group_key", "state", "id"],
        unique=False,
    )
    op.create_index(
        "ix_signature_requests_member_id", "signature_requests", ["member_id"], unique=False
    )
    op.create_index(
        "uq_signature_requests_message_id", "signature_requests", ["message_id"], unique=True
    )
    op.create_index(
        "uq_signature_requests_open",
        "signature_requests",
        ["group_key", "member_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('queued', 'sent', 'blocked', 'signed', 'declined')"),
        postgresql_where=sa.text("state IN ('queued', 'sent', 'blocked', 'signed', 'declined')"),
    )
    op.create_table(
        "effects",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("request_id", ID, nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('done', 'dropped')) = (finished_at IS NOT NULL)",
            name=op.f("ck_effects_finished"),
        ),
        sa.CheckConstraint(
            "kind IN ('ask', 'align_role', 'notice', 'panel', 'alarm')",
            name=op.f("ck_effects_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'held', 'done', 'dropped')",
            name=op.f("ck_effects_state"),
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_effects_group_key_groups")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["signature_requests.id"],
            name=op.f("fk_effects_request_id_signature_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_effects_request_id", "effects", ["request_id"], unique=False)
    op.create_index("ix_effects_state_due_at", "effects", ["state", "due_at"], unique=False)
    op.create_index(
        "ix_effects_unfinished",
        "effects",
        ["lane", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'running')"),
        postgresql_where=sa.text("state IN ('pending', 'running')"),
    )
    op.create_table(
        "signatures",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("receipt_number", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("signed_at", UTCDateTime(), nullable=False),
        sa.Column("signed_after", UTCDateTime(), nullable=True),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_after", UTCDateTime(), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "method IN ('reaction', 'button', 'attested')", name=op.f("ck_signatures_method")
        ),
        sa.CheckConstraint(
            "revoke_reason IN ('withdrawn', 'renewed', 'expired', 'outdated')",
            name=op.f("ck_signatures_revoke_reason"),
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoke_reason IS NULL)", name=op.f("ck_signatures_revoked")
        ),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_signatures_sha256")),
        sa.CheckConstraint(
            "signed_after IS NULL OR signed_after <= signed_at",
            name=op.f("ck_signatures_signed_between"),
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_signatures_group_key_groups")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["signature_requests.id"],
            name=op.f("fk_signatures_request_id_signature_requests"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["agreement_versions.id"],
            name=op.f("fk_signatures_version_id_agreement_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signatures")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_signatures_receipt_number")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "ix_signatures_group_key_member_id", "signatures", ["group_key", "member_id"], unique=False
    )
    op.create_index("ix_signatures_request_id", "signatures", ["request_id"], unique=False)
    op.create_index(
        "uq_signatures_in_force",
        "signatures",
        ["group_key", "member_id"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
