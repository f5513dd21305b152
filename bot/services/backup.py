"""Making a backup while Pledge runs."""

import asyncio
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.domain.errors import NoDatabaseError, RecordUnavailableError, StorageError
from bot.keys import Keyring
from bot.services import ledger
from bot.services.ledger import Verification
from bot.storage import backup, backup_file
from bot.storage.backup import Contents
from bot.storage.backup_file import Progress
from bot.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is in a copy, and what the check of its ledger came to."""

    contents: Contents
    ledger: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A backup that was made; its ledger may be as wrong as that of the database."""

    size: int
    checked: Checked


async def save(url: str, keys: Keyring, file: Path, now: datetime, progress: Progress) -> Saved:
    """Make one encrypted file of the whole database, of one moment, and check it.

    Args:
        url: the database, which may be in use.
        keys: the operator's keys; the file is encrypted with one of them.
        file: where to; must not be there yet. Nothing bears this name before it is checked.
        now: the current instant.
        progress: is told how much is done, and of how much.

    Raises:
        StorageError: the database cannot be read, or the file not be made; no file was made.
        NoDatabaseError: there is no database.
    """
    path = backup_file.path_of(url)
    _require_free(file)
    partial = file.with_name(f".{file.name}-{secrets.token_hex(4)}.backup")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        if path is None:
            await _copy_server(url, partial, keys, progress)
        elif path.is_file() and path.stat().st_size:
            counts = await asyncio.to_thread(backup_file.copy, path, partial, keys, progress)
            await asyncio.to_thread(backup_file.require_whole, partial, keys, counts)
        else:
            raise NoDatabaseError
        backup_file.mark_taken(partial, keys, now)
        checked = await _examine(partial, keys, progress)
        backup_file.seal(partial, keys)
        size = partial.stat().st_size
        _require_free(file)
        backup_file.put_in_place(partial, file)
    finally:
        backup_file.remove(partial)
    return Saved(size=size, checked=checked)


def _require_free(file: Path) -> None:
    if not file.parent.is_dir():
        raise StorageError(f"{file}: the folder {file.parent} is not there. Nothing was written.")
    if "?" in str(file.absolute()):
        raise StorageError(f"{file}: choose a name without a question mark. Nothing was written.")
    if file.exists() or file.is_symlink():
        raise StorageError(
            f"{file} is there already; nothing was written. Give every backup a name of its own,"
            " such as one with the date and the time, or delete that file first."
        )


async def _copy_server(url: str, partial: Path, keys: Keyring, progress: Progress) -> None:
    source = await Database.open(url, keys, migrate=False)
    try:
        target = await Database.open(url_of(partial), keys)
        try:
            async with source.read() as present, target.write() as tx:
                await copy_rows(present, tx, progress)
        finally:
            await target.close()
    finally:
        await source.close()
    await asyncio.to_thread(backup_file.require_whole, partial, keys)


async def copy_rows(source: Transaction, target: Transaction, progress: Progress) -> None:
    """Copy everything into empty tables, and count it there.

    Raises:
        StorageError: something is missing.
    """
    copied = await backup.copy_rows(source, target, progress)
    if await backup.count_rows(target) != copied:
        raise StorageError("The copy has not as many rows as what it was made of.")


async def _examine(copy: Path, keys: Keyring, progress: Progress) -> Checked:
    """Look into a copy and check its ledger; the copy keeps the tables of its version."""
    try:
        database = await Database.open(url_of(copy), keys, migrate=False)
    except (NoDatabaseError, RecordUnavailableError):
        raise
    except StorageError:
        # It was made by another version: look into a copy that may be brought up to date.
        scratch = copy.with_name(f"{copy.name}-check")
        try:
            await asyncio.to_thread(backup_file.copy, copy, scratch, keys, progress)
            return await bring_up_to_date(scratch, keys, progress)
        finally:
            backup_file.remove(scratch)
    return await _look_into(database, progress)


async def bring_up_to_date(copy: Path, keys: Keyring, progress: Progress) -> Checked:
    """Give a copy the tables of this version, look into it and check its ledger.

    Raises:
        StorageError: it was made by a newer Pledge.
    """
    return await _look_into(await Database.open(url_of(copy), keys), progress)


async def _look_into(database: Database, progress: Progress) -> Checked:
    try:
        async with database.read() as tx:
            contents = await backup.look(tx)
            return Checked(contents=contents, ledger=await ledger.verify_in(tx, tell=progress))
    finally:
        await database.close()


def url_of(path: Path) -> str:
    """The address of an SQLite file."""
    return f"sqlite:///{path.absolute()}"
