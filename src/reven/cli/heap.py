# SPDX-License-Identifier: Apache-2.0
"""`reven heap`: what the recorded program allocates, and who does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from reven.cli.shared.console import escape, out, plural, print_json, size_text
from reven.cli.shared.moments import address as address_of
from reven.cli.shared.moments import context
from reven.cli.shared.opening import open_indexed
from reven2.heap import Allocation, HeapCall
from reven2.ossi.ossi import Location

PANEL = "Look"

MOST_LINES = 50


class ShownAllocation(msgspec.Struct, frozen=True):
    """A block. `allocated` and `freed`: the first transitions of the functions that did so;
    `site`: where the program called for it."""

    id: int
    address: str
    size: int
    function: str
    allocated: int
    freed: int | None
    thread: int
    site: str


class ShownSite(msgspec.Struct):
    """A place that allocates: how many blocks and bytes in all, and how many of them exist to
    the end of the trace."""

    site: str
    function: str
    blocks: int = 0
    size: int = 0
    left_blocks: int = 0
    left_size: int = 0


def heap(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    at: Annotated[
        str | None,
        typer.Option(help="Only blocks that exist before this transition.", metavar="WHERE"),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Only blocks that hold this address, at one time or another; registers are "
            "those at --at.",
            metavar="ADDRESS",
        ),
    ] = None,
    leaked: Annotated[
        bool, typer.Option("--leaked", help="Only blocks that exist to the end.")
    ] = False,
    each: Annotated[
        bool, typer.Option("--each", help="Show each block, in the order in which they were made.")
    ] = False,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many lines to show at most.", min=1)
    ] = MOST_LINES,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Show what the program allocates: the places in it that do, with most bytes first, or
    each block.

    Sizes are what was asked for. `left` is what exists to the end of the trace.
    """
    with open_indexed(trace) as server:
        moment = server.trace.transition_count if at is None else context(server, at)
        held = None if address is None else address_of(server, address, moment)
        blocks: Iterable[Allocation] = server.trace.heap
        if at is not None:
            blocks = server.trace.heap.live(moment)
        blocks = (
            block
            for block in blocks
            if (not leaked or block.is_leaked)
            and (held is None or block.address.offset <= held < block.address.offset + block.size)
        )
        console = out()
        if each or held is not None:
            shown = [_shown(block) for block in islice(blocks, count)]
            if json:
                print_json(shown)
                return
            for one in shown:
                _print_block(console, one)
            return
        sites = _sites(blocks)
        if json:
            print_json(sites[:count])
            return
        _print_sites(console, sites, count)


def _sites(blocks: Iterable[Allocation]) -> list[ShownSite]:
    """Most bytes first."""
    places: dict[tuple[str, int], ShownSite] = {}
    for block in blocks:
        call = block.allocated
        key = call.function, call._data.return_address
        site = places.get(key)
        if site is None:
            site = places[key] = ShownSite(_site(call), call.function)
        site.blocks += 1
        site.size += block.size
        if block.is_leaked:
            site.left_blocks += 1
            site.left_size += block.size
    return sorted(places.values(), key=lambda site: (-site.size, site.site))


def _site(call: HeapCall) -> str:
    location = call.caller
    return "?" if location is None else _named(location)


def _named(location: Location) -> str:
    if location.file is None:
        return str(location)
    return f"{location}  {Path(location.file).name}:{location.line}"


def _shown(block: Allocation) -> ShownAllocation:
    call, freed = block.allocated, block.freed
    return ShownAllocation(
        id=block.id,
        address=f"{block.address.offset:#x}",
        size=block.size,
        function=call.function,
        allocated=call._data.first_context,
        freed=None if freed is None else freed._data.first_context,
        thread=call.thread,
        site=_site(call),
    )


def _print_block(console: Console, block: ShownAllocation) -> None:
    end = "" if block.freed is None else f" … [number]#{block.freed}[/]"
    console.print(
        f"[address]{block.address:>14}[/]  {size_text(block.size):>9}  {escape(block.function)}  "
        f"[number]#{block.allocated}[/]{end}  [symbol]{escape(block.site)}[/]"
    )


def _print_sites(console: Console, sites: list[ShownSite], count: int) -> None:
    console.print(f"[label]{'blocks':>9}  {'bytes':>9}  {'left':>9}  {'bytes':>9}  place[/]")
    for site in sites[:count]:
        console.print(
            f"{site.blocks:>9,}  {size_text(site.size):>9}  {site.left_blocks:>9,}  "
            f"{size_text(site.left_size):>9}  {escape(site.function)} "
            f"[symbol]{escape(site.site)}[/]"
        )
    blocks, size = sum(site.blocks for site in sites), sum(site.size for site in sites)
    more = f", {plural(len(sites) - count, 'more place')}" if len(sites) > count else ""
    console.print(f"[label]in all {plural(blocks, 'block')}, {size_text(size)}{more}[/]")
