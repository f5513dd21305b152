"""What `pledge agreement lint` says in the terminal."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bot.domain.agreements import Agreement, Change, changed_parts
from bot.domain.changes import WEIGHTY, judge, lagging
from bot.domain.translations import fingerprint_of
from bot.settings import lint_agreement, load_texts


def lint(file: Path, against: Path | None, console: Console) -> None:
    """Check an agreement with its translations, and judge what has changed in it.

    Args:
        file: the agreement.
        against: how it was before, with its own translations beside it; the changes are judged.
        console: where it is said.

    Raises:
        ConfigurationError: one of the files cannot be used.
    """
    result = lint_agreement(file)
    for line in result.advice:
        console.print(escape(line))
    console.print(f"{escape(str(file))}: all five parts are there and every message fits.")
    for one in result.texts.translations:
        console.print(
            f"Translation {one.language}: it has the same parts and steps. SHA-256 {one.sha256}"
        )
    console.print(f"SHA-256 {result.agreement.sha256()}")
    if result.texts.translations:
        whole = fingerprint_of(result.agreement.sha256(), result.texts.translations)
        console.print(f"With its translations {whole}")
    if against is not None:
        old, new = load_texts(against), result.texts
        for line in judgement(old.agreement, new.agreement):
            console.print(line)
        pairs = lagging((text.agreement, text.translations) for text in (old, new))
        for language, parts in pairs:
            console.print(
                f"Worth a look: these parts changed in the original and not in the translation"
                f" {language}: {', '.join(parts)}. Whoever reads it would read the old words."
            )


def judgement(before: Agreement, after: Agreement) -> list[str]:
    """What has changed, and whether it looks like a minor or a material change."""
    changed = changed_parts(before, after)
    match judge(before, after):
        case None:
            return ["No change: not a word differs. Layout and comments do not count."]
        case Change.MATERIAL:
            weighty = ", ".join(part for part in changed if part in WEIGHTY)
            advice = f"`material`. People bind themselves to something else now: {weighty}."
        case _:
            advice = "`minor`. Scope, consequences, duration and statements are as they were."
    return [f"Changed parts: {', '.join(changed)}.", f"Suggested: {advice}"]
