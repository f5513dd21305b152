"""A case that is taken up again, and appeals: who may decide, who is told, who is heard anew."""

from datetime import datetime, timedelta

import pytest

from bot.domain.breaches import CaseEvent, CaseState, LetterKind, Side
from bot.domain.case_clocks import Due, due_next
from bot.domain.entitlement import Office, Viewer
from bot.domain.errors import CaseStateError, DecidedBeforeError, HearingNeededError
from bot.services.cases import calling, deciding, desk, ending, letters, mine
from bot.services.cases.mine import Place
from bot.services.cases.opening import Desk
from bot.storage import case_letters, cases, officers
from bot.storage.database import Database
from tests.services.deciding import (
    ACCUSED,
    CLOCKS,
    COLLEAGUE,
    DAY,
    DECIDER,
    DESK,
    GROUP,
    LATER,
    MODERATOR,
    OTHER,
    TERMS,
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
)

THIRD = Viewer(member_id=43, is_moderator=True)
SOON = LATER + timedelta(hours=1)
REOPENED = LATER + DAY
AFTER = REOPENED + timedelta(hours=1)


async def appeal(database: Database, number: int, now: datetime = SOON) -> None:
    await ending.appeal(database, DESK, ACCUSED, number, "it was not so", CLOCKS, now)


async def reopen(database: Database, number: int, viewer: Viewer = COLLEAGUE) -> None:
    await desk.reopen(database, DESK, viewer, number, "new facts", REOPENED)


async def hold(database: Database, moderators: list[int], escalation: list[int]) -> None:
    async with database.write() as tx:
        await officers.begin(tx, GROUP, "roles", LATER)
        await officers.add_seen(tx, GROUP, Office.MODERATOR, moderators, LATER)
        await officers.add_seen(tx, GROUP, Office.ESCALATION, escalation, LATER)
        await officers.complete(tx, GROUP, LATER)


async def decided_on_appeal(database: Database) -> int:
    """A case that one moderator decided and a colleague looked at again."""
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "suspended", until=UNTIL)
    await appeal(database, number)
    await decide(database, number, "no_breach", viewer=COLLEAGUE, now=SOON)
    return number


async def test_after_a_reopening_whoever_decided_before_may_decide_again(
    database: Database,
) -> None:
    number = await decided_on_appeal(database)
    await reopen(database, number)
    for viewer in (DECIDER, COLLEAGUE, THIRD):
        plan = (await prepare(database, number, "reminder", viewer=viewer, now=AFTER)).plan
        assert plan.appealed is None


async def test_decision_after_a_reopening_can_be_appealed_to_somebody_new(
    database: Database,
) -> None:
    number = await decided_on_appeal(database)
    await reopen(database, number)
    plan = await decide(database, number, "reminder", now=AFTER)
    assert plan.appeal_until == AFTER + CLOCKS.appeal
    await appeal(database, number, AFTER + DAY)
    for viewer in (DECIDER, COLLEAGUE):
        with pytest.raises(DecidedBeforeError):
            await prepare(database, number, "no_breach", viewer=viewer, now=AFTER + DAY)
    await decide(database, number, "no_breach", viewer=THIRD, now=AFTER + DAY)
    last = (await decisions_of(database, number))[-1]
    assert (last.appeal_of, last.outcome) == (3, "no_breach")
    assert (await case_of(database, number)).state is CaseState.CLOSED


async def test_appeal_is_taken_up_by_somebody_who_did_not_decide(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "suspended", until=UNTIL)
    await appeal(database, number)
    with pytest.raises(DecidedBeforeError):
        await desk.claim(database, DESK, DECIDER, number, SOON)
    # They can still read it, and the clock of the appeal runs on.
    assert (await desk.show(database, DESK, DECIDER, number, SOON)).waiting.appealed_at == SOON
    assert await desk.claim(database, DESK, COLLEAGUE, number, SOON)


async def test_appeal_does_not_bring_a_pause(database: Database) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "reminder")
    await appeal(database, number)
    draft = (await prepare(database, number, "reminder", viewer=COLLEAGUE, now=SOON)).draft
    with pytest.raises(CaseStateError):
        await deciding.suspend_for_now(database, DESK, COLLEAGUE, number, draft.id, SOON)
    assert await has_role(database, SOON) is True


async def test_accused_who_knew_of_the_case_is_told_that_it_is_reopened(
    database: Database,
) -> None:
    number = await decided_on_appeal(database)
    await reopen(database, number)
    told = [kind for side, kind, _ in await letters_of(database, number) if side is Side.ACCUSED]
    assert told[-1] is LetterKind.REOPENED
    assert "new facts" not in repr(await letters_of(database, number))
    place = Place(desk=DESK, clocks=CLOCKS)
    (part,) = await mine.list_mine(database, [place], ACCUSED, AFTER)
    assert part.happened[-1].kind is CaseEvent.REOPENED


async def test_accused_who_never_knew_of_the_case_is_not_told(database: Database) -> None:
    await settle(database)
    number = await open_case(database, heard=False)
    await decide(database, number, "no_breach")
    await reopen(database, number)
    assert Side.ACCUSED not in [side for side, _, _ in await letters_of(database, number)]


@pytest.mark.parametrize(
    ("outcome", "days", "needs_hearing"),
    [
        ("reminder", None, False),
        ("sign_again", None, False),
        ("suspended", 3, False),
        ("suspended", 30, True),
        ("removed", None, True),
    ],
)
async def test_only_something_graver_needs_a_hearing_anew(
    database: Database, outcome: str, days: int | None, needs_hearing: bool
) -> None:
    await settle(database)
    number = await open_case(database)
    await decide(database, number, "suspended", until=UNTIL)
    await reopen(database, number)
    until = REOPENED + days * DAY if days is not None else None
    plan = (await prepare(database, number, outcome, until=until, now=AFTER)).plan
    assert plan.needs_hearing is needs_hearing


async def test_what_was_alleged_before_the_reopening_is_no_hearing_for_something_graver(
    database: Database,
) -> None:
    number = await decided_on_appeal(database)
    await reopen(database, number)
    draft = (await prepare(database, number, "removed", now=AFTER)).draft
    with pytest.raises(HearingNeededError):
        await deciding.decide(database, DESK, DECIDER, number, draft.id, TERMS, AFTER)

    await letters.begin_hearing(database, DESK, DECIDER, number, "It is said …", AFTER, CLOCKS)
    async with database.read() as tx:
        case = await cases.get_by_number(tx, GROUP, number)
        letter = (await case_letters.list_to_accused(tx, case.id))[-1]
    await letters.answer(database, DESK, ACCUSED, letter.id, "Not so.", AFTER)
    await decide(database, number, "removed", now=AFTER)
    assert (await case_of(database, number)).outcome == "removed"


async def test_hearing_from_before_the_reopening_is_not_waited_for(database: Database) -> None:
    await settle(database)
    number = await open_case(database, heard=False)
    await letters.begin_hearing(database, DESK, DECIDER, number, "It is said …", LATER, CLOCKS)
    await decide(database, number, "reminder", now=SOON)
    await reopen(database, number)
    dossier = await desk.show(database, DESK, DECIDER, number, AFTER)
    assert dossier.waiting.answer_until is None
    due = due_next(dossier.case, dossier.waiting, CLOCKS)
    assert due is not None
    assert due[0] is Due.FEEDBACK


async def test_appeal_that_nobody_can_decide_is_told_to_the_accused_and_to_nobody_else(
    database: Database,
) -> None:
    await settle(database)
    small = Desk(group_key=GROUP, owner_id=MODERATOR)
    number = await open_case(database)
    await decide(database, number, "suspended", until=UNTIL)
    await hold(database, [MODERATOR], [])
    await appeal(database, number)
    for _ in range(2):
        await calling.look_for_uncalled(database, small, SOON)
    kinds = [(side, kind) for side, kind, _ in await letters_of(database, number)]
    assert kinds.count((Side.ACCUSED, LetterKind.NOBODY_LEFT)) == 1
    assert (Side.REPORTER, LetterKind.NOBODY_LEFT) not in kinds
    # Whoever comes into office then finds it.
    await hold(database, [MODERATOR, OTHER], [])
    await decide(database, number, "no_breach", viewer=COLLEAGUE, now=SOON)
    assert [one.kind for one in await steps_of(database, number)][-1] is CaseEvent.CLOSED
