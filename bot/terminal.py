"""Bars that move while something long goes on, for whoever sits at the terminal."""

import contextlib
from collections.abc import Callable, Generator

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from bot.effects.reconciler import Progress as Reading

Tell = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


@contextlib.contextmanager
def bar(console: Console, what: str) -> Generator[Tell]:
    """One bar, if somebody is there to see it."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextlib.contextmanager
def reading_bars(console: Console) -> Generator[Callable[[Reading], None]]:
    """A bar for each member list and each set of messages that is being read, while it is."""
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[tuple[str, str], TaskID] = {}
    is_seen = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not is_seen) as progress:

        def show(reading: Reading) -> None:
            key = (reading.group_key, reading.what)
            if key not in tasks:
                tasks[key] = progress.add_task(f"{reading.group_key}: {reading.what}", total=None)
            progress.update(tasks[key], completed=reading.done, total=reading.total)
            if reading.is_last:
                progress.remove_task(tasks.pop(key))

        yield show
