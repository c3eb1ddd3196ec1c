# SPDX-License-Identifier: Apache-2.0
"""What `reven record` says when the program has ended."""

from __future__ import annotations

import shlex
from pathlib import Path

from reven.cli.shared.console import duration_text, err, escape, plural, size_text
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
    if main.dropped:
        console.print(
            f"       the first {plural(main.dropped, 'transition')} were dropped (--last): #0 is "
            "the first that was kept"
        )
    for child in summary.processes[1 : MAX_CHILDREN + 1]:
        kin = "exec " if child.pid == main.pid else "child"
        console.print(
            f"       [label]{kin}[/]  {escape(str(child.trace))}  "
            f"{plural(child.transitions, 'transition')}  "
            f"[label]{escape(shlex.join(child.command))}[/]"
        )
    more = len(summary.processes) - 1 - MAX_CHILDREN
    if more > 0:
        console.print(f"       [label]and {plural(more, 'more child trace')}[/]")
    for process in summary.processes:
        if not process.complete and process.end_reason not in ("recorder", "killed"):
            console.print(
                f"       [bad]{escape(str(process.trace))} is incomplete:[/] {_why(process)}"
            )
    if summary.never_reached:
        console.print(
            f"       [bad]--until {escape(summary.never_reached)} was never reached:[/] "
            "everything to the end was recorded"
        )
    for notice in dict.fromkeys(text for process in summary.processes for text in process.notices):
        console.print(f"       [event]{escape(notice)}[/]")
    trace = escape(shlex.quote(str(main.trace)))
    console.print(f"       [label]trace[/]  {trace}")
    console.print(
        f"       [label]next[/]   [command]reven show {trace}[/]   [command]reven check {trace}[/]"
    )


def print_faults(summary: RecordSummary) -> None:
    """Print on standard error what makes the record wrong, if anything does."""
    console = err()
    for process in summary.processes:
        name = escape(Path(process.program).name)
        if process.end_reason == "recorder":
            console.print(f"[label]reven:[/] {name} {escape(process.ending)}")
        elif process.error:
            console.print(
                f"[label]reven:[/] {escape(str(process.trace))} is incomplete: {_why(process)}"
            )
        for notice in process.faults:
            console.print(f"[label]reven:[/] {name}: {escape(notice)}")


def _ending(summary: RecordSummary) -> str:
    """How the program ended: what replaced it, if another did, and that one's end."""
    main = summary.main
    ending = escape(main.ending) or (
        f"was killed by {signal_name(summary.signal) or summary.signal}"
        if summary.signal
        else f"exited with status {summary.exit_status}"
    )
    return f"{escape(Path(main.program).name)} {ending}"


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
