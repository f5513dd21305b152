"""What `/signatures overview` and `/signatures export` do."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Literal

import discord

from bot.documents import chart, roster
from bot.effects.plain import visible_name
from bot.services import export, overview
from bot.settings import Group
from bot.texts import overview as words
from bot.texts.catalogue import spoken
from cogs._ui import Context

NAMED = 1_000
"""The largest group whose names are asked for: Discord tells those of a hundred people at a time,
and not more often than twice a second."""

PRINTED = 5_000
"""The largest group that is printed, on some two hundred pages."""

NAME_SECONDS = 10.0
LONGEST_NAME = 64
Form = Literal["csv", "json", "pdf"]


async def show_overview(interaction: Context, group: Group) -> None:
    """A group in numbers and in a picture."""
    client = interaction.client
    # The picture takes longer than a press of a button may.
    await interaction.response.defer(ephemeral=True, thinking=True)
    found = await overview.look_over(client.database, group.key, client.now())
    picture = chart.Picture(
        line=found.line,
        publishes=tuple((one.number, one.published_at) for one in found.publishes),
        steps=(found.people, found.asked, found.covered),
    )
    drawn = await client.press.make(chart.draw, picture, spoken())
    first = found.line[0][0] if found.line else None
    described = words.chart_description(found.people, found.asked, found.covered, first)
    content = words.overview(
        group.name, found.counts, found.people, found.covered, found.half_within, found.one_in
    )
    file = discord.File(BytesIO(drawn), f"{group.key}-overview.png", description=described)
    await interaction.followup.send(content, file=file, ephemeral=True)


async def send_export(interaction: Context, group: Group, form: Form) -> None:
    """Everybody of a group in a file, for the eyes of whoever asked.

    Raises:
        ExportTooLargeError: Discord does not take so large a file.
    """
    client = interaction.client
    await interaction.response.defer(ephemeral=True, thinking=True)
    now = client.now()
    found = await export.read_roster(client.database, group.key, now, PRINTED)
    if form == "pdf" and found is None:
        await interaction.followup.send(words.too_many_for_paper(PRINTED), ephemeral=True)
        return
    members = [person.member_id for person in found.people] if found else []
    names = await _names(interaction, members) if len(members) <= NAMED else {}
    if form == "pdf" and found is not None:
        printed = _roster(group, found, names, now)
        content = await client.press.make(roster.print_roster, printed, spoken())
        total, ending = len(members), "pdf"
    else:
        limit = interaction.guild.filesize_limit if interaction.guild else export.LARGEST
        file = await export.write(
            client.database,
            group.key,
            "json" if form == "json" else "csv",
            now,
            names=names,
            limit=limit,
        )
        content, total, ending = file.content, file.people, file.ending
    note = words.exported(
        group.name,
        total,
        has_names=bool(names),
        is_zipped=ending.endswith("zip"),
        is_table=form == "csv",
    )
    attached = discord.File(BytesIO(content), f"{group.key}-{now:%Y-%m-%d}.{ending}")
    await interaction.followup.send(note, file=attached, ephemeral=True)


def _roster(
    group: Group, found: export.Roster, names: dict[int, str], now: datetime
) -> roster.Roster:
    publishers = (
        roster.Publisher(
            number=one.number,
            account_id=one.published_by,
            sha256=one.sha256,
            published_at=one.published_at,
        )
        for one in found.publishes
    )
    entries = (
        roster.Entry(
            account_id=person.member_id,
            name=names.get(person.member_id),
            standing=person.standing,
            version_number=person.version_number,
            method=person.method,
            attested_by=person.attested_by,
            signed_at=person.signed_at,
            signed_after=person.signed_after,
            valid_until=person.ends_at,
            receipt_number=person.receipt_number,
        )
        for person in found.people
    )
    return roster.Roster(
        group=group.name, made_at=now, publishers=tuple(publishers), entries=tuple(entries)
    )


async def _names(interaction: Context, member_ids: Sequence[int]) -> dict[int, str]:
    """Names as they are at this moment, as plain text; they are never stored."""
    names: dict[int, str] = {}
    guild = interaction.guild
    if guild is None or not interaction.client.intents.members:
        return names
    for start in range(0, len(member_ids), 100):
        some = list(member_ids[start : start + 100])
        try:
            asking = guild.query_members(user_ids=some, limit=100, cache=False)
            for member in await asyncio.wait_for(asking, NAME_SECONDS):
                shown, account = (
                    visible_name(name, LONGEST_NAME) for name in (member.display_name, member.name)
                )
                names[member.id] = f"{shown} (@{account})"
        except (TimeoutError, discord.ClientException):
            return names
    return names
