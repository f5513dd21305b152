"""Cutting long texts: whatever the text, no word is lost and every piece fits."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.paragraphs import MESSAGE_LIMIT, length, split_text

# Short words and a small limit reach every kind of cut within a few hundred characters.
words = st.text(st.sampled_from("ab.!?…é😀👍🏽\u200d*_-"), min_size=1, max_size=9)
gaps = st.sampled_from(
    [" ", " ", "  ", "\n", "\n  ", "\n\n", "\n\n\n", "\n \n", " \t\n\n", "\u00a0"]
)
texts = st.lists(st.tuples(gaps, words | st.just("")), max_size=40).map(
    lambda parts: "".join(gap + word for gap, word in parts)
)
limits = st.integers(2, 40)


@given(texts, limits)
@example("aaaaaaaaaa\n\n \n\nbbbbbbbbbb", 10)
@example("aaaaaaaaaa\n\n   \nbbbbbbbbbb", 10)
def test_no_word_is_lost_or_moved_when_a_text_is_cut(text: str, limit: int) -> None:
    assert "".join("".join(split_text(text, limit)).split()) == "".join(text.split())


@given(texts, limits)
@example("aaaaaaaaaa\n\n \n\nbbbbbbbbbb", 10)
def test_every_piece_fits_and_says_something(text: str, limit: int) -> None:
    for piece in split_text(text, limit):
        assert 0 < length(piece) <= limit
        assert piece == piece.strip()


@given(texts, limits)
def test_word_is_cut_only_when_it_is_too_long_for_any_piece(text: str, limit: int) -> None:
    left = [word for piece in split_text(text, limit) for word in piece.split()]
    for word in text.split():
        if length(word) <= limit:
            assert left.pop(0) == word
        else:
            parts = ""
            while parts != word:
                assert word.startswith(parts)
                parts += left.pop(0)
    assert left == []


@given(texts, limits)
def test_paragraph_is_kept_whole_when_it_fits(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.strip() and length(paragraph.strip()) <= limit:
            assert any(paragraph.strip() in piece for piece in pieces)


@given(texts, limits)
def test_pieces_stay_as_they_are_when_cut_again(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert [again for piece in pieces for again in split_text(piece, limit)] == pieces


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_text_that_fits_stays_one_piece(text: str) -> None:
    assert split_text(text, 400) == ([text.strip()] if text.strip() else [])


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two\n\nthree four", ["one two", "three four"]),
        ("one\n\ntwo\n\nthree four", ["one\n\ntwo", "three four"]),
        ("one two three\nfour", ["one two", "three\nfour"]),
        ("one\ntwo three four", ["one", "two three", "four"]),
        ("one\n  \ntwo four six", ["one", "two four", "six"]),
        ("One. Two three. Four.", ["One.", "Two three.", "Four."]),
        ("1234567890123", ["1234567890", "123"]),
        ("😀😀😀😀😀😀", ["😀😀😀😀😀", "😀"]),
    ],
)
def test_cut_falls_at_the_best_place_there_is(text: str, pieces: list[str]) -> None:
    assert split_text(text, 10) == pieces


def test_length_is_counted_as_discord_counts_it() -> None:
    assert (length("a"), length("é"), length("😀"), length("👍🏽")) == (1, 1, 2, 4)


def test_piece_of_emoji_fits_a_message_when_the_text_is_long() -> None:
    first, second = split_text("😀" * 1500)
    assert (length(first), length(second)) == (MESSAGE_LIMIT, 1000)
