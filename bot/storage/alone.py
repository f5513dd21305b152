"""Makes sure that one process at a time works on a database."""

import importlib
import os
import sys
import weakref
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.errors import InUseError

fcntl: Any = None if sys.platform == "win32" else importlib.import_module("fcntl")
"""Locks on files, which Windows does not have in this form."""

ALONE = 0x506C65646765 + 1
"""Names the lock of the one process that may run; any number will do, as long as it stays."""


def lock_path(database: Path) -> Path:
    """The file beside the database that the lock is on; other names of the database share it."""
    return Path(f"{database.resolve()}.lock")


def lock_file(database: Path) -> int | None:
    """Take the lock of the one process that may work with an SQLite file.

    SQLite's own locks are for moments; this one is for as long as the process lives, and the
    system lets go of it however the process ends. A file that was left behind means nothing.

    Returns:
        The open lock, to be closed with `os.close`; None when another process has it.
    """
    lock = os.open(lock_path(database), os.O_RDWR | os.O_CREAT, 0o600)
    if fcntl is not None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
    return lock


class FileLock:
    """The lock on the file of an SQLite database, while a process works with it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._file: int | None = None

    async def make_sure(self) -> None:
        """Take the lock, or see that it is still there: somebody may have deleted its file.

        Raises:
            InUseError: another process has it.
        """
        if self._file is not None and _is_at(self._file, lock_path(self._database)):
            return
        self._let_go()
        self._file = lock_file(self._database)
        if self._file is None:
            raise InUseError
        _FILES.add(self)

    async def close(self) -> None:
        """Let others have it."""
        self._let_go()

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @staticmethod
    def forget_in_child() -> None:
        """A child made by fork has the file open, too, and would keep the lock after our death."""
        for lock in list(_FILES):
            lock._let_go()  # noqa: SLF001


_FILES: weakref.WeakSet[FileLock] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FileLock.forget_in_child)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


class ServerLock:
    """An advisory lock of PostgreSQL; it lives and dies with a connection kept for it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None

    async def make_sure(self) -> None:
        """Take the lock, or see that its connection lives; a lost one is taken again.

        Raises:
            InUseError: another process has it.
            DBAPIError, OSError: the server is away, so nobody knows.
        """
        if self._connection is not None:
            try:
                await self._connection.execute(select(1))
            except (DBAPIError, OSError):
                await self.close()
            else:
                return
        connection = await self._engine.connect()
        try:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            taken = await connection.execute(select(func.pg_try_advisory_lock(ALONE)))
            is_ours = taken.scalar_one()
        except BaseException:
            await connection.close()
            raise
        if not is_ours:
            await connection.close()
            raise InUseError
        self._connection = connection

    async def close(self) -> None:
        """Let others have it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # Thrown away, not put back into the pool: the lock ends with the connection.
            await connection.invalidate()
            await connection.close()
