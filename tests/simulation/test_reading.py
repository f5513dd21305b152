"""A read that goes wrong is no finding: nothing changes, and the next one finds everything."""

import pytest

from tests.simulation.answers import TYPICAL, is_final, named
from tests.simulation.conftest import LONG, Line
from tests.simulation.wire import Answer

ANSWERS = dict(named(every=LONG))
TRIES_BY_DISCORD_PY = 5
MESSAGE = ("GET", "/channels/*/messages/*")
MEMBERS = ("GET", "/guilds/*/members")


async def ask(line: Line, name: str) -> int:
    member_id = line.arrive(name)
    await line.welcome(member_id)
    await line.run(30)
    return member_id


async def react_unseen(line: Line, member_id: int, *, reacted: bool) -> None:
    """Nobody tells the bot."""
    from tests.cogs.conftest import ACCEPT

    request = (await line.record_of(member_id)).request
    assert request is not None
    channel_id, message_id = request.channel_id or 0, request.message_id or 0
    line.backend.set_reaction(channel_id, message_id, ACCEPT, member_id, reacted)


async def signs(line: Line, member_id: int) -> bool:
    given = (await line.record_of(member_id)).signatures
    return any(signature.revoked_at is None for signature in given)


@pytest.mark.parametrize("name", ANSWERS if LONG else TYPICAL)
@pytest.mark.parametrize("what", [MESSAGE, MEMBERS], ids=["message", "members"])
async def test_wrong_answer_to_a_read_changes_nothing(
    line: Line, what: tuple[str, str], name: str
) -> None:
    answer = ANSWERS[name]
    signer, newcomer = await ask(line, "test-signer"), await ask(line, "test-newcomer")
    await line.react(signer)
    await line.run(30)
    line.backend.advance_clock(3600)
    await react_unseen(line, signer, reacted=False)
    await react_unseen(line, newcomer, reacted=True)
    missed = line.arrive("test-missed")
    first = len(line.wire.exchanges)
    line.wire.break_(*what, answer)

    await line.catch_up()
    await line.run(60)

    seen = what == MEMBERS
    assert await signs(line, signer) is not seen
    assert await signs(line, newcomer) is seen
    assert line.has_role(signer) is not seen
    assert line.messages_to(missed) == [] or what == MESSAGE
    reads = [one for one in line.wire.exchanges[first:] if one.method == "GET"]
    assert len(reads) <= 2 * TRIES_BY_DISCORD_PY + 2

    line.wire.faults.clear()
    line.backend.advance_clock(3600)
    await line.catch_up()
    await line.finish(3600)

    assert line.messages_to(missed)
    # Of a message that is not there any more nothing can be read.
    if answer.code not in (10003, 10008) or what == MEMBERS:
        assert not await signs(line, signer)
        assert not line.has_role(signer)
        assert await signs(line, newcomer)
        assert line.has_role(newcomer)


def test_final_answers_are_told_from_others() -> None:
    assert is_final(Answer(status=403, code=50013))
    assert not is_final(Answer(status=503))
