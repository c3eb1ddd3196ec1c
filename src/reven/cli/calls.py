# SPDX-License-Identifier: Apache-2.0
"""`reven calls`: who called whom, how often, and for how long."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.tree import Tree

import reven2
from reven.cli.shared.console import count_text, escape, out, print_line
from reven.cli.shared.moments import bounds
from reven.cli.shared.opening import index_calls
from reven.errors import CommandError
from reven2.calltree import CallTree, CallTreeNode

PANEL = "Look"

DEFAULT_DEPTH = 8
DEFAULT_LEAST = 1


class NoSuchCalls(CommandError):
    """The options leave no calls."""


def calls(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    symbol: Annotated[
        str | None,
        typer.Option(
            help="Begin with the functions whose name this regular expression finds; without "
            "it, with what the threads began with.",
            metavar="PATTERN",
        ),
    ] = None,
    depth: Annotated[
        int, typer.Option(help="How many levels of calls to show.", min=0)
    ] = DEFAULT_DEPTH,
    thread: Annotated[int | None, typer.Option(help="Only this thread.", metavar="N")] = None,
    start: Annotated[
        str,
        typer.Option("--from", help="Look at the transitions from this one on.", metavar="WHERE"),
    ] = "first",
    stop: Annotated[
        str | None,
        typer.Option("--to", help="Look at the transitions before this.", metavar="WHERE"),
    ] = None,
    least: Annotated[
        float,
        typer.Option(
            help="Leave out what takes less than this part of all transitions.",
            metavar="PERCENT",
            min=0,
            max=100,
        ),
    ] = DEFAULT_LEAST,
    folded: Annotated[
        bool,
        typer.Option(
            "--folded",
            help="Print folded stacks, which flame graph tools read: everything, not only what "
            "--depth and --least leave.",
        ),
    ] = False,
) -> None:
    """Show the tree of calls: how often, and how many transitions in all and by themselves.

    Calls of a function from the same place are one line. What a function called is below it,
    the longest first. Transitions are those of the thread; a function that lasts to the end
    counts up to there.
    """
    with reven2.open(trace) as server:
        index_calls(trace)
        begin, end = bounds(server, start, stop)
        tree = server.trace.call_tree(
            symbol, begin, end, thread=thread, depth=None if folded else depth
        )
        if not tree.roots:
            raise NoSuchCalls("no calls there: give another --symbol, --thread, --from or --to")
        if folded:
            for path, count in _folded(tree).items():
                print_line(f"{path} {count}")
        else:
            _print(server, tree, least)
        if tree.is_cut:
            raise NoSuchCalls("the tree is too large: give --symbol, --from, --to or a --depth")


def _folded(tree: CallTree) -> Counter[str]:
    """How many transitions of its own each stack has: `thread 1;main;parse`."""
    counts: Counter[str] = Counter()
    waiting = [(node, f"thread {node.thread}") for node in reversed(tree.roots)]
    while waiting:
        node, above = waiting.pop()
        path = f"{above};{node.name.replace(';', ':')}"
        if node.own:
            counts[path] += node.own
        waiting += [(child, path) for child in reversed(node.children)]
    return counts


def _print(server: reven2.OpenTrace, tree: CallTree, least: float) -> None:
    console = out()
    threads = {root.thread for root in tree.roots}
    for thread in sorted(threads):
        roots = [root for root in tree.roots if root.thread == thread]
        whole = sum(root.total for root in roots)
        trunk = Tree(f"[label]thread {thread}: {count_text(whole)} transitions[/]")
        _grow(trunk, roots, whole, whole * least / 100)
        console.print(trunk)


def _grow(onto: Tree, nodes: list[CallTreeNode], whole: int, least: float) -> None:
    waiting = [(onto, nodes)]
    while waiting:
        branch, siblings = waiting.pop()
        ordered = sorted(siblings, key=lambda node: -node.total)
        for node in ordered:
            if node.total >= least:
                waiting.append((branch.add(_line(node, whole)), node.children))
        small = sum(node.count for node in ordered if node.total < least)
        if small:
            branch.add(f"[label]… {count_text(small)} shorter[/]")


def _line(node: CallTreeNode, whole: int) -> str:
    kind = "" if node.kind in ("call", "start") else f"  [event]{node.kind}[/]"
    return (
        f"[symbol]{escape(node.name)}[/]{kind}  {100 * node.total / max(whole, 1):.1f} %  "
        f"[number]{count_text(node.total)}[/] in all, [number]{count_text(node.own)}[/] own, "
        f"[number]{count_text(node.count)}[/] ×  [label]#{node.first_transition}[/]"
    )
