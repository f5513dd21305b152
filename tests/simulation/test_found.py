"""What the made-up worlds and the wrong answers have found, one plain test each."""

import dataclasses
from typing import Any

import pytest
from sqlalchemy import update

from bot.domain.agreements import Change
from bot.storage.tables import groups
from tests.cogs.conftest import ACCEPT, DECLINE
from tests.factories import GRACE, GUILD, make_agreement
from tests.simulation.conftest import Line
from tests.simulation.live import Live
from tests.simulation.wire import Answer


async def test_whoever_withdrew_before_the_first_sweep_is_not_taken_for_a_member_from_before(
    line: Line,
) -> None:
    async with line.database.write() as tx:
        await tx.execute(update(groups).values(adopted_at=None))
    member_id = line.arrive()
    await line.welcome(member_id)
    await line.run(60)
    await line.react(member_id)
    await line.run(60)
    line.wire.break_("DELETE", "/guilds/*/members/*/roles/*", Answer(status=503), times=2)

    await line.react(member_id, reacted=False)
    await line.run(8)
    assert line.has_role(member_id)
    await line.catch_up()
    await line.finish(3600)

    assert not line.has_role(member_id)


async def test_panel_is_posted_once_when_its_answer_is_lost_and_the_old_one_is_gone(
    line: Line,
) -> None:
    line.delete_messages("welcome")
    lost = Answer(error=ConnectionResetError, sent=True)
    line.wire.break_("POST", "/channels/*/messages", lost, times=8)

    await line.mend()
    await line.finish(3600)

    assert len(line.messages_in("welcome")) == 1


async def test_panel_is_not_posted_again_when_something_before_discord_says_not_found(
    line: Line,
) -> None:
    page = Answer(status=404, text="<html></html>")
    line.wire.break_("PATCH", "/channels/*/messages/*", page, times=2)

    await line.mend()
    await line.finish(3600)

    assert len(line.messages_in("welcome")) == 1


async def test_request_stands_when_discord_refuses_the_reactions(line: Line) -> None:
    refused = Answer(status=403, code=90001)
    line.wire.break_("PUT", "/channels/*/messages/*/reactions/*/@me", refused)
    member_id = line.arrive()
    await line.welcome(member_id)
    await line.run(60)

    await line.react(member_id)
    await line.finish(3600)

    assert line.has_role(member_id)
    tried = [one for one in line.wire.exchanges if "/reactions/" in one.path]
    assert len(tried) == 2


async def test_nobody_is_given_up_because_the_bots_own_account_must_be_verified(
    line: Line,
) -> None:
    line.wire.break_("POST", "/channels/*/messages", Answer(status=403, code=40002), times=3)
    member_id = line.arrive()

    await line.welcome(member_id)
    await line.finish(3600)

    assert len(line.messages_to(member_id)) == 2
    assert member_id in line.backend.get_guild(GUILD).members


async def ask_again(live: Live) -> tuple[int, Any, Any]:
    """Somebody has signed, and was asked to sign a newer text; the bot is away now."""
    member_id = live.backend.make_user("test-signer").id
    live.join(member_id)
    await live.advance(60)
    (older,) = live.requests_of(member_id)
    live.set_reaction(member_id, older, ACCEPT, reacted=True)
    await live.advance(60)
    newer_text = make_agreement(purpose="New words.")
    group = dataclasses.replace(live.group, agreement=newer_text)
    live.client.groups[group.key] = group
    await live.publish(group, Change.MATERIAL)
    await live.advance(60)
    older, newer = live.requests_of(member_id)
    await live.stop()
    live.backend.advance_clock(60)
    return member_id, older, newer


async def signed_versions(live: Live, member_id: int) -> list[int]:
    given = (await live.record_of(member_id)).signatures
    return [one.version_number for one in given if one.revoked_at is None]


async def test_whoever_took_back_and_left_unseen_is_not_let_in_after_another_screening(
    live: Live,
) -> None:
    member_id = live.backend.make_user("test-signer").id
    live.join(member_id)
    await live.advance(60)
    (message,) = live.requests_of(member_id)
    live.set_reaction(member_id, message, ACCEPT, reacted=True)
    await live.advance(60)
    assert live.has_role(member_id)
    await live.stop()
    live.set_reaction(member_id, message, ACCEPT, reacted=False)
    live.backend.remove_member(GUILD, member_id)
    await live.start()

    live.join(member_id, pending=True)
    await live.advance(3600)
    assert not live.has_role(member_id)
    live.pass_screening(member_id)
    await live.advance(3600)

    assert not live.has_role(member_id)
    assert await signed_versions(live, member_id) == []


async def test_newer_text_accepted_in_an_absence_is_signed_while_the_grace_runs(
    live: Live,
) -> None:
    member_id, _, newer = await ask_again(live)
    live.set_reaction(member_id, newer, ACCEPT, reacted=True)

    await live.start()
    await live.finish(3600)

    assert await signed_versions(live, member_id) == [2]
    assert live.has_role(member_id)
    live.backend.advance_clock(GRACE.total_seconds())
    await live.advance(3600)
    assert live.has_role(member_id)


@pytest.mark.parametrize("older_first", [True, False])
@pytest.mark.parametrize("before", [0, 1], ids=["alone", "with others"])
async def test_acceptance_moved_to_the_newer_text_in_an_absence_is_signed_in_any_order(
    live: Live, before: int, *, older_first: bool
) -> None:
    for number in range(before):
        live.join(live.backend.make_user(f"test-other-{number}").id)
    await live.advance(60)
    member_id, older, newer = await ask_again(live)
    moves = [(older, False), (newer, True)]
    for message, reacted in moves if older_first else reversed(moves):
        live.set_reaction(member_id, message, ACCEPT, reacted=reacted)

    await live.start()
    await live.finish(60)

    assert await signed_versions(live, member_id) == [2]
    assert live.has_role(member_id)


@pytest.mark.parametrize("seen", [True, False])
async def test_refusal_that_stays_under_the_newer_text_is_answered_once(
    live: Live, *, seen: bool
) -> None:
    member_id, _, newer = await ask_again(live)
    if seen:
        await live.start()
    live.set_reaction(member_id, newer, DECLINE, reacted=True)
    if not seen:
        await live.start()

    await live.advance(86_400)

    said = [text for text in live.messages_to(member_id) if "I have seen your" in text]
    assert len(said) == 1
    assert live.has_role(member_id)
