"""Who gets anything out of each way into a case: one row for each way, one column for each person.

Whoever adds a command of `/breach` or a button that begins with `pledge:case`, `pledge:cases` or
`pledge:letter` adds a row to `ENTRIES`: a test fails while one is missing. A row says how somebody
uses it on a case of a given number, and who gets more of it than for a case that does not exist.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import discord
from simcord.actors import MemberActor
from simcord.builders import RoleHandle, UserHandle
from simcord.results import InteractionResult

from bot.domain.breaches import BreachCase, CaseState, LetterKind
from bot.effects.views import button_row
from bot.storage import case_letters, case_reports, cases
from tests.cogs.conftest import World
from tests.services.cases.cases import add_case, add_file, decide

MISSING = 999_999
"""The number of no case, and the id of nothing."""

DESK = frozenset({"other moderator", "escalation, nobody before", "owner, nobody before"})
"""Who works on a case: somebody of the first office in which anybody is left."""

REPORTERS = frozenset({"reporter", "reporter moderator", "reporter owner, nobody before"})
ACCUSED = frozenset({"accused", "accused moderator", "accused owner, nobody before"})
PEOPLE = (
    "reporter",
    "accused",
    "other moderator",
    "recused moderator",
    "facilitator",
    "member",
    "outsider",
    "owner",
    "escalation",
    "accused moderator",
    "reporter moderator",
    "escalation, nobody before",
    "owner, nobody before",
    "accused owner, nobody before",
    "reporter owner, nobody before",
    "former moderator",
    "other facilitator",
    "administrator",
    "signer",
    "bot",
)

Person = MemberActor | UserHandle


@dataclass
class Scene:
    """A world with somebody for each column, each of whom has a case of their own."""

    world: World
    people: dict[str, Person] = field(default_factory=dict)
    moderators: list[int] = field(default_factory=list)

    async def build(self) -> None:
        world = self.world
        await world.publish()
        escalation = world.guild.create_role("escalation")
        moderator, facilitator = world.roles["moderator"], world.roles["harbour-light-facilitator"]
        admin = discord.Permissions(administrator=True)
        roles: dict[str, list[RoleHandle]] = {
            "other moderator": [moderator],
            "recused moderator": [moderator],
            "accused moderator": [moderator],
            "reporter moderator": [moderator],
            "escalation": [escalation],
            "former moderator": [moderator],
            "other facilitator": [world.guild.create_role("quiet-cove-facilitator")],
            "administrator": [world.guild.create_role("admin", permissions=admin)],
            "bot": [moderator, facilitator],
        }
        for place, name in enumerate(PEOPLE):
            user = world.env.create_user(f"test-{place}", bot=name == "bot")
            if name == "outsider":
                self.people[name] = user
            elif name == "facilitator":
                self.people[name] = world.facilitator
            elif "owner" in name:
                self.people[name] = MemberActor(world.env, world.guild, world.guild.owner)
            elif name == "escalation, nobody before":
                self.people[name] = self.people["escalation"]
            else:
                self.people[name] = world.guild.add_member(user, roles=roles.get(name, []))
        await world.env.settle()
        # Who joins with a role is seen by the next look at the member list.
        with world.env._bot_scope():
            world.client.dispatch("reconcile", world.group.key)
        await world.env.settle()
        self.moderators = [world.moderator.id] + [
            self.people[name].id for name in roles if roles[name] == [moderator]
        ]
        signer, former = self.people["signer"], self.people["former moderator"]
        assert isinstance(signer, MemberActor)
        # So many have joined at once that some are asked a minute later.
        await world.env.advance_time(60)
        await world.react(signer)
        # They lost the role a moment ago, and only Discord knows.
        world.env.backend.get_member(world.guild.id, former.id).role_ids.clear()

    async def make_case(self, name: str, entry: "Entry") -> "Tried":
        """The case of one column: only what makes this person somebody in it differs."""
        world, me = self.world, self.people[name].id
        reporter, accused = self.people["reporter"].id, self.people["accused"].id
        recused: list[int] = []
        if name == "recused moderator":
            recused = [me]
        if name.endswith("nobody before"):
            recused = list(self.moderators)
            if "owner" in name:
                recused.append(self.people["escalation"].id)
        async with world.database.write() as tx:
            now = world.client.now()
            case = await add_case(
                tx,
                reporters=[me if name.startswith("reporter") else reporter],
                accused=me if name.startswith("accused") else accused,
                recused=recused,
                now=now,
            )
            if entry.state is CaseState.CLOSED:
                await cases.mark(tx, case.id, state=CaseState.CLOSED, closed_at=now)
            elif entry.state is CaseState.IN_REVIEW:
                await cases.mark(tx, case.id, state=CaseState.IN_REVIEW)
            elif entry.state is CaseState.DECIDED:
                await decide(tx, case, self.moderators[0], now=now)
            report_id = (await case_reports.list_of_case(tx, case.id))[0].id
            letter_id = await case_letters.add(
                tx, case, LetterKind.QUESTION, now, report_id=report_id, text="When was it?"
            )
        file_id = await add_file(world.database, case)
        with world.env._bot_scope():
            world.client.effects.wake()
        await world.env.settle()
        return Tried(scene=self, person=self.people[name], case=case, ids=(file_id, letter_id))


@dataclass(frozen=True)
class Tried:
    """Somebody tries a way into a case of their own."""

    scene: Scene
    person: Person
    case: BreachCase
    ids: tuple[int, int]
    missing: bool = False

    @property
    def number(self) -> int:
        return MISSING if self.missing else self.case.case_number

    @property
    def file_id(self) -> int:
        return self.ids[0]

    @property
    def letter_id(self) -> int:
        return MISSING if self.missing else self.ids[1]

    async def slash(self, command: str, **options: Any) -> str:
        world = self.scene.world
        if isinstance(self.person, UserHandle):
            result = await self.person.slash(f"breach {command}", **options)
        else:
            result = await self.person.slash(
                world.channel("welcome"), f"breach {command}", **options
            )
        await world.env.settle()
        return said(result)

    async def complete(self, command: str) -> str:
        """What is offered while the number is typed."""
        typed = str(self.number)
        if isinstance(self.person, UserHandle):
            found = await self.person.autocomplete(f"breach {command}", "case", typed)
        else:
            place = self.scene.world.channel("welcome")
            found = await self.person.autocomplete(place, f"breach {command}", "case", typed)
        await self.scene.world.env.settle()
        return "\n".join(str(choice["name"]) for choice in found)

    async def press(self, custom_id: str, **filled: str) -> str:
        """A button with this id, wherever they have it from, and the form that it opens."""
        person, world = self.person, self.scene.world
        view = button_row(("x", custom_id))
        place = person.dm_channel if isinstance(person, UserHandle) else world.channel("welcome")
        sent = await world.client.get_partial_messageable(place.id).send("x", view=view)
        result = await person.click(sent, custom_id=custom_id)
        if filled and result.modal:
            result = await person.submit_modal(result, filled)
        await world.env.settle()
        return said(result)


def said(result: InteractionResult) -> str:
    """All that came back, without what differs from one try to the next."""
    messages = [message for message in [result.response, *result.followups] if message]
    texts = [message.content for message in messages]
    names = [file.filename for message in messages for file in message.attachments]
    forms = [str(result.modal["title"])] if result.modal else []
    return "\n".join([*texts, *names, *forms])


Use = Callable[[Tried], Awaitable[str]]


@dataclass(frozen=True)
class Entry:
    """One way into a case.

    `name` is the command, or the template of the button. `open_to` is who gets anything out of
    it. `lists` is set where the answer shows several cases: then theirs must not be among them.
    """

    name: str
    use: Use
    open_to: frozenset[str] = DESK
    state: CaseState = CaseState.OPEN
    lists: bool = False

    async def opens(self, scene: Scene, person: str) -> bool:
        """Whether this person gets more out of it than for a case that is not there."""
        tried = await scene.make_case(person, self)
        if self.lists:
            return f"#{tried.number}" in await self.use(tried)
        nothing = replace(tried, missing=True)
        refused = (await self.use(nothing)).replace(str(nothing.number), "N")
        return re.sub(rf"\b{tried.number}\b", "N", await self.use(tried)) != refused


def _slash(command: str, **options: Any) -> Use:
    return lambda tried: tried.slash(command, case=tried.number, **options)


def _button(action: str, *more: str, **filled: str) -> Use:
    async def use(tried: Tried) -> str:
        group = tried.scene.world.group.key
        ends = [str(tried.file_id) if part == "file" else part for part in more]
        name = ":".join(["pledge:case", action, group, str(tried.number), *ends])
        values = {key: value.replace("N", str(tried.number)) for key, value in filled.items()}
        return await tried.press(name, **values)

    return use


def _completion(command: str) -> Use:
    return lambda tried: tried.complete(command)


CASE = r"([a-z0-9-]{1,32}):(\d{1,9})"
DRAFT = rf"{CASE}:(\d{{1,18}})"
NO_DRAFT = str(MISSING)
STATES = {"reopen": CaseState.CLOSED, "decide": CaseState.IN_REVIEW}
"""In which state a case is offered to a command, other than an open one."""

COMPLETED = ("show", "claim", "note", "ask", "recuse", "reopen", "unseal", "export", "decide")
ENTRIES = (
    Entry("breach list", lambda tried: tried.slash("list", status="all"), lists=True),
    Entry("breach show", _slash("show")),
    Entry("breach claim", _slash("claim")),
    Entry("breach note", _slash("note", text="a note")),
    Entry("breach ask", _slash("ask", question="When was it?")),
    Entry("breach recuse", _slash("recuse")),
    Entry("breach reopen", _slash("reopen", reason="why"), state=CaseState.CLOSED),
    Entry("breach unseal", _slash("unseal", reason="why")),
    Entry("breach export", _slash("export")),
    Entry(
        "breach decide",
        _slash("decide", outcome="no_breach", reason="why"),
        state=CaseState.IN_REVIEW,
    ),
    Entry("breach appeal", _slash("appeal"), ACCUSED, state=CaseState.DECIDED),
    Entry("appeal, typed", _completion("appeal"), ACCUSED, state=CaseState.DECIDED, lists=True),
    *(
        Entry(
            f"{command}, typed",
            _completion(command),
            state=STATES.get(command, CaseState.OPEN),
            lists=True,
        )
        for command in COMPLETED
    ),
    Entry(f"pledge:case:open:{CASE}", _button("open")),
    Entry(f"pledge:case:claim:{CASE}", _button("claim")),
    Entry(rf"pledge:case:file:{CASE}:(\d{{1,18}})", _button("file", "file")),
    *(
        Entry(f"pledge:case:{action}:{DRAFT}", _button(action, NO_DRAFT), state=CaseState.IN_REVIEW)
        for action in ("decide", "words", "pause", "drop")
    ),
    Entry(f"pledge:case:merge:{CASE}", _button("merge", into="N")),
    Entry(f"pledge:case:keep:{CASE}", _button("keep", reason="why"), state=CaseState.CLOSED),
    Entry(f"pledge:case:hear:{CASE}", _button("hear")),
    Entry(f"pledge:case:access:{CASE}", _button("access"), REPORTERS),
    Entry(f"pledge:case:withdraw:{CASE}", _button("withdraw"), REPORTERS),
    Entry(f"pledge:case:withdrawal:{CASE}:(yes|no)", _button("withdrawal", "yes"), REPORTERS),
    Entry(
        r"pledge:letter:answer:([a-z0-9-]{1,32}):(\d{1,18})",
        lambda tried: tried.press(
            f"pledge:letter:answer:{tried.scene.world.group.key}:{tried.letter_id}"
        ),
        REPORTERS,
    ),
    Entry(
        r"pledge:cases:([a-z0-9-]{1,32}):(open|in_review|decided|closed|all):(\d{1,9})",
        lambda tried: tried.press(f"pledge:cases:{tried.scene.world.group.key}:all:0"),
        lists=True,
    ),
)

WITHOUT_CASE = frozenset({"breach report", "breach mine", "pledge:case:numbers:([a-z0-9-]{1,32})"})
"""Ways that name no case: everybody's own, and numbers without people, have tests of their own."""


def registered(client: Any) -> set[str]:
    """Every command of the group and every button of a case or letter that the bot answers."""
    group = client.tree.get_command("breach")
    commands = {command.qualified_name for command in group.walk_commands()}
    templates = {pattern.pattern for pattern in client._connection._view_store._dynamic_items}
    begins = ("pledge:case:", "pledge:cases:", "pledge:letter:")
    return commands | {one for one in templates if one.startswith(begins)}
