# SPDX-License-Identifier: Apache-2.0
"""`reven diff`: how two executions differ, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

import reven2
from reven.cli.shared.arguments import NotOwn, Own, Trace
from reven.cli.shared.console import escape, out, print_json
from reven.cli.shared.moments import bounds, transition
from reven.cli.shared.opening import index_calls, open_indexed
from reven2._service.diff import DiffData, DifferenceData, DivergenceData, MomentsData
from reven2.difference import diff as find_difference
from reven2.difference import diff_moments
from reven2.errors import InvalidArgumentError
from reven2.explanation import place_text

PANEL = "Look"

_SHOWN = 10


def diff(
    trace: Trace,
    other: Annotated[
        Path | None,
        typer.Argument(help="The trace to compare it with.", metavar="[OTHER]"),
    ] = None,
    windows: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--windows",
            help="Compare these stretches: moments A..B of TRACE and C..D of OTHER, or of "
            "TRACE too.",
            metavar="A..B C..D",
        ),
    ] = None,
    at: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--at",
            help="Compare the moments before these transitions instead: registers, memory, blocks "
            "of the heap, descriptors.",
            metavar="WHERE WHERE",
        ),
    ] = None,
    own: Own = None,
    not_own: NotOwn = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Tell how two executions differ: where they part, and where the difference came from.

    Every statement has a transition of each.
    """
    if other is None and windows is None and at is None:
        raise InvalidArgumentError(
            "Name another trace to compare with, or two --windows of this one, or two moments "
            "with --at."
        )
    if windows is not None and at is not None:
        raise InvalidArgumentError("Compare two --windows, or two moments with --at, not both.")
    if at is not None:
        _print_moments(trace, other, at, json)
        return
    for path in filter(None, (trace, other)):
        index_calls(path)
    with open_indexed(trace) as first, _second(other, first) as second:
        low = None if windows is None else _window(first, windows[0])
        high = None if windows is None else _window(second, windows[1])
        found = find_difference(first.trace, second.trace, low, high, own or [], not_own or [])
    if json:
        print_json(found._data)
        return
    _print(out(), found._data)


def _print_moments(trace: Path, other: Path | None, at: tuple[str, str], json: bool) -> None:
    with open_indexed(trace) as first, _second(other, first) as second:
        found = diff_moments(
            first.trace.context_before(transition(first, at[0])),
            second.trace.context_before(transition(second, at[1])),
        )
    if json:
        print_json(_without_bytes(found._data))
        return
    out().print(escape(str(found)))


def _without_bytes(found: MomentsData) -> object:
    """JSON has no bytes: they are written in hexadecimal."""
    data = msgspec.structs.asdict(found)
    for kind in ("registers", "memory"):
        data[kind] = [
            {
                **msgspec.structs.asdict(one),
                "first": one.first.hex(),
                "second": one.second.hex(),
            }
            for one in data[kind]
        ]
    return data


def _second(other: Path | None, first: reven2.OpenTrace) -> reven2.OpenTrace:
    return first if other is None else open_indexed(other)


def _window(server: reven2.OpenTrace, text: str) -> tuple[int, int]:
    start, dots, stop = text.partition("..")
    if not dots or not start or not stop:
        raise InvalidArgumentError(
            f"{text!r} is no window: write two moments as 100..200, the second of which is not "
            "part of it."
        )
    return bounds(server, start.strip(), stop.strip())


def _print(console: Console, found: DiffData) -> None:
    style = "good" if found.kind is None else "bad"
    kind = "same" if found.kind is None else found.kind
    console.print(f"[{style}]{escape(kind)}[/]  {escape(found.headline)}")
    if found.decisive is not None:
        console.print("\n[label]the first decision that matters[/]")
        _print_step(console, found.decisive)
    if found.steps:
        console.print("\n[label]from what came out back to where it came in[/]")
        for step in found.steps:
            _print_step(console, step)
    others = [one for one in found.outcomes if one not in found.steps]
    if others:
        console.print("\n[label]what else came out otherwise[/]")
        for step in others:
            _print_step(console, step)
    if found.divergences:
        console.print("\n[label]where own code went two ways[/]")
        for one in found.divergences[:_SHOWN]:
            _print_divergence(console, one)
        if len(found.divergences) > _SHOWN or found.is_cut:
            console.print("                …")
    console.print(f"\n[label]compared:[/] {escape(found.compared)}; {found.common:,} are common")
    for limit in found.limits:
        console.print(f"[label]not looked at:[/] {escape(limit)}")


def _print_step(console: Console, step: DifferenceData) -> None:
    first, second = place_text(step.first_place), place_text(step.second_place)
    place = first if first == second else " | ".join(filter(None, (first, second)))
    where = f"[symbol]{escape(place)}[/]  " if place else ""
    console.print(
        f"  [number]{_number(step.first)} {_number(step.second)}[/]  "
        f"[label]{step.role:<8}[/]  {where}{escape(step.text)}"
    )


def _print_divergence(console: Console, one: DivergenceData) -> None:
    after = "and never meet again"
    if one.first_rejoin is not None:
        after = f"until #{one.first_rejoin} #{one.second_rejoin}"
    console.print(
        f"  [number]{_number(one.first)} {_number(one.second)}[/]  "
        f"[symbol]{escape(place_text(one.place))}[/]  {after}"
    )


def _number(number: int | None) -> str:
    return f"{'' if number is None else f'#{number}':>12}"
