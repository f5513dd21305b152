"""What facilitators read before and after they publish, and the history of a group's versions."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.agreements import Agreement, AgreementVersion, Change
from bot.domain.changes import PastVersion, PublishPreview, step_names
from bot.domain.effects import Facts
from bot.domain.paragraphs import split_text
from bot.texts.agreement import PARTS, agreement_text
from bot.texts.catalogue import _, mark, plural
from bot.texts.changes import change_pages, changes_document, part_name
from bot.texts.forms import moment, people, quoted

_MOST_PAGES_OF_CHANGES = 4
"""Messages of changes before a publish; when there are more, all of them are attached instead."""

CHANGES = {
    Change.FIRST: mark("first version"),
    Change.MINOR: mark("minor change"),
    Change.MATERIAL: mark("material change"),
}


def publish_preview(
    preview: PublishPreview, change: Change, grace: timedelta, now: datetime
) -> list[str]:
    """What a facilitator reads before signing and publishing; the last page asks."""
    text = agreement_text(preview.draft.agreement)
    promise = quoted(preview.draft.agreement.signatures.participant)
    heading = _("The participant's promise")
    return [
        *split_text(f"{text}\n\n**{heading}**\n{promise}"),
        *_changes(preview),
        *split_text("\n\n".join(_asking(preview, change, grace, now))),
    ]


def _changes(preview: PublishPreview) -> list[str]:
    if not preview.changes:
        return []
    pages = change_pages(preview.changes)
    legend = _("**What has changed.** ~~Struck out~~ is gone, **bold** is new:")
    shown = [legend, *pages[:_MOST_PAGES_OF_CHANGES]]
    if len(pages) > _MOST_PAGES_OF_CHANGES:
        shown.append(_("There is more. You find all of it in the file under the next message."))
    return shown


def preview_document(preview: PublishPreview) -> str | None:
    """All that has changed, as a page of HTML; None when the messages show it."""
    is_long = len(change_pages(preview.changes)) > _MOST_PAGES_OF_CHANGES
    if not is_long and not preview.translated:
        return None
    title = _("What changes with version {number}").format(number=preview.draft.number)
    sections = [(_("The text that counts"), preview.changes)] if preview.changes else []
    for language, changes in preview.translated:
        sections.append((_("Translation: {language}").format(language=language), changes))
    return changes_document(sections, title)


def _asking(preview: PublishPreview, change: Change, grace: timedelta, now: datetime) -> list[str]:
    draft = preview.draft
    lines = [_("**Before you publish version {number}**").format(number=draft.number)]
    if preview.in_force is None:
        lines.append(
            _(
                "This is the first version. Whoever is waiting is asked to sign it: {people} now,"
                " and everybody who joins from then on."
            ).format(people=people(preview.affected.waiting))
        )
    else:
        lines += _what_differs(preview)
        lines += _effect_of(preview, change, grace, now)
    if preview.translations:
        named = ", ".join(f"`{one.language}`" for one in preview.translations)
        lines.append(
            _("It is published with these translations: {languages}.").format(languages=named)
        )
    lines += lint_lines(draft.agreement) or [_("All five parts are there, and every message fits.")]
    statement = quoted(draft.agreement.signatures.facilitator)
    lines.append(_("By publishing **you sign** this on behalf of the group:") + f"\n{statement}")
    lines += _second_thought(preview, change)
    lines += _lagging(preview)
    line = _("-# Fingerprint `{fingerprint}`").format(fingerprint=draft.sha256)
    if preview.translations:
        whole = _("-# With its translations `{fingerprint}`")
        line = f"{line}\n{whole.format(fingerprint=preview.fingerprint)}"
    lines.append(line)
    return lines


def _what_differs(preview: PublishPreview) -> list[str]:
    lines: list[str] = []
    if preview.changed:
        parts = "; ".join(_(PARTS[part]).lower() for part in preview.changed)
        lines.append(_("Changed parts: {parts}.").format(parts=parts))
    else:
        lines.append(_("The text that counts has not changed, only its translations."))
    if preview.translated:
        named = ", ".join(f"`{language}`" for language, _changes in preview.translated)
        lines.append(
            _(
                "Translations that were added, changed or taken away: {languages}. The file under"
                " this message shows how."
            ).format(languages=named)
        )
    return lines


def _effect_of(
    preview: PublishPreview, change: Change, grace: timedelta, now: datetime
) -> list[str]:
    """Whom the change concerns, and for how long older signatures still count."""
    affected = preview.affected
    signers, waiting = people(affected.signers), people(affected.waiting)
    if change is not Change.MATERIAL:
        return [
            _(
                "A **minor** change: the signatures of {people} stay valid, and nobody is written"
                " to. The new text can be read with `/agreement read`."
            ).format(people=signers)
        ]
    lines = [
        _(
            "A **material** change: {signers} with a signature, and {waiting} without an answer,"
            " are asked to sign the new text. Whoever has signed before reads first what has"
            " changed."
        ).format(signers=signers, waiting=waiting)
    ]
    if grace:
        lines.append(
            _(
                "Older signatures count until {when}. Whoever has not signed the new version by"
                " then, even after reminders, loses access until they do."
            ).format(when=moment(now + grace))
        )
    else:
        lines.append(
            _("Older signatures stop counting **at once**: access ends until people sign again.")
        )
    for end, count in affected.ending:
        lines.append(
            plural(
                "For {count} of them the time of an earlier change is still running: they keep"
                " their earlier date, {when}. This change gives them no more time.",
                "For {count} of them the time of an earlier change is still running: they keep"
                " their earlier date, {when}. This change gives them no more time.",
                count,
            ).format(count=count, when=moment(end))
        )
    if affected.adopted:
        lines.append(
            _(
                "Not asked by this: {people} with the role from before me. You ask them with"
                " `/agreement invite`, and their own time does not change."
            ).format(people=people(affected.adopted))
        )
    return lines


def _second_thought(preview: PublishPreview, change: Change) -> list[str]:
    """Advice for whoever chose otherwise than the text suggests; they decide."""
    if preview.in_force is None or not preview.changes or change is preview.advice:
        return []
    if preview.advice is Change.MATERIAL:
        return [
            _(
                "⚠️ **You chose minor, but this looks like a material change.** What people bind"
                " themselves to is not the same as before: scope, consequences, duration or the"
                " statements. With a minor change they are bound to words that nobody has asked"
                " them about. You can still publish it as minor."
            )
        ]
    return [
        _(
            "You chose material, and this looks like a minor change: scope, consequences, duration"
            " and the statements are as they were. You can still ask everybody again."
        )
    ]


def _lagging(preview: PublishPreview) -> list[str]:
    """Which translations nobody has brought up to date; there may be good reason for it."""
    steps = step_names(preview.draft.agreement)
    return [
        _(
            "⚠️ **These parts changed in the original and not in the translation `{language}`:**"
            " {parts}. Whoever reads it would read the old words. You can still publish it as it"
            " is."
        ).format(
            language=language, parts="; ".join(part_name(part, steps.get(part)) for part in parts)
        )
        for language, parts in preview.lagging
    ]


def lint_lines(agreement: Agreement) -> list[str]:
    """What is worth a second look before publishing, though nothing forbids it."""
    advice: list[str] = []
    if agreement.crisis is None:
        advice.append(_("Worth a look: there is no `crisis` part that says whom to call."))
    if agreement.privacy is None:
        advice.append(_("Worth a look: there is no `privacy` part that says what the bot keeps."))
    return advice


def published(version: AgreementVersion) -> str:
    """Answer to a facilitator who has published."""
    if version.change is Change.MINOR:
        return _(
            "Version {number} is in force, and you have signed it as facilitator. All signatures"
            " stay valid. Everybody can read the new text with `/agreement read`.\n"
            "-# Fingerprint `{fingerprint}`"
        ).format(number=version.number, fingerprint=version.sha256)
    if version.change is Change.MATERIAL:
        return _(
            "Version {number} is in force, and you have signed it as facilitator. I am now asking"
            " everybody who has signed before, and everybody who waits, to sign the new text. If"
            " you are a member yourself, that goes for you, too.\n"
            "-# Fingerprint `{fingerprint}`"
        ).format(number=version.number, fingerprint=version.sha256)
    return _(
        "Version {number} is in force, and you have signed it as facilitator. I am now"
        " asking everybody who waits. To read the support channel, make the members' promise too,"
        " with `/agreement sign`. People who were here before me can do the same, or use the button"
        " in the welcome channel.\n"
        "-# Fingerprint `{fingerprint}`"
    ).format(number=version.number, fingerprint=version.sha256)


def draft_waiting(facts: Facts) -> str:
    """Told once in the moderators' channel when a text was changed, or is there to begin with."""
    if int(facts["number"]) == 1:
        return _(
            "**The text of the agreement is waiting.** Nobody is asked to sign it before a"
            " facilitator has read and published it, with `/agreement publish`."
        )
    return _(
        "**A changed text of the agreement is waiting.** `/agreement publish` shows what has"
        " changed. Nobody is told of it before a facilitator publishes it."
    )


def history_page(
    group: str,
    draft: AgreementVersion | None,
    versions: Iterable[PastVersion],
    page: int,
    pages: int,
) -> str:
    """One page of `/agreement history`."""
    lines = [_("**{group}** · the versions of its agreement").format(group=group)]
    if draft is not None and page == 0:
        lines.append(
            _(
                "- **Version {number}** is a draft and waits for `/agreement publish`. `{hash}`"
            ).format(number=draft.number, hash=draft.sha256[:16])
        )
    told = [_history_line(past) for past in versions]
    lines += told or [_("Nothing has been published yet.")]
    if pages > 1:
        lines.append(_("-# Page {page} of {pages}").format(page=page + 1, pages=pages))
    return "\n".join(lines)


def _history_line(past: PastVersion) -> str:
    version = past.version
    line = _("- **Version {number}** · {change} · `{hash}`\n  {when}, published by {who}.").format(
        number=version.number,
        change=_(CHANGES[version.change or Change.FIRST]),
        hash=version.sha256[:16],
        when=moment(version.published_at or version.created_at),
        who=f"<@{version.published_by}>",
    )
    counts = plural(
        "Signed {given} time; {standing} of these signatures count now.",
        "Signed {given} times; {standing} of these signatures count now.",
        past.given,
    ).format(given=past.given, standing=past.standing)
    if not past.languages:
        return f"{line} {counts}"
    languages = ", ".join(f"`{language}`" for language in past.languages)
    return f"{line} {counts} " + _("Translations: {languages}.").format(languages=languages)
