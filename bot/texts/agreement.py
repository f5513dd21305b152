"""The agreement as people read it: asked to sign, to read again, and before publishing."""

from dataclasses import dataclass, replace
from datetime import datetime

from babel import Locale, UnknownLocaleError

from bot.domain.agreements import Agreement, AgreementVersion
from bot.domain.changes import Renewal
from bot.domain.paragraphs import split_text
from bot.domain.suspensions import Pause
from bot.domain.translations import Translation
from bot.texts.catalogue import ENGLISH, LANGUAGES, _, language_of, mark, speaking, spoken
from bot.texts.changes import change_pages
from bot.texts.forms import moment, quoted
from bot.texts.members import paused

PARTS = {
    "title": mark("The title"),
    "summary": mark("In short"),
    "crisis": mark("If you are in danger"),
    "purpose": mark("Why we make this promise"),
    "scope": mark("What it covers, what it does not, and when you may speak"),
    "consequences": mark("If the promise is broken"),
    "duration": mark("How long it lasts"),
    "signatures": mark("The two statements that are signed"),
    "privacy": mark("What this bot keeps"),
}

TRANSLATED = mark("-# This is a translation. Should the two differ, the original text counts.")
ORIGINAL_BUTTON = mark("Original text")

_MOST_PAGES_OF_CHANGES = 5
"""Messages that tell somebody what has changed; the whole new text follows in any case."""


def agreement_text(agreement: Agreement) -> str:
    """The whole agreement in Markdown, without the statement that is signed."""
    steps = "\n".join(f"{n}. {step.text}" for n, step in enumerate(agreement.consequences, 1))
    sections = [f"# {agreement.title}"]
    if agreement.crisis:
        sections.append(_heading(_("If you are in danger"), agreement.crisis))
    if agreement.summary:
        sections.append(_heading(_("In short"), agreement.summary))
    sections += [
        _heading(_("Why we make this promise"), agreement.purpose),
        _heading(_("What stays here"), agreement.scope.covered),
        _heading(_("What you may always share"), agreement.scope.not_covered),
        _heading(_("When you may speak all the same"), agreement.scope.exceptions),
        _heading(_("If the promise is broken"), steps),
        _heading(_("How long it lasts"), agreement.duration.text),
    ]
    if agreement.privacy:
        heading = _("**What this bot keeps** (not part of the promise)")
        sections.append(f"{heading}\n{agreement.privacy}")
    return "\n\n".join(section.strip() for section in sections)


def _heading(heading: str, text: str) -> str:
    return f"**{heading}**\n{text}"


def statements_text(version: AgreementVersion) -> str:
    """Both statements: what the participant signs, and what the facilitator has signed."""
    statements = version.agreement.signatures
    parts: list[str] = []
    if version.published_at is not None:
        heading = _("**The promise of the facilitator who published this** (signed {day})")
        day = moment(version.published_at, "D")
        parts.append(f"{heading.format(day=day)}\n{quoted(statements.facilitator)}")
    parts.append(_heading(_("Your promise"), quoted(statements.participant)))
    return "\n\n".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What was between somebody and the group before they are asked; of newcomers, nothing.

    `is_adopted` is whether the channel is open to them already, as members from before Pledge;
    `kept_until` until when it stays so, for whoever had been asked for an older text. `has_lapsed`
    is whether they held a signature that has ended by itself. `pause` is set while signing opens
    nothing.
    """

    is_adopted: bool = False
    kept_until: datetime | None = None
    has_lapsed: bool = False
    pause: Pause | None = None


NEWCOMER = Background()


def request_messages(
    version: AgreementVersion,
    group: str,
    accept: str,
    decline: str,
    *,
    renewal: Renewal | None = None,
    translation: Translation | None = None,
    background: Background = NEWCOMER,
) -> list[str]:
    """The direct messages that ask somebody to sign, in order.

    The last one carries the statement and how to accept, decline and withdraw. Whoever holds a
    signature on an older text reads first what has changed since then.

    Args:
        version: the version in force.
        group: the name of the group.
        accept: the emoji that accepts.
        decline: the emoji that declines.
        renewal: what somebody who has signed an older text is told first.
        translation: the translation to show in place of the text that counts.
        background: what was before, for whoever is no newcomer.
    """
    version = _as_shown(version, translation)
    first: list[str] = []
    if renewal is not None:
        first = _what_changed(renewal, group)
        welcome = _("**The whole new text**, version {number}:").format(number=version.number)
    else:
        welcome = _welcome(group, background)
    if background.is_adopted and renewal is None:
        how = _(
            "Press {accept} below to **accept**. The support channel then stays open to you.\n"
            "Press {decline} if you would rather **not**. That is fine, and nobody will ask why."
            " The support channel then closes for you.\n"
            "To **withdraw** later, take your {accept} away again or use `/agreement withdraw`.\n"
            "-# {group} · version {number}"
        )
    else:
        how = _(
            "Press {accept} below to **accept**. The support channel then opens for you.\n"
            "Press {decline} if you would rather **not**. That is fine, and nobody will ask why.\n"
            "To **withdraw** later, take your {accept} away again or use `/agreement withdraw`.\n"
            "-# {group} · version {number}"
        )
    how = how.format(accept=accept, decline=decline, group=group, number=version.number)
    if background.pause is not None:
        how = f"{paused(background.pause)}\n{how}"
    if translation is not None:
        how = f"{_(TRANSLATED)}\n{how}"
    promise = _heading(_("Your promise"), quoted(version.agreement.signatures.participant))
    statements = split_text(f"{statements_text(version)}\n\n{how}")
    if len(statements) > 1 and promise not in statements[-1]:
        # The last message must hold what is signed, however long the two statements are.
        before = statements_text(version).removesuffix(promise).strip()
        statements = [*split_text(before), *split_text(f"{promise}\n\n{how}")]
    text = split_text(f"{welcome}\n\n{agreement_text(version.agreement)}")
    return [*first, *text, *statements]


def _welcome(group: str, background: Background) -> str:
    """How the request begins for whoever holds no signature."""
    if background.is_adopted and background.kept_until is not None:
        return _(
            "Hello again. The agreement of **{group}** has changed since I first asked you, so"
            " please answer under this new text instead. The support channel is open to you until"
            " {when} as before, also if you do not sign. I am a program: I cannot read or answer"
            " what you write here.\n"
            "If you would rather not sign, that is all right too."
        ).format(group=group, when=moment(background.kept_until))
    if background.is_adopted:
        # Without a date: it runs from the arrival of this message, and a reminder names it.
        return _(
            "Hello. **{group}** has an agreement, a promise to each other, which I look after. The"
            " support channel is open to you already. I have no signature of yours, so I ask you"
            " too. For now, the channel stays open to you. I am a program: I cannot read"
            " or answer what you write here.\n"
            "Please read what follows. Take all the time you need. There is no hurry."
        ).format(group=group)
    if background.has_lapsed:
        return _(
            "Here is the agreement of **{group}** once more. Your signature has ended. To have the"
            " support channel open to you again, please read this and accept it below. Take all the"
            " time you need. I am a program: I cannot read or answer what you write here."
        ).format(group=group)
    return _(
        "Hello, and welcome to **{group}**. I am the bot that looks after our promise to each"
        " other. I am a program: I cannot read or answer what you write here.\n"
        "Please read what follows. Take all the time you need. There is no hurry."
    ).format(group=group)


def _what_changed(renewal: Renewal, group: str) -> list[str]:
    """Why somebody is asked again, until when their signature counts, and what is different."""
    why = _(
        "The agreement of **{group}** has changed since you signed version {number}, so I am asking"
        " you again. I am a program: I cannot read or answer what you write here."
    ).format(group=group, number=renewal.signed.number)
    if renewal.counts_until is not None:
        until = _("Your signature counts until {when}, and until then you keep your access.")
        why = f"{why} {until.format(when=moment(renewal.counts_until))}"
    if not renewal.changes:
        return [why]
    legend = _("This is what has changed. ~~Struck out~~ is gone, **bold** is new:")
    if renewal.translation_lags:
        lags = _(
            "⚠️ The translation lacks some of these changes. You read them here in the"
            " original text, which is the one that counts."
        )
        legend = f"{lags}\n{legend}"
    pages = change_pages(renewal.changes)
    shown = pages[:_MOST_PAGES_OF_CHANGES]
    if len(pages) > len(shown):
        shown.append(_("There is more, and it is all in the whole new text, which follows."))
    return [*split_text(f"{why}\n\n{legend}"), *shown]


def _as_shown(version: AgreementVersion, translation: Translation | None) -> AgreementVersion:
    return version if translation is None else replace(version, text=translation.text)


def language_name(language: str) -> str:
    """The name a language has among its own speakers, such as `Español`."""
    if language in LANGUAGES:
        return LANGUAGES[language]
    try:
        name = Locale.parse(language, sep="-").get_display_name()
    except (UnknownLocaleError, ValueError):
        name = None
    return name[:1].upper() + name[1:] if name else language


def reading_pages(version: AgreementVersion, translation: Translation | None = None) -> list[str]:
    """The agreement in force, to read; as this translation has it, if one is given."""
    language = translation.language if translation is not None else spoken()
    # Everything in the language of the text, where it is one of the catalogue's.
    with speaking(language if language_of(language) != ENGLISH else spoken()):
        shown = _as_shown(version, translation)
        text = f"{agreement_text(shown.agreement)}\n\n{statements_text(shown)}"
        return split_text(f"{text}\n\n{_fingerprints(version, translation)}")


def _fingerprints(version: AgreementVersion, translation: Translation | None) -> str:
    if version.published_at is None:
        line = _("-# Version {number} · fingerprint `{fingerprint}`")
    else:
        line = _("-# Version {number} · in force since {day} · fingerprint `{fingerprint}`")
    original = line.format(
        number=version.number,
        day=moment(version.published_at, "D") if version.published_at else "",
        fingerprint=version.sha256[:16],
    )
    if translation is None:
        return original
    line = _("-# Fingerprint of this translation `{fingerprint}`")
    own = line.format(fingerprint=translation.sha256[:16])
    return f"{_(TRANSLATED)}\n{original}\n{own}"
