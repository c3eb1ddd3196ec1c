# SPDX-License-Identifier: Apache-2.0
"""`reven syscalls`: the system calls of a trace, decoded."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer
from rich.console import Console

from reven.cli.shared.arguments import Trace
from reven.cli.shared.console import err, escape, out, plural, print_json, size_text
from reven.cli.shared.moments import MOMENT, bounds
from reven.cli.shared.opening import open_indexed
from reven2._service.syscalls import OpenFileData
from reven2.syscalls import Syscall

PANEL = "Look"

DEFAULT_COUNT = 1000


def syscalls(
    trace: Trace,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only these calls, or those of these groups (files, network, memory …).",
            metavar="[NAME]...",
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only calls that failed.")] = False,
    files: Annotated[
        bool,
        typer.Option(
            "--files", help="In place of the calls: what descriptors stood for, and how much moved."
        ),
    ] = False,
    thread: Annotated[int | None, typer.Option(help="Only this thread.", metavar="N")] = None,
    first: Annotated[
        str, typer.Option("--from", help=f"From this moment on: {MOMENT}.", metavar="WHERE")
    ] = "first",
    last: Annotated[
        str | None, typer.Option("--to", help="Up to this moment.", metavar="WHERE")
    ] = None,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many to show at most.", min=1)
    ] = DEFAULT_COUNT,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """List the system calls: decoded arguments, results, errors, and what descriptors stand for."""
    with open_indexed(trace) as server:
        if files:
            _print_files(server.trace._service.open_files(), json)
            return
        start, stop = bounds(server, first, last)
        context = server.trace._context
        found = server.trace.syscalls.calls(
            *(names or []), failed=failed, from_context=context(start), to_context=context(stop)
        )
        wanted = (call for call in found if thread is None or call.thread == thread)
        shown = list(islice(wanted, count + 1))
        if json:
            print_json([call._data for call in shown[:count]])
            return
        console = out()
        for call in shown[:count]:
            _print_call(console, call)
        if not shown:
            err().print("There are no such system calls.")
        if len(shown) > count:
            err().print("… and more: see --count.")


def _print_call(console: Console, call: Syscall) -> None:
    style = "bad" if call.error else "symbol"
    name, _, rest = str(call).partition("(")
    console.print(
        f"[number]{'#' + str(call._data.transition):>12}[/]  [label]{call.thread}[/]  "
        f"[{style}]{escape(name)}[/]({escape(rest)}"
    )


def _print_files(found: list[OpenFileData], json: bool) -> None:
    if json:
        print_json(found)
        return
    console = out()
    for one in found:
        opened = "before" if one.opened is None else f"#{one.opened}"
        closed = "" if one.closed is None else f", closed #{one.closed}"
        descriptors = ",".join(map(str, one.descriptors))
        moved = []
        if one.reads:
            moved.append(f"{size_text(one.bytes_read)} in {plural(one.reads, 'read')}")
        if one.writes:
            moved.append(f"{size_text(one.bytes_written)} in {plural(one.writes, 'write')}")
        console.print(
            f"[number]{descriptors:>6}[/]  [label]{one.kind:<9}[/]  {escape(one.name)}  "
            f"[label]opened {opened}{closed}[/]  {'; '.join(moved)}"
        )
