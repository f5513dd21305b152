"""Deciding a case, pausing access, and appealing, as the people in it see it."""

from datetime import timedelta

import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage
from sqlalchemy import update

from bot.domain.agreements import Agreement, Consequence
from bot.domain.breaches import CaseState, Clause, LetterKind, ReportForm, Side, Source
from bot.settings import Group
from bot.storage import case_letters, case_reports, cases
from bot.storage.case_tables import breach_letters
from bot.storage.sealing import unseal_text
from tests.cogs.conftest import World, make_group
from tests.cogs.holding import DAY, give_role, sweep
from tests.factories import make_agreement

REPORTER = 31


@pytest.fixture
def agreement() -> Agreement:
    keys = ("reminder", "sign_again", "suspended", "removed", "legal")
    steps = tuple(Consequence(key=key, text=f"What {key} means.") for key in keys)
    return make_agreement(consequences=steps)


@pytest.fixture
def groups(agreement: Agreement) -> list[Group]:
    return [make_group(agreement=agreement)]


async def signer(world: World) -> MemberActor:
    await world.publish()
    member = await world.join()
    await world.react(member)
    assert world.has_role(member)
    return member


async def open_case(world: World, accused: MemberActor, *, heard: bool = True) -> int:
    """A case under review in which the accused has answered, if they were `heard`."""
    now, key = world.client.now(), world.group.key
    async with world.database.write() as tx:
        case = await cases.add(tx, key, Clause.COVERED, accused.id, None, now)
        form = ReportForm(what="what happened", clause=Clause.COVERED, source=Source.COMMAND)
        await case_reports.add(tx, case.id, REPORTER, form, now)
        await cases.mark(tx, case.id, state=CaseState.IN_REVIEW)
        if heard:
            letter_id = await case_letters.add(tx, case, LetterKind.HEARING, now, text="alleged")
            answered = update(breach_letters).where(breach_letters.c.id == letter_id)
            await tx.execute(answered.values(delivered_at=now, answered_at=now))
    return case.case_number


def colleague(world: World) -> MemberActor:
    user = world.env.create_user("test-colleague")
    return world.guild.add_member(user, roles=[world.roles["moderator"]])


def pages(result: InteractionResult) -> list[ResponseMessage]:
    return [one for one in [result.response, *result.followups] if one is not None]


def labels(result: InteractionResult) -> list[str]:
    """The buttons under an answer."""
    rows = pages(result)[-1].components
    return [item["label"] for row in rows for item in row["components"]]


def said(result: InteractionResult) -> str:
    return "\n".join(page.content for page in pages(result))


async def ask(
    world: World, number: int, outcome: str, who: MemberActor | None = None, **options: object
) -> InteractionResult:
    return await (who or world.moderator).slash(
        world.channel("moderators"),
        "breach decide",
        case=number,
        outcome=outcome,
        reason="it was told outside",
        **options,
    )


async def confirm(
    world: World,
    shown: InteractionResult,
    who: MemberActor | None = None,
    label: str = "Decide, and tell them",
) -> str:
    pressed = await (who or world.moderator).click(pages(shown)[-1], label=label)
    await world.env.settle()
    return said(pressed)


async def suspend(world: World, accused: MemberActor, days: int = 7) -> int:
    number = await open_case(world, accused)
    assert "is decided" in await confirm(world, await ask(world, number, "suspended", days=days))
    return number


async def letters(world: World, number: int) -> list[tuple[str, str, str | None]]:
    async with world.database.read() as tx:
        case = await cases.get_by_number(tx, world.group.key, number)
        query = breach_letters.select().where(breach_letters.c.case_id == case.id)
        rows = (await tx.execute(query.order_by(breach_letters.c.id))).mappings().all()
        return [(row["side"], row["kind"], unseal_text(tx, row["text"])) for row in rows]


async def state_of(world: World, number: int) -> CaseState:
    async with world.database.read() as tx:
        return (await cases.get_by_number(tx, world.group.key, number)).state


async def test_moderator_sees_all_that_a_decision_does_before_it_is_done(world: World) -> None:
    member = await signer(world)
    number = await open_case(world, member)

    shown = await ask(world, number, "suspended", days=7)

    for words in (
        "Nothing is decided yet",
        "access paused until <t:",
        "> What suspended means.",
        "> it was told outside",
        "It then opens by itself",
        "They can appeal once, until",
        "**To the accused:**",
        "> Your access to the support channel is paused until",
        "**To whoever reported:**",
    ):
        assert words in said(shown)
    assert all(page.ephemeral for page in pages(shown))
    assert world.has_role(member)
    assert await state_of(world, number) is CaseState.IN_REVIEW

    assert f"Case #{number} is decided" in await confirm(world, shown)
    assert not world.has_role(member)
    to_accused, to_reporter = (await letters(world, number))[-2:]
    assert to_accused[:2] == (Side.ACCUSED, LetterKind.OUTCOME)
    assert f"`/breach appeal` with the number {number}" in (to_accused[2] or "")
    assert "it was told outside" not in (to_accused[2] or "")
    assert to_reporter[:2] == (Side.REPORTER, LetterKind.OUTCOME)
    assert "paused for a while" in (to_reporter[2] or "")


async def test_suspended_person_is_never_in_whatever_they_try(world: World) -> None:
    member = await signer(world)
    await suspend(world, member)
    assert not world.has_role(member)

    await world.react(member, reacted=False)
    await world.react(member)
    assert not world.has_role(member)
    assert "paused until <t:" in world.dms(member)[-1].content
    assert "open to you now" not in world.dms(member)[-1].content

    for _ in range(5):
        give_role(world, member)
        await world.env.settle()
        assert not world.has_role(member)

    await world.stop()
    give_role(world, member)
    await world.start()
    assert not world.has_role(member)

    world.guild.remove_member(member)
    await world.env.settle()
    again = await world.join(user=member.user)
    assert not world.has_role(again)
    assert "Your signature still holds. Your access" in world.dms(again)[-1].content
    await sweep(world)
    assert not world.has_role(again)


async def test_pause_ends_by_itself_and_the_role_comes_back(world: World) -> None:
    member = await signer(world)
    number = await suspend(world, member, days=2)
    await world.restart(asleep=1.9 * DAY)
    assert not world.has_role(member)

    await world.restart(asleep=0.2 * DAY)

    assert world.has_role(member)
    assert (await letters(world, number))[-1][:2] == (Side.ACCUSED, LetterKind.SUSPENSION_ENDED)


async def test_sign_button_says_that_access_stays_paused(world: World) -> None:
    member = await signer(world)
    await suspend(world, member)
    shown = await member.slash(world.channel("welcome"), "agreement sign")
    assert "already" in said(shown)
    assert "paused until <t:" in said(shown)


async def test_lookup_says_paused_and_never_why(world: World) -> None:
    member = await signer(world)
    await suspend(world, member)
    shown = await world.facilitator.slash(
        world.channel("moderators"), "signatures check", member=member
    )
    assert "**Access is paused** until <t:" in said(shown)
    for word in ("case", "report", "breach", "decided"):
        assert word not in said(shown).lower()


async def test_unheard_person_is_not_judged_and_access_can_be_paused_meanwhile(
    world: World,
) -> None:
    member = await signer(world)
    number = await open_case(world, member, heard=False)
    shown = await ask(world, number, "removed")
    assert "They have not been heard yet" in said(shown)
    assert labels(shown) == ["Hear the accused", "It is urgent: pause access now", "Not now"]

    answer = await confirm(world, shown, label="It is urgent: pause access now")

    assert "paused until the case is decided" in answer
    assert not world.has_role(member)
    assert await state_of(world, number) is CaseState.IN_REVIEW
    assert (await letters(world, number))[-1] == (Side.ACCUSED, LetterKind.SUSPENDED, None)


async def test_words_of_ones_own_reach_the_accused_made_plain(world: World) -> None:
    member = await signer(world)
    number = await open_case(world, member)
    shown = await ask(world, number, "reminder")
    form = await world.moderator.click(pages(shown)[-1], label="Words to the accused")
    again = await world.moderator.submit_modal(form, {"words": "be *kind* @everyone"})
    await world.env.settle()
    assert "> be \\*kind\\*" in said(again)
    await confirm(world, again)
    (to_accused,) = [one for one in await letters(world, number) if one[1] == LetterKind.OUTCOME][
        :1
    ]
    assert "be \\*kind\\*" in (to_accused[2] or "")
    assert "@everyone" not in (to_accused[2] or "")


async def test_words_of_ones_own_that_give_somebody_away_are_warned_of(world: World) -> None:
    member = await signer(world)
    number = await open_case(world, member)
    shown = await ask(world, number, "reminder")
    assert "could give somebody away" not in said(shown)
    form = await world.moderator.click(pages(shown)[-1], label="Words to the accused")
    again = await world.moderator.submit_modal(form, {"words": f"ask <@{REPORTER}> on 3.5.2026"})
    assert "could give somebody away" in said(again)
    assert "It names a day or an hour." in said(again)


async def test_appeal_goes_to_somebody_who_did_not_decide(world: World) -> None:
    member = await signer(world)
    other = colleague(world)
    number = await suspend(world, member)

    form = await member.slash(world.channel("welcome"), "breach appeal", case=number)
    answer = await member.submit_modal(form, {"words": "it was not so"})
    await world.env.settle()
    assert "has arrived" in said(answer)
    assert await state_of(world, number) is CaseState.IN_REVIEW
    assert not world.has_role(member)

    refused = await ask(world, number, "no_breach")
    assert "the appeal is for somebody else" in said(refused)
    shown = await ask(world, number, "removed", other)
    assert "never make it harsher" in said(shown)
    shown = await ask(world, number, "no_breach", other)
    await confirm(world, shown, other)
    assert world.has_role(member)
    assert await state_of(world, number) is CaseState.CLOSED


async def test_appeal_that_comes_too_late_gives_the_words_back(world: World) -> None:
    member = await signer(world)
    number = await suspend(world, member)
    form = await member.slash(world.channel("welcome"), "breach appeal", case=number)
    now = world.client.now()
    async with world.database.write() as tx:
        case = await cases.get_by_number(tx, world.group.key, number)
        await cases.mark(tx, case.id, state=CaseState.CLOSED, closed_at=now + timedelta(seconds=1))
    answer = await member.submit_modal(form, {"words": "it was not so"})
    assert "nothing to appeal against" in said(answer)
    assert "> it was not so" in said(answer)


async def test_appeal_finds_its_group_from_a_direct_message(world: World) -> None:
    member = await signer(world)
    number = await suspend(world, member)
    form = await member.user.slash("breach appeal", case=number)
    answer = await member.user.submit_modal(form, {"words": "it was not so"})
    await world.env.settle()
    assert "has arrived" in said(answer)


class TestTwoGroups:
    """On one server."""

    @pytest.fixture
    def groups(self, agreement: Agreement) -> list[Group]:
        return [make_group(agreement=agreement), make_group("night-owls", agreement=agreement)]

    async def test_appeal_finds_its_group_from_a_channel_of_another(self, world: World) -> None:
        await world.publish()
        member = await world.join()
        await world.react(member)
        number = await suspend(world, member)
        elsewhere = world.channels["night-owls-welcome"]
        form = await member.slash(elsewhere, "breach appeal", case=number)
        assert form.modal is not None
        answer = await member.submit_modal(form, {"words": "it was not so"})
        await world.env.settle()
        assert "has arrived" in said(answer)


@pytest.mark.parametrize("who", ["facilitator", "accused", "outsider"])
async def test_nobody_else_learns_of_a_case(world: World, who: str) -> None:
    member = await signer(world)
    number = await open_case(world, member)
    outsider = await world.join("test-outsider")
    people = {"facilitator": world.facilitator, "accused": member, "outsider": outsider}
    answer = await people[who].slash(
        world.channel("welcome"), "breach decide", case=number, outcome="reminder", reason="x"
    )
    assert "There is no case of this number" in said(answer)
    appealed = await outsider.slash(world.channel("welcome"), "breach appeal", case=number)
    assert "There is no case of this number" in said(appealed)


async def test_button_of_a_decision_survives_a_restart_and_asks_who_presses(world: World) -> None:
    member = await signer(world)
    number = await open_case(world, member)
    shown = await ask(world, number, "sign_again")
    await world.restart()
    assert labels(shown) == ["Decide, and tell them", "Words to the accused", "Not now"]
    await confirm(world, shown)
    assert not world.has_role(member)
    await world.react(member)
    assert world.has_role(member)
