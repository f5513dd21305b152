"""Proofs, which are kept of signatures that ended, and what signatures leave behind that go."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENDED = sa.text("revoked_at IS NOT NULL")
NAMED = sa.text("subject IS NOT NULL")

GONE_ON_SQLITE = (
    """
    CREATE TRIGGER signatures_newest_gone AFTER DELETE ON signatures
    BEGIN
        UPDATE signature_requests
        SET (newest_id, newest_version_id, newest_end) = (
            SELECT id, version_id, revoke_reason FROM signatures
            WHERE group_key = OLD.group_key AND member_id = OLD.member_id
            ORDER BY id DESC LIMIT 1
        ) WHERE member_id = OLD.member_id AND newest_id = OLD.id;
    END
    """,
)
GONE_ON_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION signatures_newest_gone() RETURNS trigger AS $$
    BEGIN
        UPDATE signature_requests
        SET (newest_id, newest_version_id, newest_end) = (
            SELECT id, version_id, revoke_reason FROM signatures
            WHERE group_key = OLD.group_key AND member_id = OLD.member_id
            ORDER BY id DESC LIMIT 1
        ) WHERE member_id = OLD.member_id AND newest_id = OLD.id;
        RETURN NULL;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER signatures_newest_gone AFTER DELETE
    ON signatures FOR EACH ROW EXECUTE FUNCTION signatures_newest_gone()
    """,
)


def upgrade() -> None:
    op.create_table(
        "proofs",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("receipt_number", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("signed_at", UTCDateTime(), nullable=False),
        sa.Column("signed_after", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=False),
        sa.Column("signed_position", ID, nullable=True),
        sa.Column("revoked_position", ID, nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("held_until", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "method IN ('reaction', 'button', 'attested')", name=op.f("ck_proofs_method")
        ),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_proofs_sha256")),
        sa.CheckConstraint(
            "signed_after IS NULL OR signed_after <= signed_at",
            name=op.f("ck_proofs_signed_between"),
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_proofs_group_key_groups")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["agreement_versions.id"],
            name=op.f("fk_proofs_version_id_agreement_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["signed_position"],
            ["ledger_entries.position"],
            name=op.f("fk_proofs_signed_position_ledger_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["revoked_position"],
            ["ledger_entries.position"],
            name=op.f("fk_proofs_revoked_position_ledger_entries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_proofs_receipt_number")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "ix_proofs_subject",
        "proofs",
        ["subject"],
        unique=False,
        sqlite_where=NAMED,
        postgresql_where=NAMED,
    )
    op.create_index(
        "ix_proofs_held_until",
        "proofs",
        ["group_key", "held_until"],
        unique=False,
        sqlite_where=NAMED,
        postgresql_where=NAMED,
    )
    op.create_index("ix_proofs_version_id", "proofs", ["version_id"], unique=False)
    op.create_index("ix_proofs_signed_position", "proofs", ["signed_position"], unique=False)
    op.create_index("ix_proofs_revoked_position", "proofs", ["revoked_position"], unique=False)
    op.create_index(
        "ix_signatures_ended",
        "signatures",
        ["group_key", "revoked_at"],
        unique=False,
        sqlite_where=ENDED,
        postgresql_where=ENDED,
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in GONE_ON_SQLITE if is_sqlite else GONE_ON_POSTGRESQL:
        op.execute(statement)
