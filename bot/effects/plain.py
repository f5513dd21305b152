"""What people wrote, made plain before it is shown to somebody else."""

import re

import discord

_INVITES = re.compile(r"(discord(?:app)?)\.(gg|com|me|li|io)", re.IGNORECASE)
"""Addresses that Discord takes for an invitation, also without `https` in front of them."""

LONGEST = 700
"""Characters of a shown note: 300 that were written, most of them escaped."""


def plain_words(text: str) -> str:
    """Text on one line, without formatting, mentions, or hidden and direction-changing signs."""
    return _escaped(text)[:LONGEST]


def plain_lines(text: str) -> str:
    """The same for text of several lines, of any length; its line breaks are kept."""
    return "\n".join(_escaped(line) for line in text.splitlines())


def _escaped(text: str) -> str:
    visible = "".join(sign if sign.isprintable() else " " for sign in text if not is_hidden(sign))
    return escaped(" ".join(visible.split()))


def escaped(text: str) -> str:
    """Text that Discord shows as it is: it formats nothing, mentions nobody and leads nowhere."""
    plain = discord.utils.escape_markdown(text, ignore_links=False)
    plain = discord.utils.escape_mentions(plain)
    # Without this, <t:…>, <#…> and their like would still be drawn as times and channels.
    plain = plain.replace("<", "\\<")
    # What anybody wrote and the bot repeats would be a link in the bot's own voice.
    return _INVITES.sub(r"\1\\.\2", plain.replace("://", "\\://"))


def visible_name(name: str, longest: int) -> str:
    """A name without hidden and direction-changing signs, unescaped; "?" if nothing is left of it.

    Args:
        name: as somebody gave it to themselves.
        longest: characters of it that are kept.
    """
    shown = "".join(sign for sign in name if sign.isprintable() and not is_hidden(sign)).strip()
    return shown[:longest] or "?"


def without_hidden(text: str) -> str:
    """Text as it is formatted, without hidden and direction-changing signs."""
    return "".join(sign for sign in text if not is_hidden(sign))


def is_hidden(sign: str) -> bool:
    """Zero-width and direction marks, which would hide or turn around what stands beside them."""
    return sign in "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u061c\u3164\u115f\u1160\uffa0" or (
        "\u202a" <= sign <= "\u202e" or "\u2066" <= sign <= "\u2069"
    )
