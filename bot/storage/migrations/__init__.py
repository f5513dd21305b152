"""The history of the tables, applied when the database is opened."""

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, select

from bot.domain.errors import NoDatabaseError, StorageError
from bot.keys import Keyring

LOCK = 0x506C65646765
"""Any number will do, as long as it stays the same: it names the lock of who migrates."""


def configuration() -> Config:
    """Alembic's settings; there is no ini file to lose."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


@functools.cache
def head() -> str:
    """The newest revision this Pledge knows."""
    return ScriptDirectory.from_config(configuration()).get_current_head() or ""


def upgrade(connection: Connection, keys: Keyring) -> None:
    """Bring the tables up to date inside the open transaction.

    Args:
        connection: the connection, with a transaction that may write.
        keys: the operator's keys, for what an earlier Pledge left open and a later one encrypts.

    Raises:
        StorageError: the tables were made by a newer Pledge.
    """
    if _is_current(connection):
        return
    if connection.dialect.name == "postgresql":
        # SQLite lets one writer in; here a second process would make the same tables.
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        if _is_current(connection):
            return
    config = configuration()
    config.attributes |= {"connection": connection, "keys": keys}
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(
            "This database was last used by a newer version of Pledge. Install that version, or"
            " a later one; going back is not possible without a backup from before the upgrade."
        ) from error


def require_current(connection: Connection) -> None:
    """Make sure that the tables are there and are those of this version; changes nothing.

    Raises:
        NoDatabaseError: there are none yet.
        StorageError: they were made by another version of Pledge.
    """
    heads = MigrationContext.configure(connection).get_current_heads()
    if not heads:
        raise NoDatabaseError
    if heads != (head(),):
        raise StorageError(
            "This database was last used by another version of Pledge. If that was an older one,"
            " `pledge run` brings it up to date."
        )


def _is_current(connection: Connection) -> bool:
    return MigrationContext.configure(connection).get_current_heads() == (head(),)
