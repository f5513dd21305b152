"""Finds in what a moderator writes to one party what could give another one away.

It looks at the words alone and never at who somebody is: a warning that depended on that would
tell the moderator what is sealed.
"""

import re
from collections.abc import Iterable
from enum import StrEnum

RUN = 5
"""So many words in a row that somebody else wrote are taken for a quotation."""


class Risk(StrEnum):
    """Why a text could give somebody away."""

    QUOTES = "quotes"
    """It repeats what another party wrote."""
    NAMES = "names"
    """It has a mention, an account's name or its number in it."""
    LINKS = "links"
    """It leads to a message, which shows who was there and when."""
    DATES = "dates"
    """It tells a day or an hour."""


_WORD = re.compile(r"\w+")
_SIGNS = (
    (Risk.NAMES, re.compile(r"<@[!&]?\d+>|(?<![\w.])@[\w.]{2,}|\b\d{17,20}\b")),
    (Risk.LINKS, re.compile(r"https?://|discord\.(?:com|gg|app)/", re.IGNORECASE)),
    (
        Risk.DATES,
        re.compile(
            r"\b\d{1,4}[-./]\d{1,2}(?:[-./]\d{2,4})?\b|\b\d{1,2}[:h]\d{2}\b|<t:\d+|"
            r"\b\d{1,2}\s?(?:am|pm)\b",
            re.IGNORECASE,
        ),
    ),
)


def find_risks(text: str, others: Iterable[str]) -> tuple[Risk, ...]:
    """What in a text could tell its reader who somebody is that they must not know.

    Args:
        text: what a moderator wants to send.
        others: what was written by the people whom the reader must not find out.
    """
    found = [risk for risk, sign in _SIGNS if sign.search(text)]
    runs = _runs(text)
    if any(runs & _runs(other) for other in others):
        found.insert(0, Risk.QUOTES)
    return tuple(found)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return {tuple(words[n : n + RUN]) for n in range(len(words) - RUN + 1)}
