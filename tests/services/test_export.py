"""What is written out of a group, as a spreadsheet and a program read it, on both engines."""

import csv
import io
import json
import threading
import zipfile

import pytest
from typing_extensions import override

from bot.domain.agreements import Method, RequestState
from bot.domain.errors import ExportTooLargeError
from bot.services import export
from bot.storage.database import Database
from tests.factories import NOW, publish
from tests.roster import FIRST, GROUP, add_person, after

LATER = after(days=1)


def rows_of(content: bytes) -> list[dict[str, str]]:
    """As a spreadsheet reads it: the byte order mark tells it that this is UTF-8."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def fill(database: Database, count: int) -> None:
    version = await publish(database)
    async with database.write() as tx:
        for number in range(count):
            await add_person(tx, version, number, signed_at=after(minutes=number))


async def test_a_table_tells_everything_of_everybody(database: Database) -> None:
    version = await publish(database)
    async with database.write() as tx:
        await add_person(tx, version, 1, signed_at=after(hours=1), expires_at=after(days=90))
        await add_person(
            tx,
            version,
            2,
            signed_at=after(hours=2),
            signed_after=after(hours=1),
            method=Method.ATTESTED,
            attested_by=77,
            note="never written out",
        )
        await add_person(tx, version, 3, RequestState.SENT)
        await add_person(tx, version, 4, signed_at=after(hours=1), left_at=after(hours=3))
    file = await export.write(database, GROUP, "csv", LATER, names={FIRST + 1: 'Test, "One"\n'})
    assert (file.ending, file.people) == ("csv", 3)
    assert rows_of(file.content) == [
        {
            "member_id": str(FIRST + 1),
            "name": 'Test, "One"\n',
            "standing": "signed",
            "since": "2026-03-01T13:00:00Z",
            "version": "1",
            "method": "reaction",
            "attested_by": "",
            "signed_at": "2026-03-01T13:00:00Z",
            "signed_after": "",
            "valid_until": "2026-05-30T12:00:00Z",
            "receipt_number": "R-1",
        },
        {
            "member_id": str(FIRST + 2),
            "name": "",
            "standing": "signed",
            "since": "2026-03-01T14:00:00Z",
            "version": "1",
            "method": "attested",
            "attested_by": "77",
            "signed_at": "2026-03-01T14:00:00Z",
            "signed_after": "2026-03-01T13:00:00Z",
            "valid_until": "",
            "receipt_number": "R-2",
        },
        {
            "member_id": str(FIRST + 3),
            "name": "",
            "standing": "waiting",
            "since": "2026-03-01T12:00:00Z",
            "version": "",
            "method": "",
            "attested_by": "",
            "signed_at": "",
            "signed_after": "",
            "valid_until": "",
            "receipt_number": "",
        },
    ]
    lines = file.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == ",".join(export.COLUMNS)
    assert b"never written out" not in file.content


@pytest.mark.parametrize(
    "name",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("x")'),
        *("\uff1d1+1", "\uff20SUM(A1)", "\u00a0=1", "\u3000=1"),
    ],
)
async def test_no_name_becomes_a_formula(database: Database, name: str) -> None:
    await fill(database, 1)
    file = await export.write(database, GROUP, "csv", LATER, names={FIRST: name})
    assert rows_of(file.content)[0]["name"] == f"'{name}"


@pytest.mark.parametrize("count", [0, 1, 3, 7])
async def test_data_for_programs_is_whole_however_many_people(
    database: Database, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 3)
    await fill(database, count)
    file = await export.write(database, GROUP, "json", LATER, names={FIRST: "=1 ✅"})
    data = json.loads(file.content)
    assert (data["group"], data["made_at"]) == (GROUP, "2026-03-02T12:00:00Z")
    assert [one["member_id"] for one in data["people"]] == [str(FIRST + n) for n in range(count)]
    assert [one["name"] for one in data["people"][:1]] == ["=1 ✅"][:count]
    assert all(tuple(one) == export.COLUMNS for one in data["people"])


class Names(dict[int, str]):
    """Names that remember which threads have looked them up."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = set[int]()

    @override
    def get(self, key: int, default: str | None = None) -> str | None:  # type: ignore[override]
        self.threads.add(threading.get_ident())
        return super().get(key, default)


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_nobody_waits_until_a_file_is_written(
    database: Database, form: export.Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    await fill(database, 5)
    names = Names()
    file = await export.write(database, GROUP, form, LATER, names=names)
    assert file.people == 5
    assert names.threads
    assert threading.get_ident() not in names.threads


async def test_nobody_is_a_table_with_a_heading(database: Database) -> None:
    await publish(database)
    file = await export.write(database, GROUP, "csv", NOW, names={})
    assert (file.people, rows_of(file.content)) == (0, [])
    assert file.content.decode("utf-8-sig") == ",".join(export.COLUMNS) + "\r\n"


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_what_is_too_large_is_zipped_and_whole(
    database: Database, form: export.Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 7)
    await fill(database, 60)
    plain = await export.write(database, GROUP, form, LATER, names={})
    zipped = await export.write(database, GROUP, form, LATER, names={}, limit=3_000)
    assert zipped.ending == f"{form}.zip"
    assert len(zipped.content) <= 3_000 < len(plain.content)
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        assert archive.testzip() is None
        assert archive.read(f"{GROUP}.{form}") == plain.content


async def test_what_is_too_large_even_zipped_is_refused(database: Database) -> None:
    await fill(database, 60)
    with pytest.raises(ExportTooLargeError):
        await export.write(database, GROUP, "csv", LATER, names={}, limit=600)


async def test_a_roster_is_read_up_to_a_number_of_people(database: Database) -> None:
    await fill(database, 4)
    found = await export.read_roster(database, GROUP, LATER, at_most=4)
    assert found is not None
    assert [one.member_id for one in found.people] == [FIRST + n for n in range(4)]
    assert [one.number for one in found.publishes] == [1]
    assert await export.read_roster(database, GROUP, LATER, at_most=3) is None
