"""Buttons with ids that Pledge never made: nobody signs what nobody was shown."""

from dataclasses import replace

import pytest

from bot.domain.errors import OutdatedRequestError
from bot.services import agreements, records, signing
from bot.storage import versions
from bot.storage.database import Database
from tests.factories import NEWCOMER, NOW, make_agreement, publish, register
from tests.services.waiting import GROUP


async def signatures_of(database: Database) -> int:
    return len((await records.check_member(database, GROUP, NEWCOMER, NOW)).signatures)


async def test_draft_is_neither_signed_nor_declined(database: Database) -> None:
    """Its words can change before anybody publishes it, and it is in nobody's name yet."""
    await publish(database)
    await register(database, agreement=replace(make_agreement(), purpose="Not published yet."))
    async with database.read() as tx:
        draft = await versions.find_draft(tx, GROUP)
    assert draft is not None
    for answer in (signing.accept_by_button, signing.decline_by_button):
        with pytest.raises(OutdatedRequestError):
            await answer(database, GROUP, NEWCOMER, draft.id, NOW)
    assert await signatures_of(database) == 0


async def test_text_in_a_language_that_does_not_exist_is_not_signed(database: Database) -> None:
    await publish(database)
    version = await agreements.read_in_force(database, GROUP)
    with pytest.raises(OutdatedRequestError):
        await signing.accept_by_button(database, GROUP, NEWCOMER, version.id, NOW, language="xx")
    assert await signatures_of(database) == 0


async def test_version_of_another_group_or_of_none_is_not_signed(database: Database) -> None:
    await publish(database)
    other = await publish(database, "other")
    for version_id in (other.id, other.id + 1_000):
        with pytest.raises(OutdatedRequestError):
            await signing.accept_by_button(database, GROUP, NEWCOMER, version_id, NOW)
    assert await signatures_of(database) == 0
