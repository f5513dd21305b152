"""What people reported, and the files they handed in."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, exists, func, insert, select

from bot.domain.breaches import BreachReport, Clause, Evidence, ReportForm, Source
from bot.storage.case_tables import breach_cases, breach_evidence, breach_reports
from bot.storage.database import Transaction
from bot.storage.sealing import person_ref, seal, seal_json, unseal, unseal_json

_columns = breach_reports.c
_files = breach_evidence.c


def _seal_form(tx: Transaction, form: ReportForm) -> bytes:
    values = asdict(form)
    values["incident_on"] = form.incident_on.isoformat() if form.incident_on else None
    return seal_json(tx, values)


def _unseal_form(tx: Transaction, token: bytes) -> ReportForm:
    values: dict[str, Any] = unseal_json(tx, token)
    values["clause"] = Clause(values["clause"])
    values["source"] = Source(values["source"])
    if values["incident_on"] is not None:
        values["incident_on"] = date.fromisoformat(values["incident_on"])
    return ReportForm(**values)


async def add(
    tx: Transaction,
    case_id: int,
    reporter_id: int,
    form: ReportForm,
    now: datetime,
    *,
    given_by: int | None = None,
) -> int:
    """Keep what somebody reported.

    Args:
        tx: the open transaction.
        case_id: the case it opens, or goes to.
        reporter_id: who reported.
        form: what they typed.
        now: the current instant.
        given_by: Discord's number of the form that was sent, which makes one report only.

    Returns:
        The report's id.
    """
    query = select(breach_cases.c.group_key).where(breach_cases.c.id == case_id)
    group_key = (await tx.execute(query)).scalar_one()
    values = {
        "case_id": case_id,
        "reporter": seal_json(tx, reporter_id),
        "reporter_ref": person_ref(tx, group_key, reporter_id),
        "form": _seal_form(tx, form),
        "received_at": now,
        "given_by": given_by,
    }
    added = await tx.execute(insert(breach_reports).values(values).returning(_columns.id))
    return added.scalar_one()


def _report(tx: Transaction, row: RowMapping) -> BreachReport:
    return BreachReport(
        id=row["id"],
        case_id=row["case_id"],
        reporter_id=unseal_json(tx, row["reporter"]),
        form=_unseal_form(tx, row["form"]),
        received_at=row["received_at"],
        withdrawn_at=row["withdrawn_at"],
    )


_is_there = _columns.form.is_not(None) & _columns.reporter.is_not(None)


async def list_of_case(tx: Transaction, case_id: int) -> list[BreachReport]:
    """The reports of a case in order, without those that were purged."""
    query = select(breach_reports).where(_columns.case_id == case_id, _is_there)
    found = await tx.execute(query.order_by(_columns.id))
    return [_report(tx, row) for row in found.mappings()]


async def add_evidence(
    tx: Transaction,
    case_id: int,
    report_id: int | None,
    about: Evidence,
    content: bytes | None,
    now: datetime,
) -> int:
    """Keep a file that was handed in; `content` is None when its bytes could not be had.

    Of `about`, the ids, the size and the time are not looked at.

    Returns:
        The file's id.
    """
    facts = {
        "name": about.name,
        "media_type": about.media_type,
        "received_sha256": about.received_sha256,
        "kept_sha256": about.kept_sha256,
    }
    values = {
        "case_id": case_id,
        "report_id": report_id,
        "received_at": now,
        "about": seal_json(tx, facts),
        "content": None if content is None else seal(tx, content),
        "size": len(content or b""),
    }
    added = await tx.execute(insert(breach_evidence).values(values).returning(_files.id))
    return added.scalar_one()


async def list_evidence(tx: Transaction, case_id: int) -> list[Evidence]:
    """What files a case has, in order, without their bytes."""
    query = select(
        _files.id,
        _files.case_id,
        _files.report_id,
        _files.received_at,
        _files.about,
        _files.size,
        _files.content.is_not(None).label("is_kept"),
    ).where(_files.case_id == case_id)
    found = (await tx.execute(query.order_by(_files.id))).mappings()
    return [
        Evidence(
            **{name: value for name, value in row.items() if name != "about"},
            **unseal_json(tx, row["about"]),
        )
        for row in found
    ]


async def find_content(tx: Transaction, case_id: int, evidence_id: int) -> bytes | None:
    """The bytes of a file of this case; None when it has none, or they could not be had."""
    query = select(_files.content).where(_files.case_id == case_id, _files.id == evidence_id)
    token = (await tx.execute(query)).scalar_one_or_none()
    return None if token is None else unseal(tx, token)


async def find_given(tx: Transaction, given_by: int) -> BreachReport | None:
    """The report that came of this form, if it was sent before."""
    query = select(breach_reports).where(_columns.given_by == given_by, _is_there)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else _report(tx, row)


async def has_evidence(tx: Transaction, report_id: int) -> bool:
    """Whether files came with a report, kept or not."""
    query = select(exists().where(_files.report_id == report_id))
    return bool((await tx.execute(query)).scalar_one())


async def count_since(
    tx: Transaction, group_key: str, since: datetime, reporter_id: int | None = None
) -> int:
    """How many reports came since then, in the whole group or from one person."""
    query = (
        select(func.count())
        .select_from(breach_reports.join(breach_cases, breach_cases.c.id == _columns.case_id))
        .where(breach_cases.c.group_key == group_key, _columns.received_at > since)
    )
    if reporter_id is not None:
        query = query.where(_columns.reporter_ref == person_ref(tx, group_key, reporter_id))
    return (await tx.execute(query)).scalar_one()


async def get_case_id(tx: Transaction, report_id: int) -> int:
    """The case that a report belongs to by now."""
    query = select(_columns.case_id).where(_columns.id == report_id)
    return (await tx.execute(query)).scalar_one()
