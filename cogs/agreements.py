"""Reading, signing, withdrawing and publishing the agreement."""

from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts
from bot.client import Pledge
from bot.domain.agreements import AgreementVersion, Change, Standing
from bot.domain.authorisation import Action
from bot.domain.errors import NotPublishedError, NotSignedError
from bot.domain.translations import Translation, choose
from bot.effects import (
    LANGUAGE_CUSTOM_ID,
    ORIGINAL,
    PANEL_CUSTOM_ID,
    find_problem,
    language_button,
)
from bot.services import agreements, members, records, signing
from bot.services.members import Present
from bot.settings import Group
from bot.texts.catalogue import _
from cogs._checks import known_group, require
from cogs._inviting import show_estimate
from cogs._publishing import CancelButton, HistoryButton, PublishButton, show_history, show_preview
from cogs._receipts import send_receipt
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, chosen, in_group, reply, settle

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
        await in_group(interaction, _read)

    @app_commands.command()
    async def sign(self, interaction: Context) -> None:
        """Read the agreement and accept or decline it here."""
        await in_group(interaction, _show_to_sign)

    @app_commands.command()
    async def withdraw(self, interaction: Context) -> None:
        """Take your signature back."""
        await in_group(interaction, _ask_to_withdraw)

    @app_commands.command()
    async def receipt(self, interaction: Context) -> None:
        """Get the receipt for your signature: a page to keep and a file that proves it."""
        await in_group(interaction, send_receipt)

    @app_commands.command()
    async def publish(
        self, interaction: Context, change: Literal["minor", "material"] | None = None
    ) -> None:
        """Sign and publish the agreement, or a new version of it.

        Args:
            interaction: the command.
            change: Minor for a typo, material for a real change: then all sign again.
        """
        wanted = chosen(Change, change) if change else None

        async def preview(context: Context, group: Group) -> None:
            await show_preview(context, group, wanted)

        await in_group(interaction, preview)

    @app_commands.command()
    async def history(self, interaction: Context) -> None:
        """See every version of the agreement: who published it when, and who has signed it."""
        await in_group(interaction, show_history)

    @app_commands.command()
    async def invite(self, interaction: Context) -> None:
        """Ask people in the server who have not signed; says first how many and how long."""
        await in_group(interaction, show_estimate)


async def _read(interaction: Context, group: Group, language: str | None = None) -> None:
    database = interaction.client.database
    version = await agreements.read_in_force(database, group.key)
    shown, others = await _translation_for(interaction, group, version, language)
    await reply(
        interaction, texts.reading_pages(version, shown), buttons(*others) if others else None
    )


async def _translation_for(
    interaction: Context, group: Group, version: AgreementVersion, language: str | None
) -> tuple[Translation | None, list["LanguageButton"]]:
    """What to show the person, and buttons for the other languages there are.

    `language` is what they asked for; None is that of their Discord.
    """
    there = await agreements.list_translations(interaction.client.database, version.id)
    shown = choose(there, str(interaction.locale)) if language is None else None
    if language not in (None, ORIGINAL):
        shown = next((one for one in there if one.language == language), None)
    offered = (None, *(one.language for one in there))
    others = [one for one in offered if one != (shown.language if shown else None)]
    return shown, [LanguageButton(group.key, one or ORIGINAL) for one in others[:20]]


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


async def _show_to_sign(interaction: Context, group: Group, language: str | None = None) -> None:
    """Show the text privately, with the buttons that answer it.

    Args:
        interaction: the command or press.
        group: the group.
        language: the language they asked for; None is that of their Discord.

    Raises:
        NotPublishedError: nothing is published; the person waits in the queue from now on.
    """
    client = interaction.client
    who, now = interaction.user.id, client.now()
    try:
        within = group.signing.renew_within
        offered = await signing.offer(client.database, group.key, who, now, renew_within=within)
    except NotPublishedError:
        person = Present(member_id=who, has_role=True, joined_at=None)
        await members.welcome(client.database, group.key, [person], now, live=True)
        raise
    if offered.signature is not None:
        pause = await records.find_pause(client.database, group.key, who)
        await reply(interaction, texts.already_signed(offered.signature, group.name, pause))
        return
    shown, others = await _translation_for(interaction, group, offered.version, language)
    pages = [*texts.reading_pages(offered.version, shown), _(texts.BUTTON_HINT)]
    if offered.ends_at is not None:
        pages.insert(0, texts.renewal(group.name, offered.ends_at))
    version_id = str(offered.version.id)
    accept = AcceptButton(group.key, version_id, shown.language if shown else None)
    view = buttons(accept, DeclineButton(group.key, version_id), *others)
    await reply(interaction, pages, view)


class LanguageButton(
    Button,
    discord.ui.DynamicItem[PlainButton],
    template=LANGUAGE_CUSTOM_ID.format(group_key=GROUP_KEY, language="([A-Za-z0-9-]{2,8})"),
):
    """Shows the agreement in another language, to sign it there or only to read it."""

    def __init__(self, group_key: str, language: str) -> None:
        self.group_key, self.language = group_key, language
        super().__init__(language_button(group_key, None if language == ORIGINAL else language))

    async def press(self, interaction: Context) -> None:
        """Show it in this language to whoever pressed; a signature is offered where it counts."""
        group = known_group(interaction, self.group_key)
        client = interaction.client
        record = await records.check_member(
            client.database, group.key, interaction.user.id, client.now()
        )
        if record.standing is Standing.SIGNED:
            await _read(interaction, group, self.language)
        else:
            await require(interaction, group, Action.SIGN)
            await _show_to_sign(interaction, group, self.language)


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
    Button,
    discord.ui.DynamicItem[PlainButton],
    template=rf"pledge:accept:{GROUP_KEY}:(\d{{1,18}})(?::([A-Za-z0-9-]{{2,8}}))?",
):
    """Signs the version that was shown above it, in the language in which it was shown."""

    def __init__(self, group_key: str, version_id: str, language: str | None) -> None:
        self.group_key, self.version_id, self.language = group_key, int(version_id), language
        custom_id = f"pledge:accept:{group_key}:{version_id}"
        custom_id = custom_id if language is None else f"{custom_id}:{language}"
        super().__init__(button(texts.ACCEPT_BUTTON, custom_id, discord.ButtonStyle.success))

    async def press(self, interaction: Context) -> None:
        """Record the acceptance, then say so."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        signature = await signing.accept_by_button(
            client.database,
            group.key,
            interaction.user.id,
            self.version_id,
            client.now(),
            language=self.language,
            renew_within=group.signing.renew_within,
        )
        client.effects.wake()
        waits = _role_waits(interaction, group)
        pause = await records.find_pause(client.database, group.key, interaction.user.id)
        content = texts.signed_by_button(signature, group.name, role_waits=waits, pause=pause)
        await settle(interaction, content)


class DeclineButton(
    Button,
    discord.ui.DynamicItem[PlainButton],
    template=rf"pledge:decline:{GROUP_KEY}:(\d{{1,18}})",
):
    """Declines the version that was shown above it."""

    def __init__(self, group_key: str, version_id: str) -> None:
        self.group_key, self.version_id = group_key, int(version_id)
        custom_id = f"pledge:decline:{group_key}:{version_id}"
        super().__init__(button(texts.DECLINE_BUTTON, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Record the refusal, then say so."""
        client, group = interaction.client, known_group(interaction, self.group_key)
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


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Agreements(client))
    client.add_dynamic_items(PanelButton, AcceptButton, DeclineButton)
    client.add_dynamic_items(WithdrawButton, KeepButton, PublishButton, CancelButton)
    client.add_dynamic_items(HistoryButton, LanguageButton)
