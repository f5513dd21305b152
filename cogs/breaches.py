"""`/breach …`: people report breaches of the promise, and moderators look after them."""

from collections.abc import Callable, Coroutine
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Pledge
from bot.domain.breaches import CaseState, Source
from bot.settings import Group
from bot.texts import reporting as words
from cogs._case_upkeep import UPKEEP_BUTTONS
from cogs._casework import (
    CASEWORK_BUTTONS,
    FINISHED,
    UNFINISHED,
    Status,
    at_desk,
    claim_case,
    export_case,
    note_case,
    offer_cases,
    recuse_case,
    reopen_case,
    show_case,
    show_list,
    unseal_case,
)
from cogs._deciding import (
    DECISION_BUTTONS,
    begin_appeal,
    offer_appealable,
    offer_outcomes,
    show_decision,
    take_ruling_form,
)
from cogs._letters import (
    LONGEST_QUESTION,
    AnswerButton,
    HearButton,
    To,
    show_question,
    take_form,
)
from cogs._mine import (
    AccessButton,
    MoreButton,
    WithdrawAnswer,
    WithdrawButton,
    hint_at_waiting,
    show_mine,
)
from cogs._passing import answer_passed
from cogs._reporting import About, start_report, take_orphan
from cogs._ui import Context

CaseNumber = app_commands.Range[int, 1, 999_999_999]
Words = app_commands.Range[str, 1, 2000]
Reason = app_commands.Range[str, 1, 600]
Offer = Callable[[Context, str], Coroutine[Any, Any, list[app_commands.Choice[int]]]]

REPORT = "Report a breach"
"""What both context menus are called; the catalogue has it as the name of a command."""


def _offering(*states: CaseState) -> Offer:
    async def offer(interaction: Context, typed: str) -> list[app_commands.Choice[int]]:
        return await offer_cases(interaction, str(typed), states)

    return offer


_any = _offering(*CaseState)


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class Breaches(commands.GroupCog, group_name="breach", group_description=words.BREACH_COMMANDS):
    """`/breach …`."""

    def __init__(self, client: Pledge) -> None:
        self.client = client

    @app_commands.command()
    async def report(self, interaction: Context) -> None:
        """Say that something left the group. Only the moderators who work on it read it."""
        await start_report(interaction, About())

    @app_commands.command()
    async def mine(self, interaction: Context) -> None:
        """See how your own reports stand, what waits for you, and who has looked."""
        await show_mine(interaction)

    @commands.Cog.listener("on_interaction")
    async def take_forms(self, interaction: Context) -> None:
        """What was typed into a form, and buttons that were pressed, also across a restart."""
        await answer_passed(interaction)
        await take_orphan(interaction)
        await take_form(interaction)
        await take_ruling_form(interaction)

    @commands.Cog.listener("on_app_command_completion")
    async def hint(
        self,
        interaction: Context,
        command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu,
    ) -> None:
        """Whoever takes no direct messages learns here that something waits for them."""
        if command is not self.mine:
            await hint_at_waiting(interaction)

    @app_commands.command(name="list")
    async def list_cases(self, interaction: Context, status: Status) -> None:
        """List the cases that are yours to look after.

        Args:
            interaction: the command.
            status: Which cases to list.
        """
        await show_list(interaction, status)

    @app_commands.command()
    @app_commands.autocomplete(case=_any)
    async def show(self, interaction: Context, case: CaseNumber) -> None:
        """See everything about a case; that you looked is noted.

        Args:
            interaction: the command.
            case: The number of the case.
        """

        async def then(context: Context, group: Group) -> None:
            await show_case(context, group, case)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_offering(*UNFINISHED))
    async def claim(self, interaction: Context, case: CaseNumber) -> None:
        """Take a case on.

        Args:
            interaction: the command.
            case: The number of the case.
        """

        async def then(context: Context, group: Group) -> None:
            await claim_case(context, group, case)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_any)
    async def note(self, interaction: Context, case: CaseNumber, text: Words) -> None:
        """Add a note for everybody who works on a case.

        Args:
            interaction: the command.
            case: The number of the case.
            text: What you want to note.
        """

        async def then(context: Context, group: Group) -> None:
            await note_case(context, group, case, text)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_offering(*UNFINISHED))
    async def ask(
        self,
        interaction: Context,
        case: CaseNumber,
        question: app_commands.Range[str, 1, LONGEST_QUESTION],
        to: To = "reporter",
    ) -> None:
        """Ask somebody in a case something through the bot.

        Args:
            interaction: the command.
            case: The number of the case.
            question: What you want to know. You see it once more before it is sent.
            to: Whom to ask: whoever reported, or the accused.
        """

        async def then(context: Context, group: Group) -> None:
            await show_question(context, group, case, to, question.strip())

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_any)
    async def recuse(self, interaction: Context, case: CaseNumber) -> None:
        """Step back from a case for good, because you are too close to it.

        Args:
            interaction: the command.
            case: The number of the case.
        """

        async def then(context: Context, group: Group) -> None:
            await recuse_case(context, group, case)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_offering(*FINISHED))
    async def reopen(self, interaction: Context, case: CaseNumber, reason: Words) -> None:
        """Take up a case again that was decided or closed.

        Args:
            interaction: the command.
            case: The number of the case.
            reason: Why.
        """

        async def then(context: Context, group: Group) -> None:
            await reopen_case(context, group, case, reason)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_any)
    async def unseal(self, interaction: Context, case: CaseNumber, reason: Words) -> None:
        """See who reported; it is noted with your reason, and they are told.

        Args:
            interaction: the command.
            case: The number of the case.
            reason: Why you need to know.
        """

        async def then(context: Context, group: Group) -> None:
            await unseal_case(context, group, case, reason)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_any)
    async def export(self, interaction: Context, case: CaseNumber) -> None:
        """Get a case as a document and as data, marked with your name.

        Args:
            interaction: the command.
            case: The number of the case.
        """

        async def then(context: Context, group: Group) -> None:
            await export_case(context, group, case)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=_offering(CaseState.IN_REVIEW))
    @app_commands.autocomplete(outcome=offer_outcomes)
    async def decide(
        self,
        interaction: Context,
        case: CaseNumber,
        outcome: app_commands.Range[str, 1, 64],
        reason: Reason,
        days: app_commands.Range[int, 1, 3650] | None = None,
    ) -> None:
        """Decide a case; you see all that it would do before anything is done.

        Args:
            interaction: the command.
            case: The number of the case.
            outcome: Which step of the agreement follows, or none.
            reason: Why. It stays in the case.
            days: For how many days access is paused, if that is the outcome.
        """

        async def then(context: Context, group: Group) -> None:
            await show_decision(context, group, case, outcome, reason, days)

        await at_desk(interaction, then)

    @app_commands.command()
    @app_commands.autocomplete(case=offer_appealable)
    async def appeal(self, interaction: Context, case: CaseNumber) -> None:
        """Ask for another look at what was decided about you, once.

        Args:
            interaction: the command.
            case: The number that stands in the letter to you.
        """
        await begin_appeal(interaction, case)


@app_commands.context_menu(name=REPORT)
@app_commands.guild_only()
async def report_message(interaction: Context, message: discord.Message) -> None:
    """Report a message; its words go with it only if the person says so."""
    about = About(
        source=Source.MESSAGE,
        accused=message.author,
        link=message.jump_url,
        content=message.content or None,
        said_on=message.created_at.date(),
    )
    await start_report(interaction, about)


@app_commands.context_menu(name=REPORT)
@app_commands.guild_only()
async def report_person(interaction: Context, person: discord.Member) -> None:
    """Report a person, who is chosen in the form already."""
    await start_report(interaction, About(source=Source.PERSON, accused=person))


async def setup(client: Pledge) -> None:
    """Called by discord.py when the extension is loaded."""
    await client.add_cog(Breaches(client))
    client.add_dynamic_items(
        AnswerButton, HearButton, AccessButton, MoreButton, WithdrawAnswer, WithdrawButton
    )
    client.tree.add_command(report_message)
    client.tree.add_command(report_person)
    client.add_dynamic_items(*CASEWORK_BUTTONS, *DECISION_BUTTONS, *UPKEEP_BUTTONS)
