"""What the simulated Discord lacks and a check asks for; a test sets the answers."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from simcord.backend import serializers
from simcord.backend.errors import missing_permissions
from simcord.http import RequestContext, router

MEMBERS_INTENT = 1 << 14
"""The flag of an application that is allowed to ask for the Server Members Intent."""


@dataclass
class Extras:
    """`invited` are the ids of the roles that every invite carries; None hides the onboarding."""

    invited: list[int] = field(default_factory=list)
    onboarding: dict[str, Any] | None = field(
        default_factory=lambda: {"enabled": False, "mode": 0, "prompts": []}
    )
    flags: int = MEMBERS_INTENT
    mfa_level: int = 0
    role_tags: dict[int, dict[str, Any]] = field(default_factory=dict)

    def ask(self, *role_ids: int, enabled: bool = True) -> None:
        """Onboarding with one question, whose one answer gives these roles."""
        option = {"id": "2", "title": "Yes", "role_ids": [str(role_id) for role_id in role_ids]}
        prompts = [{"id": "1", "title": "Is this for you?", "options": [option]}]
        self.onboarding = {"enabled": enabled, "mode": 0, "prompts": prompts}


def add_extra_routes(monkeypatch: pytest.MonkeyPatch) -> Extras:
    """Teach the simulator these routes until the end of the test."""
    extras = Extras()
    known = list(router._ROUTES["GET"])

    def original(ctx: RequestContext, *path: str) -> Any:
        return next(handler for template, handler in known if template == list(path))(ctx)

    def application(ctx: RequestContext) -> Any:
        return {**original(ctx, "oauth2", "applications", "@me"), "flags": extras.flags}

    def onboarding(_ctx: RequestContext) -> Any:
        if extras.onboarding is None:
            raise missing_permissions()
        return extras.onboarding

    def invites(ctx: RequestContext) -> Any:
        found = original(ctx, "guilds", "{guild_id}", "invites")
        return [{**one, "roles": [{"id": str(id_)} for id_ in extras.invited]} for one in found]

    def guild(ctx: RequestContext) -> Any:
        stored = ctx.backend.get_guild(ctx.int_arg("guild_id"))
        payload: dict[str, Any] = dict(serializers.guild_create_payload(ctx.backend, stored))
        tagged = [
            {**role, "tags": extras.role_tags.get(int(role["id"]), {})} for role in payload["roles"]
        ]
        return {**payload, "mfa_level": extras.mfa_level, "roles": tagged}

    added = [
        (["oauth2", "applications", "@me"], application),
        (["guilds", "{guild_id}", "onboarding"], onboarding),
        (["guilds", "{guild_id}", "invites"], invites),
        (["guilds", "{guild_id}"], guild),
    ]
    monkeypatch.setitem(router._ROUTES, "GET", [*added, *known])
    return extras
