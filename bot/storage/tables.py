"""The tables, with named constraints and types that mean the same on SQLite and PostgreSQL."""

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
    bindparam,
    event,
    text,
)

from bot.domain.agreements import (
    OPEN_STATES,
    Change,
    Method,
    RequestState,
    RevokeReason,
    VersionState,
)
from bot.domain.effects import AlarmKind, EffectKind, EffectState
from bot.domain.invitations import Audience, Kind
from bot.storage.columns import Id, UTCDateTime, Word, group_key, one_of, quoted

# By way of the tables of cases and proofs: whoever has the metadata from here has all tables.
from bot.storage.proof_tables import metadata
from bot.storage.triggers import keep_newest

_OPEN = text(f"state IN ({quoted(OPEN_STATES)})")
_UNFINISHED = text("state IN ('pending', 'running')")
_RUNNING = text("started_at IS NOT NULL AND finished_at IS NULL")

groups = Table(
    "groups",
    metadata,
    Column("key", Text, primary_key=True),
    Column("guild_id", Id, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("panel_channel_id", Id),
    Column("panel_message_id", Id),
    Column("adopted_at", UTCDateTime),
    Column("restored_from", UTCDateTime),
    Column("gone_at", UTCDateTime),
    sqlite_strict=True,
)
"""`adopted_at`: when the members from before Pledge were all found; until then nobody's role is
taken. `restored_from`: the age of the backup that was put back and has not been compared with
Discord yet. `gone_at`: since when the server does not have the bot any more."""

agreement_versions = Table(
    "agreement_versions",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
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
    Column("outdated_at", UTCDateTime),
    UniqueConstraint("group_key", "number"),
    CheckConstraint(one_of("state", VersionState), name="state"),
    CheckConstraint(one_of("change", Change), name="change"),
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

agreement_translations = Table(
    "agreement_translations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("version_id", Id, ForeignKey("agreement_versions.id"), nullable=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    UniqueConstraint("version_id", "language"),
    CheckConstraint("length(sha256) = 64", name="sha256"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""What a version says in other languages; the text of the version itself is the one that counts."""

signature_requests = Table(
    "signature_requests",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
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
    Column("reminded_day", Integer),
    Column("reminded_at", UTCDateTime),
    Column("warned_before", Integer),
    Column("warned_at", UTCDateTime),
    Column("returned_at", UTCDateTime),
    Column("language", Text),
    Column("newest_id", Id),
    Column("newest_version_id", Id),
    Column("newest_end", Text),
    CheckConstraint(one_of("state", RequestState), name="state"),
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
    Index(
        "ix_signature_requests_standing",
        "group_key",
        "left_at",
        "state",
        "newest_end",
        "newest_version_id",
        "id",
    ),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""The last three columns say what the person signed last, on whatever request: which signature, of
which version, and why it was revoked. Triggers keep them (see `bot.storage.triggers`), so that a
hundred thousand people are counted from one index."""

is_open_as_indexed = signature_requests.c.state.in_(
    bindparam("open_states", list(OPEN_STATES), expanding=True, literal_execute=True)
)
"""That a request is open, with the states in the statement itself: those that are passed beside it
do not let SQLite use the partial index."""

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("position", Id, primary_key=True, autoincrement=False),
    Column("group_key", Text, ForeignKey("groups.key")),
    Column("kind", Text, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("subject", Text),
    Column("commitment", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("salt", Text),
    Column("payload", Text),
    CheckConstraint("position > 0", name="position"),
    CheckConstraint("length(commitment) = 64 AND length(hash) = 64", name="sha256"),
    CheckConstraint("(salt IS NULL) = (payload IS NULL)", name="erased"),
    Index("ix_ledger_entries_subject", "subject"),
    # Few among many, and looked up for every receipt.
    Index(
        "ix_ledger_entries_checkpoints",
        "group_key",
        "position",
        sqlite_where=text("kind = 'checkpoint'"),
        postgresql_where=text("kind = 'checkpoint'"),
    ),
    Index(
        "ix_ledger_entries_publications",
        "group_key",
        "position",
        sqlite_where=text("kind = 'published'"),
        postgresql_where=text("kind = 'published'"),
    ),
    sqlite_strict=True,
)
"""The ledger: rows are only ever added, and of an old one only salt and payload can be erased."""

event.listen(
    ledger_entries,
    "after_create",
    DDL("""
        CREATE TRIGGER ledger_entries_keep BEFORE DELETE ON ledger_entries
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """).execute_if(dialect="sqlite"),
)
event.listen(
    ledger_entries,
    "after_create",
    DDL("""
        CREATE TRIGGER ledger_entries_erase_only BEFORE UPDATE ON ledger_entries
        WHEN NEW.payload IS NOT NULL OR NEW.position IS NOT OLD.position
            OR NEW.group_key IS NOT OLD.group_key OR NEW.kind IS NOT OLD.kind
            OR NEW.recorded_at IS NOT OLD.recorded_at OR NEW.subject IS NOT OLD.subject
            OR NEW.commitment IS NOT OLD.commitment OR NEW.hash IS NOT OLD.hash
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """).execute_if(dialect="sqlite"),
)
event.listen(
    ledger_entries,
    "after_create",
    DDL("""
        CREATE OR REPLACE FUNCTION ledger_entries_guard() RETURNS trigger AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND NEW.payload IS NULL
                AND ROW(NEW.position, NEW.group_key, NEW.kind, NEW.recorded_at, NEW.subject,
                    NEW.commitment, NEW.hash)
                IS NOT DISTINCT FROM ROW(OLD.position, OLD.group_key, OLD.kind, OLD.recorded_at,
                    OLD.subject, OLD.commitment, OLD.hash)
            THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'the ledger is append-only';
        END $$ LANGUAGE plpgsql
    """).execute_if(dialect="postgresql"),
)
event.listen(
    ledger_entries,
    "after_create",
    DDL("""
        CREATE TRIGGER ledger_entries_guard BEFORE UPDATE OR DELETE ON ledger_entries
        FOR EACH ROW EXECUTE FUNCTION ledger_entries_guard()
    """).execute_if(dialect="postgresql"),
)

signatures = Table(
    "signatures",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
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
    Column("revoke_reason", Word(RevokeReason)),
    Column("signed_position", Id, ForeignKey("ledger_entries.position")),
    Column("revoked_position", Id, ForeignKey("ledger_entries.position")),
    Column("language", Text),
    Column("shown_sha256", Text),
    Column("attested_by", Id),
    Column("note", LargeBinary),
    Column("reminded_before", Integer),
    UniqueConstraint("receipt_number"),
    CheckConstraint(one_of("method", Method), name="method"),
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
    Index(
        "ix_signatures_ending",
        "group_key",
        "expires_at",
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index(
        "ix_signatures_text",
        "version_id",
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index(
        "ix_signatures_ended",
        "group_key",
        "revoked_at",
        sqlite_where=text("revoked_at IS NOT NULL"),
        postgresql_where=text("revoked_at IS NOT NULL"),
    ),
    Index("ix_signatures_version_id", "version_id"),
    Index("ix_signatures_request_id", "request_id"),
    Index("ix_signatures_signed_position", "signed_position"),
    Index("ix_signatures_revoked_position", "revoked_position"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
keep_newest(signatures)

effects = Table(
    "effects",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
    Column("lane", Text, nullable=False),
    Column("kind", Word(EffectKind), nullable=False),
    Column("member_id", Id),
    Column("request_id", Id, ForeignKey("signature_requests.id")),
    Column("detail", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("tried_at", UTCDateTime),
    Column("finished_at", UTCDateTime),
    Column("outcome", Text),
    CheckConstraint(one_of("state", EffectState), name="state"),
    CheckConstraint("(state IN ('done', 'dropped')) = (finished_at IS NOT NULL)", name="finished"),
    Index(
        "ix_effects_unfinished",
        "lane",
        "id",
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    ),
    Index("ix_effects_state_due_at", "state", "due_at"),
    Index("ix_effects_lane", "lane"),
    Index("ix_effects_request_id", "request_id"),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
    Column("kind", Word(AlarmKind), nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    Column("closed_at", UTCDateTime),
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

sweeps = Table(
    "sweeps",
    metadata,
    Column("group_key", Text, ForeignKey("groups.key"), primary_key=True),
    Column("started_at", UTCDateTime, nullable=False),
    Column("after_id", Id, nullable=False),
    Column("members", Integer, nullable=False),
    Column("holders", Integer, nullable=False),
    Column("finished_at", UTCDateTime),
    Column("role_id", Id),
    sqlite_strict=True,
)
"""How far the reading of each group's member list has come, and what the last one counted."""

holders = Table(
    "holders",
    metadata,
    Column("group_key", Text, ForeignKey("groups.key"), primary_key=True),
    Column("member_id", Id, primary_key=True, autoincrement=False),
    Column("found_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    Column("adopted_at", UTCDateTime),
    Column("told_at", UTCDateTime),
    Column("source", Text),
    sqlite_strict=True,
)
"""People with the member role and no valid signature: adopted for a grace, or strangers."""

invitations = Table(
    "invitations",
    metadata,
    Column("id", Id, primary_key=True),
    group_key(),
    Column("counted_at", UTCDateTime, nullable=False),
    Column("audience", Text, nullable=False),
    Column("started_at", UTCDateTime),
    Column("stopped_at", UTCDateTime),
    Column("finished_at", UTCDateTime),
    Column("channel_id", Id),
    Column("message_id", Id),
    Column("posts", Integer, nullable=False),
    Column("people", Integer),
    Column("asked", Integer),
    Column("unreachable", Integer),
    CheckConstraint(one_of("audience", Audience), name="audience"),
    Index(
        "uq_invitations_running",
        "group_key",
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    ),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""Askings of people who were in the server before; a group has one under way at the most."""

invited = Table(
    "invited",
    metadata,
    Column("invitation_id", Id, ForeignKey("invitations.id"), primary_key=True),
    Column("member_id", Id, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("request_id", Id, ForeignKey("signature_requests.id")),
    CheckConstraint(one_of("kind", Kind), name="kind"),
    Index(
        "ix_invited_to_ask",
        "invitation_id",
        "member_id",
        sqlite_where=text("request_id IS NULL"),
        postgresql_where=text("request_id IS NULL"),
    ),
    Index("ix_invited_request_id", "request_id"),
    sqlite_strict=True,
)
"""Who is on the list of an invitation; forgotten when it is over."""

erasures = Table(
    "erasures",
    metadata,
    Column("group_key", Text, ForeignKey("groups.key"), primary_key=True),
    Column("member_ref", Text, primary_key=True),
    Column("erased_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    sqlite_strict=True,
)
"""Who was erased and is still in the server: nobody writes to them by itself. `member_ref` is that
of `bot.storage.sealing.person_ref`. It goes when they leave, or come of their own accord."""

operator_keys = Table(
    "operator_keys",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("lookups", LargeBinary, nullable=False),
    Column("is_newest", Integer, nullable=False),
    CheckConstraint("is_newest IN (0, 1)", name="is_newest"),
    sqlite_strict=True,
)
"""The operator's keys that this record needs; see `bot.storage.operator_keys`."""

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)
"""Small facts about the installation, such as which commands were last sent to Discord."""
