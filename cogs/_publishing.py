"""What facilitators do with the agreement: publish a version, and look back at all of them."""

import asyncio
import io
import logging
from typing import Any

import discord

from bot import texts
from bot.domain.agreements import Change, change_for
from bot.domain.errors import AgreementFileError, ConfigurationError
from bot.services import agreements
from bot.services.agreements import GroupText
from bot.settings import Group, load_texts
from cogs._checks import known_group
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, reply, settle

log = logging.getLogger(__name__)

VERSIONS_PER_PAGE = 8
PlainButton = discord.ui.Button[Any]


async def show_preview(interaction: Context, group: Group, change: Change | None) -> None:
    """Read the file anew and show what publishing it would mean.

    Raises:
        AgreementFileError: the file cannot be used as it is.
        NothingToPublishError: the text in force is the text in the file.
    """
    client, now = interaction.client, interaction.client.now()
    await _read_file(interaction, group)
    preview = await agreements.preview_publish(client.database, group.key, now)
    kind = change_for(preview.in_force, change)
    pages = texts.publish_preview(preview, kind, client.grace(group.key), now)
    view = buttons(PublishButton(group.key, kind, preview.fingerprint[:32]), CancelButton())
    document = texts.preview_document(preview)
    await reply(interaction, pages[:-1])
    await _send_last(interaction, pages[-1], view, document, preview.draft.number)


async def _read_file(interaction: Context, group: Group) -> None:
    """Keep what the file says at this moment as the draft; nobody needs to restart the bot."""
    path, client = group.agreement_path, interaction.client
    if path is None:
        return
    try:
        read = await asyncio.to_thread(load_texts, path)
    except ConfigurationError as error:
        log.warning("The agreement of %s cannot be used as it is:\n%s", group.key, error)
        raise AgreementFileError from None
    text = GroupText(
        key=group.key,
        guild_id=group.guild_id,
        agreement=read.agreement,
        translations=read.translations,
    )
    await agreements.keep_draft(client.database, text, client.now())
    client.effects.wake()


async def _send_last(
    interaction: Context, content: str, view: discord.ui.View, document: str | None, number: int
) -> None:
    """The page that asks, with the whole list of changes under it where there is one."""
    if document is None:
        await reply(interaction, content, view)
        return
    file = discord.File(io.BytesIO(document.encode()), f"changes-{number}.html")
    await interaction.followup.send(content, view=view, file=file, ephemeral=True)


async def show_history(interaction: Context, group: Group) -> None:
    """Show the newest versions, with buttons to the older ones."""
    await reply(interaction, *await _history(interaction, group, 0))


async def _history(
    interaction: Context, group: Group, page: int
) -> tuple[str, discord.ui.View | None]:
    client = interaction.client
    found = await agreements.list_history(
        client.database, group.key, page, VERSIONS_PER_PAGE, client.now()
    )
    content = texts.history_page(group.name, found.draft, found.lines, found.page, found.pages)
    turning: list[discord.ui.Item[Any]] = []
    if found.page > 0:
        turning.append(HistoryButton(group.key, str(found.page - 1), texts.PREVIOUS_BUTTON))
    if found.page + 1 < found.pages:
        turning.append(HistoryButton(group.key, str(found.page + 1), texts.NEXT_BUTTON))
    return content, buttons(*turning) if turning else None


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
        """Publish exactly the text that was shown."""
        client, group = interaction.client, known_group(interaction, self.group_key)
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


class CancelButton(Button, discord.ui.DynamicItem[PlainButton], template=r"pledge:not-now"):
    """Publishes nothing."""

    def __init__(self) -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(button(texts.CANCEL_BUTTON, "pledge:not-now", style))

    async def press(self, interaction: Context) -> None:
        """Say that the draft waits."""
        await settle(interaction, texts.PUBLISH_CANCELLED)


class HistoryButton(
    Button, discord.ui.DynamicItem[PlainButton], template=rf"pledge:history:{GROUP_KEY}:(\d{{1,9}})"
):
    """Turns the page of the history."""

    def __init__(self, group_key: str, page: str, label: str = texts.NEXT_BUTTON) -> None:
        self.group_key, self.page = group_key, int(page)
        custom_id = f"pledge:history:{group_key}:{page}"
        super().__init__(button(label, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Show the page."""
        group = known_group(interaction, self.group_key)
        content, view = await _history(interaction, group, self.page)
        await interaction.response.edit_message(content=content, view=view)
