# SPDX-License-Identifier: Apache-2.0
"""A progress bar for the engine's long calls, on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from reven.cli.shared.console import err


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], bool]]:
    """Show `what` with a bar for the length of the block.

    Gives the callback that engine calls take: (done, total) → go on.
    """
    console = err()
    if not console.is_terminal:
        yield lambda _done, _total: True
        return
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def report(done: int, total: int) -> bool:
            progress.update(task, completed=done, total=total)
            return True

        yield report
