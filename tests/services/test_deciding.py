"""Decisions in breach cases: what must come before them, and all that they do, on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.agreements import RevokeReason, Standing
from bot.domain.breaches import CaseEvent, CaseState, LetterKind, Side
from bot.domain.effects import EffectKind
from bot.domain.entitlement import Viewer
from bot.domain.errors import (
    CaseStateError,
    HearingNeededError,
    NobodyNamedError,
    StaleDecisionError,
    SuspensionEndError,
    UnknownCaseError,
    UnknownOutcomeError,
)
from bot.domain.ledger import LedgerKind
from bot.domain.suspensions import Pause
from bot.services import ledger, records
from bot.services.cases import deciding, ending
from bot.storage import cases, suspensions
from bot.storage.database import Database
from bot.storage.tables import ledger_entries
from tests.factories import NEWCOMER, NOW
from tests.services.deciding import (
    CLOCKS,
    COLLEAGUE,
    DAY,
    DECIDER,
    DESK,
    LATER,
    REPORTER,
    TERMS,
    TO_ACCUSED,
    TO_REPORTERS,
    UNTIL,
    WHY,
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
from tests.services.test_signing import GROUP, standing


async def reason_of_end(database: Database) -> RevokeReason | None:
    record = await records.check_member(database, GROUP, NEWCOMER, LATER)
    return record.signatures[-1].revoke_reason


async def test_outcomes_are_the_steps_of_the_agreement_in_force(database: Database) -> None:
    await settle(database)
    keys = [key for key, _text in await deciding.list_outcomes(database, GROUP)]
    assert keys == ["reminder", "sign_again", "suspended", "removed", "legal", "letter_of_apology"]


async def test_writing_a_decision_does_nothing_yet(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    prepared = await prepare(database, number, "suspended", until=UNTIL)
    plan = prepared.plan
    assert (plan.step, plan.reports, plan.has_signature) == ("What suspended means.", 1, True)
    assert (plan.tells_accused, plan.needs_hearing, plan.closes_now) == (True, False, False)
    assert plan.appeal_until == LATER + CLOCKS.appeal
    assert await decisions_of(database, number) == []
    assert await waiting(database) == []
    assert (await case_of(database, number)).state is CaseState.IN_REVIEW


async def test_suspension_is_recorded_carried_out_and_told_as_one(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "suspended", until=UNTIL)

    case = await case_of(database, number)
    assert (case.state, case.outcome, case.decided_at) == (CaseState.DECIDED, "suspended", LATER)
    assert case.feedback_at == LATER
    (decision,) = await decisions_of(database, number)
    assert (decision.reason, decision.decided_by) == (WHY, DECIDER.member_id)
    assert decision.suspended_until == UNTIL
    last = (await steps_of(database, number))[-1]
    assert (last.kind, last.actor_id, last.text) == (CaseEvent.DECIDED, DECIDER.member_id, WHY)
    assert (await letters_of(database, number))[1:] == [
        (Side.ACCUSED, LetterKind.OUTCOME, TO_ACCUSED),
        (Side.REPORTER, LetterKind.OUTCOME, TO_REPORTERS),
    ]
    assert await standing(database) is Standing.SIGNED
    assert await has_role(database) is False
    kinds = await waiting(database)
    assert sorted(kinds) == sorted(
        [EffectKind.ALIGN_ROLE, EffectKind.LETTER, EffectKind.LETTER, EffectKind.CASE_NOTICE]
    )
    async with database.read() as tx:
        assert await suspensions.find_running(tx, GROUP, NEWCOMER) == Pause(until=UNTIL)
    assert (await ledger.verify(database)).wrong == 0


async def test_ledger_has_the_step_and_the_pause_and_no_word_of_it(database: Database) -> None:
    await settle(database)
    await decide(database, await open_case(database), "suspended", until=UNTIL)
    async with database.read() as tx:
        rows = (await tx.execute(select(ledger_entries))).mappings().all()
    payloads = {row["kind"]: row["payload"] or "" for row in rows}
    assert LedgerKind.SUSPENDED in payloads
    assert str(NEWCOMER) not in payloads[LedgerKind.SUSPENDED]
    assert str(NEWCOMER) not in payloads[LedgerKind.CASE]
    assert not any(WHY in payload for payload in payloads.values())


async def test_outbox_knows_neither_reporter_nor_accused_of_a_case(database: Database) -> None:
    await settle(database)
    await decide(database, await open_case(database), "suspended", until=UNTIL)
    from bot.storage.tables import effects

    async with database.read() as tx:
        rows = (await tx.execute(select(effects))).mappings().all()
    told = [row for row in rows if row["kind"] in (EffectKind.LETTER, EffectKind.CASE_NOTICE)]
    assert told
    for row in told:
        assert str(NEWCOMER) not in repr(dict(row))
        assert row["member_id"] is None
        assert f"{REPORTER}" not in (row["detail"] or "")


async def test_reminder_needs_no_hearing_and_takes_nothing(database: Database) -> None:
    await settle(database)
    number = await open_case(database, heard=False)
    await decide(database, number, "reminder")
    assert await has_role(database) is True
    assert EffectKind.ALIGN_ROLE not in await waiting(database)
    assert (await case_of(database, number)).state is CaseState.DECIDED


@pytest.mark.parametrize(
    "outcome", ["sign_again", "suspended", "removed", "legal", "letter_of_apology"]
)
async def test_nobody_is_judged_unheard(database: Database, outcome: str) -> None:
    await settle(database)
    number = await open_case(database, heard=False)
    until = UNTIL if outcome == "suspended" else None
    prepared = await prepare(database, number, outcome, until=until)
    assert prepared.plan.needs_hearing
    with pytest.raises(HearingNeededError):
        await deciding.decide(database, DESK, DECIDER, number, prepared.draft.id, TERMS, LATER)
    assert await decisions_of(database, number) == []
    assert await has_role(database) is True


async def test_sign_again_ends_the_signature_and_asks_anew(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "sign_again")
    assert await reason_of_end(database) is RevokeReason.CASE
    assert await standing(database) is Standing.WAITING
    assert await has_role(database) is False
    kinds = await waiting(database)
    assert EffectKind.ASK in kinds
    assert EffectKind.ALIGN_ROLE in kinds
    async with database.read() as tx:
        assert await suspensions.find_running(tx, GROUP, NEWCOMER) is None
    assert (await ledger.verify(database)).wrong == 0


async def test_removal_ends_the_signature_asks_nobody_and_has_no_end(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "removed")
    assert await reason_of_end(database) is RevokeReason.CASE
    assert EffectKind.ASK not in await waiting(database)
    async with database.read() as tx:
        assert await suspensions.find_running(tx, GROUP, NEWCOMER) == Pause(is_final=True)


@pytest.mark.parametrize("outcome", ["legal", "letter_of_apology"])
async def test_what_people_do_themselves_is_recorded_and_told(
    database: Database, outcome: str
) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, outcome)
    assert await has_role(database) is True
    sides = [side for side, kind, _t in await letters_of(database, number) if kind == "outcome"]
    assert sides == [Side.ACCUSED, Side.REPORTER]


async def test_no_breach_closes_at_once(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    plan = await decide(database, number, "no_breach")
    assert plan.closes_now
    case = await case_of(database, number)
    assert (case.state, case.closed_at) == (CaseState.CLOSED, LATER)
    assert [one.kind for one in await steps_of(database, number)][-2:] == ["decided", "closed"]


async def test_nothing_found_is_not_told_to_whom_nobody_told_of_a_case(database: Database) -> None:
    await settle(database)
    number = await open_case(database, heard=False)
    await decide(database, number, "no_breach")
    sides = [side for side, _kind, _text in await letters_of(database, number)]
    assert sides == [Side.REPORTER]


@pytest.mark.parametrize("outcome", ["reminder", "sign_again", "suspended", "removed"])
async def test_nothing_is_decided_against_somebody_unnamed(
    database: Database, outcome: str
) -> None:
    await settle(database)
    number = await open_case(database, accused=None)
    with pytest.raises(NobodyNamedError):
        await prepare(database, number, outcome, until=UNTIL)


@pytest.mark.parametrize("outcome", ["no_breach", "legal"])
async def test_case_about_nobody_can_be_closed(database: Database, outcome: str) -> None:
    await settle(database)
    number = await open_case(database, accused=None)
    await decide(database, number, outcome)
    assert (await case_of(database, number)).state is CaseState.CLOSED
    assert [side for side, _k, _t in await letters_of(database, number)] == [Side.REPORTER]


async def test_what_makes_no_sense_is_refused(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    for until in (None, LATER, NOW - DAY, LATER + 4000 * DAY):
        with pytest.raises(SuspensionEndError):
            await prepare(database, number, "suspended", until=until)
    with pytest.raises(UnknownOutcomeError):
        await prepare(database, number, "exile")
    unclaimed = await open_case(database, state=CaseState.OPEN)
    with pytest.raises(CaseStateError):
        await prepare(database, unclaimed, "reminder")


@pytest.mark.parametrize(
    "viewer",
    [
        Viewer(member_id=NEWCOMER, is_moderator=True),
        Viewer(member_id=REPORTER, is_moderator=True),
        Viewer(member_id=7, is_facilitator=True),
        Viewer(member_id=8),
    ],
)
async def test_whoever_is_not_entitled_decides_nothing(database: Database, viewer: Viewer) -> None:
    await settle(database)
    number = await open_case(database)
    with pytest.raises(UnknownCaseError):
        await prepare(database, number, "reminder", viewer=viewer)
    prepared = await prepare(database, number, "reminder")
    draft_id = prepared.draft.id
    for act in (
        deciding.decide(database, DESK, viewer, number, draft_id, TERMS, LATER),
        deciding.reword(database, DESK, viewer, number, draft_id, TERMS, LATER, words="x"),
        deciding.drop(database, DESK, viewer, number, draft_id),
        deciding.suspend_for_now(database, DESK, viewer, number, draft_id, LATER),
    ):
        with pytest.raises(UnknownCaseError):
            await act


async def test_draft_of_a_colleague_cannot_be_confirmed(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    prepared = await prepare(database, number, "reminder")
    with pytest.raises(StaleDecisionError):
        await deciding.decide(database, DESK, COLLEAGUE, number, prepared.draft.id, TERMS, LATER)


async def test_draft_is_stale_once_something_was_added_to_the_case(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    prepared = await prepare(database, number, "reminder")
    async with database.write() as tx:
        case = await cases.get_by_number(tx, GROUP, number)
        await cases.add_step(tx, case, CaseEvent.ANSWERED, Side.ACCUSED, LATER, text="but")
    with pytest.raises(StaleDecisionError):
        await deciding.decide(database, DESK, DECIDER, number, prepared.draft.id, TERMS, LATER)
    assert await decisions_of(database, number) == []


@pytest.mark.parametrize("kind", [CaseEvent.CARRIED_OUT, CaseEvent.REMINDED])
async def test_draft_stays_good_when_pledge_only_notes_what_it_did(
    database: Database, kind: CaseEvent
) -> None:
    await settle(database)
    number = await open_case(database)
    prepared = await prepare(database, number, "reminder")
    async with database.write() as tx:
        case = await cases.get_by_number(tx, GROUP, number)
        await cases.add_step(tx, case, kind, Side.PLEDGE, LATER)
    await deciding.decide(database, DESK, DECIDER, number, prepared.draft.id, TERMS, LATER)
    assert len(await decisions_of(database, number)) == 1


async def test_second_press_decides_nothing_more(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    prepared = await prepare(database, number, "reminder")
    draft_id = prepared.draft.id
    await deciding.decide(database, DESK, DECIDER, number, draft_id, TERMS, LATER)
    with pytest.raises(StaleDecisionError):
        await deciding.decide(database, DESK, DECIDER, number, draft_id, TERMS, LATER)
    assert len(await decisions_of(database, number)) == 1


async def test_words_to_the_accused_can_be_changed_before(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    prepared = await prepare(database, number, "reminder")
    draft_id = prepared.draft.id
    again = await deciding.reword(
        database, DESK, DECIDER, number, draft_id, TERMS, LATER, words="kinder words"
    )
    assert again.draft == replace(prepared.draft, words="kinder words")
    assert again.to_accused == "kinder words"
    await deciding.decide(database, DESK, DECIDER, number, draft_id, TERMS, LATER)
    assert (Side.ACCUSED, LetterKind.OUTCOME, "kinder words") in await letters_of(database, number)


async def test_dropped_draft_decides_nothing(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    prepared = await prepare(database, number, "reminder")
    await deciding.drop(database, DESK, DECIDER, number, prepared.draft.id)
    with pytest.raises(StaleDecisionError):
        await deciding.decide(database, DESK, DECIDER, number, prepared.draft.id, TERMS, LATER)


class TestUrgency:
    """Access is closed before the hearing."""

    async def suspend(self, database: Database, number: int) -> None:
        prepared = await prepare(database, number, "removed")
        await deciding.suspend_for_now(database, DESK, DECIDER, number, prepared.draft.id, LATER)

    async def test_it_closes_access_and_tells_the_accused_alone(self, database: Database) -> None:
        await settle(database)
        number = await open_case(database, heard=False)
        await self.suspend(database, number)
        await self.suspend(database, number)

        assert await has_role(database) is False
        assert await letters_of(database, number) == [(Side.ACCUSED, LetterKind.SUSPENDED, None)]
        last = (await steps_of(database, number))[-1]
        assert (last.kind, last.text) == (CaseEvent.SUSPENDED, WHY)
        assert (await case_of(database, number)).state is CaseState.IN_REVIEW
        assert await standing(database) is Standing.SIGNED
        async with database.read() as tx:
            assert await suspensions.find_running(tx, GROUP, NEWCOMER) == Pause()

    async def test_no_time_ends_it(self, database: Database) -> None:
        await settle(database)
        await self.suspend(database, await open_case(database, heard=False))
        late = LATER + timedelta(days=1000)
        assert await ending.end_due_suspensions(database, [GROUP], late) == 0
        assert await has_role(database, late) is False

    @pytest.mark.parametrize("outcome", ["no_breach", "reminder", "legal"])
    async def test_mild_decision_lifts_it(self, database: Database, outcome: str) -> None:
        await settle(database)
        number = await open_case(database)
        await self.suspend(database, number)
        await waiting(database)
        await decide(database, number, outcome)
        assert await has_role(database) is True
        assert EffectKind.ALIGN_ROLE in await waiting(database)

    async def test_suspension_takes_its_place_without_a_gap(self, database: Database) -> None:
        await settle(database)
        number = await open_case(database)
        await self.suspend(database, number)
        await decide(database, number, "suspended", until=UNTIL)
        async with database.read() as tx:
            assert await suspensions.find_running(tx, GROUP, NEWCOMER) == Pause(until=UNTIL)

    async def test_case_that_is_closed_otherwise_lifts_it(self, database: Database) -> None:
        await settle(database)
        number = await open_case(database)
        await self.suspend(database, number)
        assert await ending.end_due_suspensions(database, [GROUP], LATER) == 0
        case = await case_of(database, number)
        async with database.write() as tx:
            await cases.mark(tx, case.id, state=CaseState.CLOSED, closed_at=LATER)
        assert await ending.end_due_suspensions(database, [GROUP], LATER) == 1
        assert await has_role(database) is True

    async def test_merged_case_takes_it_along(self, database: Database) -> None:
        await settle(database)
        number, into = await open_case(database), await open_case(database)
        await self.suspend(database, number)
        case = await case_of(database, number)
        async with database.write() as tx:
            values = {"state": CaseState.CLOSED, "closed_at": LATER, "merged_into": into}
            await cases.mark(tx, case.id, **values)
        assert await ending.end_due_suspensions(database, [GROUP], LATER) == 0
        await decide(database, into, "no_breach")
        assert await has_role(database) is True
