# SPDX-License-Identifier: Apache-2.0
"""`reven export`: write a trace as another tool's file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from reven.cli.shared.console import err, escape, plural, size_text
from reven.cli.shared.progress import progress_bar
from reven.formats import CannotExport, exporter_for, exporter_names, get_exporter
from reven.trace.manifest import read_manifest

PANEL = "Keep"


def export(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write.", metavar="FILE")
    ],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help=f"Its format: {', '.join(exporter_names())}. Default: told by FILE's name.",
            metavar="FORMAT",
        ),
    ] = None,
    start: Annotated[
        int, typer.Option("--from", help="First transition to write.", metavar="N", min=0)
    ] = 0,
    stop: Annotated[
        int | None,
        typer.Option("--until", help="Transition to end before. Default: all.", metavar="N"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Write a trace as a file that another tool reads, and say what that cannot hold."""
    exporter = get_exporter(format_ or exporter_for(output))
    read_manifest(trace)
    if output.exists() and not force:
        raise CannotExport(f"{output} exists; choose another with -o, or replace it with --force.")
    try:
        # Under its name there is never half a file.
        with tempfile.NamedTemporaryFile(dir=output.absolute().parent, delete=False) as file:
            unfinished = Path(file.name)
            try:
                made = exporter.export(trace, start, stop, file)
                with progress_bar("Exporting") as report:
                    written = made.run(report)
                file.close()
                unfinished.chmod(0o666 & ~_umask())
                unfinished.replace(output)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CannotExport(f"{output} cannot be written: {error.strerror}.") from None
    console = err()
    console.print(
        f"[label]reven:[/] {plural(written, 'transition')} as a {exporter.title} in "
        f"{escape(str(output))}, {size_text(output.stat().st_size)}"
    )
    console.print(f"       [label]without[/]  {', '.join(made.lost)}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
