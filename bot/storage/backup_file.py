"""Encrypted SQLite files as a whole: copied while in use, checked, put in a database's place."""

import contextlib
import errno
import os
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bot.domain.errors import InUseError, RecordUnavailableError, StorageError
from bot.keys import Keyring
from bot.storage.alone import lock_file, lock_path
from bot.storage.database import BUSY_TIMEOUT_MS, connect_file, sqlcipher

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

TAKEN_AT = "backup taken at"
"""The mark in a backup that says how old it is."""

PAGES = 1_000
_BESIDE = ("-wal", "-shm", "-journal")


def path_of(url: str) -> Path | None:
    """Where the file of an SQLite address is, without symbolic links; None for PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "").resolve()


def copy(source: Path, target: Path, keys: Keyring, progress: Progress) -> dict[str, int]:
    """Copy a database, which may be in use, into a new encrypted file.

    The copy is of one moment, however much is written meanwhile, and nobody waits for it.

    Returns:
        How many rows each table had at that moment.

    Raises:
        StorageError: the source cannot be read, is damaged, or has another key.
    """

    def tell(_status: int, left: int, total: int) -> None:
        progress(total - left, total)

    with _words(source, target), contextlib.closing(connect_file(source, keys, "ro")) as reader:
        reader.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        # Without this transaction every commit of a running Pledge would start the copy afresh.
        reader.execute("BEGIN")
        counts = count(reader)
        with contextlib.closing(connect_file(target, keys, "rwc")) as writer:
            reader.backup(writer, pages=PAGES, progress=tell)
    return counts


def count(connection: Any) -> dict[str, int]:
    """How many rows each table has."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
    ).fetchall()
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
        for (name,) in names
    }


def require_whole(
    path: Path,
    keys: Keyring,
    counts: dict[str, int] | None = None,
    *,
    source: Path | None = None,
) -> None:
    """Read every page of a copy and check that it is a whole record of Pledge.

    Args:
        path: the copy.
        keys: the operator's keys.
        counts: the rows that it must have, if that is known.
        source: what it was made of, which refusals then name.

    Raises:
        StorageError: something is damaged or missing.
    """
    shown = source or path
    with _words(shown, path), contextlib.closing(connect_file(path, keys, "rw")) as connection:
        found = {
            "cipher_integrity_check": connection.execute(
                "PRAGMA cipher_integrity_check"
            ).fetchall(),
            "integrity_check": connection.execute("PRAGMA integrity_check").fetchall(),
            "foreign_key_check": connection.execute("PRAGMA foreign_key_check").fetchall(),
        }
        tables = count(connection)
    found["integrity_check"] = [row for row in found["integrity_check"] if row != ("ok",)]
    failed = [check for check, lines in found.items() if lines]
    if failed:
        raise StorageError(f"{shown}: it is damaged ({', '.join(failed)}).")
    if "alembic_version" not in tables or "marks" not in tables:
        raise StorageError(f"{shown}: this is not a record of Pledge.")
    if counts is not None and tables != counts:
        raise StorageError(f"{shown}: the copy has not as many rows as what it was made of.")


def mark_taken(path: Path, keys: Keyring, now: datetime) -> None:
    """Write into a copy when it was made."""
    with _words(path), contextlib.closing(connect_file(path, keys, "rw")) as connection:
        connection.execute(
            "INSERT INTO marks (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (TAKEN_AT, now.isoformat()),
        )


def seal(path: Path, keys: Keyring) -> None:
    """Make a copy one file that needs nothing beside it, and have it on the disk."""
    with _words(path), contextlib.closing(connect_file(path, keys, "rw")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    _sync(path, os.O_RDWR)


def remove(path: Path) -> None:
    """Delete a copy and what SQLite keeps beside it."""
    for suffix in ("", *_BESIDE):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def put_in_place(new: Path, path: Path) -> None:
    """Give a sealed file its final name: at every moment there is the old file or the new one."""
    new.replace(path)
    _sync(path.parent, os.O_RDONLY)


@contextlib.contextmanager
def hold_alone(path: Path) -> Generator[None]:
    """Keep every other Pledge away from a database file that may not exist or be damaged.

    Raises:
        InUseError: a Pledge is running with it.
    """
    lock = lock_file(path)
    if lock is None:
        raise InUseError
    try:
        own_like(lock_path(path), path.parent)
        yield
    finally:
        os.close(lock)


def replace_database(new: Path, path: Path, keys: Keyring, name_aside: str) -> Path | None:
    """Put a sealed file in the place of a database that nobody uses.

    Whatever step a crash comes after, the database's name stands for the whole old file or for
    the whole new one. What SQLite keeps beside the old one is worked into it first: left there, it
    would be applied to the new one.

    Args:
        new: the sealed file, in the same folder.
        path: the database.
        keys: the operator's keys.
        name_aside: what an old file that cannot be opened is kept as.

    Returns:
        Where the old file was kept, None when it was replaced.

    Raises:
        StorageError: some program has the database open. Nothing was changed.
    """
    own_like(new, path if path.exists() else path.parent)
    if not path.exists() or path.stat().st_size == 0:
        remove(path)
        put_in_place(new, path)
        return None
    held = _take_hold(path, keys)
    if held is None:
        aside = _set_aside(path, path.with_name(name_aside))
        put_in_place(new, path)
        return aside
    with contextlib.closing(held):
        put_in_place(new, path)
    return None


@contextlib.contextmanager
def hold_still(path: Path, keys: Keyring) -> Generator[Any]:
    """Keep every program from writing to a database file, and read it meanwhile.

    Yields:
        A connection that only reads; nothing is beside the file.

    Raises:
        StorageError: none of the keys fits, or some program has the database open.
    """
    with _words(path):
        if Path(f"{path}-wal").exists():
            connect_file(path, keys, "ro").close()
        held = connect_file(path, keys, "rw")
    with contextlib.closing(held):
        with _words(path):
            # Without a WAL, who reads keeps everybody from writing.
            held.execute("PRAGMA journal_mode = DELETE").fetchone()
            held.execute("BEGIN")
            held.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield held


def _take_hold(path: Path, keys: Keyring) -> Any | None:
    """Work off what is beside the old file and lock it; None when it cannot be opened at all."""
    try:
        if Path(f"{path}-wal").exists():
            # With a wrong key even closing it would do damage; read-only cannot.
            connect_file(path, keys, "ro").close()
        connection = connect_file(path, keys, "rw")
    except sqlcipher.OperationalError as error:
        raise _explain(path, path, error) from None
    except sqlcipher.DatabaseError:
        return None
    try:
        # Needs the file for itself alone, and ends with nothing left beside it.
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
    except sqlcipher.OperationalError as error:
        connection.close()
        raise _explain(path, path, error) from None
    except sqlcipher.DatabaseError:
        connection.close()
        return None
    return connection


def _set_aside(path: Path, aside: Path) -> Path:
    """Keep all of an old file that cannot be opened, before anything of it is taken away."""
    for suffix in ("", *_BESIDE):
        old = Path(f"{path}{suffix}")
        if old.exists():
            Path(f"{aside}{suffix}").hardlink_to(old)
    _sync(path.parent, os.O_RDONLY)
    for suffix in _BESIDE:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    _sync(path.parent, os.O_RDONLY)
    return aside


def own_like(path: Path, model: Path) -> None:
    """When root does this, the service's own account must be able to open what it left."""
    if os.name == "posix" and os.geteuid() == 0:
        owner = model.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _sync(path: Path, flags: int) -> None:
    if os.name != "posix" and path.is_dir():
        return
    file = os.open(path, flags)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextlib.contextmanager
def _words(path: Path, written: Path | None = None) -> Generator[None]:
    """Say what the driver's refusals mean."""
    try:
        yield
    except sqlcipher.Error as error:
        raise _explain(path, written or path, error) from None


def _explain(read: Path, written: Path, error: Exception) -> StorageError:
    code = getattr(error, "sqlite_errorname", None) or ""
    reason = (str(error).splitlines() or [""])[0]
    if code.startswith("SQLITE_FULL"):
        return StorageError(f"{written.parent}: {os.strerror(errno.ENOSPC)}. Nothing was changed.")
    if code.startswith("SQLITE_NOTADB"):
        return StorageError(
            f"{read}: PLEDGE_KEY does not open this file. It was made with another key, or it is"
            " not a file of Pledge. Nothing was changed."
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_IOERR_SHORT_READ")):
        return StorageError(f"{read}: this file is damaged or cut short. Nothing was changed.")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RecordUnavailableError(
            f"{read}: another program has this file open. Wait until it has finished, or end it;"
            " nothing was changed."
        )
    return StorageError(f"{read}: cannot be used: {reason}. Nothing was changed.")
