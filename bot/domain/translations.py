"""What an agreement says in other languages, beside the text that counts."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from bot.domain.agreements import Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """One translation: `language` is a locale of Discord or its first half, such as `es`.

    `text` is the canonical form, as that of a version, and `sha256` its hash.
    """

    language: str
    text: str
    sha256: str

    @classmethod
    def of(cls, language: str, agreement: Agreement) -> Self:
        """Keep what a file says in this language."""
        return cls(language=language, text=agreement.canonical(), sha256=agreement.sha256())

    @property
    def agreement(self) -> Agreement:
        """The text, part by part."""
        return Agreement.from_canonical(self.text)


def languages_and_hashes(translations: Iterable[Translation]) -> str:
    """Which translations there are, as the ledger keeps it: `es:<sha256>,fr:<sha256>`."""
    return ",".join(sorted(f"{one.language}:{one.sha256}" for one in translations))


def fingerprint_of(sha256: str, translations: Iterable[Translation]) -> str:
    """What a facilitator confirms: the text that counts and all its translations.

    Args:
        sha256: the hash of the text that counts.
        translations: what else is published with it.

    Returns:
        A SHA-256 of them all; without translations that of the text itself.
    """
    said = languages_and_hashes(translations)
    return hashlib.sha256(f"{sha256},{said}".encode()).hexdigest() if said else sha256


def changed_languages(
    before: Iterable[Translation], after: Iterable[Translation]
) -> tuple[str, ...]:
    """The languages whose text was added, changed or taken away."""
    old = {one.language: one.sha256 for one in before}
    new = {one.language: one.sha256 for one in after}
    return tuple(name for name in sorted(old | new) if old.get(name) != new.get(name))


def choose(translations: Iterable[Translation], locale: str | None) -> Translation | None:
    """The translation that fits a reader best: their own locale, or else their language.

    Args:
        translations: what there is.
        locale: a locale such as `es-419`; None when nothing is known of the reader.

    Returns:
        None when the text that counts is the best there is.
    """
    wanted = (locale or "").lower()
    same = [one for one in translations if _half(one.language) == _half(wanted)]
    return min(same, key=lambda one: _distance(one.language.lower(), wanted), default=None)


def _half(locale: str) -> str:
    return locale.lower().partition("-")[0]


def _distance(language: str, wanted: str) -> int:
    """The same words, the language without a region, another region of it."""
    if language == wanted:
        return 0
    return 1 if language == _half(wanted) else 2
