"""Notes of facilitators about signatures are encrypted on their own, like all that is written."""

import sqlalchemy as sa
from alembic import context, op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT id, note FROM signatures WHERE note IS NOT NULL"))
    notes = found.all()
    # PostgreSQL would keep in every row what stood in a column that is gone.
    connection.execute(sa.text("UPDATE signatures SET note = NULL WHERE note IS NOT NULL"))
    op.drop_column("signatures", "note")
    op.add_column("signatures", sa.Column("note", sa.LargeBinary(), nullable=True))
    if not notes:
        return
    # With a key that the record names already: of another, nobody would know that it is needed.
    keys = context.config.attributes["keys"]
    named = set(connection.execute(sa.text("SELECT fingerprint FROM operator_keys")).scalars())
    fernet = next((one for one in keys.each if one.fingerprint in named), keys).fernet
    connection.execute(
        sa.text("UPDATE signatures SET note = :note WHERE id = :id"),
        [
            {"id": id_, "note": fernet.encrypt(note.encode("utf-8", "replace"))}
            for id_, note in notes
        ],
    )
