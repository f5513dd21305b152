"""The stage: a simulated Discord server, the real bot on it, and the invented people."""

import base64
import contextlib
import logging
import secrets
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import discord
import simcord
from simcord.http import RequestContext, route
from simcord.results import InteractionResult, ResponseMessage
from typing_extensions import override

from bot.client import Pledge
from bot.documents import chart
from bot.domain.errors import DomainError
from bot.keys import Keyring
from bot.services import records
from bot.services.records import MemberRecord
from bot.settings import Group, Settings, starter_folder
from bot.storage.database import Database

ACCEPT, DECLINE = "✅", "❌"
MINUTE = 60.0
TOP = 50
"""Where the bot's own role stands: above every role the server has."""

CONFIG = """\
database: sqlite:///pledge.db
groups:
  harbour-light:
    name: Harbour Light
    guild: 100000000000000001
    agreement: agreements/default.en.yaml
    roles: {member: member, moderator: moderator, facilitator: facilitator}
    channels: {support: support, moderators: moderators, welcome: welcome}
"""


@route("GET", "/guilds/{guild_id}/onboarding")
def without_onboarding(_context: RequestContext) -> dict[str, object]:
    """What Discord says of a server that has no onboarding; the simulator does not know it."""
    return {"enabled": False, "mode": 0, "prompts": [], "default_channel_ids": []}


class Faults(logging.Handler):
    """Keeps what the bot would write to its log as an error, instead of printing it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._found: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        if not isinstance(cause, DomainError):
            self._found.append(f"{record.getMessage()} {cause or ''}".strip())

    def take(self) -> list[str]:
        """What was found since the last time."""
        found, self._found = self._found, []
        return found


class World:
    """One server with one group, its staff, and the bot that looks after it."""

    def __init__(
        self, env: simcord.Env, client: Pledge, group: Group, faults: Faults, folder: Path
    ) -> None:
        self.env = env
        self.client = client
        self.group = group
        self.faults = faults
        self._folder = folder
        env.backend.edit_bot_profile("Pledge")
        owner = self._person("Petrel, owner")
        self.guild = guild = env.create_guild("Harbour Light", id=group.guild_id, owner=owner)
        self.member_role = guild.create_role("member")
        moderators, facilitators = guild.create_role("moderator"), guild.create_role("facilitator")
        hidden = discord.PermissionOverwrite(view_channel=False)
        shown = discord.PermissionOverwrite(view_channel=True)
        private = {guild.default_role: hidden}
        own = self._raised_bot_role()
        staff = {moderators: shown, facilitators: shown, own: shown}
        self.welcome = guild.create_text_channel("welcome", topic="New here? Start with this.")
        self.support = guild.create_text_channel(
            "support",
            topic="Only for people who have signed.",
            overwrites={**private, self.member_role: shown, own: shown},
        )
        self.moderators = guild.create_text_channel(
            "moderators", topic="Facilitators and moderators.", overwrites={**private, **staff}
        )
        self.owner = simcord.MemberActor(env, guild, owner)
        heron, gannet = self._person("Heron, facilitator"), self._person("Gannet, moderator")
        self.facilitator = guild.add_member(heron, roles=[facilitators])
        self.moderator = guild.add_member(gannet, roles=[moderators])
        self._seen: dict[int, int] = {}

    def _raised_bot_role(self) -> simcord.RoleHandle:
        """The bot's own role, dragged above all others as an operator would."""
        backend = self.env.backend
        roles = backend.get_guild(self.guild.id).roles.values()
        own = next(role for role in roles if role.managed)
        backend.edit_role(self.guild.id, own.id, {"position": TOP})
        return self.guild.roles[own.name]

    def _person(self, name: str) -> simcord.UserHandle:
        account = f"demo.{name.partition(',')[0].lower().replace(' ', '.')}"
        return self.env.create_user(account, global_name=f"{name} (demo)")

    # --- what happens ---------------------------------------------------------------------

    async def settle(self) -> None:
        """Let the bot finish all that it has in hand."""
        await self.env.settle()

    async def pass_time(self, seconds: float = MINUTE) -> None:
        """Move the simulated clock; the bot's own timers go off as they would."""
        await self.env.advance_time(seconds)

    async def sleep(self, seconds: float) -> None:
        """Let a long time go by at once; then the timers go off that came due in it."""
        self.env.backend.advance_clock(seconds)
        await self.pass_time(10 * MINUTE)

    async def join(self, name: str, *, takes_messages: bool = True) -> simcord.MemberActor:
        """Somebody new joins the server, perhaps with closed direct messages."""
        with contextlib.nullcontext() if takes_messages else self._closed_messages():
            member = self.guild.add_member(self._person(name))
            await self.settle()
        return member

    @contextlib.contextmanager
    def _closed_messages(self) -> Generator[None]:
        self.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=None)
        try:
            yield
        finally:
            self.env.backend.faults.clear()

    async def start_press(self) -> None:
        """Start the process that makes files; a slow machine takes its time for that."""
        nothing = chart.Picture(line=(), publishes=(), steps=(0, 0, 0))
        await self.client.press.make(chart.draw, nothing, "en")

    async def leave(self, member: simcord.MemberActor) -> None:
        """Somebody leaves the server."""
        self.guild.remove_member(member)
        await self.settle()

    async def come_back(self, member: simcord.MemberActor) -> simcord.MemberActor:
        """Somebody who had left joins again, with the same account."""
        returned = self.guild.add_member(member.user)
        await self.settle()
        return returned

    async def react(self, member: simcord.MemberActor, emoji: str, *, reacted: bool = True) -> None:
        """Somebody adds a reaction to the agreement in their direct messages, or removes it."""
        await member.user.set_reaction(self.request_of(member), emoji, reacted=reacted)
        await self.settle()

    # --- what people see ------------------------------------------------------------------

    def unseen(self, member: simcord.MemberActor) -> list[discord.Message]:
        """Direct messages from the bot that came since the last look."""
        history = member.user.dm_channel.history()
        last = self._seen.get(member.id, 0)
        self._seen[member.id] = max((message.id for message in history), default=last)
        return [message for message in history if message.id > last]

    def panel(self) -> discord.Message:
        """The standing message in #welcome, with its button."""
        message = self.welcome.last_message
        if message is None or not message.components:
            raise DomainError("There is no panel in #welcome.")
        return message

    def request_of(self, member: simcord.MemberActor) -> discord.Message:
        """The newest direct message that carries the two reactions."""
        history = member.user.dm_channel.history()
        asking = [message for message in history if reactions_on(message) >= {ACCEPT, DECLINE}]
        if not asking:
            raise DomainError(f"{member.name} has no message to react to.")
        return asking[-1]

    def can_see(self, member: simcord.MemberActor, channel: simcord.ChannelHandle) -> bool:
        """Whether Discord shows this channel to this person."""
        try:
            channel.history(viewer=member)
        except simcord.SetupError:
            return False
        return True

    def has_role(self, member: simcord.MemberActor) -> bool:
        """Whether the person holds the member role."""
        stored = self.env.backend.get_guild(self.guild.id).members.get(member.id)
        return stored is not None and self.member_role.id in stored.role_ids

    async def record_of(self, member: simcord.MemberActor) -> MemberRecord:
        """What the database holds about the person."""
        client = self.client
        return await records.check_member(client.database, self.group.key, member.id, client.now())

    def stored_bytes(self) -> bytes:
        """All that the database has on the disk at this moment."""
        return b"".join(path.read_bytes() for path in self._folder.glob("pledge.db*"))


def pages_of(result: InteractionResult) -> list[ResponseMessage]:
    """What the bot answered, in order."""
    return [one for one in (result.response, *result.followups) if one is not None]


def reactions_on(message: discord.Message) -> set[str]:
    """The emoji under a message."""
    return {str(reaction.emoji) for reaction in message.reactions}


@contextlib.asynccontextmanager
async def open_world() -> AsyncGenerator[World]:
    """Build everything in a temporary folder that is removed at the end.

    The configuration is read, the database encrypted and the bot started as `pledge run`
    does it; only the key is thrown away, and Discord is simulated.
    """
    with tempfile.TemporaryDirectory(prefix="pledge-demo-", ignore_cleanup_errors=True) as folder:
        settings = _settings_in(Path(folder))
        keys = Keyring(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        database = await Database.open(settings.database_url, keys)
        client = Pledge(settings.groups, database, keys)
        try:
            with _quiet_log() as faults:
                async with simcord.run(client, check_errors=False) as env:
                    world = World(env, client, settings.groups[0], faults, Path(folder))
                    # The simulator calls every refusal an error; the bot answers them kindly, and
                    # logs what is a fault.
                    vars(client.tree).pop("on_error", None)
                    await world.settle()
                    yield world
        finally:
            await database.close()


def _settings_in(folder: Path) -> Settings:
    shutil.copytree(starter_folder() / "agreements", folder / "agreements")
    path = folder / "pledge.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return Settings.load(path, {})


@contextlib.contextmanager
def _quiet_log() -> Generator[Faults]:
    root, faults = logging.getLogger(), Faults()
    before = root.handlers[:]
    root.handlers[:] = [faults]
    try:
        yield faults
    finally:
        root.handlers[:] = before
