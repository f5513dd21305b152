"""The agreement as people read it: asked to sign, to read again, and before publishing."""

from collections.abc import Mapping

from bot.domain.agreements import Agreement, AgreementVersion, Change, Standing
from bot.domain.paragraphs import split_text
from bot.texts.forms import moment, people, quoted

PARTS = {
    "title": "The title",
    "summary": "In short",
    "crisis": "If you are in danger",
    "purpose": "Why we make this promise",
    "scope": "What it covers, what it does not, and when you may speak",
    "consequences": "If the promise is broken",
    "duration": "How long it lasts",
    "signatures": "The two statements that are signed",
    "privacy": "What this bot keeps",
}


def agreement_text(agreement: Agreement) -> str:
    """The whole agreement in Markdown, without the statement that is signed."""
    sections = [f"# {agreement.title}"]
    if agreement.crisis:
        sections.append(f"**If you are in danger**\n{agreement.crisis}")
    if agreement.summary:
        sections.append(f"**In short**\n{agreement.summary}")
    sections += [
        f"**Why we make this promise**\n{agreement.purpose}",
        f"**What stays here**\n{agreement.scope.covered}",
        f"**What you may always share**\n{agreement.scope.not_covered}",
        f"**When you may speak all the same**\n{agreement.scope.exceptions}",
        "**If the promise is broken**\n"
        + "\n".join(f"{n}. {step.text}" for n, step in enumerate(agreement.consequences, 1)),
        f"**How long it lasts**\n{agreement.duration.text}",
    ]
    if agreement.privacy:
        sections.append(f"**What this bot keeps** (not part of the promise)\n{agreement.privacy}")
    return "\n\n".join(section.strip() for section in sections)


def statements_text(version: AgreementVersion) -> str:
    """Both statements: what the participant signs, and what the facilitator has signed."""
    statements = version.agreement.signatures
    parts: list[str] = []
    if version.published_at is not None:
        parts.append(
            "**The promise of the facilitator who published this** (signed"
            f" {moment(version.published_at, 'D')})\n"
            f"{quoted(statements.facilitator)}"
        )
    parts.append(f"**Your promise**\n{quoted(statements.participant)}")
    return "\n\n".join(parts)


def request_messages(version: AgreementVersion, group: str, accept: str, decline: str) -> list[str]:
    """The direct messages that ask somebody to sign, in order.

    The last one carries the statement and how to accept, decline and withdraw.
    """
    welcome = (
        f"Hello, and welcome to **{group}**. I am the bot that looks after our promise to each"
        " other. I am a program: I cannot read or answer what you write here.\n"
        "Please read what follows. Take all the time you need. There is no hurry."
    )
    how = (
        f"Press {accept} below to **accept**. The support channel then opens for you.\n"
        f"Press {decline} if you would rather **not**. That is fine, and nobody will ask why.\n"
        f"To **withdraw** later, take your {accept} away again or use `/agreement withdraw`.\n"
        f"-# {group} · version {version.number}"
    )
    promise = f"**Your promise**\n{quoted(version.agreement.signatures.participant)}"
    statements = split_text(f"{statements_text(version)}\n\n{how}")
    if len(statements) > 1 and promise not in statements[-1]:
        # The last message must hold what is signed, however long the two statements are.
        before = statements_text(version).removesuffix(promise).strip()
        statements = [*split_text(before), *split_text(f"{promise}\n\n{how}")]
    return [*split_text(f"{welcome}\n\n{agreement_text(version.agreement)}"), *statements]


def reading_pages(version: AgreementVersion) -> list[str]:
    """The agreement in force, to read."""
    published = (
        f" · in force since {moment(version.published_at, 'D')}" if version.published_at else ""
    )
    fingerprint = f"-# Version {version.number}{published} · fingerprint `{version.sha256[:16]}`"
    text = f"{agreement_text(version.agreement)}\n\n{statements_text(version)}\n\n{fingerprint}"
    return split_text(text)


def publish_preview(
    draft: AgreementVersion,
    in_force: AgreementVersion | None,
    changed: tuple[str, ...],
    change: Change,
    standings: Mapping[Standing, int],
    grace_days: int,
) -> list[str]:
    """What a facilitator reads before signing and publishing; the last page asks."""
    advice = lint_lines(draft.agreement)
    waiting, signers = standings.get(Standing.WAITING, 0), standings.get(Standing.SIGNED, 0)
    lines = [f"**Before you publish version {draft.number}**"]
    if in_force is None:
        lines.append(
            "This is the first version. Whoever is waiting is asked to sign it:"
            f" {people(waiting)} now, and everybody who joins from then on."
        )
    else:
        lines.append("Changed parts: " + "; ".join(PARTS[part].lower() for part in changed) + ".")
        lines.append(
            f"A **material** change: {people(signers)} with a signature, and {people(waiting)} who"
            f" wait, are asked again. Older signatures count for {grace_days} more days."
            if change is Change.MATERIAL
            else f"A **minor** change: the signatures of {people(signers)} stay valid."
        )
    lines += advice or ["All five parts are there, and every message fits."]
    lines.append(
        "By publishing **you sign** this on behalf of the group:\n"
        + quoted(draft.agreement.signatures.facilitator)
    )
    lines.append(f"-# Fingerprint `{draft.sha256}`")
    text = agreement_text(draft.agreement)
    promise = f"**The participant's promise**\n{quoted(draft.agreement.signatures.participant)}"
    return [*split_text(f"{text}\n\n{promise}"), *split_text("\n\n".join(lines))]


def lint_lines(agreement: Agreement) -> list[str]:
    """What is worth a second look before publishing, though nothing forbids it."""
    advice: list[str] = []
    if agreement.crisis is None:
        advice.append("Worth a look: there is no `crisis` part that says whom to call.")
    if agreement.privacy is None:
        advice.append("Worth a look: there is no `privacy` part that says what the bot keeps.")
    return advice


def published(version: AgreementVersion) -> str:
    """Answer to a facilitator who has published."""
    return (
        f"Version {version.number} is in force, and you have signed it as facilitator. I am now"
        " asking everybody who waits. To read the support channel, make the members' promise too,"
        " with `/agreement sign`. People who were here before me can do the same, or use the button"
        " in the welcome channel.\n"
        f"-# Fingerprint `{version.sha256}`"
    )
