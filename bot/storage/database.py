"""Opens the database (encrypted SQLite or PostgreSQL) and hands out transactions."""

import asyncio
import contextlib
import errno
import importlib
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Self

import aiosqlite
import asyncpg as asyncpg_module  # pyright: ignore[reportMissingTypeStubs]
import sqlcipher3.dbapi2 as sqlcipher_module  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import URL, event, func, make_url, select
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from typing_extensions import override

from bot.domain.errors import StorageError
from bot.keys import Keyring
from bot.storage import migrations

asyncpg: Any = asyncpg_module
sqlcipher: Any = sqlcipher_module
"""The two drivers come without types."""

fcntl: Any = None if sys.platform == "win32" else importlib.import_module("fcntl")
"""Locks on files, which Windows does not have in this form."""

ALONE = 0x506C65646765 + 1
"""Names the lock of the one process that may run; any number will do, as long as it stays."""

BUSY_TIMEOUT_MS = 10_000


class Database:
    """One database, open and migrated.

    `write` gives one transaction at a time (SQLite takes one writer, and the order in which
    things are decided stays clear); `read` transactions run beside it and see a snapshot.
    """

    def __init__(self, engine: AsyncEngine, path: Path | None = None) -> None:
        self._engine = engine
        self._path = path
        self._writer = asyncio.Lock()
        self._alone: AsyncConnection | None = None
        self._lock: int | None = None

    @classmethod
    async def open(cls, url: str, keys: Keyring) -> Self:
        """Open `url`, bring its tables up to date and return the database.

        Args:
            url: `sqlite:///path` or `postgresql://…`.
            keys: the operator's keys; SQLite files are encrypted with one of them.

        Raises:
            StorageError: the key does not fit the file, the file cannot be opened, the server
                does not answer, or the tables come from a newer Pledge. Nothing was changed.
        """
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        engine = _sqlite_engine(parsed, keys) if is_sqlite else _postgres_engine(parsed)
        database = cls(engine, Path(parsed.database or "") if is_sqlite else None)
        try:
            async with database.write() as connection:
                await connection.run_sync(migrations.upgrade)
        except (DBAPIError, OSError, asyncpg.InterfaceError) as error:
            await engine.dispose()
            raise StorageError(_explain(parsed, error)) from None
        except BaseException:
            await engine.dispose()
            raise
        return database

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction that may write; commits when the block ends, rolls back on an error."""
        async with self._writer, self._engine.connect() as connection:
            await connection.execution_options(pledge_writes=True)
            async with connection.begin():
                yield connection

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction that only reads, and sees the database as it was at its first query."""
        async with self._engine.connect() as connection:
            if self.dialect == "postgresql":
                # SQLite does so by itself; here every query would see a newer state.
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            async with connection.begin():
                yield connection

    async def hold_alone(self) -> None:
        """Make sure that no other process works on this database while this one is open.

        Two of them could undo each other in Discord: what one gives after a withdrawal, the
        other does not know of.

        Raises:
            StorageError: another process holds it already.
        """
        if self.dialect == "sqlite":
            held = self._path is None or self._lock_file(self._path)
        else:
            self._alone = await self._engine.connect()
            await self._alone.execution_options(isolation_level="AUTOCOMMIT")
            taken = select(func.pg_try_advisory_lock(ALONE))
            held = bool((await self._alone.execute(taken)).scalar_one())
        if not held:
            raise StorageError(
                "Another Pledge is running with this database. Stop that one first; two at a time"
                " would get in each other's way."
            )

    def _lock_file(self, path: Path) -> bool:
        # SQLite's own locks are for moments; this one is for as long as the process lives, and
        # the system lets go of it however the process ends.
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    async def close(self) -> None:
        """Wait for the transaction in hand, then close every connection."""
        async with self._writer:
            if self._alone is not None:
                await self._alone.close()
                self._alone = None
            await self._engine.dispose()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def _sqlite_engine(url: URL, keys: Keyring) -> AsyncEngine:
    if not url.database:
        raise StorageError("sqlite:// needs a path to a file, such as sqlite:///data/pledge.db")
    path = Path(url.database)
    key = keys.derive("sqlite-file").hex()

    async def connect(**_options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.Connection(lambda: _open_file(path, key), iter_chunk_size=64)
        thread = connection._thread  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        # As SQLAlchemy does for connections it opens itself: a crash must not hang the process.
        thread.daemon = True
        try:
            return await connection
        except Exception:
            # The thread is about to end, and tells the loop so: that must still be there then.
            thread.join()
            raise

    engine = create_async_engine(
        "sqlite+aiosqlite://",
        module=_SqlcipherModule(aiosqlite, sqlcipher),
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        max_overflow=4,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # The driver's own transaction handling begins too late and takes the write lock
        # later still; a deferred transaction that turns into a writer can fail with BUSY.
        writes = connection.get_execution_options().get("pledge_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _open_file(path: Path, key: str) -> Any:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.exists():
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made beforehand, so that it and the -wal and -shm beside it are never open to others.
        path.touch(mode=0o600)
    if path.with_name(f"{path.name}-wal").exists():
        # SQLite works off a WAL that a crash left behind as soon as a connection is closed, even
        # one with a wrong key; one that only reads cannot.
        _connect(f"{path.absolute().as_uri()}?mode=ro", key).close()
    connection = _connect(path.absolute().as_uri(), key)
    try:
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            "secure_delete = ON",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(uri: str, key: str) -> Any:
    """Open the file and prove the key; before that nothing may touch the file."""
    connection: Any = sqlcipher.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")
        connection.execute(f"PRAGMA key = \"x'{key}'\"")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


class _SqlcipherModule(AsyncAdapt_aiosqlite_dbapi):
    """SQLAlchemy's aiosqlite adapter, with the exceptions that SQLCipher's driver raises."""

    @override
    def _init_dbapi_attributes(self) -> None:
        super()._init_dbapi_attributes()
        for name in (
            "DatabaseError",
            "Error",
            "IntegrityError",
            "NotSupportedError",
            "OperationalError",
            "ProgrammingError",
            "sqlite_version",
            "sqlite_version_info",
        ):
            setattr(self, name, getattr(sqlcipher, name))


def _postgres_engine(url: URL) -> AsyncEngine:
    # Taken apart by asyncpg itself, which knows sslmode and the rest of what libpq knows.
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def connect(**_options: Any) -> Any:
        return await asyncpg.connect(
            address,
            server_settings={
                "synchronous_commit": "on",
                "application_name": "pledge",
                "timezone": "UTC",
            },
        )

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=4,
        max_overflow=4,
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def forget_values(context: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # PostgreSQL repeats the refused row in the details of an error, and errors are logged.
        cause = context.original_exception.__cause__
        if isinstance(cause, asyncpg.PostgresError):
            cause.detail = None

    return engine


def _explain(url: URL, error: BaseException) -> str:
    place = url.render_as_string(hide_password=True)
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    if "file is not a database" in reason:
        return (
            f"{place}: PLEDGE_KEY does not open this file. It was encrypted with another key, or"
            " it is not a Pledge database. Put back the key it was made with (`pledge keygen`"
            " makes keys for new databases only). The file was not changed."
        )
    return f"{place}: cannot be opened: {reason}"


Transaction = AsyncConnection
"""What repositories are built on; they never begin or commit one themselves."""
