"""The agreement file: its five parts and three optional ones, with limits Discord sets."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, field_validator, model_validator

from bot.domain.agreements import Agreement, Consequence, Duration, Scope, Statements
from bot.settings.documents import Document, read_document
from bot.settings.models import Strict, parse, refused
from bot.settings.problems import Problem, kind_of, refusal
from bot.settings.values import plain_line

DEFAULT_TITLE = "Confidentiality agreement"
LONGEST_PART = 12_000
LONGEST_STATEMENT = 1_500  # leaves room for the instructions in a message of 2,000 characters
LONGEST_AGREEMENT = 30_000
LONGEST_PARAGRAPH = 1_900
LADDER = ("reminder", "sign_again", "suspended", "removed")
"""The steps Pledge knows how to carry out, mildest first; `legal` is for people alone."""


def _text(value: object) -> str:
    """One text, or a list of texts as lines of a Markdown list."""
    if isinstance(value, list):
        items: list[object] = value  # pyright: ignore[reportUnknownVariableType]
        if not items:
            raise refused("the list is empty")
        return "\n".join("- " + _one(item).replace("\n", "\n  ") for item in items)
    return _one(value)


def _one(value: object) -> str:
    if not isinstance(value, str):
        raise refused(f"found {kind_of(value)}")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise refused("this is empty")
    return text


def _part(value: object) -> str:
    return _at_most(_text(value), LONGEST_PART)


def _statement(value: object) -> str:
    return _at_most(_text(value), LONGEST_STATEMENT)


def _at_most(text: str, longest: int) -> str:
    if len(text) > longest:
        wrong = f"this has {len(text)} characters"
        raise refused(wrong, f"shorten it to {longest} characters at most")
    return text


def _title(value: object) -> str:
    return plain_line(value, 200)


def _key(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[a-z][a-z0-9_]{0,31}", value):
        raise refused(f"found {kind_of(value)}")
    return value


_WORDS = "as text or as a list of texts"
Part = Annotated[str, PlainValidator(_part)]
OptionalPart = Annotated[str | None, PlainValidator(_part)]  # left out, never empty
Statement = Annotated[str, PlainValidator(_statement)]


class _Scope(Strict):
    covered: Part = Field(description=f"say what stays private, {_WORDS}")
    not_covered: Part = Field(description=f"say what may be told, {_WORDS}")
    exceptions: Part = Field(description=f"say when people may speak up, {_WORDS}")


class _Step(Strict):
    key: Annotated[str, PlainValidator(_key)] = Field(
        description="write a short name such as sign_again: small letters, digits and _"
    )
    text: Part = Field(description=f"say what happens at this step, {_WORDS}")


class _Duration(Strict):
    text: Part = Field(description=f"say how long the promise holds, {_WORDS}")
    days: int | None = Field(
        default=None, ge=1, le=3650, description="give whole days from 1 to 3650, or leave it out"
    )
    until_withdrawn: Literal[True] | None = Field(
        default=None, description="write true, or leave it out and give days"
    )

    @field_validator("days", "until_withdrawn", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        # `days:` with nothing behind it is a slip; it must not come to mean "for ever".
        if value is None:
            raise refused("found nothing")
        return value

    @model_validator(mode="before")
    @classmethod
    def _one_end(cls, data: object) -> object:
        if isinstance(data, dict) and ("days" in data) == ("until_withdrawn" in data):
            wrong = "both are given" if "days" in data else "the end of a signature is missing"
            raise refused(wrong, "give either `days: 365` or `until_withdrawn: true`")
        return data  # pyright: ignore[reportUnknownVariableType]


class _Statements(Strict):
    participant: Statement = Field(description=f"say what the participant promises, {_WORDS}")
    facilitator: Statement = Field(description=f"say what the facilitator promises, {_WORDS}")


class _AgreementFile(Strict):
    title: Annotated[str, PlainValidator(_title)] = Field(
        default=DEFAULT_TITLE, description="give one line of 1 to 200 characters"
    )
    purpose: Part = Field(description=f"say why the promise exists, {_WORDS}")
    scope: _Scope = Field(description="add it, with covered, not_covered and exceptions")
    consequences: list[_Step] = Field(
        min_length=1, max_length=20, description="list 1 to 20 steps, each with key and text"
    )
    duration: _Duration = Field(description="add it, with text and days or until_withdrawn")
    signatures: _Statements = Field(description="add it, with participant and facilitator")
    summary: OptionalPart = Field(default=None, description=f"write it {_WORDS}, or leave it out")
    crisis: OptionalPart = Field(default=None, description=f"write it {_WORDS}, or leave it out")
    privacy: OptionalPart = Field(default=None, description=f"write it {_WORDS}, or leave it out")


def load_agreement(path: Path) -> Agreement:
    """Read an agreement from its YAML file.

    Raises:
        ConfigurationError: the file cannot be used; the message has one line for each problem,
            with file, line, part, what is wrong and what would be right.
    """
    return load_with_document(path)[0]


def advice_on(agreement: Agreement, document: Document) -> list[str]:
    """What the author of a usable agreement may want to think over, one line each."""
    advice = sorted({*_advice_on_parts(agreement, document), *_advice_ontexts_of(document)})
    return [problem.text(document.path) for problem in advice]


def load_with_document(path: Path) -> tuple[Agreement, Document]:
    """`load_agreement`, with the lines of the file."""
    hint = "check the path; `pledge init` writes a complete agreement to start from"
    document = read_document(path, if_missing=hint)
    file, problems = parse(_AgreementFile, document)
    problems += _repeated_keys(document)
    if file is None or problems:
        raise refusal(path, problems)
    agreement = _agreement(file)
    length = sum(len(text) for text in texts_of(agreement))
    if length > LONGEST_AGREEMENT:
        right = f"shorten it to {LONGEST_AGREEMENT} at most"
        wrong = f"the whole agreement has {length} characters"
        raise refusal(path, [document.problem((), wrong, right)])
    return agreement, document


def _agreement(file: _AgreementFile) -> Agreement:
    return Agreement(
        title=file.title,
        purpose=file.purpose,
        scope=Scope(**file.scope.model_dump()),
        consequences=tuple(Consequence(key=step.key, text=step.text) for step in file.consequences),
        duration=Duration(text=file.duration.text, days=file.duration.days),
        signatures=Statements(**file.signatures.model_dump()),
        summary=file.summary,
        crisis=file.crisis,
        privacy=file.privacy,
    )


def texts_of(agreement: Agreement) -> Iterator[str]:
    """Every text of an agreement that people are shown."""
    scope, signatures = agreement.scope, agreement.signatures
    yield from (agreement.title, agreement.purpose)
    yield from (scope.covered, scope.not_covered, scope.exceptions)
    yield from (step.text for step in agreement.consequences)
    yield from (agreement.duration.text, signatures.participant, signatures.facilitator)
    yield from filter(None, (agreement.summary, agreement.crisis, agreement.privacy))


def _repeated_keys(document: Document) -> Iterator[Problem]:
    """Outcomes of cases refer to a step by its key, so each stands for one step."""
    first: dict[object, int] = {}
    for at, value in document.leaves():
        if at[0] != "consequences" or at[-1] != "key":
            continue
        if value in first:
            wrong = f"this key stands for another step too, in line {first[value]}"
            yield document.problem(at, wrong, "give each step a key of its own")
        first.setdefault(value, document.line(at))


def _advice_on_parts(agreement: Agreement, document: Document) -> Iterator[Problem]:
    wanted = {
        "crisis": "add where to call when someone is in danger; it is shown first",
        "summary": "add the gist in plain words; some people can take in no more on a bad day",
        "privacy": "add what Pledge stores, why, how long and who sees it",
    }
    for name, right in wanted.items():
        if getattr(agreement, name) is None:
            yield Problem(document.line(()), name, "this part is not there", right)
    if agreement.duration.days is None:
        wrong = "signatures never run out, so people are never reminded of the promise"
        yield document.problem(("duration", "until_withdrawn"), wrong, "think about `days: 365`")
    elif str(agreement.duration.days) not in agreement.duration.text.replace(",", ""):
        wrong = f"the text does not say that a signature lasts {agreement.duration.days} days"
        yield document.problem(("duration", "days"), wrong, "make the text and the number agree")
    keys = {step.key for step in agreement.consequences}
    for key in (key for key in LADDER if key not in keys):
        wrong = f"there is no step `{key}`"
        yield document.problem(("consequences",), wrong, "add it if moderators should have it")


def _advice_ontexts_of(document: Document) -> Iterator[Problem]:
    for at, value in document.leaves():
        if not isinstance(value, str):
            continue
        if any(len(line) > LONGEST_PARAGRAPH for line in value.split("\n")):
            wrong = f"a paragraph has more than {LONGEST_PARAGRAPH} characters and will be cut"
            yield document.problem(at, wrong, "divide it with an empty line")
        if re.search(r"^\s*(#{1,3}|-#) ", value, re.MULTILINE):
            wrong = "a line begins with # and would look like a heading of Pledge's own"
            yield document.problem(at, wrong, "use **bold** instead")
