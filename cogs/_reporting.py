"""`/breach report` and its context menus: a private notice, a form, and what was typed is kept."""

import io
import logging
import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import aiohttp
import discord

from bot.client import Pledge, answer_error
from bot.documents import evidence
from bot.documents.press import GivenUpError
from bot.domain.authorisation import Action
from bot.domain.breaches import Clause, Evidence, ReportForm, Source
from bot.domain.errors import DomainError, RecordUncertainError, TooManyReportsError
from bot.domain.paragraphs import split_text
from bot.effects.plain import escaped
from bot.services.cases import reporting
from bot.services.cases.reporting import KeptFile, Limits, Received
from bot.settings import Group
from bot.texts import reporting as words
from bot.texts.catalogue import _
from cogs._checks import known_group, require
from cogs._ui import Context, Form, Question, in_group, reply

log = logging.getLogger(__name__)

MINUTES = 14
"""How long the notice can be gone on from; Discord lets it be changed for fifteen."""

MOST_FILES = 3
MOST_BYTES = 8 * 2**20
LONGEST_REPORT = 3_500
LONGEST_QUOTE = 3_500

FORM_ID = "pledge:report:{group_key}:{source}:{number}"
"""The id of a form; the number is that of the interaction that opened it."""

_MESSAGE_LINK = re.compile(
    r"https://(?:(?:ptb|canary)\.)?discord\.com/channels/\d{17,20}/\d{17,20}/\d{17,20}(?!\d)"
)

_WHAT, _WHEN, _WHOM, _CLAUSE, _FILES, _WORDS = "what", "when", "whom", "clause", "files", "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a report begins with: nothing, a person, or a message of theirs."""

    source: Source = Source.COMMAND
    accused: discord.User | discord.Member | None = None
    link: str | None = None
    content: str | None = None
    said_on: date | None = None


async def start_report(interaction: Context, about: About) -> None:
    """Show what somebody should know before they report, with the button that opens the form."""

    async def show(context: Context, group: Group) -> None:
        client = context.client
        await reporting.require_room(
            client.database, group.key, context.user.id, limits_of(group), client.now()
        )
        crisis = await reporting.read_crisis(client.database, group.key)
        content = words.report_notice(group.name, crisis, about.source)
        await reply(context, split_text(content), NoticeView(group, about))

    if about.accused is not None and about.accused.bot:
        await reply(interaction, words.REPORT_BOT)
        return
    await in_group(interaction, show)


def limits_of(group: Group) -> Limits:
    """How many reports a group takes in a day."""
    cases = group.cases
    return Limits(per_person=cases.reports_per_day, per_group=cases.group_reports_per_day)


class NoticeView(Question):
    """The button under the notice. Nothing is typed yet, so it need not survive a restart."""

    def __init__(self, group: Group, about: About) -> None:
        super().__init__(about="notice", minutes=MINUTES, group=group)
        self._group, self._about = group, about
        button: discord.ui.Button[NoticeView] = discord.ui.Button(
            label=_(words.CONTINUE_BUTTON),
            style=discord.ButtonStyle.primary,
            custom_id=self.name_of("go-on"),
        )
        button.callback = self._open
        self.add_item(button)

    async def _open(self, interaction: Context) -> None:
        await interaction.response.send_modal(ReportModal(self._group, self._about, interaction.id))


class ReportModal(Form):
    """The form. What it asks depends on what the report begins with; five parts at the most."""

    def __init__(self, group: Group, about: About, number: int) -> None:
        custom_id = FORM_ID.format(group_key=group.key, source=about.source, number=number)
        super().__init__(title=_(words.FORM_TITLE), custom_id=custom_id)
        self._about = about
        ours.append(custom_id)
        self.add_item(
            _labelled(
                words.WHAT_LABEL,
                discord.ui.TextInput(
                    custom_id=_WHAT,
                    style=discord.TextStyle.paragraph,
                    max_length=LONGEST_REPORT,
                ),
                words.WHAT_HINT,
            )
        )
        if about.source is Source.MESSAGE:
            box: discord.ui.Checkbox[Any] = discord.ui.Checkbox(custom_id=_WORDS, default=True)
            self.add_item(_labelled(words.WORDS_LABEL, box, words.WORDS_HINT))
        else:
            day: discord.ui.TextInput[Any] = discord.ui.TextInput(
                custom_id=_WHEN, required=False, max_length=100
            )
            self.add_item(_labelled(words.WHEN_LABEL, day, words.WHEN_HINT))
        chosen = [about.accused] if about.accused is not None else []
        whom: discord.ui.UserSelect[Any] = discord.ui.UserSelect(
            custom_id=_WHOM, required=False, min_values=0, default_values=chosen
        )
        self.add_item(_labelled(words.WHOM_LABEL, whom, words.WHOM_HINT))
        options = [
            discord.RadioGroupOption(label=_(label), value=clause)
            for clause, label in words.CLAUSES.items()
        ]
        radio: discord.ui.RadioGroup[Any] = discord.ui.RadioGroup(
            custom_id=_CLAUSE, options=options
        )
        self.add_item(_labelled(words.CLAUSE_LABEL, radio))
        files: discord.ui.FileUpload[Any] = discord.ui.FileUpload(
            custom_id=_FILES, required=False, min_values=0, max_values=MOST_FILES
        )
        self.add_item(_labelled(words.FILES_LABEL, files, words.FILES_HINT))

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        """Called by discord.py."""
        try:
            await take_report(interaction, self._about)
        finally:
            # From here on discord.py knows nothing of it: pressed once more, it is an orphan.
            with suppress(ValueError):
                ours.remove(self.custom_id)


ours: deque[str] = deque(maxlen=1_000)
"""Forms that this process has opened. One that is not among them was opened before a restart."""


def _labelled(
    label: str, item: discord.ui.Item[Any], hint: str | None = None
) -> discord.ui.Label[Any]:
    description = None if hint is None else _(hint)
    return discord.ui.Label(text=_(label), component=item, description=description)


async def take_orphan(interaction: discord.Interaction[Any]) -> None:
    """A form was sent that an earlier process had opened: discord.py knows nothing of it."""
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    is_form = interaction.type is discord.InteractionType.modal_submit
    if not is_form or not custom_id.startswith("pledge:report:") or custom_id in ours:
        return
    source = custom_id.split(":")[3]
    if source not in set(Source):
        return
    try:
        await take_report(interaction, About(source=Source(source)))
    except Exception as error:
        await answer_error(interaction, error)


async def take_report(interaction: Context, about: About) -> None:
    """Keep what was typed before anything else is done; then look at the files.

    Whatever goes wrong before it is kept, the words go back to the person. After that, no answer
    that Discord does not take keeps the files from being fetched: their addresses do not last.
    """
    client, data = interaction.client, _data(interaction)
    typed = _values(data.get("components") or [])
    try:
        group_key, number = data["custom_id"].split(":")[2::2]
        group = known_group(interaction, group_key)
        await require(interaction, group, Action.REPORT)
        form, unread = _form(typed, about, client.now())
        bots = _resolved(data, "users")
        if form.accused_id is not None and bots.get(str(form.accused_id), {}).get("bot"):
            form = replace(form, accused_id=None)
        received = await reporting.report(
            client.database,
            group.key,
            interaction.user.id,
            form,
            int(number),
            limits_of(group),
            client.now(),
        )
    except Exception as error:
        await _give_back(interaction, _words_of(typed), error)
        return
    client.effects.wake()
    content = words.report_received(
        received.case_number,
        group.name,
        is_new=received.is_new,
        unread_day=escaped(unread) if unread else None,
        about_oneself=form.accused_id == interaction.user.id,
        without_message=about.source is Source.MESSAGE and about.link is None,
    )
    await _say(interaction, content)
    # Also of a form that came before: perhaps only its words were kept then.
    await _take_files(interaction, received, [_attachment(client, one) for one in _files(data)])


def _data(interaction: Context) -> dict[str, Any]:
    data: Any = interaction.data or {}
    return data


async def _say(interaction: Context, content: str) -> None:
    """Answer if Discord lets us: after three seconds it does not, and the report is kept."""
    try:
        await reply(interaction, content)
    except discord.HTTPException as error:
        log.info("An answer to a report did not arrive (%d, %d)", error.status, error.code)


async def _give_back(interaction: Context, what: str, error: Exception) -> None:
    """Nothing could be kept: what was typed goes back to the person, and to nobody else."""
    if not isinstance(error, DomainError):
        log.error("A report could not be kept", exc_info=error)
    content = words.REPORT_LOST
    if isinstance(error, TooManyReportsError):
        content = words.REPORT_TOO_MANY
    elif isinstance(error, RecordUncertainError):
        content = words.REPORT_UNSURE
    file = discord.File(io.BytesIO(what.encode()), "report.txt")
    await interaction.response.send_message(_(content), file=file, ephemeral=True)


def _values(components: list[dict[str, Any]]) -> dict[str, Any]:
    """What was given for each part of a form, by its id."""
    found: dict[str, Any] = {}
    for component in components:
        inner = component.get("component") or component
        key = inner.get("custom_id")
        if key is not None:
            found[key] = inner.get("values", inner.get("value"))
        found |= _values(component.get("components") or [])
    return found


def _form(typed: dict[str, Any], about: About, now: datetime) -> tuple[ReportForm, str | None]:
    """What was typed as a record, and the words of the day if they could not be read as one."""
    what = _words_of(typed)
    day = str(typed.get(_WHEN) or "").strip()
    incident_on, unread = about.said_on, None
    if day:
        incident_on = read_day(day, now)
        if incident_on is None:
            unread = day
            what = f"{what}\n{words.when_typed(day)}"
    chosen: list[str] = typed.get(_WHOM) or []
    clause = typed.get(_CLAUSE)
    has_words = about.content is not None and typed.get(_WORDS) is not False
    form = ReportForm(
        what=what,
        clause=Clause(clause) if clause in set(Clause) else Clause.UNSURE,
        source=about.source,
        incident_on=incident_on,
        accused_id=int(chosen[0]) if chosen else None,
        link=about.link or _message_link_in(what),
        quoted=about.content[:LONGEST_QUOTE] if has_words and about.content else None,
    )
    return form, unread


def _message_link_in(text: str) -> str | None:
    """The first link to a message, which moderators can follow; other addresses lead nowhere."""
    found = _MESSAGE_LINK.search(text)
    return found[0] if found else None


def _words_of(typed: dict[str, Any]) -> str:
    return str(typed.get(_WHAT) or "").strip()


def read_day(typed: str, now: datetime) -> date | None:
    """A day as people write it: 2026-03-01, or 1.3.2026; None if it is none, or yet to come."""
    for pattern in ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d"):
        try:
            day = datetime.strptime(typed, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        # Somewhere it is tomorrow already.
        return day if (day - now.date()).days <= 1 else None
    return None


def _resolved(data: Any, kind: str) -> dict[str, Any]:
    resolved: dict[str, dict[str, Any]] = data.get("resolved") or {}
    return resolved.get(kind) or {}


def _files(data: Any) -> list[dict[str, Any]]:
    return list(_resolved(data, "attachments").values())[:MOST_FILES]


def _attachment(client: Pledge, payload: dict[str, Any]) -> discord.Attachment:
    return discord.Attachment(data=payload, state=client._connection)  # type: ignore[arg-type]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportArgumentType]


async def _take_files(
    interaction: Context, received: Received, attachments: list[discord.Attachment]
) -> None:
    client = interaction.client
    if not attachments:
        return
    kept: list[KeptFile] = []
    left = MOST_BYTES
    for attachment in attachments:
        file = await _look_at(client, attachment, left)
        left -= file.about.size if file.content is not None else 0
        kept.append(file)
    if not await reporting.keep_evidence(client.database, received.report_id, kept, client.now()):
        return
    client.effects.wake()
    refused = sum(file.content is None for file in kept)
    await _say(interaction, words.files_kept(len(kept) - refused, refused))


async def _look_at(client: Pledge, attachment: discord.Attachment, left: int) -> KeptFile:
    """Fetch a file and keep what may be kept of it; its address is gone in a day."""
    content = kept = b""
    media_type = ""
    try:
        if attachment.size <= left:
            content = await attachment.read()
        if content and len(content) <= left:
            media_type, kept = evidence.split(await client.press.make(evidence.cleaned, content))
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        log.info("A file could not be fetched (%s)", type(error).__name__)
    except evidence.RefusedError:
        log.info("A file is of no kind that is kept")
    except (GivenUpError, MemoryError):
        log.warning("A file took too much time or memory, and is not kept")
    is_kept = bool(media_type) and bool(kept)
    about = Evidence(
        name=attachment.filename[:200],
        media_type=media_type or "application/octet-stream",
        received_sha256=sha256(content).hexdigest() if content else "",
        kept_sha256=sha256(kept).hexdigest() if is_kept else "",
        size=max(len(content), len(kept)),
    )
    return KeptFile(about=about, content=kept if is_kept else None)
