"""Looks at the servers and says what must be mended and how: who gets in, and what is missing.

The command line asks before the bot runs, over REST alone; `/pledge check` asks while it runs.
"""

from collections.abc import Sequence
from datetime import datetime

import discord

from bot.domain.inspection import Finding, Gravity, Matter, sort_findings
from bot.preflight.duties import (
    inspect_channels,
    inspect_escalation,
    inspect_roles,
    inspect_server,
    inspect_sharing,
)
from bot.preflight.entrances import inspect_facts, inspect_gifts, inspect_possibilities
from bot.preflight.gate import Gate
from bot.preflight.readers import Tally, count_readers
from bot.preflight.record import Record
from bot.preflight.server import Server, read_server
from bot.settings import Group

__all__ = ["Record", "inspect", "look"]


async def inspect(
    token: str, groups: Sequence[Group], record: Record, now: datetime
) -> list[Finding]:
    """Ask Discord over REST, without going online, how every group stands.

    Raises:
        discord.LoginFailure: Discord does not know the token.
        discord.HTTPException: Discord refused or could not answer.
    """
    # Nothing is asked of the gateway; without this one, discord.py would not list members.
    client = discord.Client(intents=discord.Intents(members=True))
    async with client:
        await client.login(token)
        findings = await look(client, groups, record, now)
    findings += await record.list_forgotten({group.key for group in groups})
    return sort_findings(findings)


async def look(
    client: discord.Client, groups: Sequence[Group], record: Record, now: datetime
) -> list[Finding]:
    """Everything that is to be said about these groups, the gravest first.

    Args:
        client: one that is logged in, online or not.
        groups: all groups of the servers they are on: what they share is looked at too.
        record: who has signed.
        now: the instant at which signatures must count.

    Raises:
        discord.HTTPException: Discord refused or could not answer; then nothing is known.
    """
    findings = [*await _look_at_application(client), *record.findings()]
    for guild_id in dict.fromkeys(group.guild_id for group in groups):
        here = [group for group in groups if group.guild_id == guild_id]
        server = await read_server(client, guild_id)
        if server is None:
            matter, detail = Matter.NOT_ON_SERVER, str(guild_id)
            findings += [
                Finding(gravity=Gravity.BROKEN, matter=matter, group_key=g.key, detail=detail)
                for g in here
            ]
        else:
            findings += await _look_at_server(server, here, record, now)
    return sort_findings(findings)


async def _look_at_application(client: discord.Client) -> list[Finding]:
    if client.is_ready():
        # Online, what counts is what the session was granted; a change since needs a restart.
        may_see = client.intents.members
    else:
        flags = (await client.application_info()).flags
        may_see = flags.gateway_guild_members or flags.gateway_guild_members_limited
    return [] if may_see else [Finding(gravity=Gravity.BROKEN, matter=Matter.INTENT_OFF)]


async def _look_at_server(
    server: Server, groups: Sequence[Group], record: Record, now: datetime
) -> list[Finding]:
    gates = {group.key: Gate.find(server, group) for group in groups}
    tallies = dict[str, Tally]() if record.trouble else await _count(server, gates, record, now)
    findings = list(inspect_sharing(server, groups))
    for group in groups:
        gate, key = gates[group.key], group.key
        tally = tallies.get(key) if tallies is not None else None
        findings += inspect_roles(server, group)
        findings += inspect_channels(server, group)
        findings += inspect_server(server, group, gate)
        seen = tally.escalation_seen if tally else None
        findings += await inspect_escalation(server, group, seen=seen)
        started = await record.has_started(key)
        if record.database is not None and not started:
            matter = Matter.NOT_STARTED
            findings.append(Finding(gravity=Gravity.NOTE, matter=matter, group_key=key))
        if adopted := await record.count_adopted(key):
            note, matter = Gravity.NOTE, Matter.ADOPTED
            findings.append(Finding(gravity=note, matter=matter, group_key=key, count=adopted))
        findings += await record.inspect_removals(group, groups, now)
        if tallies is None:
            matter = Matter.MEMBERS_UNSEEN
            findings.append(Finding(gravity=Gravity.BROKEN, matter=matter, group_key=key))
        if gate is not None:
            tally = tally or Tally(explained={server.me.id})
            findings += _look_at_gate(server, gate, tally, started=started)
    return findings


def _look_at_gate(server: Server, gate: Gate, tally: Tally, *, started: bool) -> list[Finding]:
    return [
        *tally.findings(gate, started=started),
        *inspect_gifts(server, gate),
        *inspect_possibilities(gate, tally),
        *inspect_facts(server, gate),
    ]


async def _count(
    server: Server, gates: dict[str, Gate | None], record: Record, now: datetime
) -> dict[str, Tally] | None:
    """The readers of each gate; None when the bot may not list the members."""
    there = [gate for gate in gates.values() if gate is not None]
    try:
        return await count_readers(server, there, record, now)
    except (discord.ClientException, discord.Forbidden):
        return None
