# SPDX-License-Identifier: Apache-2.0
"""One step of the machine."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from reven2._printable import printable
from reven2._service import KIND_INSTRUCTION
from reven2.trace._exception import Exception as TraceEvent
from reven2.trace._instruction import Instruction
from reven2.trace._moment import Moment
from reven2.trace._pages import Block

if TYPE_CHECKING:
    from reven2._tables.table import Results
    from reven2.memhist import DeviceAccess, MemoryAccess, MemoryAccessOperation
    from reven2.trace._context import Context
    from reven2.trace._trace import Trace

__all__ = ["Mode", "Transition", "TransitionType"]


class TransitionType(enum.Enum):
    """Kind of transition."""

    Instruction = "instruction"
    Exception = "exception"


class Mode(enum.Enum):
    """Mode of the processor. A trace of a 64-bit Linux program is in X86_64 throughout."""

    X86_64 = "x86_64"
    X86_32 = "x86_32"
    X86_16 = "x86_16"


class Transition(Moment):
    """An executed instruction, or an event that changes the state without one (a signal, a
    thread switch). It leads from `context_before()` to `context_after()`.

    Transitions of one trace are ordered and hashable; `transition + n` and
    `transition - n` are its neighbours. Not meant to be constructed directly: ask the
    trace.
    """

    __slots__ = ("_block",)

    def __init__(self, trace: Trace, number: int, block: Block | None = None) -> None:
        self._trace, self._id, self._block = trace, number, block

    @property
    def id(self) -> int:
        """Number in the trace, from 0."""
        return self._id

    @property
    def type(self) -> TransitionType:
        """Kind of transition."""
        if self._data().kind(self._id) == KIND_INSTRUCTION:
            return TransitionType.Instruction
        return TransitionType.Exception

    @property
    def instruction(self) -> Instruction | None:
        """The instruction if one was fully executed, else None: see `exception`."""
        block = self._data()
        if block.kind(self._id) != KIND_INSTRUCTION:
            return None
        return block.instruction(self._id)

    @property
    def exception(self) -> TraceEvent | None:
        """The event if it is one, else None."""
        return self._data().event(self._id)

    @property
    def pc(self) -> int:
        """Program counter: address of the instruction, or where the event came."""
        return self._data().pc(self._id)

    @property
    def mode(self) -> Mode:
        """Mode of the processor."""
        return Mode.X86_64

    @property
    def thread(self) -> int:
        """Number of the thread, from 1; for a thread switch, the one before it."""
        return self._data().thread(self._id)

    def context_before(self) -> Context:
        """The machine before it."""
        return self._trace._context(self._id)

    def context_after(self) -> Context:
        """The machine after it."""
        return self._trace._context(self._id + 1)

    def step_over(self, is_forward: bool = True) -> Transition | None:
        """The next transition of the same function, as a debugger steps over calls.

        Other threads are left out, and so are thread switches. Forward from a call or a
        signal, that is the transition after it has returned; from the `ret` of a function, or
        from a jump to another function in place of a call and return, the one that its caller
        goes on with. Backward it is the opposite: from what follows a call,
        the call.

        Parameters:
            is_forward: the direction.

        Returns:
            That transition; None if the trace ends before.
        """
        return self._step(is_forward, over=True)

    def step_out(self, is_forward: bool = True) -> Transition | None:
        """Where the current function ends or, backward, where it was called.

        A function that ends with a jump to another one, in place of calling it and returning,
        leaves the return to that: its end is the `ret` of the last function of such a chain.

        Parameters:
            is_forward: True for the transition that returns to the caller (or the `longjmp` or
                unwinding that discards the function), False for the one that entered it (its
                call, a jump in place of one, or a signal).

        Returns:
            That transition; None if it is not in the trace.
        """
        service = self._trace._service
        call = service.call_at(self._id)
        if call is None:
            return None
        number = service.frame_end(call.id) if is_forward else call.transition
        return None if number is None else self._trace.transition(number)

    def find_inverse(self) -> Transition | None:
        """The transition that does the opposite.

        For a call, the `ret` that returns to its caller, and for that the call. For a jump to
        the beginning of a function, in place of a call or in a stub of the PLT, the `ret` that
        returns to the caller from there; its inverse in turn is the call. For a push, the
        pop that takes the value off the stack, and the other way round. For a signal, the
        system call `rt_sigreturn` of its handler, and the other way round. For another system
        call, the transition that its thread goes on with: the kernel's part is not in the
        trace. For other instructions that write memory, the next one that reads the same bytes;
        for those that only read, the last one that wrote them.

        Returns:
            That transition; None if there is none in the trace.
        """
        from reven2.trace._inverse import find_inverse

        return find_inverse(self)

    def _step(self, is_forward: bool, over: bool) -> Transition | None:
        number = self._trace._service.step(self._id, forward=is_forward, over=over)
        return None if number is None else self._trace.transition(number)

    def memory_accesses(
        self, operation: MemoryAccessOperation | None = None
    ) -> Results[MemoryAccess]:
        """The memory accesses made at this transition, in program order.

        Parameters:
            operation: reads or writes only; default: both.
        """
        return self._trace.memory_accesses(
            from_transition=self._id, to_transition=self._id + 1, operation=operation
        )

    def device_accesses(self) -> list[DeviceAccess]:
        """What the transition moved from and to devices, in program order: none in the trace of
        a program, whose devices are the kernel's."""
        from reven2.memhist import DeviceAccess

        found = self._trace._service.device_accesses(self._id, self._id + 1, 1)
        return [DeviceAccess(self, data) for data in found]

    def format_as_html(self) -> str:
        """The number, for embedding in HTML: `#10`. Of a server's trace, as a link that
        publishes the transition to the sessions that are tracked when it is clicked."""
        links = self._trace._links
        return f"#{self._id}" if links is None else links.transition(self)

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def _at(self, number: int) -> Transition:
        return self._trace.transition(number)

    def __str__(self) -> str:
        block = self._block
        if block is None:
            block = self._data()
        return printable(f"#{self._id} {block.text(self._id)}")

    def __repr__(self) -> str:
        return f"Transition(id={self._id})"

    def _data(self) -> Block:
        block = self._block
        if block is None:
            block = self._block = self._trace._pages.block_of(self._id)
        return block
