"""The one catalogue of sentences, and the language that is spoken at the moment.

English stands in the source. Every other language is a message file in `locales`, read and
compiled in memory the first time somebody needs it.
"""

import gettext
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "es": "Español"}
"""The languages there are, each under the name its speakers give it."""

COMMAND, OPTION, CHOICE = "command", "option", "choice"
"""What a name is the name of."""

_LOCALES = Path(__file__).parent / "locales"
_spoken: ContextVar[str] = ContextVar("spoken", default=ENGLISH)


def mark(message: str) -> str:
    """Mark a constant for the catalogue; it is translated where it is used, with `_`."""
    return message


def _(message: str) -> str:
    """A sentence in the language that is spoken; placeholders are filled in afterwards."""
    language = _spoken.get()
    if language == ENGLISH or not message:
        return message
    return _translations(language).gettext(message)


def name(kind: str, word: str) -> str:
    """The name of a command, an option or a choice, in the language that is spoken.

    Args:
        kind: one of `COMMAND`, `OPTION` and `CHOICE`; one English word may need two.
        word: the English name.
    """
    language = _spoken.get()
    return word if language == ENGLISH else _translations(language).pgettext(kind, word)


def plural(one: str, many: str, count: int) -> str:
    """A sentence that depends on a number, in the language that is spoken."""
    language = _spoken.get()
    if language == ENGLISH:
        return one if count == 1 else many
    return _translations(language).ngettext(one, many, count)


def language_of(locale: str | None) -> str:
    """The nearest language there is for a locale such as `es-419`; English if there is none."""
    code = (locale or "").replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH


def spoken() -> str:
    """The language that is spoken at the moment."""
    return _spoken.get()


def speak(locale: str | None) -> None:
    """Speak the language of a locale until the end of the task that runs."""
    _spoken.set(language_of(locale))


@contextmanager
def speaking(locale: str | None) -> Generator[None]:
    """Speak the language of a locale within this block."""
    token = _spoken.set(language_of(locale))
    try:
        yield
    finally:
        _spoken.reset(token)


def message_file(language: str) -> Path:
    """Where the sentences of a language are kept."""
    return _LOCALES / f"{language}.po"


@cache
def _translations(language: str) -> gettext.NullTranslations:
    # Imported here: who only speaks English pays for none of it.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = BytesIO()
    with message_file(language).open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
