"""Plants somebody into every table there is, with values that are found nowhere else."""

import json
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import LargeBinary, Table, Text, insert, select

from bot.domain.agreements import Change, Method, RequestState, RevokeReason, VersionState
from bot.domain.breaches import CaseEvent, CaseState, Clause, LetterKind, Look, Side, Source
from bot.domain.effects import EffectKind, EffectState
from bot.domain.entitlement import Office
from bot.domain.holders import Source as RoleSource
from bot.domain.invitations import Audience, Kind
from bot.domain.ledger import LedgerKind
from bot.storage import case_tables, ledger, tables
from bot.storage.columns import UTCDateTime, Word
from bot.storage.database import Database, Transaction
from bot.storage.proof_tables import proofs
from bot.storage.proofs import subject_in
from bot.storage.sealing import person_ref, seal_json, seal_text, unseal
from tests.factories import FACILITATOR, NOW, publish

GROUP = "harbour-light"
ME, OTHER = 912_345_678_901_234_567, 923_456_789_012_345_678
"""Whoever is planted, and somebody else in every place where another person can stand."""

SHA = "5" * 64


class Planter:
    """Fills rows with values that are all different; `planted` has them as they are read."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.count = 0
        self.planted: list[tuple[str, str, object]] = []

    async def plant(self, table: Table, **given: Any) -> int:
        """One row; whatever is not given is made up. Returns its id, if it has one."""
        values: dict[str, Any] = {}
        for column in table.columns:
            self.count += 1
            name = column.name
            made: object = f"{table.name}-{name}-{self.count}"
            if name in given:
                values[name] = made = given[name]
            elif isinstance(column.type, UTCDateTime):
                values[name] = made = NOW + timedelta(minutes=self.count)
            elif isinstance(column.type, LargeBinary):
                values[name] = seal_text(self.tx, str(made))
            elif isinstance(column.type, Word | Text):
                values[name] = made
            else:
                values[name] = made = 40_000 + self.count
            self.planted.append((table.name, name, made))
        await self.tx.execute(insert(table).values(values))
        return values.get("id", 0)

    def sealed(self, value: object) -> bytes:
        return seal_json(self.tx, value)


async def plant_everywhere(database: Database) -> list[tuple[str, str, object]]:
    """Somebody who signed, waits, was proven, reported, is accused and holds every office."""
    version = await publish(database)
    async with database.write() as tx:
        planter = Planter(tx)
        await _plant_agreement(planter, version.id)
        await _plant_cases(planter, version.id)
        return planter.planted


async def _plant_agreement(planter: Planter, version_id: int) -> None:
    tx, plant = planter.tx, planter.plant
    asked = {
        "group_key": GROUP,
        "state": RequestState.SIGNED,
        "version_id": version_id,
        "newest_id": None,
        "newest_version_id": None,
        "newest_end": None,
    }
    request_id = await plant(tables.signature_requests, **asked, member_id=ME)
    theirs = await plant(tables.signature_requests, **asked, member_id=OTHER)
    facts = {"member_id": ME, "attested_by": OTHER, "certain": 40_000}
    position = await ledger.append(tx, GROUP, LedgerKind.SIGNED, facts, NOW, subject_id=ME)
    common: dict[str, Any] = {
        "group_key": GROUP,
        "version_id": version_id,
        "sha256": SHA,
        "method": Method.ATTESTED,
        "signed_at": NOW + timedelta(minutes=2),
        "signed_after": NOW + timedelta(minutes=1),
        "signed_position": position,
        "revoked_position": position,
    }
    ended = {**common, "revoke_reason": RevokeReason.WITHDRAWN}
    mine = {"member_id": ME, "request_id": request_id, "attested_by": OTHER}
    await plant(tables.signatures, **ended, **mine)
    attested = {"member_id": OTHER, "request_id": theirs, "attested_by": ME}
    await plant(tables.signatures, **ended, **attested)
    await plant(proofs, **common, subject=subject_in(tx, GROUP, ME))
    await plant(tables.holders, group_key=GROUP, member_id=ME, source=RoleSource.BOT)
    invitation = await plant(
        tables.invitations, group_key=GROUP, audience=Audience.MEMBERS, started_at=None
    )
    on_list = {"invitation_id": invitation, "member_id": ME, "request_id": request_id}
    await plant(tables.invited, **on_list, kind=Kind.MEMBER)
    await plant(tables.erasures, group_key=GROUP, member_ref=person_ref(tx, GROUP, ME))
    await plant(
        tables.effects,
        group_key=GROUP,
        lane=f"member:{GROUP}:{ME}",
        kind=EffectKind.NOTICE,
        member_id=ME,
        request_id=request_id,
        state=EffectState.DONE,
    )
    await plant(
        tables.agreement_versions,
        group_key=GROUP,
        state=VersionState.SUPERSEDED,
        change=Change.MINOR,
        published_by=ME,
        sha256=SHA,
    )
    await plant(case_tables.officers, group_key=GROUP, office=Office.MODERATOR, member_id=ME)


async def _plant_cases(planter: Planter, version_id: int) -> None:
    tx, plant = planter.tx, planter.plant

    async def case(accused: int, **given: Any) -> int:
        values: dict[str, Any] = {
            "group_key": GROUP,
            "state": CaseState.DECIDED,
            "clause": Clause.COVERED,
            "accused": planter.sealed(accused),
            "accused_ref": person_ref(tx, GROUP, accused),
            "signed_version_id": version_id,
            "closed_at": None,
            "claimed_by": OTHER,
            "merged_into": None,
        }
        return await plant(case_tables.breach_cases, **{**values, **given})

    async def report(case_id: int, reporter: int) -> int:
        form = {
            "what": f"reported by {reporter % 1000}",
            "clause": Clause.COVERED,
            "source": Source.COMMAND,
            "incident_on": "2026-02-27",
            "accused_id": OTHER,
            "link": f"link by {reporter % 1000}",
            "quoted": f"quoted by {reporter % 1000}",
        }
        return await plant(
            case_tables.breach_reports,
            case_id=case_id,
            reporter=planter.sealed(reporter),
            reporter_ref=person_ref(tx, GROUP, reporter),
            form=planter.sealed(form),
            received_at=NOW,
        )

    reported = await case(OTHER)
    report_id = await report(reported, ME)
    about = {"name": "mine.png", "media_type": "image/png"}
    await plant(
        case_tables.breach_evidence,
        case_id=reported,
        report_id=report_id,
        about=planter.sealed({**about, "received_sha256": SHA, "kept_sha256": SHA}),
    )
    await _letter(planter, reported, report_id)
    step = {"case_id": reported, "side": Side.MODERATOR, "actor_id": OTHER}
    await plant(case_tables.breach_timeline, **step, kind=CaseEvent.CLAIMED)
    looked = {"case_id": reported, "moderator_id": OTHER, "report_id": report_id}
    await plant(case_tables.case_access, **looked, act=Look.SHOWN)

    concerning = await case(ME)
    await report(concerning, OTHER)
    await _letter(planter, concerning, None)
    decided = {"case_id": concerning, "decided_by": OTHER, "appeal_of": None}
    await plant(case_tables.breach_decisions, **decided)
    await plant(
        case_tables.suspensions,
        group_key=GROUP,
        case_id=concerning,
        member=planter.sealed(ME),
        member_ref=person_ref(tx, GROUP, ME),
        provisional=1,
    )

    untold = await case(ME, case_number=59_999)
    await report(untold, OTHER)

    worked = await case(OTHER, claimed_by=ME)
    await report(worked, OTHER)
    mine = {"case_id": worked, "moderator_id": ME}
    await plant(case_tables.breach_drafts, **mine)
    await plant(case_tables.breach_recusals, **mine)
    await plant(case_tables.breach_decisions, case_id=worked, decided_by=ME, appeal_of=None)
    await plant(case_tables.case_access, **mine, act=Look.EXPORTED, report_id=None)
    acted = {"case_id": worked, "side": Side.MODERATOR, "actor_id": ME}
    await plant(case_tables.breach_timeline, **acted, kind=CaseEvent.NOTED)
    called = {"case_id": worked, "member_ref": person_ref(tx, GROUP, ME)}
    await plant(case_tables.breach_calls, **called, reached=1)


async def _letter(planter: Planter, case_id: int, report_id: int | None) -> None:
    side = Side.ACCUSED if report_id is None else Side.REPORTER
    await planter.plant(
        case_tables.breach_letters,
        case_id=case_id,
        report_id=report_id,
        side=side,
        kind=LetterKind.QUESTION,
        written_by=OTHER,
    )


async def everything(database: Database) -> str:
    """All that stands in all tables, with what can be decrypted beside it."""
    found: list[str] = []
    async with database.read() as tx:
        for table in tables.metadata.sorted_tables:
            for row in (await tx.execute(select(table))).mappings():
                values = {name: _plain(tx, value) for name, value in row.items()}
                found.append(f"{table.name} {json.dumps(values, default=str)}")
    return "\n".join(found)


def _plain(tx: Transaction, value: object) -> object:
    if not isinstance(value, bytes):
        return value.isoformat() if isinstance(value, datetime) else value
    try:
        return unseal(tx, value).decode(errors="replace")
    except InvalidToken:
        return value.hex()


async def places_of(database: Database, text: str) -> set[str]:
    """The columns in which this stands, encrypted or not."""
    found: set[str] = set()
    async with database.read() as tx:
        for table in tables.metadata.sorted_tables:
            for row in (await tx.execute(select(table))).mappings():
                for name, value in row.items():
                    if text in str(_plain(tx, value)):
                        found.add(f"{table.name}.{name}")
    return found


__all__ = ["FACILITATOR", "GROUP", "ME", "OTHER", "everything", "places_of", "plant_everywhere"]
