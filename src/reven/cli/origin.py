# SPDX-License-Identifier: Apache-2.0
"""`reven origin`: where a value came from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import reven2
from reven.cli.shared.arguments import Trace
from reven.cli.shared.console import print_json, print_lines
from reven.cli.shared.following import Follow
from reven.cli.shared.moments import context as moment
from reven.errors import CommandError
from reven2 import OpenTrace
from reven2.preview.taint import OriginPath, TaintedMemories, origin_tree
from reven2.trace import Context

PANEL = "Find"

MOST_HOPS = 4000


def origin(
    trace: Trace,
    context: Annotated[
        str | None,
        typer.Argument(
            help="The moment: the context before this transition.",
            metavar="CONTEXT",
        ),
    ] = None,
    what: Annotated[
        str | None,
        typer.Argument(
            help="A register (rax, al, zf), bits of one (rax[0-12]), or memory ([0x404010; 8]).",
            metavar="WHAT",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            help="In place of CONTEXT and WHAT: a byte that the program wrote, as the file's path "
            "or its end, stdout, stderr or the descriptor's number, and the byte, from 0.",
            metavar="FILE:BYTE",
        ),
    ] = None,
    follow: Annotated[
        Follow,
        typer.Option(
            help="Follow values only, or also what decides where they are loaded from: where that "
            "is meant (a table), or always (pointers).",
        ),
    ] = Follow.meant,
    hops: Annotated[
        int, typer.Option("--hops", "-n", help="How many steps to look at, at most.", min=1)
    ] = MOST_HOPS,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a step.")
    ] = False,
) -> None:
    """Tell where a value came from, step by step back to where it came into the program.

    It goes on through tables and files, and names the byte of the file, the argument, the
    variable of the environment …
    """
    with reven2.open(trace) as server:
        start, data = _wanted(server, context, what, output)
        found = origin_tree(start, data, follow.value, hops)
        if json:
            print_json([step for path in found.paths for step in _steps(path)])
        else:
            print_lines(str(found))


def _wanted(
    server: OpenTrace, context: str | None, what: str | None, output: str | None
) -> tuple[Context, str | TaintedMemories]:
    if output is None:
        if context is None or what is None:
            raise CommandError("give a CONTEXT and WHAT, or a byte that was written: --output")
        return server.trace.first_context + moment(server, context), what
    if context is not None:
        raise CommandError("give CONTEXT and WHAT, or --output, not both")
    name, _, position = output.rpartition(":")
    if not name or not position.isdecimal():
        raise CommandError(f"{output!r} is no byte of a file: write it as out.txt:14")
    moved = server.trace.syscalls.output_byte(name, int(position))
    return moved.transition.context_before(), TaintedMemories(moved.address, 1)


def _steps(path: OriginPath) -> list[dict[str, Any]]:
    steps = []
    hops, places = path.hops, path.places
    for number, (hop, place) in enumerate(zip(hops, places, strict=True)):
        is_last = number + 1 == len(hops)
        source = path.source if is_last else None
        steps.append(
            {
                "kind": hop.kind,
                "transition": None if hop.transition is None else hop.transition.id,
                "after": [str(data) for data in hop.after],
                "before": [str(data) for data in hop.before],
                "others": [[str(data) for data in other] for other in hop.others],
                "text": hop.text,
                "path": path.number,
                "role": path.role,
                "parent": path.parent,
                "parent_step": path.parent_step,
                "joins": path.joins if is_last else None,
                "place": place,
                "source": None
                if source is None
                else {
                    "kind": source.kind,
                    "name": source.name,
                    "offset": source.offset,
                    "size": source.size,
                },
            }
        )
    return steps
