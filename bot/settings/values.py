"""Single values with a shape of their own: ids, names, emoji and database addresses."""

import os
import re
import unicodedata
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import PlainValidator

from bot.domain.errors import ConfigurationError
from bot.settings.models import refused
from bot.settings.problems import Misread, kind_of, shown

NameOrId = int | str
"""A role, channel or person: an int is an id, text is a name."""

_LARGEST_ID = 2**63 - 1
_VARIATION_SELECTOR = "\ufe0f"


def plain_line(value: object, longest: int) -> str:
    """One line of 1 to `longest` visible characters without blanks around it."""
    if not isinstance(value, str):
        hint = "put it in quotes if it is a name" if isinstance(value, int | Misread) else ""
        raise refused(f"found {kind_of(value)}", hint)
    odd = next((c for c in value if unicodedata.category(c) in _NOT_IN_A_LINE), None)
    if odd is not None:
        wrong = f"the character U+{ord(odd):04X} (hidden, or a new line) stands in it"
        raise refused(wrong, "delete it, and type what is around it again")
    if not value.strip():
        raise refused("this is empty")
    if value != value.strip():
        raise refused("there are blanks before or after it", "take them out")
    if len(value) > longest:
        raise refused(f"this has {len(value)} characters")
    return value


_NOT_IN_A_LINE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def _id(value: object) -> int:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,30}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise refused(f"found {kind_of(value)}")
    if not 1 <= value <= _LARGEST_ID:
        raise refused(f"{shown(str(value))} cannot be an id of Discord")
    return value


def _role(value: object) -> NameOrId:
    named = _name_or_id(value)
    if named == "@everyone":
        raise refused("everyone in the server holds this role", "give a role that opens nothing")
    return named


def _channel(value: object) -> NameOrId:
    if value is None:
        right = "write the id, or the name in quotes (what follows an open # is a comment)"
        raise refused("nothing is given", right)
    named = _name_or_id(value)
    if isinstance(named, str) and named.startswith("#"):
        raise refused("a channel's name does not begin with #", f"write `{shown(named[1:])}`")
    return named


def _person_or_role(value: object) -> NameOrId | None:
    return None if value is None else _name_or_id(value)


def _name_or_id(value: object) -> NameOrId:
    if isinstance(value, int) or (isinstance(value, str) and re.fullmatch("[0-9]+", value)):
        return _id(value)
    name = plain_line(value, 100)
    if re.fullmatch("<[@#&!]+[0-9]+>", name):
        raise refused("this is a mention", "write only the digits in it")
    return name


Id = Annotated[int, PlainValidator(_id)]
RoleRef = Annotated[NameOrId, PlainValidator(_role)]
ChannelRef = Annotated[NameOrId, PlainValidator(_channel)]
EscalationRef = Annotated[NameOrId | None, PlainValidator(_person_or_role)]

# The characters with the Unicode property Emoji beyond ASCII (Unicode 15.1, emoji-data.txt), as
# Python's `unicodedata` does not know the property; the last row is left open for new ones.
# A library would bring half a megabyte of names to check two characters once, at start.
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9-\u21aa\u231a-\u231b\u2328\u23cf"
    "\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e"
    "\u2611\u2614-\u2615\u2618\u261d\u2620\u2622-\u2623\u2626\u262a\u262e-\u262f\u2638-\u263a"
    "\u2640\u2642\u2648-\u2653\u265f-\u2660\u2663\u2665-\u2666\u2668\u267b\u267e-\u267f"
    "\u2692-\u2697\u2699\u269b-\u269c\u26a0-\u26a1\u26a7\u26aa-\u26ab\u26b0-\u26b1\u26bd-\u26be"
    "\u26c4-\u26c5\u26c8\u26ce-\u26cf\u26d1\u26d3-\u26d4\u26e9-\u26ea\u26f0-\u26f5\u26f7-\u26fa"
    "\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733-\u2734\u2744"
    "\u2747\u274c\u274e\u2753-\u2755\u2757\u2763-\u2764\u2795-\u2797\u27a1\u27b0\u27bf"
    "\u2934-\u2935\u2b05-\u2b07\u2b1b-\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f004\U0001f0cf\U0001f170-\U0001f171\U0001f17e-\U0001f17f\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f201-\U0001f202\U0001f21a\U0001f22f\U0001f232-\U0001f23a"
    "\U0001f250-\U0001f251\U0001f300-\U0001f321\U0001f324-\U0001f393\U0001f396-\U0001f397"
    "\U0001f399-\U0001f39b\U0001f39e-\U0001f3f0\U0001f3f3-\U0001f3f5\U0001f3f7-\U0001f4fd"
    "\U0001f4ff-\U0001f53d\U0001f549-\U0001f54e\U0001f550-\U0001f567\U0001f56f-\U0001f570"
    "\U0001f573-\U0001f57a\U0001f587\U0001f58a-\U0001f58d\U0001f590\U0001f595-\U0001f596"
    "\U0001f5a4-\U0001f5a5\U0001f5a8\U0001f5b1-\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4"
    "\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de\U0001f5e1\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3"
    "\U0001f5fa-\U0001f64f\U0001f680-\U0001f6c5\U0001f6cb-\U0001f6d2\U0001f6d5-\U0001f6d7"
    "\U0001f6dc-\U0001f6e5\U0001f6e9\U0001f6eb-\U0001f6ec\U0001f6f0\U0001f6f3-\U0001f6fc"
    "\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f90c-\U0001f93a\U0001f93c-\U0001f945"
    "\U0001f947-\U0001f9ff\U0001fa70-\U0001faff]"
)
_ONE_PICTURE = f"{_PICTURE}\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_EMOJI = re.compile(
    f"{_ONE_PICTURE}(?:\u200d{_ONE_PICTURE})*"  # one picture, or several joined to one
    "|[\U0001f1e6-\U0001f1ff]{2}"  # a flag
    "|[0-9#*]\ufe0f?\u20e3"  # a keycap
)


def _emoji(value: object) -> str:
    if not isinstance(value, str):
        raise refused(f"found {kind_of(value)}")
    if re.fullmatch(r"<a?:.*>|:.*:", value):
        right = "give the standard emoji itself, such as “✅”, not a name or a server's own"
        raise refused("this names an emoji", right)
    if not _EMOJI.fullmatch(value):
        raise refused(f"{kind_of(value)} is not exactly one standard emoji")
    return value


Emoji = Annotated[str, PlainValidator(_emoji)]


def same_emoji(one: str, other: str) -> bool:
    """Whether Discord treats both as one emoji: the variation selector U+FE0F is optional."""
    return one.replace(_VARIATION_SELECTOR, "") == other.replace(_VARIATION_SELECTOR, "")


def database_url(url: str, folder: Path, *, may_hold_password: bool) -> str:
    """Check a database address and make the path of a SQLite file absolute, from `folder`.

    Raises:
        ConfigurationError: the address cannot be used; the message is `wrong; right` and
            never repeats the address, which may hold a password.
    """
    if not url or not url.isprintable() or " " in url:
        raise _bad_address("the address is empty or has blanks in it")
    if url.startswith("sqlite:///"):
        return _sqlite(url.removeprefix("sqlite:///"), folder)
    if url.startswith("postgresql://"):
        return _postgresql(url, may_hold_password=may_hold_password)
    if re.match(r"postgres(ql\+\w+)?://", url):
        raise _bad_address("the address begins with another word than postgresql://")
    raise _bad_address("this is not the address of a database Pledge can use")


def _bad_address(
    wrong: str, right: str = "write sqlite:///path/to/file.db or postgresql://user@host/name"
) -> ConfigurationError:
    return ConfigurationError(f"{wrong}; {right}")


def _sqlite(name: str, folder: Path) -> str:
    if not name or name.endswith("/"):
        raise _bad_address("the address names no file")
    if name.startswith((":memory:", "file:", "~")) or "?" in name:
        right = "write a path, such as sqlite:///data/pledge.db or sqlite:////srv/pledge.db"
        raise _bad_address("the address is not the plain path of a file", right)
    return f"sqlite:///{os.path.abspath(folder / name)}"  # noqa: PTH100  no symbolic link is followed


def _postgresql(url: str, *, may_hold_password: bool) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        right = "write characters such as / : @ # in a name or password as %2F %3A %40 %23"
        raise _bad_address("the address cannot be taken apart", right) from None
    # A password with an unescaped / or # ends up behind the host: look there as well.
    behind = f"{parts.path}?{parts.query}#{parts.fragment}"
    if "@" in behind or (parts.fragment and not may_hold_password):
        right = "write characters such as / : @ # in a name or password as %2F %3A %40 %23"
        raise _bad_address("the address cannot be taken apart", right)
    secret = parts.password is not None or "password" in parts.query.lower()
    if secret and not may_hold_password:
        right = "take it out, and give the whole address in PLEDGE_DATABASE or use ~/.pgpass"
        raise _bad_address("a password stands in the address", right)
    if not parts.path.strip("/"):
        raise _bad_address("the address names no database")
    return url
