"""The Discord client: what it listens to, how it starts and stops, and where errors end."""

import asyncio
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands
from typing_extensions import override

from bot import entry_points, texts
from bot.documents.press import Press
from bot.domain.errors import (
    DomainError,
    NotEntitledError,
    RecordUnavailableError,
    TemporaryError,
)
from bot.effects import Actions, CommandTranslator, Worker, speak_to_whoever_presses
from bot.effects.clock import Clock
from bot.effects.identify import Sessions
from bot.effects.inviting import Inviting
from bot.effects.outage import Outage
from bot.effects.pacing import INVALID_STATUSES
from bot.effects.reconciler import Reconciler
from bot.entry_points import right_to
from bot.keys import Keyring
from bot.services import agreements, records
from bot.services.agreements import GroupText
from bot.settings import Group
from bot.storage.database import Database
from bot.texts.catalogue import _

log = logging.getLogger(__name__)

EXTENSIONS = (
    "cogs.signing",
    "cogs.agreements",
    "cogs.signatures",
    "cogs.breaches",
    "cogs.privacy",
    "cogs.invitations",
    "cogs.inspection",
    "cogs.upkeep",
    "cogs.lookout",
    "cogs.retention",
)


def intents(*, members: bool = True) -> discord.Intents:
    """The least that Pledge needs: servers, who comes and goes, reactions in direct messages."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.dm_reactions = True
    wanted.members = members
    return wanted


class PledgeTree(app_commands.CommandTree["Pledge"]):
    """The slash commands; whatever they raise is answered in one place."""

    @override
    async def interaction_check(self, interaction: discord.Interaction["Pledge"], /) -> bool:
        """Refuse programs, and whatever has no row in `bot/entry_points.py`."""
        problem: Exception | None = NotEntitledError() if interaction.user.bot else None
        try:
            right_to(entry_point_of(interaction))
        except LookupError as error:
            problem = error
        if problem is not None:
            await answer_error(interaction, problem)
        return problem is None

    @override
    async def on_error(
        self, interaction: discord.Interaction["Pledge"], error: app_commands.AppCommandError, /
    ) -> None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await answer_error(interaction, cause)


class Pledge(commands.Bot):
    """One process of Pledge.

    Args:
        groups: the configured groups.
        database: the open database.
        keys: for names in the log that only the operator can link to accounts.
        with_members: whether to ask for the Server Members Intent. Without it nobody is
            written to when they join, and signing in the welcome channel still works.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        database: Database,
        keys: Keyring,
        *,
        with_members: bool = True,
    ) -> None:
        cache = discord.MemberCacheFlags.none()
        cache.joined = with_members
        self.clock = Clock()
        trace = self.clock.trace()
        trace.on_request_end.append(self._count_answer)
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=PledgeTree,
            intents=intents(members=with_members),
            member_cache_flags=cache,
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=trace,
        )
        self.groups = {group.key: group for group in groups}
        self.database = database
        self.keys = keys
        self.reconciler = Reconciler(self, database, self.now)
        actions = Actions(
            self, database, self.groups, self.now, self.reconciler, self.clock.by_discord
        )
        self.effects = Worker(database, actions, self.groups, self.now)
        self.inviting = Inviting(self, database, self.groups, self.now, self.effects.wake)
        self.outage = Outage(self, database, self.groups, self.now, self._begin_anew, self.give_up)
        database.on_outage = self.outage.notice
        self.press = Press()
        """Makes the files that people ask for, in a process of its own."""
        self.on_close: Callable[[], None] = lambda: None
        """Called when closing begins; it can hang when a request does."""
        self.failure: TemporaryError | None = None
        """Why the process has to end, though nobody told it to."""
        self._sessions = Sessions(self)
        self._ending: asyncio.Task[None] | None = None
        speak_to_whoever_presses(self._connection)
        if with_members:
            self._tell_of_members()

    def _tell_of_members(self) -> None:
        """Pass on changes to members as they come, as `raw_member_update`.

        discord.py tells of them only for members it has cached, and Pledge caches hardly any: a
        role given by hand would be seen an hour later.
        """
        parsers = self._connection.parsers
        parse = parsers["GUILD_MEMBER_UPDATE"]

        def parse_and_tell(data: Any) -> None:
            parse(data)
            self.dispatch("raw_member_update", data)

        parsers["GUILD_MEMBER_UPDATE"] = parse_and_tell

    def now(self) -> datetime:
        """The current instant, aware, in UTC; it does not run backwards by small steps."""
        return self.clock.now()

    async def _count_answer(
        self, _session: object, _context: object, answer: aiohttp.TraceRequestEndParams
    ) -> None:
        # Here and not where requests are made: discord.py repeats a 429 by itself, unheard.
        if answer.response.status in INVALID_STATUSES:
            self.effects.pace.count_invalid(self.now())

    @override
    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Begin a new session only while Discord has enough of them left for us."""
        await self._sessions.wait_for_turn(self.now())

    def give_up(self, error: TemporaryError) -> None:
        """End this process, as another one may do better; `failure` says why."""
        if self.failure is None:
            log.critical("%s The process ends, to be started anew", error)
            self.failure = error
            self._ending = asyncio.create_task(self.close(), name="pledge-ending")

    def _begin_anew(self) -> None:
        """The record can be written again: as after a new session, look for what was missed."""
        if self.is_ready():
            self.dispatch("ready")

    def groups_in(self, guild_id: int) -> list[Group]:
        """The groups that live on this server."""
        return [group for group in self.groups.values() if group.guild_id == guild_id]

    def grace(self, group_key: str) -> timedelta:
        """How long older signatures of a group count after a material change."""
        return timedelta(days=self.groups[group_key].signing.grace_days)

    @override
    async def setup_hook(self) -> None:
        """Take in the texts, load the cogs and tell Discord the commands, if they changed."""
        drafts = [
            GroupText(
                key=group.key,
                guild_id=group.guild_id,
                agreement=group.agreement,
                translations=group.translations,
            )
            for group in self.groups.values()
        ]
        await agreements.register_groups(self.database, drafts, self.now())
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        translator = CommandTranslator()
        await self.tree.set_translator(translator)
        await self._sync_commands(translator)

    async def _sync_commands(self, translator: app_commands.Translator) -> None:
        payload = [
            await command.get_translated_payload(self.tree, translator)
            for command in self.tree.get_commands()
        ]
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        mark = f"commands of {self.application_id}"
        if await records.find_mark(self.database, mark) == digest:
            return
        await self.tree.sync()
        await records.put_mark(self.database, mark, digest)
        log.info("The commands have changed; Discord was told")

    @override
    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        if not isinstance(sys.exc_info()[1], RecordUnavailableError):  # whoever noticed has said so
            log.exception("The handler of %s failed", event_method)

    @override
    async def close(self) -> None:
        """Finish what is in hand, then leave Discord; the database is closed by its opener."""
        self.on_close()
        await self.outage.stop()
        await self.effects.stop()
        await self.press.close()
        await super().close()


def entry_point_of(interaction: discord.Interaction[Any]) -> str:
    """What the command, its completion, or the context menu is called in `bot/entry_points.py`."""
    command = interaction.command
    if isinstance(command, app_commands.ContextMenu):
        return entry_points.menu(command.name, command.type.name)
    name = command.qualified_name if command is not None else ""
    is_typing = interaction.type is discord.InteractionType.autocomplete
    return entry_points.command(name, _focused(interaction.data) if is_typing else None)


def _focused(data: Any) -> str | None:
    """The option that is being typed in, which stands below the names of the command's groups."""
    for option in data.get("options", ()):
        if option.get("focused"):
            return str(option["name"])
        if (found := _focused(option)) is not None:
            return found
    return None


async def answer_error(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell the person what they need to know; log what the operator needs to know.

    A refusal of the domain is an answer, not a fault. Everything else is logged without names
    or texts, and the person is told that nothing is lost.
    """
    if isinstance(error, DomainError):
        message = _(texts.REFUSALS.get(type(error).__name__, str(error)))
    else:
        message = _(texts.UNEXPECTED)
        log.error("An interaction failed", exc_info=error)
    try:
        if interaction.type is discord.InteractionType.autocomplete:
            await interaction.response.autocomplete([])  # there is no place for words
        elif interaction.response.is_done():
            await interaction.followup.send(message, ephemeral=True)
        else:
            await interaction.response.send_message(message, ephemeral=True)
    except discord.HTTPException as failure:
        log.info("An answer did not arrive (%d, %d)", failure.status, failure.code)
