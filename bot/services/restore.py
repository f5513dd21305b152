"""Putting a backup back in the place of the database."""

import asyncio
import os
import secrets
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.domain.errors import DomainError, NoDatabaseError, RecordUnavailableError, StorageError
from bot.keys import Keyring
from bot.services.backup import Checked, bring_up_to_date, copy_rows, url_of
from bot.storage import backup, backup_file, ledger
from bot.storage.backup import Contents
from bot.storage.backup_file import Progress
from bot.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is in the place where a backup is to go.

    `contents` is None when it cannot be read. `later` counts the ledger's entries that came after
    the backup; it is None when the backup is not a past of this record at all.
    """

    contents: Contents | None
    later: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A backup that was put back.

    `known_until` is the instant up to which the record knows what happened; `aside` is where a file
    is kept that was in the way and could not be read.
    """

    checked: Checked
    known_until: datetime
    aside: Path | None


class LeaveNeededError(DomainError):
    """This would replace a record, or put back one that is wrong, and nobody has allowed that.

    `found` is None when nothing would be replaced.
    """

    def __init__(self, found: Found | None, checked: Checked) -> None:
        super().__init__()
        self.found = found
        self.checked = checked


async def restore(
    url: str, keys: Keyring, file: Path, now: datetime, *, overwrite: bool, progress: Progress
) -> Restored:
    """Check a backup and make it the database, in one step that a crash cannot halve.

    Args:
        url: the database, on either engine; nobody may use it.
        keys: the operator's keys, with which the backup was made.
        file: the backup, which is only read.
        now: the current instant.
        overwrite: whether a record that is there may be replaced, and a ledger be wrong.
        progress: is told how much is done, and of how much.

    Raises:
        StorageError: the backup is not whole, does not fit the key or this version, or somebody
            uses the database. Nothing was changed.
        LeaveNeededError: there is a record, or the backup's ledger is wrong, and `overwrite` is
            False. Nothing was changed.
    """
    path = backup_file.path_of(url)
    _require_backup(file, path)
    if path is None:
        return await _restore_server(url, keys, file, now, overwrite, progress)
    with backup_file.hold_alone(path):
        return await _restore_file(path, keys, file, now, overwrite, progress)


def _require_backup(file: Path, path: Path | None) -> None:
    if not file.is_file():
        raise StorageError(f"{file}: there is no such file. Nothing was changed.")
    if file.stat().st_size == 0:
        raise StorageError(f"{file}: this file is empty. Nothing was changed.")
    if path is None:
        return
    if path.exists() and path.samefile(file):
        raise StorageError(f"{file}: this is the database itself. Nothing was changed.")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


async def _restore_file(
    path: Path, keys: Keyring, file: Path, now: datetime, overwrite: bool, progress: Progress
) -> Restored:
    work = path.with_name(f".{path.name}-restoring.db")
    # Nobody else is here: what bears this name was left by a restore that was interrupted.
    backup_file.remove(work)
    try:
        checked = await _unpack(file, work, keys, progress)
        _require_leave(await _look_at_file(path, keys, checked), checked, overwrite)
        known_until = await _set_back(work, keys, now)
        name_aside = f"{path.name}-unreadable-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.db"
        aside = backup_file.replace_database(work, path, keys, name_aside)
    finally:
        backup_file.remove(work)
    return Restored(checked=checked, known_until=known_until, aside=aside)


async def _restore_server(
    url: str, keys: Keyring, file: Path, now: datetime, overwrite: bool, progress: Progress
) -> Restored:
    with tempfile.TemporaryDirectory(prefix="pledge-") as folder:
        work = Path(folder) / "restoring.db"
        checked = await _unpack(file, work, keys, progress)
        if not overwrite:
            _require_leave(await _look_at_server(url, keys, checked), checked, overwrite)
        target = await Database.open(url, keys)
        try:
            await target.hold_alone()
            known_until = await _set_back(work, keys, now)
            source = await Database.open(url_of(work), keys, migrate=False)
            try:
                async with source.read() as past, target.write() as tx:
                    await backup.clear(tx)
                    await copy_rows(past, tx, progress)
            finally:
                await source.close()
        finally:
            await target.close()
    return Restored(checked=checked, known_until=known_until, aside=None)


async def _unpack(file: Path, work: Path, keys: Keyring, progress: Progress) -> Checked:
    """A checked copy of the backup, with the tables of this version."""
    os.close(os.open(work, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    counts = await asyncio.to_thread(backup_file.copy, file, work, keys, progress)
    await asyncio.to_thread(backup_file.require_whole, work, keys, counts, source=file)
    return await bring_up_to_date(work, keys, progress)


async def _look_at_file(path: Path, keys: Keyring, checked: Checked) -> Found | None:
    try:
        database = await Database.open(url_of(path), keys, migrate=False)
    except NoDatabaseError:
        return None
    except RecordUnavailableError:
        raise
    except StorageError:
        return Found(contents=None, later=None)
    try:
        async with database.read() as tx:
            return await _compare(tx, checked)
    except StorageError:
        return Found(contents=None, later=None)
    finally:
        await database.close()


async def _look_at_server(url: str, keys: Keyring, checked: Checked) -> Found | None:
    """The same on a server, where it must not be brought up to date for a look.

    Raises:
        StorageError: it is of another version, or cannot be used.
    """
    try:
        database = await Database.open(url, keys, migrate=False)
    except NoDatabaseError:
        return None
    try:
        await database.hold_alone()
        async with database.read() as tx:
            return await _compare(tx, checked)
    finally:
        await database.close()


async def _compare(tx: Transaction, checked: Checked) -> Found | None:
    present, head = await backup.look(tx), checked.contents.head
    if present.is_empty:
        return None
    is_past = await ledger.find_hash(tx, head.position) == head.hash
    later = present.head.position - head.position if is_past else None
    return Found(contents=present, later=later)


def _require_leave(found: Found | None, checked: Checked, overwrite: bool) -> None:
    if not overwrite and (found is not None or checked.ledger.wrong):
        raise LeaveNeededError(found, checked)


async def _set_back(work: Path, keys: Keyring, now: datetime) -> datetime:
    database = await Database.open(url_of(work), keys, migrate=False)
    try:
        async with database.write() as tx:
            known_until = await backup.set_back(tx, now)
    finally:
        await database.close()
    backup_file.seal(work, keys)
    return known_until
