# SPDX-License-Identifier: Apache-2.0
"""What happens to the frames of a stack: the classes of `reven2.stack` for that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reven2._service import CallData

if TYPE_CHECKING:
    from reven2.stack import StackFrame
    from reven2.trace import Context, Trace, Transition

__all__ = ["DescendantEvents", "FrameEnd", "FrameStart"]

_PAGE = 1000
_DEEPEST = (1 << 32) - 1


class FrameStart:
    """The start of a frame. Not meant to be constructed directly: `StackFrame.start_event` and
    `StackFrame.descendant_events` give it.

    Attributes:
        frame: the frame.
    """

    __slots__ = ("frame",)

    def __init__(self, frame: StackFrame) -> None:
        self.frame = frame

    @property
    def transition(self) -> Transition | None:
        """The transition that created the frame; None where it is not known."""
        return self.frame.creation_transition

    @property
    def context(self) -> Context:
        """The first context in which the frame exists."""
        return self.frame.first_context

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameStart) and self.frame == other.frame

    def __hash__(self) -> int:
        return hash(("start", self.frame))

    def __repr__(self) -> str:
        return f"FrameStart({str(self.frame)!r})"


class FrameEnd:
    """The end of a frame. Not meant to be constructed directly: `StackFrame.end_event` and
    `StackFrame.descendant_events` give it.

    Attributes:
        frame: the frame.
    """

    __slots__ = ("frame",)

    def __init__(self, frame: StackFrame) -> None:
        self.frame = frame

    @property
    def transition(self) -> Transition:
        """The transition that ends the frame: its `ret`, the jump to the function that replaced
        it, or the `longjmp` or unwinding that discards it."""
        return self.frame._context._trace.transition(self.context._id)

    @property
    def context(self) -> Context:
        """The last context in which the frame exists."""
        return self.frame.last_context

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameEnd) and self.frame == other.frame

    def __hash__(self) -> int:
        return hash(("end", self.frame))

    def __repr__(self) -> str:
        return f"FrameEnd({str(self.frame)!r})"


class DescendantEvents(Iterator["FrameStart | FrameEnd"]):
    """The events below a frame. Not meant to be constructed directly:
    `StackFrame.descendant_events` gives it."""

    def __init__(self, trace: Trace, call: CallData | None) -> None:
        self._trace, self._root = trace, call
        self._skips = False
        self._from = 0 if call is None else call.first_context
        self._calls = self._below()
        self._path: list[CallData] = []  # started and not ended, from the outermost
        self._next = next(self._calls, None)

    def skip_children(self) -> None:
        """Leave out what is below the frame that has started last, if it has not ended yet. Its
        end still comes."""
        if not self._path:
            return
        self._from = self._trace.transition_count + 1
        end = self._path[-1].end_transition
        if end is not None:
            self._from = end + 1
        while self._next is not None and self._next.first_context < self._from:
            self._next = next(self._calls, None)

    def __next__(self) -> FrameStart | FrameEnd:
        from reven2.stack import frame_of

        if self._path:
            end = self._path[-1].end_transition
            if end is not None and (self._next is None or end < self._next.first_context):
                return FrameEnd(frame_of(self._trace, self._path.pop()))
        if self._next is None:
            raise StopIteration
        started = self._next
        self._path.append(started)
        self._next = next(self._calls, None)
        return FrameStart(frame_of(self._trace, started))

    def _below(self) -> Iterator[CallData]:
        """The calls below, in order."""
        root = self._root
        if root is None:
            return
        stop = self._trace.transition_count
        if root.end_transition is not None:
            stop = root.end_transition + 1
        active = [root]
        first: int | None = root.id + 1
        while first is not None and self._from < stop:
            page = self._trace._service.calls(
                self._from,
                stop,
                thread=root.thread,
                shortest=0,
                deepest=_DEEPEST,
                first=first,
                limit=_PAGE,
            )
            for call in page.calls:
                while len(active) > 1 and _has_ended(active[-1], call):
                    active.pop()
                # A coroutine's calls belong to what it began with, not to what resumed it.
                if call.parent == active[-1].id:
                    active.append(call)
                    yield call
            first = page.next


def _has_ended(one: CallData, when: CallData) -> bool:
    return one.end_transition is not None and one.end_transition < when.first_context
