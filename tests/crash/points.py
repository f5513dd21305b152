"""The places at which the bot can be killed or cut off, and their names.

A point is named by what happens there and by how many times that has happened since counting
began, so its name means the same in every run, however things that run side by side fall.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """When, in relation to the commit or the request; at the last three the bot lives on."""

    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit"
    NOT_SENT = "request not sent"
    ANSWER_LOST = "request sent, answer lost"
    ANSWERED = "request answered"
    REFUSED = "request answered by 503"
    CUT_BEFORE = "connection lost before the request arrived"
    CUT_AFTER = "connection lost before the answer"


COMMIT_PHASES = (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT)
REQUEST_PHASES = (Phase.NOT_SENT, Phase.ANSWER_LOST, Phase.ANSWERED)
FAULT_PHASES = (Phase.REFUSED, Phase.CUT_BEFORE, Phase.CUT_AFTER)


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """The `number`th time (from 1) that `what` happens; a commit or a request."""

    what: str
    number: int

    @property
    def is_request(self) -> bool:
        return " /" in self.what

    def points(self) -> list["Point"]:
        phases = REQUEST_PHASES if self.is_request else COMMIT_PHASES
        return [Point(self, phase) for phase in phases]

    def faults(self) -> list["Point"]:
        """The ways in which the answer to a request can fail to come while the bot lives on."""
        return [Point(self, phase) for phase in FAULT_PHASES] if self.is_request else []

    def __str__(self) -> str:
        return f"{self.what} #{self.number}"


@dataclass(frozen=True, slots=True)
class Point:
    """A place to be killed at, or to be left without an answer."""

    event: Event
    phase: Phase

    @property
    def is_deadly(self) -> bool:
        return self.phase not in FAULT_PHASES

    def __str__(self) -> str:
        return f"{self.event}, {self.phase}"


class Counts:
    """Gives events their numbers."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def next(self, what: str) -> Event:
        self._seen[what] += 1
        return Event(what, self._seen[what])

    def events(self) -> list[Event]:
        return [Event(what, n) for what, times in self._seen.items() for n in range(1, times + 1)]


def request_name(method: str, path: str) -> str:
    """A request without ids, tokens and query, such as `PUT /guilds/…/members/…/roles/…`."""
    path = path.partition("?")[0]
    path = re.sub(r"(?<=/)(\d+|simcord_interaction_\d+)(?=/|$)", "…", path)
    return f"{method} {path}"
