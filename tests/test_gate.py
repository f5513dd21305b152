"""Nobody can read a channel without a reason being named, however its permissions are set."""

from typing import Any

import discord
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.inspection import Matter
from bot.preflight.gate import Gate
from bot.preflight.readers import ways_in
from bot.preflight.server import Server
from tests.cogs.conftest import make_group
from tests.factories import GUILD

MEMBER, STAFF, OTHER = 11, 12, 13
OWNER, PERSON, BOT = 21, 22, 23
NAMES = {GUILD: "@everyone", MEMBER: "harbour-light-member", STAFF: "staff", OTHER: "other"}
VIEW = discord.Permissions(view_channel=True).value
ALL = discord.Permissions(administrator=True).value

permissions = st.fixed_dictionaries({id_: st.sampled_from([0, VIEW, ALL]) for id_ in NAMES})
overwrites = st.fixed_dictionaries(
    {id_: st.sampled_from([None, "allow", "deny"]) for id_ in (*NAMES, PERSON, OWNER)}
)
held = st.sets(st.sampled_from([MEMBER, STAFF, OTHER]))


def role(role_id: int, name: str, value: int) -> dict[str, Any]:
    fixed = {"position": 0, "color": 0, "hoist": False, "managed": False, "mentionable": False}
    colors = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
    ids = {"id": str(role_id), "name": name, "permissions": str(value), "flags": 0}
    return {**fixed, **ids, "colors": colors}


class Place:
    """One server with one channel, as Discord would describe them."""

    def __init__(
        self, values: dict[int, int], entries: dict[int, str | None], person_roles: set[int]
    ) -> None:
        client = discord.Client(intents=discord.Intents.none())
        self.state: Any = client._connection
        payload: Any = {
            "id": str(GUILD),
            "name": "Test Server",
            "owner_id": str(OWNER),
            "roles": [role(id_, name, values[id_]) for id_, name in NAMES.items()],
        }
        self.guild = discord.Guild(data=payload, state=self.state)
        listed: list[dict[str, Any]] = [
            {
                "id": str(id_),
                "type": 0 if id_ in NAMES else 1,
                "allow": str(VIEW if entry == "allow" else 0),
                "deny": str(VIEW if entry == "deny" else 0),
            }
            for id_, entry in entries.items()
            if entry is not None
        ]
        channel: Any = {
            "id": "31",
            "type": 0,
            "name": "harbour-light-support",
            "position": 0,
            "permission_overwrites": listed,
        }
        self.channel = discord.TextChannel(state=self.state, guild=self.guild, data=channel)
        self.person = self.member(PERSON, person_roles)
        self.owner = self.member(OWNER, set())

    def member(self, member_id: int, role_ids: set[int]) -> discord.Member:
        user = {"id": str(member_id), "username": "test", "discriminator": "0", "avatar": None}
        payload: Any = {"user": user, "roles": [str(id_) for id_ in role_ids], "flags": 0}
        return discord.Member(data=payload, guild=self.guild, state=self.state)

    def gate(self) -> Gate:
        server = Server(
            guild=self.guild,
            me=self.member(BOT, set()),
            channels=[self.channel],
            threads=[],
            invited=[],
            onboarded=[],
        )
        gate = Gate.find(server, make_group())
        assert gate is not None
        return gate


@given(permissions, overwrites, held)
def test_whoever_can_read_has_a_way_in(
    values: dict[int, int], entries: dict[int, str | None], person_roles: set[int]
) -> None:
    place = Place(values, entries, person_roles)
    gate = place.gate()
    ways = {matter for matter, _ in ways_in(place.person, gate)}
    if gate.channel.permissions_for(place.person).view_channel:
        assert ways
    assert {matter for matter, _ in ways_in(place.owner, gate)} == {Matter.OWNER_UNSIGNED}


@given(permissions, overwrites, held)
def test_each_way_that_is_named_lets_in_by_itself(
    values: dict[int, int], entries: dict[int, str | None], person_roles: set[int]
) -> None:
    place = Place(values, entries, person_roles)
    for matter, role_id in ways_in(place.person, place.gate()):
        if matter is Matter.PEOPLE_UNSIGNED:
            assert entries[PERSON] == "allow"
        elif matter is Matter.EVERYONE_READS:
            stranger = place.member(PERSON + 10, set())
            assert place.channel.permissions_for(stranger).view_channel
        else:
            assert role_id in person_roles
            stranger = place.member(PERSON + 10, {role_id})
            assert place.channel.permissions_for(stranger).view_channel


@given(permissions, overwrites)
def test_gate_that_names_nothing_lets_no_stranger_in(
    values: dict[int, int], entries: dict[int, str | None]
) -> None:
    place = Place(values, entries, set())
    gate = place.gate()
    for role_ids in ({STAFF}, {OTHER}, {STAFF, OTHER}):
        if not gate.everyone_reads and not gate.openers & role_ids:
            stranger = place.member(PERSON + 10, role_ids)
            assert not place.channel.permissions_for(stranger).view_channel
    assert gate.singled_out == {id_ for id_ in (PERSON, OWNER) if entries[id_] == "allow"}
