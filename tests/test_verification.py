"""`pledge ledger verify`: what it prints, what it refuses and how it ends."""

import asyncio
import re
from pathlib import Path

import pytest
from rich.console import Console

from bot import verification
from bot.domain.audit import Finding, Flaw
from bot.domain.ledger import NO_ENTRIES, Head
from bot.services import ledger
from bot.storage import ledger as entries
from bot.storage import versions
from bot.storage.database import Database
from tests.factories import KEY, KEYS, NEWCOMER, NOW
from tests.services.test_ledger import ACCEPT, GROUP, Story, fill
from tests.services.test_tampering import entry, tamper
from tests.test_cli import EXAMPLE, OTHER_KEY, Pledge, contents, folder, pledge

__all__ = ["folder", "pledge"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the database of these tests is."""
    return f"sqlite:///{tmp_path}/record/pledge.db"


def tell_story(url: str, count: int = 0) -> Head:
    """Somebody signs, and `count` entries follow; the database is there then."""

    async def tell() -> Head:
        database = await Database.open(url, KEYS)
        story = Story(database)
        await story.publish()
        await story.join()
        await story.react(ACCEPT)
        await fill(database, count)
        head = await ledger.find_head(database)
        await database.close()
        return head

    return asyncio.run(tell())


def change(url: str, *statements: str) -> None:
    async def work() -> None:
        database = await Database.open(url, KEYS)
        await tamper(database, url, *statements)
        await database.close()

    asyncio.run(work())


def settings(url: str) -> dict[str, str]:
    return {"PLEDGE_CONFIG": str(EXAMPLE), "PLEDGE_DATABASE": url, "PLEDGE_KEY": KEY}


def test_untouched_record_is_in_order_and_its_head_is_printed(pledge: Pledge, url: str) -> None:
    head = tell_story(url)
    result = pledge("ledger", "verify", **settings(url))
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "Checked: entries 5, versions of agreements 1, signatures 1. Findings: 0.\n"
        f"All is as it was recorded. The head is\n{head}\n"
    )
    again = pledge("ledger", "verify", "--head", str(head), **settings(url))
    assert (again.code, again.err) == (0, "")
    assert f"It contains the head {head}: nothing before it" in again.out


def test_checking_changes_nothing_in_the_folder(pledge: Pledge, url: str) -> None:
    tell_story(url)
    place = Path(url.removeprefix("sqlite:///")).parent
    before = contents(place)
    assert pledge("ledger", "verify", **settings(url)).code == 0
    assert contents(place) == before
    assert set(before) == {"pledge.db"}


def test_check_goes_on_beside_a_running_pledge(pledge: Pledge, url: str) -> None:
    tell_story(url)

    async def run() -> None:
        database = await Database.open(url, KEYS)
        await database.hold_alone()
        async with database.write() as tx:
            await versions.put_mark(tx, "mark", "there")
            # The check runs in a thread, for it has a loop of its own.
            result = await asyncio.to_thread(pledge, "ledger", "verify", **settings(url))
        assert (result.code, result.err) == (0, "")
        await database.close()

    asyncio.run(run())


def test_change_is_named_and_ends_with_1(pledge: Pledge, url: str) -> None:
    head = tell_story(url)
    change(url, entry("kind = 'declined'"), "UPDATE signatures SET member_id = 5")
    result = pledge("ledger", "verify", "--head", str(head), **settings(url))
    assert (result.code, result.err) == (1, "")
    first, second, *rest = result.out.splitlines()
    assert first == "Entry 3 was changed, or does not follow the one before it."
    assert re.fullmatch(r"Signature [\w-]{14} says something else than entry 4\.", second)
    assert "Findings: 2." in rest[0]
    assert "The record is not what it was." in result.out
    assert str(NEWCOMER) not in result.out
    assert "All is as it was recorded" not in result.out


def test_many_changes_are_counted_after_the_first_twenty(pledge: Pledge, url: str) -> None:
    tell_story(url, 1_030)
    change(url, "UPDATE ledger_entries SET payload = '{}' WHERE position > 5")
    result = pledge("ledger", "verify", **settings(url))
    lines = result.out.splitlines()
    assert result.code == 1
    assert lines[:20] == [f"Entry {number}: what it says was changed." for number in range(6, 26)]
    assert lines[20] == "And 1,010 more."


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (Head(position=6, hash="a" * 64), "Entry 6, of the head you gave, is missing"),
        (Head(position=4, hash="a" * 64), "Entry 4 is not the one of the head you gave"),
    ],
)
def test_head_that_is_not_in_the_ledger_ends_with_1(
    pledge: Pledge, url: str, head: Head, said: str
) -> None:
    tell_story(url)
    result = pledge("ledger", "verify", "--head", str(head), **settings(url))
    assert result.code == 1
    assert result.out.startswith(said)


@pytest.mark.parametrize("head", ["", "12", "12:abc", f"x:{'0' * 64}", f"{'0' * 64}:12", "-1:0"])
def test_malformed_head_ends_with_2(pledge: Pledge, url: str, head: str) -> None:
    result = pledge("ledger", "verify", "--head", head, **settings(url))
    assert (result.code, result.out) == (2, "")
    assert "--head" in result.err


def test_database_that_is_not_there_is_not_made(pledge: Pledge, url: str) -> None:
    result = pledge("ledger", "verify", **settings(url))
    assert (result.code, result.out) == (1, "")
    assert "There is no database yet" in result.err
    assert not Path(url.removeprefix("sqlite:///")).parent.exists()


def test_wrong_key_and_no_key_are_refused_in_one_line(pledge: Pledge, url: str) -> None:
    tell_story(url)
    wrong = pledge("ledger", "verify", **{**settings(url), "PLEDGE_KEY": OTHER_KEY})
    none = pledge("ledger", "verify", PLEDGE_CONFIG=str(EXAMPLE), PLEDGE_DATABASE=url)
    for result, said in ((wrong, "PLEDGE_KEY does not open this file"), (none, "PLEDGE_KEY: ")):
        (line,) = result.err.splitlines()
        assert (result.code, result.out) == (1, "")
        assert said in line


def test_empty_ledger_has_a_head_that_holds_for_ever(pledge: Pledge, url: str) -> None:
    async def make() -> None:
        await (await Database.open(url, KEYS)).close()

    asyncio.run(make())
    result = pledge("ledger", "verify", **settings(url))
    assert (result.code, result.out.splitlines()[-1]) == (0, str(NO_ENTRIES))
    tell_story(url)
    assert pledge("ledger", "verify", "--head", str(NO_ENTRIES), **settings(url)).code == 0


def test_erased_words_and_older_signatures_are_counted(pledge: Pledge, url: str) -> None:
    tell_story(url)

    async def erase() -> None:
        database = await Database.open(url, KEYS)
        async with database.write() as tx:
            await entries.erase(tx, NEWCOMER, NOW)
        await database.close()

    asyncio.run(erase())
    result = pledge("ledger", "verify", **settings(url))
    assert result.code == 0
    assert "Entries whose words were erased, and which still hold the chain: 3.\n" in result.out
    change(url, "UPDATE signatures SET signed_position = NULL", "DELETE FROM ledger_entries")
    result = pledge("ledger", "verify", **settings(url))
    assert result.code == 0
    assert "Signatures from before the ledger, for which it cannot vouch: 1.\n" in result.out


def test_long_check_tells_of_its_progress_in_lines_where_there_is_no_terminal(
    pledge: Pledge, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_story(url, 2_500)
    monkeypatch.setattr(verification, "LINE_EVERY", 1_000)
    result = pledge("ledger", "verify", **settings(url))
    assert result.code == 0
    assert result.err.splitlines() == ["Checked 1,000 of 2,506.", "Checked 2,000 of 2,506."]


def test_terminal_shows_a_bar_and_leaves_it_out_of_the_result(url: str) -> None:
    head = tell_story(url, 2_500)
    # Whatever the terminal is in which the tests run.
    environ = {"TERM": "xterm"}
    out, bar = (
        Console(record=True, force_terminal=shown, _environ=environ) for shown in (False, True)
    )
    with bar.capture() as shown, out.capture() as said:
        assert verification.verify(url, KEYS, head, out, bar)
    assert "Checking" in shown.get()
    assert "Checking" not in said.get()
    assert str(head) in said.get().replace("\n", "")


@pytest.mark.parametrize("flaw", list(Flaw))
def test_every_finding_has_a_sentence_that_says_where(flaw: Flaw) -> None:
    where = {"position": 1_234, "until": 5_678, "group_key": GROUP, "receipt": "R-1", "number": 42}
    said = verification.sentence(Finding(flaw=flaw, **where))  # type: ignore[arg-type]
    assert said.endswith(".")
    assert "None" not in said
    assert any(str(word) in said for word in where.values())
