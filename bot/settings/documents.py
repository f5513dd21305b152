"""Strict reading of a YAML file: plain values only, and the line of each is kept."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.resolver import Resolver

from bot.settings.problems import Location, Misread, Problem, dotted, kind_of, refusal, shown

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20

HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff"  # control, odd line ends
    "\u202a-\u202e\u2066-\u2069"  # turn the direction of text round: what is read is not what is
    "\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # not seen at all
    "\ud800-\udfff]"  # half characters, which cannot be stored
)
"""Characters that have no place in a text people sign. The joiners and direction marks that
Persian, Hebrew, Arabic and composed emoji need (U+200C to U+200F) are not among them."""

# The C parser is thirty times faster on a long file; the results are the same.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Any = Resolver()  # PyYAML tells type checkers nothing of these two
_YAML: Any = yaml
_SURPRISES = {
    "bool": "true or false",
    "int": "a number in a special notation",
    "float": "a number with a decimal point",
    "timestamp": "a date",
}
_WHOLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,29})")


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: text, whole numbers, true/false, None, `Misread`, dicts and lists."""

    path: Path
    data: dict[str, Any]
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int:
        """The line, from 1, of that value or of the nearest thing around it that exists."""
        while location not in self.lines:
            location = location[:-1]
        return self.lines[location]

    def problem(self, location: Location, wrong: str, right: str) -> Problem:
        """A problem with the value at `location`."""
        return Problem(self.line(location), dotted(location), wrong, right)

    def leaves(self) -> Iterator[tuple[Location, object]]:
        """Every single value with its place, in the order of the file."""
        return _leaves(self.data, ())


def _leaves(value: Any, at: Location) -> Iterator[tuple[Location, object]]:
    if isinstance(value, dict | list):
        pairs: Any = value.items() if isinstance(value, dict) else enumerate(value)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType]
        for step, inner in pairs:
            yield from _leaves(inner, (*at, step))
    else:
        yield at, value


def read_document(path: Path, *, if_missing: str = "check the path") -> Document:
    """Read one YAML mapping from a file; `if_missing` is the advice when there is no file.

    Raises:
        ConfigurationError: the file cannot be read, or holds anything but one plain mapping;
            the message names every problem with its line.
    """
    text = _read_text(path, if_missing)
    problems = [
        Problem(_line_at(text, found.start()), "", *_hidden(found))
        for found in HIDDEN.finditer(text)
    ]
    if problems:
        raise refusal(path, problems)
    events: Iterator[Any] = _YAML.parse(text, Loader=_Loader)
    reader = _Reader(path, events)
    try:
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        raise refusal(path, [*reader.problems, _syntax_problem(error)]) from None
    except yaml.YAMLError:
        right = "save it as plain text in UTF-8"
        raise refusal(path, [Problem(0, "", "this is not YAML", right)]) from None
    if reader.problems:
        raise refusal(path, reader.problems)
    return Document(path, data, reader.lines)


def _read_text(path: Path, if_missing: str) -> str:
    try:
        if path.exists() and not path.is_file():
            wrong = "this is a folder" if path.is_dir() else "this is not an ordinary file"
            raise refusal(path, [Problem(0, "", wrong, "give the path of a YAML file")])
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refusal(path, [Problem(0, "", "there is no such file", if_missing)]) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
        right = "let the account that runs Pledge read it"
        wrong = f"this file cannot be read ({reason})"
        raise refusal(path, [Problem(0, "", wrong, right)]) from None
    if len(raw) > MAX_BYTES:
        wrong = "this file is larger than 1 MiB"
        raise refusal(path, [Problem(0, "", wrong, "give the file that was meant")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        right = "save the file as UTF-8"
        raise refusal(path, [Problem(line, "", "this is not UTF-8 text", right)]) from None


def _hidden(found: re.Match[str]) -> tuple[str, str]:
    wrong = f"the hidden character U+{ord(found[0]):04X} stands here"
    return wrong, "delete it, and type what is around it again"


def _line_at(text: str, position: int) -> int:
    before = text[:position].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    reason = " ".join(filter(None, (error.context, error.problem)))
    return Problem(
        mark.line + 1 if mark else 1,
        "",
        f"this is not YAML ({shown(reason, 160)})",
        "check the indentation, colons and quotes here and in the line above",
    )


@dataclass(slots=True)
class _Reader:
    """Turns the parser's events into values.

    Events, not PyYAML's own tree, because aliases, tags and depth are refused as they come:
    a few lines of YAML can otherwise unfold into gigabytes.
    """

    path: Path
    events: Iterator[Any]
    lines: dict[Location, int] = field(default_factory=dict[Location, int])
    problems: list[Problem] = field(default_factory=list[Problem])

    def document(self) -> dict[str, Any]:
        value: object = None
        started = False
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if started:
                    wrong, right = "a second document starts here", "keep one, without `---`"
                    self._refuse(event, (), wrong, right)
                    break
                started = True
                self.lines[()] = self._line(event)
                first = next(self.events)
                self.lines[()] = self._line(first)
                value = self._value(first, ())
        if value is None and not self.problems:
            raise refusal(self.path, [Problem(1, "", "this file is empty", "write `key: value`")])
        if not isinstance(value, dict) and not self.problems:
            wrong = f"the file holds {kind_of(value)}, not keys with values"
            raise refusal(self.path, [Problem(self.lines[()], "", wrong, "write `key: value`")])
        return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]

    def _value(self, event: Any, at: Location) -> object:
        if len(at) > MAX_DEPTH:
            wrong = f"this is nested deeper than {MAX_DEPTH} levels"
            self._refuse(event, at[:3], wrong, "check the indentation")
            raise refusal(self.path, self.problems)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            wrong = "names that stand for other values (`&name`, `*name`) are not taken"
            self._refuse(event, at, wrong, "write the value out, or put it in quotes if it is text")
        if isinstance(event, yaml.AliasEvent):
            return None
        if event.tag is not None:
            wrong, right = "tags (`!name`) are not taken", "put the value in quotes if it is text"
            self._refuse(event, at, wrong, right)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(at)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(at)
        written = str(event.value)
        if found := HIDDEN.search(written):  # by an escape, such as "\u202e"
            self._refuse(event, at, *_hidden(found))
        return _scalar(written) if event.implicit[0] else written

    def _mapping(self, at: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None:
                # A key is the text as written: `on` and `007` are names here, nothing else.
                key = str(event.value)
            else:
                self._refuse(event, at, "this key is not plain text", "write a plain name")
                key = ""
                if not isinstance(event, yaml.ScalarEvent):
                    self._value(event, (*at, key))
            where = (*at, key)
            if key in values:
                wrong = f"this key stands here twice, first in line {self.lines[where]}"
                self._refuse(event, where, wrong, "keep one of the two")
            else:
                self.lines[where] = self._line(event)
            values[key] = self._value(next(self.events), where)
        return values

    def _sequence(self, at: Location) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            where = (*at, len(values))
            self.lines[where] = self._line(event)
            values.append(self._value(event, where))
        return values

    def _refuse(self, event: Any, at: Location, wrong: str, right: str) -> None:
        self.problems.append(Problem(self._line(event), dotted(at), wrong, right))

    @staticmethod
    def _line(event: Any) -> int:
        return event.start_mark.line + 1


def _scalar(written: str) -> object:
    """What a plain scalar means; a form of YAML 1.1 that surprises people becomes `Misread`."""
    tag = str(_RESOLVER.resolve(yaml.ScalarNode, written, (True, False)))
    tag = tag.removeprefix("tag:yaml.org,2002:")
    if tag == "null":
        return None
    if tag == "bool" and written.lower() in ("true", "false"):
        return written.lower() == "true"
    if tag == "int" and _WHOLE_NUMBER.fullmatch(written):
        return int(written)
    return Misread(written, _SURPRISES[tag]) if tag in _SURPRISES else written
