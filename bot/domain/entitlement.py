"""Who may do what with one case: the rows of `bot.domain.authorisation`, and the people in it."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.authorisation import RULES, Act, Conflict, Ground, Viewer
from bot.domain.errors import DecidedBeforeError, UnknownCaseError


class Handlers(StrEnum):
    """In whose hands a case is, by who is left without a part in it."""

    MODERATORS = "moderators"
    ESCALATION = "escalation"
    OWNER = "owner"
    NOBODY = "nobody"


class Office(StrEnum):
    """Offices of which it is kept who holds them."""

    MODERATOR = "moderator"
    ESCALATION = "escalation"


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePeople:
    """Who has a part in a case; known inside a transaction only."""

    reporters: frozenset[int]
    accused: int | None
    recused: frozenset[int]
    deciders: frozenset[int] = frozenset()
    """While an appeal runs, who has decided in this case; nobody otherwise."""

    def is_free(self, member_id: int) -> bool:
        """Whether this person has no part in the case and has not stepped back from it."""
        return member_id not in self.reporters | self.recused and member_id != self.accused


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """Who could take a case in a group: accounts, as far as they are known."""

    moderators: frozenset[int]
    escalation: frozenset[int]
    owner: int | None
    are_known: bool = True
    """Whether the member list was once read to its end; before that nobody is known to be left
    out, and the case stays with the moderators."""


def handlers_of(people: CasePeople, offices: Offices, *, appeal: bool = False) -> Handlers:
    """In whose hands a case is: the first office in which somebody is left.

    Args:
        people: who has a part in it.
        offices: who holds the offices.
        appeal: whether it is about the appeal, which nobody decides who has decided before.
    """

    def is_left(member_id: int) -> bool:
        return people.is_free(member_id) and not (appeal and member_id in people.deciders)

    if not offices.are_known or any(map(is_left, offices.moderators)):
        return Handlers.MODERATORS
    if any(map(is_left, offices.escalation)):
        return Handlers.ESCALATION
    if offices.owner is not None and is_left(offices.owner):
        return Handlers.OWNER
    return Handlers.NOBODY


def office_of(
    viewer: Viewer, people: CasePeople, offices: Offices, *, appealed: bool = False
) -> Handlers:
    """In which office somebody has to do with a case that is theirs to look after."""
    usual = handlers_of(people, offices)
    if not appealed or _holds(viewer, usual):
        return usual
    return handlers_of(people, offices, appeal=True)


def may(
    viewer: Viewer, act: Act, people: CasePeople, offices: Offices, *, appealed: bool = False
) -> bool:
    """Whether this person may do this with this case now.

    A part in the case comes before every office: the accused and the reporters never see it as
    moderators do, and neither does whoever has stepped back.

    Args:
        viewer: who wants to.
        act: what they want to do.
        people: who has a part in the case.
        offices: who could take it.
        appealed: whether an appeal is running. Only somebody who has not decided before takes it
            up and decides it; if no such moderator is left, the next office sees the case as well.
    """
    rule, member_id = RULES[act], viewer.member_id
    if viewer.is_bot or _conflicts_of(member_id, people, appealed=appealed) & rule.conflicts:
        return False
    if Ground.REPORTER in rule.grounds:
        return member_id in people.reporters
    if Ground.ACCUSED in rule.grounds:
        return member_id == people.accused
    if not appealed:
        return _holds(viewer, handlers_of(people, offices))
    may_decide = member_id not in people.deciders and _holds(
        viewer, handlers_of(people, offices, appeal=True)
    )
    if Conflict.DECIDED in rule.conflicts:
        return may_decide
    return may_decide or _holds(viewer, handlers_of(people, offices))


def _conflicts_of(member_id: int, people: CasePeople, *, appealed: bool) -> set[Conflict]:
    has = {
        Conflict.REPORTER: member_id in people.reporters,
        Conflict.ACCUSED: member_id == people.accused,
        Conflict.RECUSED: member_id in people.recused,
        Conflict.DECIDED: appealed and member_id in people.deciders,
    }
    return {conflict for conflict, applies in has.items() if applies}


def _holds(viewer: Viewer, handlers: Handlers) -> bool:
    match handlers:
        case Handlers.MODERATORS:
            return viewer.is_moderator
        case Handlers.ESCALATION:
            return viewer.is_escalation
        case Handlers.OWNER:
            return viewer.is_owner
        case Handlers.NOBODY:
            return False


def require(
    viewer: Viewer, act: Act, people: CasePeople, offices: Offices, *, appealed: bool = False
) -> None:
    """Refuse what `may` does not allow, in the words used for a case that does not exist.

    Raises:
        DecidedBeforeError: they see the case, and only its appeal is not theirs.
        UnknownCaseError: whether the case is there is not for them to know.
    """
    if may(viewer, act, people, offices, appealed=appealed):
        return
    sees_it = may(viewer, Act.SHOW, people, offices, appealed=appealed)
    if appealed and sees_it and Conflict.DECIDED in RULES[act].conflicts:
        raise DecidedBeforeError
    raise UnknownCaseError
