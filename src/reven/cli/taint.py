# SPDX-License-Identifier: Apache-2.0
"""`reven taint`: where data goes, or came from."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import typer

import reven2
from reven.cli.shared.arguments import Data, Trace
from reven.cli.shared.console import print_json, print_lines
from reven.cli.shared.following import Follow
from reven.cli.shared.moments import context as moment
from reven2.preview.taint import Sink, Taint, TaintAccess, Tainter

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
    follow: Annotated[
        Follow,
        typer.Option(
            help="Follow values only; also what decides where they are loaded from, of constant "
            "tables (meant) or always (pointers)."
        ),
    ] = Follow.values,
    sinks: Annotated[
        bool,
        typer.Option(
            "--sinks",
            help="In place of transitions: what the data leads to (bytes of files, arguments, "
            "branches …).",
        ),
    ] = False,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many to show.", min=1)
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
            follow=follow.value,
            sinks=sinks,
        )
        if sinks:
            _print_sinks(found, count, json)
            return
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


def _print_sinks(found: Taint, count: int, json: bool) -> None:
    view = found.sinks()
    # What leaves the program matters more than what is decided on the way.
    ordered = sorted(view.all(), key=lambda one: one.is_decision)
    if json:
        print_json([_sink(one) for one in ordered[:count]])
    else:
        for one in ordered[:count]:
            print_lines(str(one))
        if not ordered:
            print_lines("The data leads to nothing outside of the program, and decides nothing.")
        if len(ordered) > count:
            print_lines(f"… and {len(ordered) - count} more: see --count.")
    if view.left_out:
        print_lines(f"warning: {view.left_out} more were found than are kept", stderr=True)
    for warning in found.warnings().all():
        print_lines(f"warning: {warning}", stderr=True)
    found.cancel()


def _sink(one: Sink) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "name": one.name,
        "offset": one.offset,
        "size": one.size,
        "transition": one.transition.id,
        "count": one.count,
        "tags": one.tags,
        "place": one.place,
    }


def _access(access: TaintAccess) -> dict[str, Any]:
    return {
        "transition": access.transition.id,
        "text": str(access.transition.instruction),
        "registers": {str(data): str(change) for data, change in access.tainted_registers()},
        "memories": {str(data): str(change) for data, change in access.tainted_memories()},
    }
