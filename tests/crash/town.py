"""A server with one group and its people: how it is set up, and what people do and see there."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import discord
from simcord.backend import Backend
from simcord.backend.models import Message, Overwrite
from simcord.enums import OverwriteType

from bot.domain.ledger import Head
from tests.crash.record import Record
from tests.doubles.discord_server import DiscordServer
from tests.factories import GUILD
from tests.settings.samples import AGREEMENT

GROUP, NAME = "harbour-light", "Harbour Light"
ACCEPT, DECLINE = "✅", "❌"
TOKEN = "a-token-for-tests"
CONFIG = f"""\
database: sqlite:///pledge.db
groups:
  {GROUP}:
    name: {NAME}
    guild: {GUILD}
    agreement: agreement.yaml
    roles: {{member: member, moderator: moderator, facilitator: facilitator}}
    channels: {{support: support, moderators: moderators, welcome: welcome}}
    signing: {{dm_per_minute: 60}}
"""


@dataclass
class Town:
    """One simulated Discord and one database file.

    `closed` are people who take no messages. `is_restored`: the record was replaced by a backup.
    """

    server: DiscordServer
    folder: Path
    people: dict[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    roles: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    facilitator: int = 0
    is_restored: bool = False

    @classmethod
    def build(cls, server: DiscordServer, folder: Path) -> Self:
        """The server as its owner has set it up; nothing is published yet."""
        folder.mkdir(parents=True, exist_ok=True)
        town = cls(server, folder)
        town._set_up()
        return town

    def _set_up(self) -> None:
        (self.folder / "agreement.yaml").write_text(AGREEMENT, encoding="utf-8")
        (self.folder / "pledge.yaml").write_text(CONFIG, encoding="utf-8")
        backend = self.backend
        backend.create_guild("Test Server", id=GUILD)
        self.roles = {
            name: backend.create_role(GUILD, name).id
            for name in ("member", "moderator", "facilitator")
        }
        for role in backend.get_guild(GUILD).roles.values():
            if role.managed:
                backend.edit_role(GUILD, role.id, {"position": 50})
        view = discord.Permissions(view_channel=True).value
        hidden = Overwrite(GUILD, OverwriteType.ROLE, deny=view)
        bot = Overwrite(backend.bot_user.id, OverwriteType.MEMBER, allow=view)

        def shown(name: str) -> Overwrite:
            return Overwrite(self.roles[name], OverwriteType.ROLE, allow=view)

        self.channels = {
            "welcome": backend.create_channel(GUILD, "welcome").id,
            "support": backend.create_channel(
                GUILD, "support", overwrites=[hidden, shown("member"), bot]
            ).id,
            "moderators": backend.create_channel(
                GUILD,
                "moderators",
                overwrites=[hidden, shown("moderator"), shown("facilitator"), bot],
            ).id,
        }
        self.facilitator = backend.make_user("test-facilitator").id
        backend.add_member(GUILD, self.facilitator, roles=[self.roles["facilitator"]])

    @property
    def backend(self) -> Backend:
        return self.server.backend

    @property
    def record(self) -> Record:
        return Record(self.folder / "pledge.db")

    def inside(self) -> set[int]:
        """Who holds the member role."""
        members = self.backend.get_guild(GUILD).members
        return {who for who, one in members.items() if self.roles["member"] in one.role_ids}

    def heads(self, since: datetime | None = None) -> Counter[str]:
        """The heads of the ledger in the moderators' channel, perhaps only newer ones."""
        notices = self.backend.messages[self.channels["moderators"]].values()
        found = (
            Head.find(one.content)
            for one in notices
            if since is None or discord.utils.snowflake_time(one.id) > since
        )
        return Counter(str(head) for head in found if head is not None)

    def join(self, name: str, *roles: str) -> None:
        """Come to the server, perhaps with roles that an invite gives."""
        if name not in self.people:
            self.people[name] = self.backend.make_user(f"test-{name}").id
        role_ids = [self.roles[role] for role in roles]
        self.backend.add_member(GUILD, self.people[name], roles=role_ids, announce=True)

    def give_by_hand(self, name: str) -> None:
        """Somebody with the permission gives this person the member role, past Pledge."""
        self.backend.add_member_role(GUILD, self.people[name], self.roles["member"])

    def let_time_pass(self, time: timedelta) -> None:
        """Put everybody's clock forward; the bot's with its next start."""
        self.backend.clock.advance(time.total_seconds())

    def leave(self, name: str) -> None:
        self.backend.remove_member(GUILD, self.people[name])

    def messages(self, name: str) -> list[Message]:
        """What the bot wrote to this person, but for answers that do not stay."""
        channel_id = self.backend.dm_channels.get(self.people[name])
        found = self.backend.messages[channel_id].values() if channel_id else ()
        lasting = (message for message in found if not message.is_ephemeral)
        return sorted(lasting, key=lambda message: message.id)

    def request(self, name: str) -> Message | None:
        """The newest message of the bot that carries the two reactions."""
        bot_id = self.backend.bot_user.id
        asked = [
            message
            for message in self.messages(name)
            if sum(bot_id in reaction.user_ids for reaction in message.reactions) == 2
        ]
        return asked[-1] if asked else None

    def react(self, name: str, emoji: str, *, reacted: bool = True) -> None:
        message = self.request(name)
        assert message is not None, f"{name} has nothing to react to"
        channel_id, who = message.channel_id, self.people[name]
        self.backend.set_reaction(channel_id, message.id, emoji, who, reacted)
