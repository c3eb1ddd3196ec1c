# SPDX-License-Identifier: Apache-2.0
"""`reven show`: transitions with symbols, changed registers and memory accesses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import reven2
from reven.cli.shared.console import escape, out, print_json
from reven.cli.shared.moments import transition as moment
from reven.cli.shared.transition_view import ShownAccess, ShownDeviceAccess, ShownTransition, shown
from reven2.memhist import MemoryAccessCause

PANEL = "Look"

DEFAULT_COUNT = 20


def show(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    at: Annotated[
        str | None,
        typer.Option(
            help="First transition to show: its number, a negative number that counts from the "
            "end, a share as 50%, first, last, or a place, as main, main+0x12 or parse.c:41: the "
            "first time it runs. Without it, the last ones are shown.",
            metavar="WHERE",
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many transitions to show.", min=1)
    ] = DEFAULT_COUNT,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a transition.")
    ] = False,
) -> None:
    """Show transitions: instruction, symbol, source line, changed registers, memory accesses.

    rip is left out of the changed registers. Values of reads are those before the
    transition, values of writes those after it.
    """
    with reven2.open(trace) as server:
        total = server.trace.transition_count
        first = max(0, total - count) if at is None else moment(server, at)
        transitions = server.trace.transitions(first, min(first + count, total))
        if json:
            print_json([shown(transition) for transition in transitions])
            return
        console = out()
        printer = _Printer(console, total)
        for transition in transitions:
            printer.print(shown(transition))
        if first + count >= total and server.trace.end:
            console.print(f"  [event]{escape(f'The process {server.trace.end}')}[/]")


_MOST_ACCESSES = 12
"""Of one transition; a system call may make thousands."""


class _Printer:
    """Prints transitions; the place only when it differs from the one before."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._id_width = len(f"#{total - 1}")
        self._place = ""

    def print(self, transition: ShownTransition) -> None:
        place = self._place_text(transition)
        if place != self._place:
            self._place = place
            self._console.print(place)
        number = f"#{transition.id}".rjust(self._id_width)
        style = "event" if transition.kind == "event" else "default"
        self._console.print(
            f"  [number]{number}[/]  [address]{transition.pc:>14}[/]  "
            f"[{style}]{escape(transition.text)}[/]"
        )
        details = [
            f"[changed]{register.name}[/] {register.before} → [changed]{register.after}[/]"
            for register in transition.registers
        ]
        details += [_access_text(access) for access in transition.accesses[:_MOST_ACCESSES]]
        more = len(transition.accesses) - _MOST_ACCESSES
        if more > 0:
            details.append(f"[label]and {more:,} more (--json shows all)[/]")
        details += [_device_text(access) for access in transition.devices]
        if details:
            self._console.print(" " * (self._id_width + 20) + "   ".join(details))

    @staticmethod
    def _place_text(transition: ShownTransition) -> str:
        location = transition.location
        parts = [f"[symbol]{escape(location.name if location else '?')}[/]"]
        if location and location.file:
            parts.append(f"[source]{escape(Path(location.file).name)}:{location.line}[/]")
        parts.append(f"[label]thread {transition.thread}[/]")
        return "  ".join(parts)


def _access_text(access: ShownAccess) -> str:
    style = "read" if access.operation == "read" else "written"
    value = "?" if access.value is None else access.value
    by = "" if access.cause == MemoryAccessCause.Instruction.value else f" by {access.cause}"
    physical = "" if access.physical is None else f" at physical {access.physical}"
    return (
        f"[{style}]{access.operation}[/] {access.size} \\[{access.address}]{physical} = "
        f"[{style}]{value}[/]{by}"
    )


def _device_text(access: ShownDeviceAccess) -> str:
    style = "read" if access.operation == "read" else "written"
    return (
        f"[{style}]{access.operation}[/] {access.size} {access.where} {access.address} = "
        f"[{style}]{access.value}[/]"
    )
