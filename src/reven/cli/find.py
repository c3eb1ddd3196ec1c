# SPDX-License-Identifier: Apache-2.0
"""`reven find`: what the recorded program does wrong with memory."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from reven.cli.shared.console import err, escape, out, plural, print_json
from reven.cli.shared.opening import open_indexed
from reven2.heap import HeapCall
from reven2.preview import bugs
from reven2.stack import Stack

PANEL = "Find"

FOUND = 1
MOST_BUGS = 100
FRAMES = 8
HOPS = 8


class Kind(Enum):
    """What to look for; the values of `BugKind`, and all of them."""

    overflow = "overflow"
    use_after_free = "use-after-free"
    double_free = "double-free"
    uninitialized = "uninitialized"
    all = "all"


class ShownCall(msgspec.Struct, frozen=True):
    """A call that allocated or freed: its call transition and stack, a line each."""

    function: str
    transition: int
    stack: list[str]


class ShownBug(msgspec.Struct, frozen=True):
    """What `--json` prints of a bug. `text` says all of it in a line; `count`: how often the
    instruction did the same to the same block; `branch`: the jump that an uninitialized value
    decides; `origin`: where the pointer, or that value, comes from, the latest step first."""

    kind: str
    text: str
    transition: int
    thread: int
    address: str
    size: int
    is_write: bool
    count: int
    branch: int | None
    stack: list[str]
    allocated: ShownCall | None
    freed: ShownCall | None
    origin: list[str]


def find(
    kind: Annotated[Kind, typer.Argument(help="What to look for.", metavar="KIND")],
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many to show at most, of each kind.", min=1)
    ] = MOST_BUGS,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a bug.")
    ] = False,
) -> None:
    """Look for bugs: overflow, use-after-free, double-free, uninitialized, or all of them.

    Each is shown with the transition that does it, the call stacks there and where the block
    was allocated and freed, and where the pointer, or an uninitialized value, comes from. The
    exit status is 1 if there is one.
    """
    kinds = list(bugs.BugKind) if kind is Kind.all else [bugs.BugKind(kind.value)]
    with open_indexed(trace) as server:
        found = [
            _shown(bug) for one in kinds for bug in islice(bugs.find(server.trace, one), count)
        ]
    if json:
        print_json(found)
    else:
        console = out()
        for bug in found:
            _print(console, bug)
        names = ", ".join(one.value for one in kinds)
        err().print(f"{plural(len(found), 'bug')} found, looking for {names}.")
    if found:
        raise typer.Exit(FOUND)


def _shown(bug: bugs.Bug) -> ShownBug:
    block, branch = bug.allocation, bug.branch
    freed = None if block is None else block.freed
    is_freed = freed is not None and freed.first_context <= bug.context
    return ShownBug(
        kind=bug.kind.value,
        text=str(bug),
        transition=bug.transition.id,
        thread=bug.thread,
        address=f"{bug.address.offset:#x}",
        size=bug.size,
        is_write=bug.is_write,
        count=bug.count,
        branch=None if branch is None else branch.id,
        stack=_frames(bug.stack),
        allocated=None if block is None else _call(block.allocated),
        freed=_call(freed) if freed is not None and is_freed else None,
        origin=_origin(bug),
    )


def _origin(bug: bugs.Bug) -> list[str]:
    origin = bug.origin(HOPS)
    if origin is None:
        return []
    made = None if bug.allocation is None else bug.allocation.allocated
    lines: list[str] = []
    for hop in origin:
        if made is not None and hop.transition is not None and made.last_context is not None:
            moment = hop.transition.context_before()
            if made.first_context <= moment < made.last_context:
                return [*lines, f"what {made.function} returned at #{made.last_context._id}"]
        lines.append(str(hop))
    return lines if origin.is_complete else [*lines, "…"]


def _call(call: HeapCall) -> ShownCall:
    return ShownCall(call.function, call.transition.id, _frames(call.stack))


def _frames(stack: Stack) -> list[str]:
    return [str(frame) for frame in islice(stack.frames(), FRAMES)]


def _print(console: Console, bug: ShownBug) -> None:
    number, _, text = bug.text.partition(" ")
    times = f"  [label]{bug.count} times[/]" if bug.count > 1 else ""
    console.print(f"[bad]{bug.kind}[/]  [number]{number}[/]  {escape(text)}{times}")
    for line in _stacks(bug):
        console.print(line)
    console.print()


def _stacks(bug: ShownBug) -> Iterator[str]:
    yield from _lines("there:", bug.stack)
    for word, call in (("allocated", bug.allocated), ("freed", bug.freed)):
        if call is not None:
            yield from _lines(
                f"{word} by {call.function}, called at #{call.transition}:", call.stack
            )
    if bug.origin:
        what = "value" if bug.branch is not None else "pointer"
        yield from _lines(f"where the {what} comes from, the latest first:", bug.origin)


def _lines(title: str, stack: list[str]) -> Iterator[str]:
    yield f"  [label]{escape(title)}[/]"
    for frame in stack:
        yield f"    {escape(frame)}"
