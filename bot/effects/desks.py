"""A group's desk for breach cases as its server is now: who can take them, and its clocks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import discord
from discord.types.member import MemberWithUser

from bot.domain.breaches import CaseClocks
from bot.domain.entitlement import Office
from bot.effects.places import find_role
from bot.services.cases import calling
from bot.services.cases.opening import Desk
from bot.settings import Group
from bot.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Officers:
    """By what those are known who can take a case: roles, or one person by id or account name."""

    moderator_role: int | None
    escalation_role: int | None
    escalation: int | str | None

    def held_by(self, member_id: int, name: str, role_ids: Collection[int]) -> set[Office]:
        """The offices that somebody with this account and these roles holds."""
        held: set[Office] = set()
        if self.moderator_role in role_ids:
            held.add(Office.MODERATOR)
        by_role = self.escalation_role in role_ids
        by_person = self.escalation_role is None and self.escalation in (member_id, name)
        if by_role or by_person:
            held.add(Office.ESCALATION)
        return held


def officers_of(guild: discord.Guild, group: Group) -> Officers:
    """By what the officers of a group are known in its server as it is now."""
    moderator, wanted = find_role(guild, group.roles.moderator), group.cases.escalation
    role = None if wanted is None else find_role(guild, wanted)
    return Officers(
        moderator_role=None if moderator is None else moderator.id,
        escalation_role=None if role is None else role.id,
        escalation=wanted,
    )


def desk_of(client: discord.Client, group: Group) -> Desk:
    """Where the cases of a group are worked on, as its server is now."""
    guild = client.get_guild(group.guild_id)
    return Desk(group_key=group.key, owner_id=None if guild is None else guild.owner_id)


def clocks_of(group: Group) -> CaseClocks:
    """The times a group has set for its cases."""
    cases = group.cases
    return CaseClocks(
        first_look=timedelta(days=cases.first_look_days),
        feedback=timedelta(days=cases.feedback_days),
        hearing=timedelta(days=cases.hearing_days),
        appeal=timedelta(days=cases.appeal_days),
    )


def officers_on(page: Sequence[MemberWithUser], known_by: Officers) -> dict[Office, list[int]]:
    """Who of a page of the member list holds which office; bots hold none."""
    found: dict[Office, list[int]] = {office: [] for office in Office}
    for entry in page:
        user = entry["user"]
        if user.get("bot", False):
            continue
        roles = set(map(int, entry["roles"]))
        for office in known_by.held_by(int(user["id"]), user["username"], roles):
            found[office].append(int(user["id"]))
    return found


async def notice_offices(
    client: discord.Client,
    database: Database,
    group: Group,
    member_id: int,
    held: Collection[Office],
    now: datetime,
) -> bool:
    """Discord has told what somebody holds now, nothing when they have left.

    Returns:
        Whether somebody has to be told of a case because of it.
    """
    if not await calling.note_office(database, group.key, member_id, held, now):
        return False
    desk = desk_of(client, group)
    found = await calling.look_for_uncalled(database, desk, now)
    return found + await calling.look_for_unposted(database, desk, now) > 0
