"""Cuts the power at points of a recorded run: what was not synced is lost, or kept, or torn."""

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.domain.errors import StorageError
from bot.keys import Keyring
from bot.services import signing
from bot.storage import database as storage
from bot.storage.database import Database
from tests.crash.record import Record
from tests.crash.vfs import Entry, Kind, Recorder
from tests.factories import KEYS, NOW, publish

FILE = "pledge.db"
SECTOR = 512
GROUP = "harbour-light"


class Cut(StrEnum):
    """What becomes of the writes that no sync has followed yet."""

    DROPPED = "all dropped"
    SOME = "some kept, some torn, in any order"
    KEPT = "all kept"


def record_run(folder: Path, people: int, synchronous: str, pipe: Any) -> None:
    """Sign and withdraw through the real code on a real file; send what reached the disk."""
    recorder = Recorder()
    open_file = storage._open_file

    def open_with(path: Path, keys: Keyring) -> Any:
        connection = open_file(path, keys)
        if synchronous != "FULL":
            connection.execute(f"PRAGMA synchronous = {synchronous}").fetchall()
        return connection

    storage._open_file = open_with
    asyncio.run(_sign(folder, people, recorder))
    pipe.send(recorder.entries)
    pipe.close()


async def _sign(folder: Path, people: int, recorder: Recorder) -> None:
    database = await Database.open(f"sqlite:///{folder / FILE}", KEYS)
    version = await publish(database)
    for number in range(people):
        member_id, now = number + 1, NOW + timedelta(seconds=number)
        await signing.accept_by_button(database, GROUP, member_id, version.id, now)
        recorder.acknowledge(member_id, signed=True)
        if number % 3 == 0:
            await signing.withdraw(database, GROUP, member_id, now)
            recorder.acknowledge(member_id, signed=False)
    await database.close()


def run_recorded(folder: Path, people: int, synchronous: str = "FULL") -> list[Entry]:
    """The entries of one run in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    args = (folder, people, synchronous, theirs)
    process = context.Process(target=record_run, args=args, daemon=True)
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join()
        process.close()
        ours.close()


@dataclass
class Disk:
    """The files of one folder: what is safe, and what is only on its way.

    A file's name is safe with the first sync of the file, as SQLite then syncs the folder too; a
    deletion may come undone until something is synced. The database file itself is there from
    the start: Pledge makes it before SQLite opens it, and the first sync of the WAL saves both.
    """

    safe: dict[str, bytearray] = field(default_factory=lambda: {FILE: bytearray()})
    waiting: list[Entry] = field(default_factory=list)

    def apply(self, entry: Entry) -> None:
        if entry.kind is Kind.SYNC:
            self.safe.setdefault(entry.name, bytearray())
            mine = [
                one for one in self.waiting if one.name == entry.name or one.kind is Kind.DELETE
            ]
            self.waiting = [one for one in self.waiting if one not in mine]
            for one in mine:
                _carry_out(self.safe, one)
        elif entry.kind is not Kind.ACKNOWLEDGED:
            self.waiting.append(entry)

    def cut(self, how: Cut, rng: random.Random) -> dict[str, bytearray]:
        """What is found on the disk when the power is back."""
        files = {name: bytearray(content) for name, content in self.safe.items()}
        if how is Cut.DROPPED:
            return files
        left = list(self.waiting)
        if how is Cut.SOME:
            left = [_torn(one, rng) for one in left if rng.random() < 0.5]
            rng.shuffle(left)
        for one in left:
            _carry_out(files, one)
        return files


def _carry_out(files: dict[str, bytearray], entry: Entry) -> None:
    if entry.kind is Kind.DELETE:
        files.pop(entry.name, None)
        return
    content = files.setdefault(entry.name, bytearray())
    if entry.kind is Kind.TRUNCATE:
        del content[entry.offset :]
        return
    end = entry.offset + len(entry.data)
    content.extend(bytes(max(0, end - len(content))))
    content[entry.offset : end] = entry.data


def _torn(entry: Entry, rng: random.Random) -> Entry:
    if entry.kind is not Kind.WRITE or len(entry.data) <= SECTOR or rng.random() < 0.7:
        return entry
    size = rng.randrange(SECTOR, len(entry.data), SECTOR)
    return Entry(entry.kind, entry.name, entry.offset, entry.data[:size])


@dataclass
class PowerFigures:
    """What came of many power cuts."""

    acknowledged: int = 0
    syncs: int = 0
    cuts: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0


async def cut_power(entries: list[Entry], folder: Path, cuts: int, seed: int) -> PowerFigures:
    """Cut the power at so many places of the run, in each way, and open what is left."""
    began, rng, disk = time.monotonic(), random.Random(seed), Disk()
    figures, known = PowerFigures(), dict[int, bool]()
    first = next(n for n, entry in enumerate(entries) if entry.kind is Kind.ACKNOWLEDGED)
    places = set(rng.sample(range(first, len(entries)), min(cuts, len(entries) - first)))
    for place, entry in enumerate(entries):
        disk.apply(entry)
        figures.syncs += entry.kind is Kind.SYNC
        if entry.fact is not None:
            known[entry.fact[0]] = entry.fact[1]
            figures.acknowledged += 1
        if place in places:
            for how in Cut:
                figures.cuts[how] += 1
                image = folder / f"cut-{place}-{how.name.lower()}"
                await _inspect(image, disk.cut(how, rng), known, figures, f"{place}, {how}")
    figures.seconds = time.monotonic() - began
    return figures


def _write(folder: Path, files: dict[str, bytearray]) -> None:
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_bytes(content)


async def _inspect(
    folder: Path,
    files: dict[str, bytearray],
    known: dict[int, bool],
    figures: PowerFigures,
    name: str,
) -> None:
    _write(folder, files)
    try:
        # As the next start does: this brings the WAL in, and the tables up to date.
        await (await Database.open(f"sqlite:///{folder / FILE}", KEYS)).close()
        record = Record(folder / FILE)
        found = record.integrity()
        rows = dict(record.ask("SELECT member_id, revoked_at IS NULL FROM signatures"))
    except StorageError as error:
        figures.broken.append(f"{name}: {error}")
        return
    figures.broken += [f"{name}: {line}" for line in found if line != "ok"]
    gone = [who for who, signed in known.items() if who not in rows or (rows[who] and not signed)]
    figures.lost += (
        [f"{name}: {len(gone)} of {len(known)} people, such as {gone[0]}"] if gone else []
    )
