"""Opens the database (encrypted SQLite or PostgreSQL) and hands out transactions."""

import asyncio
import contextlib
import contextvars
import errno
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Self

import asyncpg as asyncpg_module  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as TooManyInUseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from bot.domain.errors import (
    InUseError,
    NoDatabaseError,
    RecordUnavailableError,
    RecordUncertainError,
    StorageError,
)
from bot.keys import FILE_KEY, Keyring
from bot.storage import migrations, operator_keys
from bot.storage.alone import FileLock, ServerLock
from bot.storage.outages import find_outage, is_certain, refuses_writing
from bot.storage.sqlite_driver import Connection, SqlcipherModule, sqlcipher

asyncpg: Any = asyncpg_module
"""The driver comes without types."""

BUSY_TIMEOUT_MS = 10_000
CACHE_MIB = 16
"""What a connection keeps of an SQLite file at the most: of each page it does not, the signature is
checked and the content decrypted again. The index by which a hundred thousand people are counted
takes 5 MiB."""

PATIENCE_SECONDS = 5.0
"""How long closing waits for whoever is reading."""

_FAULTS = (DBAPIError, OSError, asyncpg.InterfaceError, asyncpg.PostgresError)

_KEYS = "pledge_keys"
_ROUND = "pledge_round"
_THREADS = "pledge_threads"
_opened_in: contextvars.ContextVar[int] = contextvars.ContextVar("pledge_opened_in")


class Database:
    """One database, open and migrated.

    `write` gives one transaction at a time (SQLite takes one writer, and the order in which
    things are decided stays clear); `read` transactions run beside it and see a snapshot.
    """

    def __init__(self, engine: AsyncEngine, path: Path | None = None) -> None:
        self._engine = engine
        self._writer = asyncio.Lock()
        self._round = 0
        self._threads: set[Connection] = engine.sync_engine.get_execution_options().get(
            _THREADS, set()
        )
        event.listen(engine.sync_engine, "connect", self._on_connect)
        event.listen(engine.sync_engine, "checkin", self._on_checkin)
        self._lock = ServerLock(engine) if path is None else FileLock(path)
        self._is_held = False
        self._is_open = False
        self._is_closed = False
        self.on_outage: Callable[[StorageError], None] | None = None
        """Called when the database cannot be used, or is not ours any more; must not raise."""

    @classmethod
    async def open(cls, url: str, keys: Keyring, *, migrate: bool = True) -> Self:
        """Open `url`, bring its tables up to date and return the database.

        Args:
            url: `sqlite:///path` or `postgresql://…`.
            keys: the operator's keys; SQLite files are encrypted with one of them, new ones with
                the newest.
            migrate: False makes nothing and changes nothing: the tables must be there as they are.

        Raises:
            StorageError: the key does not fit, one that is needed is missing, the file cannot be
                opened, or the tables come from a newer Pledge. Nothing was changed.
            RecordUnavailableError: the server does not answer, or there is no room on the disk.
            NoDatabaseError: `migrate` is False, and there is no database of Pledge.
        """
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if is_sqlite and not migrate and not _is_there(Path(parsed.database or "")):
            raise NoDatabaseError
        engine = _sqlite_engine(parsed, keys) if is_sqlite else _postgres_engine(parsed, keys)
        database = cls(engine, Path(parsed.database or "") if is_sqlite else None)
        try:
            if migrate:
                async with database.write() as connection:
                    await connection.run_sync(migrations.upgrade, keys)
                    keys = await operator_keys.admit(connection, keys, may_write=True)
            else:
                async with database.read() as connection:
                    await connection.run_sync(migrations.require_current)
                    keys = await operator_keys.admit(connection, keys, may_write=False)
            engine.sync_engine.update_execution_options(**{_KEYS: keys})
        except (DBAPIError, OSError, asyncpg.InterfaceError) as error:
            await engine.dispose()
            passes = find_outage(error, opening=True) is not None
            refusal = RecordUnavailableError if passes else StorageError
            raise refusal(_explain(parsed, error)) from None
        except BaseException:
            await engine.dispose()
            raise
        database._is_open = True
        return database

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction that may write; commits when the block ends, rolls back on an error.

        Raises:
            RecordUnavailableError: the disk is full, the server is away, or the like. Nothing
                was written.
            RecordUncertainError: the same, but nobody knows whether it was written.
            InUseError: another process has taken over the database.
        """
        committing = False
        async with self._writer:
            try:
                if self._is_held:
                    await self._lock.make_sure()
                async with self._connect() as connection:
                    await connection.execution_options(pledge_writes=True)
                    async with connection.begin():
                        yield connection
                        committing = True
            except InUseError as error:
                self._tell(error)
                raise
            except _FAULTS as error:
                self._refuse(error, unsure=committing and not is_certain(error))
                raise

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction that only reads, and sees the database as it was at its first query.

        Raises:
            RecordUnavailableError: the disk cannot be read, or the server is away.
        """
        try:
            async with self._connect() as connection:
                if self.dialect == "postgresql":
                    # SQLite does so by itself; here every query would see a newer state.
                    await connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                async with connection.begin():
                    yield connection
        except _FAULTS as error:
            if not refuses_writing(error):
                self._refuse(error)
            raise

    @contextlib.asynccontextmanager
    async def _connect(self) -> AsyncGenerator[AsyncConnection]:
        if self._is_closed:
            raise RecordUnavailableError("The record is closed: Pledge is being stopped.")
        # Before it is opened: if the others are thrown away meanwhile, this one belongs to them.
        _opened_in.set(self._round)
        async with self._engine.connect() as connection:
            yield connection

    def _refuse(self, error: BaseException, *, unsure: bool = False) -> None:
        """Raise what people and the operator are told of a fault that passes by itself."""
        outage = find_outage(error) if self._is_open else None
        if outage is not None:
            kind = RecordUncertainError if unsure else RecordUnavailableError
            refusal = kind(f"The record cannot be used at the moment: {outage}")
            self._tell(refusal)
            raise refusal from error

    def _tell(self, error: StorageError) -> None:
        if self.on_outage is not None:
            self.on_outage(error)

    async def hold_alone(self) -> None:
        """Make sure that no other process works on this database while this one is open.

        Two of them could undo each other in Discord: what one gives after a withdrawal, the
        other does not know of. Should the lock get lost, `write` takes it again, or refuses.

        Raises:
            InUseError: another process holds it already.
        """
        await self._lock.make_sure()
        self._is_held = True
        # What was opened before may have been replaced since then, by `pledge restore`.
        await self.reconnect()

    async def reconnect(self) -> None:
        """Use new connections from now on: an old one may still think that it cannot write.

        One that is in use is closed when it is given back.
        """
        self._round += 1
        await self._engine.dispose()

    async def drop_old_pages(self) -> bool:
        """Have nothing that was removed stand in the log that SQLite keeps beside its file.

        In the file itself it is overwritten at once (`secure_delete`), but the log still has the
        pages as they were before. PostgreSQL cleans up by itself, in its own time.

        Returns:
            Whether the log is empty; it is not when somebody is reading an older state, or when
            the disk refuses.

        Raises:
            RecordUnavailableError: the record is closed.
        """
        if self.dialect != "sqlite":
            return True
        try:
            async with self._writer, self._connect() as connection:
                return await _truncate_log(connection)
        except (*_FAULTS, TooManyInUseError):
            return False

    def _on_connect(self, _connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[_ROUND] = _opened_in.get(self._round)

    def _on_checkin(self, _connection: Any, entry: ConnectionPoolEntry) -> None:
        # One that was in use while the others were thrown away is thrown away now: the pool it
        # goes back to is forgotten, and nobody would ever close it.
        if entry.info.get(_ROUND, self._round) != self._round:
            entry.invalidate()

    async def close(self) -> None:
        """Wait for the transaction in hand, then close every connection for good.

        Whoever reads is waited for a moment, and may go on; that connection is closed when they
        end. Nobody begins anything afterwards: they are refused with `RecordUnavailableError`.
        """
        async with self._writer:
            self._is_closed, self._is_held = True, False
            await self._lock.close()
            await self.reconnect()
        await self._wait_for_threads()

    async def _wait_for_threads(self) -> None:
        """Let the last answers come while there is a loop that they can come to."""
        until = time.monotonic() + PATIENCE_SECONDS
        while (left := until - time.monotonic()) > 0:
            running = next((one for one in self._threads if one.has_thread), None)
            if running is None:
                return
            await running.wait_for_end(left)


def _sqlite_engine(url: URL, keys: Keyring) -> AsyncEngine:
    if not url.database:
        raise StorageError("sqlite:// needs a path to a file, such as sqlite:///data/pledge.db")
    path = Path(url.database)
    threads: set[Connection] = set()

    async def connect(**_options: Any) -> Connection:
        connection = Connection(lambda: _open_file(path, keys), iter_chunk_size=64)
        # From its beginning until its thread has ended, whatever becomes of it in between.
        threads.difference_update([one for one in threads if not one.has_thread])
        threads.add(connection)
        thread = connection._thread  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        # As SQLAlchemy does for connections it opens itself: a crash must not hang the process.
        thread.daemon = True
        try:
            await connection
        except BaseException:
            # The thread is about to end, and tells the loop so: that must still be there then.
            thread.join(PATIENCE_SECONDS)
            raise
        return connection

    engine = create_async_engine(
        "sqlite+aiosqlite://",
        module=SqlcipherModule(),
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        max_overflow=4,
        # The one that was used last knows most of the file, and has it as it is now.
        pool_use_lifo=True,
        hide_parameters=True,
        execution_options={_KEYS: keys, _THREADS: threads},
    )

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # The driver's own transaction handling begins too late and takes the write lock
        # later still; a deferred transaction that turns into a writer can fail with BUSY.
        writes = connection.get_execution_options().get("pledge_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


async def _truncate_log(connection: AsyncConnection) -> bool:
    # Beside SQLAlchemy, which would begin a transaction: in one this is not possible.
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        # Whoever reads is not waited for, as everybody else would have to wait, too.
        await (await driver.execute("PRAGMA busy_timeout = 100")).close()
        cursor = await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, *_pages = await cursor.fetchone()
        await cursor.close()
        await (await driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")).close()
    except sqlcipher.Error:
        # It would not wait for others as long as it has to.
        await connection.invalidate()
        return False
    return not busy


def _is_there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"{path}: cannot be opened: {error.strerror}") from None


def _open_file(path: Path, keys: Keyring) -> Any:
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
        connect_file(path, keys, "ro").close()
    connection = connect_file(path, keys, "rwc")
    try:
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            "secure_delete = ON",
            "temp_store = MEMORY",
            f"cache_size = {-CACHE_MIB * 1024}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def connect_file(path: Path, keys: Keyring, mode: str) -> Any:
    """A connection of its own to an SQLite file, for what has no place in a transaction.

    Args:
        path: the file.
        keys: the operator's keys, the file's among them; a new file gets the newest.
        mode: `ro`, `rw`, or `rwc` to make the file.
    """
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    *newer, oldest = (key.hex() for key in keys.derive_each(FILE_KEY))
    for key in newer:
        try:
            return _connect(uri, key)
        except sqlcipher.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") != "SQLITE_NOTADB":
                raise
    return _connect(uri, oldest)


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


def _postgres_engine(url: URL, keys: Keyring) -> AsyncEngine:
    # Taken apart by asyncpg itself, which knows sslmode and the rest of what libpq knows.
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def connect(**_options: Any) -> Any:
        connection = await asyncpg.connect(
            address,
            server_settings={
                "synchronous_commit": "on",
                "application_name": "pledge",
                "timezone": "UTC",
                # Short questions with an index each: as on a disk that does not spin, and alone.
                "random_page_cost": "1.1",
                "max_parallel_workers_per_gather": "0",
                **_KEEPALIVE,
            },
        )
        _keep_alive(connection._transport.get_extra_info("socket"))  # noqa: SLF001
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=4,
        max_overflow=4,
        pool_pre_ping=True,
        hide_parameters=True,
        execution_options={_KEYS: keys},
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def forget_values(context: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # PostgreSQL repeats the refused row in the details of an error, and errors are logged.
        cause = context.original_exception.__cause__
        if isinstance(cause, asyncpg.PostgresError):
            cause.detail = None

    return engine


_KEEPALIVE = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""The server notices within a minute that we are gone, and lets go of our lock."""


def _keep_alive(connection: socket.socket | None) -> None:
    """Notice the same of the server; without this a dead network would be waited for for hours."""
    if connection is None or not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("KEEPIDLE", 30), ("KEEPINTVL", 10), ("KEEPCNT", 3)):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{option}"), value)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)


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


def keys_of(tx: Transaction) -> Keyring:
    """The operator's keys, which travel with every transaction."""
    return tx.sync_engine.get_execution_options()[_KEYS]
