# SPDX-License-Identifier: Apache-2.0
"""`reven expression`: what a value was computed from, as one expression."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

import reven2
from reven.cli.shared.arguments import Trace
from reven.cli.shared.console import print_json, print_lines
from reven.cli.shared.moments import context as moment
from reven2.preview.expressions import MOST_TRANSITIONS
from reven2.preview.expressions import expression as expression_of

PANEL = "Find"


class _Language(Enum):
    c = "c"
    python = "python"
    smt2 = "smt2"


def expression(
    trace: Trace,
    where: Annotated[
        str,
        typer.Argument(help="The moment: the context before this transition.", metavar="WHERE"),
    ],
    value: Annotated[
        str,
        typer.Argument(
            help="A register (rax, al, zf), bits of one (rax[0-12]), or memory ([0x404010; 8]).",
            metavar="VALUE",
        ),
    ],
    language: Annotated[
        _Language, typer.Option("--language", help="What to write it in.")
    ] = _Language.python,
    count: Annotated[
        int, typer.Option("--count", "-n", help="Transitions of the slice, at most.", min=1)
    ] = MOST_TRANSITIONS,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Tell what a value was computed from, as one expression of the program's inputs.

    It was evaluated with the recorded inputs, and gave the recorded value.
    """
    with reven2.open(trace) as server:
        context = server.trace.first_context + moment(server, where)
        found = expression_of(context, value, count)
        text = found.text(language.value)
        if json:
            print_json(
                {
                    "language": language.value,
                    "text": text,
                    "value": found.value,
                    "width": found.width,
                    "variables": found._data.variables,
                    "transitions": found.transition_count,
                    "notes": found.notes,
                }
            )
            return
        mark = {"c": "//", "python": "#", "smt2": ";"}[language.value]
        print_lines(text.rstrip("\n"))
        for one in found.variables:
            print_lines(f"{mark} {one}")
        print_lines(f"{mark} gives {found.value:#x}, as recorded")
        for note in found.notes:
            print_lines(f"{mark} {note}")
