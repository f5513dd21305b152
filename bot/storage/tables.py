"""The tables, with named constraints and types that mean the same on SQLite and PostgreSQL."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from bot.domain.agreements import (
    OPEN_STATES,
    Change,
    Method,
    RequestState,
    RevokeReason,
    VersionState,
)
from bot.domain.effects import AlarmKind, EffectKind, EffectState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")
"""Discord ids and row ids: 64 bits on both engines (an SQLite INTEGER is 64 bits wide)."""


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: `timestamptz` on PostgreSQL, fixed-width ISO text on SQLite, so it sorts."""

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "instants must be aware"
            raise ValueError(msg)
        value = value.astimezone(UTC)
        if dialect.name == "postgresql":
            return value
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @override
    def process_result_value(
        self, value: datetime | str | None, dialect: Dialect
    ) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        return datetime.fromisoformat(value)


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({_quoted(values)})"


def _quoted(values: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _group_key() -> Column[str]:
    return Column("group_key", Text, ForeignKey("groups.key"), nullable=False)


_OPEN = text(f"state IN ({_quoted(OPEN_STATES)})")
_UNFINISHED = text("state IN ('pending', 'running')")

groups = Table(
    "groups",
    metadata,
    Column("key", Text, primary_key=True),
    Column("guild_id", Id, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("panel_channel_id", Id),
    Column("panel_message_id", Id),
    sqlite_strict=True,
)

agreement_versions = Table(
    "agreement_versions",
    metadata,
    Column("id", Id, primary_key=True),
    _group_key(),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("material_number", Integer),
    Column("change", Text),
    Column("published_by", Id),
    Column("published_at", UTCDateTime),
    Column("grace_ends_at", UTCDateTime),
    UniqueConstraint("group_key", "number"),
    CheckConstraint(_one_of("state", VersionState), name="state"),
    CheckConstraint(_one_of("change", Change), name="change"),
    CheckConstraint("length(sha256) = 64", name="sha256"),
    CheckConstraint(
        "state = 'draft' OR (published_by IS NOT NULL AND published_at IS NOT NULL"
        " AND change IS NOT NULL AND material_number IS NOT NULL)",
        name="published",
    ),
    Index(
        "uq_agreement_versions_draft",
        "group_key",
        unique=True,
        sqlite_where=text("state = 'draft'"),
        postgresql_where=text("state = 'draft'"),
    ),
    Index(
        "uq_agreement_versions_in_force",
        "group_key",
        unique=True,
        sqlite_where=text("state = 'published'"),
        postgresql_where=text("state = 'published'"),
    ),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

signature_requests = Table(
    "signature_requests",
    metadata,
    Column("id", Id, primary_key=True),
    _group_key(),
    Column("member_id", Id, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("version_id", Id, ForeignKey("agreement_versions.id")),
    Column("channel_id", Id),
    Column("message_id", Id),
    Column("sent_at", UTCDateTime),
    Column("answered_at", UTCDateTime),
    Column("checked_at", UTCDateTime),
    Column("accept_seen_at", UTCDateTime),
    Column("left_at", UTCDateTime),
    Column("accept_emoji", Text),
    Column("decline_emoji", Text),
    CheckConstraint(_one_of("state", RequestState), name="state"),
    CheckConstraint("state <> 'sent' OR message_id IS NOT NULL", name="sent"),
    CheckConstraint(
        "state = 'queued' OR state = 'cancelled' OR version_id IS NOT NULL", name="version"
    ),
    Index(
        "uq_signature_requests_open",
        "group_key",
        "member_id",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("uq_signature_requests_message_id", "message_id", unique=True),
    Index("ix_signature_requests_group_key_state_id", "group_key", "state", "id"),
    Index("ix_signature_requests_member_id", "member_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

signatures = Table(
    "signatures",
    metadata,
    Column("id", Id, primary_key=True),
    _group_key(),
    Column("request_id", Id, ForeignKey("signature_requests.id"), nullable=False),
    Column("member_id", Id, nullable=False),
    Column("version_id", Id, ForeignKey("agreement_versions.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("receipt_number", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("message_id", Id),
    Column("signed_at", UTCDateTime, nullable=False),
    Column("signed_after", UTCDateTime),
    Column("expires_at", UTCDateTime),
    Column("revoked_at", UTCDateTime),
    Column("revoked_after", UTCDateTime),
    Column("revoke_reason", Text),
    UniqueConstraint("receipt_number"),
    CheckConstraint(_one_of("method", Method), name="method"),
    CheckConstraint(_one_of("revoke_reason", RevokeReason), name="revoke_reason"),
    CheckConstraint("length(sha256) = 64", name="sha256"),
    CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="revoked"),
    CheckConstraint("signed_after IS NULL OR signed_after <= signed_at", name="signed_between"),
    Index(
        "uq_signatures_in_force",
        "group_key",
        "member_id",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index("ix_signatures_group_key_member_id", "group_key", "member_id"),
    Index("ix_signatures_request_id", "request_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

effects = Table(
    "effects",
    metadata,
    Column("id", Id, primary_key=True),
    _group_key(),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("member_id", Id),
    Column("request_id", Id, ForeignKey("signature_requests.id")),
    Column("detail", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("finished_at", UTCDateTime),
    Column("outcome", Text),
    CheckConstraint(_one_of("kind", EffectKind), name="kind"),
    CheckConstraint(_one_of("state", EffectState), name="state"),
    CheckConstraint("(state IN ('done', 'dropped')) = (finished_at IS NOT NULL)", name="finished"),
    Index(
        "ix_effects_unfinished",
        "lane",
        "id",
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    ),
    Index("ix_effects_state_due_at", "state", "due_at"),
    Index("ix_effects_request_id", "request_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Id, primary_key=True),
    _group_key(),
    Column("kind", Text, nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    Column("closed_at", UTCDateTime),
    CheckConstraint(_one_of("kind", AlarmKind), name="kind"),
    Index(
        "uq_alarms_open",
        "group_key",
        "kind",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)
"""Small facts about the installation, such as which commands were last sent to Discord."""
