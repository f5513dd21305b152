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
    for name, kind in (
        ("reminded_at", UTCDateTime()),
        ("warned_before", sa.Integer()),
        ("language", sa.Text()),
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
