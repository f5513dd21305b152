"""What `pledge ledger verify` says in the terminal."""

import asyncio
import contextlib
from collections.abc import Generator

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from bot.domain.audit import Finding, Flaw
from bot.domain.ledger import Head
from bot.keys import Keyring
from bot.services import ledger
from bot.services.ledger import Tell, Verification
from bot.storage.database import Database

LINE_EVERY = 100_000
"""Where there is no terminal, and so no bar, a line tells of the progress after so many rows."""

FLAWS = {
    Flaw.GAP: "Entries {position} to {until} are missing.",
    Flaw.CHANGED: "Entry {position} was changed, or does not follow the one before it.",
    Flaw.PAYLOAD: "Entry {position}: what it says was changed.",
    Flaw.ERASED: "Entry {position}: what it said was destroyed, and no entry records that.",
    Flaw.CHECKPOINT: "Entry {position}: the checkpoint is not one of the entries before it.",
    Flaw.HEAD_MISSING: "Entry {position}, of the head you gave, is missing: the ledger was cut"
    " short, or is an older copy.",
    Flaw.HEAD_OTHER: "Entry {position} is not the one of the head you gave: the ledger was"
    " rewritten, or is another one.",
    Flaw.TEXT: "{group_key}, version {number}: the text was changed; its SHA-256 is another one.",
    Flaw.VERSION: "Entry {position}: {group_key}, version {number} says something else than the"
    " entry of its publishing.",
    Flaw.VERSION_MISSING: "Entry {position}: the version that was published in {group_key} is not"
    " there.",
    Flaw.VERSION_UNRECORDED: "{group_key}, version {number}: no entry tells of its publishing.",
    Flaw.VERSION_NOT_LAST: "{group_key}, version {number}: in force is not what was published"
    " last.",
    Flaw.SIGNATURE_TEXT: "Signature {receipt} is not of the text of its version.{at}",
    Flaw.SIGNATURE: "Signature {receipt} says something else than entry {position}.",
    Flaw.SIGNATURE_UNRECORDED: "Signature {receipt}: no entry tells of it.",
    Flaw.SIGNATURE_MISSING: "Entry {position}: the signature it tells of is missing.",
    Flaw.SIGNATURE_TWICE: "Entry {position}: more than one signature claims it.",
    Flaw.ENDING: "Signature {receipt}: its end is told otherwise by entry {position}.",
    Flaw.ENDING_UNRECORDED: "Signature {receipt} has ended, and no entry tells of it.",
    Flaw.ENDING_UNDONE: "Entry {position}: the end of a signature that it tells of was undone.",
}


def verify(url: str, keys: Keyring, head: Head | None, console: Console, errors: Console) -> bool:
    """Check the ledger and say what came of it; returns whether all is well."""
    with _progress(errors) as tell:
        result = asyncio.run(_verify(url, keys, head, tell))
    for finding in result.findings:
        console.print(escape(sentence(finding)), style="red")
    if result.wrong > len(result.findings):
        console.print(f"And {result.wrong - len(result.findings):,} more.", style="red")
    for line in _summary(result):
        console.print(line)
    if result.wrong:
        console.print(
            "The record is not what it was. Stop Pledge, keep a copy of the database as it is, and"
            " compare with a backup from before."
        )
        return False
    if head is not None:
        console.print(f"It contains the head {head}: nothing before it was taken away or changed.")
    console.print(f"All is as it was recorded. The head is\n{result.head}")
    return True


async def _verify(url: str, keys: Keyring, head: Head | None, tell: Tell) -> Verification:
    database = await Database.open(url, keys, migrate=False)
    try:
        return await ledger.verify(database, head, tell)
    finally:
        await database.close()


def sentence(finding: Finding) -> str:
    """One finding in words."""
    if finding.flaw is Flaw.GAP and finding.position == finding.until:
        return f"Entry {finding.position} is missing."
    return FLAWS[finding.flaw].format(
        position=finding.position,
        until=finding.until,
        group_key=finding.group_key,
        receipt=finding.receipt,
        number=finding.number,
        at=f" See entry {finding.position}." if finding.position else "",
    )


def _summary(result: Verification) -> list[str]:
    lines = [
        f"Checked: entries {result.entries:,}, versions of agreements {result.versions:,},"
        f" signatures {result.signatures:,}. Findings: {result.wrong:,}."
    ]
    if result.erased:
        lines.append(
            f"Entries whose words were erased, and which still hold the chain: {result.erased:,}."
        )
    if result.proofs:
        lines.append(f"Proofs of signatures that ended and were removed: {result.proofs:,}.")
    if result.older:
        lines.append(
            f"Signatures from before the ledger, for which it cannot vouch: {result.older:,}."
        )
    return lines


@contextlib.contextmanager
def _progress(errors: Console) -> Generator[Tell]:
    """A bar on a terminal, lines elsewhere; beside the result, not in it."""
    if not errors.is_terminal:
        told = 0

        def say(done: int, total: int) -> None:
            nonlocal told
            if done // LINE_EVERY > told:
                told = done // LINE_EVERY
                errors.print(f"Checked {done:,} of {total:,}.")

        yield say
        return
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        bar = progress.add_task("Checking")
        yield lambda done, total: progress.update(bar, completed=done, total=total)
