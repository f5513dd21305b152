"""Comparing two texts: nothing is lost on the way, and a change is judged by its weight."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.agreements import Agreement, Change, Consequence, Duration, Scope, Statements
from bot.domain.changes import (
    Edit,
    Piece,
    compare,
    diff,
    judge,
    lagging,
    text_after,
    text_before,
    untranslated,
)
from bot.domain.translations import Translation
from tests.factories import make_agreement

words = st.sampled_from(["we", "listen", "to", "each", "other", "**bold**", "~~", "é", "365", "-"])
gaps = st.sampled_from([" ", " ", " ", "  ", "\n", "\n\n", "\n \n", "\t"])
texts = st.lists(st.tuples(words | st.just(""), gaps), max_size=40).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


@given(texts, texts)
@example("", "all new")
@example("all gone", "")
@example("a " * 700 + "b", "b " + "a " * 700)
def test_the_pieces_make_both_texts(before: str, after: str) -> None:
    pieces = diff(before, after)
    assert text_before(pieces) == before
    assert text_after(pieces) == after


@given(texts, texts)
def test_pieces_are_never_empty_and_change_at_every_border(before: str, after: str) -> None:
    pieces = diff(before, after)
    assert all(piece.text for piece in pieces)
    edits = [piece.edit for piece in pieces]
    assert all(one is not other for one, other in pairwise(edits))
    # What was removed stands before what came in its place, so that it reads like a correction.
    assert (Edit.ADDED, Edit.REMOVED) not in set(pairwise(edits))


@given(texts)
def test_a_text_that_is_the_same_has_no_change(text: str) -> None:
    assert [piece.edit for piece in diff(text, text)] in ([Edit.KEPT], [])


def test_only_the_words_that_differ_are_marked_inside_a_paragraph() -> None:
    pieces = diff("Stay.\n\nIt lasts 365 days for all.", "Stay.\n\nIt lasts 180 days for all.")
    assert pieces == (
        Piece(Edit.KEPT, "Stay.\n\nIt lasts "),
        Piece(Edit.REMOVED, "365 "),
        Piece(Edit.ADDED, "180 "),
        Piece(Edit.KEPT, "days for all."),
    )


def test_paragraphs_without_likeness_stand_one_after_the_other() -> None:
    pieces = diff("We meet on Mondays at noon.", "Nobody records what others say.")
    assert pieces == (
        Piece(Edit.REMOVED, "We meet on Mondays at noon."),
        Piece(Edit.ADDED, "Nobody records what others say."),
    )


BASE = make_agreement(summary="Short.", crisis="Call.", privacy="Little.")
CHANGED: list[tuple[Agreement, list[str], Change]] = [
    (replace(BASE, title="Other"), ["title"], Change.MINOR),
    (replace(BASE, purpose="Other."), ["purpose"], Change.MINOR),
    (replace(BASE, summary=None), ["summary"], Change.MINOR),
    (replace(BASE, crisis="Other."), ["crisis"], Change.MINOR),
    (replace(BASE, privacy="Other."), ["privacy"], Change.MINOR),
    (
        replace(BASE, scope=replace(BASE.scope, not_covered="Other.")),
        ["scope.not_covered"],
        Change.MATERIAL,
    ),
    (
        replace(BASE, duration=replace(BASE.duration, days=30)),
        ["duration.days"],
        Change.MATERIAL,
    ),
    (
        replace(BASE, signatures=replace(BASE.signatures, facilitator="Other.")),
        ["signatures.facilitator"],
        Change.MATERIAL,
    ),
    (
        replace(BASE, consequences=BASE.consequences[1:]),
        ["consequences.reminder"],
        Change.MATERIAL,
    ),
    (
        replace(BASE, consequences=BASE.consequences[::-1]),
        ["consequences"],
        Change.MATERIAL,
    ),
    (
        replace(BASE, consequences=(*BASE.consequences, Consequence(key="legal", text="Law."))),
        ["consequences.legal"],
        Change.MATERIAL,
    ),
]


@pytest.mark.parametrize(("after", "parts", "advice"), CHANGED)
def test_a_change_is_named_by_its_part_and_judged_by_its_weight(
    after: Agreement, parts: list[str], advice: Change
) -> None:
    assert [change.part for change in compare(BASE, after)] == parts
    assert judge(BASE, after) is advice


def test_white_space_around_a_text_is_no_change() -> None:
    spaced = replace(BASE, purpose=f"  {BASE.purpose}\r\n", title="e\u0301")
    assert judge(spaced, replace(BASE, title="\u00e9")) is None
    assert compare(spaced, replace(BASE, title="\u00e9")) == ()


def test_everything_is_new_without_an_older_text() -> None:
    changes = compare(None, BASE)
    assert {piece.edit for change in changes for piece in change.pieces} == {Edit.ADDED}
    assert "consequences" not in [change.part for change in changes]
    gone = compare(BASE, None)
    assert {piece.edit for change in gone for piece in change.pieces} == {Edit.REMOVED}
    assert {change.part for change in gone} == {change.part for change in changes}


@pytest.mark.parametrize(("after", "parts", "_advice"), CHANGED)
def test_a_translation_that_stayed_as_it_was_lacks_every_change(
    after: Agreement, parts: list[str], _advice: Change
) -> None:
    assert untranslated(BASE, after, BASE, BASE) == tuple(parts)
    assert untranslated(BASE, after, BASE, after) == ()
    assert untranslated(BASE, BASE, BASE, after) == (), "a better translation lacks nothing"


def test_a_translation_lacks_only_the_parts_it_did_not_follow() -> None:
    scope = replace(BASE.scope, covered="Other.", exceptions="Other.")
    after = replace(BASE, purpose="Other.", scope=scope)
    followed = replace(BASE, purpose="Otro.", scope=replace(BASE.scope, covered="Otro."))
    assert untranslated(BASE, after, BASE, followed) == ("scope.exceptions",)


def test_only_translations_that_were_there_before_can_lag() -> None:
    after = replace(BASE, purpose="Other.")
    es, fr, it = (Translation.of(language, BASE) for language in ("es", "fr", "it"))
    followed = Translation.of("fr", after)
    newer = (after, [es, followed, it])
    assert lagging([(BASE, [es, fr]), newer]) == (("es", ("purpose",)),)
    assert lagging([(BASE, [es]), (after, [])]) == ()
    assert lagging([newer]) == ()


def test_a_translation_lags_until_it_follows_or_the_original_says_the_same_again() -> None:
    after = replace(BASE, purpose="Other.")
    further = replace(after, title="Another title")
    behind = Translation.of("es", BASE)
    both = Translation.of("es", further)
    history = [(BASE, [behind]), (after, [behind])]
    assert lagging([*history, (further, [behind])]) == (("es", ("title", "purpose")),)
    title = Translation.of("es", replace(BASE, title="Otro título"))
    assert lagging([*history, (further, [title])]) == (("es", ("purpose",)),)
    assert lagging([*history, (further, [title]), (further, [both])]) == ()
    assert lagging([*history, (BASE, [behind])]) == ()
    # Left out for a while, it comes back as old as it was.
    assert lagging([*history, (after, []), (after, [behind])]) == (("es", ("purpose",)),)


def test_a_step_of_the_ladder_that_came_counts_once_it_is_translated() -> None:
    longer = replace(BASE, consequences=(*BASE.consequences, Consequence(key="new", text="New.")))
    es, followed = Translation.of("es", BASE), Translation.of("es", longer)
    assert lagging([(BASE, [es]), (longer, [es])]) == (("es", ("consequences.new",)),)
    assert lagging([(BASE, [es]), (longer, [followed])]) == ()


agreements = st.builds(
    Agreement,
    title=texts,
    purpose=texts,
    scope=st.builds(Scope, covered=texts, not_covered=texts, exceptions=texts),
    consequences=st.lists(
        st.builds(Consequence, key=st.sampled_from("abc"), text=texts),
        max_size=3,
        unique_by=lambda step: step.key,
    ).map(tuple),
    duration=st.builds(Duration, text=texts, days=st.none() | st.integers(1, 9)),
    signatures=st.builds(Statements, participant=texts, facilitator=texts),
    summary=st.none() | st.just("Short."),
)


@given(agreements, agreements)
def test_whatever_has_another_fingerprint_is_told(before: Agreement, after: Agreement) -> None:
    is_same = before.sha256() == after.sha256()
    assert (judge(before, after) is None) == is_same
    assert (compare(before, after) == ()) == is_same
