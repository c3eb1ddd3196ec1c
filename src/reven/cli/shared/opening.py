# SPDX-License-Identifier: Apache-2.0
"""Open a trace for a command that needs its index, showing progress while that is built."""

from __future__ import annotations

from pathlib import Path

import reven2
from reven._engine import Trace
from reven.cli.shared.progress import progress_bar


def open_indexed(path: Path) -> reven2.OpenTrace:
    """The trace with its index complete. Raises TraceError of the engine or of reven2."""
    engine = Trace(str(path))
    if not engine.indexed:
        with progress_bar("Indexing") as report:
            engine.build_index(report)
    return reven2.open(path)


def index_calls(path: Path, threads: int = 2) -> None:
    """Make the trace's index of calls complete."""
    # What needs no calls starts without it.
    from reven.service.local import LocalService

    service = LocalService(path)
    try:
        with progress_bar("Indexing calls") as report:
            service.build_calls(report, threads)
    finally:
        service.close()
