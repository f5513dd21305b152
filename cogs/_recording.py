"""`/signatures record`: a facilitator attests to a signature given on paper or aloud."""

import discord

from bot import texts
from bot.domain.authorisation import Action
from bot.domain.errors import NotAMemberError
from bot.effects.plain import plain_words
from bot.services import attesting
from bot.services.attesting import Attestation
from bot.settings import Group
from bot.texts.catalogue import _
from cogs._checks import require
from cogs._ui import Context, Question, reply, settle

MINUTES = 14
"""How long the question can be answered; Discord lets it be changed for fifteen."""


async def show_record(
    interaction: Context, group: Group, member: discord.User | discord.Member, who: str, note: str
) -> None:
    """Show what the facilitator is about to attest, with the button that records it.

    Raises:
        CoveredError: the person holds a valid signature.
        NotAMemberError: the person is not in the server.
        NotPublishedError: nothing is published yet.
        OwnAttestationError: the facilitator means themselves.
    """
    client = interaction.client
    if member.bot:
        await reply(interaction, texts.RECORD_BOT)
        return
    await require(interaction, group, Action.RECORD, about=member.id)
    if not isinstance(member, discord.Member):
        raise NotAMemberError
    shown = await attesting.preview(client.database, group.key, member.id, client.now())
    pages = texts.record_preview(who, group.name, shown.version, plain_words(note), shown.standing)
    await reply(interaction, pages, RecordView(group, member.id, who, note, shown))


class RecordView(Question):
    """Holds what is to be recorded until the facilitator has said yes or no.

    The note is nowhere else before that, so the question does not survive a restart.
    """

    def __init__(
        self, group: Group, member_id: int, who: str, note: str, shown: Attestation
    ) -> None:
        super().__init__(minutes=MINUTES, group=group)
        self._group, self._member_id, self._who = group, member_id, who
        self._note, self._shown = note, shown
        for label, style, press in (
            (_(texts.RECORD_BUTTON), discord.ButtonStyle.success, self._record),
            (_(texts.RECORD_CANCEL_BUTTON), discord.ButtonStyle.secondary, self._cancel),
        ):
            item: discord.ui.Button[RecordView] = discord.ui.Button(label=label, style=style)
            item.callback = press
            self.add_item(item)

    async def _record(self, interaction: Context) -> None:
        client, group = interaction.client, self._group
        guild = client.get_guild(group.guild_id)
        try:
            member = await guild.fetch_member(self._member_id) if guild else None
        except discord.NotFound:
            member = None
        if member is None:
            raise NotAMemberError
        signature = await attesting.attest(
            client.database,
            group.key,
            self._member_id,
            self._shown,
            facilitator_id=interaction.user.id,
            note=self._note,
            now=client.now(),
        )
        client.effects.wake()
        self.stop()
        await settle(interaction, texts.recorded(self._who, signature))

    async def _cancel(self, interaction: Context) -> None:
        self.stop()
        await settle(interaction, texts.RECORD_CANCELLED)
