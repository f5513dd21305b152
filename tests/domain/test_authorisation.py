"""Who may do what, by what they hold; the sheets in tests/cogs try it on the running bot."""

import pytest

from bot.domain.authorisation import RULES, Act, Action, Conflict, Ground, Viewer, may, require
from bot.domain.entitlement import CasePeople, Offices
from bot.domain.entitlement import may as may_in_case
from bot.domain.errors import (
    NotAMemberError,
    NotEntitledError,
    OwnAttestationError,
    ScreeningError,
    UnknownGroupError,
)

ME, OTHER = 1, 2
EVERYTHING = Viewer(
    member_id=ME,
    is_moderator=True,
    is_facilitator=True,
    is_escalation=True,
    is_owner=True,
    manages_server=True,
    is_present=True,
    is_on_record=True,
)
FOR_FACILITATORS = {
    Action.PUBLISH,
    Action.HISTORY,
    Action.INVITE,
    Action.CHECK_PERSON,
    Action.LIST_PEOPLE,
    Action.OVERVIEW,
    Action.EXPORT_PEOPLE,
    Action.REMIND,
    Action.RECORD,
    Action.CONSENT,
    Action.INSPECT,
}
FOR_ANYBODY = {
    Action.WITHDRAW,
    Action.RECEIPT,
    Action.SEE_OWN_CASES,
    Action.ANSWER_LETTER,
    Action.SEE_OWN_RECORD,
    Action.EXPORT_OWN_RECORD,
    Action.ERASE_OWN_RECORD,
    Action.CANCEL,
}


@pytest.mark.parametrize(
    ("held", "more"),
    [
        ({}, set[Action]()),
        ({"is_facilitator": True}, FOR_FACILITATORS),
        ({"is_moderator": True}, {Action.CHECK_PERSON, Action.LOOK_AFTER_CASES}),
        ({"is_escalation": True}, {Action.LOOK_AFTER_CASES}),
        ({"is_owner": True}, {Action.LOOK_AFTER_CASES}),
        ({"manages_server": True}, {Action.INSPECT}),
        ({"is_present": True}, {Action.READ, Action.SIGN, Action.REPORT}),
        ({"is_present": True, "is_pending": True}, {Action.READ, Action.REPORT}),
        ({"is_on_record": True}, {Action.READ, Action.REPORT}),
    ],
)
def test_each_thing_held_allows_what_it_is_for(held: dict[str, bool], more: set[Action]) -> None:
    viewer = Viewer(member_id=ME, **held)
    assert {action for action in Action if may(viewer, action)} == FOR_ANYBODY | more


def test_program_may_nothing_whatever_it_holds() -> None:
    program = Viewer(member_id=ME, is_bot=True, is_moderator=True, is_facilitator=True)
    assert [action for action in Action if may(program, action)] == []
    people = CasePeople(reporters=frozenset({ME}), accused=ME, recused=frozenset())
    offices = Offices(moderators=frozenset({ME}), escalation=frozenset(), owner=None)
    assert [act for act in Act if may_in_case(program, act, people, offices)] == []


def test_nobody_attests_their_own_signature() -> None:
    assert may(EVERYTHING, Action.RECORD, about=OTHER)
    assert not may(EVERYTHING, Action.RECORD, about=ME)
    with pytest.raises(OwnAttestationError):
        require(EVERYTHING, Action.RECORD, about=ME)
    with pytest.raises(NotEntitledError):
        require(Viewer(member_id=ME), Action.RECORD, about=ME)


@pytest.mark.parametrize(
    ("viewer", "action", "error"),
    [
        (Viewer(member_id=ME), Action.SIGN, NotAMemberError),
        (Viewer(member_id=ME, is_present=True, is_pending=True), Action.SIGN, ScreeningError),
        (Viewer(member_id=ME), Action.READ, UnknownGroupError),
        (Viewer(member_id=ME), Action.PUBLISH, NotEntitledError),
        (Viewer(member_id=ME, is_bot=True), Action.READ, NotEntitledError),
    ],
)
def test_refusal_says_what_is_lacking(
    viewer: Viewer, action: Action, error: type[Exception]
) -> None:
    with pytest.raises(error):
        require(viewer, action)


def test_every_act_on_a_case_keeps_out_who_has_a_part_in_it_or_is_for_them() -> None:
    own = {Ground.REPORTER, Ground.ACCUSED}
    parts = {Conflict.REPORTER, Conflict.ACCUSED, Conflict.RECUSED}
    for act in Act:
        rule = RULES[act]
        assert rule.grounds <= own or (rule.grounds == {Ground.HANDLER} and parts <= rule.conflicts)
