"""The bot was away while a great deal happened; after its start everything is right, cheaply."""

import sys
from dataclasses import dataclass

import pytest
from sqlalchemy import delete

from bot.domain.agreements import Method
from bot.domain.effects import EffectState
from bot.settings import Group
from bot.storage.tables import effects
from tests.cogs.conftest import ACCEPT, make_group
from tests.factories import GUILD
from tests.simulation.conftest import ENFORCED, LONG
from tests.simulation.live import Live

SCALE = 1.0 if LONG else 0.1
A_SECOND = 50
"""Requests that Discord allows a bot in a second, over everything it does."""

MEMBERS_A_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many did what while nobody looked; `quiet` have signed and did nothing."""

    joined: int = round(1_000 * SCALE)
    reacted: int = round(500 * SCALE)
    unreacted: int = round(100 * SCALE)
    left: int = round(100 * SCALE)
    by_hand: int = round(50 * SCALE)
    quiet: int = round(1_400 * SCALE)


CROWD = Crowd()


@pytest.fixture
def groups() -> list[Group]:
    return [make_group()]


async def ask(live: Live, count: int, name: str) -> list[int]:
    """People who have joined and hold their request."""
    found = []
    for number in range(count):
        user = live.backend.make_user(f"test-{name}-{number}")
        live.join(user.id)
        found.append(user.id)
    await live.settle()
    await live.finish(86_400)
    return found


async def sign_inside(live: Live, count: int) -> list[int]:
    """People who signed by button long ago and hold the role."""
    found = []
    for number in range(count):
        member_id = live.arrive(f"test-quiet-{number}")
        await live.sign_by_button(member_id)
        live.backend.get_member(GUILD, member_id).role_ids.append(live.role_id)
        found.append(member_id)
    async with live.database.write() as tx:
        await tx.execute(delete(effects).where(effects.c.state == EffectState.PENDING))
    return found


def react(live: Live, member_id: int, *, reacted: bool) -> None:
    live.set_reaction(member_id, live.requests_of(member_id)[-1], ACCEPT, reacted=reacted)


async def test_everything_is_right_after_an_outage(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    outstanding = await ask(live, CROWD.reacted, "reacted")
    signers = await ask(live, CROWD.unreacted, "unreacted")
    for member_id in signers:
        react(live, member_id, reacted=True)
    leavers = await ask(live, CROWD.left, "left")
    await live.settle()
    await live.finish(86_400)
    quiet = await sign_inside(live, CROWD.quiet)
    assert all(live.has_role(member_id) for member_id in signers)

    await live.stop()
    live.backend.advance_clock(6 * 3600)
    joiners = [live.arrive(f"test-joined-{n}") for n in range(CROWD.joined)]
    strangers = [live.arrive(f"test-by-hand-{n}") for n in range(CROWD.by_hand)]
    for member_id in outstanding:
        react(live, member_id, reacted=True)
    for member_id in signers:
        react(live, member_id, reacted=False)
    for member_id in leavers:
        live.backend.remove_member(GUILD, member_id)
    for member_id in strangers:
        live.backend.add_member_role(GUILD, member_id, live.role_id)
    live.wire.exchanges.clear()
    began = live.backend.clock.elapsed
    await live.start()
    await live.finish(86_400)
    took = live.backend.clock.elapsed - began

    for member_id in [*outstanding, *quiet]:
        assert live.has_role(member_id)
    for member_id in [*joiners, *strangers]:
        assert len(live.requests_of(member_id)) == 1
        assert len(live.messages_to(member_id)) == 2
        assert not live.has_role(member_id) or (member_id in strangers and not ENFORCED)
    for member_id in signers:
        assert not live.has_role(member_id)
    for member_id in outstanding:
        (signature,) = (await live.record_of(member_id)).signatures
        assert signature.method is Method.REACTION
        assert signature.signed_after is not None
        assert len([text for text in live.messages_to(member_id) if "Thank you" in text]) == 1
    check_cost(live, took, capsys)


def check_cost(live: Live, took: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Requests that were sent against those that nobody could save."""
    newcomers = CROWD.joined + CROWD.by_hand
    members = len(live.backend.get_guild(GUILD).members)
    pages = -(-members // MEMBERS_A_PAGE)
    reads = CROWD.reacted + CROWD.unreacted
    # The channel, two messages and two reactions; the role and a message for the others.
    asking, telling = 5 * newcomers, 2 * (CROWD.reacted + CROWD.unreacted)
    taking = CROWD.by_hand if ENFORCED else 0
    panel = 1
    least = pages + reads + asking + telling + taking + panel
    sent = len(live.wire.exchanges)
    assert sent <= least * 1.05
    at_pace = (newcomers - 5) / live.group.signing.dm_per_minute * 60
    assert took >= at_pace * 0.99
    if LONG:
        with capsys.disabled():
            sys.stdout.write(
                f"\noutage: {sent:,} requests, {sent / least:.3f} times the least possible;"
                f" {sent / A_SECOND:.0f} s at {A_SECOND} a second, and {took / 60:.0f} min at"
                f" {live.group.signing.dm_per_minute} people asked a minute\n"
            )
