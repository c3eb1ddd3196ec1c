# SPDX-License-Identifier: Apache-2.0
"""`reven record`: run a program and record everything that it does.

Exit status: the program's own; 128+n if signal n ended it. If it could not be
recorded: 125 when something of ours is in the way, or where the record was to begin or to
end was never reached, 126 when PROGRAM cannot be
executed, 127 when it is not found (as `env` and `timeout` have it).
"""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path
from typing import Annotated

import typer

from reven.cli.shared.console import duration_text, plural, print_error, rate_text, size_text
from reven.cli.shared.record_summary import print_faults, print_summary
from reven.cli.shared.status_line import StatusLine
from reven.record import (
    CannotRecord,
    ProgramNotExecutable,
    ProgramNotFound,
    Progress,
    RecordOptions,
)
from reven.record import record as run

PANEL = "Record"
SETTINGS = {
    "options_metavar": "[OPTIONS] --",
    "context_settings": {"allow_interspersed_args": False},
}

EXIT_CANNOT_RECORD = 125
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127

DELAY_BEFORE_STATUS = 0.5
"""Seconds; what is over sooner needs no progress."""
STATUS_INTERVAL = 0.2
"""Seconds between two looks of the same status line."""


def record(
    command: Annotated[
        list[str],
        typer.Argument(help="The program to run, and its arguments.", metavar="PROGRAM [ARGS]"),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Trace directory to make. Default: PROGRAM.reven here, numbered if that exists.",
            metavar="TRACE",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace TRACE if it exists.")] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Record from here on: main, main+4, libc!printf, file.c:3, 0xADDRESS, "
            "syscall:NAME or mark:TEXT; @N for the N-th time. Before it the program runs without "
            "being recorded.",
            metavar="WHERE[@N]",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            help="Record up to here; then the program runs on. "
            "@N counts from where the record begins.",
            metavar="WHERE[@N]",
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after",
            help="Begin after so long, as 5s or 500ms, or so many instructions, as 1000000 or "
            "10M. With --from, counted from there.",
            metavar="TIME|N",
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--for",
            help="Record for so long, as 5s, or so many transitions, as 1000000; then the "
            "program runs on. Each process has this for itself.",
            metavar="TIME|N",
        ),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Begin when the program asks for it, with REVEN_START."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            help="Record the code of this binary or function alone: libz, main, libc!qsort. "
            "May be repeated.",
            metavar="CODE",
        ),
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(
            "--skip",
            help="Do not record the code of this binary or function. May be repeated.",
            metavar="CODE",
        ),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(
            help="Keep the end of the record: so much of it, as 500MB or 2G, and what came "
            "before is dropped while the program runs.",
            metavar="SIZE",
        ),
    ] = None,
    max_transitions: Annotated[
        int, typer.Option(help="The same as --for N.", metavar="N", min=0, hidden=True)
    ] = 0,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow/--no-follow",
            " /--no-children",
            help="Record child processes too, each in a trace of its own beside this one.",
        ),
    ] = True,
    children: Annotated[
        list[str] | None,
        typer.Option(
            "--children",
            help="Of child processes, record those that run a program of this name: gcc, "
            "'python*'. May be repeated.",
            metavar="NAME",
        ),
    ] = None,
    sources: Annotated[
        bool | None,
        typer.Option(
            "--with-sources/--without-sources",
            help="Copy all source files and separate debug files of the program into TRACE, or "
            "none. Default: what is small.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Neither progress nor summary, but what makes the record wrong."
        ),
    ] = False,
) -> None:
    """Run PROGRAM and record everything that it does.

    It keeps its standard streams, working directory, environment and exit status.
    Ctrl-C goes to it as usual; the trace is kept.
    """
    options = RecordOptions(
        start=start,
        until=until,
        after=after,
        duration=duration,
        wait=wait,
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        last=last,
        max_transitions=max_transitions,
        follow=follow,
        children=tuple(children or ()),
        force=force,
        with_sources=sources,
    )
    try:
        with StatusLine() as status:
            summary = run(
                command,
                output or _free_name(command[0]),
                options=options,
                on_progress=None if quiet else _Reporter(status),
            )
    except CannotRecord as error:
        print_error(error)
        raise typer.Exit(_exit_status(error)) from None
    if quiet:
        print_faults(summary)
    else:
        print_summary(summary)
    if summary.never_reached and summary.exit_status == 0:
        raise typer.Exit(EXIT_CANNOT_RECORD)
    raise typer.Exit(summary.exit_status)


def _exit_status(error: CannotRecord) -> int:
    if isinstance(error, ProgramNotFound):
        return EXIT_NOT_FOUND
    if isinstance(error, ProgramNotExecutable):
        return EXIT_NOT_EXECUTABLE
    return EXIT_CANNOT_RECORD


def _free_name(program: str) -> Path:
    """`PROGRAM.reven` in the current directory, or the first free `PROGRAM-N.reven`."""
    stem = Path(program).name
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(path for name in names if not (path := Path(f"{name}.reven")).exists())


class _Reporter:
    """Shows progress in the status line, some times a second."""

    def __init__(self, status: StatusLine) -> None:
        self._status = status
        self._next = DELAY_BEFORE_STATUS

    def __call__(self, progress: Progress) -> None:
        if progress.seconds < self._next:
            return
        self._next = progress.seconds + STATUS_INTERVAL
        parts = [
            "recording",
            plural(progress.transitions, "transition"),
            rate_text(progress.transitions / progress.seconds),
            size_text(progress.bytes_written),
            duration_text(progress.seconds),
        ]
        if progress.processes > 1:
            parts.append(f"{progress.processes} processes")
        self._status.show("  ·  ".join(parts))
