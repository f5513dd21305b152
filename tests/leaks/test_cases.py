"""A whole case with words nobody else uses, and a search for them wherever they must not be."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from simcord.actors import MemberActor
from simcord.results import InteractionResult
from simcord.types import HttpLogEntry
from sqlalchemy import text

from bot.domain.agreements import Agreement, Consequence
from bot.services import backup, rotation
from bot.storage.database import Database
from bot.storage.tables import metadata
from tests.cogs.conftest import World, env, groups, open_database, world
from tests.factories import KEYS, NOW, make_agreement
from tests.leaks.search import Everything, files_below, found, read_rows
from tests.storage.rows import nobody
from tests.storage.sealed import BOTH, NEW

__all__ = ["env", "groups", "open_database", "world"]

pytestmark = pytest.mark.usefixtures("temporary")

REPORT = "marigold-told-this"
FILE_NAME = "tansy-screenshot"
NOTE = "yarrow-noted-that"
QUESTION = "foxglove-asked-when"
ANSWER = "campion-answered-so"
HEARING = "burdock-is-alleged"
REPLY = "sorrel-was-not-me"
REASON = "teasel-was-the-reason"
APPEAL = "comfrey-was-unfair"
UNSEAL = "bryony-must-be-known"
MARKERS = (
    REPORT,
    FILE_NAME,
    NOTE,
    QUESTION,
    ANSWER,
    HEARING,
    REPLY,
    REASON,
    APPEAL,
    UNSEAL,
)
PIXEL = (200, 30, 90)
NOT_THEIRS = {
    "accused": (REPORT, FILE_NAME, NOTE, QUESTION, ANSWER, REASON, UNSEAL),
    "reporter": (NOTE, HEARING, REPLY, REASON, APPEAL),
}
"""What each of the parties is never sent. Whoever reported is told why their name was looked up."""

OF_CASES = {
    "breach_cases",
    "suspensions",
    "case_access",
    *(name for name in metadata.tables if name.startswith("breach_")),
}


NEVER = {
    "sqlite": "CREATE TRIGGER never BEFORE INSERT ON breach_reports"
    " BEGIN SELECT RAISE(ABORT, 'never'); END",
    "postgresql": "ALTER TABLE breach_reports ADD CONSTRAINT never CHECK (id < 0)",
}
"""Has the database refuse a report."""


@pytest.fixture
def agreement() -> Agreement:
    steps = [Consequence(key=key, text=f"What {key} means.") for key in ("reminder", "suspended")]
    return make_agreement(consequences=tuple(steps))


# The case ----------------------------------------------------------------------------------------


def last(result: InteractionResult) -> Any:
    return [one for one in [result.response, *result.followups] if one is not None][-1]


def said(result: InteractionResult) -> str:
    answers = [result.response, *result.followups]
    return "\n".join(one.content for one in answers if one is not None)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), PIXEL).save(out, "PNG")
    return out.getvalue()


class Case:
    """Case 1 of a world, from the report to the answer to the appeal."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def run(self) -> None:
        world = self.world
        await world.publish()
        self.reporter = await world.join("test-reporter")
        self.accused = await world.join("test-accused")
        await world.react(self.accused)
        user = world.env.create_user("test-colleague")
        self.colleague = world.guild.add_member(user, roles=[world.roles["moderator"]])
        await world.env.settle()
        await self.report()
        await self.work("claim")
        await self.work("note", text=NOTE)
        await self.ask()
        await self.hear()
        await self.decide(world.moderator, "suspended", days=7)
        assert not world.has_role(self.accused)
        await self.work("unseal", reason=UNSEAL)
        assert REPORT in said(await self.work("show"))
        await self.work("export")
        form = await self.accused.slash(world.channel("welcome"), "breach appeal", case=1)
        await self.accused.submit_modal(form, {"words": APPEAL})
        await world.env.settle()
        await self.decide(self.colleague, "no_breach")
        await self.reporter.slash(world.channel("welcome"), "breach mine")
        await world.env.settle()

    async def work(self, command: str, **options: object) -> InteractionResult:
        place = self.world.channel("moderators")
        result = await self.world.moderator.slash(place, f"breach {command}", case=1, **options)
        await self.world.env.settle()
        assert "There is no case of this number" not in said(result)
        return result

    async def report(self) -> None:
        person = self.reporter
        begun = await person.slash(self.world.channel("welcome"), "breach report")
        form = await person.click(last(begun), label="Go on to the form")
        sent = await person.submit_modal(
            form,
            {
                "what": REPORT,
                "clause": "covered",
                "whom": [self.accused],
                "files": [(f"{FILE_NAME}.png", picture())],
            },
        )
        await self.world.env.settle()
        assert "1 file is kept" in said(sent)

    async def ask(self) -> None:
        shown = await self.work("ask", question=QUESTION)
        await self.world.moderator.click(last(shown), label="Send it")
        await self.world.env.settle()
        await self.answer(self.reporter, ANSWER)

    async def hear(self) -> None:
        shown = await self.work("ask", question=HEARING, to="accused")
        form = await self.world.moderator.click(last(shown), label="Hear the accused")
        filled = await self.world.moderator.submit_modal(form, {"words": HEARING})
        await self.world.moderator.click(last(filled), label="Send it")
        await self.world.env.settle()
        await self.answer(self.accused, REPLY)

    async def answer(self, person: MemberActor, words: str) -> None:
        letters = [one for one in self.world.dms(person) if "case #" in one.content]
        form = await person.user.click(letters[-1], label="Answer")
        await person.user.submit_modal(form, {"words": words})
        await self.world.env.settle()

    async def decide(self, who: MemberActor, outcome: str, **options: object) -> None:
        place = self.world.channel("moderators")
        shown = await who.slash(
            place, "breach decide", case=1, outcome=outcome, reason=REASON, **options
        )
        assert "Nothing is decided yet" in said(shown), said(shown)
        pressed = await who.click(last(shown), label="Decide, and tell them")
        await self.world.env.settle()
        assert "is decided" in said(pressed)


@pytest_asyncio.fixture
async def case(world: World, logged: Everything) -> Case:
    case = Case(world)
    await case.run()
    return case


# The search --------------------------------------------------------------------------------------


async def test_words_of_a_case_are_nowhere_in_the_record(case: Case) -> None:
    database = case.world.database
    parties = (case.reporter, case.accused)
    # The number of their direct messages stands beside their account in a request to sign.
    people = [str(number) for one in parties for number in (one.id, one.user.dm_channel.id)]
    filled = set[str]()
    for name in metadata.tables:
        for row in await read_rows(database, name):
            assert found(row, MARKERS) == [], name
            if name in OF_CASES:
                filled.add(name)
                assert found(row, people) == [], name
    assert {"breach_reports", "breach_evidence", "breach_letters", "breach_decisions"} <= filled
    assert {"breach_timeline", "suspensions", "case_access"} <= filled


async def test_what_is_to_be_sent_names_nobody_beside_a_case(case: Case) -> None:
    people = (str(case.reporter.id), str(case.accused.id))
    kinds = set[str]()
    for row in await read_rows(case.world.database, "effects"):
        for kind in ("letter", "case_notice"):
            if f" {kind} " in row:
                kinds.add(kind)
                assert found(row, people) == []
    assert kinds == {"letter", "case_notice"}


async def test_ledger_tells_of_a_case_without_its_people(case: Case) -> None:
    people = (str(case.reporter.id), str(case.accused.id))
    rows = await read_rows(case.world.database, "ledger_entries")
    of_case = [row for row in rows if " case " in row]
    assert len(of_case) > 5
    assert [row for row in of_case if found(row, people)] == []


async def test_no_file_holds_a_word_of_a_case(
    case: Case, database_url: str, tmp_path: Path, temporary: Path, engine_name: str
) -> None:
    # The record and what SQLite keeps beside it while it is open, a backup, a change of keys.
    await backup.save(database_url, KEYS, tmp_path / "a.backup", NOW, nobody)
    files = await asyncio.to_thread(files_below, tmp_path)
    open_ones = (
        {"pledge.db", "pledge.db-wal", "pledge.db-shm"} if engine_name == "sqlite" else set()
    )
    assert open_ones | {"a.backup"} <= set(files)
    people = (str(case.reporter.id), str(case.accused.id))
    for name, raw in files.items():
        assert found(raw, (*MARKERS, *people)) == [], name
        assert found(name, MARKERS) == []
    assert await asyncio.to_thread(files_below, temporary) == {}


async def test_log_holds_no_word_of_a_case_at_any_level(case: Case, logged: Everything) -> None:
    assert len(logged.lines) > 100
    assert [line for line in logged.lines if found(line, MARKERS)] == []


async def test_fault_while_a_report_is_kept_repeats_none_of_it(
    world: World, logged: Everything
) -> None:
    await world.publish()
    case = Case(world)
    case.reporter, case.accused = await world.join("test-a"), await world.join("test-b")
    async with world.database.write() as tx:
        # PostgreSQL repeats the whole row that it refuses.
        await tx.execute(text(NEVER[world.database.dialect]))
    logged.lines.clear()
    with pytest.raises(AssertionError, match="1 file is kept"):
        await case.report()
    world.env._errors.clear()
    assert [line for line in logged.lines if "INSERT INTO breach_reports" in line]
    people = (str(case.reporter.id), str(case.accused.id))
    own = [line for line in logged.lines if not line.startswith(("aiosqlite", "asyncio"))]
    assert [line for line in logged.lines if found(line, MARKERS)] == []
    assert [line for line in own if found(line, people)] == []


async def test_nobody_is_sent_what_is_not_theirs(case: Case) -> None:
    world = case.world
    places = {
        str(case.accused.user.dm_channel.id): NOT_THEIRS["accused"],
        str(case.reporter.user.dm_channel.id): NOT_THEIRS["reporter"],
    }
    asked = world.env.http_requests
    for one in asked:
        assert found(one.path, MARKERS) == []
        assert found(str(one.reason or ""), MARKERS) == []
        if one.path.startswith("/channels/"):
            channel = one.path.split("/")[2]
            assert found(repr(one.json), places.get(channel, MARKERS)) == [], one.path
    posted = "\n".join(repr(one.json) for one in asked if _is_in_guild(world, one))
    assert "#1" in posted
    assert found(posted, (str(case.reporter.id), str(case.accused.id))) == []
    accused_dms = "\n".join(message.content for message in world.dms(case.accused))
    assert found(accused_dms, (str(case.reporter.id), "test-reporter")) == []


def _is_in_guild(world: World, one: HttpLogEntry) -> bool:
    ids = {str(channel.id) for channel in world.channels.values()}
    return one.path.startswith("/channels/") and one.path.split("/")[2] in ids


async def test_change_of_keys_leaves_the_case_readable_and_no_word_behind(
    case: Case, database_url: str, tmp_path: Path
) -> None:
    await case.world.database.close()
    done = await rotation.rotate(database_url, BOTH, nobody)
    assert done.is_whole
    assert done.resealed.renewed > 10
    database = await Database.open(database_url, NEW)
    for name in metadata.tables:
        for row in await read_rows(database, name):
            assert found(row, MARKERS) == [], name
    await database.close()
    for name, raw in (await asyncio.to_thread(files_below, tmp_path)).items():
        assert found(raw, MARKERS) == [], name
