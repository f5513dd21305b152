"""The buttons under an alarm, by which a facilitator consents to what concerns many at once."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import discord

from bot import texts
from bot.effects import ENFORCE_CUSTOM_ID, REMOVE_CUSTOM_ID, enforce_view, remove_view
from bot.effects.places import find_role
from bot.effects.reconciler import rules_of
from bot.effects.removal import removal_rule
from bot.services import holders, removals
from bot.settings import Group
from bot.texts.catalogue import _
from cogs._checks import known_group
from cogs._ui import GROUP_KEY, Button, Context, button, reply, settle

PlainButton = discord.ui.Button[Any]
COUNT = r"(\d{1,7})"
"""The number of people that was shown, in the template of a button's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a consent: `people` it concerns by now.

    `acted` is whether it is being done, `guarded` whether they are more than were agreed to.
    """

    people: int = 0
    acted: bool = False
    guarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said to a consent, and the button that is shown again when the numbers changed."""

    done: Callable[[int], str]
    stale: Callable[[int], str]
    nothing: Callable[[], str]
    view: Callable[[str, int], discord.ui.View]


class ConsentButton(Button):
    """A facilitator's consent, which holds for no more people than the button was shown with."""

    words: ClassVar[Words]
    group_key: str
    people: int

    @abstractmethod
    async def carry_out(self, interaction: Context, group: Group) -> Outcome:
        """Do it for as many people as were shown, or find that there are more."""

    async def press(self, interaction: Context) -> None:
        """Do it, or show how many people they are by now."""
        group, words = known_group(interaction, self.group_key), self.words
        # In a large group this takes longer than the three seconds Discord waits.
        await interaction.response.defer()
        outcome = await self.carry_out(interaction, group)
        if outcome.guarded:
            view = words.view(group.key, outcome.people)
            await reply(interaction, words.stale(outcome.people), view)
        elif outcome.acted:
            interaction.client.effects.wake()
            await settle(interaction, words.done(outcome.people))
        else:
            await settle(interaction, words.nothing())


class EnforceButton(
    ConsentButton,
    discord.ui.DynamicItem[PlainButton],
    template=ENFORCE_CUSTOM_ID.format(group_key=GROUP_KEY, strangers=COUNT),
):
    """Consent to take the role from many people at once."""

    words = Words(
        done=texts.enforced,
        stale=texts.enforce_stale,
        nothing=lambda: _(texts.ENFORCE_NOTHING),
        view=enforce_view,
    )

    def __init__(self, group_key: str, strangers: str) -> None:
        self.group_key, self.people = group_key, int(strangers)
        custom_id = ENFORCE_CUSTOM_ID.format(group_key=group_key, strangers=strangers)
        super().__init__(button(texts.ENFORCE_BUTTON, custom_id, discord.ButtonStyle.danger))

    async def carry_out(self, interaction: Context, group: Group) -> Outcome:
        """Take the role from whoever holds it without a signature."""
        client = interaction.client
        guild = client.get_guild(group.guild_id)
        role = find_role(guild, group.roles.member) if guild is not None else None
        result = await holders.conclude(
            client.database,
            group.key,
            rules_of(group),
            client.now(),
            role_id=role.id if role is not None else 0,
            confirmed=self.people,
        )
        return Outcome(people=result.strangers, acted=result.acted, guarded=result.guarded)


class RemoveButton(
    ConsentButton,
    discord.ui.DynamicItem[PlainButton],
    template=REMOVE_CUSTOM_ID.format(group_key=GROUP_KEY, people=COUNT),
):
    """Consent to remove many people who did not answer."""

    words = Words(
        done=texts.removing,
        stale=texts.removal_stale,
        nothing=lambda: _(texts.REMOVE_NOTHING),
        view=remove_view,
    )

    def __init__(self, group_key: str, people: str) -> None:
        self.group_key, self.people = group_key, int(people)
        custom_id = REMOVE_CUSTOM_ID.format(group_key=group_key, people=people)
        super().__init__(button(texts.REMOVE_BUTTON, custom_id, discord.ButtonStyle.danger))

    async def carry_out(self, interaction: Context, group: Group) -> Outcome:
        """Remove whoever was warned twice and did not answer."""
        client = interaction.client
        rule, guild = removal_rule(group, client.groups.values()), client.get_guild(group.guild_id)
        if rule is None or guild is None:
            return Outcome()
        members, confirmed = guild.member_count or 0, self.people
        decision = await removals.remove(
            client.database, rule, members, client.now(), confirmed=confirmed
        )
        return Outcome(people=decision.people, acted=decision.acted, guarded=decision.guarded)
