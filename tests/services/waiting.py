"""People who were asked at a time of one's choosing, and what is on its way to them."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.domain.effects import Effect, EffectKind
from bot.services import members, outbox, signing
from bot.services.members import Present
from bot.storage.database import Database
from tests.factories import NEWCOMER

GROUP = "harbour-light"
ACCEPT, DECLINE = "✅", "❌"
MESSAGE = 800_000_000_000_000_001

Perform = Callable[[Effect], Awaitable[bool]]


def message_of(member_id: int, group: str = GROUP) -> int:
    """The message under which this person answers."""
    return MESSAGE + member_id % 1_000_000 + sum(group.encode()) * 1_000_000


async def ask(
    database: Database, now: datetime, member_id: int = NEWCOMER, group: str = GROUP
) -> None:
    """The person joins and the agreement reaches them at `now`."""
    person = Present(member_id=member_id, has_role=False, joined_at=now)
    await members.welcome(database, group, [person], now, live=True)
    await deliver(database, now)


async def deliver(
    database: Database, now: datetime, perform: Perform | None = None
) -> list[Effect]:
    """Carry out all that is due, asking by message; returns what it was.

    Args:
        database: the open database.
        now: the current instant.
        perform: does it instead, when it returns True.
    """
    seen: list[Effect] = []
    keys = [GROUP, "other"]
    while due := await outbox.claim(database, now, limit=50, group_keys=keys, not_asking=[]):
        for effect in due:
            seen.append(effect)
            if perform is not None and await perform(effect):
                continue
            if effect.kind is EffectKind.ASK:
                await _send(database, effect, now)
            await outbox.drop(database, effect, "carried out", now)
    return seen


async def _send(database: Database, effect: Effect, now: datetime) -> None:
    asking = await outbox.prepare_asking(database, effect)
    if asking is None:
        return
    place = outbox.Place(
        channel_id=1,
        message_id=message_of(effect.member_id or 0, effect.group_key) + effect.id * 10**12,
        sent_at=now,
        accept_emoji=ACCEPT,
        decline_emoji=DECLINE,
    )
    await outbox.record_asked(database, effect, asking.version, place, now)


async def answer(
    database: Database,
    message_id: int | None,
    now: datetime,
    emoji: str = ACCEPT,
    *,
    removed: bool = False,
) -> None:
    """The person reacts under one of their messages, or takes a reaction away."""
    assert await signing.record_reaction(
        database, message_id or 0, NEWCOMER, emoji, now, removed=removed
    )


def details(seen: list[Effect]) -> list[str | None]:
    """What people are told."""
    return [effect.detail for effect in seen if effect.kind is EffectKind.NOTICE]
