"""Who may do what: the one table that every command, button, form, list and export asks.

Where what is done concerns one breach case, the people in it matter as well: the row says which
part in it keeps somebody out, and `bot.domain.entitlement` applies that to the case at hand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bot.domain.errors import (
    NotAMemberError,
    NotEntitledError,
    OwnAttestationError,
    ScreeningError,
    UnknownGroupError,
)


class Action(StrEnum):
    """What can be done, other than with one breach case."""

    READ = "read the agreement"
    SIGN = "sign or decline the agreement"
    WITHDRAW = "withdraw one's signature"
    RECEIPT = "get one's receipt"
    PUBLISH = "publish a version"
    HISTORY = "see every version"
    INVITE = "ask members to sign, and stop asking"
    CHECK_PERSON = "see how somebody stands"
    LIST_PEOPLE = "list people"
    OVERVIEW = "see how the group stands"
    EXPORT_PEOPLE = "export people"
    REMIND = "remind people"
    RECORD = "record a signature given on paper or aloud"
    CONSENT = "consent to a change that concerns many"
    INSPECT = "look what stands open"
    REPORT = "report a breach"
    LOOK_AFTER_CASES = "be at the desk that cases come to"
    """Also: list cases, and see numbers without people."""
    SEE_OWN_CASES = "see one's own cases, and what waits there"
    ANSWER_LETTER = "answer a letter to oneself"
    """Which side they are on decides the act: `ANSWER_AS_REPORTER` or `ANSWER_AS_ACCUSED`."""
    SEE_OWN_RECORD = "see what is held about oneself"
    EXPORT_OWN_RECORD = "export what is held about oneself"
    ERASE_OWN_RECORD = "erase what is held about oneself"
    CANCEL = "leave a question as it is"


class Act(StrEnum):
    """What can be done with a case that is there."""

    LIST = "list"
    """Also: have it counted, and offered by autocomplete."""
    SHOW = "show"
    CLAIM = "claim"
    NOTE = "note"
    ASK = "ask"
    HEAR = "hear"
    DECIDE = "decide"
    RECUSE = "recuse"
    REOPEN = "reopen"
    CLOSE = "close"
    MERGE = "merge"
    UNSEAL = "unseal"
    EXPORT = "export"
    EXTEND = "extend"
    """Keep it longer than the retention says."""
    MINE = "mine"
    """See how one's own report stands, and who has looked at it."""
    ANSWER_AS_REPORTER = "answer_as_reporter"
    WITHDRAW_REPORT = "withdraw_report"
    ANSWER_AS_ACCUSED = "answer_as_accused"
    APPEAL = "appeal"


Right = Action | Act


class Ground(StrEnum):
    """Why somebody may do something. Owning a server, and Administrator, are none for people."""

    FACILITATOR = "facilitator"
    MODERATOR = "moderator"
    ESCALATION = "escalation"
    """The settings name them, or a role of theirs, for cases that nobody else can take."""
    OWNER = "owner"
    """Owns the server; a ground for cases only, which come to them when nobody else is left."""
    MANAGER = "manager"
    """Holds Discord's Manage Server."""
    ADMITTED = "admitted"
    """Is on the group's server, and has passed its screening."""
    PRESENT = "present"
    """Is on the group's server."""
    ON_RECORD = "on record"
    """Was once asked to sign; wherever they are now, also in a direct message."""
    ONESELF = "oneself"
    """Anybody: nothing is found or changed but what is the asker's own."""
    HANDLER = "handler"
    """The case is in their hands: the moderators', else the escalation's, else the owner's."""
    REPORTER = "reporter"
    ACCUSED = "accused"


class Conflict(StrEnum):
    """What keeps somebody out although they have a ground."""

    ONESELF = "oneself"
    """It would be about themselves."""
    REPORTER = "reporter"
    ACCUSED = "accused"
    RECUSED = "recused"
    DECIDED = "decided"
    """They decided what an appeal is running against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody at the moment of use, with what they hold then.

    `is_escalation` is whether the settings name them, or a role of theirs, as the escalation;
    `is_pending` whether the server's screening is still before them.
    """

    member_id: int
    is_moderator: bool = False
    is_facilitator: bool = False
    is_escalation: bool = False
    is_owner: bool = False
    manages_server: bool = False
    is_present: bool = False
    is_pending: bool = False
    is_on_record: bool = False
    is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may do something: one of the grounds is enough, and each of the conflicts too much."""

    grounds: frozenset[Ground]
    conflicts: frozenset[Conflict] = frozenset()

    @property
    def needs_office(self) -> bool:
        """Whether it is for people with an office only, and not for anybody in the group."""
        return self.grounds <= _OFFICES


_OFFICES = frozenset(
    {Ground.FACILITATOR, Ground.MODERATOR, Ground.ESCALATION, Ground.OWNER, Ground.MANAGER}
)


def _open_to(*grounds: Ground, never: frozenset[Conflict] = frozenset()) -> Rule:
    return Rule(grounds=frozenset(grounds), conflicts=never)


_FACILITATORS = _open_to(Ground.FACILITATOR)
_IN_THE_GROUP = _open_to(Ground.PRESENT, Ground.ON_RECORD)
_ONESELF = _open_to(Ground.ONESELF)
_PARTIES = frozenset({Conflict.REPORTER, Conflict.ACCUSED, Conflict.RECUSED})
_HANDLERS = _open_to(Ground.HANDLER, never=_PARTIES)
_DECIDERS = _open_to(Ground.HANDLER, never=_PARTIES | {Conflict.DECIDED})
_REPORTERS = _open_to(Ground.REPORTER)
_ACCUSED = _open_to(Ground.ACCUSED)

RULES: Mapping[Right, Rule] = MappingProxyType(
    {
        # The agreement
        Action.READ: _IN_THE_GROUP,
        Action.SIGN: _open_to(Ground.ADMITTED),
        Action.WITHDRAW: _ONESELF,
        Action.RECEIPT: _ONESELF,
        Action.PUBLISH: _FACILITATORS,
        Action.HISTORY: _FACILITATORS,
        Action.INVITE: _FACILITATORS,
        # Who has signed
        Action.CHECK_PERSON: _open_to(Ground.FACILITATOR, Ground.MODERATOR),
        Action.LIST_PEOPLE: _FACILITATORS,
        Action.OVERVIEW: _FACILITATORS,
        Action.EXPORT_PEOPLE: _FACILITATORS,
        Action.REMIND: _FACILITATORS,
        Action.RECORD: _open_to(Ground.FACILITATOR, never=frozenset({Conflict.ONESELF})),
        Action.CONSENT: _FACILITATORS,
        Action.INSPECT: _open_to(Ground.FACILITATOR, Ground.MANAGER),
        # About oneself
        Action.SEE_OWN_RECORD: _ONESELF,
        Action.EXPORT_OWN_RECORD: _ONESELF,
        Action.ERASE_OWN_RECORD: _ONESELF,
        Action.CANCEL: _ONESELF,
        # Breach cases
        Action.REPORT: _IN_THE_GROUP,
        Action.SEE_OWN_CASES: _ONESELF,
        Action.ANSWER_LETTER: _ONESELF,
        Action.LOOK_AFTER_CASES: _open_to(Ground.MODERATOR, Ground.ESCALATION, Ground.OWNER),
        Act.LIST: _HANDLERS,
        Act.SHOW: _HANDLERS,
        Act.CLAIM: _DECIDERS,
        Act.NOTE: _HANDLERS,
        Act.ASK: _HANDLERS,
        Act.HEAR: _HANDLERS,
        Act.DECIDE: _DECIDERS,
        Act.RECUSE: _HANDLERS,
        Act.REOPEN: _HANDLERS,
        Act.CLOSE: _HANDLERS,
        Act.MERGE: _HANDLERS,
        Act.UNSEAL: _HANDLERS,
        Act.EXPORT: _HANDLERS,
        Act.EXTEND: _HANDLERS,
        Act.MINE: _REPORTERS,
        Act.ANSWER_AS_REPORTER: _REPORTERS,
        Act.WITHDRAW_REPORT: _REPORTERS,
        Act.ANSWER_AS_ACCUSED: _ACCUSED,
        Act.APPEAL: _ACCUSED,
    }
)

_HELD: Mapping[Ground, Callable[[Viewer], bool]] = MappingProxyType(
    {
        Ground.FACILITATOR: lambda viewer: viewer.is_facilitator,
        Ground.MODERATOR: lambda viewer: viewer.is_moderator,
        Ground.ESCALATION: lambda viewer: viewer.is_escalation,
        Ground.OWNER: lambda viewer: viewer.is_owner,
        Ground.MANAGER: lambda viewer: viewer.manages_server,
        Ground.ADMITTED: lambda viewer: viewer.is_present and not viewer.is_pending,
        Ground.PRESENT: lambda viewer: viewer.is_present,
        Ground.ON_RECORD: lambda viewer: viewer.is_on_record,
        Ground.ONESELF: lambda _viewer: True,
    }
)


def may(viewer: Viewer, action: Action, *, about: int | None = None) -> bool:
    """Whether somebody may do this in a group now. A program may do nothing.

    Args:
        viewer: who wants to.
        action: what they want to do.
        about: whom it concerns, where it concerns one person.
    """
    rule = RULES[action]
    if viewer.is_bot or (Conflict.ONESELF in rule.conflicts and about == viewer.member_id):
        return False
    return any(_HELD[ground](viewer) for ground in rule.grounds)


def require(viewer: Viewer, action: Action, *, about: int | None = None) -> None:
    """Refuse what `may` does not allow.

    Raises:
        NotAMemberError: only people on the server sign.
        NotEntitledError: they hold no office that may.
        OwnAttestationError: nobody does this to themselves.
        ScreeningError: the server's own questions come first.
        UnknownGroupError: they have nothing to do with this group.
    """
    if may(viewer, action, about=about):
        return
    if may(viewer, action):
        raise OwnAttestationError
    rule = RULES[action]
    if viewer.is_bot or rule.needs_office:
        raise NotEntitledError
    if Ground.ADMITTED not in rule.grounds:
        raise UnknownGroupError
    raise ScreeningError if viewer.is_present else NotAMemberError
