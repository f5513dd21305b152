"""Ways to the support channel that stand open, whoever uses them today."""

from collections.abc import Iterator

import discord

from bot.domain.inspection import Finding, Gravity, Matter
from bot.preflight.gate import Gate
from bot.preflight.readers import Tally
from bot.preflight.server import Server


def inspect_gifts(server: Server, gate: Gate) -> Iterator[Finding]:
    """Invites, onboarding and Discord itself handing out a role that opens the gate."""
    for given, matter, unseen in (
        (server.onboarded, Matter.ONBOARDING_GIVES, Matter.ONBOARDING_UNSEEN),
        (server.invited, Matter.INVITES_GIVE, Matter.INVITES_UNSEEN),
    ):
        if given is None:
            yield gate.finding(Gravity.NOTE, unseen)
            continue
        opening = [roles for role_ids in given if (roles := gate.find_given(role_ids))]
        if opening:
            names = {role.id: role.name for roles in opening for role in roles}
            yield gate.finding(
                Gravity.OPEN, matter, names=tuple(names.values()), count=len(opening)
            )
    free = [role for role in gate.channel.guild.roles if _is_taken_freely(role)]
    if names := tuple(role.name for role in free if role.id in gate.openers):
        yield gate.finding(Gravity.OPEN, Matter.ROLE_TAKEN_FREELY, names=names)


def _is_taken_freely(role: discord.Role) -> bool:
    """Whether people get the role without anybody of the group giving it."""
    tags = role.tags
    return (
        tags is not None
        and not tags.is_bot_managed()
        and (
            tags.is_integration()
            or tags.is_guild_connection()
            or tags.is_available_for_purchase()
            or tags.is_premium_subscriber()
        )
    )


def inspect_possibilities(gate: Gate, tally: Tally) -> Iterator[Finding]:
    """What lets people in past the signature, though nobody unsigned uses it now."""
    used = set(tally.roles.get(Matter.ROLES_UNSIGNED, ()))
    idle = [
        role.name
        for role in gate.roles(administrators=False)
        if role.id not in used and not _is_taken_freely(role)
    ]
    if idle:
        yield gate.finding(Gravity.COULD_OPEN, Matter.ROLES_COULD_READ, names=tuple(idle))
    if gate.channel.is_news():
        yield gate.finding(Gravity.COULD_OPEN, Matter.ANNOUNCEMENTS)


def inspect_facts(server: Server, gate: Gate) -> Iterator[Finding]:
    """What is so by Discord's own rules, and good to know."""
    names = tuple(role.name for role in gate.roles(administrators=True))
    yield gate.finding(Gravity.NOTE, Matter.ALWAYS_READ, names=names)
    # A thread has no permissions of its own: its readers are those of its channel, or fewer.
    threads = [t for t in server.threads if t.parent_id == gate.channel.id and not t.is_private()]
    if threads:
        yield gate.finding(Gravity.NOTE, Matter.THREADS, count=len(threads))
