"""The languages Discord knows, by the names it gives them."""

import difflib

LOCALES = (
    *("bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "hi", "hr"),
    *("hu", "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th"),
    *("tr", "uk", "vi", "zh-CN", "zh-TW"),
)
LANGUAGES = tuple(sorted({*LOCALES, *(locale.partition("-")[0] for locale in LOCALES)}))
"""The same with the languages of those that name a region: `es` stands for all Spanish."""

_BY_FOLDED = {locale.lower(): locale for locale in LANGUAGES}


def find_locale(written: str) -> str | None:
    """The locale that is meant, as Discord writes it; None when Discord knows none like it."""
    return _BY_FOLDED.get(written.lower())


def nearest_locales(written: str) -> list[str]:
    """What somebody may have meant, the likeliest first; a few well-known ones if nothing is."""
    folded = written.lower().replace("_", "-")
    if folded in _BY_FOLDED:
        return [_BY_FOLDED[folded]]
    same = [locale for locale in LANGUAGES if locale.lower().split("-")[0] == folded.split("-")[0]]
    close = difflib.get_close_matches(folded, _BY_FOLDED, n=3, cutoff=0.5)
    return same or [_BY_FOLDED[name] for name in close] or ["de", "en", "es", "fr"]
