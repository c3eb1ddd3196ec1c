# SPDX-License-Identifier: Apache-2.0
"""`reven import`: make a trace of another tool's file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from reven.cli.shared.console import err, escape, plural
from reven.cli.shared.progress import progress_bar
from reven.importers import get_importer, importer_for, importer_names

PANEL = "Keep"


def import_(
    file: Annotated[Path, typer.Argument(help="The other tool's file.", metavar="FILE")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Trace directory to make. Default: FILE.reven here.",
            metavar="TRACE",
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help=f"The file's format: {', '.join(importer_names())}. "
            "Default: told by what is in it.",
            metavar="FORMAT",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace TRACE if it exists.")] = False,
) -> None:
    """Make a trace of a file that another tool wrote.

    What such a file does not hold, the trace does not hold either; `reven info` says what.
    """
    trace = output or Path(f"{file.name}.reven")
    importer = get_importer(format_ or importer_for(file))
    with progress_bar("Importing") as report:
        done = importer.read(file, trace, force=force, progress=report)
    console = err()
    console.print(
        f"[label]reven:[/] {plural(done.transitions, 'transition')} of a "
        f"{importer.title} in {escape(str(trace))}"
    )
    console.print(f"       [label]without[/]  {', '.join(done.missing)}")
    console.print(
        f"       [label]next[/]     [command]reven show {escape(shlex.quote(str(trace)))}[/]"
    )
