# SPDX-License-Identifier: Apache-2.0
"""The heap: which blocks of memory the program allocated, from when to when, and who did. An
addition to the documented interface.

What counts are the calls of malloc, calloc, realloc, reallocarray, memalign, aligned_alloc,
posix_memalign, valloc, pvalloc and free, of C++'s operators new and delete, and the system
calls mmap (without a file), mremap and munmap, where no allocator made them. Where one of the
functions calls another, the outermost one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from reven2._printable import escape, printable
from reven2._service.heap import AllocationData, AllocationPage, HeapCallData
from reven2.address import LinearAddress, _AbstractAddress, linear
from reven2.errors import OutOfRangeError
from reven2.memory_range import MemoryRange

if TYPE_CHECKING:
    from reven2.memhist import MemoryAccess, MemoryAccessOperation
    from reven2.ossi.ossi import Location
    from reven2.stack import Stack
    from reven2.trace import Context, Trace, Transition

__all__ = ["Allocation", "Heap", "HeapCall"]

_PAGE = 1000


class HeapCall:
    """A call that allocated or freed memory. `str`: `malloc at #106243`.

    Not meant to be constructed directly: an allocation has it.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: HeapCallData) -> None:
        self._trace, self._data = trace, data

    @property
    def function(self) -> str:
        """Name of the function or system call: `malloc`, `operator new`, `mmap` …"""
        return self._data.function

    @property
    def thread(self) -> int:
        """Number of the thread that called it, from 1."""
        return self._data.thread

    @property
    def first_context(self) -> Context:
        """The first context in the function."""
        return self._trace._context(self._data.first_context)

    @property
    def last_context(self) -> Context | None:
        """The first context after it; None if it never returned."""
        number = self._data.last_context
        return None if number is None else self._trace._context(number)

    @property
    def transition(self) -> Transition:
        """The call itself; where it is not known (a function that was jumped to), the first
        instruction of the function; the `syscall` of a system call."""
        if self._data.return_address:
            top = next(self.stack.frames(), None)
            if top is not None and top.creation_transition is not None:
                return top.creation_transition
        return self.first_context.transition_after()

    @property
    def stack(self) -> Stack:
        """The call stack as the function begins."""
        return self.first_context.stack

    @property
    def caller(self) -> Location | None:
        """The place in the program that called; None where nothing is known of it."""
        if not self._data.return_address:
            # Of a system call, what called the function of the C library that makes it.
            frames = list(islice(self.stack.frames(), 2))
            return frames[-1].location if frames else None
        # The address after a call may belong to the next line, or function.
        return self.first_context.ossi.location(self._data.return_address - 1)

    def __str__(self) -> str:
        return printable(f"{self.function} at #{self._data.first_context}")

    def __repr__(self) -> str:
        return f"HeapCall({self.function!r}, {self._data.first_context})"


class Allocation:
    """A block of memory that was allocated. `str`: `[lin:0x4035290; 20] malloc at #106243, freed
    by free at #109283`.

    Allocations of one trace are equal if they are the same one. Not meant to be constructed
    directly: ask `Trace.heap`.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: AllocationData) -> None:
        self._trace, self._data = trace, data

    @property
    def id(self) -> int:
        """Number, in the order in which they were made, from 0."""
        return self._data.id

    @property
    def address(self) -> LinearAddress:
        """First byte."""
        return LinearAddress(self._data.address)._of(self._trace)

    @property
    def size(self) -> int:
        """Bytes that were asked for; may be 0."""
        return self._data.size

    @property
    def memory_range(self) -> MemoryRange | None:
        """The same as a range; None for a block of no bytes."""
        return MemoryRange(self.address, self.size) if self.size else None

    @property
    def allocated(self) -> HeapCall:
        """The call that made it."""
        return HeapCall(self._trace, self._data.allocated)

    @property
    def freed(self) -> HeapCall | None:
        """The call that freed it; None if none did."""
        return None if self._data.freed is None else HeapCall(self._trace, self._data.freed)

    @property
    def moved_from(self) -> Allocation | None:
        """The block that realloc or mremap made it of."""
        number = self._data.moved_from
        if number is None:
            return None
        return self._trace.heap.allocation(number)

    @property
    def first_context(self) -> Context:
        """The first context in which it exists: that after the call that made it."""
        number = self._data.allocated.last_context
        assert number is not None
        return self._trace._context(number)

    @property
    def last_context(self) -> Context:
        """The last context in which it exists: that in which the function that frees it
        begins, or the trace's last."""
        end = self._data.end_context
        return self._trace.last_context if end is None else self._trace._context(end)

    @property
    def is_leaked(self) -> bool:
        """Whether it exists to the end of the trace."""
        return self._data.end_context is None

    def memory_accesses(
        self, operation: MemoryAccessOperation | None = None
    ) -> Iterator[MemoryAccess]:
        """What touches it while it exists, in the order of time: a generator.

        Parameters:
            operation: reads or writes only; default: both.
        """
        if not self.size:
            return iter(())
        return iter(
            self._trace.memory_accesses(
                self.address,
                self.size,
                self.first_context._id,
                self.last_context._id,
                operation=operation,
            )
        )

    def format_as_html(self) -> str:
        """The same as `str`, with links where there is a server."""
        parts = [f"[{self.address.format_as_html()}; {self.size}]"]
        for prefix, call in (("", self.allocated), ("freed by ", self.freed)):
            if call is not None:
                link = self._trace.transition(call._data.first_context).format_as_html()
                parts.append(f"{prefix}{escape(call.function)} at {link}")
        return f"{parts[0]} {', '.join(parts[1:])}"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Allocation):
            return NotImplemented
        return self.id == other.id and self._trace == other._trace

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        freed = "" if self.freed is None else f", freed by {self.freed}"
        return printable(f"[{self.address}; {self.size}] {self.allocated}{freed}")

    def __repr__(self) -> str:
        return f"Allocation({self.id}, {str(self)!r})"


class Heap:
    """All allocations of a trace; iterates over them in the order in which they were made. Not
    meant to be constructed directly: it is `Trace.heap`."""

    def __init__(self, trace: Trace) -> None:
        self._trace, self._service = trace, trace._service

    def allocation(self, id: int) -> Allocation:
        """An allocation by number.

        Raises:
            OutOfRangeError (an IndexError): there is none of that number.
        """
        found = self._service.allocations(first=id, limit=1).allocations if id >= 0 else []
        if not found:
            raise OutOfRangeError(f"There is no allocation {id}, counted from 0.")
        return Allocation(self._trace, found[0])

    def at(
        self,
        address: _AbstractAddress | int,
        context: Context | int | None = None,
        was_freed: bool = False,
    ) -> Allocation | None:
        """The allocation that holds an address; None if there is none.

        Parameters:
            address: an int is a linear address.
            context: when (default: at the end of the trace).
            was_freed: if there is none, the last one that did hold it.
        """
        moment = self._context(context)
        data = self._service.allocation_at(linear(address, moment), moment._id, was_freed=was_freed)
        return None if data is None else Allocation(self._trace, data)

    def live(self, context: Context | int | None = None) -> Iterator[Allocation]:
        """The allocations that exist in a context: a generator, in the order in which they
        were made.

        Parameters:
            context: when (default: at the end of the trace: what was leaked).
        """
        number = self._context(context)._id
        return self._pages(
            lambda first: self._service.live_allocations(number, first=first, limit=_PAGE)
        )

    def __iter__(self) -> Iterator[Allocation]:
        return self._pages(lambda first: self._service.allocations(first=first, limit=_PAGE))

    def __repr__(self) -> str:
        return f"Heap({self._trace!r})"

    def _pages(self, ask: Callable[[int], AllocationPage]) -> Iterator[Allocation]:
        first: int | None = 0
        while first is not None:
            page = ask(first)
            for data in page.allocations:
                yield Allocation(self._trace, data)
            first = page.next

    def _context(self, context: Context | int | None) -> Context:
        if context is None:
            return self._trace.last_context
        return self._trace._context(self._trace._moment(context, "context"))
