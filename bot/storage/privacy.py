"""What the tables hold about one person, column by column, as far as they may see it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, func, select, true

from bot.domain.breaches import BreachCase
from bot.domain.privacy import Part, Row
from bot.storage import ledger
from bot.storage.case_tables import (
    breach_calls,
    breach_cases,
    breach_decisions,
    breach_drafts,
    breach_evidence,
    breach_letters,
    breach_recusals,
    breach_reports,
    breach_timeline,
    case_access,
    officers,
    suspensions,
)
from bot.storage.database import Transaction
from bot.storage.effects import ERASED
from bot.storage.held import SHOWN
from bot.storage.proof_tables import proofs
from bot.storage.proofs import subject_in
from bot.storage.sealing import person_ref, read_text, unseal, unseal_json
from bot.storage.tables import (
    agreement_versions,
    effects,
    erasures,
    holders,
    invitations,
    invited,
    ledger_entries,
    signature_requests,
    signatures,
)

_OF_OTHERS = frozenset({"attested_by", "published_by"})
"""Facts of an entry that name somebody else than its subject."""

_SEALED_TEXTS = ("text", "answer", "appeal", "note")


async def _rows(
    tx: Transaction,
    part: Part,
    table: Table,
    *where: ColumnElement[bool],
    columns: Collection[str] | None = None,
) -> list[Row]:
    """Some rows in order, with the columns that are shown; versions by their numbers."""
    names = SHOWN[table.name] if columns is None else columns
    chosen = [_number_of(table.c[name]) if name in _VERSIONS else table.c[name] for name in names]
    found = await tx.execute(select(*chosen).where(*where).order_by(*table.primary_key.columns))
    return [_row(tx, part, table.name, row) for row in found.mappings()]


_VERSIONS = ("version_id", "signed_version_id")


def _number_of(version_id: Any) -> Any:
    versions = agreement_versions.c
    number = select(versions.number).where(versions.id == version_id)
    return number.scalar_subquery().label(version_id.name)


def _row(tx: Transaction, part: Part, table: str, row: RowMapping) -> Row:
    values: dict[str, object] = dict(row)
    for name in _SEALED_TEXTS:
        if isinstance(values.get(name), bytes):
            values[name] = read_text(tx, row[name])
    return Row(part=part, table=table, values=values)


async def list_agreement(tx: Transaction, group_key: str, member_id: int) -> list[Row]:
    """What they were asked, answered and signed."""
    part, rows = Part.AGREEMENT, list[Row]()
    for table in (signature_requests, signatures):
        mine = (table.c["group_key"] == group_key, table.c["member_id"] == member_id)
        rows += await _rows(tx, part, table, *mine)
    subject = subject_in(tx, group_key, member_id)
    return rows + await _rows(tx, part, proofs, proofs.c.subject == subject)


async def list_access(tx: Transaction, group_key: str, member_id: int) -> list[Row]:
    """How they come by the role, what closes the channel to them, and whether they are asked."""
    part, ref = Part.ACCESS, person_ref(tx, group_key, member_id)
    of_group = select(invitations.c.id).where(invitations.c.group_key == group_key)
    return [
        *await _rows(
            tx, part, holders, holders.c.group_key == group_key, holders.c.member_id == member_id
        ),
        *await _rows(
            tx,
            part,
            suspensions,
            suspensions.c.group_key == group_key,
            suspensions.c.member_ref == ref,
        ),
        *await _rows(
            tx,
            part,
            invited,
            invited.c.invitation_id.in_(of_group),
            invited.c.member_id == member_id,
        ),
        *await _rows(
            tx, part, erasures, erasures.c.group_key == group_key, erasures.c.member_ref == ref
        ),
    ]


async def list_messages(tx: Transaction, group_key: str, member_id: int) -> list[Row]:
    """What was done, and is to be done, for them in Discord."""
    mine = (effects.c.group_key == group_key, effects.c.member_id == member_id)
    return await _rows(tx, Part.MESSAGES, effects, *mine)


async def list_ledger(tx: Transaction, group_key: str, member_id: int) -> list[Row]:
    """What the ledger still says of them, without anybody else whom it names beside them."""
    positions = await ledger.list_said_of(tx, group_key, [member_id])
    said = await _rows(tx, Part.LEDGER, ledger_entries, ledger_entries.c.position.in_(positions))
    return [_without_others(row) for row in said]


def _without_others(row: Row) -> Row:
    facts: dict[str, object] = json.loads(str(row.values["payload"]))
    own = {name: one for name, one in facts.items() if name not in _OF_OTHERS}
    return Row(part=row.part, table=row.table, values={**row.values, "payload": own})


# Cases -------------------------------------------------------------------------------------------


async def list_report(tx: Transaction, case: BreachCase, report_id: int) -> list[Row]:
    """One report with its files and letters, for whoever made it.

    Whom they accused is left out: it is not theirs to carry around.
    """
    part, number = Part.REPORTED, {"case_number": case.case_number}
    rows: list[Row] = []
    for one in await _rows(tx, part, breach_reports, breach_reports.c.id == report_id):
        values = dict(one.values)
        token = values["form"]
        form: dict[str, object] = unseal_json(tx, token) if isinstance(token, bytes) else {}
        form["names_somebody"] = form.pop("accused_id", None) is not None
        rows.append(_numbered(one, number, form=form))
    columns = [breach_evidence.c[name] for name in ("received_at", "about", "size")]
    found = await tx.execute(
        select(*columns, breach_evidence.c.content.is_not(None).label("is_kept"))
        .where(breach_evidence.c.report_id == report_id)
        .order_by(breach_evidence.c.id)
    )
    for row in found.mappings():
        values = {**number, **row, "about": unseal_json(tx, row["about"])}
        rows.append(Row(part=part, table="breach_evidence", values=values))
    letters = await _rows(tx, part, breach_letters, breach_letters.c.report_id == report_id)
    return rows + [_numbered(one, number) for one in letters]


async def list_files(tx: Transaction, report_id: int) -> list[tuple[str, bytes]]:
    """The files that were handed in with a report, as far as they are kept: type and bytes."""
    query = select(breach_evidence.c.about, breach_evidence.c.content).where(
        breach_evidence.c.report_id == report_id, breach_evidence.c.content.is_not(None)
    )
    found = await tx.execute(query.order_by(breach_evidence.c.id))
    return [(unseal_json(tx, row.about)["media_type"], unseal(tx, row.content)) for row in found]


async def list_concerned(tx: Transaction, case: BreachCase) -> list[Row]:
    """A case, for whom it concerns and who was written to: how it stands, letters and appeal."""
    part, number = Part.CONCERNED, {"case_number": case.case_number}
    is_case, to_them = breach_letters.c.case_id == case.id, breach_letters.c.report_id.is_(None)
    appealed = breach_decisions.c.appealed_at.is_not(None)
    stand = ("case_number", "state", "signed_version_id")
    rows = await _rows(tx, part, breach_cases, breach_cases.c.id == case.id, columns=stand)
    rows += await _rows(tx, part, breach_letters, is_case, to_them)
    is_theirs = (breach_decisions.c.case_id == case.id, appealed)
    words = ("appealed_at", "appeal")
    rows += await _rows(tx, part, breach_decisions, *is_theirs, columns=words)
    return [_numbered(one, number) for one in rows]


def _numbered(row: Row, number: Mapping[str, object], **values: object) -> Row:
    return Row(part=row.part, table=row.table, values={**number, **row.values, **values})


# Offices -----------------------------------------------------------------------------------------


async def list_office(tx: Transaction, group_key: str, member_id: int) -> list[Row]:
    """What they did for the group: when and what, nothing of whom it was about."""
    part, rows = Part.OFFICE, list[Row]()
    for table, columns, where in _acts(tx, group_key, member_id):
        chosen = [table.c[name] for name in columns]
        found = await tx.execute(select(*chosen).where(where).order_by(*chosen))
        rows += [Row(part=part, table=table.name, values=dict(row)) for row in found.mappings()]
    return rows


async def count_acts(tx: Transaction, group_key: str, member_id: int) -> int:
    """How many things they did for the group that stay with the record of others."""
    total = 0
    for table, _, where in _acts(tx, group_key, member_id):
        if table is not officers:
            query = select(func.count()).select_from(table).where(where)
            total += (await tx.execute(query)).scalar_one()
    return total


def _acts(
    tx: Transaction, group_key: str, member_id: int
) -> list[tuple[Table, Collection[str], ColumnElement[bool]]]:
    cases = select(breach_cases.c.id).where(breach_cases.c.group_key == group_key)
    ref = person_ref(tx, group_key, member_id)
    found: list[tuple[Table, Collection[str], ColumnElement[bool]]] = [
        (
            table,
            columns,
            (table.c[who] == member_id) & (table.c["group_key"] == group_key),
        )
        for table, columns, who in (
            (agreement_versions, ("number", "change", "published_at"), "published_by"),
            (signatures, ("signed_at",), "attested_by"),
            (breach_cases, ("claimed_at",), "claimed_by"),
            (officers, ("office", "seen_at"), "member_id"),
        )
    ]
    found += [
        (table, columns, (table.c[who] == member_id) & table.c["case_id"].in_(cases))
        for table, columns, who in (
            (breach_timeline, ("at", "kind"), "actor_id"),
            (breach_letters, ("created_at", "kind"), "written_by"),
            (breach_decisions, ("decided_at",), "decided_by"),
            (breach_drafts, ("drafted_at",), "moderator_id"),
            (breach_recusals, ("at",), "moderator_id"),
            (case_access, ("at", "act"), "moderator_id"),
        )
    ]
    called = (breach_calls.c.member_ref == ref) & breach_calls.c.case_id.in_(cases)
    return [*found, (breach_calls, ("at", "reached"), called)]


# What erasing goes for ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows there are of one person, by what they are for."""

    requests: int
    messages: int
    holders: int
    lists: int


async def count_held(
    tx: Transaction, group_key: str, member_id: int, *, also_erased: bool
) -> Counts:
    """Count what stands under somebody's account, signatures aside.

    What is still done for them after they were erased goes by itself, and counts only with
    `also_erased`.
    """

    async def count(table: Table, *where: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table)
        query = query.where(table.c["member_id"] == member_id, *where)
        return (await tx.execute(query)).scalar_one()

    of_group = select(invitations.c.id).where(invitations.c.group_key == group_key)
    is_kept = true() if also_erased else func.coalesce(effects.c.detail, "") != ERASED
    return Counts(
        requests=await count(signature_requests, signature_requests.c.group_key == group_key),
        messages=await count(effects, effects.c.group_key == group_key, is_kept),
        holders=await count(holders, holders.c.group_key == group_key),
        lists=await count(invited, invited.c.invitation_id.in_(of_group)),
    )
