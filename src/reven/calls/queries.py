# SPDX-License-Identifier: Apache-2.0
"""`CallService`: who called whom, on the native index of calls."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from reven import _engine
from reven.trace.opened import OpenedTrace, translated
from reven.trace.stopping import Progress, acquired, keep_going
from reven2._service.calls import CallData, CallPage, CallTree, CallTreeNode, FrameData

__all__ = ["CallQueries"]

_DEEPEST = (1 << 32) - 1
_COLD = ".cold"


class CallQueries(OpenedTrace):
    """See `reven2._service.calls`."""

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
        with translated():
            return _page(
                self._calls().calls(
                    start,
                    stop,
                    thread=thread,
                    shortest=shortest,
                    deepest=min(deepest, _DEEPEST),
                    first=first,
                    limit=limit,
                    progress=keep_going,
                )
            )

    def call(self, id: int) -> CallData:
        with translated():
            return _call(self._calls().call(id))

    def call_at(self, context: int) -> CallData | None:
        with translated():
            found = self._calls().call_at(context)
            return None if found is None else _call(found)

    def entered_call(self, transition: int) -> CallData | None:
        with translated():
            found = self._calls().entered_by(transition)
            return None if found is None else _call(found)

    def frame_end(self, id: int) -> int | None:
        with translated():
            return self._calls().frame_end(id, keep_going)

    def frame_start(self, id: int) -> CallData:
        with translated():
            return _call(self._calls().frame_start(id, keep_going))

    def frames(self, context: int) -> list[FrameData]:
        with translated():
            return [
                FrameData(
                    type=frame.type,
                    call=frame.call,
                    first_context=frame.first_context,
                    creation_transition=frame.creation_transition,
                    pc=frame.pc,
                    function=frame.function,
                    stack_pointer=frame.stack_pointer,
                )
                for frame in self._calls().frames(context)
            ]

    def calls_of(
        self, functions: list[tuple[int, int]], start: int, stop: int, *, forward: bool, limit: int
    ) -> CallPage:
        with translated():
            return _page(
                self._calls().calls_of(
                    functions, start, stop, forward=forward, limit=limit, progress=keep_going
                )
            )

    def call_children(self, id: int, *, first: int | None, limit: int, forward: bool) -> CallPage:
        with translated():
            calls = self._calls()
            parent = calls.call(id)
            stop = self.transition_count()
            if parent.end_transition is not None:
                stop = parent.end_transition + 1
            return _page(
                calls.calls(
                    parent.first_context,
                    stop,
                    deepest=parent.depth + 1,
                    parent=id,
                    first=max(first or 0, id + 1) if forward else first or len(calls),
                    limit=limit,
                    forward=forward,
                    progress=keep_going,
                )
            )

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
        with translated():
            nodes, is_cut = self._calls().tree(
                start,
                stop,
                thread=thread,
                deepest=min(deepest, _DEEPEST),
                roots=roots,
                limit=limit,
                progress=keep_going,
            )
        return CallTree(
            [
                CallTreeNode(
                    parent=node.parent,
                    thread=node.thread,
                    function=node.function,
                    kind=node.kind,
                    first_call=node.first_call,
                    count=node.count,
                    total=node.total,
                    own=node.own,
                )
                for node in nodes
            ],
            is_cut,
        )

    def stack_change(self, context: int, forward: bool) -> int | None:
        with translated():
            return self._calls().stack_change(context, forward)

    def step(self, transition: int, *, forward: bool, over: bool) -> int | None:
        with translated():
            return self._calls().step(transition, forward=forward, over=over, progress=keep_going)

    def build_calls(self, progress: Progress | None, threads: int = 2) -> None:
        """Build what is missing of the index of calls; queries do so by themselves."""
        if self._is_imported():
            return
        with translated():
            self._calls(progress, threads)

    def _calls(self, progress: Progress | None = keep_going, threads: int = 2) -> _engine.Calls:
        self._need_instructions("calls cannot be found in it")
        calls, building = self._kept("calls", self._open_calls)
        # A query that waits for another to build the index would not notice being stopped.
        while not calls.complete:
            with acquired(building):
                if not calls.complete:
                    functions, stubs = self.function_starts()
                    calls.build(functions, stubs, progress=progress, threads=threads)
        return calls

    def _open_calls(self) -> tuple[_engine.Calls, threading.Lock]:
        with translated():
            return _engine.Calls(self._trace()), threading.Lock()

    def function_starts(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Addresses of all functions, ascending, and those of PLT stubs among them."""
        functions: set[int] = set()
        stubs: set[int] = set()
        parts: set[int] = set()
        for address, symbol in self._ossi().entries_of_functions():
            # The rarely executed part of a function is not called.
            if _COLD in symbol.name:
                parts.add(address)
                continue
            functions.add(address)
            if symbol.kind == "plt":
                stubs.add(address)
        # What is called by jumps only has no other trace in a stripped binary.
        functions.update(set(self._ossi().unwound_functions()) - parts)
        return (
            np.array(sorted(functions), dtype=np.uint64),
            np.array(sorted(stubs), dtype=np.uint64),
        )


def _call(found: _engine.Call) -> CallData:
    return CallData(
        id=found.id,
        parent=found.parent,
        kind=found.kind,
        thread=found.thread,
        transition=found.transition,
        first_context=found.first_context,
        end_transition=found.end_transition,
        depth=found.depth,
        function=found.function,
        return_address=found.return_address,
        stack_pointer=found.stack_pointer,
    )


def _page(found: _engine.CallPage) -> CallPage:
    return CallPage([_call(call) for call in found.calls], found.next)
