"""What a party sees of their own cases, also who takes no direct messages."""

import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult

from bot.domain.breaches import CaseEvent, CaseState, LetterKind, Side
from bot.storage import case_letters, cases
from tests.cogs.conftest import World
from tests.cogs.test_commands import said
from tests.cogs.test_letters import Case, inbox, last, now_of


@pytest.fixture
async def case(world: World) -> Case:
    await world.publish()
    return await Case(world).open()


async def mine(world: World, person: MemberActor) -> InteractionResult:
    result = await person.slash(world.channel("welcome"), "breach mine")
    await world.env.settle()
    return result


async def test_reporter_sees_state_steps_and_letters_but_no_names(world: World, case: Case) -> None:
    async with world.database.write() as tx:
        stored = await cases.get(tx, case.id)
        for kind, text in ((CaseEvent.CLAIMED, None), (CaseEvent.NOTED, "secret note")):
            await cases.add_step(
                tx,
                stored,
                kind,
                Side.MODERATOR,
                now_of(world),
                actor_id=world.moderator.id,
                text=text,
            )
    await case.ask("Which day was it?")
    text = said(await mine(world, case.reporter))
    assert "your report #1**: being looked into" in text
    for words in ("You reported it.", "Somebody took it on.", "> Which day was it?"):
        assert words in text
    for secret in ("secret note", str(world.moderator.id), str(case.accused.id), "test-"):
        assert secret not in text


async def test_accused_and_strangers_see_nothing_before_they_are_written_to(
    world: World, case: Case
) -> None:
    stranger = await world.join("test-stranger")
    for person in (case.accused, stranger, world.moderator):
        assert said(await mine(world, person)).startswith("There is nothing of yours here")


async def test_it_works_in_a_direct_message(world: World, case: Case) -> None:
    await case.ask("Which day was it?")
    result = await case.reporter.user.slash("breach mine")
    text = "\n".join(one.content for one in [result.response, *result.followups] if one)
    assert "your report #1" in text


async def test_what_could_not_be_sent_waits_is_hinted_at_shown_and_answered(
    world: World, case: Case
) -> None:
    world.close_dms()
    await case.ask("Which day was it?")
    world.open_dms()
    assert inbox(world, case.reporter) == []
    (letter,) = await case.letters()
    assert letter.undelivered_at is not None

    # Moderators see it in the case.
    shown = await world.moderator.slash(world.channel("moderators"), "breach show", case=1)
    assert "Question to the reporter: ⚠️ not delivered" in said(shown)

    # Whatever the person does next, they learn of it, and nobody else does.
    hinted = await case.reporter.slash(world.channel("welcome"), "agreement read")
    await world.env.settle()
    assert "Something waits for you" in said(hinted)
    other = await case.accused.slash(world.channel("welcome"), "agreement read")
    assert "Something waits for you" not in said(other)

    result = await mine(world, case.reporter)
    assert "This waits for you" in said(result)
    assert "> Which day was it?" in said(result)
    (letter,) = await case.letters()
    assert letter.delivered_at is not None
    again = await case.reporter.slash(world.channel("welcome"), "agreement read")
    assert "Something waits for you" not in said(again)
    shown = await world.moderator.slash(world.channel("moderators"), "breach show", case=1)
    assert "Question to the reporter: delivered" in said(shown)

    form = await case.reporter.click(last(result), label="Answer 1")
    done = await case.reporter.submit_modal(form, {"words": "On a Monday."})
    assert "Your answer is with those" in said(done)
    assert (await case.letters())[0].answer == "On a Monday."


async def test_access_log_is_shown_to_the_reporter_alone(world: World, case: Case) -> None:
    result = await mine(world, case.reporter)
    pressed = await case.reporter.click(last(result), label="Who has looked at it")
    assert "Nobody has looked at your report #1 yet." in said(pressed)
    await world.moderator.slash(world.channel("moderators"), "breach show", case=1)
    pressed = await case.reporter.click(last(result), label="Who has looked at it")
    text = said(pressed)
    assert "was looked at 1 time" in text
    assert "read by somebody who works on the case" in text
    assert str(world.moderator.id) not in text


async def test_report_is_taken_back_after_asking_once(world: World, case: Case) -> None:
    result = await mine(world, case.reporter)
    asked = await case.reporter.click(last(result), label="Take the report back")
    assert "This cannot be undone" in said(asked)
    kept = await case.reporter.click(last(asked), label="No, leave it as it is")
    assert last(kept).content == "All right, your report stays as it is."
    assert await case.timeline() == []

    asked = await case.reporter.click(last(result), label="Take the report back")
    done = await case.reporter.click(last(asked), label="Yes, take it back")
    await world.env.settle()
    assert "You have taken back your report #1" in last(done).content
    (entry,) = await case.timeline()
    assert (entry.kind, entry.side) == (CaseEvent.REPORT_WITHDRAWN, Side.REPORTER)
    result = await mine(world, case.reporter)
    assert "You have taken your report back" in said(result)
    assert "Take the report back" not in str(last(result).components)


async def test_report_of_a_closed_case_stays(world: World, case: Case) -> None:
    result = await mine(world, case.reporter)
    asked = await case.reporter.click(last(result), label="Take the report back")
    await case.mark(state=CaseState.CLOSED, closed_at=now_of(world))
    for shown, label in (
        (result, "Take the report back"),
        (asked, "Yes, take it back"),
    ):
        pressed = await case.reporter.click(last(shown), label=label)
        assert "This case is closed already" in last(pressed).content
    assert await case.timeline() == []


async def test_many_cases_are_shown_page_by_page(world: World, case: Case) -> None:
    for _n in range(6):
        await Case(world).open_again(case)
    result = await mine(world, case.reporter)
    assert said(result).count("your report #") == 5
    older = await case.reporter.click(last(result), label="Older ones")
    await world.env.settle()
    assert said(older).count("your report #") == 2


async def test_each_kind_of_letter_reaches_its_reader(world: World, case: Case) -> None:
    for kind in LetterKind:
        if kind is not LetterKind.HEARING:
            await case.add_letter(kind, "words")
    sent = inbox(world, case.reporter)
    assert len(sent) == len(LetterKind) - 1
    async with world.database.write() as tx:
        stored = await cases.get(tx, case.id)
        for kind in (LetterKind.OUTCOME, LetterKind.SUSPENDED, LetterKind.CLOSED):
            await case_letters.add(tx, stored, kind, now_of(world))
    with world.env._bot_scope():
        world.client.effects.wake()
    await world.env.settle()
    assert len(inbox(world, case.accused)) == 3


async def test_reporter_hears_when_somebody_takes_it_on_or_sees_their_name(
    world: World, case: Case
) -> None:
    await case.mark(state=CaseState.OPEN)
    place = world.channel("moderators")
    await world.moderator.slash(place, "breach claim", case=1)
    await world.env.settle()
    (letter,) = inbox(world, case.reporter)
    assert "Somebody has taken it on" in letter.content
    await world.moderator.slash(place, "breach unseal", case=1, reason="To offer *help*")
    await world.env.settle()
    told = inbox(world, case.reporter)[-1].content
    assert "Your name was shown to one of those who work on your report." in told
    assert "> To offer \\*help\\*" in told
    assert str(world.moderator.id) not in told
