# SPDX-License-Identifier: Apache-2.0
"""The call index."""

from typing import Literal

from reven._engine import U64, Progress, Trace

class Call:
    """One activation of a function."""

    id: int
    parent: int | None
    kind: Literal["call", "tail", "signal", "start", "unknown"]
    thread: int
    transition: int | None
    first_context: int
    end_transition: int | None
    depth: int
    function: int
    return_address: int | None
    stack_pointer: int

class CallPage:
    calls: list[Call]
    next: int | None

class Frame:
    type: Literal["Call", "Interrupt", "Manual", "Damaged", "Unknown"]
    call: int | None  # id
    first_context: int
    creation_transition: int | None
    pc: int
    function: int | None
    stack_pointer: int

class CallTreeNode:
    parent: int | None  # index
    thread: int
    function: int
    kind: Literal["call", "tail", "signal", "start", "unknown"]
    first_call: int
    count: int
    total: int
    own: int

class Calls:
    """The calls of a trace, by an index of its own (calls.bin). Safe to use from several
    threads. Queries answer from what is built."""

    complete: bool  # the index covers every segment
    size_on_disk: int  # bytes

    def __init__(self, trace: Trace) -> None: ...
    def __len__(self) -> int: ...
    def build(
        self, functions: U64, stubs: U64, progress: Progress | None = None, threads: int = 2
    ) -> None:
        """Build what is missing. `functions`: addresses where functions begin, ascending;
        `stubs`: those of PLT stubs among them."""
    def call(self, id: int) -> Call:
        """IndexError if there is none."""
    def call_at(self, context: int) -> Call | None: ...
    def frames(self, context: int) -> list[Frame]:
        """The active stack, top first; at least one."""
    def stack_change(self, context: int, forward: bool) -> int | None: ...
    def calls(
        self,
        start: int,
        stop: int,
        *,
        thread: int | None = None,
        shortest: int = 0,
        deepest: int = ...,
        parent: int | None = None,
        first: int = 0,
        limit: int = 1000,
        forward: bool = True,
        progress: Progress | None = None,
    ) -> CallPage: ...
    def calls_of(
        self,
        functions: list[tuple[int, int]],
        start: int,
        stop: int,
        *,
        forward: bool = True,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> CallPage: ...
    def tree(
        self,
        start: int,
        stop: int,
        *,
        thread: int | None = None,
        deepest: int = ...,
        roots: list[tuple[int, int]] = ...,
        limit: int = 100000,
        progress: Progress | None = None,
    ) -> tuple[list[CallTreeNode], bool]: ...
    def step(
        self, transition: int, *, forward: bool, over: bool, progress: Progress | None = None
    ) -> int | None: ...
    def frame_end(self, id: int, progress: Progress | None = None) -> int | None:
        """The end of a call, or that of the last function that jumps replaced it by."""
    def frame_start(self, id: int, progress: Progress | None = None) -> Call:
        """The call itself, or the first of those that jumps replaced until it began."""
    def entered_by(self, transition: int) -> Call | None:
        """The call whose function a transition goes to the beginning of."""
