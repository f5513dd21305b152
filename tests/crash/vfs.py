"""A shim under SQLite that writes down what reaches the disk, in which order, and what is synced.

It stands in for SQLite's own file layer in this process and passes everything on to it. Only what
is needed to cut the power later is taken down: writes, truncations, syncs and deletions.
"""

import ctypes
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlcipher3._sqlite3 as driver

OK = 0
CREATE = 0x4
TRANSIENT = 0x8 | 0x200 | 0x400 | 0x1000
"""SQLITE_OPEN_DELETEONCLOSE and temporary files: nobody expects them after a power cut."""


class Kind(StrEnum):
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    DELETE = "delete"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a file; `fact` is what the program was told is safe."""

    kind: Kind
    name: str = ""
    offset: int = 0
    data: bytes = b""
    fact: tuple[int, bool] | None = None


_Close = CFUNCTYPE(c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)
_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)


class _Methods(Structure):
    """`sqlite3_io_methods`; what is passed on untouched is a plain pointer."""

    _fields_ = (
        ("iVersion", c_int),
        ("xClose", _Close),
        ("xRead", c_void_p),
        ("xWrite", _Write),
        ("xTruncate", _Truncate),
        ("xSync", _Sync),
        *((f"rest{number}", c_void_p) for number in range(13)),
    )


class _File(Structure):
    """`sqlite3_file`."""

    _fields_ = (("pMethods", POINTER(_Methods)),)


class _Vfs(Structure):
    """`sqlite3_vfs`."""

    _fields_ = (
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", _Open),
        ("xDelete", _Delete),
        *((f"rest{number}", c_void_p) for number in range(14)),
    )


class Recorder:
    """Installs itself as SQLite's file layer, for good: this process must not outlive the run."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._names: dict[int, str] = {}
        self._originals: dict[int, _Methods] = {}
        self._kept: list[Any] = []
        library = ctypes.CDLL(driver.__file__)
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        original = library.sqlite3_vfs_find(None).contents
        self._open_below, self._delete_below = original.xOpen, original.xDelete
        self._vfs = _Vfs.from_buffer_copy(original)
        self._vfs.pNext, self._vfs.zName = None, b"recorder"
        self._vfs.xOpen, self._vfs.xDelete = self._keep(_Open(self._open), _Delete(self._delete))
        assert library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == OK

    def acknowledge(self, member_id: int, *, signed: bool) -> None:
        """The program was told that this is committed."""
        self.entries.append(Entry(Kind.ACKNOWLEDGED, fact=(member_id, signed)))

    def _keep(self, *callbacks: Any) -> tuple[Any, ...]:
        self._kept += callbacks
        return callbacks

    def _open(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        result = self._open_below(vfs, name, file, flags, out)
        if result != OK or not name or flags & TRANSIENT:
            return result
        self._names[file] = Path(ctypes.string_at(name).decode()).name
        methods = ctypes.cast(file, POINTER(_File)).contents
        self._originals[file] = original = methods.pMethods.contents
        wrapped = _Methods.from_buffer_copy(original)
        wrapped.xWrite, wrapped.xTruncate, wrapped.xSync, wrapped.xClose = self._keep(
            _Write(self._write), _Truncate(self._truncate), _Sync(self._sync), _Close(self._close)
        )
        self._kept.append(wrapped)
        methods.pMethods = ctypes.pointer(wrapped)
        return result

    def _note(self, file: int, result: int, entry: Callable[[str], Entry]) -> int:
        if result == OK:
            self.entries.append(entry(self._names[file]))
        return result

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        result = self._originals[file].xWrite(file, data, size, offset)
        content = ctypes.string_at(data, size)
        return self._note(file, result, lambda name: Entry(Kind.WRITE, name, offset, content))

    def _truncate(self, file: int, size: int) -> int:
        result = self._originals[file].xTruncate(file, size)
        return self._note(file, result, lambda name: Entry(Kind.TRUNCATE, name, size))

    def _sync(self, file: int, flags: int) -> int:
        result = self._originals[file].xSync(file, flags)
        return self._note(file, result, lambda name: Entry(Kind.SYNC, name))

    def _close(self, file: int) -> int:
        original = self._originals.pop(file)
        del self._names[file]
        # SQLite's own layer must find its own methods when it lets go of the file.
        return original.xClose(file)

    def _delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        result = self._delete_below(vfs, name, sync_folder)
        if result == OK:
            self.entries.append(Entry(Kind.DELETE, Path(name.decode()).name))
        return result
