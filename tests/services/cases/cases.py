"""Makes cases for tests: who reported, who is accused, who stepped back, and what was decided."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import insert, select, update

from bot.domain.breaches import (
    BreachCase,
    CaseEvent,
    CaseState,
    Clause,
    Evidence,
    ReportForm,
    Side,
    Source,
)
from bot.domain.effects import EffectState
from bot.domain.entitlement import Office, Viewer
from bot.services.cases.opening import Desk
from bot.storage import case_reports, cases, officers
from bot.storage.case_tables import breach_decisions, breach_letters, case_access
from bot.storage.database import Database, Transaction
from bot.storage.sealing import unseal_text
from bot.storage.tables import effects
from tests.factories import NOW

GROUP = "harbour-light"
OWNER = 900_000_000_000_000_010
REPORTER = 900_000_000_000_000_011
ACCUSED = 900_000_000_000_000_012
MOD, OTHER_MOD, THIRD_MOD = (900_000_000_000_000_020 + n for n in range(3))
ESCALATION = 900_000_000_000_000_030
DESK = Desk(group_key=GROUP, owner_id=OWNER)
MODERATOR = Viewer(member_id=MOD, is_moderator=True)
OTHER = Viewer(member_id=OTHER_MOD, is_moderator=True)
WORDS = "A story of mine was told outside the group."
PNG = b"\x89PNG\r\n\x1a\n of a test"


def make_form(accused_id: int | None = ACCUSED, **changes: object) -> ReportForm:
    """What somebody typed."""
    values: dict[str, object] = {
        "what": WORDS,
        "clause": Clause.COVERED,
        "source": Source.COMMAND,
        "accused_id": accused_id,
    }
    return ReportForm(**{**values, **changes})  # type: ignore[arg-type]


async def add_case(
    tx: Transaction,
    *,
    reporters: Collection[int] = (REPORTER,),
    accused: int | None = ACCUSED,
    recused: Collection[int] = (),
    signed_version_id: int | None = None,
    now: datetime = NOW,
) -> BreachCase:
    """A case as reporting leaves it: its reports, the first step, and the notice to be posted."""
    case = await cases.add(tx, GROUP, Clause.COVERED, accused, signed_version_id, now)
    for reporter in reporters:
        await case_reports.add(tx, case.id, reporter, make_form(accused), now)
        await cases.add_step(tx, case, CaseEvent.REPORTED, Side.REPORTER, now)
    for moderator in recused:
        await cases.add_recusal(tx, case.id, moderator, now)
    await cases.request_notice(tx, case, now)
    return case


async def make_case(database: Database, **values: object) -> BreachCase:
    """The same, in a transaction of its own."""
    async with database.write() as tx:
        return await add_case(tx, **values)  # type: ignore[arg-type]


async def add_file(database: Database, case: BreachCase, content: bytes | None = PNG) -> int:
    """A picture that came with the first report."""
    about = Evidence(
        name="holiday of somebody.png",
        media_type="image/png",
        received_sha256="a" * 64,
        kept_sha256="b" * 64,
    )
    async with database.write() as tx:
        reports = await case_reports.list_of_case(tx, case.id)
        return await case_reports.add_evidence(tx, case.id, reports[0].id, about, content, NOW)


async def decide(
    tx: Transaction,
    case: BreachCase,
    by: int,
    outcome: str = "reminder",
    *,
    appealed: bool = False,
    now: datetime = NOW,
) -> None:
    """A decision, and perhaps the appeal against it."""
    values = {
        "case_id": case.id,
        "outcome": outcome,
        "decided_by": by,
        "decided_at": now,
        "appealed_at": now if appealed else None,
    }
    await tx.execute(insert(breach_decisions).values(**values))
    if appealed:
        await cases.mark(tx, case.id, state=CaseState.IN_REVIEW)
    else:
        await cases.mark(tx, case.id, state=CaseState.DECIDED, outcome=outcome, decided_at=now)


async def hold_offices(
    database: Database,
    moderators: Collection[int] = (MOD, OTHER_MOD),
    escalation: Collection[int] = (),
    *,
    known: bool = True,
) -> None:
    """Who holds which office, as a whole reading of the member list has shown it."""
    async with database.write() as tx:
        await officers.begin(tx, GROUP, "roles", NOW)
        for office, members in (
            (Office.MODERATOR, moderators),
            (Office.ESCALATION, escalation),
        ):
            for member in await officers.list_holders(tx, GROUP, office):
                await officers.forget(tx, GROUP, office, member)
            await officers.add_seen(tx, GROUP, office, members, NOW)
        if known:
            await officers.complete(tx, GROUP, NOW)


async def find(database: Database, number: int = 1) -> BreachCase:
    async with database.read() as tx:
        return await cases.get_by_number(tx, GROUP, number)


async def looks(database: Database) -> list[tuple[int, str, int | None, str | None]]:
    """Who looked at what: moderator, act, report, reason."""
    async with database.read() as tx:
        found = await tx.execute(select(case_access).order_by(case_access.c.id))
        return [
            (
                row["moderator_id"],
                row["act"],
                row["report_id"],
                unseal_text(tx, row["reason"]),
            )
            for row in found.mappings()
        ]


async def letters(database: Database) -> list[tuple[str, int | None, str | None]]:
    """What is written to the parties: kind, report, and the words of a moderator."""
    async with database.read() as tx:
        found = await tx.execute(select(breach_letters).order_by(breach_letters.c.id))
        return [
            (row["kind"], row["report_id"], unseal_text(tx, row["text"]))
            for row in found.mappings()
        ]


async def steps(database: Database, number: int = 1) -> list[tuple[str, int | None, str | None]]:
    """The timeline: kind, which moderator, words."""
    case = await find(database, number)
    async with database.read() as tx:
        found = await cases.list_timeline(tx, case.id)
        return [(entry.kind.value, entry.actor_id, entry.text) for entry in found]


async def waiting(database: Database) -> list[tuple[str, str | None]]:
    """What the outbox has to do, kind and detail, without what has nothing to do with cases."""
    query = select(effects.c.kind, effects.c.detail, effects.c.member_id)
    async with database.read() as tx:
        rows = await tx.execute(
            query.where(
                effects.c.state == EffectState.PENDING,
                effects.c.kind.in_(("letter", "case_notice", "case_call")),
            ).order_by(effects.c.id)
        )
        found = list(rows)
    assert all(member is None for _, _, member in found)
    return [(kind, detail) for kind, detail, _ in found]


async def finish_effects(database: Database) -> None:
    """Everything that waits or is in hand is done."""
    async with database.write() as tx:
        await tx.execute(
            update(effects)
            .where(effects.c.finished_at.is_(None))
            .values(state=EffectState.DONE, outcome="done", finished_at=NOW)
        )
