"""Small forms that sentences share."""

from datetime import datetime

from bot.texts.catalogue import _, plural


def moment(instant: datetime, style: str = "f") -> str:
    """An instant that every reader sees in their own time zone."""
    return f"<t:{int(instant.timestamp())}:{style}>"


def people(count: int) -> str:
    """A number of people, in words that fit it."""
    return plural("{count} person", "{count} people", count).format(count=count)


def between(after: datetime | None, until: datetime) -> str:
    """An instant, or the two between which it lies when nobody saw it happen."""
    if after is None:
        return moment(until)
    return _("between {after} and {until}").format(after=moment(after), until=moment(until))


def quoted(text: str) -> str:
    """Text as a Markdown quotation."""
    return "\n".join(f"> {line}" for line in text.splitlines())
