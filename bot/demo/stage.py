"""What every scene of the story needs: to let people in, and to hold the story to its word."""

from dataclasses import dataclass, field

import simcord

from bot import texts
from bot.demo.narration import Narrator
from bot.demo.world import World
from bot.domain.agreements import Signature, Standing


@dataclass
class Stage:
    """What the scenes share: the world, the voice that tells, and who has joined so far."""

    world: World
    tell: Narrator
    people: dict[str, simcord.MemberActor] = field(default_factory=dict)
    inside: set[str] = field(default_factory=set)

    async def enter(self, name: str, *, takes_messages: bool = True) -> simcord.MemberActor:
        """Somebody invented joins the server."""
        await self.world.pass_time()
        member = await self.world.join(name, takes_messages=takes_messages)
        self.people[name] = member
        self.tell.introduce({member.id: name})
        self.tell.did(name, "joins the server.")
        return member

    async def expect_inside(self, name: str) -> Signature:
        """Hold that the person has a valid signature, the role and the support channel."""
        world, tell, member = self.world, self.tell, self.people[name]
        record = await world.record_of(member)
        tell.check(record.standing is Standing.SIGNED, f"{name} has signed")
        tell.check(world.has_role(member), f"{name} has the member role")
        tell.check(world.can_see(member, world.support), f"{name} can see #support")
        signature, in_force = record.signatures[-1], record.in_force
        tell.check(
            in_force is not None and signature.sha256 == in_force.sha256,
            f"{name} has signed the text in force",
        )
        self.inside.add(name)
        tell.saw(f"{name} gets the role @member. #support opens.")
        tell.stored(
            f"{name}: signed version {signature.version_number}"
            f" (SHA-256 {signature.sha256[:16]}…) by {signature.method.value},"
            f" receipt {signature.receipt_number}."
        )
        return signature

    async def expect_outside(self, name: str, standing: Standing) -> None:
        """Hold that the person is recorded like this and cannot read the support channel."""
        world, tell, member = self.world, self.tell, self.people[name]
        record = await world.record_of(member)
        tell.check(record.standing is standing, f"{name} counts as {standing.value}")
        tell.check(not world.has_role(member), f"{name} has no member role")
        tell.check(not world.can_see(member, world.support), f"{name} cannot see #support")
        if name in self.inside:
            self.inside.remove(name)
            tell.saw(f"{name} loses the role @member. #support closes.")
        else:
            tell.saw(f"{name} has no role. #support is closed.")
        tell.stored(f"{name}: {texts.STANDINGS[standing]}.")

    def hear(self, name: str, expected: str) -> None:
        """Tell of new direct messages and hold that the last one says what it should."""
        messages = [message.content for message in self.world.unseen(self.people[name])]
        self.tell.check(
            messages and expected in messages[-1], f"{name} was told “{expected}” by message"
        )
        self.tell.said(f"to {name}", messages)
