# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks`: measure everything, show it, and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from rich.console import Console

from benchmarks import machine
from benchmarks.measure import ROOT
from benchmarks.programs import Sizes
from benchmarks.suite import Settings, measure
from benchmarks.table import Table

QUICK = Settings(
    sizes=Sizes(
        gzip_bytes=200_000,
        sqlite_rows=5_000,
        python_iterations=100_000,
        c_functions=4,
        thread_chunks=1_000,
    ),
    smaller_traces=(1_000, 20_000),
    runs=1,
    peer_runs=1,
    peer_seconds=1.0,
    samples=40,
    loop=20_000,
    listeners=(1, 100),
)

INTRODUCTION = """\
# Benchmarks

`make bench` measures all this anew, in some ten minutes, and writes this page; nothing else
should run meanwhile. The budgets are those of the design: `met` or `missed` by the figure in the
same row. That of Axion is measured by
`python -m benchmarks.axion TRACE`, that of views beside 20 clients that scan by
`python -m benchmarks.fairness`.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small inputs, one run: to see that it works"
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="where to write the page (default: docs/benchmarks.md, with --quick nowhere)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep programs, inputs and traces here (default: a temporary one)",
    )
    options = parser.parse_args(arguments)
    console, progress = Console(), Console(stderr=True)
    began = time.monotonic()

    def note(text: str) -> None:
        progress.print(f"{time.monotonic() - began:4.0f} s  {text}", style="dim", highlight=False)

    settings = QUICK if options.quick else Settings()
    with tempfile.TemporaryDirectory(prefix="reven-benchmarks-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        tables = []
        for table in chain([_machine_table()], measure(folder.resolve(), settings, note)):
            table.show(console)
            tables.append(table)
    note("done")
    output = options.output or (None if options.quick else ROOT / "docs" / "benchmarks.md")
    if output is not None:
        command = "python -m benchmarks --quick" if options.quick else "make bench"
        output.write_text(page(tables, command))


def page(tables: Sequence[Table], command: str) -> str:
    """The page of these tables."""
    when = f"Measured on {datetime.now(UTC):%Y-%m-%d} by `{command}`.\n"
    return "\n".join([INTRODUCTION, when, *(table.markdown() for table in tables)])


def _machine_table() -> Table:
    return Table("The machine", ("what", "value"), list(machine.describe()))


if __name__ == "__main__":
    main()
