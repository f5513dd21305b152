"""Cases that are ready to be decided, and what comes of it."""

from datetime import datetime, timedelta

from sqlalchemy import update

from bot.domain.agreements import Agreement, Consequence
from bot.domain.breaches import (
    BreachCase,
    CaseClocks,
    CaseEvent,
    CaseState,
    Clause,
    Decision,
    LetterKind,
    ReportForm,
    Side,
    Source,
    TimelineEntry,
)
from bot.domain.effects import EffectKind
from bot.domain.entitlement import Viewer
from bot.domain.rulings import Plan, Ruling
from bot.services import outbox
from bot.services.cases import deciding
from bot.services.cases.deciding import Prepared, Terms
from bot.services.cases.opening import Desk
from bot.storage import case_decisions, case_letters, case_reports, cases
from bot.storage.case_tables import breach_letters
from bot.storage.database import Database
from bot.storage.sealing import unseal_text
from tests.factories import NEWCOMER, NOW, RULES, make_agreement, publish
from tests.services.test_holders import conclude, sweep
from tests.services.test_signing import ACCEPT, GROUP, ask, due, react, run_all

REPORTER, MODERATOR, OTHER = 31, 41, 42
DESK = Desk(group_key=GROUP, owner_id=51)
DECIDER = Viewer(member_id=MODERATOR, is_moderator=True)
COLLEAGUE = Viewer(member_id=OTHER, is_moderator=True)
ACCUSED = Viewer(member_id=NEWCOMER)
DAY = timedelta(days=1)
CLOCKS = CaseClocks(first_look=3 * DAY, feedback=30 * DAY, hearing=3 * DAY, appeal=14 * DAY)
LATER = NOW + timedelta(hours=1)
UNTIL = NOW + 7 * DAY
WHY = "it was told outside"
TO_ACCUSED, TO_REPORTERS = "words to the accused", "words to whoever reported"


def ladder() -> Agreement:
    keys = ("reminder", "sign_again", "suspended", "removed", "legal", "letter_of_apology")
    steps = tuple(Consequence(key=key, text=f"What {key} means.") for key in keys)
    return make_agreement(consequences=steps)


async def settle(database: Database) -> None:
    """A group with a whole ladder, in which the accused has signed and is in."""
    await publish(database, agreement=ladder())
    await sweep(database, [], now=NOW + timedelta(minutes=1))
    await conclude(database, NOW + timedelta(minutes=1))
    await ask(database)
    await react(database, ACCEPT)
    await run_all(database)


async def open_case(
    database: Database,
    *,
    accused: int | None = NEWCOMER,
    heard: bool = True,
    state: CaseState = CaseState.IN_REVIEW,
) -> int:
    """A case that somebody reviews, in which the accused has answered; its number."""
    async with database.write() as tx:
        case = await cases.add(tx, GROUP, Clause.COVERED, accused, None, NOW)
        form = ReportForm(what="what happened", clause=Clause.COVERED, source=Source.COMMAND)
        await case_reports.add(tx, case.id, REPORTER, form, NOW)
        await cases.add_step(tx, case, CaseEvent.REPORTED, Side.REPORTER, NOW)
        await cases.mark(tx, case.id, state=state, claimed_by=MODERATOR, claimed_at=NOW)
        if heard and accused is not None:
            letter_id = await case_letters.add(tx, case, LetterKind.HEARING, NOW, text="alleged")
            answered = update(breach_letters).where(breach_letters.c.id == letter_id)
            await tx.execute(answered.values(delivered_at=NOW, answered_at=NOW))
    await run_all(database)
    return case.case_number


def word(_plan: Plan, words: str | None) -> tuple[str, str]:
    return words or TO_ACCUSED, TO_REPORTERS


TERMS = Terms(clocks=CLOCKS, word=word)


async def prepare(
    database: Database,
    number: int,
    outcome: str,
    *,
    until: datetime | None = None,
    viewer: Viewer = DECIDER,
    now: datetime = LATER,
) -> Prepared:
    ruling = Ruling(outcome=outcome, reason=WHY, until=until)
    return await deciding.prepare(database, DESK, viewer, number, ruling, TERMS, now)


async def decide(
    database: Database,
    number: int,
    outcome: str,
    *,
    until: datetime | None = None,
    viewer: Viewer = DECIDER,
    now: datetime = LATER,
) -> Plan:
    prepared = await prepare(database, number, outcome, until=until, viewer=viewer, now=now)
    draft_id = prepared.draft.id
    return await deciding.decide(database, DESK, viewer, number, draft_id, TERMS, now)


async def case_of(database: Database, number: int) -> BreachCase:
    async with database.read() as tx:
        return await cases.get_by_number(tx, GROUP, number)


async def steps_of(database: Database, number: int) -> list[TimelineEntry]:
    case = await case_of(database, number)
    async with database.read() as tx:
        return await cases.list_timeline(tx, case.id)


async def decisions_of(database: Database, number: int) -> list[Decision]:
    case = await case_of(database, number)
    async with database.read() as tx:
        return await case_decisions.list_of_case(tx, case.id)


async def letters_of(database: Database, number: int) -> list[tuple[Side, LetterKind, str | None]]:
    case = await case_of(database, number)
    async with database.read() as tx:
        query = breach_letters.select().where(breach_letters.c.case_id == case.id)
        return [
            (Side(row["side"]), LetterKind(row["kind"]), unseal_text(tx, row["text"]))
            for row in (await tx.execute(query.order_by(breach_letters.c.id))).mappings()
        ]


async def has_role(database: Database, now: datetime = LATER) -> bool | None:
    return await outbox.should_have_role(database, GROUP, NEWCOMER, RULES, now)


async def waiting(database: Database, now: datetime = LATER) -> list[EffectKind]:
    """What is on its way, once; it is all done then."""
    found: list[EffectKind] = []
    while rows := await due(database, now):
        for row in rows:
            following = row
            while following is not None:
                found.append(following.kind)
                outcome = outbox.ROLE_TAKEN if following.kind is EffectKind.ALIGN_ROLE else "done"
                following = await outbox.finish(database, following, outcome, now)
    return found
