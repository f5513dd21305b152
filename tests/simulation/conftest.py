"""Pledge on the wire: the real client, worker and database, and nothing that waits."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import discord
import discord.http
import pytest
import pytest_asyncio
from discord.user import ClientUser
from simcord.backend import Backend, serializers
from sqlalchemy import select
from typing_extensions import override

from bot.client import Pledge
from bot.domain.agreements import Change, Signature
from bot.domain.effects import Effect, EffectKind
from bot.keys import Keyring
from bot.services import agreements, members, outbox, records, signing
from bot.services.agreements import GroupText
from bot.services.members import Present
from bot.settings import Group
from bot.storage import rows
from bot.storage.database import Database
from bot.storage.tables import effects
from tests.cogs.conftest import ACCEPT, make_group
from tests.factories import FACILITATOR, GRACE, GUILD, KEYS
from tests.simulation.wire import SimulatedSleep, Wire

LONG = bool(os.environ.get("PLEDGE_TORTURE"))
"""Whether to take the long way, which `make torture` does."""

ENFORCED = True
"""Whether a role given by hand must be gone after the next comparison with Discord."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The long form tells what happened in all the worlds, in whichever processes they were."""
    if not LONG:
        return
    happened, worlds, steps = Counter[str](), 0, 0
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        properties = dict(report.user_properties)
        happened.update(properties.get("figures", {}))
        worlds += properties.get("worlds", 0)
        steps = properties.get("steps", steps)
    figures = ", ".join(f"{count:,} {what}" for what, count in happened.most_common())
    terminalreporter.write_line(f"{worlds:,} worlds of up to {steps} steps: {figures}")


class TimedPledge(Pledge):
    """Pledge whose clock is that of the simulated Discord."""

    def __init__(
        self, groups: list[Group], database: Database, keys: Keyring, backend: Backend
    ) -> None:
        self.backend = backend
        super().__init__(groups, database, keys)

    @override
    def now(self) -> datetime:
        return self.backend.clock.now()


@dataclass
class Line:
    """One group on the wire. Time passes only when it is told to."""

    client: TimedPledge
    wire: Wire
    people: dict[str, int] = field(default_factory=dict)

    @property
    def backend(self) -> Backend:
        return self.wire.backend

    @property
    def database(self) -> Database:
        return self.client.database

    @property
    def group(self) -> Group:
        return next(iter(self.client.groups.values()))

    @property
    def guild(self) -> discord.Guild:
        guild = self.client.get_guild(self.group.guild_id)
        assert guild is not None
        return guild

    def now(self) -> datetime:
        return self.client.now()

    # --- what happens -----------------------------------------------------------------------

    async def run(self, seconds: float) -> None:
        """Let the worker do what falls due in the next so many seconds."""
        end = self.backend.clock.elapsed + seconds
        while await self.work() and self.backend.clock.elapsed + self.pause < end:
            self.backend.advance_clock(max(self.pause, 0.001))
        self.backend.advance_clock(max(end - self.backend.clock.elapsed, 0.0))

    async def finish(self, seconds: float) -> None:
        """Go on until nothing waits any more, for so many seconds at the most."""
        end = self.backend.clock.elapsed + seconds
        while await self.work() and self.backend.clock.elapsed < end:
            self.backend.advance_clock(max(self.pause, 0.001))

    async def work(self) -> bool:
        """Let the worker do what is due now; returns whether anything is left to do later."""
        worker: Any = self.client.effects
        worker.wake()
        while worker._task is not None:
            await asyncio.wait([worker._task])
        keys = list(self.client.groups)
        return await outbox.find_next_due_at(self.database, keys, list(EffectKind)) is not None

    @property
    def pause(self) -> float:
        """The worker says when it wants to look again; here that moment comes at once."""
        worker: Any = self.client.effects
        timer = worker._timer
        return timer.when() - asyncio.get_running_loop().time() if timer is not None else 0.0

    async def publish(self, group: Group | None = None, change: Change | None = None) -> None:
        group = group or self.group
        text = GroupText(key=group.key, guild_id=GUILD, agreement=group.agreement)
        await agreements.register_groups(self.database, [text], self.now())
        preview = await agreements.preview_publish(self.database, group.key, self.now())
        await agreements.publish(
            self.database,
            group.key,
            fingerprint=preview.draft.sha256,
            change=change,
            facilitator_id=FACILITATOR,
            grace=GRACE,
            now=self.now(),
        )

    def arrive(self, name: str = "test-newcomer") -> int:
        """Somebody is in the server now; nobody has told the bot."""
        user = self.backend.make_user(name)
        self.backend.add_member(GUILD, user.id)
        self.people[name] = user.id
        return user.id

    async def welcome(self, *member_ids: int) -> None:
        """The bot is told that these have joined."""
        now = self.now()
        people = [Present(member_id=m, has_role=False, joined_at=now) for m in member_ids]
        await members.welcome(self.database, self.group.key, people, now, live=True)

    async def react(self, member_id: int, *, reacted: bool = True) -> None:
        """The person accepts on their request, or takes it back, and the bot is told."""
        record = await self.record_of(member_id)
        request = record.request
        assert request is not None
        assert request.message_id is not None
        assert request.channel_id is not None
        self.backend.set_reaction(
            request.channel_id, request.message_id, ACCEPT, member_id, reacted
        )
        await signing.record_reaction(
            self.database,
            request.message_id,
            member_id,
            ACCEPT,
            self.now(),
            removed=not reacted,
        )

    async def sign_by_button(self, member_id: int) -> Signature:
        offered = await signing.offer(self.database, self.group.key, member_id, self.now())
        return await signing.accept_by_button(
            self.database, self.group.key, member_id, offered.version.id, self.now()
        )

    async def mend(self) -> None:
        """What the server lacked is there again, and the bot notices."""
        kinds = (EffectKind.ALIGN_ROLE, EffectKind.PANEL, EffectKind.ALARM)
        await outbox.all_clear(self.database, self.group.key, kinds, (), self.now())
        await outbox.request_panel(self.database, self.group.key, self.now())

    async def catch_up(self) -> None:
        """Compare the record with Discord, as after a new session."""
        await self.client.reconciler.catch_up(self.guild, self.group, self.now())

    # --- what can be seen -------------------------------------------------------------------

    async def record_of(self, member_id: int) -> records.MemberRecord:
        return await records.check_member(self.database, self.group.key, member_id, self.now())

    async def outbox(self, *kinds: EffectKind) -> list[Effect]:
        async with self.database.read() as tx:
            found = await tx.execute(select(effects).order_by(effects.c.id))
            every = [rows.effect(row) for row in found.mappings()]
        return [effect for effect in every if not kinds or effect.kind in kinds]

    def has_role(self, member_id: int) -> bool:
        member = self.backend.get_guild(GUILD).members.get(member_id)
        return member is not None and self.role_id in member.role_ids

    @property
    def role_id(self) -> int:
        roles = self.backend.get_guild(GUILD).roles.values()
        return next(role.id for role in roles if role.name == self.group.roles.member)

    def messages_to(self, member_id: int) -> list[str]:
        channel_id = self.backend.dm_channels.get(member_id)
        return [m.content for m in self.backend.messages.get(channel_id or 0, {}).values()]

    def channel_id(self, place: str) -> int:
        channels = self.backend.get_guild(GUILD).channel_ids
        name = f"{self.group.key}-{place}"
        (channel_id,) = [c for c in channels if self.backend.channels[c].name == name]
        return channel_id

    def delete_messages(self, place: str) -> None:
        for message_id in list(self.backend.messages[self.channel_id(place)]):
            self.backend.delete_message(self.channel_id(place), message_id)

    def messages_in(self, place: str) -> list[str]:
        messages = self.backend.messages.get(self.channel_id(place), {})
        return [message.content for message in messages.values()]


def build_server(backend: Backend, groups: list[Group]) -> None:
    """A server with the roles and channels of the groups, the bot's role on top."""
    guild = backend.create_guild("Test Server", id=GUILD)
    names = {"moderator", *(str(group.roles.facilitator) for group in groups)}
    for name in sorted(names | {str(group.roles.member) for group in groups}):
        backend.create_role(GUILD, name)
    for group in groups:
        channels = group.channels
        for name in (channels.welcome, channels.support, channels.moderators):
            backend.create_channel(GUILD, str(name), type=0)
    for role in guild.roles.values():
        if role.managed:
            backend.edit_role(GUILD, role.id, {"position": 50})


def connect(groups: list[Group], database: Database, wire: Wire) -> TimedPledge:
    """A client that has just heard of the server, without a gateway."""
    client = TimedPledge(groups, database, KEYS, wire.backend)
    wire.plug_into(client.http)
    state: Any = client._connection
    bot = serializers.user_payload(wire.backend.bot_user)
    state.user = ClientUser(state=state, data=bot)  # type: ignore[arg-type]
    payload: Any = serializers.guild_create_payload(wire.backend, wire.backend.guilds[GUILD])
    ours = [one for one in payload["members"] if one["user"]["id"] == bot["id"]]
    state._add_guild_from_data({**payload, "members": ours, "features": wire.features})
    return client


@pytest_asyncio.fixture
async def live(
    sqlite_url: str, groups: list[Group], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Any]:
    """The same with a gateway, online."""
    from tests.simulation.live import Live

    backend = Backend()
    monkeypatch.setattr(discord.http, "asyncio", SimulatedSleep(backend))
    build_server(backend, groups)
    database = await Database.open(sqlite_url, KEYS)
    wire = Wire(backend)
    live = Live(connect(groups, database, wire), wire)
    await live.publish()
    await live.start()
    yield live
    await live.stop()
    await database.close()
    assert live.errors == []


@pytest.fixture
def groups() -> list[Group]:
    return [make_group()]


@pytest_asyncio.fixture
async def line(
    sqlite_url: str, groups: list[Group], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Line]:
    """A published group on the wire, its panel posted, nobody in it yet."""
    backend = Backend()
    monkeypatch.setattr(discord.http, "asyncio", SimulatedSleep(backend))
    build_server(backend, groups)
    database = await Database.open(sqlite_url, KEYS)
    wire = Wire(backend)
    line = Line(connect(groups, database, wire), wire)
    for group in groups:
        await line.publish(group)
    await line.client.effects.start()
    await line.run(1)
    await line.catch_up()
    await line.finish(60)
    # Such as the head of the ledger, which is posted with every text.
    line.delete_messages("moderators")
    wire.exchanges.clear()
    yield line
    await line.client.effects.stop()
    await database.close()
