"""Sends what Discord would not let somebody send: any command, press or form, from anywhere.

Whoever is not on the server sends it in a direct message, as that is all they have with the bot.
"""

from typing import Any

import discord
from simcord import interactions
from simcord.actors import MemberActor, _dispatch_actor_interaction
from simcord.backend import serializers
from simcord.builders import ChannelHandle, UserHandle
from simcord.enums import AppCommandType, ComponentType, InteractionType
from simcord.results import InteractionResult, ResponseMessage

Person = MemberActor | UserHandle
Message = discord.Message | ResponseMessage


class Forger:
    """Sends as one person.

    Args:
        person: who sends.
        place: the channel of the server from which they do, if they are there.
    """

    def __init__(self, person: Person, place: ChannelHandle) -> None:
        self.person = person
        self.place = person.dm_channel if isinstance(person, UserHandle) else place
        self._backend = person._env.backend

    async def slash(self, name: str, **options: Any) -> InteractionResult:
        """A command; people are given as they are, everything else as it is typed."""
        typed = [self._option(key, value) for key, value in options.items()]
        data = self._command(name, typed)
        users = [value for value in options.values() if isinstance(value, Person)]
        if users:
            data["resolved"] = self._resolved(users)
        return await self._send(InteractionType.APPLICATION_COMMAND, data)

    async def complete(self, name: str, option: str, typed: str = "") -> InteractionResult:
        """What is offered while an option is typed in."""
        data = self._command(name, [{**self._option(option, typed), "focused": True}])
        return await self._send(InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE, data)

    async def menu(self, name: str, target: MemberActor | Message) -> InteractionResult:
        """A context menu, on a person or on a message."""
        is_user = isinstance(target, MemberActor)
        kind = AppCommandType.USER if is_user else AppCommandType.MESSAGE
        root = self._backend.find_command(name, None, type=kind)
        assert root is not None
        data = {"id": root["id"], "name": name, "type": kind, "target_id": str(target.id)}
        if isinstance(target, MemberActor):
            data["resolved"] = self._resolved([target])
        else:
            shown = dict(serializers.message_payload(self._backend, self._stored(target)))
            data["resolved"] = {"messages": {str(target.id): shown}}
        return await self._send(InteractionType.APPLICATION_COMMAND, data)

    async def press(self, custom_id: str, message: Message) -> InteractionResult:
        """A button of this id, as if it stood under a message."""
        data = {"custom_id": custom_id, "component_type": ComponentType.BUTTON}
        return await self._send(InteractionType.MESSAGE_COMPONENT, data, message)

    async def choose(self, custom_id: str, value: str, message: Message) -> InteractionResult:
        """A choice in a menu of this id, as if it stood under a message."""
        kind = ComponentType.STRING_SELECT
        data = {"custom_id": custom_id, "component_type": kind, "values": [value]}
        return await self._send(InteractionType.MESSAGE_COMPONENT, data, message)

    async def submit(self, custom_id: str, **typed: str) -> InteractionResult:
        """A form of this id, with what was typed into each of its fields."""
        fields = [
            {
                "type": ComponentType.LABEL,
                "component": {"type": ComponentType.TEXT_INPUT, "custom_id": key, "value": value},
            }
            for key, value in typed.items()
        ]
        data = {"custom_id": custom_id, "components": fields}
        return await self._send(InteractionType.MODAL_SUBMIT, data)

    def _command(self, name: str, options: list[dict[str, Any]]) -> dict[str, Any]:
        parts = name.split()
        root = self._backend.find_command(parts[0], None, type=AppCommandType.CHAT_INPUT)
        assert root is not None, f"/{name} is not registered"
        _leaf, nesting = interactions.walk_to_subcommand(root, parts[1:])
        nested = interactions.nest_options(root, nesting, options)
        kind = AppCommandType.CHAT_INPUT
        return {"id": root["id"], "name": root["name"], "type": kind, "options": nested}

    def _option(self, name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, Person):
            return {"name": name, "type": 6, "value": str(value.id)}
        return {"name": name, "type": 4 if isinstance(value, int) else 3, "value": value}

    def _resolved(self, people: list[Any]) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for one in people:
            interactions.resolve_handle(self.person, one, found, channel_id=self.place.id)
        return found

    def _stored(self, message: Message) -> Any:
        channel = message.channel_id if isinstance(message, ResponseMessage) else message.channel.id
        return self._backend.get_message(channel, message.id)

    async def _send(
        self, kind: InteractionType, data: dict[str, Any], message: Message | None = None
    ) -> InteractionResult:
        extra: dict[str, Any] = {}
        if message is not None:
            shown = serializers.message_payload(self._backend, self._stored(message))
            extra["message"] = dict(shown)
            if data["custom_id"] not in str(extra["message"]["components"]):
                extra["message"]["components"] = [_row(data["custom_id"])]
        return await _dispatch_actor_interaction(
            self.person,
            kind,
            self.place,
            data,
            extra=extra,
            source_message_id=None if message is None else message.id,
        )


def _row(custom_id: str) -> dict[str, Any]:
    """The one button of a message that has not got it, or not any more."""
    button = {"type": ComponentType.BUTTON, "style": 2, "label": "x", "custom_id": custom_id}
    return {"type": ComponentType.ACTION_ROW, "components": [button]}
