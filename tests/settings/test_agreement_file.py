"""The agreement file: what it gives, how each mistake is named, and the advice on it."""

import re
from pathlib import Path

import pytest

from bot.domain.agreements import Agreement, Consequence, Duration, Scope, Statements
from bot.settings import lint_agreement, load_agreement
from tests.settings.samples import AGREEMENT, refusal_of, swapped


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "agreement.yaml"


def test_load_agreement_gives_every_part(file: Path) -> None:
    file.write_text(AGREEMENT + "summary: Short.\ncrisis: Call.\nprivacy: Little.\ntitle: Ours\n")
    assert load_agreement(file) == Agreement(
        title="Ours",
        purpose="To be safe.",
        scope=Scope(covered="Stories.", not_covered="Your own story.", exceptions="Danger."),
        consequences=(
            Consequence(key="reminder", text="A word."),
            Consequence(key="removed", text="The door."),
        ),
        duration=Duration(text="A year.", days=365),
        signatures=Statements(participant="I promise.", facilitator="I promise too."),
        summary="Short.",
        crisis="Call.",
        privacy="Little.",
    )


def test_load_agreement_takes_defaults_when_optional_parts_are_left_out(file: Path) -> None:
    file.write_text(AGREEMENT)
    agreement = load_agreement(file)
    assert agreement.title == "Confidentiality agreement"
    assert (agreement.summary, agreement.crisis, agreement.privacy) == (None, None, None)


def test_load_agreement_has_no_days_when_until_withdrawn(file: Path) -> None:
    file.write_text(swapped(AGREEMENT, 13, "  until_withdrawn: true"))
    assert load_agreement(file).duration == Duration(text="A year.", days=None)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("[one, two]", "- one\n- two"),
        ("\n    - one\n    - |\n      two\n      lines", "- one\n- two\n  lines"),
        ("|\n    a\n\n    b\n\n", "a\n\nb"),
        (">-\n    a\n    b", "a b"),
        ("' x '", "x"),
        ('"a\\r\\nb"', "a\nb"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d👧", "👩\u200d👧"),
    ],
)
def test_load_agreement_gives_one_text_when_written_in_any_way(
    file: Path, written: str, text: str
) -> None:
    file.write_text(swapped(AGREEMENT, 3, f"  covered: {written}"), encoding="utf-8")
    assert load_agreement(file).scope.covered == text


def test_load_agreement_gives_the_same_hash_when_only_the_layout_differs(file: Path) -> None:
    file.write_text(AGREEMENT)
    before = load_agreement(file)
    parts = AGREEMENT.replace("purpose: To be safe.\n", "")
    file.write_text(f"# a note\n{parts}purpose: >\n\n  To be\n  safe.\n\n".replace("\n", "\r\n"))
    after = load_agreement(file)
    assert after.sha256() == before.sha256()
    assert Agreement.from_canonical(before.canonical()) == before


REFUSALS = [
    (1, None, 1, "purpose", "this is missing", "say why the promise exists"),
    (2, "scoop:", 1, "scope", "this is missing", "covered, not_covered and exceptions"),
    (2, "scoop:", 2, "scoop", "no setting of this name", "did you mean `scope`?"),
    (3, None, 2, "scope.covered", "this is missing", "say what stays private"),
    (4, None, 2, "scope.not_covered", "this is missing", "say what may be told"),
    (5, None, 2, "scope.exceptions", "this is missing", "say when people may speak up"),
    (8, None, 7, "consequences.0.text", "this is missing", "what happens at this step"),
    (12, None, 11, "duration.text", "this is missing", "how long the promise holds"),
    (13, None, 11, "duration", "the end of a signature is missing", "either `days: 365` or"),
    (15, None, 14, "signatures.participant", "this is missing", "what the participant"),
    (16, None, 14, "signatures.facilitator", "this is missing", "what the facilitator"),
    (1, "purpose:", 1, "purpose", "found nothing", "as text or as a list of texts"),
    (1, "purpose: '  '", 1, "purpose", "this is empty", "as text or as a list"),
    (1, "purpose: []", 1, "purpose", "the list is empty", "as text or as a list"),
    (1, "purpose: ['']", 1, "purpose", "this is empty", "as text or as a list"),
    (1, "purpose: [1]", 1, "purpose", "found the number 1", "as text or as a list"),
    (1, "purpose: no", 1, "purpose", "`no`, which YAML takes for true", "as text"),
    (1, "purpose: {a: b}", 1, "purpose", "found a group of keys", "as text"),
    (1, 'purpose: "a\\u202eb"', 1, "purpose", "hidden character U+202E", "delete it"),
    (1, 'purpose: "a\\x07b"', 1, "purpose", "hidden character U+0007", "delete it"),
    (1, f"purpose: {'x' * 12_001}", 1, "purpose", "12001 characters", "12000 characters"),
    (7, "  - key: Reminder", 7, "consequences.0.key", "“Reminder”", "small letters"),
    (7, "  - key: 1", 7, "consequences.0.key", "the number 1", "small letters"),
    (9, "  - key: reminder", 9, "consequences.1.key", "another step too, in line 7", "its own"),
    (9, "  - kay: removed", 9, "consequences.1.kay", "no setting", "did you mean `key`?"),
    (13, "  days:", 13, "duration.days", "found nothing", "1 to 3650"),
    (13, "  until_withdrawn:", 13, "duration.until_withdrawn", "found nothing", "write true"),
    (13, "  days: 0", 13, "duration.days", "number 0 is out of range", "1 to 3650"),
    (13, "  days: 3651", 13, "duration.days", "number 3651 is out of range", "1 to 3650"),
    (13, "  days: '365'", 13, "duration.days", "the text “365”", "1 to 3650"),
    (13, "  until_withdrawn: false", 13, "duration.until_withdrawn", "false", "write true"),
    (13, "  until_withdrawn: yes", 13, "duration.until_withdrawn", "`yes`", "write true"),
    (14, "  until_withdrawn: true\nsignatures:", 11, "duration", "both are given", "either"),
    (15, f"  participant: {'x' * 1501}", 15, "signatures.participant", "1501", "1500"),
    (16, f"  facilitator: {'x' * 1501}", 16, "signatures.facilitator", "1501", "1500"),
    (16, "  facilitator: x\ntitle: 7", 17, "title", "the number 7", "in quotes"),
    (16, '  facilitator: x\ntitle: "a\\nb"', 17, "title", "U+000A", "delete it"),
    (16, f"  facilitator: x\ntitle: {'x' * 201}", 17, "title", "201 characters", "1 to 200"),
    (16, "  facilitator: x\nsummary:", 17, "summary", "found nothing", "or leave it out"),
]


@pytest.mark.parametrize(("line", "new", "at", "key", "wrong", "right"), REFUSALS)
def test_load_agreement_names_file_line_part_and_remedy_when_one_thing_is_wrong(
    file: Path, line: int, new: str | None, at: int, key: str, wrong: str, right: str
) -> None:
    file.write_text(swapped(AGREEMENT, line, new))
    messages = refusal_of(lambda: load_agreement(file))
    (message,) = [one for one in messages if one.startswith(f"{file}:{at}: {key}: ")]
    found_wrong, _, found_right = message.partition("; ")
    assert wrong in found_wrong
    assert right in found_right


@pytest.mark.parametrize("part", ["purpose", "scope", "consequences", "duration", "signatures"])
def test_load_agreement_names_the_part_when_one_of_the_five_is_missing(
    file: Path, part: str
) -> None:
    parts = re.split(r"(?m)^(?=\w)", AGREEMENT)
    file.write_text("# a note\n" + "".join(one for one in parts if not one.startswith(part)))
    (message,) = refusal_of(lambda: load_agreement(file))
    assert message.startswith(f"{file}:2: {part}: this is missing; ")


@pytest.mark.parametrize(("count", "accepted"), [(0, False), (1, True), (20, True), (21, False)])
def test_load_agreement_takes_one_to_twenty_steps(file: Path, count: int, accepted: bool) -> None:
    steps = ", ".join(f"{{key: step{n}, text: x}}" for n in range(count))
    rows: list[str] = AGREEMENT.splitlines()
    rows[5:10] = [f"consequences: [{steps}]"]
    file.write_text("\n".join(rows))
    if accepted:
        assert len(load_agreement(file).consequences) == count
        return
    assert refusal_of(lambda: load_agreement(file)) == [
        f"{file}:6: consequences: this has {count} entries; "
        "list 1 to 20 steps, each with key and text"
    ]


def test_load_agreement_refuses_when_the_whole_is_too_long(file: Path) -> None:
    text = swapped(AGREEMENT, 1, f"purpose: {'x' * 12_000}")
    text = swapped(text, 3, f"  covered: {'x' * 12_000}")
    file.write_text(swapped(text, 4, f"  not_covered: {'x' * 12_000}"))
    (message,) = refusal_of(lambda: load_agreement(file))
    assert message.startswith(f"{file}:1: the whole agreement has 36")
    assert message.endswith("characters; shorten it to 30000 at most")


def test_load_agreement_takes_a_statement_of_1500_characters(file: Path) -> None:
    file.write_text(swapped(AGREEMENT, 15, f"  participant: {'x' * 1500}"))
    assert load_agreement(file).signatures.participant == "x" * 1500


def test_load_agreement_says_how_to_begin_when_there_is_no_file(file: Path) -> None:
    assert refusal_of(lambda: load_agreement(file)) == [
        f"{file}: there is no such file; check the path; `pledge init` writes a complete "
        "agreement to start from"
    ]


def test_lint_agreement_advises_in_the_order_of_lines(file: Path) -> None:
    text = swapped(AGREEMENT, 13, "  until_withdrawn: true")
    text = swapped(text, 1, f"purpose: {'x' * 1901}")
    file.write_text(swapped(text, 3, "  covered: |\n    # Stories\n    All."))
    result = lint_agreement(file)
    assert result.agreement == load_agreement(file)
    assert [line.split("; ")[0].removeprefix(str(file)) for line in result.advice] == [
        ":1: crisis: this part is not there",
        ":1: privacy: this part is not there",
        ":1: purpose: a paragraph has more than 1900 characters and will be cut",
        ":1: summary: this part is not there",
        ":3: scope.covered: a line begins with # and would look like a heading of Pledge's own",
        ":8: consequences: there is no step `sign_again`",
        ":8: consequences: there is no step `suspended`",
        ":15: duration.until_withdrawn: signatures never run out, so people are never reminded "
        "of the promise",
    ]


def test_lint_agreement_refuses_what_loading_refuses(file: Path) -> None:
    file.write_text(swapped(AGREEMENT, 1, None))
    assert refusal_of(lambda: lint_agreement(file)) == refusal_of(lambda: load_agreement(file))
