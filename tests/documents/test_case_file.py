"""A case on paper and as data: marked with who has it, sealed, whatever people wrote."""

import json
import re
from datetime import date

from bot.documents.case_file import CaseFile, print_case, write_data
from bot.documents.paper import Paper
from bot.domain.breaches import (
    BreachCase,
    CaseEvent,
    CaseState,
    Clause,
    Evidence,
    ReportForm,
    Side,
    Source,
    TimelineEntry,
)
from bot.domain.case_clocks import Waiting
from bot.domain.dossiers import Dossier, Earlier, ShownReport
from bot.texts.cases import step_on_paper
from tests.factories import NOW, make_agreement

MODERATOR, REPORTER, ACCUSED = 7, 900_000_000_000_000_011, 900_000_000_000_000_012
AWKWARD = "{page} \u202e **x** <@1> 中 \n\nsecond"


def make_file(reporter_id: int | None = None, *, words: str = AWKWARD) -> CaseFile:
    case = BreachCase(
        id=1,
        group_key="harbour-light",
        case_number=12,
        state=CaseState.IN_REVIEW,
        opened_at=NOW,
        clause=Clause.COVERED,
        has_accused=True,
        signed_version_id=3,
    )
    form = ReportForm(
        what=words,
        clause=Clause.COVERED,
        source=Source.MESSAGE,
        incident_on=date(2026, 2, 1),
        link="https://discord.com/channels/1/2/3",
        quoted=words,
    )
    report = ShownReport(
        id=1, form=form, received_at=NOW, withdrawn_at=NOW, reporter_id=reporter_id
    )
    kept = Evidence(
        name=words, media_type="image/png", received_sha256="a" * 64, kept_sha256="b" * 64
    )
    step = TimelineEntry(
        id=1,
        case_id=1,
        at=NOW,
        kind=CaseEvent.NOTED,
        side=Side.MODERATOR,
        actor_id=MODERATOR,
        text=words,
    )
    dossier = Dossier(
        case=case,
        accused_id=ACCUSED,
        reports=(report,),
        evidence=(kept,),
        timeline=(step,),
        earlier=Earlier(outcomes=(("reminder", 1),), undecided=2),
        waiting=Waiting(),
        signed_number=3,
        signed=make_agreement(),
    )
    return CaseFile(
        dossier=dossier,
        group="Harbour Light",
        exported_by=MODERATOR,
        exporter="{pages} Mo",
        exported_at=NOW,
    )


def test_data_names_who_exported_and_when_and_nobody_who_reported() -> None:
    data = json.loads(write_data(make_file()))
    assert data["exported_by"] == {"account": MODERATOR, "name": "{pages} Mo"}
    assert data["exported_at"] == NOW.isoformat()
    assert [one["reporter"] for one in data["reports"]] == ["sealed"]
    assert data["concerns"] == ACCUSED
    assert data["evidence"][0]["kept_sha256"] == "b" * 64
    unsealed = json.loads(write_data(make_file(REPORTER)))
    assert [one["reporter"] for one in unsealed["reports"]] == [REPORTER]


def test_paper_takes_whatever_was_written_and_runs_over_pages() -> None:
    for language in ("en", "es"):
        pdf = print_case(make_file(REPORTER, words=f"{AWKWARD} word" * 400), language)
        assert pdf.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type /Page\n", pdf)) > 2


def test_paper_names_a_moderator_by_account_and_not_by_a_mention() -> None:
    (entry,) = make_file().dossier.timeline
    assert step_on_paper(entry) == f"a moderator ({MODERATOR}): noted"


def test_bar_beside_words_begins_on_the_page_of_the_words() -> None:
    paper = Paper(title="T", footer="{page} of {pages}", language="en", made_at=NOW)
    paper.set_y(paper.h - paper.b_margin - 4)
    with paper.block():
        assert paper.page == 2
        paper.paragraph("Words.")
    assert paper.finish().startswith(b"%PDF")
