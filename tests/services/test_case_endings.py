"""Appeals, pauses that end by themselves, and cases that close, on both engines."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from bot.domain.agreements import Standing
from bot.domain.breaches import CaseEvent, CaseState, LetterKind, Side
from bot.domain.effects import EffectKind
from bot.domain.entitlement import Viewer
from bot.domain.errors import (
    DecidedBeforeError,
    HarsherOutcomeError,
    NoAppealError,
    UnknownCaseError,
)
from bot.domain.suspensions import Pause
from bot.services import holders, ledger, members, outbox, signing
from bot.services.cases import ending, mine
from bot.services.cases.mine import Place
from bot.storage import cases, suspensions
from bot.storage.case_tables import breach_letters
from bot.storage.database import Database
from tests.factories import NEWCOMER
from tests.services.deciding import (
    ACCUSED,
    CLOCKS,
    COLLEAGUE,
    DAY,
    DECIDER,
    DESK,
    LATER,
    REPORTER,
    UNTIL,
    case_of,
    decide,
    decisions_of,
    has_role,
    letters_of,
    open_case,
    prepare,
    settle,
    steps_of,
    waiting,
)
from tests.services.test_holders import conclude, sweep
from tests.services.test_signing import ACCEPT, GROUP, due, join, react, standing

WORDS = "it was not so"
SOON = LATER + timedelta(hours=1)


async def appeal(
    database: Database, number: int, *, viewer: Viewer = ACCUSED, days: int = 0
) -> None:
    now = SOON + days * DAY
    await ending.appeal(database, DESK, viewer, number, WORDS, CLOCKS, now)


async def suspended(database: Database) -> int:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "suspended", until=UNTIL)
    await waiting(database)
    await mark_letter(database, number, delivered_at=LATER)
    return number


async def pause(database: Database) -> Pause | None:
    async with database.read() as tx:
        return await suspensions.find_running(tx, GROUP, NEWCOMER)


# A suspension ends by itself ----------------------------------------------------------------------


async def test_pause_ends_when_its_time_comes_and_the_role_comes_back(database: Database) -> None:
    number = await suspended(database)
    early = UNTIL - timedelta(seconds=1)
    assert await ending.end_due_suspensions(database, [GROUP], early) == 0
    assert await has_role(database, early) is False

    assert await ending.end_due_suspensions(database, [GROUP], UNTIL) == 1
    assert await ending.end_due_suspensions(database, [GROUP], UNTIL) == 0
    assert await has_role(database, UNTIL) is True
    kinds = await waiting(database, UNTIL)
    assert EffectKind.ALIGN_ROLE in kinds
    assert EffectKind.ASK not in kinds
    assert (await letters_of(database, number))[-1][:2] == (
        Side.ACCUSED,
        LetterKind.SUSPENSION_ENDED,
    )
    assert (await steps_of(database, number))[-1].kind is CaseEvent.SUSPENSION_ENDED
    assert (await ledger.verify(database)).wrong == 0


async def test_groups_that_are_not_configured_rest(database: Database) -> None:
    await suspended(database)
    assert await ending.end_due_suspensions(database, ["quiet-bay"], UNTIL) == 0


async def test_whoever_withdrew_meanwhile_is_not_let_in_and_not_pressed(database: Database) -> None:
    await suspended(database)
    await signing.withdraw(database, GROUP, NEWCOMER, SOON)
    await waiting(database)
    await ending.end_due_suspensions(database, [GROUP], UNTIL)
    assert await has_role(database, UNTIL) is False
    assert EffectKind.ASK not in await waiting(database, UNTIL)


async def test_whoever_has_no_valid_signature_then_is_asked_to_sign(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "sign_again")
    await waiting(database)
    again = await open_case(database)
    await decide(database, again, "suspended", until=UNTIL)
    kinds = await waiting(database)
    assert EffectKind.ASK not in kinds
    await ending.end_due_suspensions(database, [GROUP], UNTIL)
    assert await has_role(database, UNTIL) is False
    assert await standing(database) is Standing.WAITING


async def test_two_cases_keep_somebody_out_until_both_have_ended(database: Database) -> None:
    await suspended(database)
    longer = UNTIL + 7 * DAY
    await decide(database, await open_case(database), "suspended", until=longer)
    await ending.end_due_suspensions(database, [GROUP], UNTIL)
    assert await has_role(database, UNTIL) is False
    assert await pause(database) == Pause(until=longer)
    await ending.end_due_suspensions(database, [GROUP], longer)
    assert await has_role(database, longer) is True


async def test_whoever_left_is_asked_only_when_they_return(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "removed")
    await members.say_goodbye(database, [GROUP], NEWCOMER, SOON)
    await waiting(database)
    await appeal(database, number)
    await decide(database, number, "no_breach", viewer=COLLEAGUE, now=SOON)
    assert EffectKind.ASK not in await waiting(database, SOON)
    await join(database)
    assert EffectKind.ASK in await waiting(database, SOON)


async def test_end_of_a_purged_case_is_told_to_nobody(database: Database) -> None:
    number = await suspended(database)
    case = await case_of(database, number)
    async with database.write() as tx:
        values = {"purged_at": SOON, "accused": None, "accused_ref": None}
        await cases.mark(tx, case.id, **values)
    before = await letters_of(database, number)
    assert await ending.end_due_suspensions(database, [GROUP], UNTIL) == 1
    assert await has_role(database, UNTIL) is True
    assert await letters_of(database, number) == before


async def test_suspended_person_is_never_in_whatever_they_try(database: Database) -> None:
    await suspended(database)
    await react(database, ACCEPT, removed=True)
    await react(database, ACCEPT)
    await members.say_goodbye(database, [GROUP], NEWCOMER, SOON)
    await join(database)
    await sweep(database, [NEWCOMER], now=SOON)
    await conclude(database, SOON)
    await holders.keep_out(database, GROUP, NEWCOMER, SOON)
    given = []
    while rows := await due(database, SOON):
        for row in rows:
            if row.kind is EffectKind.ALIGN_ROLE:
                given.append(await has_role(database, SOON))
            await outbox.finish(database, row, "done", SOON)
    assert given
    assert set(given) == {False}
    await ending.end_due_suspensions(database, [GROUP], UNTIL)
    assert await has_role(database, UNTIL) is True


# Appeals ------------------------------------------------------------------------------------------


async def test_appeal_goes_back_into_review_and_leaves_everything_in_force(
    database: Database,
) -> None:
    number = await suspended(database)
    await appeal(database, number)

    case = await case_of(database, number)
    assert (case.state, case.claimed_by, case.decided_at) == (CaseState.IN_REVIEW, None, None)
    (decision,) = await decisions_of(database, number)
    assert (decision.appeal, decision.appealed_at) == (WORDS, SOON)
    last = (await steps_of(database, number))[-1]
    assert (last.kind, last.side, last.actor_id, last.text) == (
        CaseEvent.APPEALED,
        Side.ACCUSED,
        None,
        WORDS,
    )
    assert (await letters_of(database, number))[-1][:2] == (Side.REPORTER, LetterKind.PROGRESS)
    assert await has_role(database) is False


async def test_only_somebody_who_has_not_decided_decides_an_appeal(database: Database) -> None:
    number = await suspended(database)
    await appeal(database, number)
    with pytest.raises(DecidedBeforeError):
        await prepare(database, number, "no_breach", viewer=DECIDER, now=SOON)
    await decide(database, number, "no_breach", viewer=COLLEAGUE, now=SOON)
    first, second = await decisions_of(database, number)
    assert (second.appeal_of, second.decided_by) == (first.id, COLLEAGUE.member_id)
    assert (await case_of(database, number)).state is CaseState.CLOSED
    assert await has_role(database, SOON) is True


@pytest.mark.parametrize("viewer", [DECIDER, COLLEAGUE, Viewer(member_id=REPORTER)])
async def test_nobody_but_the_accused_appeals(database: Database, viewer: Viewer) -> None:
    number = await suspended(database)
    with pytest.raises(UnknownCaseError):
        await appeal(database, number, viewer=viewer)


async def test_appeal_is_possible_once(database: Database) -> None:
    number = await suspended(database)
    await appeal(database, number)
    # The form was sent once more, as no answer had come.
    await appeal(database, number)
    kinds = [one.kind for one in await steps_of(database, number)]
    assert kinds.count(CaseEvent.APPEALED) == 1
    with pytest.raises(NoAppealError):
        await ending.appeal(database, DESK, ACCUSED, number, "more words", CLOCKS, SOON)
    await decide(database, number, "suspended", viewer=COLLEAGUE, now=SOON)
    with pytest.raises(NoAppealError):
        await appeal(database, number)


async def test_appeal_is_possible_in_time(database: Database) -> None:
    number = await suspended(database)
    with pytest.raises(NoAppealError):
        await appeal(database, number, days=14)
    assert (await ending.find_appeal_end(database, DESK, ACCUSED, number, CLOCKS, SOON)) == (
        LATER + CLOCKS.appeal
    )
    await appeal(database, number, days=13)


async def test_nothing_is_appealed_before_a_decision_or_after_no_breach(
    database: Database,
) -> None:
    await settle(database)
    number = await open_case(database)
    with pytest.raises(NoAppealError):
        await appeal(database, number)
    await decide(database, number, "no_breach")
    with pytest.raises(NoAppealError):
        await appeal(database, number)


async def test_confirmed_suspension_keeps_its_end(database: Database) -> None:
    number = await suspended(database)
    await appeal(database, number)
    plan = await decide(database, number, "suspended", viewer=COLLEAGUE, now=SOON)
    assert plan.is_confirmed
    assert plan.ruling.until == UNTIL
    assert await pause(database) == Pause(until=UNTIL)


async def test_suspension_that_ended_meanwhile_is_not_begun_again(database: Database) -> None:
    number = await suspended(database)
    await appeal(database, number)
    await ending.end_due_suspensions(database, [GROUP], UNTIL)
    await decide(database, number, "suspended", viewer=COLLEAGUE, now=UNTIL + DAY)
    assert await has_role(database, UNTIL + DAY) is True


async def test_appeal_never_ends_worse(database: Database) -> None:
    number = await suspended(database)
    await appeal(database, number)
    for outcome, until in (("removed", None), ("legal", None), ("suspended", UNTIL + DAY)):
        with pytest.raises(HarsherOutcomeError):
            await prepare(database, number, outcome, until=until, viewer=COLLEAGUE, now=SOON)
    await decide(database, number, "suspended", until=UNTIL - DAY, viewer=COLLEAGUE, now=SOON)
    assert await pause(database) == Pause(until=UNTIL - DAY)


async def test_removal_that_is_lifted_asks_to_sign_and_revives_no_signature(
    database: Database,
) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "removed")
    await waiting(database)
    await appeal(database, number)
    await decide(database, number, "reminder", viewer=COLLEAGUE, now=SOON)
    assert await pause(database) is None
    assert await has_role(database, SOON) is False
    assert EffectKind.ASK in await waiting(database, SOON)
    assert await standing(database) is Standing.WAITING


async def test_whoever_signed_again_before_the_appeal_was_decided_is_let_in(
    database: Database,
) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "removed")
    await appeal(database, number)
    version = await signing.offer(database, GROUP, NEWCOMER, SOON)
    await signing.accept_by_button(database, GROUP, NEWCOMER, version.version.id, SOON)
    assert await has_role(database, SOON) is False
    await decide(database, number, "sign_again", viewer=COLLEAGUE, now=SOON)
    assert await has_role(database, SOON) is True


async def test_reopened_case_leaves_the_outcome_in_force_until_it_is_decided_anew(
    database: Database,
) -> None:
    number = await suspended(database)
    case = await case_of(database, number)
    async with database.write() as tx:
        values = {"state": CaseState.IN_REVIEW, "outcome": None, "decided_at": None}
        await cases.mark(tx, case.id, **values)
    assert await has_role(database) is False
    await decide(database, number, "reminder", now=SOON)
    assert await has_role(database) is True


# Closing, and what was carried out ----------------------------------------------------------------


async def test_decided_case_closes_when_the_time_to_appeal_is_over(database: Database) -> None:
    number = await suspended(database)
    over = LATER + CLOCKS.appeal
    assert await ending.close_due(database, GROUP, CLOCKS, over - timedelta(seconds=1)) == 0
    assert await ending.close_due(database, GROUP, CLOCKS, over) == 1
    assert await ending.close_due(database, GROUP, CLOCKS, over) == 0
    case = await case_of(database, number)
    assert (case.state, case.closed_at) == (CaseState.CLOSED, over)
    assert (await letters_of(database, number))[-1] == (Side.REPORTER, LetterKind.CLOSED, None)
    assert await has_role(database) is False


async def mark_letter(database: Database, number: int, **values: datetime | None) -> None:
    """What is known of the letter that tells the accused of the outcome."""
    case = await case_of(database, number)
    letters = breach_letters.c
    of_outcome = (letters.case_id == case.id, letters.kind == LetterKind.OUTCOME)
    async with database.write() as tx:
        await tx.execute(
            update(breach_letters)
            .where(*of_outcome, letters.side == Side.ACCUSED)
            .values({"delivered_at": None, "undelivered_at": None, **values})
        )


async def test_time_to_appeal_is_twice_as_long_for_whom_the_letter_did_not_reach(
    database: Database,
) -> None:
    number = await suspended(database)
    await mark_letter(database, number, undelivered_at=LATER)
    late = LATER + 27 * DAY
    assert await ending.close_due(database, GROUP, CLOCKS, late) == 0
    assert await ending.find_appeal_end(database, DESK, ACCUSED, number, CLOCKS, late) == (
        LATER + 28 * DAY
    )
    assert await ending.close_due(database, GROUP, CLOCKS, LATER + 28 * DAY) == 1


async def test_time_to_appeal_begins_when_the_letter_was_seen(database: Database) -> None:
    number = await suspended(database)
    seen = LATER + 20 * DAY
    await mark_letter(database, number, undelivered_at=LATER, delivered_at=seen)
    assert await ending.close_due(database, GROUP, CLOCKS, seen + 13 * DAY) == 0
    place = Place(desk=DESK, clocks=CLOCKS)
    (part,) = await mine.list_mine(database, [place], ACCUSED, seen + 13 * DAY)
    assert part.appeal_until == seen + CLOCKS.appeal
    await ending.appeal(database, DESK, ACCUSED, number, WORDS, CLOCKS, seen + 13 * DAY)


async def test_case_does_not_close_while_the_letter_is_on_its_way(database: Database) -> None:
    number = await suspended(database)
    await mark_letter(database, number)
    late = LATER + 90 * DAY
    assert await ending.close_due(database, GROUP, CLOCKS, late) == 0
    await ending.appeal(database, DESK, ACCUSED, number, WORDS, CLOCKS, late)


async def test_case_under_appeal_does_not_close_by_itself(database: Database) -> None:
    number = await suspended(database)
    await appeal(database, number)
    late = LATER + 10 * CLOCKS.appeal
    assert await ending.close_due(database, GROUP, CLOCKS, late) == 0


async def test_suspension_is_carried_out_once_the_role_is_gone(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "suspended", until=UNTIL)
    assert await ending.note_carried_out(database, [GROUP], LATER) == 0
    await waiting(database)
    assert await ending.note_carried_out(database, [GROUP], LATER) == 1
    assert await ending.note_carried_out(database, [GROUP], LATER) == 0
    assert (await steps_of(database, number))[-1].kind is CaseEvent.CARRIED_OUT
    assert (await decisions_of(database, number))[-1].carried_out_at == LATER


async def test_reminder_is_carried_out_once_it_was_delivered(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "reminder")
    await waiting(database)
    assert await ending.note_carried_out(database, [GROUP], LATER) == 0
    case = await case_of(database, number)
    async with database.write() as tx:
        await tx.execute(
            update(breach_letters)
            .where(breach_letters.c.case_id == case.id, breach_letters.c.kind == LetterKind.OUTCOME)
            .values(delivered_at=LATER)
        )
    assert await ending.note_carried_out(database, [GROUP], LATER) == 1
