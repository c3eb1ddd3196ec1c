# SPDX-License-Identifier: Apache-2.0
"""`reven strings`: the texts that the program accessed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from reven.cli.shared.console import err, escape, out, print_json
from reven.cli.shared.opening import open_indexed
from reven2.string import String
from reven2.types import Encoding

PANEL = "Look"

DEFAULT_COUNT = 1000


class ShownString(msgspec.Struct, frozen=True):
    """What `--json` prints of a string; `size` in bytes, accesses are transitions."""

    id: int
    text: str
    address: str
    size: int
    encoding: str
    first_access: int
    last_access: int


def strings(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    pattern: Annotated[
        str, typer.Argument(help="Text that they contain, as it is.", metavar="PATTERN")
    ] = "",
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many strings to show.", min=1)
    ] = DEFAULT_COUNT,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a string.")
    ] = False,
) -> None:
    """Show the strings of 5 to 128 characters, UTF-8 or UTF-16, that the program accessed.

    Each line: the transitions that accessed it first and last, its address, the text. The
    first time, they are looked for in the whole trace and kept beside it.
    """
    with open_indexed(trace) as server:
        found = server.trace.strings(pattern)
        shown = [_shown(string) for string in islice(found, count)]
        if json:
            print_json(shown)
            return
        console = out()
        for string in shown:
            console.print(
                f"[number]#{string.first_access}[/] … [number]#{string.last_access}[/]  "
                f"[address]{string.address}[/]  {escape(string.text)}"
            )
        if next(found, None) is not None:
            err().print("There are more: use --count, or a longer PATTERN.")


def _shown(string: String) -> ShownString:
    return ShownString(
        string.id,
        string.data,
        f"{string.address.offset:#x}",
        string.size,
        "utf-16" if string.encoding is Encoding.Utf16 else "utf-8",
        string.first_access.id,
        string.last_access.id,
    )
