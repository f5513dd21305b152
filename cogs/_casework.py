"""What `/breach list`, `show`, `claim`, `note`, `recuse`, `reopen`, `unseal` and `export` do."""

from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from typing import Any, Literal

import discord
from discord import app_commands

from bot import texts
from bot.documents.case_file import CaseFile, print_case, write_data
from bot.documents.evidence import ENDINGS
from bot.domain.authorisation import Action
from bot.domain.breaches import CaseState
from bot.domain.case_clocks import Waiting, due_next
from bot.domain.dossiers import Dossier
from bot.domain.errors import NotEntitledError, UnknownCaseError, UnknownGroupError
from bot.effects.case_notices import custom_id
from bot.effects.desks import clocks_of, desk_of
from bot.effects.plain import plain_lines, visible_name
from bot.effects.views import CASE_CUSTOM_ID
from bot.services.cases import desk
from bot.settings import Group
from bot.texts import case_files
from bot.texts import cases as words
from bot.texts.catalogue import spoken
from cogs._case_upkeep import NumbersButton, upkeep_buttons
from cogs._checks import desks_here, known_group, require, viewer_of
from cogs._ui import GROUP_KEY, Button, Context, button, buttons, chosen, reply, with_group

PER_PAGE = 10
CHOICES = 25
FILES = 20
"""Buttons under one case; Discord takes twenty-five, and others want some."""

LONGEST_NAME = 64
UNFINISHED = (CaseState.OPEN, CaseState.IN_REVIEW)
FINISHED = (CaseState.DECIDED, CaseState.CLOSED)

Status = Literal["open", "in_review", "decided", "closed", "all"]
Then = Callable[[Context, Group], Awaitable[None]]


async def at_desk(interaction: Context, then: Then) -> None:
    """Go on with the one group whose cases this person could have to do with, or ask which.

    Raises:
        UnknownCaseError: there is none; nobody else learns whether a case is there.
    """
    groups = [group for group, _viewer in await desks_here(interaction)]
    if not groups:
        raise UnknownCaseError
    await with_group(interaction, groups, then)


async def show_list(interaction: Context, status: Status) -> None:
    """The cases of a group that this person may see.

    Raises:
        NotEntitledError: they hold no office that cases can come to.
    """

    async def show(context: Context, group: Group) -> None:
        await reply(context, *await _page(context, group, status, 0))

    groups = [group for group, _viewer in await desks_here(interaction)]
    if not groups:
        raise NotEntitledError
    await with_group(interaction, groups, show)


async def _page(
    interaction: Context, group: Group, status: str, page: int
) -> tuple[str, discord.ui.View | None]:
    client = interaction.client
    states = tuple(CaseState) if status == "all" else (chosen(CaseState, status),)
    viewer, clocks = await viewer_of(interaction, group), clocks_of(group)
    found = await desk.list_cases(
        client.database, desk_of(client, group), viewer, states, page, PER_PAGE
    )
    heading = words.ALL_CASES if status == "all" else words.STATES[states[0]]
    lines = [(case, due_next(case, Waiting(), clocks)) for case in found.cases]
    content = words.list_page(group.name, heading, lines, found.page, found.pages, found.total)
    turning: list[discord.ui.Item[Any]] = []
    if found.page > 0:
        before = str(found.page - 1)
        turning.append(CasePageButton(group.key, status, before, texts.PREVIOUS_BUTTON))
    if found.page + 1 < found.pages:
        turning.append(CasePageButton(group.key, status, str(found.page + 1)))
    return content, buttons(*turning, NumbersButton(group.key))


async def show_case(interaction: Context, group: Group, number: int) -> None:
    """One case, for the eyes of whoever may see it."""
    client = interaction.client
    dossier = await desk.show(
        client.database,
        desk_of(client, group),
        await viewer_of(interaction, group),
        number,
        client.now(),
    )
    client.effects.wake()
    due = due_next(dossier.case, dossier.waiting, clocks_of(group))
    pages = words.show_pages(group.name, dossier, due, plain_lines)
    await reply(interaction, pages, _case_view(group, dossier))


def _case_view(group: Group, dossier: Dossier) -> discord.ui.View | None:
    number = str(dossier.case.case_number)
    items: list[discord.ui.Item[Any]] = [
        FileButton(group.key, number, str(file.id), words.file_button(place))
        for place, file in enumerate(dossier.evidence, 1)
        if file.is_kept
    ]
    shown = [*items[:FILES], *upkeep_buttons(group, dossier)]
    return buttons(*shown) if shown else None


async def claim_case(interaction: Context, group: Group, number: int) -> None:
    """Take a case on."""
    client = interaction.client
    is_new = await desk.claim(
        client.database,
        desk_of(client, group),
        await viewer_of(interaction, group),
        number,
        client.now(),
    )
    client.effects.wake()
    await reply(interaction, words.CLAIMED if is_new else words.CLAIMED_BEFORE)


async def note_case(interaction: Context, group: Group, number: int, text: str) -> None:
    """Add a note to a case."""
    client, viewer = interaction.client, await viewer_of(interaction, group)
    at = desk_of(client, group)
    await desk.note(client.database, at, viewer, number, text.strip(), client.now())
    await reply(interaction, words.NOTED)


async def recuse_case(interaction: Context, group: Group, number: int) -> None:
    """Step back from a case."""
    client, viewer = interaction.client, await viewer_of(interaction, group)
    await desk.recuse(client.database, desk_of(client, group), viewer, number, client.now())
    client.effects.wake()
    await reply(interaction, words.RECUSED)


async def reopen_case(interaction: Context, group: Group, number: int, reason: str) -> None:
    """Take a case up again."""
    client, viewer = interaction.client, await viewer_of(interaction, group)
    at = desk_of(client, group)
    await desk.reopen(client.database, at, viewer, number, reason.strip(), client.now())
    client.effects.wake()
    await reply(interaction, words.reopened(number))


async def unseal_case(interaction: Context, group: Group, number: int, reason: str) -> None:
    """Show whoever may work on the case who reported it."""
    client, viewer = interaction.client, await viewer_of(interaction, group)
    at = desk_of(client, group)
    authors = await desk.unseal(client.database, at, viewer, number, reason.strip(), client.now())
    client.effects.wake()
    shown = [(one.reporter_id, one.received_at) for one in authors]
    await reply(interaction, words.unsealed(number, shown))


async def export_case(interaction: Context, group: Group, number: int) -> None:
    """Give a case as a document and as data, each with the name of who asked."""
    client, viewer = interaction.client, await viewer_of(interaction, group)
    # The pages take longer than a press of a button may, when the worker has to be started.
    await interaction.response.defer(ephemeral=True, thinking=True)
    now = client.now()
    dossier = await desk.export(client.database, desk_of(client, group), viewer, number, now)
    client.effects.wake()
    file = CaseFile(
        dossier=dossier,
        group=group.name,
        exported_by=viewer.member_id,
        exporter=visible_name(interaction.user.display_name, LONGEST_NAME),
        exported_at=now,
    )
    page = await client.press.make(print_case, file, spoken())
    files = [
        discord.File(BytesIO(page), case_files.file_name(number, now, "pdf")),
        discord.File(BytesIO(write_data(file)), case_files.file_name(number, now, "json")),
    ]
    await interaction.followup.send(words.exported(number), files=files, ephemeral=True)


async def offer_cases(
    interaction: Context, typed: str, states: Sequence[CaseState]
) -> list[app_commands.Choice[int]]:
    """The cases that this person may see, for a command that is being typed; no others."""
    client, digits = interaction.client, typed.strip().removeprefix("#")
    if digits and not (digits.isascii() and digits.isdigit()):
        return []
    try:
        desks = await desks_here(interaction)
    except UnknownGroupError:
        return []
    choices: dict[int, app_commands.Choice[int]] = {}
    for group, viewer in desks:
        for case in await desk.list_choices(
            client.database, desk_of(client, group), viewer, states, digits, CHOICES
        ):
            label = words.choice(case, client.now())
            choices[case.case_number] = app_commands.Choice(name=label, value=case.case_number)
    return list(choices.values())[:CHOICES]


class OpenButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=CASE_CUSTOM_ID.format(action="open", group_key=GROUP_KEY, case=r"(\d{1,9})"),
):
    """Shows a case to whoever may see it."""

    def __init__(self, group_key: str, number: str) -> None:
        self.group_key, self.number = group_key, int(number)
        name = custom_id("open", group_key, self.number)
        super().__init__(button(words.OPEN_BUTTON, name, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Show it, if the presser may see it now."""
        await show_case(interaction, known_group(interaction, self.group_key), self.number)


class ClaimButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=CASE_CUSTOM_ID.format(action="claim", group_key=GROUP_KEY, case=r"(\d{1,9})"),
):
    """Takes a case on."""

    def __init__(self, group_key: str, number: str) -> None:
        self.group_key, self.number = group_key, int(number)
        name = custom_id("claim", group_key, self.number)
        super().__init__(button(words.CLAIM_BUTTON, name, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Take it on, if the presser may work on it now."""
        await claim_case(interaction, known_group(interaction, self.group_key), self.number)


class FileButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=CASE_CUSTOM_ID.format(action="file", group_key=GROUP_KEY, case=r"(\d{1,9})")
    + r":(\d{1,18})",
):
    """Hands out one file of a case."""

    def __init__(
        self, group_key: str, number: str, evidence: str, label: str = words.OPEN_BUTTON
    ) -> None:
        self.group_key, self.number, self.evidence_id = group_key, int(number), int(evidence)
        name = custom_id("file", group_key, self.number, self.evidence_id)
        super().__init__(button(label, name, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Hand it out, if the presser may see the case now."""
        client, group = interaction.client, known_group(interaction, self.group_key)
        about, content = await desk.hand_out(
            client.database,
            desk_of(client, group),
            await viewer_of(interaction, group),
            self.number,
            self.evidence_id,
            client.now(),
        )
        ending = ENDINGS.get(about.media_type, "bin")
        name = case_files.evidence_name(self.number, self.evidence_id, ending)
        file = discord.File(BytesIO(content), name, description=words.file_described(self.number))
        note = words.handed_out(self.number)
        await interaction.response.send_message(note, file=file, ephemeral=True)


class CasePageButton(
    Button,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"pledge:cases:{GROUP_KEY}:(open|in_review|decided|closed|all):(\d{{1,9}})",
):
    """Turns the page of the list of cases."""

    def __init__(
        self, group_key: str, status: str, page: str, label: str = texts.NEXT_BUTTON
    ) -> None:
        self.group_key, self.status, self.page = group_key, status, int(page)
        name = f"pledge:cases:{group_key}:{status}:{page}"
        super().__init__(button(label, name, discord.ButtonStyle.secondary))

    async def press(self, interaction: Context) -> None:
        """Show the page as far as the presser may see it now."""
        group = known_group(interaction, self.group_key)
        await require(interaction, group, Action.LOOK_AFTER_CASES)
        content, view = await _page(interaction, group, self.status, self.page)
        await interaction.response.edit_message(content=content, view=view)


CASEWORK_BUTTONS = (OpenButton, ClaimButton, FileButton, CasePageButton)
