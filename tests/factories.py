"""Makes the small worlds that tests start from; every name here is plainly invented."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from bot.domain.agreements import Agreement, Change, Consequence, Duration, Scope, Statements
from bot.domain.effects import EffectState, Report
from bot.domain.holders import Enforcement, Rules
from bot.keys import Keyring
from bot.services import agreements
from bot.services.agreements import GroupText
from bot.storage.database import Database
from bot.storage.tables import effects

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GRACE = timedelta(days=14)
RULES = Rules(enforcement=Enforcement.REVOKE, grace=GRACE, reminds=False)
KEY = base64.urlsafe_b64encode(b"a key for tests, 32 bytes long!!").decode()
KEYS = Keyring(KEY)
FACILITATOR = 900_000_000_000_000_001
NEWCOMER = 900_000_000_000_000_002
GUILD = 700_000_000_000_000_001


def make_agreement(**changes: object) -> Agreement:
    """A complete, short agreement; `changes` replace parts of it."""
    agreement = Agreement(
        title="What is said here stays here",
        purpose="We listen to each other.",
        scope=Scope(covered="Stories.", not_covered="Your own story.", exceptions="Danger."),
        consequences=(
            Consequence(key="reminder", text="A reminder."),
            Consequence(key="removed", text="Leaving the group."),
        ),
        duration=Duration(text="Until you take it back.", days=None),
        signatures=Statements(participant="I promise.", facilitator="I promise too."),
    )
    return replace(agreement, **changes)  # type: ignore[arg-type]


async def register(
    database: Database, key: str = "harbour-light", agreement: Agreement | None = None
) -> None:
    """Configure a group whose agreement is not published yet."""
    text = GroupText(key=key, guild_id=GUILD, agreement=agreement or make_agreement())
    await agreements.register_groups(database, [text], NOW)
    async with database.write() as tx:
        # The moderators' channel has been told: what waits from now on is what a test makes.
        await tx.execute(
            update(effects)
            .where(effects.c.detail.contains(Report.DRAFT_WAITING))
            .values(state=EffectState.DONE, outcome="told", finished_at=NOW)
        )


async def publish(
    database: Database,
    key: str = "harbour-light",
    *,
    agreement: Agreement | None = None,
    change: Change | None = None,
    now: datetime = NOW,
) -> agreements.AgreementVersion:
    """Configure a group and publish its agreement."""
    await register(database, key, agreement)
    preview = await agreements.preview_publish(database, key, now)
    return await agreements.publish(
        database,
        key,
        fingerprint=preview.fingerprint,
        change=change,
        facilitator_id=FACILITATOR,
        grace=GRACE,
        now=now,
    )
