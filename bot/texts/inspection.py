"""What a look at the servers found, in words, each with what mends it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.domain.inspection import Finding, Gravity, Matter
from bot.texts.catalogue import _, mark
from bot.texts.findings import ALWAYS_READ_NAMED, EVERYONE_READS_COUNTED, GRAVITIES, WORDS
from bot.texts.forms import people

INSPECTION_COMMANDS = mark("Whether the support channel is closed to people who have not signed")
_LONGEST = 1_900
_MOST_NAMES = 8


def finding(found: Finding) -> tuple[str, str]:
    """What is wrong, and what mends it; the names must be plain for wherever this is shown."""
    wrong, fix = WORDS[found.matter]
    if found.matter is Matter.EVERYONE_READS and found.count:
        wrong = EVERYONE_READS_COUNTED
    elif found.matter is Matter.ALWAYS_READ and found.names:
        wrong = ALWAYS_READ_NAMED
    words = {
        "names": _listed(found),
        "people": people(found.count),
        "count": str(found.count),
        "detail": found.detail,
    }
    place = f"`{found.place}`: " if found.place else ""
    return place + _(wrong).format_map(words), _(fix).format_map(words)


def _listed(found: Finding) -> str:
    if found.matter is Matter.PERMISSIONS_MISSING:
        return ", ".join(_(name) for name in found.names)
    names = [f"“{name}”" for name in found.names[:_MOST_NAMES]]
    if more := len(found.names) - len(names):
        names.append(_("and {count} more").format(count=more))
    return ", ".join(names)


def verdict(findings: Sequence[Finding]) -> str:
    """One sentence about all that was found."""
    gravities = {found.gravity for found in findings}
    if Gravity.OPEN in gravities:
        return _("The gate is open: people who have not signed can read, or can let themselves in.")
    if Gravity.BROKEN in gravities:
        return _("No open gate was seen, but something keeps Pledge from its work or from looking.")
    if Gravity.COULD_OPEN in gravities:
        return _("The gate is closed, as far as can be seen. It could open; see below.")
    return _("The gate is closed, as far as can be seen from here.")


def inspection_pages(
    general: Sequence[Finding],
    sections: Sequence[tuple[str, Sequence[Finding]]],
    plain: Callable[[str], str],
) -> list[str]:
    """The answer of `/pledge check`, in messages that each fit.

    Args:
        general: what concerns Pledge as a whole, the gravest first.
        sections: for each group its name and what was found there, the gravest first.
        plain: makes what people wrote harmless in Discord.
    """
    blocks = [_block(found, plain) for found in general]
    for name, findings in sections:
        blocks.append(f"**{plain(name)}** · {verdict([*general, *findings])}")
        blocks += [_block(found, plain) for found in findings]
    pages = [""]
    for block in blocks:
        if pages[-1] and len(pages[-1]) + len(block) + 2 > _LONGEST:
            pages.append("")
        pages[-1] += f"\n\n{block}" if pages[-1] else block
    return pages


def _block(found: Finding, plain: Callable[[str], str]) -> str:
    names = tuple(plain(name) for name in found.names)
    wrong, fix = finding(replace(found, names=names))
    return f"**{_(GRAVITIES[found.gravity])}** {wrong}\n→ {fix}"[:_LONGEST]
