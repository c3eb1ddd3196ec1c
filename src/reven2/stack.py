# SPDX-License-Identifier: Apache-2.0
"""Call stacks: which functions are active at a moment, and since when."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING

from reven2._service import FrameData
from reven2.ossi.ossi import Location, Symbol

if TYPE_CHECKING:
    from reven2.call import Call
    from reven2.trace import Context, Transition

__all__ = ["Stack", "StackFrame", "StackFrameType"]


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
    """The stack that the stack pointer is in at a context. `str` gives its backtrace.

    A thread may have several: its own, that of its signal handlers (`sigaltstack`), those of
    coroutines. Not meant to be constructed directly: it is `Context.stack`.
    """

    __slots__ = ("_context", "_found")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: list[StackFrame] | None = None

    def frames(self) -> Iterator[StackFrame]:
        """The frames from the top, where the program counter is, down to the first that is
        known. A function that was replaced by what it jumped to has none any more."""
        return iter(self._frames())

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
                self._found.append(StackFrame(self, frame, index, is_after_call))
                above = frame.type
        return self._found

    def _change(self, *, is_forward: bool) -> int | None:
        return self._context._trace._service.stack_change(self._context._id, is_forward)

    def __str__(self) -> str:
        return "\n".join(map(str, self._frames()))

    def __repr__(self) -> str:
        return f"Stack({self._context})"

    def format_as_html(self) -> str:
        """The backtrace as a table, with links to the transitions that created the frames."""
        rows = "".join(
            f'<tr><td>{index}</td><td style="text-align:left">{frame.format_as_html()}</td></tr>'
            for index, frame in enumerate(self._frames())
        )
        return f'<table class="reven-table"><tbody>{rows}</tbody></table>'

    def _repr_html_(self) -> str:
        return self.format_as_html()


class StackFrame:
    """One active function of a stack. Not meant to be constructed directly: `Stack.frames`
    gives them.

    `str` has its number, where it stands and since when:
    `1  prog!main+0x2a  prog.c:14  since #105820`.
    """

    __slots__ = ("_data", "_index", "_is_after_call", "_stack")

    def __init__(self, stack: Stack, data: FrameData, index: int, is_after_call: bool) -> None:
        self._stack, self._data = stack, data
        self._index, self._is_after_call = index, is_after_call

    @property
    def type(self) -> StackFrameType:
        """How it came to be."""
        return StackFrameType(self._data.type)

    @property
    def first_context(self) -> Context:
        """The context in which it is on top of the active stack for the first time; of an
        Unknown frame, in which it is first seen."""
        return self._stack._context._at(self._data.first_context)

    @property
    def creation_transition(self) -> Transition | None:
        """The transition that created it (a call, a signal, a jump in place of a call), which
        leads to `first_context`; None where it is not known."""
        number = self._data.creation_transition
        return None if number is None else self._stack._context._trace.transition(number)

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
        context = self._stack._context
        return context.ossi.location(self._data.pc - self._is_after_call)

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

        trace = self._stack._context._trace
        number = self._data.call
        return None if number is None else Call(trace, trace._service.call(number))

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

    def _parts(self) -> Iterator[str]:
        yield self._place()
        location = self.location
        if location is not None and location.file is not None:
            yield f"{PurePath(location.file).name}:{location.line}"
        if self.type is not StackFrameType.Call:
            yield f"({self.type.value})"

    def __str__(self) -> str:
        created = self._data.creation_transition
        since = [] if created is None else [f"since #{created}"]
        return "  ".join([str(self._index), *self._parts(), *since])

    def __repr__(self) -> str:
        return f"StackFrame({str(self)!r})"

    def format_as_html(self) -> str:
        """The same as `str` without its number, with the transition as a link."""
        created = self.creation_transition
        since = "" if created is None else f" since {created.format_as_html()}"
        return f"<code>{escape('  '.join(self._parts()))}</code>{since}"

    def _repr_html_(self) -> str:
        return self.format_as_html()
