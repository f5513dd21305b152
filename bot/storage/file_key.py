"""Encrypts a database file as a whole with the newest key, while nobody else uses it."""

import contextlib
import os
from pathlib import Path

from bot.domain.errors import StorageError
from bot.keys import Keyring
from bot.storage import backup_file
from bot.storage.database import connect_file, sqlcipher


def has_newest(path: Path, keys: Keyring) -> bool:
    """Whether the file opens with the newest key alone.

    Raises:
        StorageError: it cannot be read at all.
    """
    return _opens(path, keys.each[0])


def _opens(path: Path, keys: Keyring) -> bool:
    try:
        connect_file(path, keys, "ro").close()
    except sqlcipher.OperationalError as error:
        raise StorageError(f"{path}: cannot be opened: {error}") from None
    except sqlcipher.DatabaseError:
        return False
    return True


def renew(path: Path, keys: Keyring) -> bool:
    """Have a file encrypted with the newest key, in one step that a crash cannot halve.

    A copy is made and checked, and takes the file's place: at every moment there is the whole file
    with the old key, or the whole file with the new one.

    Args:
        path: the database. A file that is not there, is empty, has the newest key, or opens with
            none, is left alone.
        keys: the operator's keys.

    Returns:
        Whether it was done now.

    Raises:
        InUseError: a Pledge is running with it.
        StorageError: there is no room, or some program has the file open. Nothing was changed.
    """
    if not path.exists() or path.stat().st_size == 0:
        return False
    if has_newest(path, keys) or not _opens(path, keys):
        return False
    work = path.with_name(f".{path.name}-rekeying.db")
    with backup_file.hold_alone(path), backup_file.hold_still(path, keys) as held:
        # Nobody else is here: what bears this name was left by an attempt that was interrupted.
        backup_file.remove(work)
        try:
            os.close(os.open(work, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with contextlib.closing(connect_file(work, keys, "rwc")) as writer:
                held.backup(writer, pages=backup_file.PAGES)
            backup_file.require_whole(work, keys.each[0], backup_file.count(held), source=path)
            backup_file.seal(work, keys.each[0])
            backup_file.own_like(work, path)
            backup_file.put_in_place(work, path)
        finally:
            backup_file.remove(work)
    return True
