"""The table of proofs: what is kept of signatures that ended, and by and by without a name."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint
from sqlalchemy import text as sql

from bot.domain.agreements import Method

# By way of the tables of the cases: whoever has the metadata from here has those as well.
from bot.storage.case_tables import metadata
from bot.storage.columns import Id, UTCDateTime, group_key, one_of

__all__ = ["metadata", "proofs"]

_NAMED = sql("subject IS NOT NULL")

proofs = Table(
    "proofs",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
    Column("version_id", Id, ForeignKey("agreement_versions.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("receipt_number", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("signed_at", UTCDateTime, nullable=False),
    Column("signed_after", UTCDateTime),
    Column("ended_at", UTCDateTime, nullable=False),
    Column("signed_position", Id, ForeignKey("ledger_entries.position")),
    Column("revoked_position", Id, ForeignKey("ledger_entries.position")),
    Column("subject", Text),
    Column("held_until", UTCDateTime, nullable=False),
    UniqueConstraint("receipt_number"),
    CheckConstraint(one_of("method", Method), name="method"),
    CheckConstraint("length(sha256) = 64", name="sha256"),
    CheckConstraint("signed_after IS NULL OR signed_after <= signed_at", name="signed_between"),
    Index("ix_proofs_subject", "subject", sqlite_where=_NAMED, postgresql_where=_NAMED),
    Index(
        "ix_proofs_held_until",
        "group_key",
        "held_until",
        sqlite_where=_NAMED,
        postgresql_where=_NAMED,
    ),
    Index("ix_proofs_version_id", "version_id"),
    Index("ix_proofs_signed_position", "signed_position"),
    Index("ix_proofs_revoked_position", "revoked_position"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""`subject` finds a person's proofs without telling whose they are (`bot.storage.proofs`); it is
NULL once a proof was held for long enough."""
