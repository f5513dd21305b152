"""The list of a group on paper: who signs for it, and where everybody stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.documents.paper import Paper
from bot.domain.agreements import Method, Standing
from bot.texts import overview as words
from bot.texts.catalogue import _, speaking
from bot.texts.staff import STANDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who signed which version for the group."""

    number: int
    account_id: int
    sha256: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person; without a signature, the last parts are None."""

    account_id: int
    name: str | None
    standing: Standing
    version_number: int | None
    method: Method | None
    attested_by: int | None
    signed_at: datetime | None
    signed_after: datetime | None
    valid_until: datetime | None
    receipt_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everything that is printed."""

    group: str
    made_at: datetime
    publishers: tuple[Publisher, ...]
    entries: tuple[Entry, ...]


def print_roster(roster: Roster, language: str) -> bytes:
    """The list as PDF; runs in the worker.

    Args:
        roster: what is printed.
        language: the words in it are in.
    """
    with speaking(language):
        return _print(roster, language)


def _print(roster: Roster, language: str) -> bytes:
    paper = Paper(
        title=_(words.ROSTER_TITLE),
        footer=_(words.ROSTER_FOOTER),
        language=language,
        made_at=roster.made_at,
    )
    covered = sum(entry.standing is Standing.SIGNED for entry in roster.entries)
    paper.title_line(_(words.ROSTER_TITLE), roster.group)
    paper.fields(
        [
            (_(words.ROSTER_MADE), f"{_stamp(roster.made_at)} UTC"),
            (_(words.ROSTER_COVERED), words.roster_covered(covered, len(roster.entries))),
        ]
    )
    paper.heading(_(words.ROSTER_FACILITATORS))
    _print_publishers(paper, roster)
    paper.heading(_(words.ROSTER_PEOPLE))
    if not roster.entries:
        paper.paragraph(_(words.ROSTER_NOBODY))
        return paper.finish()
    head = (
        words.ROSTER_WHO,
        words.ROSTER_STANDING,
        words.ROSTER_SIGNED,
        words.ROSTER_UNTIL,
        words.ROSTER_RECEIPT,
    )
    rows = (_cells(entry) for entry in roster.entries)
    paper.grid(map(_, head), rows, (30, 20, 30, 20, 24), size=8)
    return paper.finish()


def _print_publishers(paper: Paper, roster: Roster) -> None:
    if not roster.publishers:
        paper.paragraph(_(words.ROSTER_UNPUBLISHED))
    for one in reversed(roster.publishers):
        paper.fields(
            [
                (_(words.ROSTER_VERSION), str(one.number)),
                (_(words.ROSTER_FACILITATOR), str(one.account_id)),
                (_(words.ROSTER_DATE), _stamp(one.published_at)),
                (_(words.ROSTER_FINGERPRINT), " ".join((one.sha256[:32], one.sha256[32:]))),
            ]
        )
        paper.space(2)


def _cells(entry: Entry) -> Iterator[str]:
    yield f"{entry.name}\n{entry.account_id}" if entry.name else str(entry.account_id)
    yield _(STANDINGS[entry.standing])
    if entry.signed_at is None or entry.method is None:
        yield from ("", "", "")
        return
    signed = _stamp(entry.signed_at)
    if entry.signed_after is not None:
        signed = words.roster_between(_stamp(entry.signed_after), signed)
    version = f"{_(words.ROSTER_VERSION)} {entry.version_number}"
    method = words.roster_method(entry.method, entry.attested_by)
    yield f"{signed}\n{version}, {method}"
    yield _stamp(entry.valid_until) if entry.valid_until else ""
    yield entry.receipt_number or ""


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
