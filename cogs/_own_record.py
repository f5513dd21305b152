"""Shows people what is held about them, and hands it out as files."""

from io import BytesIO

import discord

from bot.documents.evidence import ENDINGS
from bot.documents.own_record import write_json
from bot.domain.paragraphs import split_text
from bot.domain.privacy import OwnRecord
from bot.effects.plain import plain_lines
from bot.services.privacy import reading
from bot.texts import privacy as texts
from bot.texts.catalogue import _
from cogs._checks import Context, Keeper
from cogs._ui import reply

MOST_PAGES = 5
"""So many messages are sent for one group; the rest is put into a file."""

FILES_AT_ONCE = 3
BYTES_AT_ONCE = 8_000_000
"""So much is uploaded with one message: what one report may have."""


async def show_record(interaction: Context, keepers: list[Keeper]) -> None:
    """Show all that these hold about whoever asks; the command is deferred already."""
    client, who = interaction.client, interaction.user.id
    if not keepers:
        await reply(interaction, texts.NOTHING_HELD)
    for keeper in keepers:
        record = await reading.read_own(client.database, keeper.key, who, client.now())
        shown = texts.own_record(
            keeper.name, record, keeper.terms, plain_lines, is_former=keeper.is_former
        )
        pages = split_text(shown)
        await reply(interaction, pages[:MOST_PAGES])
        if len(pages) > MOST_PAGES:
            text = texts.own_file(keeper.name, record, keeper.terms, is_former=keeper.is_former)
            file = _file(text.encode(), texts.file_name(record.read_at, "txt"))
            content = _(texts.REST_IN_FILE)
            await interaction.followup.send(content, file=file, ephemeral=True)


async def send_export(interaction: Context, keepers: list[Keeper]) -> None:
    """Hand out the same as files, one pair for each group, and the files people handed in."""
    client, who = interaction.client, interaction.user.id
    if not keepers:
        await reply(interaction, texts.NOTHING_HELD)
    for number, keeper in enumerate(keepers, 1):
        record = await reading.read_own(
            client.database, keeper.key, who, client.now(), with_files=True
        )
        at, suffix = record.read_at, f"-{number}" if len(keepers) > 1 else ""
        text = texts.own_file(keeper.name, record, keeper.terms, is_former=keeper.is_former)
        files = [
            _file(text.encode(), texts.file_name(at, "txt", suffix)),
            _file(write_json(keeper.name, record), texts.file_name(at, "json", suffix)),
        ]
        note = _(texts.EXPORT_NOTE) if number == 1 else ""
        await interaction.followup.send(note, files=files, ephemeral=True)
        await _send_own_files(interaction, record)


async def _send_own_files(interaction: Context, record: OwnRecord) -> None:
    waiting: list[discord.File] = []
    size = 0
    for number, one in enumerate(record.files, 1):
        is_full = len(waiting) == FILES_AT_ONCE or size + len(one.content) > BYTES_AT_ONCE
        if waiting and is_full:
            await interaction.followup.send(_(texts.OWN_FILES), files=waiting, ephemeral=True)
            waiting, size = [], 0
        name = f"file-{number}.{ENDINGS.get(one.media_type, 'bin')}"
        waiting.append(_file(one.content, name))
        size += len(one.content)
    if waiting:
        await interaction.followup.send(_(texts.OWN_FILES), files=waiting, ephemeral=True)


def _file(content: bytes, name: str) -> discord.File:
    return discord.File(BytesIO(content), name)
