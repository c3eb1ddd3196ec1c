# SPDX-License-Identifier: Apache-2.0
"""`reven search`: where the program executes something, or memory or registers hold it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer

import reven2
from reven.cli.shared.console import err, escape, out, print_json
from reven.cli.shared.moments import address, bounds
from reven.cli.shared.opening import open_indexed
from reven.errors import CommandError
from reven2.search import ValueHit
from reven2.search_in_memory import Match
from reven2.trace import Context
from reven2.util import collate

PANEL = "Find"

DEFAULT_COUNT = 100


class WrongSearch(CommandError):
    """What is searched for is not of the kind asked for, or is not in the trace."""


class Kind(enum.StrEnum):
    """What `reven search` looks for."""

    pc = "pc"
    symbol = "symbol"
    instruction = "instruction"
    value = "value"
    memory = "memory"
    string = "string"


class Found(msgspec.Struct, frozen=True):
    """What `--json` prints of a result. `transition`: of a string, its first access; of memory,
    the first at which it holds the bytes. `last`: of these two, the last one, else null."""

    transition: int
    text: str
    address: str | None = None
    last: int | None = None


def search(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    kind: Annotated[
        Kind,
        typer.Argument(
            help="What to look for: pc, symbol, instruction, value, memory or string.",
            metavar="KIND",
            show_choices=False,
        ),
    ],
    what: Annotated[
        str,
        typer.Argument(
            help="An address, as 0x401136, main+0x12 or parse.c:41; a symbol's name, or a "
            "regular expression of names; a regular expression of an instruction's text; a "
            "number; a text; a part of a string.",
            metavar="WHAT",
        ),
    ],
    start: Annotated[
        str,
        typer.Option("--from", help="Look at the transitions from this one on.", metavar="WHERE"),
    ] = "first",
    stop: Annotated[
        str | None,
        typer.Option("--to", help="Look at the transitions before this.", metavar="WHERE"),
    ] = None,
    backward: Annotated[
        bool,
        typer.Option("--backward", help="The last ones first: for pc, symbol and instruction."),
    ] = False,
    size: Annotated[
        int | None,
        typer.Option(help="For value: how many bytes of registers and accesses count.", min=1),
    ] = None,
    as_hex: Annotated[
        bool, typer.Option("--hex", help="For memory: WHAT is bytes as hexadecimal digits.")
    ] = False,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many results to show.", min=1)
    ] = DEFAULT_COUNT,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a result.")
    ] = False,
) -> None:
    """Search the trace: print the transition of each result, and what is found there.

    Memory counts where the program accesses it; value looks at registers and accesses.
    """
    with open_indexed(trace) as server:
        begin, end = bounds(server, start, stop)
        if backward and kind not in (Kind.pc, Kind.symbol, Kind.instruction):
            raise WrongSearch(f"--backward does not go with {kind.value}")
        results = _results(server, kind, what, begin, end, backward, size, as_hex)
        shown = islice(results, count)
        if json:
            print_json(list(shown))
            return
        console = out()
        for found in shown:
            until = "" if found.last is None else f" … [number]#{found.last}[/]"
            address = "" if found.address is None else f"  [address]{found.address}[/]"
            console.print(f"[number]#{found.transition}[/]{until}{address}  {escape(found.text)}")
        if next(results, None) is not None:
            err().print("There are more: use --count, --from or --to.")


def _results(
    server: reven2.OpenTrace,
    kind: Kind,
    what: str,
    start: int,
    stop: int,
    backward: bool,
    size: int | None,
    as_hex: bool,
) -> Iterator[Found]:
    find = server.trace.search
    within = start, stop
    match kind:
        case Kind.pc:
            return _executed(find.pc(address(server, what, start), *within, not backward))
        case Kind.instruction:
            return _executed(find.instruction(what, *within, not backward))
        case Kind.symbol:
            symbols = list(server.ossi.symbols(f"^(?:{what})$"))
            if not symbols:
                raise WrongSearch(f"no executed binary has a symbol {what!r}")
            key = (lambda context: -context._id) if backward else None
            return _executed(
                collate((find.symbol(symbol, *within, not backward) for symbol in symbols), key)
            )
        case Kind.value:
            return map(_passed, find.value(_number(what), size, *within))
        case Kind.memory:
            return map(_held, find.memory(_pattern(what, as_hex), *within).matches())
        case Kind.string:
            return (
                Found(
                    string.first_access.id,
                    string.data,
                    f"{string.address.offset:#x}",
                    string.last_access.id,
                )
                for string in server.trace.strings(what)
                if string.first_access.id < stop and string.last_access.id >= start
            )


def _executed(contexts: Iterable[Context]) -> Iterator[Found]:
    for context in contexts:
        transition = context.transition_after()
        location = context.ossi.location()
        text = str(transition.instruction).rstrip()
        yield Found(transition.id, text if location is None else f"{location}  {text}")


def _passed(hit: ValueHit) -> Found:
    text = str(hit.transition).partition(" ")[2].rstrip()
    if hit.access is None:
        return Found(hit.transition.id, f"{hit.register}  {text}")
    address = f"{hit.access.virtual_address.offset:#x}"
    return Found(hit.transition.id, f"{hit.access.operation.value}  {text}", address)


def _held(match: Match) -> Found:
    creation = match.creation_transition
    made = "held before" if creation is None else str(creation).partition(" ")[2].rstrip()
    return Found(
        match.first_context._id if creation is None else creation.id,
        made,
        f"{match.virtual_start_address.offset:#x}",
        match.last_context._id,
    )


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise WrongSearch(f"{text!r} is no number: write 1234 or 0x4d2") from None


def _pattern(text: str, as_hex: bool) -> bytes:
    if not as_hex:
        return text.encode()
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise WrongSearch(f"{text!r} are no bytes: write pairs of digits, as 7f454c46") from None
