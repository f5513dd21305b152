"""The bot's life in the town: it starts, settles and dies, and all it asks for is watched."""

import os
import signal
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from simcord.backend import Backend, serializers
from simcord.backend.models import Message
from simcord.components import walk_components
from simcord.enums import ComponentType, InteractionType
from simcord.interactions import base_payload

from tests.crash.handle import Bot, until
from tests.crash.points import Counts, Event, Phase, Point, request_name
from tests.crash.process import Acknowledged, Orders
from tests.crash.town import GROUP, TOKEN, Town
from tests.doubles.discord_server import Call, DiscordServer, Lost, Nonces, Refused
from tests.factories import GUILD, KEY

ACTIVITY_KEPT = timedelta(days=30)
"""How long the outbox keeps what it has done, unless the settings say otherwise."""

_FAULTS = {
    Phase.REFUSED: Refused(503, message="Service Unavailable"),
    Phase.CUT_BEFORE: Lost.BEFORE,
    Phase.CUT_AFTER: Lost.AFTER,
}


def _buttons(message: Message, label: str) -> list[Any]:
    return [one for one in walk_components(message.components) if one.get("label") == label]


def offers(message: Message, label: str) -> bool:
    """Whether a message has this button; what is said when something failed has not."""
    return bool(_buttons(message, label))


def _filled(part: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """One labelled part of a form as Discord sends it; what was not typed is as it stood there."""
    asked = part["component"]
    value = typed.get(asked["custom_id"])
    given = {"type": asked["type"], "custom_id": asked["custom_id"]}
    if asked["type"] in (ComponentType.USER_SELECT, ComponentType.FILE_UPLOAD):
        given["values"] = value or []
    else:
        given["value"] = asked.get("value") or "" if value is None else value
    return {"type": part["type"], "component": given}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A world at rest, to go on from as often as one likes."""

    backend: Backend
    nonces: Nonces
    fields: dict[str, Any]
    files: dict[str, bytes]


@dataclass
class World(Town):
    """A town and at most one process of the bot; `wrongs` is what it was caught at.

    `form` is the one that the newest interaction has opened, if any.
    """

    bot: Bot | None = None
    wrongs: list[str] = field(default_factory=list)
    sabotage: str | None = None
    was_cut_off: bool = False
    form: dict[str, Any] | None = None
    _armed: Point | None = None
    _counts: Counts = field(default_factory=Counts)
    _current: Event | None = None

    def __post_init__(self) -> None:
        self.server.interfere = self._interfere
        self.server.witnesses = [self._witness]

    def snapshot(self) -> Snapshot:
        """This world at rest. The files are what a crash would leave: nothing is closed."""
        self.backend.http_requests.clear()
        self.backend.transcript.clear()
        subscribers, self.backend.subscribers = self.backend.subscribers, []
        copy = deepcopy(self.backend)
        self.backend.subscribers = subscribers
        names = ("people", "closed", "roles", "channels", "facilitator", "is_restored")
        files = {
            path.name: path.read_bytes()
            for path in self.folder.iterdir()
            if path.suffix in (".yaml", ".db", ".db-wal", ".backup")
        }
        fields = {name: deepcopy(getattr(self, name)) for name in names}
        return Snapshot(copy, dict(self.server.nonces), fields, files)

    @classmethod
    def restore(cls, server: DiscordServer, folder: Path, snapshot: Snapshot) -> Self:
        """Go on from a snapshot, in a folder of its own, with this server as its Discord."""
        folder.mkdir(parents=True)
        for name, content in snapshot.files.items():
            (folder / name).write_bytes(content)
        server.reset(deepcopy(snapshot.backend), snapshot.nonces)
        return cls(server, folder, **deepcopy(snapshot.fields))

    # --- the bot --------------------------------------------------------------------------

    def start(self, die_at: Point | None = None, *, report_commits: bool = False) -> None:
        environ = {
            "DISCORD_TOKEN": TOKEN,
            "PLEDGE_KEY": KEY,
            "PLEDGE_CONFIG": str(self.folder / "pledge.yaml"),
        }
        log = self.folder / "bot.log"
        orders = Orders(
            self.server.address,
            log,
            environ,
            timedelta(seconds=self.backend.clock.elapsed),
            report_commits=report_commits,
            sabotage=self.sabotage,
        )
        self._watch_for(die_at)
        self.bot = Bot.start(orders, die_at)

    async def begin(self, die_at: Point | None) -> None:
        """From here on events are counted anew, and at that point the bot dies."""
        assert self.bot is not None
        self._watch_for(die_at)
        await self.bot.begin(die_at)

    def _watch_for(self, die_at: Point | None) -> None:
        self._armed, self._counts, self.was_cut_off = die_at, Counts(), False

    def kill(self) -> list[Acknowledged]:
        """Kill the bot, or bury it if it is dead; returns the commits that it had reported."""
        bot, self.bot = self.bot, None
        if bot is None:
            return []
        bot.kill()
        return bot.commits

    async def settle(self) -> bool:
        """Until there is nothing left to do; False when the bot died before that."""
        last, is_dead = -1, False

        async def is_quiet() -> bool:
            nonlocal last, is_dead
            assert self.bot is not None
            state = await self.bot.state()
            if state is None:
                is_dead = True
                return True
            before, last = last, state.done
            return (
                state.is_ready
                and state.sequence == self.server.sequence
                and not state.in_hand
                and not self.server.in_hand
                and state.done == before
                and not self.record.unfinished()
            )

        await until(f"a quiet bot; its log is {self.folder / 'bot.log'}", is_quiet)
        return not is_dead

    def forget_log(self) -> None:
        """What was logged so far is in order."""
        log = self.folder / "bot.log"
        if log.exists():
            os.truncate(log, 0)

    def errors(self) -> list[str]:
        """What the bot logged as an error; a crash is no reason for one."""
        log = self.folder / "bot.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [line for line in lines if " ERROR " in line or " CRITICAL " in line]

    async def gone(self) -> None:
        """Until the connections of a killed bot are gone here too, as they are at Discord."""

        async def is_gone() -> bool:
            return not self.server.sessions and not self.server.in_hand

        await until("the end of the dead bot's connections", is_gone)

    # --- what the world watches over ------------------------------------------------------

    def _interfere(self, call: Call) -> Lost | Refused | None:
        self._current = self._counts.next(request_name(call.method, call.path))
        is_refused = self._is_refused(call)
        if self._armed is not None and self._armed.event == self._current:
            fault = _FAULTS.get(self._armed.phase)
            if fault is not None:
                self.was_cut_off = True
                # A refusal whose answer is lost has changed nothing either.
                return Lost.BEFORE if is_refused and fault is Lost.AFTER else fault
        return Refused(403, 50007, "Cannot send messages to this user") if is_refused else None

    def _is_refused(self, call: Call) -> bool:
        """Whether somebody is written to who takes no direct messages."""
        parts = call.path.split("/")
        if call.method != "POST" or parts[1] != "channels" or parts[-1] != "messages":
            return False
        recipients = self.backend.channels[int(parts[2])].recipient_ids
        return any(self.people[name] in recipients for name in self.closed)

    def _witness(self, call: Call) -> None:
        parts = call.path.split("/")
        if call.method == "PUT" and parts[-2:-1] == ["roles"]:
            member_id = int(parts[4])
            if not self.record.may_hold_role(member_id):
                self.wrongs.append(f"{member_id} was let in unsigned")
            if self.record.is_paused(GROUP, member_id):
                self.wrongs.append(f"{member_id} was let in during a pause")
        assert self._current is not None
        if self._armed == Point(self._current, Phase.ANSWER_LOST):
            assert self.bot is not None and self.bot.process.pid is not None
            os.kill(self.bot.process.pid, signal.SIGKILL)

    def check_gate(self) -> None:
        """Everybody inside has signed, and everybody who has signed and is here is inside.

        Somebody whose access is paused is outside, whatever they have signed.

        Members from before Pledge keep the role for a grace.
        """
        inside = self.inside()
        signers = self.record.signers() & set(self.backend.get_guild(GUILD).members)
        paused = {who for who in signers if self.record.is_paused(GROUP, who)}
        self.wrongs += [f"{who} is inside during a pause" for who in sorted(inside & paused)]
        if self.record.is_published():
            unsigned = inside - signers - self.record.adopted()
            self.wrongs += [f"{who} is inside unsigned" for who in sorted(unsigned)]
        self.wrongs += [
            f"{who} has signed and is outside" for who in sorted(signers - inside - paused)
        ]

    def check_cases(self) -> None:
        """No decision is noted as carried out more than once."""
        noted = self.record.noted_too_often()
        self.wrongs += [f"case {number} was carried out twice" for (number,) in noted]

    def check_heads(self) -> None:
        """Every head of the ledger that was to be posted stands there, once.

        After `ACTIVITY_KEPT` the record does not know any more what it has posted.
        """
        posted, recorded = self.heads(), self.record.heads()
        self.wrongs += [f"the head {head} was lost" for head in recorded - posted]
        if not self.is_restored:  # a backup does not know of what was posted after it
            since = self.backend.clock.now() - ACTIVITY_KEPT
            newer = self.heads(since)
            self.wrongs += [f"the head {head} was posted again" for head in newer - recorded]

    # --- commands and buttons, which the bot has to answer ----------------------------------

    async def slash(
        self, user_id: int, channel: str, command: str, **given: str | int
    ) -> list[Message]:
        """Use a command; returns the answer's messages, none if the bot died over it."""
        group, _, name = command.partition(" ")
        root = self.backend.find_command(group, GUILD)
        assert root is not None, f"the bot has not told Discord of /{group}"
        options = [
            {"name": key, "type": 4 if isinstance(value, int) else 3, "value": value}
            for key, value in given.items()
        ]
        data = {
            "id": root["id"],
            "name": group,
            "type": 1,
            "options": [{"name": name, "type": 1, "options": options}],
        }
        return await self._interact(
            InteractionType.APPLICATION_COMMAND, user_id, self.channels[channel], data
        )

    async def press(self, user_id: int, message: Message, label: str) -> list[Message]:
        """Press a button; returns the answer's messages, none if the bot died over it."""
        (button,) = _buttons(message, label)
        data = {"custom_id": button["custom_id"], "component_type": ComponentType.BUTTON}
        return await self._interact(
            InteractionType.MESSAGE_COMPONENT, user_id, message.channel_id, data, message
        )

    async def submit(
        self, user_id: int, channel_id: int, form: dict[str, Any], typed: dict[str, Any]
    ) -> list[Message]:
        """Send a form; returns the answer's messages, none if the bot died over it."""
        parts = [_filled(part, typed) for part in form["components"]]
        chosen = {who for value in typed.values() if isinstance(value, list) for who in value}
        users = {
            who: dict(serializers.user_payload(self.backend.get_user(int(who)))) for who in chosen
        }
        data = {
            "custom_id": form["custom_id"],
            "components": parts,
            "resolved": {"users": users} if users else {},
        }
        return await self._interact(InteractionType.MODAL_SUBMIT, user_id, channel_id, data)

    async def _interact(
        self,
        kind: InteractionType,
        user_id: int,
        channel_id: int,
        data: dict[str, Any],
        message: Message | None = None,
    ) -> list[Message]:
        interaction, payload = base_payload(
            self.backend,
            type=kind,
            channel_id=channel_id,
            guild_id=self.backend.channels[channel_id].guild_id,
            user_id=user_id,
            data=data,
        )
        # How fast the machine is that runs the tests is not what is looked at.
        interaction.initial_response_deadline = interaction.expires_at
        if message is not None:
            interaction.source_message_id = message.id
            payload["message"] = dict(serializers.message_payload(self.backend, message))
        self.form = None
        self.backend.emit("INTERACTION_CREATE", payload)
        if not await self.settle():
            return []
        self.form = interaction.modal
        ids = [interaction.message_id, *interaction.followup_ids]
        known = self.backend.messages[channel_id]
        return [known[message_id] for message_id in ids if message_id in known]
