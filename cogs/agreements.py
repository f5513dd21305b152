"""Reading, signing, withdrawing and publishing the agreement."""

from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts
from bot.client import Pledge
from bot.domain.agreements import Change, change_for
from bot.domain.errors import NotPublishedError, NotSignedError
from bot.effects import PANEL_CUSTOM_ID, find_problem
from bot.services import agreements, holders, members, records, signing
from bot.services.members import Present
from bot.settings import Group
from cogs._checks import (
    groups_of_office,
    groups_of_person,
    known_group,
    require_office,
    require_presence,
)
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, reply, settle, with_group

PlainButton = discord.ui.Button[Any]


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class Agreements(
    commands.GroupCog, group_name="agreement", group_description=texts.AGREEMENT_COMMANDS
):
    """`/agreement …`."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    @app_commands.command()
    async def read(self, interaction: Context) -> None:
        """Read the group's agreement."""
        await with_group(interaction, await groups_of_person(interaction), _read)

    @app_commands.command()
    async def sign(self, interaction: Context) -> None:
        """Read the agreement and accept or decline it here."""
        await with_group(interaction, await groups_of_person(interaction), _show_to_sign)

    @app_commands.command()
    async def withdraw(self, interaction: Context) -> None:
        """Take your signature back."""
        await with_group(interaction, await groups_of_person(interaction), _ask_to_withdraw)

    @app_commands.command()
    async def publish(
        self, interaction: Context, change: Literal["minor", "material"] | None = None
    ) -> None:
        """Sign and publish the agreement, or a new version of it.

        Args:
            interaction: the command.
            change: Minor keeps signatures valid; material asks everybody to sign again.
        """
        wanted = Change(change) if change else None

        async def preview(context: Context, group: Group) -> None:
            await _preview(context, group, wanted)

        await with_group(interaction, groups_of_office(interaction, "facilitator"), preview)

    @app_commands.command()
    async def invite(self, interaction: Context) -> None:
        """Ask members from before Pledge to sign; says first how many and how long."""
        await with_group(interaction, groups_of_office(interaction, "facilitator"), _invite)


async def _invite(interaction: Context, group: Group) -> None:
    require_office(interaction, group, "facilitator")
    count = await holders.count_to_invite(interaction.client.database, group.key)
    if not count:
        await reply(interaction, texts.INVITE_NOBODY)
        return
    minutes = -(-count // group.signing.dm_per_minute)
    content = texts.invite_estimate(group.name, count, minutes)
    await reply(interaction, content, buttons(InviteButton(group.key)))


async def _read(interaction: Context, group: Group) -> None:
    version = await agreements.read_in_force(interaction.client.database, group.key)
    await reply(interaction, texts.reading_pages(version))


async def _ask_to_withdraw(interaction: Context, group: Group) -> None:
    client = interaction.client
    record = await records.check_member(
        client.database, group.key, interaction.user.id, client.now()
    )
    if all(signature.revoked_at for signature in record.signatures):
        raise NotSignedError
    view = buttons(WithdrawButton(group.key), KeepButton())
    await reply(interaction, texts.confirm_withdrawal(group.name), view)


def _role_waits(interaction: Context, group: Group) -> bool:
    """Whether something in the server keeps the bot from giving and taking the role."""
    guild = interaction.client.get_guild(group.guild_id)
    return guild is None or find_problem(guild, group) is not None


async def _preview(interaction: Context, group: Group, change: Change | None) -> None:
    require_office(interaction, group, "facilitator")
    client = interaction.client
    preview = await agreements.preview_publish(client.database, group.key, client.now())
    kind = change_for(preview.in_force, change)
    pages = texts.publish_preview(
        preview.draft,
        preview.in_force,
        preview.changed,
        kind,
        preview.standings,
        group.signing.grace_days,
    )
    view = buttons(PublishButton(group.key, kind, preview.draft.sha256[:32]), CancelButton())
    await reply(interaction, pages, view)


async def _show_to_sign(interaction: Context, group: Group) -> None:
    """Show the text privately, with the buttons that answer it.

    Raises:
        NotAMemberError: the person is not in the server.
        NotPublishedError: nothing is published; the person waits in the queue from now on.
        ScreeningError: the server's own questions come first.
    """
    client = interaction.client
    await require_presence(interaction, group)
    who, now = interaction.user.id, client.now()
    try:
        offered = await signing.offer(client.database, group.key, who, now)
    except NotPublishedError:
        person = Present(member_id=who, has_role=True, joined_at=None)
        await members.welcome(client.database, group.key, [person], now, live=True)
        raise
    if offered.signature is not None:
        await reply(interaction, texts.already_signed(offered.signature, group.name))
        return
    pages = [*texts.reading_pages(offered.version), texts.BUTTON_HINT]
    version_id = str(offered.version.id)
    view = buttons(AcceptButton(group.key, version_id), DeclineButton(group.key, version_id))
    await reply(interaction, pages, view)


class PanelButton(
    Button,
    discord.ui.DynamicItem[PlainButton],
    template=PANEL_CUSTOM_ID.format(group_key=GROUP_KEY),
):
    """The button of the standing panel."""

    def __init__(self, group_key: str) -> None:
        self.group_key = group_key
        custom_id = PANEL_CUSTOM_ID.format(group_key=group_key)
        super().__init__(button(texts.PANEL_BUTTON, custom_id, discord.ButtonStyle.primary))

    async def press(self, interaction: Context) -> None:
        """Show the agreement to whoever pressed."""
        await _show_to_sign(interaction, known_group(interaction, self.group_key))


class AcceptButton(
    Button, discord.ui.DynamicItem[PlainButton], template=rf"pledge:accept:{GROUP_KEY}:(\d+)"
):
    """Signs the version that was shown above it."""

    def __init__(self, group_key: str, version_id: str) -> None:
        self.group_key, self.version_id = group_key, int(version_id)
        custom_id = f"pledge:accept:{group_key}:{version_id}"
        super().__init__(button(texts.ACCEPT_BUTTON, custom_id, discord.ButtonStyle.success))

    async def press(self, interaction: Context) -> None:
        """Record the acceptance, then say so."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        await require_presence(interaction, group)
        signature = await signing.accept_by_button(
            client.database, group.key, interaction.user.id, self.version_id, client.now()
        )
        client.effects.wake()
        waits = _role_waits(interaction, group)
        await settle(interaction, texts.signed_by_button(signature, group.name, role_waits=waits))


class DeclineButton(
    Button, discord.ui.DynamicItem[PlainButton], template=rf"pledge:decline:{GROUP_KEY}:(\d+)"
):
    """Declines the version that was shown above it."""

    def __init__(self, group_key: str, version_id: str) -> None:
        self.group_key, self.version_id = group_key, int(version_id)
        custom_id = f"pledge:decline:{group_key}:{version_id}"
        super().__init__(button(texts.DECLINE_BUTTON, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Record the refusal, then say so."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        await require_presence(interaction, group)
        await signing.decline_by_button(
            client.database, group.key, interaction.user.id, self.version_id, client.now()
        )
        await settle(interaction, texts.declined_by_button(group.name))


class WithdrawButton(
    Button, discord.ui.DynamicItem[PlainButton], template=rf"pledge:withdraw:{GROUP_KEY}"
):
    """Confirms a withdrawal."""

    def __init__(self, group_key: str) -> None:
        self.group_key = group_key
        custom_id = f"pledge:withdraw:{group_key}"
        super().__init__(button(texts.WITHDRAW_BUTTON, custom_id, discord.ButtonStyle.danger))

    async def press(self, interaction: Context) -> None:
        """Revoke the signature of whoever pressed, then say so."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        await signing.withdraw(client.database, group.key, interaction.user.id, client.now())
        client.effects.wake()
        content = texts.withdrawn(
            group.name, group.signing.accept, role_waits=_role_waits(interaction, group)
        )
        await settle(interaction, content)


class KeepButton(Button, discord.ui.DynamicItem[PlainButton], template=r"pledge:keep"):
    """Leaves the signature as it is."""

    def __init__(self) -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(button(texts.KEEP_BUTTON, "pledge:keep", style))

    async def press(self, interaction: Context) -> None:
        """Say that nothing has changed."""
        await settle(interaction, texts.KEPT)


class PublishButton(
    Button,
    discord.ui.DynamicItem[PlainButton],
    template=rf"pledge:publish:{GROUP_KEY}:(first|minor|material):([0-9a-f]{{32}})",
):
    """The facilitator's signature: publishes the text that was shown above it."""

    def __init__(self, group_key: str, change: str, fingerprint: str) -> None:
        self.group_key, self.change, self.fingerprint = group_key, Change(change), fingerprint
        custom_id = f"pledge:publish:{group_key}:{change}:{fingerprint}"
        super().__init__(button(texts.PUBLISH_BUTTON, custom_id, discord.ButtonStyle.success))

    async def press(self, interaction: Context) -> None:
        """Publish exactly the text that was shown, if the presser is a facilitator now."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        require_office(interaction, group, "facilitator")
        # In a large group this takes longer than the three seconds Discord waits.
        await interaction.response.defer()
        version = await agreements.publish(
            client.database,
            group.key,
            fingerprint=self.fingerprint,
            change=self.change,
            facilitator_id=interaction.user.id,
            grace=client.grace(group.key),
            now=client.now(),
        )
        client.effects.wake()
        client.dispatch("reconcile", group.key)
        await settle(interaction, texts.published(version))


class InviteButton(
    Button, discord.ui.DynamicItem[PlainButton], template=rf"pledge:invite:{GROUP_KEY}"
):
    """Asks the members from before Pledge to sign."""

    def __init__(self, group_key: str) -> None:
        self.group_key = group_key
        custom_id = f"pledge:invite:{group_key}"
        super().__init__(button(texts.INVITE_BUTTON, custom_id, discord.ButtonStyle.success))

    async def press(self, interaction: Context) -> None:
        """Put the requests into the outbox, if the presser is a facilitator now."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        require_office(interaction, group, "facilitator")
        # In a large group this takes longer than the three seconds Discord waits.
        await interaction.response.defer()
        count = await holders.invite(client.database, group.key, client.now())
        client.effects.wake()
        await settle(interaction, texts.invited(count))


class CancelButton(Button, discord.ui.DynamicItem[PlainButton], template=r"pledge:not-now"):
    """Publishes nothing."""

    def __init__(self) -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(button(texts.CANCEL_BUTTON, "pledge:not-now", style))

    async def press(self, interaction: Context) -> None:
        """Say that the draft waits."""
        await settle(interaction, texts.PUBLISH_CANCELLED)


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Agreements(client))
    client.add_dynamic_items(PanelButton, AcceptButton, DeclineButton)
    client.add_dynamic_items(WithdrawButton, KeepButton, PublishButton, CancelButton)
    client.add_dynamic_items(InviteButton)
