"""Changes as Discord shows them: whatever stands in the text, only our marks are marks."""

import html
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.agreements import Agreement, Consequence
from bot.domain.changes import Edit, PartChange, Piece, compare, diff
from bot.domain.paragraphs import MESSAGE_LIMIT, length
from bot.texts.changes import change_pages, changes_document
from tests.factories import make_agreement

RULES = (
    ("escaped", re.compile(r"\\([^0-9A-Za-z\s])")),
    ("link", re.compile(r"<(?:https?://|@|#|t:|a?:\w)|https?://|\[[^\]]*\]\(")),
    ("bold", re.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")),
    ("underlined", re.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")),
    ("italic", re.compile(r"\*(?=\S)((?:\\[\s\S]|[^\\*])+?)\*|\b_((?:\\[\s\S]|[^\\_])+?)_\b")),
    ("struck", re.compile(r"~~([\s\S]+?)~~(?!_)")),
    ("spoiler", re.compile(r"\|\|([\s\S]+?)\|\|")),
    ("code", re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")),
    ("block", re.compile(r"^(?:#{1,3} |-# |>>> |> )", re.MULTILINE)),
)
"""How Discord's clients read Markdown: at each place the first rule that fits, then inside it."""

EDITS = {"bold": Edit.ADDED, "struck": Edit.REMOVED}
SIGNS = {"\u200b", "↵", "␣", "…"}


def read(text: str, edit: Edit = Edit.KEPT) -> list[tuple[Edit, str]]:
    """What a person sees: characters, each with the formatting it has."""
    seen: list[tuple[Edit, str]] = []
    at = 0
    while at < len(text):
        starts = at == 0 or text[at - 1] == "\n"
        for name, rule in RULES:
            found = rule.match(text, at)
            if found is None or (name == "block" and not starts):
                continue
            if name == "escaped":
                seen.append((edit, found[1]))
            else:
                assert name in EDITS, f"{name}: {text!r}"
                assert edit is Edit.KEPT, f"{name} inside: {text!r}"
                seen += read(found[1], EDITS[name])
            at = found.end()
            break
        else:
            seen.append((edit, text[at]))
            at += 1
    return seen


def ladder(*steps: tuple[str, str]) -> Agreement:
    return make_agreement(consequences=tuple(Consequence(key=k, text=t) for k, t in steps))


def test_steps_are_named_as_readers_know_them_and_never_by_key() -> None:
    one, two = ("talk_first", "A private *word*. Most slips"), ("gone_x", "Leaving for good.")
    before = ladder(one, two, ("old_step", "A pause\nof a month or so!"))
    after = ladder(two, ("talk_first", "A private *word*. Most slips happen."))
    changes = compare(before, after)
    text = "\n".join(change_pages(changes))
    assert "### If the promise is broken: “A private \\*word\\*”" in text
    assert "### If the promise is broken: “A pause of a month or so”" in text
    order = text[text.index("the order of the steps") :].split("###")[0]
    assert "~~A private" in order
    page = changes_document([("", changes)], "")
    assert "<h3>If the promise is broken: “A private *word*”</h3>" in page
    for key in ("talk_first", "gone_x", "old_step"):
        assert key not in text.replace("\\", "") + page


def test_a_long_step_is_named_by_its_beginning() -> None:
    assert len(Consequence(key="a", text="word " * 90).name) <= 80
    assert Consequence(key="a", text="¿Qué? Sí.").name == "¿Qué"


def seen_in(pages: list[str], edit: Edit) -> str:
    lines = [line for page in pages for line in page.split("\n") if not line.startswith("### ")]
    signs = [sign for kind, sign in read("\n".join(lines)) if kind is edit]
    return "".join(sign for sign in signs if not sign.isspace() and sign not in SIGNS)


def said_in(pieces: tuple[Piece, ...], edit: Edit) -> str:
    return "".join("".join(piece.text.split()) for piece in pieces if piece.edit is edit)


marks = st.text(st.sampled_from("ab_*~`|\\<>[]()#-:/@1. é😀\n"), max_size=40)


@given(marks, marks)
@example("", "**")
@example("a~", "b")
@example("~~", "")
@example("a\\", "b\\")
@example("x", "# y")
@example("x **a", "x b** a")
@example("_a_", "https://a_b_c.example/`x`")
def test_what_is_marked_is_what_changed_whatever_it_looks_like(before: str, after: str) -> None:
    pieces = diff(before, after)
    pages = change_pages([PartChange(part="purpose", pieces=pieces)])
    assert seen_in(pages, Edit.REMOVED) == said_in(pieces, Edit.REMOVED)
    assert seen_in(pages, Edit.ADDED) == said_in(pieces, Edit.ADDED)


@settings(deadline=None)  # long texts take their time on a busy machine
@given(st.lists(marks, min_size=1, max_size=5), st.integers(1, 400), st.booleans())
@example(["**" * 20], 400, False)
def test_every_message_fits_and_carries_its_own_marks(
    texts: list[str], times: int, lines: bool
) -> None:
    gap = "\n" if lines else " "
    pieces = (Piece(Edit.REMOVED, gap.join(texts * times)), Piece(Edit.ADDED, texts[0]))
    pages = change_pages([PartChange(part="consequences.a__b", pieces=pieces)])
    assert all(0 < length(page) <= MESSAGE_LIMIT for page in pages)
    for edit in (Edit.REMOVED, Edit.ADDED):
        assert "".join(seen_in([page], edit) for page in pages) == said_in(pieces, edit)


def test_a_change_reads_like_a_correction() -> None:
    before = "Stay.\n\n- It lasts 365 days.\n- Nothing else."
    pieces = diff(before, before.replace("365", "180"))
    assert change_pages([PartChange(part="duration.text", pieces=pieces)]) == [
        "### How long it lasts\n…\n- It lasts ~~365~~ **180** days.\n…"
    ]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("End.\n\nNext.", "End. Next.", "~~End.↵↵"),
        ("a  b", "a b", "~~a␣␣"),
    ],
)
def test_white_space_that_changed_can_be_seen(before: str, after: str, shown: str) -> None:
    (page,) = change_pages([PartChange(part="purpose", pieces=diff(before, after))])
    assert shown in page


@given(marks, marks)
@example("<script>", "&lt;script&gt;")
def test_the_page_holds_both_texts_and_nothing_that_runs(before: str, after: str) -> None:
    pieces = diff(before, after)
    change = PartChange(part="purpose", pieces=pieces)
    page = changes_document([("<b>", [change])], "</title><script>")
    (body,) = re.findall(r'<div class="part">(.*?)</div>', page, re.DOTALL)
    without = {"ins": Edit.ADDED, "del": Edit.REMOVED}
    for tag, text in (("ins", before), ("del", after)):
        left = re.sub(rf"<{tag}>.*?</{tag}>", "", body, flags=re.DOTALL)
        assert html.unescape(re.sub(r"</?(?:ins|del)>", "", left)) == text, without[tag]
    assert "<script" not in page
