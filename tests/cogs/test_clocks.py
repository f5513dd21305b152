"""Ends that come and go by time, as the person sees them: reminders, renewal, why access ended."""

import pytest
from simcord.actors import MemberActor

from bot.domain.agreements import Agreement, Duration
from bot.settings import Group, Signing
from tests.cogs.conftest import World, make_group
from tests.cogs.holding import DAY
from tests.factories import make_agreement


@pytest.fixture
def agreement() -> Agreement:
    return make_agreement(duration=Duration(text="For two months.", days=60))


@pytest.fixture
def groups(agreement: Agreement) -> list[Group]:
    signing = Signing(remind_after_days=(1,), remind_before_days=(14, 3, 1))
    return [make_group(agreement=agreement, signing=signing)]


@pytest.fixture
async def member(world: World) -> MemberActor:
    """Somebody who has signed."""
    await world.publish()
    member = await world.join()
    await world.react(member)
    assert world.has_role(member)
    return member


def said(world: World, member: MemberActor, words: str) -> int:
    return sum(words in message.content for message in world.dms(member))


async def test_end_is_announced_then_comes_and_the_agreement_follows(
    world: World, member: MemberActor
) -> None:
    await world.restart(asleep=45.9 * DAY)
    assert said(world, member, "holds until") == 1, "only the confirmation"
    for nth, days in enumerate((0.2, 11, 2), 2):
        await world.restart(asleep=days * DAY)
        assert said(world, member, "holds until") == nth
        await world.restart(asleep=600)
        assert said(world, member, "holds until") == nth
    assert "`/agreement sign`" in world.dms(member)[-1].content
    assert world.has_role(member)

    await world.restart(asleep=DAY)

    assert not world.has_role(member)
    told = [message.content for message in world.dms(member)]
    why, *asked = told[max(n for n, one in enumerate(told) if "has run out" in one) :]
    assert asked[0].startswith("Here is the agreement of **Harbour Light** once more.")
    assert "welcome to" not in "".join(asked)
    assert "has run out" in why
    assert "Your access to the support channel has ended." in why
    assert "Your promise" in asked[-1]
    await world.react(member)
    assert world.has_role(member)


async def test_renewal_from_the_reminder_on_keeps_the_role_all_the_time(
    world: World, member: MemberActor
) -> None:
    early = await member.slash(world.channel("welcome"), "agreement sign")
    assert early.response is not None
    assert "already" in early.response.content
    await world.restart(asleep=47 * DAY)
    before = len(world.env.http_requests)

    shown = await member.slash(world.channel("welcome"), "agreement sign")
    assert shown.response is not None
    assert "takes its place at once" in shown.response.content
    pressed = await member.click([shown.response, *shown.followups][-1], label="I accept")
    await world.env.settle()

    assert pressed.response is not None
    assert "Thank you" in pressed.response.content
    taken = [
        one
        for one in world.env.http_requests[before:]
        if one.method == "DELETE" and one.path.endswith(f"/roles/{world.member_role.id}")
    ]
    assert taken == []
    await world.restart(asleep=30 * DAY)
    assert world.has_role(member)
    assert said(world, member, "has run out") == 0


async def test_wrong_clock_reminds_nobody(
    world: World, member: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.effects.clock.Clock.is_wrong", property(lambda _clock: True))
    await world.restart(asleep=58 * DAY)
    assert said(world, member, "holds until") == 1
    assert world.has_role(member)


async def test_reminder_within_a_grace_says_until_when_access_lasts(
    world: World, member: MemberActor
) -> None:
    await world.stop()
    changed = make_agreement(purpose="Other.")
    world.groups[0] = make_group(agreement=changed, signing=world.group.signing)
    await world.start()
    await world.publish("material")
    await world.restart(asleep=1.1 * DAY)
    assert "keeps the support channel open to you" in world.dms(member)[-1].content
    await world.restart(asleep=10 * DAY)
    last = world.dms(member)[-1].content
    assert "has changed since you signed" in last
    assert f"/{world.request_of(member).id}" in last

    await world.restart(asleep=3 * DAY)

    assert not world.has_role(member)
    last = world.dms(member)[-1].content
    assert "Your older signature does not count any more" in last
    assert f"/{world.request_of(member).id}" in last
    await world.react(member)
    assert world.has_role(member)
