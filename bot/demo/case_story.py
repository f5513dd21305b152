"""The part of the story in which something leaves the group: reported, heard, decided, closed."""

from collections.abc import Sequence
from typing import Any

from simcord.results import InteractionResult

from bot.demo.stage import Stage
from bot.demo.world import ACCEPT, pages_of
from bot.domain.agreements import Standing
from bot.domain.breaches import CaseState
from bot.storage import cases
from bot.texts import asking, letters, outcomes, reporting
from bot.texts import cases as desk

WHAT = "Finch told people outside the group what somebody had said in #support, with the name."
ANSWER = "I am sorry. I told one friend, and I did not think of the name."
REASON = "Told outside with the name; Finch says so and is sorry."
DAYS = 7
DAY = 86_400.0


async def report(stage: Stage) -> None:
    """Somebody says that their story left the room, and is told at once what happens now."""
    world, tell = stage.world, stage.tell
    await stage.enter("Finch")
    await world.react(stage.people["Finch"], ACCEPT)
    tell.did("Finch", f"reads, and reacts with {ACCEPT}.")
    await stage.expect_inside("Finch")
    for name in ("Lark", "Finch"):
        world.unseen(stage.people[name])
    lark, finch = stage.people["Lark"], stage.people["Finch"]
    begun = await lark.slash(world.welcome, "breach report")
    tell.did("Lark", "types /breach report")
    tell.check(begun.ephemeral and begun.response, "only Lark sees the notice")
    tell.listed("only to Lark", _lines(begun))
    shown = await lark.click(_last(begun), label=reporting.CONTINUE_BUTTON)
    tell.did("Lark", f"presses [{reporting.CONTINUE_BUTTON}] and writes what happened.")
    typed: dict[str, Any] = {"what": WHAT, "clause": "covered", "whom": [finch]}
    sent = await lark.submit_modal(shown, typed)
    await world.settle()
    tell.check("#1" in _text(sent), "Lark has a case number")
    tell.said("only to Lark", [_text(sent)])
    stage.hear("Lark", "#1")
    notices = [one.content for one in world.moderators.history()]
    tell.check(any("#1" in one for one in notices), "the moderators are told of a case")
    names = (WHAT, "Lark", "Finch", str(lark.id), str(finch.id))
    told = not any(name in one for one in notices for name in names)
    tell.check(told, "the channel holds no words and no names of it")
    tell.said("in #moderators", [notices[-1]])


async def look_into_it(stage: Stage) -> None:
    """A moderator opens the case, without learning who reported, and the accused is heard."""
    world, tell, gannet = stage.world, stage.tell, stage.world.moderator
    notice = [one for one in world.moderators.history() if one.components][-1]
    opened = await gannet.click(notice, label=desk.OPEN_BUTTON)
    tell.did("Gannet", f"presses [{desk.OPEN_BUTTON}] below it.")
    shown = _text(opened)
    tell.check(opened.ephemeral, "only Gannet sees the case")
    tell.check("sealed" in shown and WHAT[:20] in shown, "the report is there, its author is not")
    lark = stage.people["Lark"]
    tell.check(str(lark.id) not in shown and "Lark" not in shown, "Lark stays sealed")
    tell.listed("only to Gannet", _lines(opened))
    await gannet.click(notice, label=desk.CLAIM_BUTTON)
    await world.settle()
    tell.did("Gannet", f"presses [{desk.CLAIM_BUTTON}].")
    stage.hear("Lark", "#1")
    form = await gannet.click(_last(opened), label=asking.HEAR_BUTTON)
    typed = await gannet.submit_modal(form, {"words": _default_of(form)})
    tell.did("Gannet", f"presses [{asking.HEAR_BUTTON}], and words what is alleged.")
    await gannet.click(_last(typed), label=asking.SEND_BUTTON)
    await world.settle()
    finch = stage.people["Finch"]
    (letter,) = world.unseen(finch)
    tell.said("to Finch", [letter.content])
    tell.check(WHAT not in letter.content, "Finch does not read what Lark wrote")
    asked = await finch.user.click(letter, label=letters.ANSWER_BUTTON)
    await finch.user.submit_modal(asked, {"words": ANSWER})
    await world.settle()
    tell.did("Finch", f"presses [{letters.ANSWER_BUTTON}]: “{ANSWER}”")


async def decide(stage: Stage) -> None:
    """The outcome is a step of the agreement, and the bot carries it out."""
    world, tell, gannet = stage.world, stage.tell, stage.world.moderator
    shown = await gannet.slash(
        world.moderators,
        "breach decide",
        case=1,
        outcome="suspended",
        reason=REASON,
        days=DAYS,
    )
    tell.did("Gannet", f"types /breach decide case: 1 outcome: suspended days: {DAYS}")
    tell.check(world.has_role(stage.people["Finch"]), "nothing is done before Gannet confirms")
    tell.listed("only to Gannet", _lines(shown))
    await gannet.click(_last(shown), label=outcomes.CONFIRM_BUTTON)
    await world.settle()
    tell.did("Gannet", f"presses [{outcomes.CONFIRM_BUTTON}].")
    finch = stage.people["Finch"]
    tell.check(not world.has_role(finch), "Finch has no member role any more")
    tell.check(not world.can_see(finch, world.support), "Finch cannot see #support")
    tell.saw("Finch loses the role @member. #support closes.")
    stage.inside.discard("Finch")
    for name in ("Finch", "Lark"):
        tell.said(f"to {name}", [one.content for one in world.unseen(stage.people[name])])
    world.env.backend.add_member_role(world.guild.id, finch.id, world.member_role.id)
    await world.settle()
    tell.saw("somebody gives Finch the role by hand.")
    tell.check(not world.has_role(finch), "the role given by hand is taken again")
    tell.saw("the bot takes it back: a pause holds, however somebody comes by the role.")


async def close(stage: Stage) -> None:
    """The pause ends by itself, and so does the case."""
    world, tell, finch = stage.world, stage.tell, stage.people["Finch"]
    for days in (DAYS, DAYS + 1):
        await world.sleep(days * DAY)
    tell.saw("two weeks go by.")
    record = await world.record_of(finch)
    tell.check(record.standing is Standing.SIGNED, "Finch's signature counted all the time")
    tell.check(world.has_role(finch), "Finch is in again when the pause is over")
    stage.inside.add("Finch")
    tell.saw(f"after {DAYS} days Finch gets the role @member back, and was told.")
    async with world.client.database.read() as tx:
        case = await cases.get_by_number(tx, world.group.key, 1)
    tell.check(case.state is CaseState.CLOSED, "the case is closed")
    tell.stored("case #1: closed. In a year all of it is destroyed, but for a stub without names.")
    for name in ("Finch", "Lark"):
        tell.said(f"to {name}", [one.content for one in world.unseen(stage.people[name])])
    mine = await stage.people["Lark"].slash(world.welcome, "breach mine")
    tell.did("Lark", "types /breach mine")
    tell.check(mine.ephemeral and "#1" in _text(mine), "Lark sees how it went")
    tell.listed("only to Lark", _lines(mine))


def _last(result: InteractionResult) -> Any:
    return pages_of(result)[-1]


def _text(result: InteractionResult) -> str:
    return "\n".join(page.content for page in pages_of(result))


def _lines(result: InteractionResult) -> Sequence[str]:
    return [line for line in _text(result).splitlines() if line.strip()]


def _default_of(form: InteractionResult) -> str:
    """What stands in the first part of a form before anybody has typed."""
    spec: Any = form.modal
    return str(spec["components"][0]["component"]["value"])
