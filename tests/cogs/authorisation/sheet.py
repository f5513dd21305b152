"""The sheet: one row for each way in, one column for each kind of person, written by hand.

Ways that lead to one case are in `tests/cogs/cases/matrix.py`. A row says how the way is used and,
letter by letter in the order of `PEOPLE`, what comes of it; `OUTCOMES` says what the letters mean.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from simcord.results import InteractionResult, ResponseMessage

from tests.cogs.authorisation.forging import Forger
from tests.cogs.authorisation.scene import PEOPLE, Scene

Use = Callable[[Scene, Forger, Any], Awaitable[InteractionResult]]
Open = Callable[[Scene, str], Awaitable[Any]]

GROUP = "harbour-light"
WORDS = (
    "A story.",
    "Somebody told a story of mine.",
    "When was it?",
    "In May.",
    "It is said that",
    "We thought long.",
    "I see it otherwise.",
    "It goes on.",
    "on paper",
)
"""What people write while all ways in are used."""


@dataclass(frozen=True)
class Way:
    """One way in.

    `name` is its name in `bot.entry_points`, and after a comma in which way it is used. Where it
    has to be opened first, `opener` does that, or somebody former while they still could.
    """

    name: str
    row: str
    use: Use
    open: Open | None = None
    opener: str = "facilitator"

    @property
    def entry_point(self) -> str:
        return self.name.partition(",")[0]

    @property
    def expected(self) -> dict[str, str]:
        return dict(zip(PEOPLE, self.row.split(), strict=True))

    async def begin(self, scene: Scene, person: str) -> Any:
        """Open it, where that is needed; gives what was opened."""
        opener = person if person == f"former {self.opener}" else self.opener
        return await self.open(scene, opener) if self.open is not None else None


async def choosing(forger: Forger, result: InteractionResult) -> InteractionResult:
    """In a direct message whoever is on record in both groups is asked which of them is meant."""
    message = result.response
    if message is None or not message.components or "options" not in str(message.components):
        return result
    return await forger.choose(component(message, 0), GROUP, message)


def slash(name: str, row: str, **options: Any) -> Way:
    async def use(_scene: Scene, forger: Forger, _opened: Any) -> InteractionResult:
        return await choosing(forger, await forger.slash(name, **options))

    return Way(f"/{name}", row, use)


def about_resident(name: str, row: str, **options: Any) -> Way:
    async def use(scene: Scene, forger: Forger, _opened: Any) -> InteractionResult:
        return await forger.slash(name, member=scene.resident, **options)

    return Way(f"/{name}", row, use)


def button(name: str, row: str, id_: str = "{name}:{group}") -> Way:
    async def use(scene: Scene, forger: Forger, _opened: Any) -> InteractionResult:
        custom_id = id_.format(name=name, group=GROUP, **vars(scene))
        return await forger.press(custom_id, scene.notes[forger.place.id])

    return Way(name, row, use)


def form(name: str, row: str, id_: str, **typed: str) -> Way:
    """A form by its id alone, as it comes in after a restart."""

    async def use(scene: Scene, forger: Forger, _opened: Any) -> InteractionResult:
        return await forger.submit(id_.format(group=GROUP, **vars(scene)), **typed)

    return Way(name, row, use)


def opened_form(name: str, row: str, id_: str, **typed: str) -> Way:
    """A form that a moderator has opened by a button, sent by somebody."""

    async def open_(scene: Scene, opener: str) -> str:
        forger = scene.forger(opener)
        result = await forger.press(id_.format(group=GROUP), scene.notes[forger.place.id])
        assert result.modal is not None
        return str(result.modal["custom_id"])

    async def use(_scene: Scene, forger: Forger, opened: Any) -> InteractionResult:
        return await forger.submit(opened, **typed)

    return Way(name, row, use, open_, "moderator")


def last(result: InteractionResult) -> ResponseMessage:
    answers = [one for one in [result.response, *result.followups] if one is not None]
    return answers[-1]


def component(message: ResponseMessage, place: int) -> str:
    """The id of the component at a place in the first row under a message."""
    return str(message.components[0]["components"][place]["custom_id"])


def pressed(place: int) -> Use:
    """Press the button at a place under the message that was opened."""

    async def use(_scene: Scene, forger: Forger, opened: Any) -> InteractionResult:
        return await forger.press(component(opened, place), opened)

    return use


async def type_outcome(_scene: Scene, forger: Forger, _opened: Any) -> InteractionResult:
    return await forger.complete("breach decide", "outcome")


async def ask_to_record(scene: Scene, opener: str) -> ResponseMessage:
    options = {"member": scene.resident, "note": "on paper"}
    place = scene.world.channel("welcome")
    return last(await scene.member(opener).slash(place, "signatures record", **options))


async def ask_in_case(scene: Scene, opener: str) -> ResponseMessage:
    place, options = scene.world.channel("welcome"), {"case": 1, "question": "When was it?"}
    return last(await scene.member(opener).slash(place, "breach ask", **options))


async def begin_report(scene: Scene, opener: str) -> ResponseMessage:
    return last(await scene.member(opener).slash(scene.world.channel("welcome"), "breach report"))


async def choose_group(scene: Scene, opener: str) -> ResponseMessage:
    """Where two groups live, whoever is a facilitator of both is asked which they mean."""
    both = scene.world.facilitator if opener == "facilitator" else scene.member(opener)
    return last(await both.slash(scene.lobby, "agreement history"))


async def chosen(_scene: Scene, forger: Forger, opened: Any) -> InteractionResult:
    return await forger.choose(component(opened, 0), GROUP, opened)


async def report_message(scene: Scene, forger: Forger, _opened: Any) -> InteractionResult:
    return await choosing(forger, await forger.menu("Report a breach", scene.story))


async def report_person(scene: Scene, forger: Forger, _opened: Any) -> InteractionResult:
    return await choosing(forger, await forger.menu("Report a breach", scene.resident))


# In the order of PEOPLE: outsider, former member, member, signer | moderator, accused, recused |
# facilitator, former facilitator, former moderator, other facilitator | owner, administrator,
# server manager, bot.
ON_SERVER = "g +  + +  + + +  + + + +  + + + -"
ANYBODY = "+ +  + +  + + +  + + + +  + + + -"
SIGNING = "g m  + +  + + +  + + + +  + + + -"
SIGNING_BY_BUTTON = "m m  + +  + + +  + + + +  + + + -"
OWN_SIGNATURE = "g +  n +  n n n  n n n n  n n n -"
FACILITATOR = "g g  - -  - - -  + - - -  - - - -"
FACILITATOR_BY_BUTTON = "- -  - -  - - -  + - - -  - - - -"
AGREEMENT = (
    slash("agreement read", ON_SERVER),
    slash("agreement sign", SIGNING),
    slash("agreement withdraw", OWN_SIGNATURE),
    slash("agreement receipt", OWN_SIGNATURE),
    button("pledge:sign", SIGNING_BY_BUTTON),
    button("pledge:language", ON_SERVER, "{name}:{group}:original"),
    button("pledge:keep", ANYBODY, "{name}"),
    button("pledge:not-now", ANYBODY, "{name}"),
    button("pledge:withdraw", "n +  n +  n n n  n n n n  n n n -"),
    button("pledge:decline", SIGNING_BY_BUTTON, "{name}:{group}:{version_id}"),
    button("pledge:accept", SIGNING_BY_BUTTON, "{name}:{group}:{version_id}"),
)
VERSIONS = (
    slash("agreement publish", FACILITATOR, change="minor"),
    slash("agreement history", FACILITATOR),
    slash("agreement invite", FACILITATOR),
    Way("/agreement history, chosen", FACILITATOR_BY_BUTTON, chosen, choose_group),
    button("pledge:history", FACILITATOR_BY_BUTTON, "{name}:{group}:0"),
    button("pledge:invite", FACILITATOR_BY_BUTTON, "{name}:{group}:1:everybody"),
    button("pledge:stop-invite", FACILITATOR_BY_BUTTON, "{name}:{group}:1"),
    button("pledge:publish", FACILITATOR_BY_BUTTON, "{name}:{group}:minor:{fingerprint}"),
    slash("pledge check", "g g  - -  - - -  + - - -  + + + -"),
)
SIGNATURES = (
    about_resident("signatures check", "g g  - -  + + +  + - - -  - - - -"),
    slash("signatures list", FACILITATOR, status="all"),
    slash("signatures overview", FACILITATOR),
    slash("signatures export", FACILITATOR, format="csv"),
    slash("signatures remind", FACILITATOR),
    about_resident("signatures record", FACILITATOR, note="on paper"),
    button("pledge:list", FACILITATOR_BY_BUTTON, "{name}:{group}:all:0"),
    button("pledge:remind", FACILITATOR_BY_BUTTON),
    button("pledge:enforce", FACILITATOR_BY_BUTTON, "{name}:{group}:3"),
    button("pledge:remove", FACILITATOR_BY_BUTTON, "{name}:{group}:3"),
    Way("RecordView, put away", FACILITATOR_BY_BUTTON, pressed(1), ask_to_record),
    Way("RecordView", FACILITATOR_BY_BUTTON, pressed(0), ask_to_record),
)
UNTOUCHED = "c c  c c  + c c  c c c c  c c c -"
"""For moderators who have no part in the case."""

UNTOUCHED_BY_ID = UNTOUCHED.replace("-", "c")
"""The same, where the case is what is looked at first."""

ANSWERING = "c c  c +  c c c  c c c c  c c c c"
BREACHES = (
    slash("breach report", ON_SERVER),
    slash("breach mine", ANYBODY),
    Way("/breach decide [outcome]", "o o  o o  + + +  o o o o  + o o o", type_outcome),
    Way("Report a breach (message)", ON_SERVER, report_message),
    Way("Report a breach (user)", ON_SERVER, report_person),
    button("pledge:mine", ANYBODY, "{name}:0"),
    button("pledge:case:numbers", "- -  - -  + + +  - - - -  + - - -"),
    Way("NoticeView", ON_SERVER, pressed(0), begin_report),
    Way("ConfirmView", UNTOUCHED, pressed(0), ask_in_case, "moderator"),
    opened_form("MergeForm", UNTOUCHED, "pledge:case:merge:{group}:1", into="#2"),
    opened_form("KeepForm", UNTOUCHED, "pledge:case:keep:{group}:2", reason="It goes on."),
    form("HearForm", UNTOUCHED_BY_ID, "pledge:case:hear:{group}:1", words="It is said that"),
    form("AnswerForm", ANSWERING, "pledge:letter:answer:{group}:{letter_id}", words="In May."),
    form("WordsForm", UNTOUCHED_BY_ID, "pledge:case:words:{group}:1:1", words="We thought long."),
    form(
        "AppealForm",
        "c c  c c  c + c  c c c c  c c c c",
        "pledge:case:appeal:{group}:3",
        words="I see it otherwise.",
    ),
    # Last, as what is told of so many new cases keeps the bot busy.
    form(
        "ReportModal",
        "b +  + +  + + +  + + + +  + + + b",
        "pledge:report:{group}:command:1",
        what="Somebody told a story of mine.",
        clause="covered",
    ),
)
PRIVACY = (
    slash("privacy show", ANYBODY),
    slash("privacy export", ANYBODY),
    slash("privacy erase", ANYBODY),
    # Of somebody else's record: everybody is told that it is not theirs.
    button("pledge:erase", ANYBODY, "{name}:{group}:1:0123456789abcdef"),
    button("pledge:erase:no", ANYBODY, "{name}"),
)
CHAPTERS = {
    "agreement": AGREEMENT,
    "versions": VERSIONS,
    "signatures": SIGNATURES,
    "breaches": BREACHES,
    "privacy": PRIVACY,
}
