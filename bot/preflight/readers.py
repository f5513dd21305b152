"""Goes through a server's members and counts who can read a support channel unsigned, and why."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import discord

from bot.domain.inspection import Finding, Gravity, Matter
from bot.preflight.gate import Gate
from bot.preflight.record import Record
from bot.preflight.server import Server

MEMBERS_PER_PAGE = 1_000
"""The most that Discord's List Guild Members gives at once."""

_BEFORE_THE_START = (
    Matter.OWNER_UNSIGNED,
    Matter.ADMINISTRATORS_UNSIGNED,
    Matter.MEMBER_ROLE_UNSIGNED,
)
"""Ways that stay with people who sign: nothing is wrong with them while nobody can sign yet."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts only, however many members there are; a person can come in by several ways."""

    people: Counter[Matter] = field(default_factory=Counter[Matter])
    roles: dict[Matter, Counter[int]] = field(default_factory=dict[Matter, Counter[int]])
    bots: int = 0
    explained: set[int] = field(default_factory=set[int])
    """Of those whom the channel lets in by themselves: bots, and people counted above."""
    escalation_seen: bool = False

    def add(self, ways: Sequence[tuple[Matter, int | None]]) -> None:
        """Count one person by each way that is open to them."""
        self.people.update({matter for matter, _ in ways})
        for matter, role_id in ways:
            if role_id is not None:
                self.roles.setdefault(matter, Counter()).update([role_id])

    def findings(self, gate: Gate, *, started: bool) -> Iterator[Finding]:
        """What the count says, each way with how many people and by which roles."""
        if gate.everyone_reads:
            self.people[Matter.EVERYONE_READS] += 0
        for matter, count in self.people.items():
            waits = not started and matter in _BEFORE_THE_START
            used = self.roles.get(matter, Counter())
            names = gate.names_of(role_id for role_id, _ in used.most_common())
            gravity = Gravity.COULD_OPEN if waits else Gravity.OPEN
            yield gate.finding(gravity, matter, names=names, count=count)
        if single := gate.singled_out - self.explained:
            yield gate.finding(Gravity.COULD_OPEN, Matter.PEOPLE_COULD_READ, count=len(single))
        if self.bots:
            yield gate.finding(Gravity.NOTE, Matter.BOTS_READ, count=self.bots)


async def count_readers(
    server: Server, gates: Sequence[Gate], record: Record, now: datetime
) -> dict[str, Tally]:
    """Go through the members once for all gates of the server; tallies by group key.

    Raises:
        discord.ClientException: the members intent is off in this client.
        discord.Forbidden: the application may not list members.
        discord.HTTPException: Discord could not answer; nothing is known then.
    """
    tallies = {gate.group.key: Tally(explained={server.me.id}) for gate in gates}
    page: list[discord.Member] = []
    async for member in server.guild.fetch_members(limit=None):
        if member.id != server.me.id:
            page.append(member)
        if len(page) == MEMBERS_PER_PAGE:
            for gate in gates:
                await _count(page, gate, tallies[gate.group.key], record, now)
            page.clear()
    for gate in gates:
        await _count(page, gate, tallies[gate.group.key], record, now)
    return tallies


async def _count(
    page: list[discord.Member], gate: Gate, tally: Tally, record: Record, now: datetime
) -> None:
    escalation = gate.group.cases.escalation
    tally.escalation_seen |= any(member.name == escalation for member in page)
    readers = [member for member in page if gate.channel.permissions_for(member).view_channel]
    bots = {reader.id for reader in readers if reader.bot}
    people = [reader for reader in readers if not reader.bot]
    tally.bots += len(bots)
    tally.explained |= bots & gate.singled_out
    signed = await record.list_valid(gate.group.key, [person.id for person in people], now)
    for person in people:
        if person.id not in signed:
            tally.add(list(ways_in(person, gate)))
            tally.explained |= {person.id} & gate.singled_out


def ways_in(member: discord.Member, gate: Gate) -> Iterator[tuple[Matter, int | None]]:
    """Every way by which somebody who can read the channel can do so, with the role's id.

    The owner is past all others; a denial for one person leaves only Administrator.
    """
    if member.guild.owner_id == member.id:
        yield Matter.OWNER_UNSIGNED, None
        return
    own = gate.channel.overwrites_for(member).view_channel
    if own is True:
        yield Matter.PEOPLE_UNSIGNED, None
    all_administer = member.guild.default_role.permissions.administrator
    if gate.everyone_reads and (own is not False or all_administer):
        yield Matter.EVERYONE_READS, None
    for role in member.roles:
        if role.id not in gate.openers:
            continue
        if role.permissions.administrator:
            yield Matter.ADMINISTRATORS_UNSIGNED, role.id
        elif own is False:
            continue
        elif role == gate.member_role:
            yield Matter.MEMBER_ROLE_UNSIGNED, role.id
        else:
            yield Matter.ROLES_UNSIGNED, role.id
