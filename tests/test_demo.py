"""`pledge demo`, as a person or a script starts it."""

import http.client
import io
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from rich.console import Console

from bot.demo import play
from bot.demo.browser import NEWCOMERS, invented_names
from bot.demo.narration import Narrator, StoryError
from bot.domain.effects import Effect
from bot.effects import Actions
from bot.settings import Group

pty = pytest.importorskip("pty", reason="needs a system with pseudo-terminals")

ROOT = Path(__file__).resolve().parent.parent
DEADLINE = 60
RECEIPT = r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}"


def environment(folder: Path) -> dict[str, str]:
    """No token, no key, no configuration: only where the code and temporary files are."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }


COMMAND = [sys.executable, "-m", "bot", "demo"]


def test_demo_plays_the_whole_story_and_ends_when_there_is_no_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    told = re.sub(r"\s+", " ", done.stdout)
    for fact in (
        "Version 1 is in force, and you have signed it",
        "Robin joins the server.",
        "Robin has no role. #support is closed.",
        "Robin reacts with ✅.",
        "Robin gets the role @member. #support opens.",
        "by button, receipt",
        "Robin loses the role @member. #support closes.",
        "Welcome back to Harbour Light",
        "Harbour Light · everybody · 6 people",
        "Shown, and checked",
    ):
        assert fact in told
    assert re.search(rf"by reaction, receipt {RECEIPT}\.", told)
    assert "\x1b" not in done.stdout, "no colours without a terminal"
    assert str(tmp_path) not in done.stdout
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


class Terminal:
    """A demo that believes a person sits before it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._master, slave = pty.openpty()
        # Where the tests were started in the background it is ignored, which children inherit.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [*COMMAND, *options],
            cwd=folder,
            env=environment(folder),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        os.close(slave)
        self._read = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read on until the pattern shows up; what stood before it is done with."""
        give_up_at = time.monotonic() + DEADLINE
        while (found := re.search(pattern, self._read)) is None:
            left = give_up_at - time.monotonic()
            assert left > 0, f"{pattern!r} did not come after: {self._read[-2000:]}"
            if select.select([self._master], [], [], left)[0]:
                chunk = os.read(self._master, 4096).decode("utf-8", errors="replace")
                self._read += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", chunk)
        self._read = self._read[found.end() :]
        return found

    def type(self, line: str) -> None:
        os.write(self._master, line.encode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


class Page:
    """What a browser does with the address: it opens a page and acts on it."""

    def __init__(self, port: str, secret: str) -> None:
        self._port = int(port)
        self._headers = {"X-Simcord-Capability": secret, "Content-Type": "application/json"}
        self.state = json.loads(self._send("POST", "/api/pages", {})[2])
        self._headers["X-Simcord-Context"] = self.state["context"]["id"]

    def _send(self, method: str, path: str, body: object = None) -> tuple[int, str, str]:
        return request(self._port, method, path, json.dumps(body), self._headers)

    def act(self, kind: str, **fields: object) -> None:
        """One click; the answer comes when the bot has done all that follows from it."""
        body = {
            "protocol_version": 3,
            "kind": kind,
            "sequence": 1,
            "request_id": "test",
            "generation": self.state["context"]["generation"],
            "bot_generation": self.state["botGeneration"],
            "published_revision": self.state["publishedRevision"],
            **fields,
        }
        status, _, answer = self._send("POST", "/api/action", body)
        assert status == 200
        assert '"settlement": "settled"' in answer, answer


def request(
    port: int,
    method: str,
    path: str,
    body: str | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str, str]:
    """Status, kind of content and content of what the demo serves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    return response.status, response.headers.get_content_type(), content


ADDRESS = r"http://127\.0\.0\.1:(\d+)/#([\w-]+)\s+>"


def test_demo_serves_a_page_for_each_place_under_one_address(
    terminal: Terminal, tmp_path: Path
) -> None:
    port, secret = terminal.wait_for(ADDRESS).groups()
    status, kind, body = request(int(port), "GET", "/")
    assert (status, kind) == (200, "text/html")
    assert "<html" in body

    terminal.type("4\n")
    terminal.wait_for("#moderators, as Heron")
    assert terminal.wait_for(ADDRESS).groups() == (port, secret)
    assert request(int(port), "GET", "/")[0] == 200
    terminal.type("n\n")
    terminal.wait_for("Plover +joins the server")
    terminal.wait_for(ADDRESS)
    terminal.type("q\n")
    terminal.wait_for("Goodbye")
    assert terminal.process.wait(DEADLINE) == 0
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_demo_lets_in_whoever_reacts_in_the_browser(terminal: Terminal) -> None:
    direct = terminal.wait_for(ADDRESS).groups()
    terminal.type("3\n")
    terminal.wait_for("#support, as Tern: still closed")

    page = Page(*direct)
    page.act("set_reaction", target_id=page.state["targetId"], emoji="✅", reacted=True)

    terminal.type("3\n")
    support = Page(*terminal.wait_for(ADDRESS).groups())
    assert "This is our room now." in json.dumps(support.state)


def test_demo_goes_on_when_the_view_is_ended_in_the_browser(terminal: Terminal) -> None:
    Page(*terminal.wait_for(ADDRESS).groups()).act("close")
    terminal.wait_for("The view was ended in the browser")
    terminal.type("2\n")
    terminal.wait_for("#welcome, as Tern")
    terminal.wait_for(ADDRESS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_ends_cleanly_when_told_to(
    terminal: Terminal, tmp_path: Path, number: signal.Signals
) -> None:
    terminal.wait_for(ADDRESS)
    terminal.process.send_signal(number)
    assert terminal.process.wait(DEADLINE) == 0
    assert list(tmp_path.iterdir()) == []


def test_demo_ends_cleanly_when_the_input_ends(terminal: Terminal) -> None:
    terminal.wait_for(ADDRESS)
    terminal.type("\x04")
    terminal.wait_for("Goodbye")
    assert terminal.process.wait(DEADLINE) == 0


def test_demo_refuses_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        terminal = Terminal(tmp_path, "--port", str(taken.getsockname()[1]))
        try:
            terminal.wait_for("The browser view cannot start")
            assert terminal.process.wait(DEADLINE) == 1
        finally:
            terminal.close()


async def test_story_stops_when_the_bot_does_not_do_what_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def forget(_self: Actions, _effect: Effect, _group: Group) -> str:
        return "role given"

    monkeypatch.setattr(Actions, "_align_role", forget)
    told = io.StringIO()

    with pytest.raises(StoryError, match="Heron has the member role"):
        await play(Console(file=told, width=100))

    assert "The staff make the same promise" in told.getvalue()


async def test_story_stops_when_the_bot_reports_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(_self: Actions, _effect: Effect, _group: Group) -> str:
        raise RuntimeError("out of order")

    monkeypatch.setattr(Actions, "_notice", break_down)

    with pytest.raises(StoryError, match="out of order"):
        await play(Console(file=io.StringIO()))


def test_messages_are_told_in_plain_words() -> None:
    narrator = Narrator(Console(file=io.StringIO()))
    narrator.introduce({42: "Robin"})

    assert narrator.excerpt("# Hello\n\n> **<@42>** signed <t:0:D>, `A-1`") == (
        "Hello / @Robin signed 1 January 1970, A-1"
    )
    assert narrator.excerpt("word " * 100).endswith("word …")


def test_there_is_a_name_for_everybody_who_joins() -> None:
    names = invented_names()
    many = [next(names) for _ in range(3 * len(NEWCOMERS))]

    assert many[: len(NEWCOMERS)] == list(NEWCOMERS)
    assert len(set(many)) == len(many)
