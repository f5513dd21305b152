"""A simulated server for measuring, with the real bot or with a bare one that only talks."""

import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import simcord
from discord.ext import commands
from simcord.actors import MemberActor
from simcord.builders import GuildHandle
from sqlalchemy import event

from bot.client import Pledge, intents
from bot.keys import Keyring
from bot.services import agreements
from bot.settings import Channels, Group, Roles, Settings
from bot.storage.database import Database

CONFIG = Path(__file__).parent.parent / "config" / "pledge.example.yaml"
KEYS = Keyring("YSBrZXkgZm9yIGJlbmNobWFya3MsIDMyIGJ5dGVzISE=")


@dataclass
class Bench:
    """The running world; `commits` counts the transactions that wrote."""

    env: simcord.Env
    guild: GuildHandle
    client: discord.Client
    commits: int = 0

    async def join(self, count: int) -> list[MemberActor]:
        """People join, one after the other, and the bot does what it does."""
        people = []
        for number in range(count):
            people.append(self.guild.add_member(self.env.create_user(f"bench-{number}")))
            await self.env.settle()
        return people

    async def accept(self, people: list[MemberActor]) -> None:
        """Each of them accepts on the message that carries the reactions."""
        for person in people:
            history = person.user.dm_channel.history()
            message = next(m for m in reversed(history) if m.reactions)
            await person.user.set_reaction(message, "✅", reacted=True)
            await self.env.settle()


class Bare(commands.Bot):
    """Sends the same requests as Pledge for a join and an acceptance, and records nothing."""

    role_id: int

    def __init__(self, messages: list[str]) -> None:
        super().__init__("!", intents=intents(), chunk_guilds_at_startup=False, max_messages=None)
        self.messages = messages

    async def on_member_join(self, member: discord.Member) -> None:
        channel = await self.create_dm(member)
        *earlier, last = self.messages
        for content in earlier:
            await channel.send(content)
        sent = await channel.send(last)
        for emoji in ("✅", "❌"):
            await sent.add_reaction(emoji)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        if self.user is None or payload.user_id == self.user.id:
            return
        guild = self.guilds[0]
        await self.http.add_role(guild.id, payload.user_id, self.role_id)
        await self.get_partial_messageable(payload.channel_id).send("Thank you. " * 20)


def load_group() -> Group:
    """The example's group, with places found by name and no pace to wait for."""
    example = Settings.load(CONFIG, {}).groups[0]
    return dataclasses.replace(
        example,
        roles=Roles(member="member", moderator="moderator", facilitator="facilitator"),
        channels=Channels(support="support", moderators="staff", welcome="welcome"),
        signing=example.signing.model_copy(update={"dm_per_minute": 1_000_000}),
    )


def build(env: simcord.Env, group: Group) -> GuildHandle:
    """A server with the roles and channels of the group, the bot's own role on top."""
    guild = env.create_guild("Bench", id=group.guild_id)
    for name in ("member", "moderator", "facilitator"):
        guild.create_role(name)
    for name in ("support", "staff", "welcome"):
        guild.create_text_channel(name)
    for role in env.backend.get_guild(guild.id).roles.values():
        if role.managed:
            env.backend.edit_role(guild.id, role.id, {"position": 50})
    return guild


@contextlib.asynccontextmanager
async def pledge() -> AsyncIterator[Bench]:
    """Pledge itself on an encrypted file, with the default agreement in force."""
    group = load_group()
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(f"sqlite:///{folder}/bench.db", KEYS)
        client = Pledge([group], database, KEYS)
        env = simcord.Env(client)
        await env.start()
        with env.time_context():
            guild = build(env, group)
            await env.settle()
            bench = Bench(env, guild, client)
            _count_commits(database, bench)
            await _publish(database, group)
            with env._bot_scope():
                client.effects.wake()
            await env.settle()
            yield bench
        await env.shutdown()
        await database.close()


def _count_commits(database: Database, bench: Bench) -> None:
    engine = database._engine.sync_engine

    @event.listens_for(engine, "commit")
    def count(connection: Any) -> None:
        bench.commits += bool(connection.get_execution_options().get("pledge_writes"))


async def _publish(database: Database, group: Group) -> None:
    now = discord.utils.utcnow()
    preview = await agreements.preview_publish(database, group.key, now)
    await agreements.publish(
        database,
        group.key,
        fingerprint=preview.fingerprint,
        change=None,
        facilitator_id=1,
        grace=discord.utils.utcnow() - now,
        now=now,
    )


@contextlib.asynccontextmanager
async def bare(messages: list[str]) -> AsyncIterator[Bench]:
    """A bot that only talks: what discord.py and the simulator cost by themselves."""
    group = load_group()
    client = Bare(messages)
    env = simcord.Env(client)
    await env.start()
    with env.time_context():
        guild = build(env, group)
        client.role_id = guild.roles["member"].id
        await env.settle()
        yield Bench(env, guild, client)
    await env.shutdown()
