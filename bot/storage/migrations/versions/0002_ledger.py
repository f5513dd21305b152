"""The ledger, sweeps, holders of the role without a signature; kinds are open vocabularies now."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# SQLite cannot drop a constraint: these tables are made anew, and their rows carried over.
REMADE = {
    "effects": (
        """
        CREATE TABLE effects (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            group_key TEXT NOT NULL,
            lane TEXT NOT NULL,
            kind TEXT NOT NULL,
            member_id INTEGER,
            request_id INTEGER,
            detail TEXT,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            due_at TEXT NOT NULL,
            tried_at TEXT,
            finished_at TEXT,
            outcome TEXT,
            CONSTRAINT ck_effects_state CHECK (state IN ('pending', 'running', 'held', 'done', 'dropped')),
            CONSTRAINT ck_effects_finished CHECK ((state IN ('done', 'dropped')) = (finished_at IS NOT NULL)),
            CONSTRAINT fk_effects_group_key_groups FOREIGN KEY(group_key) REFERENCES groups ("key"),
            CONSTRAINT fk_effects_request_id_signature_requests FOREIGN KEY(request_id) REFERENCES signature_requests (id)
        ) STRICT
        """,
        "id, group_key, lane, kind, member_id, request_id, detail, state, attempts, created_at,"
        " due_at, finished_at, outcome",
        (
            "CREATE INDEX ix_effects_request_id ON effects (request_id)",
            "CREATE INDEX ix_effects_state_due_at ON effects (state, due_at)",
            "CREATE INDEX ix_effects_unfinished ON effects (lane, id) WHERE state IN ('pending', 'running')",
        ),
    ),
    "alarms": (
        """
        CREATE TABLE alarms (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            group_key TEXT NOT NULL,
            kind TEXT NOT NULL,
            opened_at TEXT NOT NULL,
            closed_at TEXT,
            CONSTRAINT fk_alarms_group_key_groups FOREIGN KEY(group_key) REFERENCES groups ("key")
        ) STRICT
        """,
        "id, group_key, kind, opened_at, closed_at",
        ("CREATE UNIQUE INDEX uq_alarms_open ON alarms (group_key, kind) WHERE closed_at IS NULL",),
    ),
    "signatures": (
        """
        CREATE TABLE signatures (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            group_key TEXT NOT NULL,
            request_id INTEGER NOT NULL,
            member_id INTEGER NOT NULL,
            version_id INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            receipt_number TEXT NOT NULL,
            method TEXT NOT NULL,
            message_id INTEGER,
            signed_at TEXT NOT NULL,
            signed_after TEXT,
            expires_at TEXT,
            revoked_at TEXT,
            revoked_after TEXT,
            revoke_reason TEXT,
            signed_position INTEGER,
            revoked_position INTEGER,
            CONSTRAINT uq_signatures_receipt_number UNIQUE (receipt_number),
            CONSTRAINT ck_signatures_method CHECK (method IN ('reaction', 'button', 'attested')),
            CONSTRAINT ck_signatures_sha256 CHECK (length(sha256) = 64),
            CONSTRAINT ck_signatures_revoked CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL)),
            CONSTRAINT ck_signatures_signed_between CHECK (signed_after IS NULL OR signed_after <= signed_at),
            CONSTRAINT fk_signatures_group_key_groups FOREIGN KEY(group_key) REFERENCES groups ("key"),
            CONSTRAINT fk_signatures_request_id_signature_requests FOREIGN KEY(request_id) REFERENCES signature_requests (id),
            CONSTRAINT fk_signatures_version_id_agreement_versions FOREIGN KEY(version_id) REFERENCES agreement_versions (id),
            CONSTRAINT fk_signatures_signed_position_ledger_entries FOREIGN KEY(signed_position) REFERENCES ledger_entries (position),
            CONSTRAINT fk_signatures_revoked_position_ledger_entries FOREIGN KEY(revoked_position) REFERENCES ledger_entries (position)
        ) STRICT
        """,
        "id, group_key, request_id, member_id, version_id, sha256, receipt_number, method,"
        " message_id, signed_at, signed_after, expires_at, revoked_at, revoked_after, revoke_reason",
        (
            "CREATE INDEX ix_signatures_group_key_member_id ON signatures (group_key, member_id)",
            "CREATE INDEX ix_signatures_request_id ON signatures (request_id)",
            "CREATE UNIQUE INDEX uq_signatures_in_force ON signatures (group_key, member_id) WHERE revoked_at IS NULL",
        ),
    ),
}


def upgrade() -> None:
    """Make them."""
    for name, kind in (
        ("adopted_at", UTCDateTime()),
        ("restored_from", UTCDateTime()),
        ("gone_at", UTCDateTime()),
    ):
        op.add_column("groups", sa.Column(name, kind, nullable=True))
    op.add_column("signature_requests", sa.Column("reminded_day", sa.Integer(), nullable=True))
    op.create_table(
        "ledger_entries",
        sa.Column("position", ID, autoincrement=False, nullable=False),
        sa.Column("group_key", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.CheckConstraint("position > 0", name=op.f("ck_ledger_entries_position")),
        sa.CheckConstraint(
            "length(commitment) = 64 AND length(hash) = 64", name=op.f("ck_ledger_entries_sha256")
        ),
        sa.CheckConstraint(
            "(salt IS NULL) = (payload IS NULL)", name=op.f("ck_ledger_entries_erased")
        ),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_ledger_entries_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_entries")),
        sqlite_strict=True,
    )
    op.create_index("ix_ledger_entries_subject", "ledger_entries", ["subject"], unique=False)
    op.create_table(
        "sweeps",
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("after_id", ID, nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("holders", sa.Integer(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("role_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_sweeps_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("group_key", name=op.f("pk_sweeps")),
        sqlite_strict=True,
    )
    op.create_table(
        "holders",
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("member_id", ID, autoincrement=False, nullable=False),
        sa.Column("found_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("adopted_at", UTCDateTime(), nullable=True),
        sa.Column("told_at", UTCDateTime(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_key"], ["groups.key"], name=op.f("fk_holders_group_key_groups")
        ),
        sa.PrimaryKeyConstraint("group_key", "member_id", name=op.f("pk_holders")),
        sqlite_strict=True,
    )
    if op.get_context().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()
    op.create_index("ix_effects_lane", "effects", ["lane"], unique=False)
    for column in ("signed_position", "revoked_position"):
        op.create_index(f"ix_signatures_{column}", "signatures", [column], unique=False)


def _upgrade_sqlite() -> None:
    for table, (statement, columns, indexes) in REMADE.items():
        # Straight into the new table's place: a rename would leave its name in quotes.
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_of_0001")
        for index in indexes:
            op.execute(f"DROP INDEX {index.split(' ON ')[0].split()[-1]}")
        op.execute(statement)
        op.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_of_0001")  # noqa: S608
        op.execute(f"DROP TABLE {table}_of_0001")
        for index in indexes:
            op.execute(index)
    op.execute("""
        CREATE TRIGGER ledger_entries_keep BEFORE DELETE ON ledger_entries
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """)
    op.execute("""
        CREATE TRIGGER ledger_entries_erase_only BEFORE UPDATE ON ledger_entries
        WHEN NEW.payload IS NOT NULL OR NEW.position IS NOT OLD.position
            OR NEW.group_key IS NOT OLD.group_key OR NEW.kind IS NOT OLD.kind
            OR NEW.recorded_at IS NOT OLD.recorded_at OR NEW.subject IS NOT OLD.subject
            OR NEW.commitment IS NOT OLD.commitment OR NEW.hash IS NOT OLD.hash
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """)


def _upgrade_postgresql() -> None:
    op.drop_constraint("ck_effects_kind", "effects")
    op.drop_constraint("ck_alarms_kind", "alarms")
    op.drop_constraint("ck_signatures_revoke_reason", "signatures")
    op.add_column("effects", sa.Column("tried_at", UTCDateTime(), nullable=True))
    for column in ("signed_position", "revoked_position"):
        op.add_column("signatures", sa.Column(column, ID, nullable=True))
        op.create_foreign_key(
            f"fk_signatures_{column}_ledger_entries",
            "signatures",
            "ledger_entries",
            [column],
            ["position"],
        )
    op.execute("""
        CREATE FUNCTION ledger_entries_guard() RETURNS trigger AS $$
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
    """)
    op.execute("""
        CREATE TRIGGER ledger_entries_guard BEFORE UPDATE OR DELETE ON ledger_entries
        FOR EACH ROW EXECUTE FUNCTION ledger_entries_guard()
    """)
