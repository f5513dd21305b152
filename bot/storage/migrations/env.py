"""Alembic's entry point: runs the migrations on the connection it is given."""

from alembic import context

from bot.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
# The caller's transaction is the one that counts: a failed upgrade leaves nothing behind.
context.run_migrations()
