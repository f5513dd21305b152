"""Lets all databases of a process share what SQLAlchemy has compiled.

It keeps that for each engine. The bot has one for as long as it runs, while the tests open one
after the other, and would compile the same statements for each of them.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.keys import Keyring
from bot.storage import database as storage

MakeEngine = Callable[[URL, Keyring], AsyncEngine]


def share_compiled_statements() -> None:
    """From now on all engines for SQLite, and all for PostgreSQL, use the same statements."""
    storage._sqlite_engine = _sharing(storage._sqlite_engine)
    storage._postgres_engine = _sharing(storage._postgres_engine)


def _sharing(make: MakeEngine) -> MakeEngine:
    dialect: Any = None
    statements: Any = None

    def make_engine(url: URL, keys: Keyring) -> AsyncEngine:
        nonlocal dialect, statements
        made = make(url, keys)
        engine: Any = made.sync_engine
        if dialect is None:
            dialect, statements = engine.dialect, engine._compiled_cache
            return made
        # What is compiled belongs to a dialect; that learns of its server at the first connection.
        engine.dialect.initialize = dialect.initialize
        engine.dialect, engine._compiled_cache = dialect, statements
        return made

    return make_engine
