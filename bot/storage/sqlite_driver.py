"""SQLAlchemy's way to an encrypted SQLite file, with one trip to its thread for each statement.

By itself SQLAlchemy makes four: for a cursor, for the statement, for its rows, and to close the
cursor. Each of them costs more than what most statements do there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import aiosqlite
import sqlcipher3.dbapi2 as sqlcipher_module  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import await_only
from typing_extensions import override

sqlcipher: Any = sqlcipher_module
"""The driver comes without types."""

_T = TypeVar("_T")


class Connection(aiosqlite.Connection):
    """One connection, in a thread of its own."""

    _has_returned = False
    """Whether the last trip came back; one that was cancelled may still be under way."""

    _is_stopping = False

    @override
    def stop(self) -> asyncio.Future[Any] | None:
        """Have the thread end, once: a second time nobody is there to answer, so none is awaited.

        SQLAlchemy does so while a connection is being closed, when that is cancelled.
        """
        if self._is_stopping:
            return None
        self._is_stopping = True
        return super().stop()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    @property
    def has_thread(self) -> bool:
        """Whether its thread has not ended yet."""
        return self._thread.is_alive()

    async def wait_for_end(self, seconds: float) -> None:
        """Wait until its thread has ended, or for so many seconds."""
        if self.has_thread:
            await asyncio.to_thread(self._thread.join, seconds)

    @override
    async def _execute(self, fn: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        self._has_returned = False
        trip: Awaitable[_T] = super()._execute(fn, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        result = await trip
        self._has_returned = True
        return result

    async def run(self, method: str, *arguments: Any) -> tuple[Any, list[Any]]:
        """Execute a statement, fetch all there is and close the cursor.

        Args:
            method: `execute`, or `executemany` for many sets of parameters.
            arguments: the statement, and what is filled in.

        Returns:
            The cursor, which still knows what it did, and the rows.
        """
        return await self._execute(self._run, method, *arguments)

    def _run(self, method: str, *arguments: Any) -> tuple[Any, list[Any]]:
        cursor: Any = self._conn.cursor()
        try:
            getattr(cursor, method)(*arguments)
            return cursor, cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()

    @override
    async def rollback(self) -> None:
        """Roll back; without a transaction there is nothing to go there for."""
        if not self._has_returned or self.in_transaction:
            await super().rollback()


class _Statement:
    """What SQLAlchemy takes for a cursor: it is made, read and closed without a trip."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def execute(self, *arguments: Any) -> None:
        await self._run("execute", *arguments)

    async def executemany(self, *arguments: Any) -> None:
        await self._run("executemany", *arguments)

    async def _run(self, method: str, *arguments: Any) -> None:
        done, self._rows = await self._connection.run(method, *arguments)
        self.description, self.rowcount = done.description, done.rowcount
        self.lastrowid = done.lastrowid

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    def close(self) -> None:
        """It has been closed already, in the thread."""


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()
    _awaitable_cursor_close = False

    @override
    def _make_new_cursor(self, connection: Any) -> Any:
        return _Statement(connection)

    @override
    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor


class _AdaptedConnection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    # Whoever asks for a stream of rows gets them little by little, as ever.
    _cursor_cls = _Cursor


class SqlcipherModule(AsyncAdapt_aiosqlite_dbapi):
    """SQLAlchemy's aiosqlite adapter, with the exceptions that SQLCipher's driver raises."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlcipher)

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

    @override
    def connect(self, *_arguments: Any, **options: Any) -> _AdaptedConnection:
        creator: Callable[..., Awaitable[Any]] = options.pop("async_creator_fn")
        return _AdaptedConnection(self, await_only(creator(**options)))
