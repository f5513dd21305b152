"""The settings as a whole: the configuration file, its agreements and the database address."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from bot.domain.agreements import Agreement
from bot.domain.errors import ConfigurationError, UnknownGroupError
from bot.domain.translations import Translation
from bot.settings.documents import Document, read_document
from bot.settings.environment import database_override
from bot.settings.models import parse
from bot.settings.problems import Location, refusal
from bot.settings.sections import (
    DEFAULT_DATABASE,
    Cases,
    Channels,
    File,
    GroupSection,
    Retention,
    Roles,
    Signing,
    Upkeep,
)
from bot.settings.translations import AgreementTexts, load_texts
from bot.settings.values import database_url

_GROUP_KEY = re.compile("[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One peer support group.

    `agreement_path` is where the text of `agreement` was read, with its translations beside it;
    None when it came from no file.
    """

    key: str
    name: str
    guild_id: int
    agreement: Agreement
    agreement_path: Path | None
    roles: Roles
    channels: Channels
    signing: Signing
    enforcement: Literal["revoke", "report"]
    cases: Cases
    retention: Retention
    upkeep: Upkeep = field(default_factory=Upkeep)
    translations: tuple[Translation, ...] = ()
    language: str | None = None
    """The locale of what the group is told; None for that of its server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the operator decided; the secrets are asked for apart.

    `database_url` may hold a password when it came from the environment: it is kept out of repr.
    """

    database_url: str = field(repr=False)
    groups: tuple[Group, ...]

    def group(self, key: str) -> Group:
        """The group of this key.

        Raises:
            UnknownGroupError: no group has it.
        """
        for group in self.groups:
            if group.key == key:
                return group
        raise UnknownGroupError

    @classmethod
    def load(cls, path: Path, environ: Mapping[str, str]) -> Self:
        """Read the configuration and the agreements it names; needs neither token nor key.

        Raises:
            ConfigurationError: one line for each problem of the file, then of the agreements.
        """
        hint = "run `pledge init` to write one, or set PLEDGE_CONFIG to the path of yours"
        reading = _Reading(read_document(path, if_missing=hint))
        address = reading.database()
        groups = reading.groups()
        reading.check()
        return cls(database_url=database_override(environ) or address, groups=groups)


class _Reading:
    """One pass over a configuration file that collects problems instead of stopping at one."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._file, self._problems = parse(File, document)
        self._texts: dict[Path, AgreementTexts | None] = {}
        self._refusals: list[str] = []

    def check(self) -> None:
        """Raise everything that was found, if anything was."""
        if self._problems:
            own = str(refusal(self._document.path, self._problems))
            raise ConfigurationError("\n".join([own, *self._refusals]))
        if self._refusals:
            raise ConfigurationError("\n".join(self._refusals))

    def database(self) -> str:
        address = self._document.data.get("database", DEFAULT_DATABASE)
        if isinstance(address, str):
            folder = self._document.path.parent
            try:
                return database_url(address, folder, may_hold_password=False)
            except ConfigurationError as error:
                wrong, _, right = str(error).partition("; ")
                self._add(("database",), wrong, right)
        return ""

    def groups(self) -> tuple[Group, ...]:
        sections: object = self._document.data.get("groups")
        groups: list[Group] = []
        if isinstance(sections, dict):
            for key in self._document.data["groups"]:
                if group := self._group(key):
                    self._check_unlike(group, groups)
                    groups.append(group)
        return tuple(groups)

    def _group(self, key: str) -> Group | None:
        at = ("groups", key)
        if not _GROUP_KEY.fullmatch(key):
            right = "use 1 to 32 lower-case letters, digits and hyphens, such as harbour-light"
            self._add(at, "this cannot be the key of a group", right)
        section, problems = parse(GroupSection, self._document, at)
        self._problems += problems
        path, texts = self._agreement(at)
        if section is None or texts is None:
            return None
        return Group(
            key=key,
            guild_id=section.guild,
            agreement=texts.agreement,
            agreement_path=path,
            translations=texts.translations,
            **{
                name: getattr(section, name)
                for name in GroupSection.model_fields
                if name not in ("guild", "agreement")
            },
        )

    def _agreement(self, at: Location) -> tuple[Path, AgreementTexts | None]:
        """Load the agreement even where the rest of the group is wrong, to name all at once."""
        section: Any = self._document.data["groups"][at[1]]
        written: object = section.get("agreement") if isinstance(section, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if not isinstance(written, str) or not written.strip():
            return self._document.path, None
        path = self._document.path.parent / written
        if not os.path.exists(path):  # noqa: PTH110  pathlib raises for a path that is too long
            right = "give a path that exists, absolute or from this file's folder"
            self._add((*at, "agreement"), "there is no file at this path", right)
            return path, None
        if path not in self._texts:
            self._texts[path] = None
            try:
                self._texts[path] = load_texts(path)
            except ConfigurationError as error:
                self._refusals.append(str(error))
        return path, self._texts[path]

    def _check_unlike(self, group: Group, earlier: list[Group]) -> None:
        at = ("groups", group.key)
        for other in earlier:
            if other.guild_id != group.guild_id:
                continue
            if other.roles.member == group.roles.member:
                wrong = f"the group {other.key} has this member role in the same server"
                self._add((*at, "roles", "member"), wrong, "give each group a role of its own")
            self._check_offices(group, other, at)
            if other.channels.support == group.channels.support:
                wrong = f"the group {other.key} has this support channel in the same server"
                right = "give each group a channel of its own"
                self._add((*at, "channels", "support"), wrong, right)

    def _check_offices(self, group: Group, other: Group, at: Location) -> None:
        """Signing in one group must never make somebody moderator or facilitator in another."""
        for one, another in ((group, other), (other, group)):
            for office in ("moderator", "facilitator"):
                if getattr(one.roles, office) == another.roles.member:
                    wrong = (
                        f"the role of a {office} in {one.key} is the member role of {another.key}"
                    )
                    self._add((*at, "roles"), wrong, "use different roles for these")

    def _add(self, at: Location, wrong: str, right: str) -> None:
        self._problems.append(self._document.problem(at, wrong, right))
