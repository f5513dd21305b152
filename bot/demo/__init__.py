"""`pledge demo`: the real bot plays one whole story on a simulated Discord."""

import asyncio
import signal
import sys

import simcord
from rich.console import Console

from bot.demo.browser import Browser
from bot.demo.narration import Narrator, StoryError
from bot.demo.stage import Stage
from bot.demo.story import tell_story
from bot.demo.world import open_world

OPENING = """\
This is Pledge on a simulated Discord, with a simulated clock. The bot is the real one, and so is \
its encrypted database; the people are invented. Nothing leaves this computer."""


async def play(console: Console, *, port: int = 0) -> None:
    """Tell the story; then, in a terminal, let a person play on in the browser.

    Args:
        console: where the story is printed.
        port: of the browser view; 0 picks a free one.

    Raises:
        StoryError: something did not happen as the story says.
        DomainError: the browser view could not be opened.
    """
    stopped = _stop_on_signals()
    try:
        await _play(console, port)
    except (asyncio.CancelledError, OSError):
        # A terminal that was closed takes no more output, which is no reason to complain.
        if not stopped.is_set():
            raise


async def _play(console: Console, port: int) -> None:
    tell = Narrator(console)
    tell.note(OPENING)
    async with open_world() as world:
        stage = Stage(world, tell)
        try:
            await tell_story(stage)
        except (simcord.SetupError, simcord.BackendError, TimeoutError) as error:
            reason = str(error).partition("\n")[0]
            raise StoryError(f"The story stopped in “{tell.scene}”: {reason}") from error
        tell.note(
            f"\nShown, and checked {tell.checks} times: publishing, signing by reaction and by"
            " button, declining, withdrawing, returning, looking up, a case from the report to its"
            " end, and what people see and erase of their own record."
        )
        if sys.stdin.isatty() and sys.stdout.isatty():
            await Browser(stage, port).serve()


def _stop_on_signals() -> asyncio.Event:
    """End in good order, so that nothing stays on the disk, when told to or left alone."""
    loop, task, stopped = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()

    def stop() -> None:
        stopped.set()
        if task is not None:
            task.cancel()

    if sys.platform != "win32":  # there the loop takes no handlers
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop)
    return stopped
