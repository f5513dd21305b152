"""Events as Discord might send them one day: fields gone, new, or of another kind.

discord.py reads them first, and may refuse one with an error of its own; then Pledge never hears
of it, and finds what it was about at the next look. Whatever comes, nobody is let in by it.
"""

import contextlib
import logging
import random
from copy import deepcopy
from typing import Any

import discord
import pytest

from bot.domain.agreements import Standing
from bot.services import records
from tests.cogs.conftest import World

SEED = 20261128
EVENTS = frozenset(
    {
        *("MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_DELETE"),
        *("GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE"),
        *("GUILD_ROLE_UPDATE", "GUILD_AUDIT_LOG_ENTRY_CREATE"),
    }
)
OTHERS: tuple[Any, ...] = (None, "", "0", "x", -1, 0, 2**70, True, [], {}, [None], {"id": "0"}, 1.5)
SIGNS = ("✅", "✅\ufe0f", "✔️", "☑️", "❌", "✅\u200d", "\ufe0f", "", "✅✅")
OUR_HANDLERS = ("bot", "cogs")


def changed(payload: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The same with something gone, of another kind, or new, somewhere in it."""
    new = deepcopy(payload)
    node = new
    while True:
        key = rng.choice(sorted(node)) if node else "new"
        inner = node.get(key)
        if not isinstance(inner, dict) or rng.random() < 0.4:
            break
        node = inner
    match rng.randrange(3):
        case 0:
            node.pop(key, None)
        case 1:
            node[key] = rng.choice(OTHERS)
        case _:
            node[f"{key}_new"] = rng.choice(OTHERS)
    return new


async def live(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Somebody joins, signs, withdraws and leaves; gives what the gateway told of it."""
    seen: list[tuple[str, dict[str, Any]]] = []
    emit = world.env.backend.emit

    def note(name: str, payload: Any, *args: Any, **options: Any) -> Any:
        if name in EVENTS and isinstance(payload, dict):
            seen.append((name, deepcopy(payload)))
        return emit(name, payload, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.env.backend, "emit", note)
        member = await world.join("test-first")
        await world.react(member)
        await world.react(member, reacted=False)
        world.guild.remove_member(member)
        await world.env.settle()
    return seen


async def test_no_event_lets_anybody_in_or_stops_the_bot(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.publish()
    seen = await live(world)
    assert {name for name, _ in seen} >= {"MESSAGE_REACTION_ADD", "GUILD_MEMBER_ADD"}
    rng = random.Random(SEED)
    for name, payload in seen * (400 // len(seen)):
        with contextlib.suppress(Exception):  # discord.py could not read it
            world.env.backend.emit(name, changed(payload, rng))
            await world.env.settle()
    ours = [one for one in caplog.records if one.name.split(".")[0] in OUR_HANDLERS]
    assert [one.getMessage() for one in ours if one.levelno >= logging.ERROR] == []

    member = await world.join("test-second")
    assert not world.has_role(member)
    await world.react(member)
    assert world.has_role(member), "it goes on as before"
    role_id = world.member_role.id
    inside = [
        who
        for who, one in world.env.backend.get_guild(world.guild.id).members.items()
        if role_id in one.role_ids
    ]
    assert inside == [member.id]


@pytest.mark.parametrize("sign", SIGNS)
async def test_only_the_sign_itself_accepts(world: World, sign: str) -> None:
    await world.publish()
    member = await world.join()
    message = world.request_of(member)
    payload = {
        "user_id": str(member.id),
        "channel_id": str(message.channel.id),
        "message_id": str(message.id),
        "emoji": {"id": None, "name": sign},
        "burst": False,
        "type": 0,
    }
    world.env.backend.emit("MESSAGE_REACTION_ADD", payload)
    await world.env.settle()
    record = await records.check_member(
        world.database, world.group.key, member.id, discord.utils.utcnow()
    )
    is_accepted = sign.replace("\ufe0f", "") == "✅"
    assert (record.standing is Standing.SIGNED) is is_accepted
    assert world.has_role(member) is is_accepted
