# SPDX-License-Identifier: Apache-2.0
"""`reven origin`: where a value came from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from reven.cli.shared.arguments import Data, Trace
from reven.cli.shared.console import print_json
from reven.cli.shared.moments import context as moment
from reven.cli.shared.opening import open_indexed
from reven2.preview.taint import OriginHop
from reven2.preview.taint import origin as find_origin

PANEL = "Find"


def origin(
    trace: Trace,
    context: Annotated[
        str,
        typer.Argument(
            help="The moment: the context before this transition.",
            metavar="CONTEXT",
        ),
    ],
    what: Data,
    hops: Annotated[
        int, typer.Option("--hops", "-n", help="How many steps to go back at most.", min=1)
    ] = 1000,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a step.")
    ] = False,
) -> None:
    """Tell where a value came from, step by step back to where it came into the program."""
    with open_indexed(trace) as server:
        start = server.trace.first_context + moment(server, context)
        found = find_origin(start, what, hops)
        if json:
            print_json([_hop(hop) for hop in found])
        else:
            typer.echo(str(found))


def _hop(hop: OriginHop) -> dict[str, Any]:
    return {
        "kind": hop.kind,
        "transition": None if hop.transition is None else hop.transition.id,
        "after": [str(data) for data in hop.after],
        "before": [str(data) for data in hop.before],
        "others": [[str(data) for data in other] for other in hop.others],
        "text": hop.text,
    }
