# SPDX-License-Identifier: Apache-2.0
"""The `reven` command: one module per sub-command.

Exit status: 0 success; 1 the answer is no (`check` found a mismatch, `doctor`
something missing); 2 wrong usage, or a trace that cannot be read; 130 after Ctrl-C.
`reven record` has the recorded program's own, see `reven.cli.record`.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import reven2
from reven import __version__
from reven._engine import TraceError
from reven.cli import (
    bookmarks,
    calls,
    check,
    doctor,
    find,
    heap,
    index,
    info,
    listen,
    publish,
    record,
    search,
    serve,
    show,
    stop,
    strings,
    taint,
)
from reven.cli.console import print_error
from reven.errors import RevenError

EXIT_UNUSABLE = 2

app = typer.Typer(
    name="reven",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"reven {__version__}")
        raise typer.Exit


@app.callback()
def reven(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Record a program's execution once; then explore every moment of it."""


app.command(options_metavar="[OPTIONS] --", context_settings={"allow_interspersed_args": False})(
    record.record
)
app.command()(info.info)
app.command()(show.show)
app.command()(calls.calls)
app.command()(search.search)
app.command()(strings.strings)
app.command()(check.check)
app.command()(bookmarks.bookmarks)
app.command()(heap.heap)
app.command()(find.find)
app.command()(taint.taint)
app.command()(taint.origin)
app.command()(index.index)
app.command()(serve.serve)
app.command()(stop.stop)
app.command()(listen.listen)
app.command()(publish.publish)
app.command()(doctor.doctor)


def main() -> None:
    """Run the command line; what the user can mend is one line on standard error."""
    try:
        app()
    except (RevenError, TraceError, reven2.errors.RevenError) as error:
        print_error(error)
        sys.exit(EXIT_UNUSABLE)
