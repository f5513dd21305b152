"""A breach case on paper and as data, each marked with who exported it and when."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

from typing_extensions import override

from bot.documents.paper import MARGIN, Paper, readable
from bot.domain.dossiers import Dossier, ShownReport, clause_text
from bot.texts import case_files as words
from bot.texts import cases
from bot.texts.case_clocks import outcome_name
from bot.texts.catalogue import _, speaking

GREY = (228, 232, 235)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """What is exported, and for whom."""

    dossier: Dossier
    group: str
    exported_by: int
    exporter: str
    exported_at: datetime

    @property
    def who(self) -> str:
        """Whoever has the file: the name of the moment, and the account."""
        return f"{self.exporter} ({self.exported_by})"


def write_data(file: CaseFile) -> bytes:
    """The case as JSON; who reported stands in it where the exporter unsealed it."""
    dossier = file.dossier
    data = {
        "exported_by": {"account": file.exported_by, "name": file.exporter},
        "exported_at": file.exported_at,
        "group": file.group,
        "case": asdict(dossier.case),
        "concerns": dossier.accused_id,
        "signed_version": dossier.signed_number,
        "reports": [_report(one) for one in dossier.reports],
        "evidence": [asdict(one) for one in dossier.evidence],
        "timeline": [asdict(one) for one in dossier.timeline],
    }
    return json.dumps(data, default=_plain, ensure_ascii=False, indent=2).encode()


def _report(report: ShownReport) -> dict[str, object]:
    data = asdict(report)
    data["reporter"] = data.pop("reporter_id") or "sealed"
    return data


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


class _CasePaper(Paper):
    """Paper across which it says who has it."""

    def __init__(self, mark: str, *, title: str, footer: str, language: str, at: datetime) -> None:
        self._mark = mark
        super().__init__(title=title, footer=footer, language=language, made_at=at)

    @override
    def header(self) -> None:
        """Called by fpdf2 at the beginning of every page."""
        self._type(20, GREY, "B")
        mark = readable(self._mark)
        for height in (0.3, 0.65):
            with self.rotation(35, self.w / 2, self.h * height):
                self.set_xy(0, self.h * height)
                self.cell(self.w, 10, mark, align="C")
        self.set_xy(MARGIN, self.t_margin)


def print_case(file: CaseFile, language: str) -> bytes:
    """The case as PDF; runs in the worker.

    Args:
        file: what is printed.
        language: the words in it are in.
    """
    with speaking(language):
        return _print(file, language)


def _print(file: CaseFile, language: str) -> bytes:
    dossier, at = file.dossier, _stamp(file.exported_at)
    number = dossier.case.case_number
    title = _(words.TITLE).format(number=number)
    paper = _CasePaper(
        words.watermark(file.who, at),
        title=title,
        footer=words.footer(number, file.who, at),
        language=language,
        at=file.exported_at,
    )
    paper.title_line(title, file.group)
    _print_facts(paper, dossier)
    for place, report in enumerate(dossier.reports, 1):
        _print_report(paper, place, report)
    _print_files(paper, dossier)
    paper.heading(_(words.TIMELINE))
    for entry in dossier.timeline:
        paper.keep_together(18)
        paper.paragraph(f"{_stamp(entry.at)} · {cases.step_on_paper(entry)}", size=9.5)
        if entry.text:
            with paper.block():
                paper.paragraph(entry.text)
    others = cases.earlier(dossier.earlier)
    if others:
        paper.prose(others)
    return paper.finish()


def _print_facts(paper: Paper, dossier: Dossier) -> None:
    case = dossier.case
    concerns = dossier.accused_id
    rows = [
        (_(words.STATE), _(cases.STATES[case.state])),
        (_(words.OPENED), _stamp(case.opened_at)),
        (_(words.CONCERNS), _(words.NOBODY_NAMED) if concerns is None else str(concerns)),
        (_(words.CLAUSE), _(cases.CLAUSES[case.clause])),
    ]
    if case.outcome is not None:
        rows.append((_(words.OUTCOME), outcome_name(case.outcome)))
    paper.heading(_(words.FACTS))
    paper.fields(rows)
    paper.heading(_(words.SIGNED))
    paper.paragraph(cases.signed_line(dossier))
    if dossier.signed is not None and concerns is not None:
        with paper.block():
            paper.prose(clause_text(dossier.signed, case.clause))


def _print_report(paper: Paper, place: int, report: ShownReport) -> None:
    form, author = report.form, report.reporter_id
    day = form.incident_on
    rows = [
        (_(words.REPORTER), _(words.SEALED) if author is None else str(author)),
        (_(words.RECEIVED), _stamp(report.received_at)),
        (_(words.HAPPENED), _(words.NOT_SURE) if day is None else day.isoformat()),
    ]
    if report.withdrawn_at is not None:
        rows.append((_(words.TAKEN_BACK), _stamp(report.withdrawn_at)))
    if form.link is not None:
        rows.append((_(words.LINK), form.link))
    paper.heading(_(words.REPORT).format(number=place))
    paper.fields(rows)
    with paper.block():
        paper.paragraph(form.what)
    if form.quoted is not None:
        paper.subheading(_(words.QUOTED))
        with paper.block():
            paper.paragraph(form.quoted)


def _print_files(paper: Paper, dossier: Dossier) -> None:
    paper.heading(_(words.FILES))
    if not dossier.evidence:
        paper.paragraph(_(words.NO_FILES))
    for place, file in enumerate(dossier.evidence, 1):
        paper.subheading(f"{place}. {cases.file_line(file, str)}")
        paper.fields(
            [
                (_(words.RECEIVED_SUM), _halves(file.received_sha256)),
                (_(words.KEPT_SUM), _halves(file.kept_sha256)),
            ]
        )


def _halves(digest: str) -> str:
    return f"{digest[:32]} {digest[32:]}"


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
