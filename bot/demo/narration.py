"""How the story is told in the terminal, and where it is held to its word."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from bot.domain.errors import DomainError

EXCERPT = 150
"""How many characters of a message are shown."""

INDENT = 12
"""Where what happens is written; before it stands who does it."""

_MOMENT = re.compile(r"<t:(\d+)(?::(\w))?>")
_MENTION = re.compile(r"<@!?(\d+)>")
_MARKS = re.compile(r"^(?:#+ |-# |> )|\*\*|`", re.MULTILINE)


class StoryError(DomainError):
    """Something did not happen as the demo says it does."""


class Narrator:
    """Prints what happens as it happens and stops the story where it does not hold.

    Args:
        console: where to print; colours are left out when it is no terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._names: dict[int, str] = {}
        self._scene = ""
        self.scenes = 0
        self.checks = 0

    @property
    def scene(self) -> str:
        """The heading of the scene that is being played."""
        return self._scene

    def introduce(self, names: Mapping[int, str]) -> None:
        """Say who stands behind an account id, so that mentions can be read."""
        self._names.update(names)

    def begin(self, heading: str) -> None:
        """Open a scene."""
        self.scenes += 1
        self._scene = heading
        self._console.print()
        self._console.print(Text(f"{self.scenes}. {heading}", style="bold"))

    def did(self, who: str, what: str) -> None:
        """What a person does."""
        self._row(who, what, "bold cyan")

    def saw(self, what: str) -> None:
        """What happens in Discord."""
        self._row("Discord", what, "magenta")

    def said(self, where: str, contents: Iterable[str]) -> None:
        """Messages of the bot, each by its first words."""
        for content in contents:
            self._row("Pledge", f"{where}: “{self.excerpt(content)}”", "yellow")

    def listed(self, where: str, lines: Iterable[str]) -> None:
        """One message of the bot, line by line."""
        self._row("Pledge", f"{where}:", "yellow")
        for line in lines:
            self._row("", self.excerpt(line), "yellow")

    def stored(self, what: str) -> None:
        """What the database holds now."""
        self._row("Record", what, "green")

    def note(self, text: str) -> None:
        """A paragraph of plain text."""
        self._wrapped(Text(), text, 0)

    def address(self, url: str) -> None:
        """An address on a line of its own, which is never broken."""
        self._console.print(Text(f"  {url}", style="bold"), soft_wrap=True)

    def choice(self, key: str, meaning: str) -> None:
        """One thing a person can type."""
        self._wrapped(Text(f"   {key}  ", style="bold cyan"), meaning, 6)

    def prompt(self) -> None:
        """Ask for something to be typed."""
        self._console.print(Text("> ", style="bold cyan"), end="")

    def check(self, holds: object, claim: str) -> None:
        """Hold the story to its word.

        Raises:
            StoryError: the claim is not true.
        """
        if not holds:
            raise StoryError(f"The story does not hold in “{self._scene}”: not true that {claim}.")
        self.checks += 1

    def excerpt(self, content: str) -> str:
        """The beginning of a message in plain words, on one line."""
        text = _MOMENT.sub(lambda found: _moment(int(found[1]), found[2]), content)
        text = _MENTION.sub(lambda found: f"@{self._names.get(int(found[1]), '?')}", text)
        lines = (" ".join(line.split()) for line in _MARKS.sub("", text).splitlines())
        text = " / ".join(line for line in lines if line)
        return text if len(text) <= EXCERPT else text[:EXCERPT].rpartition(" ")[0] + " …"

    def _row(self, label: str, text: str, style: str) -> None:
        self._wrapped(Text(f"   {label}".ljust(INDENT), style=style), text, INDENT)

    def _wrapped(self, start: Text, text: str, indent: int) -> None:
        """Print `start` and `text`, with further lines `indent` columns in."""
        lines = Text(text).wrap(self._console, max(self._console.width - indent, 20))
        for line in lines or [Text()]:
            line.rstrip()
            self._console.print(start + line)
            start = Text(" " * indent)


def _moment(timestamp: int, style: str | None) -> str:
    instant = datetime.fromtimestamp(timestamp, UTC)
    day = f"{instant.day} {instant:%B %Y}"
    return day if style in ("d", "D") else f"{day}, {instant:%H:%M} UTC"
