# SPDX-License-Identifier: Apache-2.0
"""`reven taint`: where data goes, or came from."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import typer

import reven2
from reven.cli.shared.arguments import Data, Trace
from reven.cli.shared.console import print_json, print_lines
from reven.cli.shared.moments import context as moment
from reven2.preview.taint import TaintAccess, Tainter

PANEL = "Find"

DEFAULT_COUNT = 50


def taint(
    trace: Trace,
    what: Data,
    first: Annotated[
        str,
        typer.Option("--from", help="The context where the range begins.", metavar="WHERE"),
    ] = "first",
    last: Annotated[
        str | None,
        typer.Option("--to", help="The context where it ends; default: the last.", metavar="WHERE"),
    ] = None,
    backward: Annotated[
        bool, typer.Option("--backward", help="From the end on: where the data came from.")
    ] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="Only transitions that change what is tainted.")
    ] = False,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many transitions to show.", min=1)
    ] = DEFAULT_COUNT,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a transition.")
    ] = False,
) -> None:
    """Follow data through the trace: the transitions that read or write it."""
    with reven2.open(trace) as server:
        found = Tainter(server.trace).simple_taint(
            what,
            from_context=moment(server, first),
            to_context=None if last is None else moment(server, last),
            is_forward=not backward,
        )
        view = found.accesses(changes_only=changes)
        accesses = list(itertools.islice(view.all(), count + 1))
        shown = accesses[:count]
        if json:
            print_json([_access(access) for access in shown])
        else:
            for access in shown:
                print_lines(f"{access}\n")
            if len(accesses) > count:
                print_lines("… and more: see --count.")
        if len(accesses) <= count:
            for warning in found.warnings().all():
                print_lines(f"warning: {warning}", stderr=True)
        found.cancel()


def _access(access: TaintAccess) -> dict[str, Any]:
    return {
        "transition": access.transition.id,
        "text": str(access.transition.instruction),
        "registers": {str(data): str(change) for data, change in access.tainted_registers()},
        "memories": {str(data): str(change) for data, change in access.tainted_memories()},
    }
