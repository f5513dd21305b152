"""What differs between two texts of an agreement, word by word, and how weighty it is."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from bot.domain.agreements import Agreement, AgreementVersion, Change, changed_parts
from bot.domain.translations import Translation

WEIGHTY = frozenset({"scope", "consequences", "duration", "signatures"})
"""Parts that say what people bind themselves to: a change there wants their word again."""

LADDER = "consequences"
"""The part that is the order of the steps; each of them is a part of its own below it."""

_WORDS = re.compile(r"\s+|\S+\s*")  # with the blanks after a word, or else runs would end there
_PARAGRAPHS = re.compile(r"(\n\s*\n|\n)")
_RESEMBLANCE = 0.4
"""Below this share of common words, old and new stand one after the other."""
_MOST_PAIRS = 200_000
"""Equal pairs of words beyond which frequent words are not lined up: it would take too long."""


class Edit(StrEnum):
    """What became of a piece of text."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that was kept, removed or added."""

    edit: Edit
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """One changed part, such as `purpose` or `scope.covered`; its pieces in reading order.

    `step` is what readers know a step of the ladder by, if it is one.
    """

    part: str
    pieces: tuple[Piece, ...]
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What whoever holds a signature on an older text is told first when they are asked again.

    `signed` is the text they signed, `counts_until` when their signature stops counting, None if
    it does not by itself. `translation_lags` when the translation they are shown lacks some of the
    changes: then these are told in the words of the text that counts.
    """

    signed: AgreementVersion
    counts_until: datetime | None
    changes: tuple[PartChange, ...]
    translation_lags: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """Whom a publish concerns.

    `signers` hold a signature that still counts, `waiting` have been asked and have not answered,
    or wait to be asked, `adopted` have the role from before Pledge and were not asked. `ending`
    says of how many of the signers an earlier grace runs already, by the instant it ends.
    """

    signers: int
    waiting: int
    adopted: int
    ending: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPreview:
    """What a facilitator decides on.

    `fingerprint` stands for the draft and its translations. `changes`, and by language
    `translated`, are what differs from the version in force; the first time there is none.
    `lagging` has, by language, the parts of a translation that are behind the text that counts.
    """

    draft: AgreementVersion
    in_force: AgreementVersion | None
    translations: tuple[Translation, ...]
    fingerprint: str
    changes: tuple[PartChange, ...]
    translated: tuple[tuple[str, tuple[PartChange, ...]], ...]
    lagging: tuple[tuple[str, tuple[str, ...]], ...]
    advice: Change | None
    affected: Affected

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the top-level parts that differ."""
        return tuple(dict.fromkeys(change.part.partition(".")[0] for change in self.changes))


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVersion:
    """One line of a group's history; `standing` and `given` count signatures on this text."""

    version: AgreementVersion
    languages: tuple[str, ...]
    standing: int
    given: int


def judge(before: Agreement, after: Agreement) -> Change | None:
    """What kind of change this looks like; None when no word differs.

    It is advice: people decide whether a change of words is one of the promise.
    """
    changed = changed_parts(before, after)
    if not changed:
        return None
    return Change.MATERIAL if WEIGHTY & set(changed) else Change.MINOR


@lru_cache(maxsize=8)
def compare(before: Agreement | None, after: Agreement | None) -> tuple[PartChange, ...]:
    """What differs, part by part, in reading order; where one is missing, everything does.

    It is kept, because after a publish the same two texts are compared for everybody who signed.
    """
    steps = {**step_names(before), **step_names(after)}
    changes: list[PartChange] = []
    for part, texts in _differing(before, after).items():
        # The order of the ladder is that of its keys, which nobody reads in Discord.
        was, now = (_named(text, steps) if part == LADDER else text for text in texts)
        changes.append(PartChange(part=part, pieces=diff(was, now), step=steps.get(part)))
    return tuple(changes)


def step_names(agreement: Agreement | None) -> dict[str, str]:
    """What readers know each step of the ladder by, by its part, such as `consequences.removed`."""
    if agreement is None:
        return {}
    return {f"{LADDER}.{step.key}": step.name for step in agreement.consequences}


def _named(keys: str, steps: dict[str, str]) -> str:
    return "\n".join(steps.get(f"{LADDER}.{key}", key) for key in keys.split("\n"))


def untranslated(
    before: Agreement, after: Agreement, old: Agreement, new: Agreement
) -> tuple[str, ...]:
    """The parts that changed in the text that counts and stayed as they were in a translation.

    Args:
        before: the older text that counts.
        after: the newer one.
        old: the translation of the older text.
        new: that of the newer one, in the same language.
    """
    followed = _differing(old, new)
    return tuple(part for part in _differing(before, after) if part not in followed)


def lagging(
    versions: Iterable[tuple[Agreement, Iterable[Translation]]],
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """By language, the parts of the newest translations that are behind the text that counts.

    A part is behind while the text that counts says something else than it did when the
    translation of that part was last touched, however long ago that was.

    Args:
        versions: each text that counts, with its translations; the oldest first.
    """
    known: dict[str, dict[str, str]] = {}
    meant: dict[str, dict[str, str]] = {}
    original: dict[str, str] = {}
    languages: list[str] = []
    for agreement, translations in versions:
        original, languages = _texts(agreement), []
        for one in translations:
            languages.append(one.language)
            was, now = known.get(one.language), _texts(one.agreement)
            if was is None:
                meant[one.language] = dict(original)
            else:
                touched = {part for part in was | now if was.get(part) != now.get(part)}
                meant[one.language].update({part: original.get(part, "") for part in touched})
            known[one.language] = now
    found = [(one, tuple(_differing_texts(meant[one], original))) for one in languages]
    return tuple((language, parts) for language, parts in found if parts)


def _differing(before: Agreement | None, after: Agreement | None) -> dict[str, tuple[str, str]]:
    """Both texts of each part that differs, in reading order."""
    return _differing_texts(*(_texts(text) if text else {} for text in (before, after)))


def _differing_texts(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    old, new = dict(before), dict(after)
    older, newer = (ladder.get("consequences", "").split("\n") for ladder in (old, new))
    if [key for key in older if key in newer] == [key for key in newer if key in older]:
        # Steps that came or went are told by themselves; only another order is news.
        old.pop("consequences", None)
        new.pop("consequences", None)
    return {part: both for part, both in _paired(old, new).items() if both[0] != both[1]}


def _texts(agreement: Agreement) -> dict[str, str]:
    """The parts that are compared, each as one canonical text; an absent part is empty."""
    clean = Agreement.from_canonical(agreement.canonical())
    days = clean.duration.days
    return {
        "title": clean.title,
        "crisis": clean.crisis or "",
        "summary": clean.summary or "",
        "purpose": clean.purpose,
        "scope.covered": clean.scope.covered,
        "scope.not_covered": clean.scope.not_covered,
        "scope.exceptions": clean.scope.exceptions,
        "consequences": "\n".join(step.key for step in clean.consequences),
        **{f"consequences.{step.key}": step.text for step in clean.consequences},
        "duration.text": clean.duration.text,
        "duration.days": "" if days is None else str(days),
        "signatures.participant": clean.signatures.participant,
        "signatures.facilitator": clean.signatures.facilitator,
        "privacy": clean.privacy or "",
    }


def _paired(old: dict[str, str], new: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Both texts of each part; steps that are gone stand after those that are there."""
    order = list(new)
    gone = [part for part in old if part not in new]
    at = order.index("duration.text") if new else 0
    order[at:at] = gone
    return {part: (old.get(part, ""), new.get(part, "")) for part in order}


def diff(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces that make both texts: word by word inside paragraphs that resemble each other."""
    old, new = _cut(_PARAGRAPHS, before), _cut(_PARAGRAPHS, after)
    pieces: list[Piece] = []
    for is_same, was, now in _aligned(old, new):
        if is_same:
            pieces.append(Piece(Edit.KEPT, was))
        else:
            pieces += _words(was, now)
    return tuple(_merged(pieces))


def _words(before: str, after: str) -> Iterator[Piece]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    mine, yours = Counter(before.split()), Counter(after.split())
    if 2 * (mine & yours).total() < _RESEMBLANCE * (mine.total() + yours.total()):
        yield from (Piece(Edit.REMOVED, before), Piece(Edit.ADDED, after))
        return
    for is_same, was, now in _aligned(old, new):
        if is_same:
            yield Piece(Edit.KEPT, was)
        else:
            yield from (Piece(Edit.REMOVED, was), Piece(Edit.ADDED, now))


def _aligned(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """Runs of both, in order: whether they are the same, and their text."""
    counts = Counter(new)
    pairs = sum(counts[one] for one in old)
    matcher = SequenceMatcher(None, old, new, autojunk=pairs > _MOST_PAIRS)
    for tag, a, b, c, d in matcher.get_opcodes():
        yield tag == "equal", "".join(old[a:b]), "".join(new[c:d])


def _cut(pattern: re.Pattern[str], text: str) -> list[str]:
    return [piece for piece in pattern.split(text) if piece]


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Runs of the same edit as one; between two kept ones what was removed comes first."""
    runs = dict.fromkeys((Edit.REMOVED, Edit.ADDED, Edit.KEPT), "")
    for piece in (piece for piece in pieces if piece.text):
        if (piece.edit is Edit.KEPT) is not bool(runs[Edit.KEPT]):
            yield from _flush(runs)
        runs[piece.edit] += piece.text
    yield from _flush(runs)


def _flush(runs: dict[Edit, str]) -> Iterator[Piece]:
    for edit, text in runs.items():
        if text:
            yield Piece(edit, text)
            runs[edit] = ""


def text_before(pieces: Iterable[Piece]) -> str:
    """The older text: everything that was not added."""
    return "".join(piece.text for piece in pieces if piece.edit is not Edit.ADDED)


def text_after(pieces: Iterable[Piece]) -> str:
    """The newer text: everything that was not removed."""
    return "".join(piece.text for piece in pieces if piece.edit is not Edit.REMOVED)
