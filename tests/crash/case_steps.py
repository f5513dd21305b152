"""What people do in a breach case, from the report to the end of it, one step after the other."""

from collections.abc import Callable
from datetime import timedelta

from simcord.backend.models import Message

from bot.domain.breaches import CaseEvent
from bot.texts import asking, letters, outcomes, reporting
from bot.texts import cases as desk
from tests.crash.scenario import Act, Step, is_inside, joins, nothing, publish, reacts
from tests.crash.town import ACCEPT
from tests.crash.world import World, offers

WHAT = "A story of mine was told outside the group."
DAYS = 7
PAUSE = "  - key: suspended\n    text: A pause.\n"


async def with_a_pause(world: World) -> None:
    """The agreement of this group knows a pause, and two people look after cases."""
    file = world.folder / "agreement.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  - key: removed\n", f"{PAUSE}  - key: removed\n"), "utf-8")
    world.join("mona", "moderator")
    world.join("nora", "moderator")


def _has(world: World, kind: CaseEvent, times: int = 1) -> bool:
    return world.record.steps()[kind] >= times


def until(kind: CaseEvent, act: Act, times: int = 1) -> Act:
    """Do it unless it is in the case already, as somebody who looks into it would see."""

    async def unless_done(world: World) -> None:
        if not _has(world, kind, times):
            await act(world)

    return unless_done


def once(kind: CaseEvent, times: int = 1) -> Callable[[World], bool]:
    return lambda world: world.record.steps()[kind] == times


async def _press(world: World, name: str, pages: list[Message], label: str) -> list[Message]:
    """Press a button under the last page, if the bot came so far."""
    if not pages or not offers(pages[-1], label):
        return []
    return await world.press(world.people[name], pages[-1], label)


async def _fill(world: World, name: str, channel_id: int, **typed: object) -> list[Message]:
    """Send the form that was opened, if the bot came so far."""
    if world.form is None:
        return []
    return await world.submit(world.people[name], channel_id, world.form, typed)


async def report(world: World) -> None:
    """Rosa says that her story left the room."""
    pages = await world.slash(world.people["rosa"], "welcome", "breach report")
    await _press(world, "rosa", pages, reporting.CONTINUE_BUTTON)
    whom = [str(world.people["finn"])]
    await _fill(world, "rosa", world.channels["welcome"], what=WHAT, clause="covered", whom=whom)


async def claim(world: World) -> None:
    """Mona takes it on, with the button under the notice."""
    notices = world.backend.messages[world.channels["moderators"]].values()
    notice = next((one for one in notices if offers(one, desk.CLAIM_BUTTON)), None)
    if notice is not None:
        await world.press(world.people["mona"], notice, desk.CLAIM_BUTTON)


async def ask(world: World) -> None:
    """Mona asks whoever reported, and does not learn who that is."""
    mona = world.people["mona"]
    pages = await world.slash(mona, "moderators", "breach ask", case=1, question="When was it?")
    await _press(world, "mona", pages, asking.SEND_BUTTON)


async def hear(world: World) -> None:
    """Mona has Finn told what is alleged, in words of her own."""
    pages = await world.slash(world.people["mona"], "moderators", "breach show", case=1)
    await _press(world, "mona", pages, asking.HEAR_BUTTON)
    pages = await _fill(world, "mona", world.channels["moderators"])
    await _press(world, "mona", pages, asking.SEND_BUTTON)


def answers(name: str) -> Act:
    async def act(world: World) -> None:
        letter = next(
            one for one in reversed(world.messages(name)) if offers(one, letters.ANSWER_BUTTON)
        )
        await world.press(world.people[name], letter, letters.ANSWER_BUTTON)
        await _fill(world, name, letter.channel_id, words="It was like this.")

    return act


def decides(name: str, outcome: str, days: int | None = None) -> Act:
    async def act(world: World) -> None:
        more = {} if days is None else {"days": days}
        who = world.people[name]
        pages = await world.slash(
            who, "moderators", "breach decide", case=1, outcome=outcome, reason="So it was.", **more
        )
        await _press(world, name, pages, outcomes.CONFIRM_BUTTON)

    return act


async def role_by_hand(world: World) -> None:
    world.give_by_hand("finn")


def days_pass(days: int) -> Act:
    async def act(world: World) -> None:
        world.let_time_pass(timedelta(days=days))

    return act


async def appeal(world: World) -> None:
    """Finn asks for another look."""
    await world.slash(world.people["finn"], "welcome", "breach appeal", case=1)
    await _fill(world, "finn", world.channels["welcome"], words="Please look once more.")


async def take_up(world: World) -> None:
    """Nora, who has not decided, takes the appeal on."""
    await world.slash(world.people["nora"], "moderators", "breach claim", case=1)


def step(name: str, kind: CaseEvent, act: Act, times: int = 1) -> Step:
    return Step(name, act, again=until(kind, act, times), shows=once(kind, times))


def is_closed(world: World) -> bool:
    return world.record.case_state() == "closed"


def _has_paused(world: World) -> bool:
    return once(CaseEvent.DECIDED)(world) and is_inside("finn", holds=False)(world)


def _is_over(world: World) -> bool:
    return once(CaseEvent.SUSPENSION_ENDED)(world) and is_inside("finn")(world)


_BEFORE = (
    Step("first start", with_a_pause, asleep=True, looked_at=False),
    Step("publishing", publish, looked_at=False),
    Step("finn joins", joins("finn"), looked_at=False),
    Step("finn accepts", reacts("finn", ACCEPT), looked_at=False, shows=is_inside("finn")),
    Step("rosa joins", joins("rosa"), looked_at=False),
)

CASE = (
    *_BEFORE,
    step("reporting", CaseEvent.REPORTED, report),
    step("claiming", CaseEvent.CLAIMED, claim),
    step("asking rosa", CaseEvent.ASKED, ask),
    step("rosa answers", CaseEvent.ANSWERED, answers("rosa")),
    step("hearing finn", CaseEvent.HEARD, hear),
    step("finn answers", CaseEvent.ANSWERED, answers("finn"), 2),
    Step(
        "pausing",
        decides("mona", "suspended", DAYS),
        again=until(CaseEvent.DECIDED, decides("mona", "suspended", DAYS)),
        shows=_has_paused,
    ),
    Step("finn gets the role by hand", role_by_hand, shows=is_inside("finn", holds=False)),
    Step("the pause is over", days_pass(DAYS + 1), asleep=True, shows=_is_over),
    step("finn appeals", CaseEvent.APPEALED, appeal),
    step("nora takes it up", CaseEvent.CLAIMED, take_up, 2),
    Step(
        "nora decides",
        decides("nora", "no_breach"),
        again=until(CaseEvent.DECIDED, decides("nora", "no_breach"), 2),
        shows=is_closed,
    ),
)
"""A story left the room: reported, heard, decided, carried out, looked at again, and closed."""

REMINDER = (
    *_BEFORE,
    Step("reporting", report, looked_at=False),
    Step("claiming", claim, looked_at=False),
    step("reminding", CaseEvent.DECIDED, decides("mona", "reminder")),
    Step("two weeks later", days_pass(15), asleep=True, shows=is_closed),
    Step("start after the end", nothing, asleep=True, in_long_form=True, shows=is_closed),
)
"""A case that nobody appeals against closes by itself."""
