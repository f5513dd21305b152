"""An agreement with its translations: `name.es.yaml` stands beside `name.yaml` or `name.en.yaml`.

The file that the configuration names is the one that counts. A translation has the same
structure; only the words are in another language.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.domain.agreements import Agreement
from bot.domain.errors import ConfigurationError
from bot.domain.translations import Translation
from bot.settings.agreement_file import advice_on, load_with_document
from bot.settings.documents import Document
from bot.settings.locales import find_locale, nearest_locales
from bot.settings.problems import Problem, refusal, shown

_SUFFIXES = (".yaml", ".yml")
_OPTIONAL = ("summary", "crisis", "privacy")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementTexts:
    """The text that counts and what it is in other languages, in the order of their names."""

    agreement: Agreement
    translations: tuple[Translation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LintResult:
    """Texts that can be used, and advice on them: one line each, empty when there is none."""

    texts: AgreementTexts
    advice: tuple[str, ...]

    @property
    def agreement(self) -> Agreement:
        """The text that counts."""
        return self.texts.agreement


def load_texts(path: Path) -> AgreementTexts:
    """Read an agreement and the translations beside it.

    Raises:
        ConfigurationError: one of the files cannot be used; the message has one line for each
            problem, with file, line, part, what is wrong and what would be right.
    """
    return _load(path)[0]


def lint_agreement(path: Path) -> LintResult:
    """Read an agreement with its translations, and say what its author may want to think over.

    Raises:
        ConfigurationError: as `load_texts`.
    """
    texts, documents = _load(path)
    agreements = [texts.agreement, *(one.agreement for one in texts.translations)]
    advice = [
        line
        for agreement, document in zip(agreements, documents, strict=True)
        for line in advice_on(agreement, document)
    ]
    return LintResult(texts=texts, advice=tuple(advice))


def _load(path: Path) -> tuple[AgreementTexts, list[Document]]:
    agreement, document = load_with_document(path)
    found, refusals = _find(path)
    translations: list[Translation] = []
    documents = [document]
    for language, file in found:
        try:
            translated, its_document = load_with_document(file)
            problems = sorted(set(_differences(document, agreement, its_document, translated)))
            if problems:
                raise refusal(file, problems)
            translations.append(Translation.of(language, translated))
            documents.append(its_document)
        except ConfigurationError as error:
            refusals.append(str(error))
    if refusals:
        raise ConfigurationError("\n".join(refusals))
    return AgreementTexts(agreement=agreement, translations=tuple(translations)), documents


def _find(path: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """The files of translations with their languages, and what is wrong with their names."""
    name, own = path.stem, None
    first, _, last = name.rpartition(".")
    if first and find_locale(last):
        name, own = first, find_locale(last)
    pattern = re.compile(rf"{re.escape(name)}\.([^.]+)\.ya?ml")
    found: dict[str, Path] = {}
    refusals: list[str] = []
    for file in _beside(path):
        match = pattern.fullmatch(file.name)
        if match is None or file.name == path.name:
            continue
        problem = _name_problem(match[1], own, found)
        if problem is None:
            found[find_locale(match[1]) or ""] = file
        else:
            refusals.append(problem.text(file))
    return sorted(found.items()), refusals


def _beside(path: Path) -> Iterable[Path]:
    try:
        return sorted(file for file in path.parent.iterdir() if file.suffix in _SUFFIXES)
    except OSError as error:
        reason = error.strerror or "not a usable path"
        problem = Problem(0, "", f"cannot be listed: {reason}", "let Pledge's account read it")
        raise refusal(path.parent, [problem]) from None


def _name_problem(written: str, own: str | None, found: dict[str, Path]) -> Problem | None:
    language = find_locale(written)
    if language is None:
        near = " or ".join(nearest_locales(written))
        wrong = f"Discord knows no language “{shown(written)}”"
        return Problem(
            0,
            "",
            wrong,
            f"name it {near}; a file that is no translation needs a name"
            " with a hyphen there instead of a full stop",
        )
    if language == own or language in found:
        wrong = f"there is a text in this language ({language}) already"
        return Problem(0, "", wrong, "keep one of the two")
    return None


def _differences(
    document: Document, agreement: Agreement, its: Document, translated: Agreement
) -> Iterator[Problem]:
    """Where the structure of a translation is not that of the text that counts."""
    for part in _OPTIONAL:
        if (getattr(agreement, part) is None) is not (getattr(translated, part) is None):
            is_extra = getattr(agreement, part) is None
            wrong = "the original has no such part" if is_extra else "this is missing"
            right = "take it out here, or add it there" if is_extra else "translate it too"
            at = its.line((part,)) if is_extra else its.line(())
            yield Problem(at, part, wrong, f"{right} ({document.path.name})")
    if "title" in document.data and "title" not in its.data:
        yield Problem(its.line(()), "title", "this is missing", "translate it too")
    yield from _different_steps(document, agreement, its, translated)
    days, its_days = agreement.duration.days, translated.duration.days
    if days != its_days:
        key = "days" if "days" in its.data["duration"] else "until_withdrawn"
        wanted = "until_withdrawn: true" if days is None else f"days: {days}"
        wrong = "a signature would last another time than in the original"
        yield its.problem(
            ("duration", key), wrong, f"write `{wanted}`, as {document.path.name} does"
        )


def _different_steps(
    document: Document, agreement: Agreement, its: Document, translated: Agreement
) -> Iterator[Problem]:
    keys = [step.key for step in agreement.consequences]
    its_keys = [step.key for step in translated.consequences]
    if keys == its_keys:
        return
    wanted = f"list the same steps in the same order: {', '.join(keys)}"
    pairs = enumerate(zip(keys, its_keys, strict=False))
    at = next((n for n, (key, other) in pairs if key != other), min(len(keys), len(its_keys)))
    if at < len(its_keys):
        wrong = f"the original ({document.path.name}) has another step here"
        yield its.problem(("consequences", at, "key"), wrong, wanted)
    else:
        wrong = f"the step `{keys[at]}` of the original ({document.path.name}) is missing"
        yield its.problem(("consequences",), wrong, wanted)
