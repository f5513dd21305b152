"""`/breach mine`: what a party may know of their own cases, and taking a report back."""

from typing import Any

import discord

from bot.domain.breaches import Side
from bot.domain.entitlement import Viewer
from bot.domain.errors import CaseStateError, RecordUnavailableError
from bot.domain.hearing import delivered
from bot.domain.paragraphs import split_text
from bot.effects.desks import clocks_of, desk_of
from bot.effects.letters import letter_pages
from bot.services.cases import mine
from bot.services.cases.mine import OwnPart, Place
from bot.services.cases.posting import Posting
from bot.settings import Group
from bot.texts import letters as letter_texts
from bot.texts import mine as texts
from cogs._checks import groups_of_party, known_group
from cogs._letters import AnswerButton
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, reply, settle

PER_PAGE = 5
_CASE = rf"{GROUP_KEY}:(\d{{1,9}})"


async def show_mine(interaction: Context, offset: int = 0) -> None:
    """Show the person their own cases; what could not be delivered has reached them by that."""
    client, now = interaction.client, interaction.client.now()
    await interaction.response.defer(ephemeral=True, thinking=True)
    groups = groups_of_party(interaction)
    places = [Place(desk=desk_of(client, one), clocks=clocks_of(one)) for one in groups]
    viewer = Viewer(member_id=interaction.user.id)
    parts = await mine.list_mine(client.database, places, viewer, now)
    page, rest = parts[offset : offset + PER_PAGE], parts[offset + PER_PAGE :]
    if not page:
        await reply(interaction, texts.NOTHING_MINE)
        return
    for number, part in enumerate(page, 1):
        is_last = number == len(page) and bool(rest)
        more = [MoreButton(str(offset + PER_PAGE))] if is_last else []
        await _show_part(interaction, client.groups[part.desk.group_key], part, more)
    # Only now: what did not arrive has not been shown.
    shown = [one.letter.id for part in page for one in part.letters if one.waits]
    if shown:
        await mine.mark_shown(client.database, viewer, shown, now)
        client.effects.wake()


async def _show_part(
    interaction: Context, group: Group, part: OwnPart, more: list["MoreButton"]
) -> None:
    now, case = interaction.client.now(), part.case
    content = texts.own_case(
        group.name,
        case.case_number,
        part.side,
        case.state,
        [(one.at, one.kind) for one in part.happened],
        is_withdrawn=part.withdrawn_at is not None,
        appeal_until=part.appeal_until,
    )
    pages = split_text(content)
    items: list[discord.ui.Item[Any]] = []
    for number, one in enumerate(part.letters, 1):
        letter = delivered(one.letter, now) if one.waits else one.letter
        posting = Posting(member_id=0, letter=letter, case_number=case.case_number)
        heading = texts.letter_heading(number, letter)
        pages += split_text("\n".join([heading, *letter_pages(posting, group)]))
        if one.answerable:
            label = texts.answer_number(number)
            items.append(AnswerButton(group.key, str(letter.id), label))
    if part.side is Side.REPORTER:
        items.append(AccessButton(group.key, str(case.case_number)))
    if part.may_withdraw:
        items.append(WithdrawButton(group.key, str(case.case_number)))
    items += more
    await reply(interaction, pages, buttons(*items) if items else None)


async def hint_at_waiting(interaction: Context) -> None:
    """After any other command: say so when something waits that could not be delivered."""
    client = interaction.client
    keys = [group.key for group in groups_of_party(interaction)]
    viewer = Viewer(member_id=interaction.user.id)
    try:
        if await mine.has_waiting(client.database, keys, viewer):
            await reply(interaction, letter_texts.SOMETHING_WAITS)
    except (RecordUnavailableError, discord.HTTPException):
        return  # it is said at the next occasion


class MoreButton(
    Button, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"pledge:mine:(\d{1,6})"
):
    """Shows older cases of whoever presses."""

    def __init__(self, offset: str) -> None:
        self.offset = int(offset)
        style = discord.ButtonStyle.secondary
        super().__init__(button(texts.MORE_BUTTON, f"pledge:mine:{offset}", style))

    async def press(self, interaction: Context) -> None:
        """Show what is theirs."""
        await show_mine(interaction, self.offset)


class AccessButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:access:{_CASE}",
):
    """Shows whoever reported when somebody has looked at it."""

    def __init__(self, group_key: str, case_number: str) -> None:
        self.group_key, self.case_number = group_key, int(case_number)
        custom_id = f"pledge:case:access:{group_key}:{case_number}"
        super().__init__(button(texts.ACCESS_BUTTON, custom_id, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Show the access log, if the presser has reported this case."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        viewer = Viewer(member_id=interaction.user.id)
        desk = desk_of(client, group)
        found = await mine.list_access(client.database, desk, viewer, self.case_number)
        looks = [(one.at, one.act, one.office) for one in found]
        await reply(interaction, texts.looks(self.case_number, looks))


class WithdrawButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:withdraw:{_CASE}",
):
    """Asks whoever reported whether they want to take it back."""

    def __init__(self, group_key: str, case_number: str) -> None:
        self.group_key, self.case_number = group_key, int(case_number)
        custom_id = f"pledge:case:withdraw:{group_key}:{case_number}"
        style = discord.ButtonStyle.secondary
        super().__init__(button(texts.WITHDRAW_REPORT_BUTTON, custom_id, style))

    async def press(self, interaction: Context) -> None:
        """Ask once, if the presser has reported this case."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        viewer = Viewer(member_id=interaction.user.id)
        desk = desk_of(client, group)
        try:
            await mine.require_withdrawable(client.database, desk, viewer, self.case_number)
        except CaseStateError:
            await reply(interaction, texts.CLOSED_ALREADY)
            return
        answers = [
            WithdrawAnswer(group.key, str(self.case_number), answer) for answer in ("yes", "no")
        ]
        content = texts.confirm_report_withdrawal(self.case_number)
        await reply(interaction, content, buttons(*answers))


class WithdrawAnswer(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:case:withdrawal:{_CASE}:(yes|no)",
):
    """Takes one's own report back, or leaves it as it is."""

    def __init__(self, group_key: str, case_number: str, answer: str) -> None:
        self.group_key, self.case_number = group_key, int(case_number)
        self.is_yes = answer == "yes"
        custom_id = f"pledge:case:withdrawal:{group_key}:{case_number}:{answer}"
        if self.is_yes:
            shown = button(texts.WITHDRAW_YES_BUTTON, custom_id, discord.ButtonStyle.danger)
        else:
            shown = button(texts.WITHDRAW_NO_BUTTON, custom_id, discord.ButtonStyle.secondary)
        super().__init__(shown)

    async def press(self, interaction: Context) -> None:
        """Do as they say, if the presser has reported this case."""
        if not self.is_yes:
            await settle(interaction, texts.STAYS)
            return
        client, group = interaction.client, known_group(interaction, self.group_key)
        viewer = Viewer(member_id=interaction.user.id)
        desk, number = desk_of(client, group), self.case_number
        try:
            is_new = await mine.withdraw(client.database, desk, viewer, number, client.now())
        except CaseStateError:
            await settle(interaction, texts.CLOSED_ALREADY)
            return
        client.effects.wake()
        if is_new:
            await settle(interaction, texts.report_withdrawn(number))
        else:
            await settle(interaction, texts.WITHDRAWN_ALREADY)
