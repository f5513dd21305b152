"""Tells a fault that passes (a full disk, a server that is away) from a fault of ours."""

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy.exc import DBAPIError

_SQLITE = (
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_CORRUPT",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_NOTADB",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)
_SQLITE_WHEN_OPENING = ("SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
_POSTGRESQL = ("08", "25006", "53", "57P", "58")
"""Connection lost, read-only server, out of something (53100 is the disk), shutdown, I/O error."""

_CERTAIN = ("SQLITE_BUSY", "SQLITE_FULL", "SQLITE_READONLY", "25006", "53")
"""Faults of a COMMIT after which it is known that nothing was committed."""


def find_outage(error: BaseException, *, opening: bool = False) -> str | None:
    """The fault in a few words for the log, or None when it is not of this sort.

    Args:
        error: what the database raised.
        opening: the database was never open. Then a file that cannot be opened, or is none, is
            a mistake of the operator's and not an outage.
    """
    code = _code_of(error)
    if code.startswith("SQLITE_"):
        passing = code.startswith(_SQLITE_WHEN_OPENING if opening else _SQLITE)
        return f"{code}: {_first_line(error)}" if passing else None
    if code:
        return f"{code}: {_first_line(error)}" if code.startswith(_POSTGRESQL) else None
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    away = any(isinstance(cause, OSError) and not _is_mistake(cause) for cause in _causes(error))
    unusable = isinstance(_causes(error)[-1], asyncpg.InterfaceError) and not opening
    if lost or away or unusable:
        return f"{type(_causes(error)[-1]).__name__}: {_first_line(error)}"
    return None


def is_certain(error: BaseException) -> bool:
    """Whether a COMMIT that failed in this way has certainly not taken place.

    A lost connection or a failed sync leaves that open.
    """
    return _code_of(error).startswith(_CERTAIN)


def refuses_writing(error: BaseException) -> bool:
    """Whether PostgreSQL refused to write: in a transaction that only reads, that is our doing."""
    return _code_of(error) == "25006"


def _is_mistake(error: OSError) -> bool:
    return isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError)


def _causes(error: BaseException) -> list[BaseException]:
    """The error, what SQLAlchemy wrapped, and what the driver's adapter wrapped in turn."""
    found = [error]
    if isinstance(error, DBAPIError) and error.orig is not None:
        found.append(error.orig)
    if found[-1].__cause__ is not None and found[-1].__cause__ not in found:
        found.append(found[-1].__cause__)
    return found


def _code_of(error: BaseException) -> str:
    for cause in _causes(error):
        code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
        if isinstance(code, str):
            return code
    return ""


def _first_line(error: BaseException) -> str:
    """The engine's own words; of a refused row they hold nothing."""
    words = str(getattr(error, "orig", None) or error).strip()
    return words.splitlines()[0][:200] if words else "no words"
