# SPDX-License-Identifier: Apache-2.0
"""`reven output`: what the program had written at a moment."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from reven.cli.shared.arguments import Trace
from reven.cli.shared.console import escape, out, print_bytes, print_json
from reven.cli.shared.moments import MOMENT, context
from reven.cli.shared.opening import open_indexed
from reven.errors import CommandError
from reven2.syscalls import OpenFile, Transfer

PANEL = "Look"

_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}


class ShownTransfer(msgspec.Struct, frozen=True):
    """Bytes that a system call moved. `offset`: the first one's position; `text`: the bytes, what
    is no UTF-8 replaced."""

    transition: int
    thread: int
    descriptor: int
    is_write: bool
    offset: int | None
    size: int
    text: str


def output(
    trace: Trace,
    file: Annotated[
        list[str] | None,
        typer.Argument(
            help="What to show: a file's path or its end, stdout, stderr, stdin, or a "
            "descriptor's number. Default: stdout and stderr.",
            metavar="[FILE]...",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help=f"As of this moment: {MOMENT}. Default: the end.", metavar="WHERE"),
    ] = None,
    read: Annotated[
        bool, typer.Option("--read", help="What was read from it, in place of what was written.")
    ] = False,
    lines: Annotated[
        bool,
        typer.Option("--transitions", help="With the transition that moved each part."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a system call.")
    ] = False,
) -> None:
    """Print what the program had written at a moment: to its output, or to any file or socket."""
    with open_indexed(trace) as server:
        stop = None if at is None else server.trace._context(context(server, at))
        calls = server.trace.syscalls
        files = {one.id: one for one in calls.files}
        wanted = file or ["stdout", "stderr"]
        found = [
            one
            for one in calls.transfers(is_write=not read, to_context=stop)
            if any(_is_meant(name, files[one._data.file], one.descriptor) for name in wanted)
        ]
        if not found and not any(_is_known(name, list(files.values())) for name in wanted):
            raise CommandError(
                f"the trace knows no {', '.join(wanted)}: see `reven syscalls --files`"
            )
        if json:
            print_json([_shown(one) for one in found])
        elif lines:
            console = out()
            for one in found:
                console.print(
                    f"[number]{'#' + str(one._data.transition):>12}[/]  "
                    f"[label]{one.descriptor}  {one.offset}[/]  {escape(repr(one.data)[1:])}"
                )
        else:
            for one in found:
                print_bytes(one.data)


def _is_meant(name: str, file: OpenFile, descriptor: int) -> bool:
    number = _STREAMS.get(name)
    if number is not None or name.isdecimal():
        return descriptor == (int(name) if number is None else number)
    return file.name == name or file.name.endswith("/" + name.removeprefix("./"))


def _is_known(name: str, files: list[OpenFile]) -> bool:
    if name in _STREAMS or name.isdecimal():
        return True
    return any(_is_meant(name, one, -1) for one in files)


def _shown(one: Transfer) -> ShownTransfer:
    data = one._data
    return ShownTransfer(
        data.transition,
        data.thread,
        data.descriptor,
        data.is_write,
        data.offset,
        data.size,
        data.data.decode("utf-8", "replace"),
    )
