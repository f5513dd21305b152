"""Killed at random while people come and go, the bot loses nothing and lets nobody in unsigned."""

from pathlib import Path

from tests.crash.kill_loop import run_kill_loop, run_kill_loops
from tests.crash.world import World
from tests.factories import GUILD

SEEDS = (20260301, 20260302)
KILLS = 100
"""For each seed."""


async def test_two_hundred_kills_lose_nothing_and_let_nobody_in_unsigned(tmp_path: Path) -> None:
    for figures in await run_kill_loops(tmp_path, SEEDS, KILLS):
        assert figures.kills == KILLS
        assert figures.lost == [], figures.seed
        assert figures.unsigned == [], figures.seed
        assert figures.duplicates == [], figures.seed
        assert figures.other == [], figures.seed
        # Otherwise nothing much was at stake.
        assert figures.signatures > KILLS / 4
        assert figures.withdrawals > KILLS / 4


async def test_the_loop_sees_an_unsigned_person_a_copy_and_a_loss(tmp_path: Path) -> None:
    def spoil(world: World) -> None:
        world.join("stranger")
        backend = world.backend
        backend.add_member_role(GUILD, world.people["stranger"], world.roles["member"])
        name = next(name for name in world.people if world.messages(name))
        said = world.messages(name)[-1]
        for _ in range(9):  # more often than anybody was asked in three lives of the bot
            backend.create_message(said.channel_id, backend.bot_user.id, said.content)
        backend.create_message(said.channel_id, backend.bot_user.id, "Receipt `0000-0000-0000`")

    figures = await run_kill_loop(tmp_path / "spoilt", SEEDS[0], 3, spoil=spoil)
    assert any("unsigned" in line for line in figures.unsigned)
    assert any("was told" in line for line in figures.duplicates)
    assert any("0000-0000-0000" in line for line in figures.lost)
