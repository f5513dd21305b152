"""Opens one case for one person: the only way to it, for whatever they want to do with it."""

from dataclasses import dataclass

from bot.domain.breaches import BreachCase
from bot.domain.entitlement import (
    Act,
    CasePeople,
    Handlers,
    Office,
    Offices,
    Viewer,
    office_of,
    require,
)
from bot.storage import cases, officers
from bot.storage.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a group's cases are worked on; `owner_id` is the owner of the server."""

    group_key: str
    owner_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """A case and who has a part in it, which never leaves the transaction it was read in."""

    case: BreachCase
    people: CasePeople
    offices: Offices
    is_appealed: bool
    office: Handlers
    """In which office whoever opened it looks after it; tells nothing of a party."""


async def read_offices(tx: Transaction, desk: Desk, viewer: Viewer | None = None) -> Offices:
    """Who could take a case of this group; of the viewer it is known what they hold now.

    Whoever has left the server takes none, also if the settings name them.
    """
    escalation = await officers.list_holders(tx, desk.group_key, Office.ESCALATION)
    moderators = await officers.list_holders(tx, desk.group_key, Office.MODERATOR)
    if viewer is not None:
        # The roles they have when they ask say more than the last look at the member list.
        moderators = _with(moderators, viewer.member_id, holds=viewer.is_moderator)
        escalation = _with(escalation, viewer.member_id, holds=viewer.is_escalation)
    return Offices(
        moderators=moderators,
        escalation=escalation,
        owner=desk.owner_id,
        are_known=await officers.are_known(tx, desk.group_key),
    )


def _with(members: frozenset[int], member_id: int, *, holds: bool) -> frozenset[int]:
    return members | {member_id} if holds else members - {member_id}


async def open_case(
    tx: Transaction, desk: Desk, case_number: int, viewer: Viewer, act: Act
) -> OpenCase:
    """Read a case for somebody who wants to do something with it.

    Args:
        tx: the open transaction.
        desk: the group.
        case_number: the number people know.
        viewer: who wants to, with the offices they hold at this moment.
        act: what they want to do.

    Raises:
        UnknownCaseError: there is no such case, or it is not theirs; nobody is told which.
    """
    case = await cases.get_by_number(tx, desk.group_key, case_number)
    people = await cases.read_people(tx, case.id)
    offices = await read_offices(tx, desk, viewer)
    is_appealed = bool(people.deciders) and case.decided_at is None
    require(viewer, act, people, offices, appealed=is_appealed)
    return OpenCase(
        case=case,
        people=people,
        offices=offices,
        is_appealed=is_appealed,
        office=office_of(viewer, people, offices, appealed=is_appealed),
    )
