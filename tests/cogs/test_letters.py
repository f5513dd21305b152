"""What is said to the parties of a case, and what they answer, as people see it."""

from datetime import datetime, timedelta

import aiohttp
import discord
import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage

from bot.domain.breaches import (
    CaseEvent,
    CaseState,
    Clause,
    Letter,
    LetterKind,
    ReportForm,
    Side,
    Source,
    TimelineEntry,
)
from bot.storage import case_letters, case_reports, cases
from cogs._letters import HearButton
from cogs._ui import buttons
from tests.cogs.conftest import World
from tests.cogs.test_commands import said

MARKER = "the heron at the frozen lake"


def now_of(world: World) -> datetime:
    """The time in the simulated world, as the bot has it."""
    with world.env._bot_scope():
        return world.client.now()


class Case:
    """A case with its people, in the world of a test."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reporters: list[MemberActor] = []

    async def open(self, reporters: int = 1) -> "Case":
        world = self.world
        self.accused = await world.join("test-accused")
        for n in range(reporters):
            self.reporters.append(await world.join(f"test-reporter-{n}"))
        await self._add()
        return self

    async def open_again(self, like: "Case") -> "Case":
        """Another case between the same people."""
        self.accused, self.reporters = like.accused, like.reporters
        await self._add()
        return self

    async def _add(self) -> None:
        world, now = self.world, now_of(self.world)
        async with world.database.write() as tx:
            case = await cases.add(tx, world.group.key, Clause.COVERED, self.accused.id, None, now)
            for person in self.reporters:
                form = ReportForm(
                    what=f"I told the group about {MARKER}, and now everybody knows.",
                    clause=Clause.COVERED,
                    source=Source.COMMAND,
                    accused_id=self.accused.id,
                )
                await case_reports.add(tx, case.id, person.id, form, now)
            await cases.mark(tx, case.id, state=CaseState.IN_REVIEW)
        self.id = case.id

    @property
    def reporter(self) -> MemberActor:
        return self.reporters[0]

    async def letters(self) -> list[Letter]:
        async with self.world.database.read() as tx:
            return await case_letters.list_of_case(tx, self.id)

    async def timeline(self) -> list[TimelineEntry]:
        async with self.world.database.read() as tx:
            return await cases.list_timeline(tx, self.id)

    async def mark(self, **values: object) -> None:
        async with self.world.database.write() as tx:
            await cases.mark(tx, self.id, **values)

    async def preview(
        self, question: str, *, to: str = "reporter", by: MemberActor | None = None
    ) -> InteractionResult:
        world = self.world
        place = world.channel("moderators" if by is None else "welcome")
        person = by or world.moderator
        return await person.slash(place, "breach ask", case=1, question=question, to=to)

    async def ask(self, question: str, *, to: str = "reporter") -> InteractionResult:
        shown = await self.preview(question, to=to)
        pressed = await self.world.moderator.click(last(shown), label="Send it")
        await self.world.env.settle()
        return pressed

    async def add_letter(self, kind: LetterKind, text: str | None = None) -> None:
        """Write to the reporter as another step of the case does."""
        world = self.world
        async with world.database.write() as tx:
            reports = await case_reports.list_of_case(tx, self.id)
            case = await cases.get(tx, self.id)
            now = now_of(world)
            await case_letters.add(tx, case, kind, now, report_id=reports[0].id, text=text)
        with world.env._bot_scope():
            world.client.effects.wake()
        await world.env.settle()


@pytest.fixture
async def case(world: World) -> Case:
    await world.publish()
    return await Case(world).open()


def last(result: InteractionResult) -> ResponseMessage:
    return [one for one in [result.response, *result.followups] if one is not None][-1]


def inbox(world: World, person: MemberActor) -> list[discord.Message]:
    """What somebody was sent about cases."""
    return [one for one in world.dms(person) if "case #" in one.content]


async def answer(world: World, person: MemberActor, words: str) -> InteractionResult:
    """Press the newest button to answer and fill in the form, in the direct message."""
    message = inbox(world, person)[-1]
    shown = await person.user.click(message, label="Answer")
    result = await person.user.submit_modal(shown, {"words": words})
    await world.env.settle()
    return result


async def test_question_and_answer_pass_by_the_bot_and_nobody_learns_a_name(
    world: World, case: Case
) -> None:
    shown = await case.preview("Which day was it?")
    text = said(shown)
    assert "This is exactly what they will read" in text
    assert "> Which day was it?" in text
    assert "test-reporter" not in text
    assert inbox(world, case.reporter) == []

    pressed = await world.moderator.click(last(shown), label="Send it")
    await world.env.settle()
    assert "is on its way to 1 person" in last(pressed).content
    (message,) = inbox(world, case.reporter)
    assert message.content in text
    assert inbox(world, case.accused) == []

    result = await answer(world, case.reporter, "It was on a Monday.")
    assert "Your answer is with those who work on case #1" in said(result)
    entry = (await case.timeline())[-1]
    assert (entry.kind, entry.side, entry.text) == (
        CaseEvent.ANSWERED,
        Side.REPORTER,
        "It was on a Monday.",
    )


async def test_every_reporter_is_asked_apart(world: World) -> None:
    await world.publish()
    case = await Case(world).open(reporters=2)
    shown = await case.preview("Which day was it?")
    assert "It goes to 2 people who reported" in said(shown)
    await world.moderator.click(last(shown), label="Send it")
    await world.env.settle()
    for person in case.reporters:
        (message,) = inbox(world, person)
        assert "Which day was it?" in message.content


async def test_moderator_is_warned_of_what_gives_the_reporter_away(
    world: World, case: Case
) -> None:
    shown = await case.preview(f"Did you speak about {MARKER} at 19:30?", to="accused")
    text = said(shown)
    assert "They must not learn who reported" in text
    assert "They have not been told yet what is alleged" in text
    assert "It repeats words that somebody else wrote" in text
    assert "It names a day or an hour." in text
    pressed = await world.moderator.click(last(shown), label="Do not send it")
    assert last(pressed).content == "Nothing was sent."
    assert await case.letters() == []


async def test_warning_does_not_tell_who_the_reporter_is(world: World, case: Case) -> None:
    """It is the same for the reporter as for anybody else, so nothing can be tried out on it."""
    texts = []
    for person in (case.reporter, world.facilitator):
        shown = await case.preview(f"Has <@{person.id}> told you?", to="accused")
        texts.append(said(shown).replace(str(person.id), "…"))
    assert texts[0] == texts[1]


async def test_parties_and_outsiders_cannot_ask(world: World, case: Case) -> None:
    stranger = await world.join("test-stranger")
    for person in (case.reporter, case.accused, stranger, world.facilitator):
        assert "not yours to see" in said(await case.preview("Who was it?", by=person))
    role = world.roles["moderator"]
    for person in (case.reporter, case.accused):
        world.env.backend.add_member_role(world.guild.id, person.id, role.id)
    await world.env.settle()
    for person in (case.reporter, case.accused):
        assert "not yours to see" in said(await case.preview("Who was it?", by=person))


async def test_office_lost_before_the_press_sends_nothing(world: World, case: Case) -> None:
    shown = await case.preview("Which day was it?", by=world.moderator)
    role = world.roles["moderator"]
    world.env.backend.remove_member_role(world.guild.id, world.moderator.id, role.id)
    await world.env.settle()
    pressed = await world.moderator.click(last(shown), label="Send it")
    assert "not yours to see" in said(pressed)
    assert await case.letters() == []


async def test_hearing_is_worded_confirmed_delivered_and_answered(world: World, case: Case) -> None:
    place = world.channel("moderators")
    channel = world.client.get_channel(place.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.send("-", view=buttons(HearButton(world.group.key, "1")))
    message = place.history()[-1]
    shown = await world.moderator.click(message, label="Hear the accused")
    filled = await world.moderator.submit_modal(shown, {"words": f"You spoke of {MARKER}."})
    assert "It repeats words that somebody else wrote" in said(filled)

    again = await world.moderator.click(last(filled), label="Change the words")
    filled = await world.moderator.submit_modal(
        again, {"words": "Something from the group was passed on."}
    )
    assert "could give somebody away" not in said(filled)
    pressed = await world.moderator.click(last(filled), label="Send it")
    await world.env.settle()
    assert "they have 3 days" in last(pressed).content

    (letter,) = inbox(world, case.accused)
    assert "> Something from the group was passed on." in letter.content
    assert MARKER not in letter.content
    assert "Who reported it stays confidential" in letter.content
    (stored,) = await case.letters()
    assert stored.delivered_at is not None
    assert stored.due_at == stored.delivered_at + timedelta(days=3)

    await answer(world, case.accused, "That was not me.")
    entry = (await case.timeline())[-1]
    assert (entry.side, entry.text) == (Side.ACCUSED, "That was not me.")
    assert inbox(world, case.reporter) == []


async def test_form_opens_with_neutral_words(world: World, case: Case) -> None:
    shown = await case.preview("How do you see it?", to="accused")
    opened = await world.moderator.click(last(shown), label="Hear the accused")
    assert opened.modal is not None
    words = str(opened.modal)
    assert "It is said that something that was said in the group" in words
    assert MARKER not in words


async def test_answer_is_taken_by_a_form_that_was_open_during_a_restart(
    world: World, case: Case
) -> None:
    await case.ask("Which day was it?")
    message = inbox(world, case.reporter)[-1]
    shown = await case.reporter.user.click(message, label="Answer")
    await world.restart()
    result = await case.reporter.user.submit_modal(shown, {"words": "On a Monday."})
    assert "Your answer is with those" in said(result)
    assert (await case.letters())[0].answer == "On a Monday."


async def test_second_answer_is_added_and_the_same_one_kept_once(world: World, case: Case) -> None:
    await case.ask("Which day was it?")
    for words in ("On a Monday.", "On a Monday.", "Or a Sunday."):
        await answer(world, case.reporter, words)
    assert (await case.letters())[0].answer == "On a Monday.\n\nOr a Sunday."
    kinds = [one.kind for one in await case.timeline()]
    assert kinds == [CaseEvent.ASKED, CaseEvent.ANSWERED, CaseEvent.ANSWERED]


async def test_answer_after_the_end_is_refused_kindly_and_given_back(
    world: World, case: Case
) -> None:
    await case.ask("Which day was it?")
    message = inbox(world, case.reporter)[-1]
    shown = await case.reporter.user.click(message, label="Answer")
    await case.mark(state=CaseState.CLOSED, closed_at=now_of(world))
    result = await case.reporter.user.submit_modal(shown, {"words": "On a *Monday*."})
    assert "not waiting for an answer any more" in said(result)
    assert "> On a \\*Monday\\*." in said(result)
    assert (await case.letters())[0].answer is None
    pressed = await case.reporter.user.click(message, label="Answer")
    assert "not waiting for an answer any more" in said(pressed)


async def test_forged_or_borrowed_button_answers_nothing(world: World, case: Case) -> None:
    await case.ask("Which day was it?")
    message = inbox(world, case.reporter)[-1]
    copy = await world.client.get_partial_messageable(case.accused.user.dm_channel.id).send(
        "-", view=discord.ui.View.from_message(message, timeout=None)
    )
    pressed = await case.accused.user.click(
        next(one for one in world.dms(case.accused) if one.id == copy.id), label="Answer"
    )
    assert "not yours to see" in said(pressed)
    assert (await case.letters())[0].answer is None


async def test_lost_answer_of_discord_sends_no_second_letter(world: World, case: Case) -> None:
    world.break_request(
        "POST",
        "/channels/{channel_id}/messages",
        aiohttp.ServerDisconnectedError(),
        sent=True,
    )
    await case.add_letter(LetterKind.ACKNOWLEDGED)
    await world.env.advance_time(30)
    await world.env.settle()
    assert len(inbox(world, case.reporter)) == 1
    (letter,) = await case.letters()
    assert letter.delivered_at is not None


async def test_request_that_never_arrived_is_sent_again(world: World, case: Case) -> None:
    world.break_request(
        "POST",
        "/channels/{channel_id}/messages",
        aiohttp.ServerDisconnectedError(),
        sent=False,
    )
    await case.add_letter(LetterKind.ACKNOWLEDGED)
    await world.env.advance_time(30)
    await world.env.settle()
    (message,) = inbox(world, case.reporter)
    assert "Your report has arrived" in message.content


async def test_formatting_and_mentions_of_people_do_not_work_in_letters(
    world: World, case: Case
) -> None:
    await case.ask("**@everyone** <@1> <t:0:R>\n# big \u202e")
    content = inbox(world, case.reporter)[-1].content
    assert "@everyone" not in content
    assert "\\<@1>" in content
    assert "\n# big" not in content
    assert "\u202e" not in content


async def test_long_letter_goes_over_several_messages_in_order(world: World, case: Case) -> None:
    words = "\n".join(f"Line {n} of what was decided in this matter." for n in range(80))
    await case.add_letter(LetterKind.OUTCOME, words)
    parts = [one.content for one in world.dms(case.reporter) if "Line" in one.content]
    assert len(parts) == 2
    assert all(len(part) <= 2000 for part in parts)
    assert "\n".join(parts).count("Line") == 80


@pytest.mark.parametrize("label", ["Send it", "Do not send it"])
async def test_question_that_was_open_during_a_restart_says_kindly_what_to_do(
    case: Case, label: str
) -> None:
    shown = await case.preview("Which day was it?")
    await case.world.restart()
    pressed = await case.world.moderator.click(last(shown), label=label)
    await case.world.env.settle()
    assert "the words still stand above" in said(pressed)
    assert pressed.response is not None
    assert pressed.response.flags.ephemeral
    assert await case.letters() == []


async def test_question_that_is_not_sent_is_answered_once(case: Case) -> None:
    shown = await case.preview("Which day was it?")
    pressed = await case.world.moderator.click(last(shown), label="Do not send it")
    await case.world.env.settle()
    assert pressed.response is not None
    assert (pressed.response.content, pressed.followups) == ("Nothing was sent.", [])
