"""What Pledge says is easy to read: in distress, tired, young, or in a foreign language."""

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.texts.extract import extracted
from tests.texts.reading import grade, sentences, syllables

ROOT = Path(__file__).parents[2]

MOST = 7.0
"""The grade that no text for members passes: the first year of secondary school."""

MOST_OF_STAFF = 9.0
"""The same for what only facilitators, moderators and operators read."""

MOST_OF_ONE_SENTENCE = 8.0
"""A single sentence is as hard as its one long word; a text for members has none beyond this."""

SHORTEST = 6
"""Words from which on a text is measured: a label of three has no grade to speak of."""

FOR_STAFF = frozenset(
    f"bot/texts/{name}.py"
    for name in (
        *("case_clocks", "case_files", "cases", "facilitators", "findings", "inspection"),
        *("lookout", "overview", "publishing", "reports", "staff"),
    )
)
"""What only those read who look after a group; everything else counts as for members."""

HARDER = {
    "**The promise of the facilitator": "facilitator is what the agreement itself calls them",
    "The facilitator who published the agreement": "the same",
    "on paper or aloud, and recorded by a facilitator": "the same",
    "- Your report is confidential": "confidential is what it is, and what the agreement says",
    "In the channel's settings, under": "what Discord calls its own pages",
}
"""Texts that may be harder, by how they begin, and why."""


class Spoken(NamedTuple):
    """One text that Pledge says, and where it stands."""

    place: str
    text: str

    @property
    def may_be_harder(self) -> bool:
        return any(self.text.startswith(begin) for begin in HARDER)


def spoken() -> list[Spoken]:
    """All there is, in every form that a number can ask for."""
    found: list[Spoken] = []
    for message in extracted():
        ids = message.id if isinstance(message.id, (list, tuple)) else [message.id]
        places = sorted({place for place, _line in message.locations})
        found += [Spoken(", ".join(places), text) for text in ids if text]
    return found


def for_members(one: Spoken) -> bool:
    return not set(one.place.split(", ")) <= FOR_STAFF


def too_hard(texts: list[Spoken], most: float) -> list[str]:
    """The texts beyond a grade, with the grade, to be written anew."""
    measured = [(list(sentences(one.text)), one) for one in texts if not one.may_be_harder]
    return [
        f"{grade(words):.1f} {one.place}: {one.text}"
        for words, one in measured
        if sum(map(len, words)) >= SHORTEST and grade(words) > most
    ]


@pytest.mark.parametrize(
    ("word", "count"),
    [("read", 1), ("promise", 2), ("agreement", 3), ("confidentiality", 7), ("everybody", 4)],
)
def test_syllables_are_counted_as_they_are_said(word: str, count: int) -> None:
    assert syllables(word) == count


def test_grade_is_that_of_the_formula() -> None:
    words = list(sentences("The cat sat on the mat. It was warm."))
    assert grade(words) == pytest.approx(0.39 * 9 / 2 + 11.8 * 9 / 9 - 15.59)


def test_what_is_put_in_later_is_one_short_word() -> None:
    assert list(sentences("Ask **{person}** with `/agreement sign`.\nNow.")) == [
        ["Ask", "it", "with", "it"],
        ["Now"],
    ]


def test_members_can_read_every_text() -> None:
    assert too_hard([one for one in spoken() if for_members(one)], MOST) == []


def test_members_can_read_every_sentence() -> None:
    hard = [
        f"{grade([words]):.1f} {one.place}: {' '.join(words)}"
        for one in spoken()
        if for_members(one) and not one.may_be_harder
        for words in sentences(one.text)
        if len(words) >= SHORTEST and grade([words]) > MOST_OF_ONE_SENTENCE
    ]
    assert hard == []


def test_staff_can_read_every_text() -> None:
    assert too_hard([one for one in spoken() if not for_members(one)], MOST_OF_STAFF) == []


def test_every_exception_is_of_use() -> None:
    begins = {begin for begin in HARDER for one in spoken() if one.text.startswith(begin)}
    assert begins == set(HARDER)


def test_members_can_read_the_default_agreement() -> None:
    file = ROOT / "config" / "agreements" / "default.en.yaml"

    def strings(value: object) -> list[str]:
        match value:
            case str():
                return [value]
            case list():
                return [text for one in value for text in strings(one)]
            case dict():
                return [text for one in value.values() for text in strings(one)]
            case _:
                return []

    words = [
        one for text in strings(yaml.safe_load(file.read_text("utf-8"))) for one in sentences(text)
    ]
    assert grade(words) <= MOST
