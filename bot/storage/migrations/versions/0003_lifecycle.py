"""Translations, the end of an outdated text, attested signatures, and what people were reminded of."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNREVOKED = sa.text("revoked_at IS NULL")

NEWEST_ON_SQLITE = (
    """
    CREATE TRIGGER signatures_newest AFTER INSERT ON signatures
    BEGIN
        UPDATE signature_requests
        SET newest_id = NEW.id, newest_version_id = NEW.version_id, newest_end = NEW.revoke_reason
        WHERE member_id = NEW.member_id AND group_key = NEW.group_key
            AND (newest_id IS NULL OR newest_id < NEW.id);
    END
    """,
    """
    CREATE TRIGGER signatures_newest_ended AFTER UPDATE OF version_id, revoke_reason ON signatures
    BEGIN
        UPDATE signature_requests
        SET newest_version_id = NEW.version_id, newest_end = NEW.revoke_reason
        WHERE member_id = NEW.member_id AND newest_id = NEW.id;
    END
    """,
    """
    CREATE TRIGGER signature_requests_newest AFTER INSERT ON signature_requests
    WHEN EXISTS (
        SELECT 1 FROM signatures
        WHERE group_key = NEW.group_key AND member_id = NEW.member_id
    )
    BEGIN
        UPDATE signature_requests
        SET (newest_id, newest_version_id, newest_end) = (
            SELECT id, version_id, revoke_reason FROM signatures
            WHERE group_key = NEW.group_key AND member_id = NEW.member_id
            ORDER BY id DESC LIMIT 1
        ) WHERE id = NEW.id;
    END
    """,
)

NEWEST_ON_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION signatures_newest() RETURNS trigger AS $$
    BEGIN
        UPDATE signature_requests
        SET newest_id = NEW.id, newest_version_id = NEW.version_id, newest_end = NEW.revoke_reason
        WHERE member_id = NEW.member_id AND group_key = NEW.group_key
            AND (newest_id IS NULL OR newest_id <= NEW.id);
        RETURN NULL;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER signatures_newest AFTER INSERT OR UPDATE OF version_id, revoke_reason
    ON signatures FOR EACH ROW EXECUTE FUNCTION signatures_newest()
    """,
    """
    CREATE OR REPLACE FUNCTION signature_requests_newest() RETURNS trigger AS $$
    DECLARE
        newest record;
    BEGIN
        SELECT id, version_id, revoke_reason INTO newest FROM signatures
        WHERE group_key = NEW.group_key AND member_id = NEW.member_id
        ORDER BY id DESC LIMIT 1;
        IF FOUND THEN
            NEW.newest_id := newest.id;
            NEW.newest_version_id := newest.version_id;
            NEW.newest_end := newest.revoke_reason;
        END IF;
        RETURN NEW;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER signature_requests_newest BEFORE INSERT ON signature_requests
    FOR EACH ROW EXECUTE FUNCTION signature_requests_newest()
    """,
)


def upgrade() -> None:
    """Make them."""
    op.add_column("agreement_versions", sa.Column("outdated_at", UTCDateTime(), nullable=True))
    # The first change after a text that everybody had to sign decides how long it still counted.
    op.execute("""
        UPDATE agreement_versions SET outdated_at = (
            SELECT coalesce(newer.grace_ends_at, newer.published_at)
            FROM agreement_versions AS newer
            WHERE newer.group_key = agreement_versions.group_key
                AND newer.number > agreement_versions.number
                AND newer.change = 'material'
            ORDER BY newer.number LIMIT 1
        ) WHERE state = 'superseded'
    """)
    op.create_table(
        "agreement_translations",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_agreement_translations_sha256")),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["agreement_versions.id"],
            name=op.f("fk_agreement_translations_version_id_agreement_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_translations")),
        sa.UniqueConstraint(
            "version_id", "language", name=op.f("uq_agreement_translations_version_id_language")
        ),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    _make_invitations()
    for name, kind in (
        ("reminded_at", UTCDateTime()),
        ("warned_before", sa.Integer()),
        ("warned_at", UTCDateTime()),
        ("returned_at", UTCDateTime()),
        ("language", sa.Text()),
        ("newest_id", ID),
        ("newest_version_id", ID),
        ("newest_end", sa.Text()),
    ):
        op.add_column("signature_requests", sa.Column(name, kind, nullable=True))
    for name, kind in (
        ("language", sa.Text()),
        ("shown_sha256", sa.Text()),
        ("attested_by", ID),
        ("note", sa.Text()),
        ("reminded_before", sa.Integer()),
    ):
        op.add_column("signatures", sa.Column(name, kind, nullable=True))
    for name, columns in (
        ("ix_signatures_ending", ["group_key", "expires_at"]),
        ("ix_signatures_text", ["version_id"]),
    ):
        op.create_index(
            name,
            "signatures",
            columns,
            unique=False,
            sqlite_where=UNREVOKED,
            postgresql_where=UNREVOKED,
        )
    op.create_index("ix_signatures_version_id", "signatures", ["version_id"], unique=False)
    for name, kind in (
        ("ix_ledger_entries_checkpoints", "checkpoint"),
        ("ix_ledger_entries_publications", "published"),
    ):
        only = sa.text(f"kind = '{kind}'")
        op.create_index(
            name,
            "ledger_entries",
            ["group_key", "position"],
            unique=False,
            sqlite_where=only,
            postgresql_where=only,
        )
    # What everybody signed last, kept by triggers from now on.
    op.execute("""
        UPDATE signature_requests SET newest_id = (
            SELECT max(id) FROM signatures
            WHERE group_key = signature_requests.group_key
                AND member_id = signature_requests.member_id
        )
    """)
    op.execute("""
        UPDATE signature_requests SET
            newest_version_id = (SELECT version_id FROM signatures WHERE id = newest_id),
            newest_end = (SELECT revoke_reason FROM signatures WHERE id = newest_id)
        WHERE newest_id IS NOT NULL
    """)
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in NEWEST_ON_SQLITE if is_sqlite else NEWEST_ON_POSTGRESQL:
        op.execute(statement)
    op.create_index(
        "ix_signature_requests_standing",
        "signature_requests",
        ["group_key", "left_at", "state", "newest_end", "newest_version_id", "id"],
        unique=False,
    )


def _make_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("counted_at", UTCDateTime(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=True),
        sa.Column("stopped_at", UTCDateTime(), nullable=True),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("asked", sa.Integer(), nullable=True),
        sa.Column("unreachable", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "audience IN ('members', 'everybody')", name=op.f("ck_invitations_audience")
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_invitations_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    running = sa.text("started_at IS NOT NULL AND finished_at IS NULL")
    op.create_index(
        "uq_invitations_running",
        "invitations",
        ["group_key"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_table(
        "invited",
        sa.Column("invitation_id", ID, nullable=False),
        sa.Column("member_id", ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request_id", ID, nullable=True),
        sa.CheckConstraint("kind IN ('member', 'other')", name=op.f("ck_invited_kind")),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name=op.f("fk_invited_invitation_id_invitations"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["signature_requests.id"],
            name=op.f("fk_invited_request_id_signature_requests"),
        ),
        sa.PrimaryKeyConstraint("invitation_id", "member_id", name=op.f("pk_invited")),
        sqlite_strict=True,
    )
    unasked = sa.text("request_id IS NULL")
    op.create_index(
        "ix_invited_to_ask",
        "invited",
        ["invitation_id", "member_id"],
        unique=False,
        sqlite_where=unasked,
        postgresql_where=unasked,
    )
    op.create_index("ix_invited_request_id", "invited", ["request_id"], unique=False)
