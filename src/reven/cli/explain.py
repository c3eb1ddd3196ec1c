# SPDX-License-Identifier: Apache-2.0
"""`reven explain`: why the recorded program ended as it did."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from reven.cli.shared.arguments import NotOwn, Own, Trace
from reven.cli.shared.console import escape, out, print_json
from reven.cli.shared.opening import open_indexed
from reven.ossi.foreign_files import read_foreign_file, resolved_file
from reven2._service.explain import ExplanationData, StatementData
from reven2.explanation import place_text

PANEL = "Look"

_FRAMES = 12
_SOURCE_LINE = 100
_LARGEST_SOURCE = 10_000_000


def explain(
    trace: Trace,
    own: Own = None,
    not_own: NotOwn = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Tell why the program ended as it did, and the first moment things were wrong.

    Every statement has the transition that shows it.
    """
    with open_indexed(trace) as server:
        found = server.trace._service.explain(own=own or [], not_own=not_own or [])
        program = server.trace._service.info().name
    if json:
        print_json(_without_code(found))
        return
    _print(out(), program, found)


def _without_code(found: ExplanationData) -> ExplanationData:
    """JSON has no bytes: the instruction's text says the same."""
    if found.end is None:
        return found
    return msgspec.structs.replace(found, end=msgspec.structs.replace(found.end, code=b""))


def _print(console: Console, program: str, found: ExplanationData) -> None:
    style = "good" if found.kind == "success" else "bad"
    console.print(f"[{style}]{escape(found.kind)}[/]  {escape(program)} {escape(found.headline)}")
    if found.first_wrong is not None:
        console.print("\n[label]first wrong in own code[/]")
        _print_statement(console, found.first_wrong)
        line = _source_line(found.first_wrong)
        if line:
            console.print(f"        [source]{escape(line)}[/]")
    if found.statements:
        console.print("\n[label]what shows it[/]")
        for one in found.statements:
            _print_statement(console, one)
    if found.stack:
        console.print("\n[label]the stack at the end[/]")
        for frame in found.stack[:_FRAMES]:
            number = "" if frame.transition is None else f"#{frame.transition}"
            console.print(
                f"  [number]{number:>12}[/]  [symbol]{escape(place_text(frame.place))}[/]"
            )
        if len(found.stack) > _FRAMES:
            console.print("                …")
    for limit in found.limits:
        console.print(f"\n[label]not looked at:[/] {escape(limit)}")


def _print_statement(console: Console, one: StatementData) -> None:
    number = "" if one.transition is None else f"#{one.transition}"
    place = place_text(one.place)
    where = f"[symbol]{escape(place)}[/]  " if place else ""
    console.print(f"  [number]{number:>12}[/]  [label]{one.role:<11}[/]  {where}{escape(one.text)}")


def _source_line(one: StatementData) -> str:
    """The line of the source, if the file is here."""
    if one.place is None or not one.place.file or not one.place.line:
        return ""
    try:
        file = resolved_file(one.place.file)
        data = read_foreign_file(file, _LARGEST_SOURCE) if file is not None else b""
        lines = data.decode("utf-8", "replace").splitlines()
        return lines[one.place.line - 1].strip()[:_SOURCE_LINE]
    except (OSError, IndexError):
        return ""
