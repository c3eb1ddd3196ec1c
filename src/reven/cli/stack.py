# SPDX-License-Identifier: Apache-2.0
"""`reven stack`: which functions are active at a moment, those that were inlined too."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

import reven2
from reven.cli.shared.arguments import Trace
from reven.cli.shared.console import err, escape, out, print_json
from reven.cli.shared.moments import MOMENT, context
from reven.cli.shared.opening import index_calls
from reven2.stack import SourceFrame

PANEL = "Look"

DEFAULT_COUNT = 100


class ShownVariable(msgspec.Struct, frozen=True):
    """A variable of a function, as `--json` prints it."""

    name: str
    kind: str
    type: str
    value: str


class ShownFrame(msgspec.Struct, frozen=True):
    """A function that is active, as `--json` prints it. `since`: the transition that called
    it; None of one that was inlined, and of what was there before."""

    number: int
    function: str
    file: str | None
    line: int | None
    is_inlined: bool
    pc: str
    since: int | None
    variables: list[ShownVariable]


def stack(
    trace: Trace,
    at: Annotated[
        str, typer.Option("--at", help=f"The moment: {MOMENT}.", metavar="WHERE")
    ] = "last",
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many functions to show at most.", min=1)
    ] = DEFAULT_COUNT,
    variables: Annotated[
        bool, typer.Option("--variables", "-v", help="Show the variables of each function too.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object each.")
    ] = False,
) -> None:
    """Show the call stack at a moment, with the functions that the compiler inlined.

    It is what gdb's `bt` shows there: the function that runs comes first; of each, where it
    stands in its source. A function that was inlined has no call of its own.
    """
    with reven2.open(trace) as server:
        index_calls(trace)
        found = server.trace._context(context(server, at)).stack.source_frames()
        shown = found[:count]
        if json:
            print_json([_shown(one, variables) for one in shown])
            return
        console = out()
        for one in shown:
            style = "label" if one.is_inlined else "default"
            console.print(f"[{style}]{escape(str(one))}[/]")
            for variable in one.variables() if variables else ():
                console.print(f"     {escape(f'{variable.name} = {variable.text}')}")
        if len(found) > count:
            err().print(f"… and {len(found) - count} more: see --count.")


def _shown(one: SourceFrame, variables: bool) -> ShownFrame:
    return ShownFrame(
        one.number,
        one.function,
        one.file,
        one.line,
        one.is_inlined,
        f"{one.frame.pc:#x}",
        None if one.is_inlined else one.frame._data.creation_transition,
        [
            ShownVariable(variable.name, variable.kind.value, variable.type_name, variable.text)
            for variable in (one.variables() if variables else ())
        ],
    )
