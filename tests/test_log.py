"""The log: Pledge's own words at the level asked for, and Discord's never below WARNING."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from bot import log

QUIET = ("discord", "aiohttp", "asyncio", "sqlalchemy", "aiosqlite", "alembic")
BELOW_DISCORD = ("discord.gateway", "discord.http", "discord.client", "discord.webhook.async_")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Whatever a test configures holds for that test only."""
    root = logging.getLogger()
    names = ("bot", "cogs", *QUIET)
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in names:
        logging.getLogger(name).setLevel(levels[name])


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.ERROR])
def test_discord_says_nothing_below_a_warning_whatever_the_level(
    level: int, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(level)
    for name in (*QUIET, *BELOW_DISCORD):
        logger = logging.getLogger(name)
        assert logger.getEffectiveLevel() >= logging.WARNING
        logger.debug("Dispatching %s", {"token": "aW50ZXJhY3Rpb24"})
        logger.info("session ID: 0123456789abcdef")
    assert capsys.readouterr() == ("", "")


def test_discord_is_heard_when_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    logging.getLogger("discord.gateway").warning("Websocket is lagging")
    assert "WARNING discord.gateway: Websocket is lagging" in capsys.readouterr().err


def test_own_log_goes_to_standard_error_at_the_level_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure()
    logging.getLogger("bot.effects.worker").info("Effect %d", 7)
    logging.getLogger("cogs.upkeep").debug("Looked at %d members", 7)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("INFO    bot.effects.worker: Effect 7\n")


def test_every_line_is_written_once_when_configured_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure()
    log.configure()
    logging.getLogger("bot").info("Started")
    assert capsys.readouterr().err.count("Started") == 1


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_traceback_shows_the_place_and_no_word_of_what_could_not_be_taken(
    level: int, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(level)
    try:
        try:
            int("what somebody wrote")
        except ValueError as error:
            raise KeyError("of 100000000000000001") from error
    except KeyError:
        logging.getLogger("discord.client").exception("Ignoring exception in on_message")
    written = capsys.readouterr().err
    assert written.index("builtins.ValueError") < written.index("builtins.KeyError")
    assert "test_log.py" in written
    assert "wrote" not in written.replace('int("what somebody wrote")', "")
    assert "100000000000000001" not in written


def test_traceback_says_what_the_system_said(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    several = ExceptionGroup(
        "several", [OSError(28, "No space left on device"), ValueError("wrote")]
    )
    logging.getLogger("bot").error("It failed", exc_info=several)
    written = capsys.readouterr().err
    assert "  | builtins.OSError: [Errno 28] No space left on device" in written
    assert "  | builtins.ValueError" in written
    assert "wrote" not in written


async def test_asyncio_says_that_something_failed_and_not_what_it_was_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure()

    async def fail() -> None:
        raise ValueError("wrote")

    task = asyncio.get_running_loop().create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_exception_handler(
        {
            "message": "Task exception was never retrieved",
            "future": task,
            "exception": task.exception(),
        }
    )
    asyncio.get_running_loop().call_soon(int, "wrote")
    await asyncio.sleep(0)
    written = capsys.readouterr().err
    assert "asyncio: Task exception was never retrieved\n" in written
    assert "asyncio: Exception in callback int\n" in written
    assert "ValueError('" not in written
    assert "'wrote'" not in written
