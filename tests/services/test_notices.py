"""What people are told is told once, whatever happened while it was on its way."""

from bot.domain.effects import EffectKind, Notice
from bot.services import notices, outbox
from bot.storage.database import Database
from tests.factories import publish
from tests.services.test_signing import ACCEPT, LATER, ask, due, react


async def test_confirmation_in_hand_gives_way_to_the_one_of_a_newer_signature(
    database: Database,
) -> None:
    await publish(database)
    await ask(database)
    await react(database, ACCEPT)
    (grant,) = await due(database)
    confirmation = await outbox.finish(database, grant, "done", LATER)
    assert confirmation is not None and confirmation.detail == Notice.SIGNED

    await react(database, ACCEPT, removed=True)
    await react(database, ACCEPT)

    assert await notices.prepare_notice(database, confirmation, LATER) is None
    told, waiting = list[str | None](), await outbox.finish(database, confirmation, "done", LATER)
    effects = [*await due(database), *([waiting] if waiting else [])]
    while effects:
        effect = effects.pop(0)
        is_notice = effect.kind is EffectKind.NOTICE
        if is_notice and await notices.prepare_notice(database, effect, LATER) is not None:
            told.append(effect.detail)
        following = await outbox.finish(database, effect, "done", LATER)
        effects += [following] if following else await due(database)
    assert told == [Notice.SIGNED]
