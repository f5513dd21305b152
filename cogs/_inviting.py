"""`/agreement invite`: the estimate, its buttons, and the button that stops the asking."""

from typing import Any

import discord

from bot import texts
from bot.domain.errors import NotPublishedError
from bot.domain.invitations import Audience, minutes_for
from bot.effects.inviting import STOP_CUSTOM_ID
from bot.effects.reconciler import rules_of
from bot.services import invitations
from bot.settings import Group
from cogs._checks import known_group
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, reply, settle

PlainButton = discord.ui.Button[Any]


async def show_estimate(interaction: Context, group: Group) -> None:
    """Count whom an invitation would ask, and show it with the buttons that begin it."""
    client = interaction.client
    guild = client.get_guild(group.guild_id)
    if guild is None:
        await reply(interaction, texts.INVITE_NOBODY_SEEN)
        return
    # A large member list takes longer than the three seconds Discord waits.
    await interaction.response.defer(ephemeral=True, thinking=True)
    try:
        estimate, is_whole = await client.inviting.count(guild, group)
    except NotPublishedError:
        await reply(interaction, texts.INVITE_UNPUBLISHED)
        return
    if not estimate.people:
        await reply(interaction, texts.INVITE_NOBODY if is_whole else texts.INVITE_NOBODY_SEEN)
        return
    rules = rules_of(group)
    content = texts.invite_estimate(
        group.name,
        estimate.members,
        estimate.others,
        minutes_for(estimate.people, group.signing.dm_per_minute),
        grace_days=group.signing.grace_days,
        reminds=rules.reminds,
        takes_roles=group.enforcement == "revoke",
    )
    if not is_whole:
        content = f"{content}\n{texts.invite_partly()}"
    wanted = [InviteButton(group.key, str(estimate.invitation_id), Audience.EVERYBODY)]
    if estimate.members and estimate.others:
        wanted.append(InviteButton(group.key, str(estimate.invitation_id), Audience.MEMBERS))
    await reply(interaction, content, buttons(*wanted))


class InviteButton(
    Button,
    discord.ui.DynamicItem[PlainButton],
    template=rf"pledge:invite:{GROUP_KEY}:(\d{{1,18}}):(everybody|members)",
):
    """Begins to ask those who were counted."""

    def __init__(self, group_key: str, invitation_id: str, audience: str) -> None:
        self.group_key, self.invitation_id = group_key, int(invitation_id)
        self.audience = Audience(audience)
        is_all = self.audience is Audience.EVERYBODY
        super().__init__(
            button(
                texts.INVITE_BUTTON if is_all else texts.INVITE_MEMBERS_BUTTON,
                f"pledge:invite:{group_key}:{invitation_id}:{self.audience.value}",
                discord.ButtonStyle.success if is_all else discord.ButtonStyle.secondary,
            )
        )

    async def press(self, interaction: Context) -> None:
        """Let it begin."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        await interaction.response.defer()
        people = await invitations.begin(
            client.database, group.key, self.invitation_id, self.audience, client.now()
        )
        try:
            await settle(interaction, texts.invited(people))
        finally:
            # It is decided, whether or not the answer arrives.
            await client.inviting.go_on(group)


class StopInviteButton(
    Button,
    discord.ui.DynamicItem[PlainButton],
    template=STOP_CUSTOM_ID.format(group_key=GROUP_KEY, invitation_id=r"(\d{1,18})"),
):
    """Stops the asking; it stands in the moderators' channel, where moderators see it too."""

    def __init__(self, group_key: str, invitation_id: str) -> None:
        self.group_key, self.invitation_id = group_key, int(invitation_id)
        custom_id = STOP_CUSTOM_ID.format(group_key=group_key, invitation_id=invitation_id)
        style = discord.ButtonStyle.secondary
        super().__init__(button(texts.STOP_INVITE_BUTTON, custom_id, style))

    async def press(self, interaction: Context) -> None:
        """Ask nobody else."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        stopped = await invitations.stop(
            client.database, group.key, self.invitation_id, client.now()
        )
        try:
            await reply(interaction, texts.STOPPING if stopped else texts.STOPPED_BEFORE)
        finally:
            await client.inviting.go_on(group)
