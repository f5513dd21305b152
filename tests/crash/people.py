"""The people of the kill loop: what each of them wants, and what they do next."""

import random
from dataclasses import dataclass, field

from tests.crash.town import ACCEPT, DECLINE
from tests.crash.world import World
from tests.factories import GUILD


@dataclass
class Crowd:
    """A few people who come, answer, change their minds and go; `rng` decides who does what.

    They know nothing of the bot's deaths. Whoever is outside does nothing but come back.
    """

    world: World
    rng: random.Random
    size: int = 8
    wants: dict[str, bool] = field(default_factory=dict)
    acts: int = 0

    def act(self) -> None:
        """One of them does one thing."""
        name = f"person-{self.rng.randrange(self.size)}"
        self.acts += 1
        if not self.is_there(name):
            self.world.join(name)
            self.wants.setdefault(name, False)
            return
        if self.world.request(name) is None:
            return
        if self.rng.random() < 0.12:
            self.world.leave(name)
        elif self.has_reacted(name, ACCEPT):
            self.world.react(name, ACCEPT, reacted=False)
            self.wants[name] = False
        elif self.rng.random() < 0.15 and not self.has_reacted(name, DECLINE):
            self.world.react(name, DECLINE)
        else:
            self.world.react(name, ACCEPT)
            self.wants[name] = True

    def finish(self) -> None:
        """Everybody sees to it that what they want is what their newest request shows."""
        for name, wanted in self.wants.items():
            if not self.is_there(name):
                self.world.join(name)
            elif self.world.request(name) and self.has_reacted(name, ACCEPT) is not wanted:
                self.world.react(name, ACCEPT, reacted=wanted)

    def is_there(self, name: str) -> bool:
        who = self.world.people.get(name)
        return who in self.world.backend.get_guild(GUILD).members

    def has_reacted(self, name: str, emoji: str) -> bool:
        message = self.world.request(name)
        who = self.world.people[name]
        return message is not None and any(
            reaction.emoji == emoji and who in reaction.user_ids for reaction in message.reactions
        )
