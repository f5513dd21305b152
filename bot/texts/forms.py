"""Small forms that sentences share."""

from datetime import datetime


def moment(instant: datetime, style: str = "f") -> str:
    """An instant that every reader sees in their own time zone."""
    return f"<t:{int(instant.timestamp())}:{style}>"


def people(count: int) -> str:
    """A number of people, in words that fit it."""
    return f"{count} {'person' if count == 1 else 'people'}"


def quoted(text: str) -> str:
    """Text as a Markdown quotation."""
    return "\n".join(f"> {line}" for line in text.splitlines())
