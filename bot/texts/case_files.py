"""Every word on the printed pages of an exported case."""

from datetime import datetime

from bot.texts.catalogue import _, mark

TITLE = mark("Breach case #{number}")
FOOTER = mark(
    "Confidential · case #{number} · exported by {who} on {at} UTC · page {page} of {pages}"
)
WATERMARK = mark("{who} · {at} UTC")
FACTS = mark("Facts")
STATE = mark("State")
OPENED = mark("Opened")
CONCERNS = mark("Concerns")
NOBODY_NAMED = mark("nobody is named")
REPORTER = mark("Reporter")
SEALED = mark("sealed")
OUTCOME = mark("Outcome")
CLAUSE = mark("Part of the agreement")
REPORT = mark("Report {number}")
RECEIVED = mark("Received")
TAKEN_BACK = mark("Taken back")
HAPPENED = mark("Happened")
NOT_SURE = mark("not sure")
LINK = mark("Message")
QUOTED = mark("The message said")
FILES = mark("Files")
NO_FILES = mark("None were handed in.")
RECEIVED_SUM = mark("SHA-256 as received")
KEPT_SUM = mark("SHA-256 as kept")
TIMELINE = mark("Timeline")
SIGNED = mark("What was signed")


def footer(number: int, who: str, at: str) -> str:
    """The foot of every page, with the places for its number still in it."""
    # The name is what somebody calls themselves: a brace in it must not be taken for a place.
    shown = who.replace("{", "(").replace("}", ")")
    return _(FOOTER).replace("{number}", str(number)).replace("{who}", shown).replace("{at}", at)


def watermark(who: str, at: str) -> str:
    """Lies across every page."""
    return _(WATERMARK).format(who=who, at=at)


def file_name(number: int, at: datetime, ending: str) -> str:
    """A name that tells nobody what is in the file."""
    return f"case-{number}-{at:%Y-%m-%d}.{ending}"


def evidence_name(number: int, evidence_id: int, ending: str) -> str:
    """A name that tells nobody what is in the file."""
    return f"case-{number}-file-{evidence_id}.{ending}"
