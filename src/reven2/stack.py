# SPDX-License-Identifier: Apache-2.0
"""Call stacks: which functions are active at a moment, since when, and what they called."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from reven2._inlined import SourceFrame, source_frames
from reven2._printable import escape, printable
from reven2._service import CallData, FrameData
from reven2._stack_events import DescendantEvents, FrameEnd, FrameStart
from reven2.ossi.ossi import Location, Symbol

if TYPE_CHECKING:
    from reven2.call import Call
    from reven2.trace import Context, Trace, Transition

__all__ = [
    "DescendantEvents",
    "FrameEnd",
    "FrameStart",
    "SourceFrame",
    "Stack",
    "StackFrame",
    "StackFrameType",
]

_PAGE = 1000
_FrameType = Literal["Call", "Interrupt", "Manual", "Damaged", "Unknown"]
_TYPES: dict[str, _FrameType] = {
    "call": "Call",
    "tail": "Call",
    "signal": "Interrupt",
    "unknown": "Unknown",
}


class StackFrameType(enum.Enum):
    """How a frame came to be.

    Members:
        Call: by a call.
        Interrupt: by a signal, whose handler it is.
        Manual: on a stack that was not the active one, such as a coroutine's.
        Damaged: its return address was overwritten while its stack was not the active one.
        Unknown: it exists, but its creation is not in the trace.
    """

    Call = "Call"
    Interrupt = "Interrupt"
    Manual = "Manual"
    Damaged = "Damaged"
    Unknown = "Unknown"


class Stack:
    """The stack that the stack pointer is in at a context. `str` gives its backtrace,
    with the functions that the compiler inlined.

    A thread may have several: its own, that of its signal handlers (`sigaltstack`), those of
    coroutines. Not meant to be constructed directly: it is `Context.stack`.
    """

    __slots__ = ("_context", "_found", "_source")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: list[StackFrame] | None = None
        self._source: list[SourceFrame] | None = None

    def frames(self) -> Iterator[StackFrame]:
        """The frames from the top, where the program counter is, down to the first that is
        known. A function that was replaced by what it jumped to has none any more."""
        return iter(self._frames())

    def frame(self) -> StackFrame:
        """The frame on top, that of the function in which the program counter is."""
        return self._frames()[0]

    def source_frames(self) -> list[SourceFrame]:
        """The functions of the source that are active, from the top, as a debugger shows them:
        those of `frames()`, and above each the functions that the compiler inlined where it
        stands. An addition to the documented interface."""
        if self._source is None:
            self._source = source_frames(self._context, self._frames())
        return list(self._source)

    def prev_stack(self) -> Stack | None:
        """The stack that the thread was on before it came to this one, as it was then; None if
        there is none."""
        change = self._change(is_forward=False)
        return None if change is None else Stack(self._context._at(change - 1))

    def next_stack(self) -> Stack | None:
        """The stack that the thread goes to from this one, as it is when it gets there; None if
        there is none."""
        change = self._change(is_forward=True)
        return None if change is None else Stack(self._context._at(change))

    def _frames(self) -> list[StackFrame]:
        if self._found is None:
            frames = self._context._trace._service.frames(self._context._id)
            above: str | None = None
            self._found = []
            for index, frame in enumerate(frames):
                # Below a call, pc is where it returns to: the call itself stands before it.
                is_after_call = index > 0 and above != StackFrameType.Interrupt.value
                self._found.append(StackFrame(self._context, frame, index, is_after_call))
                above = frame.type
        return self._found

    def _change(self, *, is_forward: bool) -> int | None:
        return self._context._trace._service.stack_change(self._context._id, is_forward)

    def __str__(self) -> str:
        return "\n".join(map(str, self.source_frames()))

    def __repr__(self) -> str:
        return f"Stack({self._context})"

    def format_as_html(self) -> str:
        """The backtrace as a table, with links to the transitions that created the frames."""
        rows = "".join(
            f'<tr><td>{index}</td><td style="text-align:left">{frame.format_as_html()}</td></tr>'
            for index, frame in enumerate(self.source_frames())
        )
        return f'<table class="reven-table"><tbody>{rows}</tbody></table>'

    def _repr_html_(self) -> str:
        return self.format_as_html()


class StackFrame:
    """One active function of a stack. Not meant to be constructed directly: `Stack.frames`,
    `Stack.frame`, `parent`, `children` and events give them.

    Frames are equal if they are the same activation. A function that ends with a jump to
    another one, in place of calling it and returning, ends there, and that one's frame is the
    next child of the same parent; it ends with the `ret` that returns to the caller.

    `str` has, in a backtrace, its number, where it stands and since when:
    `1  prog!main+0x2a  prog.c:14  since #105820`. Elsewhere it has no number, and stands at its
    beginning.
    """

    __slots__ = ("_call_data", "_context", "_data", "_index", "_is_after_call")

    def __init__(
        self,
        context: Context,
        data: FrameData,
        index: int | None = None,
        is_after_call: bool = False,
    ) -> None:
        self._context, self._data = context, data
        self._index, self._is_after_call = index, is_after_call
        self._call_data: CallData | None = None

    @property
    def type(self) -> StackFrameType:
        """How it came to be."""
        return StackFrameType(self._data.type)

    @property
    def first_context(self) -> Context:
        """The context in which it is on top of the active stack for the first time; of an
        Unknown frame, in which it is first seen."""
        return self._context._at(self._data.first_context)

    @property
    def first_executed_context(self) -> Context:
        """The first context in which it is the frame itself that runs, not one that it called.
        That is `first_context`: the trace knows of a frame from when it runs."""
        return self.first_context

    @property
    def last_context(self) -> Context:
        """The last context in which it exists: the one before its `ret` (or before what else
        ends it), or the last one of the trace."""
        end = self._end()
        trace = self._context._trace
        return trace.last_context if end is None else self._context._at(end)

    @property
    def creation_transition(self) -> Transition | None:
        """The transition that created it (a call, a signal, a jump in place of a call), which
        leads to `first_context`; None where it is not known."""
        number = self._data.creation_transition
        return None if number is None else self._context._trace.transition(number)

    @property
    def start_event(self) -> FrameStart:
        """The event that started it."""
        return FrameStart(self)

    @property
    def end_event(self) -> FrameEnd | None:
        """The event that ends it; None if it lasts to the end of the trace."""
        return None if self._end() is None else FrameEnd(self)

    @property
    def parent(self) -> StackFrame | None:
        """The frame that created it; None where it is not known, and for what a thread or a
        stack began with."""
        call = self._known_call()
        if call is None or call.parent is None:
            return None
        trace = self._context._trace
        return frame_of(trace, trace._service.call(call.parent))

    def ancestors(self) -> Iterator[StackFrame]:
        """Its parent, the parent of that, and so on."""
        frame = self.parent
        while frame is not None:
            yield frame
            frame = frame.parent

    def children(self) -> Iterator[StackFrame]:
        """The frames that it created, in the order of their start."""
        return self._children(is_forward=True)

    def reversed_children(self) -> Iterator[StackFrame]:
        """The frames that it created, the last one first."""
        return self._children(is_forward=False)

    def descendant_events(self) -> DescendantEvents:
        """The start and the end of each frame below it: its children, theirs, and so on.

        What a function calls directly, and where each of these ends::

            events = next(trace.calls("^main$")).first_context.stack.frame().descendant_events()
            for event in events:
                print(event.transition, event.frame.function_location())
                if isinstance(event, reven2.stack.FrameStart):
                    events.skip_children()

        Returns:
            An iterator over `FrameStart` and `FrameEnd`, in order; its `skip_children()` leaves
            out what is below the frame that has just started. What lasts to the end of the
            trace has no end.
        """
        return DescendantEvents(self._context._trace, self._known_call())

    def function_location(self) -> Location | None:
        """The function that it belongs to: the binary and the symbol of where it was entered;
        behind a PLT stub, of the function that the stub stands for. None where nothing is
        known of that address. Of an Unknown frame, what it was in when it was first seen."""
        call = self._known_call()
        address = self._data.pc if call is None else call.function
        return self.first_context.ossi.location(address)

    def function_start(self) -> Transition | None:
        """The first transition of its function: for a call through a PLT stub, behind the stub.
        None for an Unknown frame, and where the trace ends before."""
        address = self._data.function
        if address is None:
            return None
        trace = self._context._trace
        first = self.first_context
        if first._id == trace.transition_count:
            return None
        if trace.transition(first._id).pc == address:
            return trace.transition(first._id)
        last = self.last_context
        found = next(trace.search.pc(address, first, last), None)
        return None if found is None else found.transition_after()

    @property
    def pc(self) -> int:
        """Where it stands: the program counter of the top frame, below that the address at
        which the frame goes on. An addition to the documented interface."""
        return self._data.pc

    @property
    def stack_pointer(self) -> int:
        """The stack pointer in `first_context`: where the return address stands. An addition to
        the documented interface."""
        return self._data.stack_pointer

    @property
    def location(self) -> Location | None:
        """What `pc` belongs to; below the top, the call that has not returned. An addition to
        the documented interface."""
        return self._context.ossi.location(self._data.pc - self._is_after_call)

    @property
    def function(self) -> Symbol | None:
        """The symbol of its function, None where there is none. An addition to the documented
        interface."""
        location = self.location
        return None if location is None else location.symbol

    @property
    def call(self) -> Call | None:
        """Its call, with caller, duration and what it called; None where it is not known. An
        addition to the documented interface."""
        from reven2.call import Call

        call = self._known_call()
        return None if call is None else Call(self._context._trace, call)

    def _known_call(self) -> CallData | None:
        if self._call_data is None and self._data.call is not None:
            self._call_data = self._context._trace._service.call(self._data.call)
        return self._call_data

    def _end(self) -> int | None:
        call = self._known_call()
        return None if call is None else call.end_transition

    def _children(self, *, is_forward: bool) -> Iterator[StackFrame]:
        call = self._known_call()
        if call is None:
            return
        trace = self._context._trace
        next_id: int | None = None
        while True:
            page = trace._service.call_children(
                call.id, first=next_id, limit=_PAGE, forward=is_forward
            )
            for data in page.calls:
                yield frame_of(trace, data)
            if page.next is None:
                return
            next_id = page.next

    def _place(self) -> str:
        location = self.location
        if location is None:
            return f"{self._data.pc:#x}"
        if not self._is_after_call:
            return str(location)
        # The address after the call may belong to the next function.
        offset = location._data.rva + 1
        name = str(location.binary.name) if location.binary else location._data.region
        if location.symbol is not None:
            name, offset = str(location.symbol), offset - location.symbol.rva
        return f"{name}+{offset:#x}"

    def _parts(self, line: str | None = None) -> Iterator[str]:
        """`line`: where it stands in its own source, if a function was inlined there."""
        yield self._place()
        location = self.location
        if line is not None:
            yield line
        elif location is not None and location.file is not None:
            yield f"{PurePath(location.file).name}:{location.line}"
        if self.type is not StackFrameType.Call:
            yield f"({self.type.value})"

    def __str__(self) -> str:
        return self._text(self._index)

    def _text(self, number: int | None, line: str | None = None) -> str:
        created = self._data.creation_transition
        since = [] if created is None else [f"since #{created}"]
        shown = [] if number is None else [str(number)]
        return printable("  ".join([*shown, *self._parts(line), *since]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StackFrame):
            return NotImplemented
        return self._key() == other._key() and self._context._trace == other._context._trace

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int | None, int]:
        return self._data.call, self._data.first_context

    def __repr__(self) -> str:
        return f"StackFrame({str(self)!r})"

    def format_as_html(self) -> str:
        """The same as `str` without its number, with the transition as a link."""
        return self._html()

    def _html(self, line: str | None = None) -> str:
        created = self.creation_transition
        since = "" if created is None else f" since {created.format_as_html()}"
        return f"<code>{escape('  '.join(self._parts(line)))}</code>{since}"

    def _repr_html_(self) -> str:
        return self.format_as_html()


def frame_of(trace: Trace, call: CallData) -> StackFrame:
    """The frame of a call, as it is when it starts."""
    context = trace._context(call.first_context)
    known = call.kind != "unknown"
    type_ = _TYPES.get(call.kind, "Call")
    if call.kind == "start":
        # Manual where the program made the stack that begins with it.
        found = trace._service.frames(call.first_context)
        type_ = next((one.type for one in found if one.call == call.id), type_)
    data = FrameData(
        type=type_,
        call=call.id,
        first_context=call.first_context,
        creation_transition=call.transition,
        pc=call.function,
        function=call.function if known else None,
        stack_pointer=call.stack_pointer,
    )
    frame = StackFrame(context, data)
    frame._call_data = call
    return frame
