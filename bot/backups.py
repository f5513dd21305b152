"""What `pledge backup` and `pledge restore` say in the terminal."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape

from bot.domain.errors import DomainError
from bot.domain.ledger import NO_ENTRIES
from bot.keys import Keyring
from bot.services import backup, restore
from bot.services.backup import Checked
from bot.services.restore import Found, LeaveNeededError
from bot.storage.backup import Contents
from bot.terminal import bar
from bot.verification import sentence


def save(url: str, keys: Keyring, file: Path, console: Console) -> bool:
    """Make a backup and say what is in it; returns whether all is well."""
    with bar(console, "Copying") as tell:
        saved = asyncio.run(backup.save(url, keys, file.absolute(), datetime.now(UTC), tell))
    console.print(f"Saved {escape(str(file))} ({decimal(saved.size)}, encrypted). In it:")
    for line in _lines(saved.checked):
        console.print(f"  {line}")
    console.print(
        "The key is not in it: keep the key and the backups in different places. Whoever has both"
        " can read everything, and without the key nobody can open the file."
    )
    return _all_well(saved.checked)


def put_back(
    url: str,
    keys: Keyring,
    file: Path,
    console: Console,
    *,
    kept_for: timedelta,
    overwrite: bool,
) -> bool:
    """Put a backup back and say what comes next; returns whether all is well.

    Args:
        url: where the database is.
        keys: the operator's keys.
        file: the backup.
        console: where to say it.
        kept_for: after how long people were told that no backup is left.
        overwrite: whether a record that is there may be replaced.

    Raises:
        DomainError: that would replace a record or put back a wrong one, and `overwrite` is False.
    """
    now = datetime.now(UTC)
    with bar(console, "Reading") as tell:
        work = restore.restore(url, keys, file.absolute(), now, overwrite=overwrite, progress=tell)
        try:
            restored = asyncio.run(work)
        except LeaveNeededError as error:
            raise DomainError(_refusal(error)) from None
    console.print(f"Put back {escape(str(file))}. In it:")
    for line in _lines(restored.checked):
        console.print(f"  {line}")
    if restored.aside is not None:
        console.print(
            "What was in its place could not be read, and is kept as"
            f" {escape(str(restored.aside))}. Delete it when you do not need it."
        )
    console.print(
        f"The record knows nothing of what happened after {_time(restored.known_until)}. Now start"
        " Pledge: it compares the record with Discord, takes the role from nobody before that is"
        " done, and tells the moderators' channel what it found and what it cannot know."
    )
    console.print(
        "Whoever used `/privacy erase` after that is in the record again, and Pledge cannot know"
        " of them. Say so where your members read it, so that they can erase it once more; then"
        " delete the backup."
    )
    if now - restored.known_until > kept_for:
        console.print(
            f"Your members were told that no backup is older than {kept_for.days} days"
            " (`retention: backup_days`), and this one is. Delete it, and any other like it."
        )
    return _all_well(restored.checked)


def _refusal(error: LeaveNeededError) -> str:
    lines = ["Nothing was changed."]
    if error.found is not None:
        lines += ["There is a record already:", *_indented(error.found.contents)]
        lines += ["What would take its place:", *_indented(error.checked.contents)]
        lines.append(_loss(error.found))
    if error.checked.ledger.wrong:
        lines += ["The backup's record is not what it was:", *_wrong(error.checked)]
    lines.append("To put the backup back nevertheless, type the same command with --yes.")
    return "\n".join(lines)


def _all_well(checked: Checked) -> bool:
    return not checked.ledger.wrong


def _loss(found: Found) -> str:
    if found.contents is None:
        return (
            "Because it cannot be read, nobody knows what would be lost. With --yes the file is"
            " kept under another name."
        )
    if found.later is None:
        return (
            "The backup is not from the history of this record: all of it would be lost. To keep"
            " it, use `pledge backup` first."
        )
    return (
        f"Entries of the ledger that are newer than the backup and would be lost: {found.later}."
        " To keep them, use `pledge backup` first."
    )


def _lines(checked: Checked) -> list[str]:
    lines = _summary(checked.contents)
    if not checked.ledger.wrong:
        return [*lines, "checked: the file is whole, and ledger and record agree"]
    return [
        *lines,
        "[red]checked: the file is whole, but the record is not what it was:[/]",
        *(f"[red]{escape(line)}[/]" for line in _wrong(checked)),
    ]


def _wrong(checked: Checked) -> list[str]:
    lines = [f"  {sentence(finding)}" for finding in checked.ledger.findings]
    more = checked.ledger.wrong - len(lines)
    return [*lines, f"  And {more:,} more."] if more else lines


def _indented(contents: Contents | None) -> list[str]:
    return [f"  {line}" for line in _summary(contents)]


def _summary(contents: Contents | None) -> list[str]:
    if contents is None:
        return ["a file that this Pledge cannot read with this key"]
    lines = [
        f"groups {contents.groups}, versions of agreements {contents.versions},"
        f" signatures {contents.signatures} ({contents.in_force} of them not ended)"
    ]
    if contents.taken_at is not None:
        lines.append(f"made {_time(contents.taken_at)}")
    if contents.newest_at is not None:
        lines.append(f"last change {_time(contents.newest_at)}")
    if contents.head != NO_ENTRIES:
        lines.append(f"head of the ledger {contents.head}")
    return lines


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
