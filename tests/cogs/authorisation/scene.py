"""One world with every kind of person in it, in which all of them try one way in after another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import discord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, UserHandle
from simcord.results import InteractionResult
from sqlalchemy import text

from bot.domain.breaches import CaseState, LetterKind
from bot.services import agreements
from bot.services.agreements import GroupText
from bot.storage import case_letters, case_reports, cases
from bot.storage.tables import metadata
from bot.texts import REFUSALS
from bot.texts.refusals import UNEXPECTED
from bot.texts.reporting import REPORT_LOST
from tests.cogs.authorisation.forging import Forger, Message, Person
from tests.cogs.conftest import World
from tests.cogs.test_facilitators import live_long_before
from tests.factories import GUILD, make_agreement
from tests.services.cases.cases import add_case, decide

PEOPLE = (
    "outsider",
    "former member",
    "member",
    "signer",
    "moderator",
    "accused moderator",
    "recused moderator",
    "facilitator",
    "former facilitator",
    "former moderator",
    "other facilitator",
    "owner",
    "administrator",
    "server manager",
    "bot",
)
"""One column each. Somebody former held the role until a moment ago: what they press or send was
opened with it, and only Discord knows yet that it is gone. A former member has left the server.
The other facilitator is one of another group on the same server; the bot has every office."""

OUTCOMES = {
    "NotEntitledError": "-",
    "UnknownGroupError": "g",
    "NotAMemberError": "m",
    "NotSignedError": "n",
    "NothingSignedError": "n",
    "UnknownCaseError": "c",
    "UnknownChoiceError": "x",
}
"""What stands in a cell for a refusal: "g" in a group they have nothing to do with, "m" as only
members sign, "n" nothing of theirs, "c" no such case, "x" no such choice, "-" not open to them."""

BACK = "b"
"""Refused, and what they wrote was given back."""

NOTHING = "o"
"""Nothing is offered while they type."""


@dataclass
class Scene:
    """The world, its people, and what there is for them to try things on."""

    world: World
    people: dict[str, Person] = field(default_factory=dict)
    lobby: ChannelHandle = field(init=False)
    notes: dict[int, Message] = field(default_factory=dict)
    """A message of the bot without buttons, by the channel it stands in."""
    story: Message = field(init=False)
    """A message of somebody."""
    resident: MemberActor = field(init=False)
    """Somebody whom nobody has asked yet."""
    version_id: int = 0
    fingerprint: str = ""
    """That of the draft that waits to be published."""
    letter_id: int = 0
    """A question to the signer, who reported case 1."""

    last_held: dict[str, list[str]] | None = None
    """All that the database held after the last use, if nothing has happened since."""

    async def build(self) -> None:
        """Everybody joins, some sign, one leaves; then there are cases, and a new draft."""
        world = self.world
        (self.resident,) = await live_long_before(world, 1)
        await world.publish()
        self.lobby = world.guild.create_text_channel("lobby")
        await self._join()
        await self._add_cases()
        self.story = await self.resident.send(world.channel("welcome"), "A story.")
        away = [self.people[name] for name in ("outsider", "former member")]
        places = [one.dm_channel for one in away if isinstance(one, UserHandle)]
        for place in (world.channel("welcome"), *places):
            channel = world.client.get_partial_messageable(place.id)
            self.notes[place.id] = await channel.send("A message.")
        database, key = world.database, world.group.key
        self.version_id = (await agreements.read_in_force(database, key)).id
        changed = GroupText(key=key, guild_id=GUILD, agreement=make_agreement(purpose="New."))
        await agreements.keep_draft(database, changed, world.client.now())
        preview = await agreements.preview_publish(database, key, world.client.now())
        self.fingerprint = preview.fingerprint[:32]
        await world.env.settle()

    async def _join(self) -> None:
        world = self.world
        moderator, facilitator = world.roles["moderator"], world.roles["harbour-light-facilitator"]
        other = world.roles["quiet-cove-facilitator"]
        admin = discord.Permissions(administrator=True)
        manager = discord.Permissions(manage_guild=True)
        roles = {
            "moderator": [moderator],
            "accused moderator": [moderator],
            "recused moderator": [moderator],
            "former moderator": [moderator],
            "facilitator": [facilitator],
            "former facilitator": [facilitator, other],
            "other facilitator": [other],
            "administrator": [world.guild.create_role("admin", permissions=admin)],
            "server manager": [world.guild.create_role("office", permissions=manager)],
            "bot": [moderator, facilitator],
        }
        for name in PEOPLE:
            if name == "owner":
                self.people[name] = MemberActor(world.env, world.guild, world.guild.owner)
                continue
            user = world.env.create_user(f"test-{name.replace(' ', '-')}", bot=name == "bot")
            is_outside = name == "outsider"
            self.people[name] = (
                user if is_outside else world.guild.add_member(user, roles=roles.get(name, []))
            )
        await world.env.settle()
        for name in ("signer", "former member"):
            await world.react(self.member(name))
        left = self.member("former member")
        world.guild.remove_member(left)
        self.people["former member"] = left.user
        # Who joins with a role is seen by the next look at the member list.
        with world.env._bot_scope():
            world.client.dispatch("reconcile", world.group.key)
        await world.env.settle()

    async def _add_cases(self) -> None:
        """Case 1 is open, 2 is closed, 3 is decided; all are about the same people."""
        world, now = self.world, self.world.client.now()
        values: dict[str, Any] = {
            "reporters": [self.people["signer"].id],
            "accused": self.people["accused moderator"].id,
            "recused": [self.people["recused moderator"].id],
            "now": now,
        }
        async with world.database.write() as tx:
            case, closed, decided = [await add_case(tx, **values) for _ in range(3)]
            await cases.mark(tx, closed.id, state=CaseState.CLOSED, closed_at=now)
            await decide(tx, decided, self.people["moderator"].id, now=now)
            report_id = (await case_reports.list_of_case(tx, case.id))[0].id
            self.letter_id = await case_letters.add(
                tx, case, LetterKind.QUESTION, now, report_id=report_id, text="When was it?"
            )
        with world.env._bot_scope():
            world.client.effects.wake()
        await world.env.settle()

    def member(self, name: str) -> MemberActor:
        person = self.people[name]
        assert isinstance(person, MemberActor)
        return person

    def forger(self, name: str) -> Forger:
        return Forger(self.people[name], self.world.channel("welcome"))

    @contextmanager
    def lost(self, name: str) -> Iterator[None]:
        """Meanwhile somebody former has lost their roles, which no event has told of yet."""
        if name not in ("former facilitator", "former moderator"):
            yield
            return
        stored = self.world.env.backend.get_member(self.world.guild.id, self.people[name].id)
        held = list(stored.role_ids)
        stored.role_ids.clear()
        yield
        stored.role_ids.extend(held)

    async def held(self) -> dict[str, list[str]]:
        """All that the database holds, by table; in one query, as it is asked for so often."""
        selects = (
            f"SELECT '{table.name}', "  # noqa: S608
            + "||','||".join(f"quote({column.name})" for column in table.columns)
            + f" FROM {table.name}"
            for table in metadata.sorted_tables
        )
        found: dict[str, list[str]] = {table.name: [] for table in metadata.sorted_tables}
        async with self.world.database.read() as tx:
            rows = await tx.execute(text(" UNION ALL ".join(selects)))
            for name, row in rows:
                found[name].append(row)
        return {name: sorted(rows) for name, rows in found.items()}

    def changes(self, since: int) -> list[str]:
        """What the bot has changed in Discord since a request, other than by answering."""
        return [
            f"{one.method} {one.path}"
            for one in self.world.env.http_requests[since:]
            if one.method != "GET" and not one.path.startswith(("/interactions/", "/webhooks/"))
        ]


def outcome(result: InteractionResult) -> str:
    """What came of a use, as it stands in a cell; "+" if it was let in."""
    answers = [one.content for one in [result.response, *result.followups] if one is not None]
    if any(UNEXPECTED in answer for answer in answers):
        return "a fault"
    if any(REPORT_LOST in answer for answer in answers):
        return BACK
    for name, refusal in REFUSALS.items():
        if any(refusal in answer for answer in answers) and name in OUTCOMES:
            return OUTCOMES[name]
    if result.autocomplete_choices == []:
        return NOTHING
    return "+" if result.acknowledged else "no answer"
