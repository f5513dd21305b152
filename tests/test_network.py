"""Nobody is spoken to but Discord and the database, whoever in the process wants to."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot import network
from bot.network import DISCORD_DOMAINS, Doorkeeper, ForbiddenHostError
from bot.process import EXIT_TRY_LATER
from tests.conftest import doorkeeper
from tests.factories import KEY

ROOT = Path(__file__).resolve().parents[1]
FOREIGN = ("example.org", "discord.com.example.org", "notdiscord.com", "192.0.2.1", "2001:db8::1")
"""Names and addresses that the standards keep for examples (RFC 2606, 5737, 3849)."""

IN_A_PROCESS = """
import socket
from bot.network import ForbiddenHostError, speak_to_discord_only

def look_up(host, *more):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))]

socket.getaddrinfo = look_up
speak_to_discord_only("{database}")

def is_refused(host):
    try:
        with socket.socket() as one:
            one.setblocking(False)
            one.connect((host, 443))
    except ForbiddenHostError:
        return True
    except OSError:
        return False

print(is_refused("192.0.2.7"))
socket.getaddrinfo("gateway.discord.gg", 443)
print(is_refused("192.0.2.7"), is_refused("192.0.2.8"), is_refused("{server}"))
"""


ELSEWHERE = """
import sys
import discord.http
from bot.__main__ import main

discord.http.Route.BASE = "http://192.0.2.1/api"
sys.argv = ["pledge", "{command}"]
main()
"""


@pytest.fixture
def refused() -> list[str]:
    """What was refused so far, taken back when a test has looked at it."""
    return doorkeeper.refused


@pytest.mark.parametrize("host", FOREIGN)
async def test_no_library_reaches_another_computer(host: str, refused: list[str]) -> None:
    with pytest.raises(ForbiddenHostError):
        socket.create_connection((host, 443))
    with pytest.raises(OSError, match=r"does not speak|Cannot connect"):
        await asyncio.open_connection(host, 443)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://{f'[{host}]' if ':' in host else host}/")
    assert set(refused) == {host}
    refused.clear()


async def test_own_computer_may_be_spoken_to() -> None:
    async with await asyncio.start_server(
        lambda _reader, writer: writer.close(), "127.0.0.1"
    ) as one:
        port = one.sockets[0].getsockname()[1]
        _reader, writer = await asyncio.open_connection("localhost", port)
        writer.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in DISCORD_DOMAINS),
        ("gateway-us-east1-b.discord.gg", True),
        ("CDN.DiscordApp.com.", True),
        ("db.example", True),
        *((name, False) for name in FOREIGN),
    ],
)
def test_names_below_discords_own_are_discord(name: str, *, expected: bool) -> None:
    assert Doorkeeper(DISCORD_DOMAINS, ["DB.example"])._may_ask(name) is expected


def test_run_reaches_what_it_looked_up_and_its_database_alone() -> None:
    code = IN_A_PROCESS.format(
        database="postgresql+asyncpg://user@192.0.2.9:5432/pledge", server="192.0.2.9"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert result.stdout.split() == ["True", "False", "True", "False"]


@pytest.mark.parametrize("command", ["run", "check"])
def test_command_that_would_speak_to_another_computer_ends(command: str, tmp_path: Path) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if "PLEDGE" not in name},
        "DISCORD_TOKEN": "for.the.test",
        "PLEDGE_KEY": KEY,
        "PLEDGE_CONFIG": str(ROOT / "config" / "pledge.example.yaml"),
        "PLEDGE_DATABASE": f"sqlite:///{tmp_path / 'pledge.db'}",
    }
    result = subprocess.run(
        [sys.executable, "-c", ELSEWHERE.format(command=command)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        check=False,
        text=True,
    )
    assert result.returncode == EXIT_TRY_LATER
    assert "Pledge does not speak to 192.0.2.1" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        ("db.example.org", "db.example.org"),
        ("db.example.org:5433", "db.example.org"),
        ("2001:db8::5", "2001:db8::5"),
        ("[2001:db8::5]:5433", "2001:db8::5"),
    ],
)
def test_server_of_the_database_is_known_without_its_port(host: str, bare: str) -> None:
    assert network._without_port(host) == bare
