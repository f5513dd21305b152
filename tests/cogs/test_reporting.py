"""Somebody reports a breach, by command and by the context menus, in the real bot."""

import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from simcord.actors import MemberActor
from simcord.results import InteractionResult

from bot.documents.press import GivenUpError
from bot.domain.breaches import BreachReport, Clause, Evidence, Source
from bot.domain.errors import (
    RecordUnavailableError,
    RecordUncertainError,
    UnknownCaseError,
)
from bot.services.cases import reporting
from bot.storage import case_reports, cases
from tests.cogs.conftest import World
from tests.factories import make_agreement

WHAT = "A story was retold in another place."
TYPED: dict[str, Any] = {"what": WHAT, "clause": "covered"}


async def open_form(
    world: World, person: MemberActor, begun: InteractionResult
) -> InteractionResult:
    """Read the notice and go on to the form."""
    assert begun.response is not None
    return await person.click(begun.response, label="Go on to the form")


def said(result: InteractionResult) -> str:
    return "\n".join(one.content for one in (result.response, *result.followups) if one)


async def send(
    world: World, person: MemberActor, shown: InteractionResult, **typed: Any
) -> InteractionResult:
    sent = await person.submit_modal(shown, {**TYPED, **typed})
    await world.env.settle()
    return sent


def left_open(shown: InteractionResult) -> InteractionResult:
    """The form once more: Discord leaves it open when it has heard no answer in time."""
    shown._interaction.modal_consumed = False
    return shown


async def kept(world: World, number: int = 1) -> tuple[BreachReport, list[Evidence]]:
    async with world.database.read() as tx:
        case = await cases.get_by_number(tx, world.group.key, number)
        (report,) = await case_reports.list_of_case(tx, case.id)
        return report, await case_reports.list_evidence(tx, case.id)


@pytest.fixture
async def ready(world: World) -> World:
    await world.publish()
    return world


async def begin(world: World, person: MemberActor) -> InteractionResult:
    return await person.slash(world.channel("welcome"), "breach report")


async def test_the_notice_comes_first_and_says_who_will_see_it(ready: World) -> None:
    person = await ready.join()
    begun = await begin(ready, person)
    assert begun.response is not None
    assert begun.response.flags.ephemeral
    notice = begun.response.content
    assert notice.index("danger") < notice.index("moderators")
    assert "confidential, but not anonymous" in notice
    assert "Discord" in notice


async def test_a_report_is_kept_as_typed_and_its_number_given(ready: World) -> None:
    person = await ready.join()
    other = await ready.join("test-other")
    shown = await open_form(ready, person, await begin(ready, person))
    sent = await send(ready, person, shown, when="2026-01-02", whom=[other])
    assert sent.response is not None
    assert sent.response.flags.ephemeral
    assert "#1" in said(sent)
    report, _ = await kept(ready)
    assert report.reporter_id == person.id
    form = report.form
    assert (form.what, form.clause, form.source) == (WHAT, Clause.COVERED, Source.COMMAND)
    assert (form.accused_id, str(form.incident_on)) == (other.id, "2026-01-02")
    # The person hears from the bot, and the moderators' channel has neither names nor words.
    assert any("#1" in message.content for message in ready.dms(person))
    for notice in ready.notices():
        assert WHAT not in notice
        assert person.name not in notice
        assert other.name not in notice


async def test_a_day_nobody_can_read_loses_nothing(ready: World) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))
    sent = await send(ready, person, shown, when="last tuesday evening")
    assert "last tuesday evening" in said(sent)
    report, _ = await kept(ready)
    assert report.form.incident_on is None
    assert "last tuesday evening" in report.form.what


async def test_a_message_is_reported_with_its_words_only_if_they_say_so(ready: World) -> None:
    person = await ready.join()
    other = await ready.join("test-other")
    message = await other.send(ready.channel("welcome"), "words of a message")
    for number, agreed in ((1, True), (2, False)):
        begun = await person.context_menu(ready.channel("welcome"), "Report a breach", message)
        shown = await open_form(ready, person, begun)
        await send(ready, person, shown, words=agreed, whom=[other])
        report, _ = await kept(ready, number)
        assert report.form.source is Source.MESSAGE
        assert report.form.link == message.jump_url
        assert report.form.quoted == ("words of a message" if agreed else None)
        assert report.form.accused_id == other.id


async def test_link_to_a_message_that_is_typed_can_be_followed(ready: World) -> None:
    person, other = await ready.join(), await ready.join("test-other")
    message = await other.send(ready.channel("welcome"), "words of a message")
    typed = f"Look: {message.jump_url}, and https://example.org/?x=discord.gg/abcdef"
    await send(
        ready, person, await open_form(ready, person, await begin(ready, person)), what=typed
    )
    report, _ = await kept(ready)
    assert (report.form.what, report.form.link) == (typed, message.jump_url)

    shown = said(await ready.moderator.slash(ready.channel("moderators"), "breach show", case=1))

    assert f"Message: {message.jump_url}\n" in shown
    assert shown.count("://") == 3
    assert shown.count("\\://") == 2
    assert "discord\\.gg/abcdef" in shown


async def test_a_person_is_chosen_already_when_they_are_reported(ready: World) -> None:
    person = await ready.join()
    other = await ready.join("test-other")
    begun = await person.context_menu(ready.channel("welcome"), "Report a breach", other)
    shown = await open_form(ready, person, begun)
    assert shown.modal is not None
    assert str(other.id) in str(shown.modal)


async def test_pictures_are_kept_without_where_they_were_taken(ready: World) -> None:
    person = await ready.join()
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "test-camera"
    Image.new("RGB", (4, 4)).save(out, "JPEG", exif=exif)
    shown = await open_form(ready, person, await begin(ready, person))
    files = [("a.jpg", out.getvalue()), ("program.jpg", b"MZ\x90\x00" + bytes(100))]
    sent = await send(ready, person, shown, files=files)
    assert "1 file is kept" in said(sent)
    assert "1 file could not be kept" in said(sent)
    _, (picture, program) = await kept(ready)
    assert (picture.media_type, picture.is_kept) == ("image/jpeg", True)
    assert not program.is_kept
    async with ready.database.read() as tx:
        content = await case_reports.find_content(tx, picture.case_id, picture.id)
    assert content is not None
    assert b"test-camera" not in content


@pytest.mark.parametrize("error", [GivenUpError(), MemoryError()])
async def test_file_that_takes_too_much_costs_none_of_the_others(
    ready: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))
    make = ready.client.press.make

    async def give_up(function: Any, content: bytes) -> bytes:
        if content.startswith(b"too much"):
            raise error
        return await make(function, content)

    monkeypatch.setattr(ready.client.press, "make", give_up)
    files = [("a.txt", b"too much for it"), ("b.txt", b"what was said")]
    sent = await send(ready, person, shown, files=files)
    assert "1 file is kept" in said(sent)
    assert "1 file could not be kept" in said(sent)
    _, evidence = await kept(ready)
    assert [(one.name, one.is_kept) for one in evidence] == [("a.txt", False), ("b.txt", True)]


async def test_what_was_typed_comes_back_when_it_cannot_be_kept(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))

    async def refuse(*_args: object) -> None:
        raise RecordUnavailableError

    monkeypatch.setattr(reporting, "report", refuse)
    sent = await send(ready, person, shown)
    assert sent.response is not None
    assert sent.response.flags.ephemeral
    (file,) = sent.response.attachments
    assert await file.read() == WHAT.encode()


async def test_what_was_typed_comes_back_whatever_goes_wrong(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))
    monkeypatch.setattr(ready.client, "groups", {})
    sent = await send(ready, person, shown)
    assert sent.response is not None
    (file,) = sent.response.attachments
    assert await file.read() == WHAT.encode()


async def test_when_nobody_knows_whether_it_was_kept_the_person_is_told_so(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))

    async def break_off(*_args: object) -> None:
        raise RecordUncertainError

    monkeypatch.setattr(reporting, "report", break_off)
    sent = await send(ready, person, shown)
    assert "cannot say whether I have it" in said(sent)
    assert "Nothing was sent" not in said(sent)


async def test_form_that_is_sent_again_after_no_answer_came_makes_one_case(ready: World) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))
    ready.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    files = [("a.txt", b"what was said")]
    await send(ready, person, shown, files=files)
    again = await send(ready, person, left_open(shown), files=files)
    assert "I have this report already. It is case **#1**" in said(again)
    report, evidence = await kept(ready)
    assert report.form.what == WHAT
    assert [(one.name, one.is_kept) for one in evidence] == [("a.txt", True)]
    async with ready.database.read() as tx:
        with pytest.raises(UnknownCaseError):
            await cases.get_by_number(tx, ready.group.key, 2)


async def test_form_that_is_sent_again_with_other_words_loses_neither(ready: World) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))
    ready.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    await send(ready, person, shown)
    await send(ready, person, left_open(shown), what="And one thing more.")
    texts = [(await kept(ready, number))[0].form.what for number in (1, 2)]
    assert texts == [WHAT, "And one thing more."]


async def test_reported_message_that_a_restart_forgot_is_asked_for_again(ready: World) -> None:
    person, other = await ready.join(), await ready.join("test-other")
    message = await other.send(ready.channel("welcome"), "words of a message")
    begun = await person.context_menu(ready.channel("welcome"), "Report a breach", message)
    shown = await open_form(ready, person, begun)
    from cogs import _reporting

    _reporting.ours.clear()
    ready.client._connection._view_store._modals.clear()
    sent = await send(ready, person, shown, whom=[other])
    assert "please report the message once more" in said(sent)
    assert (await kept(ready))[0].form.link is None


async def test_long_words_for_whoever_is_in_danger_cut_nothing_off(world: World) -> None:
    lines = "\n".join(f"Call line {number} at any hour of the day." for number in range(60))
    world.groups[0] = replace(world.group, agreement=make_agreement(crisis=lines))
    await world.restart()
    await world.publish()
    person = await world.join()
    begun = await begin(world, person)
    assert "Call line 59" in said(begun)
    assert "is never a breach" in said(begun)
    shown = await person.click(begun.followups[-1], label="Go on to the form")
    assert shown.modal is not None


async def test_a_form_that_was_open_during_a_restart_is_kept(ready: World) -> None:
    person = await ready.join()
    shown = await open_form(ready, person, await begin(ready, person))
    from cogs import _reporting

    _reporting.ours.clear()
    ready.client._connection._view_store._modals.clear()
    sent = await send(ready, person, shown)
    assert "#1" in said(sent)
    report, _ = await kept(ready)
    assert report.form.what == WHAT


async def test_notice_that_was_open_during_a_restart_says_kindly_to_begin_again(
    ready: World,
) -> None:
    person = await ready.join()
    begun = await begin(ready, person)
    await ready.restart()
    pressed = await open_form(ready, person, begun)
    assert pressed.modal is None
    assert "Please begin once more" in said(pressed)


async def test_a_bot_is_not_accused(ready: World) -> None:
    person = await ready.join()
    bot_user = ready.env.bot.user
    assert bot_user is not None
    bot = ready.guild.add_member(ready.env.create_user("test-bot", bot=True))
    begun = await person.context_menu(ready.channel("welcome"), "Report a breach", bot)
    assert "bot" in said(begun)


async def test_too_many_are_refused_before_anybody_types(ready: World) -> None:
    person = await ready.join()
    for _number in range(ready.group.cases.reports_per_day):
        shown = await open_form(ready, person, await begin(ready, person))
        await send(ready, person, shown)
    refused = await begin(ready, person)
    assert "tomorrow" in said(refused)


async def test_it_works_in_a_direct_message(ready: World) -> None:
    person = await ready.join()
    begun = await person.user.slash("breach report")
    assert begun.response is not None
    shown = await person.user.click(begun.response, label="Go on to the form")
    await person.user.submit_modal(shown, TYPED)
    await ready.env.settle()
    report, _ = await kept(ready)
    assert report.reporter_id == person.id
