"""Keeps track of who holds the offices, and finds somebody when no moderator is left."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.domain.breaches import BreachCase, CaseClocks, CaseState, LetterKind
from bot.domain.case_clocks import Waiting, limits_of
from bot.domain.effects import (
    Effect,
    EffectKind,
    EffectState,
    Facts,
    Report,
    lane_of_group,
    pack,
    unpack,
)
from bot.domain.entitlement import Handlers, Office, Offices, handlers_of
from bot.services.cases.opening import Desk, read_offices
from bot.storage import (
    case_calls,
    case_letters,
    case_lists,
    case_reports,
    case_upkeep,
    cases,
    effects,
    officers,
)
from bot.storage.database import Database, Transaction

AT_ONCE = 200
"""Cases without a moderator that are looked at in one go; the next look finds the others."""


async def note_office(
    database: Database, group_key: str, member_id: int, held: Collection[Office], now: datetime
) -> bool:
    """Discord has told which offices somebody holds now; none when they have left.

    Returns:
        Whether that is new.
    """
    async with database.read() as tx:
        holders = {one: await officers.list_holders(tx, group_key, one) for one in Office}
    changed = [one for one in Office if (member_id in holders[one]) is not (one in held)]
    if not changed:
        return False
    async with database.write() as tx:
        for office in changed:
            if office in held:
                await officers.add_seen(tx, group_key, office, [member_id], now)
            else:
                await officers.forget(tx, group_key, office, member_id)
    return True


async def look_for_uncalled(database: Database, desk: Desk, now: datetime) -> int:
    """Have every case looked after which no moderator is left to take, and nobody was told of.

    Returns:
        How many there are.
    """
    async with database.read() as tx:
        offices = await read_offices(tx, desk)
        found = await case_lists.list_without_moderators(tx, desk.group_key, offices, AT_ONCE)
        waiting = [case for case in found if await _needs_a_call(tx, case, offices)]
    if waiting:
        async with database.write() as tx:
            for case in waiting:
                await arrange(tx, case, offices, now)
    return len(waiting)


async def _needs_a_call(tx: Transaction, case: BreachCase, offices: Offices) -> bool:
    handlers, people = await whose(tx, case, offices)
    if handlers is Handlers.MODERATORS:
        return False
    if handlers is Handlers.NOBODY:
        return bool(await _list_untold(tx, case, offices))
    return bool(await case_calls.list_uncalled(tx, case, people))


async def look_for_unposted(database: Database, desk: Desk, now: datetime) -> int:
    """Have every case told in the moderators' channel that has come to the moderators since.

    It was in other hands when it was opened, so nothing stands there for it.

    Returns:
        How many there are.
    """
    async with database.read() as tx:
        offices = await read_offices(tx, desk)
        found = await case_lists.list_unposted(tx, desk.group_key, AT_ONCE)
        theirs = [
            case for case in found if (await whose(tx, case, offices))[0] is Handlers.MODERATORS
        ]
    if theirs:
        async with database.write() as tx:
            for case in theirs:
                await cases.request_notice(tx, case, now)
    return len(theirs)


async def whose(
    tx: Transaction, case: BreachCase, offices: Offices
) -> tuple[Handlers, frozenset[int]]:
    """In whose hands a case is at this moment, and which people are left in that office.

    While an appeal runs, whoever could decide it counts.
    """
    people = await cases.read_people(tx, case.id)
    is_appealed = bool(people.deciders) and case.decided_at is None
    handlers = handlers_of(people, offices, appeal=is_appealed)
    office: dict[Handlers, frozenset[int]] = {
        Handlers.MODERATORS: offices.moderators,
        Handlers.ESCALATION: offices.escalation,
        Handlers.OWNER: frozenset() if offices.owner is None else frozenset({offices.owner}),
        Handlers.NOBODY: frozenset(),
    }
    left = {member for member in office[handlers] if people.is_free(member)}
    return handlers, frozenset(left - people.deciders if is_appealed else left)


async def arrange(tx: Transaction, case: BreachCase, offices: Offices, now: datetime) -> Handlers:
    """See to it that somebody knows of a case, inside the open transaction.

    Where no moderator is left, whoever is next is told privately; where nobody is, the people who
    reported are told so, once. Where it is only the appeal that nobody can decide, the accused is.
    """
    handlers, people = await whose(tx, case, offices)
    if case.state is CaseState.CLOSED or handlers is Handlers.MODERATORS:
        return handlers
    if handlers is Handlers.NOBODY:
        for report_id in await _list_untold(tx, case, offices):
            await case_letters.add(tx, case, LetterKind.NOBODY_LEFT, now, report_id=report_id)
    elif await case_calls.list_uncalled(tx, case, people):
        lane = lane_of_group(case.group_key, f"call:{case.case_number}")
        if not await effects.has_unfinished(tx, lane, EffectKind.CASE_CALL):
            await effects.add(
                tx,
                group_key=case.group_key,
                lane=lane,
                kind=EffectKind.CASE_CALL,
                detail=str(case.id),
                now=now,
            )
    return handlers


async def _list_untold(tx: Transaction, case: BreachCase, offices: Offices) -> list[int | None]:
    """To whom it is not yet written that nobody is left: reports, and None for the accused."""
    people = await cases.read_people(tx, case.id)
    if handlers_of(people, offices) is not Handlers.NOBODY:
        appealed_at = (await case_upkeep.read_waiting(tx, case.id)).appealed_at
        letters = await case_letters.list_to_accused(tx, case.id)
        is_told = any(
            one.kind is LetterKind.NOBODY_LEFT and appealed_at and one.created_at >= appealed_at
            for one in letters
        )
        return [] if is_told else [None]
    told = await case_calls.list_told(tx, case.id, LetterKind.NOBODY_LEFT)
    reports = await case_reports.list_of_case(tx, case.id)
    return [one.id for one in reports if one.withdrawn_at is None and one.id not in told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who is to be told that a case waits for them; nobody learns why, nor about whom."""

    case: BreachCase
    handlers: Handlers
    people: tuple[int, ...]


async def prepare_call(database: Database, desk: Desk, effect: Effect) -> Call | None:
    """Read the record again before anybody is told; None when nobody is left to tell."""
    async with database.read() as tx:
        case = await cases.get(tx, int(effect.detail or 0))
        handlers, people = await whose(tx, case, await read_offices(tx, desk))
        if case.state is CaseState.CLOSED or handlers in (Handlers.MODERATORS, Handlers.NOBODY):
            return None
        uncalled = await case_calls.list_uncalled(tx, case, people)
    return Call(case=case, handlers=handlers, people=tuple(uncalled)) if uncalled else None


async def remind_in(tx: Transaction, case: BreachCase, facts: Facts, now: datetime) -> None:
    """Tell whoever looks after a case in the moderators' place of a limit, privately.

    `facts` say which; they go with `bot.domain.effects.Report.CASE_DUE`.
    """
    await effects.add(
        tx,
        group_key=case.group_key,
        lane=lane_of_group(case.group_key, f"due:{case.case_number}"),
        kind=EffectKind.CASE_CALL,
        detail=pack(Report.CASE_DUE, facts),
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Which limit of a case is near or over, and who is told."""

    case: BreachCase
    facts: Facts
    people: tuple[int, ...]


def is_reminder(effect: Effect) -> bool:
    """Whether a call is one of a limit, and not the first one."""
    return not (effect.detail or "0").isdigit()


async def prepare_reminder(
    database: Database, desk: Desk, clocks: CaseClocks, effect: Effect
) -> Reminder | None:
    """Read the record again before anybody is reminded; None when it was handled meanwhile."""
    _word, facts = unpack(effect.detail or "")
    async with database.read() as tx:
        case = await cases.get_by_number(tx, desk.group_key, int(facts["case"]))
        handlers, people = await whose(tx, case, await read_offices(tx, desk))
        running = limits_of(case, await case_upkeep.read_waiting(tx, case.id), clocks)
    still = {(limit.clock.value, limit.due_at.isoformat()) for limit in running}
    is_due = (str(facts["clock"]), str(facts["due_at"])) in still
    if not is_due or handlers in (Handlers.MODERATORS, Handlers.NOBODY):
        return None
    return Reminder(case=case, facts=facts, people=tuple(sorted(people)))


async def record_called(
    database: Database, case: BreachCase, member_id: int, now: datetime, *, reached: bool
) -> None:
    """Somebody was told, or takes no direct messages."""
    async with database.write() as tx:
        await case_calls.add(tx, case, member_id, now, reached=reached)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """What the notice of a case says now, and where it stands, if it was posted.

    `waiting` is what it waits for besides its own dates. `is_for_channel` is False while no
    moderator could act on it, and once it is over: then nobody there need hear of it anew.
    """

    case: BreachCase
    waiting: Waiting
    is_for_channel: bool
    place: tuple[int, int] | None


async def prepare_notice(
    database: Database, desk: Desk, effect: Effect, now: datetime
) -> NoticeFacts:
    """Read the record before the notice is posted or changed, and see that somebody knows."""
    async with database.write() as tx:
        case = await cases.get(tx, int(effect.detail or 0))
        handlers = await arrange(tx, case, await read_offices(tx, desk), now)
        place = await cases.find_notice(tx, case.id)
        waiting = await case_upkeep.read_waiting(tx, case.id)
    is_for_channel = handlers is Handlers.MODERATORS and case.state is not CaseState.CLOSED
    return NoticeFacts(case=case, waiting=waiting, is_for_channel=is_for_channel, place=place)


async def record_notice(
    database: Database, effect: Effect, channel_id: int, message_id: int, now: datetime
) -> None:
    """The notice stands there and says how the case is."""
    async with database.write() as tx:
        await cases.mark(
            tx,
            int(effect.detail or 0),
            notice_channel_id=channel_id,
            notice_message_id=message_id,
        )
        await effects.mark_finished(tx, effect.id, EffectState.DONE, "posted", now)
