"""What can be wrong in a file, said so that a person can put it right."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import ConfigurationError

MAX_PROBLEMS = 40
LONGEST_SHOWN = 24

Location = tuple[str | int, ...]
"""Where a value stands: the keys and list positions that lead to it from the top."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file: its line from 1 (0: the file itself), key and remedy."""

    line: int
    key: str
    wrong: str
    right: str

    def text(self, path: Path) -> str:
        """One line for a person: file, line, key, what is wrong; what would be right."""
        place = f"{path}:{self.line}" if self.line else f"{path}"
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {key}{self.wrong}; {self.right}"


def refusal(path: Path, problems: Iterable[Problem]) -> ConfigurationError:
    """The error that names every problem of one file, in the order of its lines."""
    ordered = sorted(set(problems))
    lines = [problem.text(path) for problem in ordered[:MAX_PROBLEMS]]
    if len(ordered) > MAX_PROBLEMS:
        lines.append(f"{path}: and {len(ordered) - MAX_PROBLEMS} more; mend these first")
    return ConfigurationError("\n".join(lines))


def shown(text: str, limit: int = 40) -> str:
    """`text` made safe for one line of a terminal: cut short, odd characters escaped."""
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)


def dotted(location: Location) -> str:
    """The name of a value as messages give it, such as `groups.harbour-light.roles`."""
    return ".".join(shown(str(step)) for step in location)


@dataclass(frozen=True, slots=True)
class Misread:
    """A value that YAML takes for something its writer seldom meant, such as `on` or `010`."""

    written: str
    taken_for: str


def kind_of(value: object) -> str:
    """What a value is, in words a person knows; long text is never repeated."""
    if isinstance(value, str):
        # A secret pasted into the wrong place must not reach a terminal or a log.
        return f"the text “{shown(value)}”" if len(value) <= LONGEST_SHOWN else "a longer text"
    match value:
        case None:
            words = "nothing"
        case Misread():
            words = f"`{shown(value.written, LONGEST_SHOWN)}`, which YAML takes for "
            words += value.taken_for
        case bool():
            words = "true" if value else "false"
        case int():
            words = f"the number {shown(str(value))}"
        case _:
            words = "a list" if isinstance(value, list) else "a group of keys"
    return words
