# SPDX-License-Identifier: Apache-2.0
"""The tree of calls: who called whom, taken together. An addition to the documented
interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._service import CallTreeNode as CallTreeData
from reven2._service.calls import CallKind
from reven2.call import Call

if TYPE_CHECKING:
    from reven2.trace import Trace

__all__ = ["CallTree", "CallTreeNode"]

NODES_LIMIT = 100_000


class CallTreeNode:
    """The calls of a function from one place of the tree. Not meant to be constructed
    directly: `Trace.call_tree` gives them.

    Attributes:
        children: what these called, in the order of their first call.
    """

    __slots__ = ("_data", "_name", "_trace", "children")

    def __init__(self, trace: Trace, data: CallTreeData) -> None:
        self._trace, self._data = trace, data
        self._name: str | None = None
        self.children: list[CallTreeNode] = []

    @property
    def name(self) -> str:
        """The function's name, or its address where there is no symbol."""
        if self._name is None:
            location = self.first_call.location
            symbol = None if location is None else location.symbol
            if symbol is not None:
                self._name = symbol.name
            else:
                self._name = f"{self._data.function:#x}" if location is None else str(location)
        return self._name

    @property
    def address(self) -> int:
        """The address that was entered."""
        return self._data.function

    @property
    def thread(self) -> int:
        """Number of the thread, from 1."""
        return self._data.thread

    @property
    def kind(self) -> CallKind:
        """How the first of them came to be, as `Call.kind`."""
        return self._data.kind

    @property
    def first_call(self) -> Call:
        """The first of these calls."""
        return Call(self._trace, self._trace._service.call(self._data.first_call))

    @property
    def first_transition(self) -> int:
        """Number of the first transition inside."""
        return self.first_call._data.first_context

    @property
    def count(self) -> int:
        """How many calls."""
        return self._data.count

    @property
    def total(self) -> int:
        """Transitions of the thread in them and in what they called."""
        return self._data.total

    @property
    def own(self) -> int:
        """Transitions of the thread in them, and in what is left out below."""
        return self._data.own

    def __repr__(self) -> str:
        return f"CallTreeNode({self.name!r}, count={self.count}, total={self.total})"


class CallTree:
    """A tree of calls. Not meant to be constructed directly: `Trace.call_tree` gives it.

    Attributes:
        roots: the first nodes.
        is_cut: whether there were more nodes than a tree may have, 100,000.
    """

    __slots__ = ("is_cut", "roots")

    def __init__(self, roots: list[CallTreeNode], is_cut: bool) -> None:
        self.roots, self.is_cut = roots, is_cut

    def __repr__(self) -> str:
        return f"CallTree({self.roots!r})"


def call_tree(
    trace: Trace,
    roots: list[tuple[int, int]],
    start: int,
    stop: int,
    *,
    thread: int | None,
    depth: int | None,
) -> CallTree:
    """What `Trace.call_tree` gives."""
    found = trace._service.call_tree(
        start,
        stop,
        thread=thread,
        deepest=(1 << 32) - 1 if depth is None else depth,
        roots=roots,
        limit=NODES_LIMIT,
    )
    nodes = [CallTreeNode(trace, data) for data in found.nodes]
    tree = CallTree([], found.is_cut)
    for node in nodes:
        above = node._data.parent
        (tree.roots if above is None else nodes[above].children).append(node)
    return tree
