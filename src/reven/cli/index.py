# SPDX-License-Identifier: Apache-2.0
"""`reven index`: compute the index now instead of at the first query that needs it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from reven._engine import Calls, Trace, drop_damaged_indexes
from reven.cli.shared.console import duration_text, err, plural, rate_text
from reven.cli.shared.opening import index_calls
from reven.cli.shared.progress import progress_bar

PANEL = "Keep"


def index(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    threads: Annotated[int, typer.Option(help="Threads to use.", min=1)] = 2,
) -> None:
    """Build what is missing of the trace's indexes: that of memory and code, that of calls.

    Searches build them by themselves when they need them; this does it beforehand.
    Interrupted, it goes on the next time where it stopped. What is there already is verified;
    what is damaged, or of another trace, is made anew.
    """
    damaged = drop_damaged_indexes(trace)
    for name in damaged:
        err().print(f"{name} was damaged, cut off or of another trace: it is made anew.")
    opened = Trace(str(trace))
    if opened.indexed and Calls(opened).complete:
        err().print("The index is complete.")
        return
    started = time.monotonic()
    with progress_bar("Indexing") as report:
        opened.build_index(report, threads)
    index_calls(trace, threads)
    seconds = time.monotonic() - started
    count = opened.transition_count
    err().print(
        f"Indexed {plural(count, 'transition')} in {duration_text(seconds)} "
        f"({rate_text(count / max(seconds, 1e-9))})."
    )
