"""Pledge with its gateway: it hears of what happens, is switched off, and starts again."""

import asyncio
import importlib
import sys
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simcord import interactions
from simcord.backend import serializers
from simcord.gateway import FakeGateway
from typing_extensions import override

from bot.client import EXTENSIONS
from bot.effects.timer import Timer
from bot.services import agreements
from bot.services.agreements import GroupText
from tests.factories import GUILD
from tests.simulation.conftest import Line, connect


@dataclass
class Live(Line):
    """Time passes when it is told to; between two tellings the bot does all it can."""

    due: dict[int, float] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    is_online: bool = False

    async def start(self) -> None:
        """A new process: it knows nothing but what is in the database."""
        groups = list(self.client.groups.values())
        self.client = connect(groups, self.client.database, self.wire)
        client: Any = self.client
        await client._async_setup_hook()
        client._connection.application_id = self.backend.application_id
        client.on_error = self._remember
        texts = [GroupText(key=g.key, guild_id=GUILD, agreement=g.agreement) for g in groups]
        await agreements.register_groups(self.database, texts, self.now())
        for extension in EXTENSIONS:
            await importlib.import_module(extension).setup(client)
        self.backend.subscribers[:] = [FakeGateway(self.backend, client._connection).feed]
        client._ready.set()
        self.is_online = True
        client.dispatch("ready")
        await self.settle()

    async def stop(self) -> None:
        """The process is told to end; what happens now reaches it only by being read back."""
        self.backend.subscribers.clear()
        await self.settle()
        await self.client.effects.stop()
        for timer in self._timers():
            timer.cancel()
        self.due.clear()
        self.is_online = False

    async def _remember(self, _event: str, /, *_args: Any, **_options: Any) -> None:
        error = sys.exc_info()[1]
        assert error is not None
        self.errors.append(error)

    async def settle(self) -> None:
        """Wait until the bot has done everything that can be done at this instant."""
        while busy := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
            await asyncio.wait(busy)

    def _timers(self) -> list[Timer]:
        """Those that run; their waiting is replaced by that of the simulated clock."""
        things = [thing for cog in self.client.cogs.values() for thing in vars(cog).values()]
        return [one for one in things if isinstance(one, Timer) and one.is_running()]

    def _begin_timers(self) -> None:
        now = self.backend.clock.elapsed
        for timer in self._timers():
            opened: Any = timer
            if self.due.setdefault(id(timer), now + timer.seconds) <= now:
                self.due[id(timer)] = now + timer.seconds
                opened._handle.cancel()
                opened._begin()

    async def advance(self, seconds: float) -> None:
        """Let time go by: the worker looks when it wants to, and the timers fire."""
        end = self.backend.clock.elapsed + seconds
        while self.is_online:
            await self.settle()
            self._begin_timers()
            await self.settle()
            nexts = list(self.due.values())
            if await self.work():
                nexts.append(self.backend.clock.elapsed + max(self.pause, 0.001))
            await self.settle()
            soonest = min(nexts, default=end)
            if soonest >= end:
                break
            self.backend.advance_clock(max(soonest - self.backend.clock.elapsed, 0.0))
        self.backend.advance_clock(max(end - self.backend.clock.elapsed, 0.0))
        if self.is_online:
            await self.settle()

    # --- what people do -----------------------------------------------------------------------

    def join(self, member_id: int, *, pending: bool = False) -> None:
        member = self.backend.add_member(GUILD, member_id)
        member.pending = pending
        self._announce("GUILD_MEMBER_ADD", member_id)

    def pass_screening(self, member_id: int) -> None:
        self.backend.get_member(GUILD, member_id).pending = False
        self.backend.announce_member_update(GUILD, member_id)

    def _announce(self, event: str, member_id: int) -> None:
        guild = self.backend.get_guild(GUILD)
        payload = dict(serializers.member_payload(self.backend, guild, guild.members[member_id]))
        self.backend.emit(event, {**payload, "guild_id": str(GUILD)})

    def requests_of(self, member_id: int) -> list[Any]:
        """The messages that carry the bot's reactions, oldest first."""
        channel_id = self.backend.dm_channels.get(member_id)
        messages = self.backend.messages.get(channel_id or 0, {}).values()
        bot = self.backend.bot_user.id
        return [m for m in messages if any(bot in r.user_ids for r in m.reactions)]

    def set_reaction(self, member_id: int, message: Any, emoji: str, *, reacted: bool) -> None:
        self.backend.set_reaction(message.channel_id, message.id, emoji, member_id, reacted)

    async def press(self, member_id: int, custom_id: str, place: str = "welcome") -> str:
        """Press a button under a private answer; returns what then stands there."""
        channel_id = self.channel_id(place)
        button = {"type": 2, "style": 1, "label": "Press", "custom_id": custom_id}
        shown = self.backend.create_message(
            channel_id,
            self.backend.bot_user.id,
            content="private",
            components=[{"type": 1, "components": [button]}],
            flags=64,
            broadcast=False,
        )
        data = {"custom_id": custom_id, "component_type": 2}
        record, payload = interactions.base_payload(
            self.backend,
            type=3,
            channel_id=channel_id,
            guild_id=GUILD,
            user_id=member_id,
            data=data,
        )
        record.source_message_id = shown.id
        payload["message"] = serializers.message_payload(self.backend, shown)
        self.backend.emit("INTERACTION_CREATE", payload)
        await self.settle()
        answer = self.backend.messages[channel_id].get(record.message_id or 0)
        return answer.content if answer is not None else ""

    @override
    def now(self) -> datetime:
        return self.backend.clock.now()
