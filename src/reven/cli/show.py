# SPDX-License-Identifier: Apache-2.0
"""`reven show`: transitions with symbols, changed registers and memory accesses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import reven2
from reven.cli.shared.console import count_text, out, print_json
from reven.cli.shared.opening import open_indexed
from reven.cli.shared.transition_view import ShownAccess, ShownTransition, shown
from reven.errors import RevenError
from reven2.util import collate

DEFAULT_COUNT = 20


class NoSuchMoment(RevenError):
    """`--at` names nothing in the trace."""


def show(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    at: Annotated[
        str | None,
        typer.Option(
            help="First transition to show: its number, a negative number that counts from the "
            "end, or a symbol: the first time it is entered. Without it, the last ones are shown.",
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
    with open_indexed(trace) as server:
        total = server.trace.transition_count
        first = max(0, total - count) if at is None else _find(server, at)
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


def _find(server: reven2.OpenTrace, where: str) -> int:
    """The number of the transition that `--at WHERE` means."""
    total = server.trace.transition_count
    try:
        number = int(where, 0)
    except ValueError:
        return _find_symbol(server, where)
    if number < 0:
        number += total
    if not 0 <= number < total:
        raise NoSuchMoment(
            f"there is no transition {where}: the trace has {count_text(total)}, "
            f"numbered from 0 to {count_text(total - 1)}"
        )
    return number


def _find_symbol(server: reven2.OpenTrace, name: str) -> int:
    symbols = list(server.ossi.symbols(f"^{re.escape(name)}$"))
    if not symbols:
        raise NoSuchMoment(f"no executed binary has a symbol {name!r}")
    entries = collate(server.trace.search.symbol(symbol) for symbol in symbols)
    first = next(iter(entries), None)
    if first is None:
        raise NoSuchMoment(f"the trace never enters {name!r}")
    return int(first.transition_after().id)


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
        details += [_access_text(access) for access in transition.accesses]
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
    return (
        f"[{style}]{access.operation}[/] {access.size} \\[{access.address}] = [{style}]{value}[/]"
    )
