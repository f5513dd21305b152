"""What must not depend on where the bot was killed: what people see, and what is recorded."""

import re
from dataclasses import dataclass, fields
from typing import Any

from bot.domain.ledger import Head
from tests.crash.town import Town
from tests.factories import GUILD


@dataclass(frozen=True, slots=True)
class PersonView:
    """What one person sees, and what the record says of them.

    `letters` are the messages about cases, `messages` all others. Each is compared in its order;
    between them none is promised, since they fall due by clocks of their own.
    """

    is_there: bool
    has_role: bool
    messages: tuple[str, ...]
    letters: tuple[str, ...]
    reactions: tuple[str, ...]
    requests: tuple[Any, ...]
    signatures: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The server and the record.

    `notices` are what the moderators' channel was told, but for the ledger's heads: a start posts
    one when its day has come, so a bot that was killed may have posted more of them.
    """

    people: dict[str, PersonView]
    panels: int
    notices: tuple[str, ...]
    heads: int
    versions: tuple[Any, ...]
    cases: dict[str, list[Any]]
    forgotten: tuple[Any, ...]


PROGRESS = re.compile(r"\*\*I (am asking|have asked)[^\n]*Asked ")
"""How far an invitation has come: written in the rounds of a timer, which no run here waits for.
That it is posted once, whatever gets lost, is shown in `tests/cogs/test_facilitators.py`."""

CASE_HEAD = re.compile(r"\*\*[^\n*]+ · case #\d+\*\*")


def view_of(town: Town) -> View:
    bot_id = town.backend.bot_user.id
    welcome = town.backend.messages[town.channels["welcome"]].values()
    panels = [one for one in welcome if one.author_id == bot_id and not one.is_ephemeral]
    staff = town.backend.messages[town.channels["moderators"]].values()
    notices = [one for one in staff if one.author_id == bot_id and not one.is_ephemeral]
    return View(
        people={name: _person(town, name) for name in town.people},
        panels=len(panels),
        notices=tuple(
            sorted(
                plain(one.content)
                for one in notices
                if Head.find(one.content) is None and not PROGRESS.match(one.content)
            )
        ),
        heads=town.heads().total(),
        versions=tuple(town.record.versions()),
        cases=town.record.cases(),
        forgotten=town.record.forgotten(),
    )


def _person(town: Town, name: str) -> PersonView:
    who = town.people[name]
    said = town.messages(name)
    texts = [plain(message.content) for message in said]
    return PersonView(
        is_there=who in town.backend.get_guild(GUILD).members,
        has_role=who in town.inside(),
        messages=tuple(text for text in texts if not CASE_HEAD.match(text)),
        letters=tuple(text for text in texts if CASE_HEAD.match(text)),
        reactions=tuple(
            f"{reaction.emoji} {len(reaction.user_ids)}"
            for message in said
            for reaction in message.reactions
        ),
        requests=tuple(town.record.requests(who)),
        signatures=tuple(town.record.signatures(who)),
    )


def plain(content: str) -> str:
    """A message without what differs from run to run: times, ids, receipts, found answers."""
    content = re.sub(r"<t:\d+(:\w)?>", "<time>", content)
    content = re.sub(r"`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`", "`receipt`", content)
    content = re.sub(r"(channels/@me)/\d+/\d+", r"\1/<message>", content)
    return re.sub(r"\nI was offline when you answered[^\n]*", "", content)


def differences(expected: View, found: View) -> list[str]:
    """What is not as it is when nobody interferes, one line each."""
    lines: list[str] = []
    for one in fields(View):
        wanted, got = getattr(expected, one.name), getattr(found, one.name)
        is_fine = got >= wanted if one.name == "heads" else got == wanted
        if one.name != "people" and not is_fine:
            lines.append(f"{one.name}: {wanted} has become {got}")
    for name, wanted in expected.people.items():
        got = found.people.get(name)
        for one in fields(PersonView):
            left, right = getattr(wanted, one.name), getattr(got, one.name, None)
            if left != right:
                lines.append(f"{name}, {one.name}: {_shown(left)} has become {_shown(right)}")
    return lines


def _shown(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(part[:45] if isinstance(part, str) else part for part in value)
    return value
