"""What `/breach mine` tells a party of their own cases, and taking a report back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.breaches import (
    BreachCase,
    CaseClocks,
    CaseEvent,
    CaseState,
    Letter,
    LetterKind,
    Side,
    TimelineEntry,
    may_appeal_until,
)
from bot.domain.entitlement import Act, Viewer
from bot.domain.errors import CaseStateError
from bot.domain.hearing import delivered, is_waiting, may_answer
from bot.services.cases.opening import Desk, open_case
from bot.storage import case_letters, case_parties, cases
from bot.storage.case_parties import Access, OwnReport
from bot.storage.database import Database, Transaction

MOST_PARTS = 50
"""So many of somebody's cases in a group are looked at, the newest first."""

MOST_LETTERS = 15
"""So many letters of one case are shown, the newest."""

SHOWN = frozenset(
    {
        CaseEvent.CLAIMED,
        CaseEvent.HEARD,
        CaseEvent.DECIDED,
        CaseEvent.APPEALED,
        CaseEvent.REOPENED,
        CaseEvent.CLOSED,
    }
)
"""Steps that whoever reported may see; they tell nothing of anybody else who did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened with a case, for one of its parties."""

    at: datetime
    kind: CaseEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLetter:
    """A letter that waits for a party, or to which they can still answer, or both."""

    letter: Letter
    waits: bool
    answerable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPart:
    """One case, for one of its parties.

    `letters` are those that wait for them or can still be answered. `withdrawn_at` is when they
    took their report back, `appeal_until` until when the accused may appeal.
    """

    desk: Desk
    case: BreachCase
    side: Side
    since: datetime
    happened: tuple[Happening, ...] = ()
    letters: tuple[OwnLetter, ...] = ()
    withdrawn_at: datetime | None = None
    appeal_until: datetime | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether something waits for them to read or to answer it."""
        return any(one.waits or one.letter.answered_at is None for one in self.letters)

    @property
    def may_withdraw(self) -> bool:
        """Whether there is a report that they can still take back."""
        is_over = self.case.state is CaseState.CLOSED or self.withdrawn_at is not None
        return self.side is Side.REPORTER and not is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group to look in, with its clocks."""

    desk: Desk
    clocks: CaseClocks = field(repr=False)


async def list_mine(
    database: Database, places: Iterable[Place], viewer: Viewer, now: datetime
) -> list[OwnPart]:
    """Everything in these groups that somebody is a party of and knows about.

    First what waits for them, then the newest.
    """
    parts: list[OwnPart] = []
    async with database.read() as tx:
        for place in places:
            parts += await _list_reported(tx, place.desk, viewer)
            parts += await _list_accused(tx, place, viewer, now)
    return sorted(parts, key=lambda part: (part.has_waiting, part.since), reverse=True)


async def _list_reported(tx: Transaction, desk: Desk, viewer: Viewer) -> list[OwnPart]:
    found: dict[int, list[OwnReport]] = {}
    for report in await case_parties.list_own_reports(tx, desk.group_key, viewer.member_id):
        found.setdefault(report.case_id, []).append(report)
    parts: list[OwnPart] = []
    for case_id, reports in list(found.items())[-MOST_PARTS:]:
        number = (await cases.get(tx, case_id)).case_number
        case = (await open_case(tx, desk, number, viewer, Act.MINE)).case
        parts.append(await _reported(tx, desk, case, reports))
    return parts


async def _reported(
    tx: Transaction, desk: Desk, case: BreachCase, reports: Sequence[OwnReport]
) -> OwnPart:
    since = reports[0].received_at
    letters = [x for one in reports for x in await case_letters.list_of_report(tx, one.id)]
    happened = [Happening(at=since, kind=CaseEvent.REPORTED)]
    happened += [
        Happening(at=entry.at, kind=entry.kind)
        for entry in await list_steps(tx, case, reports[0])
        if entry.kind in SHOWN and entry.at >= since
    ]
    happened += _own_happenings(letters)
    withdrawn = [one.withdrawn_at for one in reports]
    is_withdrawn = None not in withdrawn
    last = max((one for one in withdrawn if one is not None), default=None)
    if is_withdrawn and last is not None:
        happened.append(Happening(at=last, kind=CaseEvent.REPORT_WITHDRAWN))
    return OwnPart(
        desk=desk,
        case=case,
        side=Side.REPORTER,
        since=since,
        happened=tuple(sorted(happened, key=lambda one: one.at)),
        letters=_to_show(letters, case, may_speak=not is_withdrawn),
        withdrawn_at=last if is_withdrawn else None,
    )


async def list_steps(tx: Transaction, case: BreachCase, report: OwnReport) -> list[TimelineEntry]:
    """What was done with a report, also in the case it had opened before that was merged."""
    here = await cases.list_timeline(tx, case.id)
    origin = await case_parties.find_origin(tx, case, report)
    if origin is None:
        return here
    there = await cases.list_timeline(tx, origin.case_id)
    return [*there, *(one for one in here if one.at >= origin.until)]


async def _list_accused(
    tx: Transaction, place: Place, viewer: Viewer, now: datetime
) -> list[OwnPart]:
    parts: list[OwnPart] = []
    desk = place.desk
    for found in await case_parties.list_accused_in(tx, desk.group_key, viewer.member_id):
        opened = await open_case(tx, desk, found.case_number, viewer, Act.ANSWER_AS_ACCUSED)
        letters = await case_letters.list_to_accused(tx, opened.case.id)
        until = None
        if any(one.kind is LetterKind.OUTCOME for one in letters):
            decision = await case_parties.find_last_decision(tx, opened.case.id)
            if decision is not None:
                told = await case_letters.find_outcome(tx, opened.case.id, decision.decided_at)
                until = may_appeal_until(decision, place.clocks, told)
        is_open = until is not None and now < until and opened.case.state is CaseState.DECIDED
        parts.append(
            OwnPart(
                desk=desk,
                case=opened.case,
                side=Side.ACCUSED,
                since=letters[0].created_at,
                happened=tuple(sorted(_own_happenings(letters), key=lambda one: one.at)),
                letters=_to_show(letters, opened.case, may_speak=True),
                appeal_until=until if is_open else None,
            )
        )
    return parts[-MOST_PARTS:]


def _own_happenings(letters: Iterable[Letter]) -> list[Happening]:
    """What was written to a party, and that they answered."""
    kinds = {
        LetterKind.QUESTION: CaseEvent.ASKED,
        LetterKind.HEARING: CaseEvent.HEARD,
        LetterKind.UNSEALED: CaseEvent.UNSEALED,
        LetterKind.REOPENED: CaseEvent.REOPENED,
        LetterKind.SUSPENDED: CaseEvent.SUSPENDED,
        LetterKind.SUSPENSION_ENDED: CaseEvent.SUSPENSION_ENDED,
    }
    found: list[Happening] = []
    for letter in letters:
        if letter.kind in kinds:
            found.append(Happening(at=letter.created_at, kind=kinds[letter.kind]))
        elif letter.kind is LetterKind.OUTCOME and letter.side is Side.ACCUSED:
            found.append(Happening(at=letter.created_at, kind=CaseEvent.DECIDED))
        if letter.answered_at is not None:
            found.append(Happening(at=letter.answered_at, kind=CaseEvent.ANSWERED))
    return found


def _to_show(
    letters: Iterable[Letter], case: BreachCase, *, may_speak: bool
) -> tuple[OwnLetter, ...]:
    found = (
        OwnLetter(
            letter=one,
            waits=is_waiting(one),
            answerable=may_speak and may_answer(one, case.state),
        )
        for one in letters
    )
    return tuple(one for one in found if one.waits or one.answerable)[-MOST_LETTERS:]


async def mark_shown(
    database: Database, viewer: Viewer, letter_ids: Iterable[int], now: datetime
) -> None:
    """What could not be delivered was shown to whom it is for: it has reached them now."""
    async with database.write() as tx:
        for letter_id in letter_ids:
            letter = await case_letters.find(tx, letter_id, lock=True)
            if letter is None or not is_waiting(letter):
                continue
            if await case_letters.find_recipient(tx, letter) != viewer.member_id:
                continue
            there = delivered(letter, now)
            await case_letters.mark(
                tx, letter.id, delivered_at=there.delivered_at, due_at=there.due_at
            )
            await cases.request_notice(tx, await cases.get(tx, letter.case_id), now)


async def has_waiting(database: Database, group_keys: Sequence[str], viewer: Viewer) -> bool:
    """Whether something that could not be delivered waits for somebody."""
    async with database.read() as tx:
        return await case_parties.has_waiting(tx, group_keys, viewer.member_id)


async def list_access(
    database: Database, desk: Desk, viewer: Viewer, case_number: int
) -> list[Access]:
    """When, how and in which office somebody has looked at one's own report, without whom.

    Raises:
        UnknownCaseError: there is no such case, or they did not report it.
    """
    async with database.read() as tx:
        case = (await open_case(tx, desk, case_number, viewer, Act.MINE)).case
        reports = await case_parties.list_own_reports(tx, desk.group_key, viewer.member_id, case.id)
        found = {one for x in reports for one in await case_parties.list_access(tx, case, x)}
    return sorted(found, key=lambda one: one.at)


async def require_withdrawable(
    database: Database, desk: Desk, viewer: Viewer, case_number: int
) -> None:
    """Refuse whoever cannot take a report of this case back, before they are asked.

    Raises:
        UnknownCaseError: there is no such case, or they did not report it.
        CaseStateError: it is closed.
    """
    async with database.read() as tx:
        case = (await open_case(tx, desk, case_number, viewer, Act.WITHDRAW_REPORT)).case
        if case.state is CaseState.CLOSED:
            raise CaseStateError


async def withdraw(
    database: Database, desk: Desk, viewer: Viewer, case_number: int, now: datetime
) -> bool:
    """Take one's own report back; what becomes of the case is for the moderators to say.

    Returns:
        False when it was taken back already, and nothing has changed.

    Raises:
        UnknownCaseError: there is no such case, or they did not report it.
        CaseStateError: it is closed.
    """
    async with database.write() as tx:
        case = (await open_case(tx, desk, case_number, viewer, Act.WITHDRAW_REPORT)).case
        if case.state is CaseState.CLOSED:
            raise CaseStateError
        count = await case_parties.mark_withdrawn(
            tx, desk.group_key, viewer.member_id, case.id, now
        )
        if not count:
            return False
        await cases.add_step(tx, case, CaseEvent.REPORT_WITHDRAWN, Side.REPORTER, now)
        await cases.request_notice(tx, case, now)
    return True
