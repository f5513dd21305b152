"""Having everything encrypted with the newest of the operator's keys, while Pledge runs."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import DomainError, InUseError, NoDatabaseError, StorageError
from bot.keys import Keyring
from bot.storage import backup_file, file_key, operator_keys, resealing
from bot.storage.database import Database, Transaction, keys_of
from bot.storage.resealing import Resealed

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


RESTART = (
    "Pledge is running without the key that stands first. Restart it, so that it reads the keys"
    " anew, and type this command again. Nothing was lost; keep every key."
)


class RestartNeededError(DomainError):
    """The Pledge that runs does not encrypt with the newest key."""

    def __init__(self) -> None:
        super().__init__(RESTART)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation came to.

    `retired` is how many keys the record does not need any more; `file_is_new` is False while the
    database file as a whole still has an older key, because a running Pledge has it open.
    """

    resealed: Resealed
    retired: int
    file_is_new: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing needs an older key any more."""
        return self.file_is_new and not self.resealed.unreadable


def renew_file(url: str, keys: Keyring) -> None:
    """Before a start: have the database file encrypted with the newest key, if that is possible.

    What stands in the way is logged, and is no reason not to start.

    Raises:
        InUseError: a Pledge is running with it.
    """
    path = backup_file.path_of(url)
    if path is None:
        return
    try:
        if file_key.renew(path, keys):
            log.info("The database file is encrypted with the newest key now")
    except InUseError:
        raise
    except (StorageError, OSError) as error:
        log.warning("The database file keeps its older key for now: %s", error)


async def take_over(database: Database) -> None:
    """As the one process that works on the record: encrypt with the newest key from now on."""
    async with database.write() as tx:
        needs_older = await operator_keys.take_over(tx, keys_of(tx))
    if needs_older:
        log.warning(
            "Part of the record is still encrypted with an older key: `pledge keygen --rotate`"
            " encrypts it anew"
        )


async def rotate(url: str, keys: Keyring, progress: Progress) -> Rotated:
    """Encrypt everything with the newest key, in small steps; ended anywhere, it can go on.

    Args:
        url: the database, which may be in use.
        keys: the operator's keys, the newest first.
        progress: is told how many rows are done, and of how many.

    Raises:
        RestartNeededError: the Pledge that runs would go on with an older key.
        StorageError: a key is missing, or the database cannot be used.
        NoDatabaseError: there is none.
    """
    path = backup_file.path_of(url)
    if path is not None:
        _renew_unless_running(path, keys)
    database = await Database.open(url, keys, migrate=False)
    try:
        try:
            await database.hold_alone()
            async with database.write() as tx:
                await operator_keys.take_over(tx, keys_of(tx))
        except InUseError:
            log.info("Pledge is running; it goes on meanwhile")
        done = await _reseal_all(database, progress)
        async with database.write() as tx:
            await _require_newest(tx)
            retired = 0 if done.unreadable else await operator_keys.let_go(tx, keys_of(tx))
    finally:
        await database.close()
    file_is_new = path is None or file_key.has_newest(path, keys)
    return Rotated(resealed=done, retired=retired, file_is_new=file_is_new)


def _renew_unless_running(path: Path, keys: Keyring) -> None:
    if not path.exists():
        raise NoDatabaseError
    try:
        file_key.renew(path, keys)
    except InUseError:
        # It does so itself when it starts.
        return


async def _reseal_all(database: Database, progress: Progress) -> Resealed:
    async with database.read() as tx:
        await _require_newest(tx)
        total = await resealing.count_rows(tx)
    done, seen = Resealed(), 0
    progress(seen, total)
    for table in resealing.SEALED:
        after = 0
        while ids := await _find_page(database, table, after):
            done += await _reseal_page(database, table, ids)
            after, seen = ids[-1], seen + len(ids)
            progress(seen, max(seen, total))
    return done


async def _find_page(database: Database, table: str, after: int) -> list[int]:
    async with database.read() as tx:
        return await resealing.list_page(tx, table, after)


async def _reseal_page(database: Database, table: str, ids: list[int]) -> Resealed:
    async with database.read() as tx:
        if not await resealing.has_older(tx, table, ids, keys_of(tx)):
            return Resealed()
    began_at = time.monotonic()
    async with database.write() as tx:
        await _require_newest(tx)
        done = await resealing.reseal(tx, table, ids, keys_of(tx))
    # One writer at a time: as long as this one wrote, a running Pledge may write now.
    await asyncio.sleep(time.monotonic() - began_at)
    return done


async def _require_newest(tx: Transaction) -> None:
    if await operator_keys.find_newest(tx) != keys_of(tx).fingerprint:
        raise RestartNeededError
