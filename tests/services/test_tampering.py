"""Whoever changes the database by other means is found out, on both engines."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.domain.audit import Finding, Flaw
from bot.domain.errors import StorageError
from bot.domain.ledger import NO_ENTRIES, Entry, Head
from bot.services import agreements, ledger, signing
from bot.storage import ledger as entries
from bot.storage.database import Database, _connect
from tests.factories import KEYS, NEWCOMER
from tests.services.test_ledger import ACCEPT, GROUP, LATER, SECOND, Story, fill, recorded

TRIGGERS = ("ledger_entries_keep", "ledger_entries_erase_only")
ZEROS = "0" * 64
HALF_PAST = "2026-03-01T12:30:00.000000Z"
RECEIPT = "AAAA-BBBB-CCCC"
NEW_SIGNATURE = """
    INSERT INTO signatures (id, group_key, request_id, member_id, version_id, sha256,
        receipt_number, method, signed_at, signed_position)
    SELECT {id}, group_key, request_id, 77, version_id, sha256, '{receipt}', method, signed_at,
        {position} FROM signatures WHERE id = 2
"""


def url_path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def tamper(database: Database, url: str, *statements: str) -> None:
    """Do what somebody with the key can do, past every lock inside the database."""
    if database.dialect == "sqlite":
        connection = _connect(url_path(url).absolute().as_uri(), KEYS.derive("sqlite-file").hex())
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.execute(statement)
        connection.close()
        return
    async with database.write() as tx:
        for statement in ("SET LOCAL session_replication_role = replica", *statements):
            await tx.execute(text(statement.replace(":", "\\:")))


@pytest.fixture
async def told(database: Database) -> Database:
    """Two people: one signed (entry 4) and withdrew (6), one signed by button (9)."""
    story = Story(database)
    await story.publish()
    await story.join()
    await story.react(ACCEPT)
    await story.react(ACCEPT, removed=True)
    await story.join(SECOND)
    in_force = await agreements.read_in_force(database, GROUP)
    await signing.accept_by_button(database, GROUP, SECOND, in_force.id, LATER)
    kinds = [entry.kind for entry in await recorded(database)]
    assert kinds == [
        *("published", "checkpoint", "requested", "signed", "granted"),
        *("withdrawn", "removed", "requested", "signed"),
    ]
    assert (await ledger.verify(database)).findings == ()
    return database


def found(result: ledger.Verification) -> set[tuple[str, int | None]]:
    assert len(result.findings) == result.wrong
    return {(finding.flaw.value, finding.position) for finding in result.findings}


def entry(what: str, position: int = 3) -> str:
    return f"UPDATE ledger_entries SET {what} WHERE position = {position}"  # noqa: S608


def signature(what: str, number: int = 1) -> str:
    return f"UPDATE signatures SET {what} WHERE id = {number}"  # noqa: S608


def version(what: str) -> str:
    return f"UPDATE agreement_versions SET {what}"  # noqa: S608


MATRIX: dict[str, tuple[list[str], set[tuple[str, int | None]]]] = {
    "entry position": ([entry("position = 10")], {("gap", 3), ("changed", 10)}),
    "entry group": ([entry("group_key = NULL")], {("changed", 3)}),
    "entry kind": ([entry("kind = 'declined'")], {("changed", 3)}),
    "entry kind unknown": ([entry("kind = 'dance'")], {("changed", 3)}),
    "entry time": ([entry(f"recorded_at = '{HALF_PAST}'")], {("changed", 3)}),
    "entry subject": ([entry(f"subject = '{ZEROS}'")], {("changed", 3)}),
    "entry subject gone": ([entry("subject = NULL")], {("changed", 3)}),
    "entry commitment": (
        [entry(f"commitment = '{ZEROS}'")],
        {("changed", 3), ("payload", 3)},
    ),
    "entry hash": ([entry(f"hash = '{ZEROS}'")], {("changed", 3)}),
    "entry salt": ([entry(f"salt = '{ZEROS}'")], {("payload", 3)}),
    "entry payload": ([entry("payload = '{}'")], {("payload", 3)}),
    "entry payload no json": ([entry("payload = 'x'", 4)], {("payload", 4), ("signature", 4)}),
    "last entry": ([entry("kind = 'granted'", 9)], {("changed", 9), ("signature", 9)}),
    "entry erased in silence": ([entry("salt = NULL, payload = NULL")], {("erased", 3)}),
    "entry removed": (["DELETE FROM ledger_entries WHERE position = 3"], {("gap", 3)}),
    "first entry removed": (
        ["DELETE FROM ledger_entries WHERE position = 1"],
        {("gap", 1), ("checkpoint", 2)},
    ),
    "checkpoint removed": (["DELETE FROM ledger_entries WHERE position = 2"], {("gap", 2)}),
    "checkpoint of another group": ([entry("group_key = NULL", 2)], {("changed", 2)}),
    "checkpoint payload": ([entry("payload = '{}'", 2)], {("payload", 2), ("checkpoint", 2)}),
    "checkpoint erased": ([entry("salt = NULL, payload = NULL", 2)], {("erased", 2)}),
    "covered entry hash": (
        [entry(f"hash = '{ZEROS}'", 1)],
        {("changed", 1), ("checkpoint", 2)},
    ),
    "entries removed": (
        ["DELETE FROM ledger_entries WHERE position IN (5, 6)"],
        {("gap", 5), ("ending", 6)},
    ),
    "last entry removed": (
        ["DELETE FROM ledger_entries WHERE position = 9"],
        {("signature", 9)},
    ),
    "entries swapped": (
        [entry("position = 100", 3), entry("position = 3", 8), entry("position = 8", 100)],
        {("changed", 3), ("changed", 4), ("changed", 8), ("changed", 9)},
    ),
    "version text": (
        [version("text = text || ' '")],
        {("text", None)},
    ),
    "version text and hash": (
        [version(f"sha256 = '{ZEROS}'")],
        {("text", None), ("version", 1), ("signature_text", 4), ("signature_text", 9)},
    ),
    "version number": (
        [version("number = 5")],
        {("version_missing", 1), ("signature", 4), ("signature", 9)},
    ),
    "version publisher": (
        [version("published_by = 5")],
        {("version", 1)},
    ),
    "version grace": (
        [version(f"grace_ends_at = '{HALF_PAST}'")],
        {("version", 1)},
    ),
    "version outdated": (
        [version(f"outdated_at = '{HALF_PAST}'")],
        {("version", None)},
    ),
    "version not in force": (
        [version("state = 'superseded'")],
        {("version_not_last", None)},
    ),
    "signature hash": (
        [signature(f"sha256 = '{ZEROS}'")],
        {("signature_text", 4), ("signature", 4)},
    ),
    "signature member": ([signature("member_id = 77", 2)], {("signature", 9)}),
    "signature receipt": ([signature(f"receipt_number = '{RECEIPT}'", 2)], {("signature", 9)}),
    "signature method": ([signature("method = 'attested'")], {("signature", 4)}),
    "signature message": ([signature("message_id = 5")], {("signature", 4)}),
    "signature time": ([signature(f"signed_at = '{HALF_PAST}'")], {("signature", 4)}),
    "signature since": (
        [signature("signed_after = '2026-03-01T00:00:00.000000Z'")],
        {("signature", 4)},
    ),
    "signature expiry": ([signature(f"expires_at = '{HALF_PAST}'")], {("signature", 4)}),
    "signature position": (
        [signature("signed_position = 5")],
        {("signature", 5), ("signature_missing", 4)},
    ),
    "signature without position": (
        [signature("signed_position = NULL", 2)],
        {("signature_unrecorded", None), ("signature_missing", 9)},
    ),
    "signature deleted": (["DELETE FROM signatures WHERE id = 2"], {("signature_missing", 9)}),
    "ended signature deleted": (
        ["DELETE FROM signatures WHERE id = 1"],
        {("signature_missing", 4), ("ending_undone", 6)},
    ),
    "signature forged": (
        [NEW_SIGNATURE.format(id=9, receipt=RECEIPT, position="NULL")],
        {("signature_unrecorded", None)},
    ),
    "signature forged under a low id": (
        [NEW_SIGNATURE.format(id=-9, receipt=RECEIPT, position="NULL")],
        {("signature_unrecorded", None)},
    ),
    "signature forged with another's entry": (
        [NEW_SIGNATURE.format(id=9, receipt=RECEIPT, position=9)],
        {("signature", 9), ("signature_twice", 9)},
    ),
    "end undone": (
        [signature("revoked_at = NULL, revoke_reason = NULL")],
        {("ending_undone", 6)},
    ),
    "end undone without a trace": (
        [signature("revoked_at = NULL, revoke_reason = NULL, revoked_position = NULL")],
        {("ending_undone", 6)},
    ),
    "end without entry": (
        [signature(f"revoked_at = '{HALF_PAST}', revoke_reason = 'withdrawn'", 2)],
        {("ending_unrecorded", None)},
    ),
    "end reason": ([signature("revoke_reason = 'renewed'")], {("ending", 6)}),
    "end reason unknown": ([signature("revoke_reason = 'bored'")], {("ending", 6)}),
    "end time": ([signature(f"revoked_at = '{HALF_PAST}'")], {("ending", 6)}),
    "end since": ([signature(f"revoked_after = '{HALF_PAST}'")], {("ending", 6)}),
    "end of another": (
        [signature("revoked_position = 7")],
        {("ending", 7), ("ending_undone", 6)},
    ),
}
"""What is changed, and what is found of it: the flaw and the position of the entry."""


class UndoError(Exception):
    """Makes a transaction leave nothing behind."""


async def found_after(database: Database, statements: list[str]) -> set[tuple[str, int | None]]:
    """What is found when this was done, which is undone again."""
    unlock = (
        ["PRAGMA defer_foreign_keys = ON", *(f"DROP TRIGGER {name}" for name in TRIGGERS)]
        if database.dialect == "sqlite"
        else ["SET LOCAL session_replication_role = replica"]
    )
    result: set[tuple[str, int | None]] = set()
    with contextlib.suppress(UndoError):
        async with database.write() as tx:
            for statement in [*unlock, *statements]:
                await tx.execute(text(statement.replace(":", "\\:")))
            result = found(await ledger.verify_in(tx))
            raise UndoError
    return result


async def test_every_change_is_found_where_it_was_made(told: Database) -> None:
    results = {
        what: await found_after(told, statements) for what, (statements, _) in MATRIX.items()
    }
    assert results == {what: expected for what, (_, expected) in MATRIX.items()}
    assert (await ledger.verify(told)).findings == ()


async def test_cut_off_end_is_found_by_the_head_that_was_posted(
    told: Database, database_url: str
) -> None:
    head = await ledger.find_head(told)
    cut = ["DELETE FROM signatures WHERE id = 2", "DELETE FROM ledger_entries WHERE position > 7"]
    await tamper(told, database_url, *cut)
    assert (await ledger.verify(told)).findings == ()
    assert found(await ledger.verify(told, head)) == {("head_missing", 9)}
    assert await ledger.is_ahead(told, head)
    await tamper(told, database_url, "DELETE FROM signatures", "DELETE FROM ledger_entries")
    await tamper(told, database_url, "UPDATE agreement_versions SET state = 'draft'")
    assert (await ledger.verify(told)).findings == ()
    assert found(await ledger.verify(told, head)) == {("head_missing", 9)}


async def test_head_holds_while_the_ledger_grows(told: Database) -> None:
    heads = [Head(position=e.position, hash=e.hash) for e in await recorded(told)]
    await fill(told, 5)
    for head in (NO_ENTRIES, *heads):
        assert (await ledger.verify(told, head)).findings == ()
    wrong = Head(position=3, hash=heads[3].hash)
    assert found(await ledger.verify(told, wrong)) == {("head_other", 3)}
    assert found(await ledger.verify(told, Head(position=0, hash=heads[0].hash))) == {
        ("head_other", 0)
    }


async def test_rewriting_everything_is_found_by_the_head_alone(
    told: Database, database_url: str
) -> None:
    # What no chain can show by itself: whoever has the key can make another one that holds.
    head = await ledger.find_head(told)
    rewritten: list[Entry] = []
    for old in await recorded(told):
        new = replace(old, kind="declined") if old.position == 3 else old
        previous = rewritten[-1].hash if rewritten else NO_ENTRIES.hash
        rewritten.append(replace(new, hash=new.hash_after(previous)))
    statements = [entry(f"kind = '{e.kind}', hash = '{e.hash}'", e.position) for e in rewritten]
    await tamper(told, database_url, *statements)
    assert (await ledger.verify(told)).findings == ()
    assert found(await ledger.verify(told, head)) == {("head_other", 9)}


async def test_older_signatures_are_counted_when_they_came_before_the_ledger(
    told: Database, database_url: str
) -> None:
    # As an upgrade finds them: no entries yet, the version published, both people signed.
    await tamper(
        told,
        database_url,
        "UPDATE signatures SET signed_position = NULL, revoked_position = NULL",
        "DELETE FROM ledger_entries",
    )
    result = await ledger.verify(told)
    assert (result.findings, result.older, result.signatures) == ((), 2, 2)
    # From here on everything is recorded, the end of an older signature too.
    await signing.withdraw(told, GROUP, SECOND, LATER)
    result = await ledger.verify(told)
    assert (result.findings, result.older, result.entries) == ((), 2, 1)
    in_force = await agreements.read_in_force(told, GROUP)
    await signing.accept_by_button(told, GROUP, NEWCOMER, in_force.id, LATER)
    assert (await ledger.verify(told)).findings == ()
    # One that is put in now is newer than the first that was recorded.
    await tamper(told, database_url, NEW_SIGNATURE.format(id=9, receipt=RECEIPT, position="NULL"))
    assert found(await ledger.verify(told)) == {("signature_unrecorded", None)}


async def test_tampering_with_what_was_erased_is_still_found(
    told: Database, database_url: str
) -> None:
    async with told.write() as tx:
        await entries.erase(tx, SECOND, LATER)
    await tamper(told, database_url, signature("member_id = 77", 2))
    assert found(await ledger.verify(told)) == {("signature", 9)}
    await tamper(told, database_url, "DELETE FROM ledger_entries WHERE kind = 'erased'")
    assert {("erased", 8), ("erased", 9)} <= found(await ledger.verify(told))


async def test_many_findings_are_counted_and_the_first_are_listed(
    told: Database, database_url: str
) -> None:
    await fill(told, 100)
    await tamper(told, database_url, "UPDATE ledger_entries SET payload = '{}' WHERE position > 9")
    result = await ledger.verify(told)
    assert result.wrong == 100
    assert result.findings == tuple(
        Finding(flaw=Flaw.PAYLOAD, position=position) for position in range(10, 30)
    )


@pytest.mark.parametrize("engine_name", ["sqlite"])
async def test_value_that_nobody_can_read_is_a_refusal_in_words(
    told: Database, database_url: str
) -> None:
    await tamper(told, database_url, entry("recorded_at = 'yesterday'"))
    with pytest.raises(StorageError, match="cannot be read to its end"):
        await ledger.verify(told)
