"""Says where key and token are kept badly, and what mends it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

ADVICE = (
    "The key: without it the record, the cases and every backup are lost, and nobody can help. Keep"
    " a copy in a password manager, and one with a second person, never beside the backups."
)
"""Where the key has to be kept, said before it is lost."""

FILES = ("DISCORD_TOKEN_FILE", "PLEDGE_KEY_FILE")


def warnings(
    environ: Mapping[str, str], database: Path | None, backup: Path | None = None
) -> Iterator[str]:
    """What is to be said about the files with the secrets.

    Args:
        environ: the environment.
        database: the database file; None for a server.
        backup: a backup that is made now.
    """
    # systemd's credentials are for this service alone, though the bits do not show it.
    own = environ.get("CREDENTIALS_DIRECTORY")
    for name in FILES:
        path = Path(environ.get(name, "").strip() or ".")
        if _is_there(path) and not (own and path.is_relative_to(own)):
            yield from _of_file(name, path)
            if name == "PLEDGE_KEY_FILE":
                yield from _of_neighbours(path, database, backup)


def _is_there(path: Path) -> bool:
    """Whether there is such a file, as far as this account may know."""
    try:
        return path.is_file()
    except OSError:
        return False


def _of_file(name: str, path: Path) -> Iterator[str]:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        yield (
            f"Others on this machine can read the file in {name}. Close it to them:"
            f" chmod 600 {path}"
        )


def _of_neighbours(key: Path, database: Path | None, backup: Path | None) -> Iterator[str]:
    """A key beside what it locks is stolen, lost and burnt together with it."""
    folder = key.resolve().parent
    if database is not None and folder.is_relative_to(database.parent):
        yield (
            f"The key lies beside the database, in {folder}: whoever copies that folder can read"
            " everything. Move the key to a folder of its own, and set PLEDGE_KEY_FILE to it."
        )
    kept = backup is not None and folder.is_relative_to(backup.resolve().parent)
    if kept or any(folder.glob("*.backup")):
        yield (
            f"The key lies beside backups, or below them, in {folder}: whoever finds them can read"
            " everything."
            " Keep the backups elsewhere, and a copy of the key in a password manager."
        )
