# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Trace = Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")]
Data = Annotated[
    str,
    typer.Argument(
        help="A register (rax, al, zf), bits of one (rax[0-12]), or memory ([0x404010; 8]).",
        metavar="WHAT",
    ),
]
Own = Annotated[
    list[str] | None,
    typer.Option(
        "--own",
        help="A binary, source file or folder that is your own code too. Repeatable.",
        metavar="PATH",
    ),
]
NotOwn = Annotated[
    list[str] | None,
    typer.Option("--not-own", help="One that is not your own code. Repeatable.", metavar="PATH"),
]
