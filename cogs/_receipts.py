"""What `/agreement receipt` does."""

from io import BytesIO

import discord

from bot import texts
from bot.documents.receipt import print_receipt
from bot.domain.receipt_file import write
from bot.services import receipts
from bot.settings import Group
from bot.texts.catalogue import spoken
from cogs._ui import Context


async def send_receipt(interaction: Context, group: Group) -> None:
    """Give whoever asks the receipt for their own newest signature, as a page and as a file.

    Raises:
        NoReceiptError: what the ledger said of it was erased, or it is older than the ledger.
        NothingSignedError: the person never signed.
    """
    client = interaction.client
    # The page takes longer than a press of a button may, when the worker has to be started.
    await interaction.response.defer(ephemeral=True, thinking=True)
    receipt = await receipts.issue(
        client.database, group.key, group.name, interaction.user.id, client.now()
    )
    client.effects.wake()
    file = write(receipt)
    page = await client.press.make(print_receipt, file, spoken())
    files = [
        discord.File(BytesIO(page), texts.receipt_file_name(receipt, "pdf")),
        discord.File(BytesIO(file), texts.receipt_file_name(receipt, "json")),
    ]
    content = texts.receipt_message(receipt, group.name)
    await interaction.followup.send(content, files=files, ephemeral=True)
