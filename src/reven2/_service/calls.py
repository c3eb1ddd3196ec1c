# SPDX-License-Identifier: Apache-2.0
"""Calls: who called whom, when, and for how long."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.declared import query

CallKind = Literal["call", "tail", "signal", "start", "unknown"]
"""`call`: by a call instruction; `tail`: a jump to another function in place of a call and
return; `signal`: a handler; `start`: what a thread began with (its creation: the trace's
start or `clone`); `unknown`: was there before the trace began."""


class CallData(msgspec.Struct, frozen=True):
    """One activation of a function.

    `id` numbers calls in the order of their beginning, over all threads. `transition` is the
    call instruction (or signal, or jump) that created it, None for what was there before.
    `first_context` is the first in which the activation is on top. `end_transition` is the
    transition that left it for good (`ret`, the jump of a tail call that replaced it, the
    `longjmp` or unwinding that discarded it), None if it lasts to the end of the trace.
    `depth` counts the activations below it in its thread. `stack_pointer` is rsp in
    `first_context` (where its return address stands). `function` is the address entered.
    """

    id: int
    parent: int | None
    kind: CallKind
    thread: int
    transition: int | None
    first_context: int
    end_transition: int | None
    depth: int
    function: int
    return_address: int | None
    stack_pointer: int


class CallPage(msgspec.Struct, frozen=True):
    """Calls by ascending id; `next`: id to go on with, None at the end."""

    calls: list[CallData]
    next: int | None


class CallTreeNode(msgspec.Struct, frozen=True):
    """Activations of a function from the same place of the tree of calls, taken together.

    `parent` is the index of the node that called it, None for a root. `total` counts the
    transitions that the thread was in it or in what it called, `own` those in itself and in
    what is left out below it. `first_call` is the id of the first activation.
    """

    parent: int | None
    thread: int
    function: int
    kind: CallKind
    first_call: int
    count: int
    total: int
    own: int


class CallTree(msgspec.Struct, frozen=True):
    """Nodes, each after its parent; `is_cut`: there were more than asked for."""

    nodes: list[CallTreeNode]
    is_cut: bool


class FrameData(msgspec.Struct, frozen=True):
    """A frame of a stack at a context. `pc`: where it stands (the top frame's rip, elsewhere
    the return address into it). `type` as `reven2.stack.StackFrameType`."""

    type: Literal["Call", "Interrupt", "Manual", "Damaged", "Unknown"]
    call: int | None
    first_context: int
    creation_transition: int | None
    pc: int
    function: int | None
    stack_pointer: int


class CallService(Protocol):
    """Queries on the call index."""

    @query(slow=True)
    def calls(
        self,
        start: int,
        stop: int,
        *,
        thread: int | None,
        shortest: int,
        deepest: int,
        first: int,
        limit: int,
    ) -> CallPage:
        """Calls that overlap the transitions [start, stop), of one thread or of all, which
        last at least `shortest` transitions and are not deeper than `deepest`; ids from
        `first` on. A timeline asks with `shortest` = transitions per pixel."""

    @query(slow=True)
    def call(self, id: int) -> CallData: ...

    @query(slow=True)
    def call_at(self, context: int) -> CallData | None:
        """The activation on top in a context."""

    @query(slow=True)
    def entered_call(self, transition: int) -> CallData | None:
        """The activation whose function a transition goes to the beginning of, with the stack
        as a call leaves it: by the call, by a jump in place of one, by that of a PLT stub."""

    @query(slow=True)
    def frame_end(self, id: int) -> int | None:
        """The transition that ends the frame of an activation: its own end, or that of the last
        of the functions by which jumps replaced it. None: it lasts to the end of the trace."""

    @query(slow=True)
    def frame_start(self, id: int) -> CallData:
        """The activation that created the frame of another: that one itself, or the first of
        those that jumps replaced until it began."""

    @query(slow=True)
    def frames(self, context: int) -> list[FrameData]:
        """The active stack in a context, top first."""

    @query(slow=True)
    def calls_of(
        self, functions: list[tuple[int, int]], start: int, stop: int, *, forward: bool, limit: int
    ) -> CallPage:
        """Activations of the functions entered within an address range [low, high) of these,
        whose creation lies in [start, stop), in the direction. `next` here: the transition to
        go on with, as `start` or `stop`."""

    @query(slow=True)
    def call_children(self, id: int, *, first: int | None, limit: int, forward: bool) -> CallPage:
        """The activations that one called, ids from `first` on or, backward, below it; None:
        all."""

    @query(scans=True)
    def call_tree(
        self,
        start: int,
        stop: int,
        *,
        thread: int | None,
        deepest: int,
        roots: list[tuple[int, int]],
        limit: int,
    ) -> CallTree:
        """Calls of the transitions [start, stop) by their place in the tree, down to `deepest`
        below a root, at most `limit` nodes. `roots`: address ranges [low, high) of functions
        to begin with; none: what the threads began with."""

    @query(slow=True)
    def stack_change(self, context: int, forward: bool) -> int | None:
        """The context in which the thread that runs came to the stack it is on, or, forward,
        in which it is on another one for the first time."""

    @query(slow=True)
    def step(self, transition: int, *, forward: bool, over: bool) -> int | None:
        """The next or previous transition of the same thread; `over`: past whatever it calls."""
