"""What somebody who works on a breach case is shown of it: everything but who reported it."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.agreements import Agreement
from bot.domain.breaches import BreachCase, Clause, Evidence, Letter, ReportForm, TimelineEntry
from bot.domain.case_clocks import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReport:
    """A report; `reporter_id` is None while it is sealed for whoever looks."""

    id: int
    form: ReportForm
    received_at: datetime
    withdrawn_at: datetime | None
    reporter_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Other cases about the same person, as far as the viewer may know: numbers only.

    `outcomes` counts what was decided, by the key of the outcome; `undecided` the rest.
    """

    outcomes: tuple[tuple[str, int], ...] = ()
    undecided: int = 0

    @property
    def total(self) -> int:
        """How many there are."""
        return self.undecided + sum(count for _, count in self.outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One case as it is shown or exported.

    `signed_number` and `signed` are the version that the accused had signed at the time, None
    when there was no valid signature. `letters` are what was written to the parties.
    """

    case: BreachCase
    accused_id: int | None
    reports: tuple[ShownReport, ...]
    evidence: tuple[Evidence, ...]
    timeline: tuple[TimelineEntry, ...]
    earlier: Earlier
    waiting: Waiting
    letters: tuple[Letter, ...] = ()
    signed_number: int | None = None
    signed: Agreement | None = None


def clause_text(agreement: Agreement, clause: Clause) -> str:
    """The words of the agreement that a report says were broken; what is covered when unsure."""
    match clause:
        case Clause.EXCEPTIONS:
            return agreement.scope.exceptions
        case Clause.AFTERWARDS:
            return agreement.duration.text
        case Clause.COVERED | Clause.UNSURE:
            return agreement.scope.covered
