"""Cuts a long text into pieces that fit a message, at the best places there are."""

import re

MESSAGE_LIMIT = 2000
"""Characters in one Discord message."""

_BREAKS = (
    re.compile(r"[^\S\n]*\n(?:[^\S\n]*\n)+"),  # between paragraphs; a blank line may hold blanks
    re.compile(r"[^\S\n]*\n"),  # between lines
    re.compile(r"(?<=[.!?…])\s+"),  # between sentences
    re.compile(r"\s+"),  # between words
)


def split_text(text: str, limit: int = MESSAGE_LIMIT) -> list[str]:
    """Cut `text` into pieces of at most `limit` (2 or more) UTF-16 units, without losing a word.

    Cuts fall at the end of a paragraph; where a paragraph is too long by itself, at the end
    of a line, then of a sentence, then of a word. Only a single word longer than `limit` is
    cut inside. White space at a cut is dropped; everything else is kept, in order.
    """
    return _pack(text, limit, 0)


def length(text: str) -> int:
    """Length as Discord's clients count it: UTF-16 units, so most emoji count two."""
    return len(text.encode("utf-16-le")) // 2


def _pack(text: str, limit: int, level: int) -> list[str]:
    # Discord refuses a message of nothing but white space, and trims the others itself.
    text = text.strip()
    if length(text) <= limit:
        return [text] if text else []
    if level == len(_BREAKS):
        return _cut_word(text, limit)
    pieces: list[str] = []
    for chunk, gap in _chunks(text, _BREAKS[level]):
        if pieces and length(pieces[-1] + gap + chunk) <= limit:
            pieces[-1] += gap + chunk
        else:
            # A chunk too long for any message is cut at the next finer kind of place.
            pieces += _pack(chunk, limit, level + 1)
    return pieces


def _chunks(text: str, gap: re.Pattern[str]) -> list[tuple[str, str]]:
    """The parts between gaps, each with the gap before it."""
    chunks: list[tuple[str, str]] = []
    start, before = 0, ""
    for match in gap.finditer(text):
        chunks.append((text[start : match.start()], before))
        start, before = match.end(), match.group()
    chunks.append((text[start:], before))
    return [(chunk, space) for chunk, space in chunks if chunk]


def _cut_word(word: str, limit: int) -> list[str]:
    pieces = [""]
    for character in word:
        if length(pieces[-1] + character) > limit:
            pieces.append("")
        pieces[-1] += character
    return pieces
