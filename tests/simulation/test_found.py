"""What the made-up worlds and the wrong answers have found, one plain test each."""

from sqlalchemy import update

from bot.storage.tables import groups
from tests.factories import GUILD
from tests.simulation.conftest import Line
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
