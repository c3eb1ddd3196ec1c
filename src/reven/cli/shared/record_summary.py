# SPDX-License-Identifier: Apache-2.0
"""What `reven record` says when the program has ended."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.markup import escape

from reven.cli.shared.console import duration_text, err, plural, size_text
from reven.ossi import signal_name
from reven.record import RecordedProcess, RecordSummary

MAX_CHILDREN = 8
"""Children that are listed; of more, the number is said."""


def print_summary(summary: RecordSummary) -> None:
    """Print on standard error: how the program ended, where its trace is, what to type next."""
    console = err()
    main = summary.main
    console.print(f"[label]reven:[/] {_ending(summary)}")
    console.print(
        f"       {plural(main.transitions, 'transition')} in {duration_text(summary.seconds)}, "
        f"{_size(main)}"
    )
    for child in summary.processes[1 : MAX_CHILDREN + 1]:
        console.print(
            f"       [label]child[/]  {escape(str(child.trace))}  "
            f"{plural(child.transitions, 'transition')}  "
            f"[label]{escape(shlex.join(child.command))}[/]"
        )
    more = len(summary.processes) - 1 - MAX_CHILDREN
    if more > 0:
        console.print(f"       [label]and {plural(more, 'more child trace')}[/]")
    for process in summary.processes:
        if not process.complete:
            console.print(
                f"       [bad]{escape(str(process.trace))} is incomplete:[/] {_why(process)}"
            )
    trace = escape(shlex.quote(str(main.trace)))
    console.print(f"       [label]trace[/]  {trace}")
    console.print(
        f"       [label]next[/]   [command]reven show {trace}[/]   [command]reven check {trace}[/]"
    )


def _ending(summary: RecordSummary) -> str:
    name = escape(Path(summary.main.program).name)
    reason = summary.main.end_reason
    if reason == "until":
        how = "reached the end that --until chose; it ran on unrecorded"
    elif reason == "limit":
        how = "reached the chosen number of transitions; it ran on unrecorded"
    elif reason == "exec":
        how = "was replaced by another program (exec)"
    elif summary.signal:
        how = f"was killed by [event]{signal_name(summary.signal) or summary.signal}[/]"
    else:
        how = f"exited with status {summary.exit_status}"
    return f"{name} {how}"


def _size(process: RecordedProcess) -> str:
    total = sum(file.stat().st_size for file in process.trace.rglob("*") if file.is_file())
    binaries = total - process.bytes_written
    each = process.bytes_written / max(process.transitions, 1)
    return (
        f"{size_text(process.bytes_written)} ({each:.2g} bytes per transition) "
        f"and {size_text(binaries)} of copied binaries"
    )


def _why(process: RecordedProcess) -> str:
    return escape(process.error or "it was cut off; what was written can be read")
