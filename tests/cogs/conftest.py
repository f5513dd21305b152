"""The real bot on a simulated Discord, with one group ready to use."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
import pytest_asyncio
import simcord
from discord.http import Route
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle, RoleHandle, UserHandle

from bot.client import Pledge
from bot.domain.agreements import Agreement
from bot.domain.errors import DomainError
from bot.settings import Channels, Group, Roles, Signing
from bot.settings.sections import Cases, Retention
from bot.storage.database import Database
from tests.doubles.virtual_waits import VirtualWaits
from tests.factories import GUILD, KEYS, make_agreement

ACCEPT, DECLINE = "✅", "❌"


def make_group(key: str = "harbour-light", **changes: object) -> Group:
    """A configured group whose roles and channels are found by name."""
    name = key.replace("-", " ").title()
    values: dict[str, object] = {
        "key": key,
        "name": name,
        "guild_id": GUILD,
        "agreement": make_agreement(),
        "agreement_path": None,
        "roles": Roles(
            member=f"{key}-member", moderator="moderator", facilitator=f"{key}-facilitator"
        ),
        "channels": Channels(
            support=f"{key}-support", moderators=f"{key}-moderators", welcome=f"{key}-welcome"
        ),
        "signing": Signing(),
        "enforcement": "revoke",
        "cases": Cases(),
        "retention": Retention(),
    }
    return Group(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class Held:
    """A request that waits on its way to Discord."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class World:
    """A server with one group, its staff, and the bot that looks after it."""

    env: simcord.Env
    client: Pledge
    groups: list[Group]
    guild: GuildHandle = field(init=False)
    roles: dict[str, RoleHandle] = field(default_factory=dict)
    channels: dict[str, ChannelHandle] = field(default_factory=dict)
    facilitator: MemberActor = field(init=False)
    moderator: MemberActor = field(init=False)

    @property
    def database(self) -> Database:
        return self.client.database

    @property
    def group(self) -> Group:
        return self.groups[0]

    @property
    def member_role(self) -> RoleHandle:
        return self.roles[str(self.group.roles.member)]

    async def build(self) -> None:
        self.guild = self.env.create_guild("Test Server", id=GUILD)
        everyone = self.guild.default_role
        hidden = discord.PermissionOverwrite(view_channel=False)
        shown = discord.PermissionOverwrite(view_channel=True)
        bot_user = self.env.bot.user
        assert bot_user is not None
        self.roles["moderator"] = self.guild.create_role("moderator")
        for group in self.groups:
            for name in (group.roles.member, group.roles.facilitator):
                self.roles[str(name)] = self.guild.create_role(str(name))
            member = self.roles[str(group.roles.member)]
            self.channels[str(group.channels.welcome)] = self.guild.create_text_channel(
                str(group.channels.welcome)
            )
            self.channels[str(group.channels.support)] = self.guild.create_text_channel(
                str(group.channels.support), overwrites={everyone: hidden, member: shown}
            )
            self.channels[str(group.channels.moderators)] = self.guild.create_text_channel(
                str(group.channels.moderators),
                overwrites={
                    everyone: hidden,
                    self.roles["moderator"]: shown,
                    self.roles[str(group.roles.facilitator)]: shown,
                    bot_user: shown,
                },
            )
        self.raise_bot_role()
        offices = [self.roles[str(group.roles.facilitator)] for group in self.groups]
        self.facilitator = self.guild.add_member(
            self.env.create_user("test-facilitator"), roles=offices
        )
        self.moderator = self.guild.add_member(
            self.env.create_user("test-moderator"), roles=[self.roles["moderator"]]
        )
        await self.env.settle()

    def raise_bot_role(self, position: int = 50) -> None:
        backend = self.env.backend
        guild = backend.get_guild(self.guild.id)
        for role in guild.roles.values():
            if role.managed:
                backend.edit_role(self.guild.id, role.id, {"position": position})

    # --- what people do -------------------------------------------------------------------

    async def publish(self, change: str | None = None, group: Group | None = None) -> str:
        options = {"change": change} if change else {}
        channel = self.channels[str((group or self.group).channels.moderators)]
        result = await self.facilitator.slash(channel, "agreement publish", **options)
        pages = [result.response, *result.followups]
        pressed = await self.facilitator.click(pages[-1], label="Sign and publish")
        await self.env.settle()
        return pressed.response.content if pressed.response else ""

    async def join(
        self, name: str = "test-newcomer", user: UserHandle | None = None
    ) -> MemberActor:
        member = self.guild.add_member(user or self.env.create_user(name))
        await self.env.settle()
        return member

    async def react(
        self, member: MemberActor, emoji: str = ACCEPT, *, reacted: bool = True
    ) -> None:
        await member.user.set_reaction(self.request_of(member), emoji, reacted=reacted)
        await self.env.settle()

    async def invite(self) -> None:
        """A facilitator asks the members from before Pledge, and agrees to the estimate."""
        shown = await self.facilitator.slash(self.channel("moderators"), "agreement invite")
        assert shown.response is not None
        await self.facilitator.click(shown.response, label="Ask them now")
        await self.env.settle()

    async def press_notice(self, person: MemberActor, label: str) -> str:
        """Press the newest button of this label in the moderators' channel; the private answer."""
        messages = [one for one in self.channel("moderators").history() if one.components]
        result = await person.click(messages[-1], label=label)
        await self.env.settle()
        answers = [result.response, *result.followups]
        return "\n".join(answer.content for answer in answers if answer is not None)

    async def give_role_by_hand(self, member: MemberActor) -> None:
        """A moderator gives the member role; Discord writes it into the audit log."""
        role = self.member_role
        change = {"key": "$add", "new_value": [{"id": str(role.id), "name": role.name}]}
        self.env.backend.record_audit_log(
            self.guild.id, 25, target_id=member.id, changes=[change], user_id=self.moderator.id
        )
        self.env.backend.add_member_role(self.guild.id, member.id, role.id)
        await self.env.settle()

    async def restart(self, *, asleep: float = 0) -> None:
        """Stop the bot as SIGTERM does, let `asleep` seconds go by, and start it anew."""
        await self.stop()
        self.env.backend.advance_clock(asleep)
        await self.start()

    async def stop(self) -> None:
        """The bot goes offline; what happens now reaches it only by being read back."""
        await self.env.settle()
        await self.client.effects.stop()
        self.env.backend.subscribers.clear()

    async def start(self) -> None:
        """A new process comes online with the same database."""
        self.client = Pledge(self.groups, self.client.database, KEYS)
        await self.env.restart_bot(self.client)
        await self.env.settle()

    def close_dms(self, *, status: int = 403, code: int = 50007) -> None:
        """Nobody takes messages from now on."""
        self.env.inject_error("POST", "/channels/*/messages", status=status, code=code, times=None)

    def break_request(self, method: str, path: str, error: BaseException, *, sent: bool) -> None:
        """The next matching request ends in `error`, before or after it reached Discord."""
        http = self.client.http
        original = http.request
        state = {"armed": True}

        async def request(route: Route, **options: Any) -> Any:
            matches = route.method == method and fnmatch.fnmatch(route.path, path)
            if not (matches and state["armed"]):
                return await original(route, **options)
            state["armed"] = False
            if sent:
                await original(route, **options)
            raise error

        http.request = request  # type: ignore[method-assign]

    def hold_request(self, method: str, path: str) -> "Held":
        """The next matching request waits until it is told to go."""
        http, held = self.client.http, Held()
        original = http.request

        async def request(route: Route, **options: Any) -> Any:
            if route.method == method and route.path == path and not held.reached.is_set():
                held.reached.set()
                await held.go.wait()
            return await original(route, **options)

        http.request = request  # type: ignore[method-assign]
        return held

    def notice_request(self, method: str, path: str) -> asyncio.Event:
        """An event that is set when a matching request has been answered."""
        http, answered = self.client.http, asyncio.Event()
        original = http.request

        async def request(route: Route, **options: Any) -> Any:
            answer = await original(route, **options)
            if route.method == method and route.path == path:
                answered.set()
            return answer

        http.request = request  # type: ignore[method-assign]
        return answered

    def open_dms(self) -> None:
        self.env.backend.faults.clear()

    # --- what people see ------------------------------------------------------------------

    def dms(self, member: MemberActor) -> list[discord.Message]:
        return member.user.dm_channel.history()

    def request_of(self, member: MemberActor) -> discord.Message:
        """The newest message of the bot that carries the two reactions."""
        return [message for message in self.dms(member) if len(message.reactions) >= 2][-1]

    def has_role(self, member: MemberActor, group: Group | None = None) -> bool:
        role = self.roles[str((group or self.group).roles.member)]
        stored = self.env.backend.get_guild(self.guild.id).members.get(member.id)
        return stored is not None and role.id in stored.role_ids

    def notices(self) -> list[str]:
        channel = self.channels[str(self.group.channels.moderators)]
        return [message.content for message in channel.history()]

    def channel(self, place: str) -> ChannelHandle:
        return self.channels[f"{self.group.key}-{place}"]


@pytest.fixture
def agreement() -> Agreement:
    return make_agreement()


@pytest.fixture
def groups(agreement: Agreement) -> list[Group]:
    return [make_group(agreement=agreement)]


@pytest_asyncio.fixture
async def client(sqlite_url: str, groups: list[Group]) -> AsyncIterator[Pledge]:
    """The real bot on an encrypted database."""
    database = await Database.open(sqlite_url, KEYS)
    yield Pledge(groups, database, KEYS)
    await database.close()


@pytest_asyncio.fixture
async def open_database() -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """Opens further databases for the bot; they are closed when it is offline for good."""
    opened: list[Database] = []

    async def open_another(url: str) -> Database:
        opened.append(await Database.open(url, KEYS))
        return opened[-1]

    yield open_another
    for database in opened:
        await database.close()


@pytest_asyncio.fixture
async def env(client: Pledge, open_database: object) -> AsyncIterator[simcord.Env]:
    """A simulated Discord with the bot online."""
    env = VirtualWaits(client, check_errors=False)
    await env.start()
    yield env
    await env.shutdown()
    raise_faults(env)


@pytest_asyncio.fixture
async def world(env: simcord.Env, client: Pledge, groups: list[Group]) -> World:
    """A server that the bot looks after; the agreement is not published yet."""
    world = World(env=env, client=client, groups=groups)
    await world.build()
    return world


def raise_faults(env: simcord.Env) -> None:
    """Fail on anything that went wrong, other than a refusal that a person was told of."""
    faults = [getattr(error, "original", error) for error in env.errors]
    faults = [error for error in faults if not isinstance(error, DomainError)]
    if faults:
        raise ExceptionGroup("the bot raised errors", faults)
