"""Knows every connection to a database that a test opened, and whether it is open."""

import weakref
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import event
from sqlalchemy.pool import Pool

_made: weakref.WeakSet[Any] = weakref.WeakSet()


@event.listens_for(Pool, "connect")
def _on_connect(connection: Any, _entry: object) -> None:
    _made.add(connection.driver_connection)


def is_open(connection: Any) -> bool:
    """Whether a driver's own connection, of either engine, was not closed yet."""
    if isinstance(connection, asyncpg.Connection):
        return not connection.is_closed()
    return connection._connection is not None


def list_open() -> list[Any]:
    """The connections that are open."""
    return [connection for connection in _made if is_open(connection)]


def take_open() -> list[Any]:
    """The connections made since the last call that are still open."""
    found = list_open()
    _made.clear()
    return found
