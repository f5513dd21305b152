"""The way out: Pledge speaks to Discord and to its database, and to nobody else."""

import errno
import ipaddress
import socket
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

DISCORD_DOMAINS = (
    "discord.com",
    "discord.gg",
    "discord.media",
    "discordapp.com",
    "discordapp.net",
)
"""Where Discord's API, gateway and attachments are; names below these belong to it too."""

_LOCAL = "localhost"


class ForbiddenHostError(OSError):
    """Something in this process wanted to speak to a computer that Pledge has no business with."""


class Doorkeeper:
    """Refuses every look-up of a foreign name, and every connection to an address not looked up.

    It stands in Python's audit events, so it holds for libraries as well; what it is against is a
    library that reports home, or an address in what somebody sent. Code that wants to get round
    it can: against that, the service's own limits help (`deploy/`).

    Args:
        domains: names that may be looked up, with all names below them.
        hosts: single names or addresses, such as the database server's.
    """

    def __init__(self, domains: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        self._domains = tuple(domains)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._found: set[str] = set()
        self.refused: list[str] = []

    def stand(self) -> None:
        """From now on, until the process ends: an audit hook cannot be taken away."""
        look_up = socket.getaddrinfo

        def look_up_and_remember(*args: Any, **options: Any) -> Any:
            found = look_up(*args, **options)
            self._found.update(str(address[0]) for *_, address in found)
            return found

        socket.getaddrinfo = look_up_and_remember
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, args: tuple[Any, ...]) -> None:
        match event:
            case "socket.getaddrinfo" | "socket.gethostbyname":
                host = args[0]
                if host is not None and not self._may_ask(_text(host)):
                    self._refuse(_text(host))
            case "socket.connect" | "socket.sendto" | "socket.sendmsg":
                address = args[1]
                if isinstance(address, tuple) and not self._may_reach(str(address[0])):  # pyright: ignore[reportUnknownArgumentType]
                    self._refuse(str(address[0]))  # pyright: ignore[reportUnknownArgumentType]
            case _:
                pass

    def _may_ask(self, name: str) -> bool:
        name = name.rstrip(".").lower()
        below = any(name == one or name.endswith(f".{one}") for one in self._domains)
        return below or name in self._hosts or name in ("", _LOCAL) or _is_loopback(name)

    def _may_reach(self, address: str) -> bool:
        return address in self._found or self._may_ask(address)

    def _refuse(self, host: str) -> None:
        self.refused.append(host)
        raise ForbiddenHostError(errno.EACCES, f"Pledge does not speak to {host}")


def speak_to_discord_only(database_url: str) -> None:
    """Keep this process from speaking to anybody but Discord and its database server.

    Args:
        database_url: where the record is; a file needs no way out.
    """
    url = urlsplit(database_url)
    named = [url.hostname, *parse_qs(url.query).get("host", [])]
    hosts = [_without_port(host) for host in named if host]
    Doorkeeper(DISCORD_DOMAINS, hosts).stand()


def speak_to_nobody() -> None:
    """Keep this process from speaking to any other computer."""
    Doorkeeper().stand()


def _without_port(host: str) -> str:
    """A name or an address; only one colon parts it from a port, as more are of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _text(host: str | bytes | bytearray) -> str:
    return host if isinstance(host, str) else host.decode("ascii", "replace")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
