"""Whatever Discord answers: a named state, no loop, nothing lost, nobody told twice."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from bot.domain.agreements import RequestState
from bot.domain.effects import AlarmKind, Effect, EffectKind, EffectState
from bot.effects.pacing import BREAKS
from bot.services import members, outbox
from tests.factories import GUILD
from tests.simulation.answers import CLOSED, GONE, NOT_OURS, TYPICAL, is_final, named
from tests.simulation.conftest import LONG, Line
from tests.simulation.wire import Answer

HOUR = 3600
FAULT_LASTS = 300 if LONG else 60
TRIES_AN_HOUR = 24
"""Waits of 5 to 300 seconds that double: there is no room for more in an hour."""
TRIES_BY_DISCORD_PY = 5
REQUESTS_A_TRY = 4
"""Such as opening the channel, reading it, and two messages."""

ANSWERS = dict(named(every=LONG))
LASTING = ["429", "malformed, done"]
if LONG:
    LASTING += ["503", "429 page", "reset"]


async def newcomer(line: Line) -> int:
    return line.arrive()


async def asked(line: Line) -> int:
    member_id = line.arrive()
    await line.welcome(member_id)
    await line.run(60)
    return member_id


async def signed(line: Line) -> int:
    member_id = await asked(line)
    await line.react(member_id)
    await line.run(60)
    return member_id


async def screened(line: Line) -> int:
    member_id = await asked(line)
    line.guild.features.append("MEMBER_VERIFICATION_GATE_ENABLED")
    return member_id


async def signed_by_button(line: Line) -> int:
    """Signed without ever having had a direct message, and away by now."""
    line.wire.break_("POST", "/users/@me/channels", Answer(status=403, code=50007), times=1)
    member_id = await asked(line)
    await line.sign_by_button(member_id)
    await line.run(60)
    line.backend.remove_member(GUILD, member_id)
    return member_id


async def half_sent(line: Line) -> int:
    """The first message has arrived, and nobody knows; the next try reads the channel."""
    member_id = line.arrive()
    lost = Answer(error=ConnectionResetError, sent=True)
    line.wire.break_("POST", "/channels/*/messages", lost, times=1)
    return member_id


async def nobody(line: Line) -> int:
    assert line.people == {}
    return 0


async def join(line: Line, member_id: int) -> None:
    await line.welcome(member_id)


async def accept(line: Line, member_id: int) -> None:
    await line.react(member_id)


async def take_back(line: Line, member_id: int) -> None:
    await line.react(member_id, reacted=False)


async def return_(line: Line, member_id: int) -> None:
    await members.say_goodbye(line.database, [line.group.key], member_id, line.now())
    line.backend.add_member(GUILD, member_id)
    await line.welcome(member_id)


async def ask_for_panel(line: Line, _member_id: int) -> None:
    await outbox.request_panel(line.database, line.group.key, line.now())


async def lose_panel(line: Line, member_id: int) -> None:
    line.delete_messages("welcome")
    await ask_for_panel(line, member_id)


async def sound_alarm(line: Line, _member_id: int) -> None:

    alarm = AlarmKind.MEMBERS_UNSEEN
    await outbox.raise_alarm(line.database, line.group.key, alarm, line.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One kind of request, how it comes about, and what is to be seen when it went well."""

    method: str
    path: str
    kind: EffectKind
    before: Callable[[Line], Awaitable[int]]
    act: Callable[[Line, int], Awaitable[None]]


ENDPOINTS = {
    "open": Endpoint(
        method="POST",
        path="/users/@me/channels",
        kind=EffectKind.ASK,
        before=newcomer,
        act=join,
    ),
    "ask": Endpoint(
        method="POST",
        path="/channels/*/messages",
        kind=EffectKind.ASK,
        before=newcomer,
        act=join,
    ),
    "look": Endpoint(
        method="GET",
        path="/channels/*/messages",
        kind=EffectKind.ASK,
        before=half_sent,
        act=join,
    ),
    "react": Endpoint(
        method="PUT",
        path="/channels/*/messages/*/reactions/*/@me",
        kind=EffectKind.ASK,
        before=newcomer,
        act=join,
    ),
    "give": Endpoint(
        method="PUT",
        path="/guilds/*/members/*/roles/*",
        kind=EffectKind.ALIGN_ROLE,
        before=asked,
        act=accept,
    ),
    "screening": Endpoint(
        method="GET",
        path="/guilds/*/members/*",
        kind=EffectKind.ALIGN_ROLE,
        before=screened,
        act=accept,
    ),
    "take": Endpoint(
        method="DELETE",
        path="/guilds/*/members/*/roles/*",
        kind=EffectKind.ALIGN_ROLE,
        before=signed,
        act=take_back,
    ),
    "notice": Endpoint(
        method="POST",
        path="/channels/*/messages",
        kind=EffectKind.NOTICE,
        before=asked,
        act=accept,
    ),
    "open for notice": Endpoint(
        method="POST",
        path="/users/@me/channels",
        kind=EffectKind.NOTICE,
        before=signed_by_button,
        act=return_,
    ),
    "edit panel": Endpoint(
        method="PATCH",
        path="/channels/*/messages/*",
        kind=EffectKind.PANEL,
        before=nobody,
        act=ask_for_panel,
    ),
    "post panel": Endpoint(
        method="POST",
        path="/channels/*/messages",
        kind=EffectKind.PANEL,
        before=nobody,
        act=lose_panel,
    ),
    "alarm": Endpoint(
        method="POST",
        path="/channels/*/messages",
        kind=EffectKind.ALARM,
        before=nobody,
        act=sound_alarm,
    ),
}


def cases() -> Iterator[tuple[str, str]]:
    """Every kind of request with every answer; the short form tries all on one kind only."""
    for endpoint in ENDPOINTS:
        every = LONG or endpoint == "give"
        yield from ((endpoint, answer) for answer in (ANSWERS if every else TYPICAL))


def expected_states(endpoint: str, answer: Answer) -> set[EffectState]:
    """Where the row must stand while the fault lasts."""
    kind = ENDPOINTS[endpoint].kind
    if not is_final(answer):
        return {EffectState.PENDING, *([EffectState.DONE] if answer.sent else [])}
    if endpoint == "react" or (endpoint == "edit panel" and answer.code in NOT_OURS):
        return {EffectState.DONE}
    may_wait = kind in (EffectKind.ALIGN_ROLE, EffectKind.PANEL, EffectKind.ALARM)
    if may_wait and answer.code not in CLOSED | GONE:
        return {EffectState.HELD}
    return {EffectState.DROPPED}


@pytest.mark.parametrize(("endpoint", "name"), list(cases()))
async def test_every_answer_ends_in_a_named_state(line: Line, endpoint: str, name: str) -> None:
    what, answer = ENDPOINTS[endpoint], ANSWERS[name]
    member_id = await what.before(line)
    if endpoint == "edit panel" and answer.code in NOT_OURS:
        line.delete_messages("welcome")
    known = {effect.id for effect in await line.outbox()}
    first = len(line.wire.exchanges)
    line.wire.break_(what.method, what.path, answer)

    await what.act(line, member_id)
    await line.run(FAULT_LASTS)

    row = next(e for e in await line.outbox(what.kind) if e.id not in known)
    assert row.state in expected_states(endpoint, answer)
    assert row.outcome
    asked = line.wire.exchanges[first:]
    bound = TRIES_AN_HOUR * REQUESTS_A_TRY * TRIES_BY_DISCORD_PY
    assert 1 <= len(asked) <= (bound if row.attempts > 1 else 2 * TRIES_BY_DISCORD_PY)
    await check_alarms(line, row, answer)

    line.wire.faults.clear()
    await line.mend()
    await line.catch_up()
    await line.finish(2 * HOUR)

    over = (EffectState.DONE, EffectState.DROPPED)
    assert [effect for effect in await line.outbox() if effect.state not in over] == []
    assert len(line.messages_in("welcome")) == 1
    if member_id:
        await check_person(line, endpoint, answer, member_id)


async def check_alarms(line: Line, row: Effect, answer: Answer) -> None:
    """Whoever can mend it is told, once; nobody is when there is nothing to mend."""
    told = line.messages_in("moderators")
    is_deaf = any(fault.path == "/channels/*/messages" for fault in line.wire.faults)
    assert len(told) == len(set(told))
    if row.kind is EffectKind.ALIGN_ROLE and row.state is EffectState.HELD:
        assert len(told) == 1
    if row.kind is EffectKind.ASK and answer.code in BREAKS and not is_deaf:
        assert len(told) == 1
    if answer.error is not None or answer.status >= 500:
        assert told == [] or row.kind is EffectKind.ALARM


async def check_person(line: Line, endpoint: str, answer: Answer, member_id: int) -> None:
    """The fault is over: the record is what the person wanted, and they were told once."""
    record = await line.record_of(member_id)
    request = record.request
    assert request is not None
    said = line.messages_to(member_id)
    valid = [one for one in record.signatures if one.revoked_at is None]
    refused = is_final(answer)
    if endpoint in ("open", "ask", "look", "react"):
        assert record.signatures == ()
        blocked = endpoint != "react" and refused and answer.code not in GONE
        assert request.state is (RequestState.BLOCKED if blocked else RequestState.SENT)
        # Whom Discord does not know has left, and is asked anew.
        returned = refused and answer.code in GONE
        assert returned or len(said) == len(set(said))
        assert blocked or returned or len(said) == 2
        assert blocked or request.message_id in line.backend.messages[request.channel_id or 0]
    elif endpoint == "take":
        assert valid == []
        assert len([text for text in said if "have withdrawn" in text]) <= 1
        # Discord says that they are not there, or cannot be reached: then there is nothing to take.
        assert not line.has_role(member_id) or answer.code in GONE | CLOSED
    else:
        assert len(valid) == 1
        assert line.has_role(member_id)
        thanks = [text for text in said if "Thank you" in text]
        back = [text for text in said if "Welcome back" in text]
        assert len(thanks) <= 1
        assert len(back) <= 1
        assert refused or len(thanks) + len(back) == 1


@pytest.mark.parametrize("name", LASTING)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_nothing_is_tried_in_a_loop(line: Line, endpoint: str, name: str) -> None:
    what = ENDPOINTS[endpoint]
    member_id = await what.before(line)
    first = len(line.wire.exchanges)
    line.wire.break_(what.method, what.path, ANSWERS[name])

    await what.act(line, member_id)
    await line.run(HOUR)

    inner = TRIES_BY_DISCORD_PY if name == "429" else 1
    assert len(line.wire.exchanges) - first <= TRIES_AN_HOUR * (REQUESTS_A_TRY + inner)
    # Discord itself drops a copy only for some minutes.
    for said in (line.messages_to(member_id), line.messages_in("welcome")):
        assert len(said) == len(set(said))
