"""Where a letter stands in Discord is not kept: nobody needs it, and it leads to whom it went to."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PLACE = ("channel_id", "message_id")


def upgrade() -> None:
    # PostgreSQL would keep in every row what stood in a column that is gone.
    op.get_bind().execute(sa.text("UPDATE breach_letters SET channel_id = NULL, message_id = NULL"))
    for name in PLACE:
        op.drop_column("breach_letters", name)
