"""A file is either one plain mapping or refused, with the line of what is wrong."""

import os
from pathlib import Path

import pytest
import yaml

from bot.settings import documents
from bot.settings.documents import MAX_BYTES, read_document
from bot.settings.problems import Misread
from tests.settings.samples import refusal_of


@pytest.fixture(autouse=True, params=["CSafeLoader", "SafeLoader"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML: which of them a machine has depends on how it was installed."""
    monkeypatch.setattr(documents, "_Loader", getattr(yaml, request.param))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.yaml"


@pytest.mark.parametrize(
    ("content", "line", "key", "wrong", "right"),
    [
        (b"", 1, "", "this file is empty", "write `key: value`"),
        (b"# only a note\n", 1, "", "this file is empty", "write `key: value`"),
        (b"\n---\n...\n", 1, "", "this file is empty", "write `key: value`"),
        (b"- a\n- b\n", 1, "", "the file holds a list, not keys with values", "write `key"),
        (b"\n\njust text\n", 3, "", "the file holds the text “just text”", "write `key"),
        (b"42\n", 1, "", "the file holds the number 42", "write `key"),
        (b"a: 1\nb: caf\xe9\n", 2, "", "this is not UTF-8 text", "save the file as UTF-8"),
        (b"\xff\xfea\x00:\x00", 1, "", "this is not UTF-8 text", "save the file as UTF-8"),
        (b"a: 1\nb: x\x07y\n", 2, "", "hidden character U+0007", "delete it"),
        (b"a: 1\r\n\r\nb: \xe2\x80\xae\r\n", 3, "", "hidden character U+202E", "delete it"),
        (b"a: 1\n# \xe2\x80\x8b\n", 2, "", "hidden character U+200B", "delete it"),
        (b"a: 1\nb: [1, 2\n", 3, "", "this is not YAML", "check the indentation"),
        (b"a: 1\n\tb: 2\n", 2, "", "this is not YAML", "check the indentation"),
        (b"a: b: c\n", 1, "", "this is not YAML (mapping values are not allowed", "colons"),
        (b'a: 1\nb: "\\u202e"\n', 2, "b", "hidden character U+202E", "delete it"),
        (b'a: ["\\0"]\n', 1, "a.0", "hidden character U+0000", "delete it"),
        (b"a: 1\n---\nb: 2\n", 2, "", "a second document starts here", "without `---`"),
        (b"a: &x 1\n", 1, "a", "names that stand for other values", "write the value out"),
        (b"a: 1\nb:\n  c: *x\n", 3, "b.c", "names that stand for other values", "in quotes"),
        (b"a: 1\nb:\n  - !!python/name:os.system x\n", 3, "b.0", "tags (`!name`)", "in quotes"),
        (b"a: !!str 1\n", 1, "a", "tags (`!name`)", "in quotes"),
        (b"!thing\na: 1\n", 1, "", "tags (`!name`)", "in quotes"),
        (b"a: 1\nb: 2\n\na: 3\n", 4, "a", "twice, first in line 1", "keep one of the two"),
        (b"a:\n  b: 1\n  b: 2\n", 3, "a.b", "twice, first in line 2", "keep one of the two"),
        (b"? [a, b]\n: 1\n", 1, "", "this key is not plain text", "write a plain name"),
        (b"? {a: b}\n: 1\n", 1, "", "this key is not plain text", "write a plain name"),
        (b"a: " + b"[" * 25 + b"]" * 25, 1, "a.0.0", "deeper than 20 levels", "indentation"),
        (b"a:\n b:\n  c:\n" + b"- " * 99, 4, "", "this is not YAML", "indentation"),
    ],
)
def test_read_document_refuses_when_not_one_plain_mapping(
    file: Path, content: bytes, line: int, key: str, wrong: str, right: str
) -> None:
    file.write_bytes(content)
    (message,) = refusal_of(lambda: read_document(file))
    assert message.startswith(f"{file}:{line}: " + (f"{key}: " if key else ""))
    found_wrong, _, found_right = message.rpartition("; ")
    assert wrong in found_wrong
    assert right in found_right


def test_read_document_refuses_half_a_character(file: Path) -> None:
    file.write_text('a: 1\nb: "\\ud800"\n')
    (message,) = refusal_of(lambda: read_document(file))
    assert message.startswith(f"{file}:2: ")


def test_read_document_refuses_when_the_file_is_missing(file: Path) -> None:
    assert refusal_of(lambda: read_document(file, if_missing="look elsewhere")) == [
        f"{file}: there is no such file; look elsewhere"
    ]


def test_read_document_refuses_when_it_is_a_folder(tmp_path: Path) -> None:
    assert refusal_of(lambda: read_document(tmp_path)) == [
        f"{tmp_path}: this is a folder; give the path of a YAML file"
    ]


def test_read_document_refuses_when_it_is_a_pipe(file: Path) -> None:
    os.mkfifo(file)
    assert refusal_of(lambda: read_document(file)) == [
        f"{file}: this is not an ordinary file; give the path of a YAML file"
    ]


@pytest.mark.parametrize("name", ["x" * 5000, "nul\0byte"])
def test_read_document_refuses_when_the_path_is_impossible(tmp_path: Path, name: str) -> None:
    (message,) = refusal_of(lambda: read_document(tmp_path / name))
    assert "cannot be read" in message or "no such file" in message


def test_read_document_refuses_when_it_may_not_be_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file.write_text("a: 1\n")
    monkeypatch.setattr(Path, "open", closed)  # the tests may run as root, whom no mode stops
    assert refusal_of(lambda: read_document(file)) == [
        f"{file}: this file cannot be read (Permission denied); "
        "let the account that runs Pledge read it"
    ]


def test_read_document_refuses_when_larger_than_a_mebibyte(file: Path) -> None:
    file.write_bytes(b"a: 1 #" + b"x" * MAX_BYTES)
    assert refusal_of(lambda: read_document(file)) == [
        f"{file}: this file is larger than 1 MiB; give the file that was meant"
    ]


def test_read_document_refuses_a_bomb_without_unfolding_it(file: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    file.write_text("\n".join(rows))
    messages = refusal_of(lambda: read_document(file))
    assert messages[0].startswith(f"{file}:1: a0: names that stand for other values")
    assert len(messages) == 41
    assert messages[-1].endswith("more; mend these first")


def test_read_document_names_every_problem_in_the_order_of_lines(file: Path) -> None:
    file.write_text("b: &x 1\na: !!int 2\nb: 3\n")
    assert [message.split(": ")[:2] for message in refusal_of(lambda: read_document(file))] == [
        [f"{file}:1", "b"],
        [f"{file}:2", "a"],
        [f"{file}:3", "b"],
    ]


def test_read_document_keeps_lines_when_values_nest(file: Path) -> None:
    file.write_text("\ufeff# note\na:\n  - x\n  - k: |\n      text\n\nb: 1\n", encoding="utf-8")
    document = read_document(file)
    assert document.data == {"a": ["x", {"k": "text\n"}], "b": 1}
    places = [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "k"), ("b",), ("a", 1, "absent", 7)]
    assert [document.line(place) for place in places] == [2, 2, 3, 4, 4, 7, 4]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain", "plain"),
        ("'on'", "on"),
        ('"2026-01-01"', "2026-01-01"),
        ("12", 12),
        ("-3", -3),
        ("'12'", "12"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("on", Misread("on", "true or false")),
        ("No", Misread("No", "true or false")),
        ("2026-01-01", Misread("2026-01-01", "a date")),
        ("010", Misread("010", "a number in a special notation")),
        ("0x1F", Misread("0x1F", "a number in a special notation")),
        ("1_000", Misread("1_000", "a number in a special notation")),
        ("1:30", Misread("1:30", "a number in a special notation")),
        ("9" * 5000, Misread("9" * 5000, "a number in a special notation")),
        ("1.0", Misread("1.0", "a number with a decimal point")),
        (".nan", Misread(".nan", "a number with a decimal point")),
        ("=", "="),
    ],
)
def test_read_document_takes_values_without_surprises(
    file: Path, written: str, value: object
) -> None:
    file.write_text(f"a: {written}\n")
    assert read_document(file).data == {"a": value}


def test_read_document_takes_keys_as_written(file: Path) -> None:
    file.write_text("on: 1\n007: 2\n~: 3\n<<: 4\n")
    assert read_document(file).data == {"on": 1, "007": 2, "~": 3, "<<": 4}
