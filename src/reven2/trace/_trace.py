# SPDX-License-Identifier: Apache-2.0
"""The trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from reven2._arguments import count as count_of
from reven2._arguments import flag, instance, range_size, text, wrong_type
from reven2._client.processes import Opening, trace_there
from reven2._client.register_pages import RegisterPages
from reven2._service import TraceInfo, TraceService
from reven2._tables.table import Results
from reven2.address import AnyAddress, linear
from reven2.errors import InvalidArgumentError, MemoryReadError, OutOfRangeError
from reven2.filter import ContextRange, RingPolicy
from reven2.memhist import MemoryAccess, MemoryAccessOperation
from reven2.memory_range import MemoryRange
from reven2.ossi.ossi import Symbol
from reven2.ossi.process import Process
from reven2.place import Place
from reven2.trace._accesses import access_results
from reven2.trace._arguments import (
    AnyMoment,
    MomentKind,
    moment_number,
    one_number,
    operation_of,
    processes_of,
)
from reven2.trace._context import Context
from reven2.trace._end import TraceEnd
from reven2.trace._numbered import Numbered, NumberedTable
from reven2.trace._pages import RegisterBatch, TransitionPages, growing
from reven2.trace._transition import Transition
from reven2.trace._transitions import transition_results

if TYPE_CHECKING:
    from reven2._client.links import Links
    from reven2._client.low_level import LowLevel
    from reven2.call import Call
    from reven2.calltree import CallTree
    from reven2.difference import Difference
    from reven2.explanation import Explanation
    from reven2.heap import Heap
    from reven2.search import Search
    from reven2.string import String
    from reven2.syscalls import Syscalls

__all__ = ["Thread", "Trace"]

_WHOLE_MEMORY = 1 << 64


@dataclass(frozen=True)
class Thread:
    """A thread of the recorded program.

    Attributes:
        id: number, from 1 in the order of creation.
        first_transition, last_transition: the first and last one it made.
    """

    id: int
    first_transition: Transition
    last_transition: Transition


class Trace:
    """A series of transitions 0 … N-1, and the N+1 contexts around them.

    Not meant to be constructed directly: it is the `trace` of what `reven2.open` gives.
    """

    def __init__(self, service: TraceService) -> None:
        self._service = service
        self._pages = TransitionPages(service)
        self._registers = RegisterPages(service.registers)
        self._info: TraceInfo = service.info()
        self._links: Links | None = None
        self._opening: Opening | None = None

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        if self._opening is None:
            raise TypeError(
                "This trace cannot be sent to another process: open it there, with "
                "reven2.open(path) or RevenServer(host, port)."
            )
        return trace_there, tuple(self._opening)

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @property
    def transition_count(self) -> int:
        """Number of transitions."""
        return self._service.transition_count()

    @property
    def threads(self) -> list[Thread]:
        """The threads that ran, in the order of creation. An addition to the documented
        interface."""
        return [
            Thread(
                data.id,
                Transition(self, data.first_transition),
                Transition(self, data.last_transition),
            )
            for data in self._service.threads()
        ]

    @property
    def first_transition(self) -> Transition:
        """Transition 0."""
        return self.transition(0)

    @property
    def last_transition(self) -> Transition:
        """Transition N-1."""
        return self.transition(self.transition_count - 1)

    @property
    def first_context(self) -> Context:
        """The context before everything."""
        return self._context(0)

    @property
    def last_context(self) -> Context:
        """The context after everything."""
        return self._context(self.transition_count)

    @property
    def end(self) -> TraceEnd | None:
        """How and why the trace ends: the exit status; for a fault the instruction, what it
        could not access, and the registers that made the address; None while it is
        recorded. An addition to the documented interface.

        Example:
            >>> str(trace.end)
            'exited with status 0'
        """
        data = self._service.end()
        return None if data is None else TraceEnd(self, data)

    @property
    def notices(self) -> list[str]:
        """What the program met that the recorder does otherwise than the processor or the
        kernel, a sentence each. An addition to the documented interface."""
        return self._service.notices()

    @property
    def heap(self) -> Heap:
        """The memory that the program allocated. An addition to the documented interface."""
        from reven2.heap import Heap

        return Heap(self)

    @property
    def syscalls(self) -> Syscalls:
        """The system calls, decoded, and the bytes that they moved. An addition to the documented
        interface."""
        from reven2.syscalls import Syscalls

        return Syscalls(self)

    def explain(self, own: Sequence[str] = (), not_own: Sequence[str] = ()) -> Explanation:
        """Why the program ended as it did: what faulted or ended it, where the values that
        mattered came from, and the first moment in own code at which something was wrong. An
        addition to the documented interface.

        Own code is that of the executable, and of binaries and sources outside of the system's
        folders.

        Parameters:
            own: paths of binaries, sources or folders that are own besides, or the last
                components of such paths.
            not_own: those that are not, whatever else is said of them.

        Raises:
            TraceError (a RuntimeError): an imported trace, which has no instructions.

        Example:

            print(trace.explain())
        """
        from reven2.explanation import explain

        return explain(self, own, not_own)

    def diff(
        self,
        other: Trace | None = None,
        window: tuple[int, int] | None = None,
        other_window: tuple[int, int] | None = None,
        own: Sequence[str] = (),
        not_own: Sequence[str] = (),
    ) -> Difference:
        """How another execution differs from this one: where they part, which decision led to
        what came out, and where the difference came from. An addition to the documented
        interface.

        Parameters:
            other: the trace of the other execution, which is open the same way: both here, or
                both of one server. None: this one itself, of which two windows are compared.
            window: the transitions of this trace to compare, from the first to the one after
                the last (default: all).
            other_window: those of the other one.
            own, not_own: as for `explain`, for both.

        Raises:
            InvalidArgumentError (a ValueError): the traces are not open the same way, or
                neither another one nor two windows are given.
            OutOfRangeError (an IndexError): a window beyond the trace.
            TraceError (a RuntimeError): an imported trace, which has no instructions.

        Example:

            calls = list(trace.calls("^main$"))
            start = calls[0].first_context.transition_after().id
            print(trace.diff(window=(start, start + 10), other_window=(start, start + 12)))
        """
        from reven2.difference import diff

        return diff(self, other, window, other_window, own, not_own)

    def calls(
        self,
        symbol: Symbol | str | None = None,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
        is_forward: bool = True,
    ) -> Iterator[Call]:
        """Calls of a function. An addition to the documented interface.

        PLT stubs stand for the functions behind them. Functions that jump to others in place of
        calling them and returning count as well as those that were jumped to.

        Parameters:
            symbol: the function, or a regular expression searched in the names of functions
                (`^malloc$` for exactly that); default: every call, which also gives those
                that were active when the range begins.
            from_context: the first context at which a call may be made (default: the first).
            to_context: calls are made before this context (default: the last).
            is_forward: the direction; calls of every function only come forward.

        Raises:
            InvalidArgumentError (a ValueError): no valid regular expression, or too many
                functions.
        """
        from reven2.call import calls_of

        contexts = self._range(from_context, to_context, self.transition_count, "context")
        return calls_of(self, symbol, contexts.start, contexts.stop, is_forward)

    def call_tree(
        self,
        symbol: Symbol | str | None = None,
        start: AnyMoment | None = None,
        stop: AnyMoment | None = None,
        *,
        thread: int | None = None,
        depth: int | None = None,
    ) -> CallTree:
        """Calls by their place in the tree, with counts and durations. An addition to the
        documented interface.

        Parameters:
            symbol: begin with this function, or with those whose names a regular expression
                finds; default: with what the threads began with.
            start: the first transition to look at (default: the trace's first).
            stop: the one after the last (default: the trace's end).
            thread: only this one.
            depth: how many levels below the first; default: all.

        Raises:
            OutOfRangeError (an IndexError): a bound outside the trace.
            InvalidArgumentError (a ValueError): no valid regular expression.
        """
        from reven2.call import function_ranges
        from reven2.calltree import CallTree, call_tree

        part = self._range(start, stop, self.transition_count, "transition")
        roots = [] if symbol is None else function_ranges(self, symbol)
        if symbol is not None and not roots:
            return CallTree([], False)
        return call_tree(self, roots, part.start, part.stop, thread=thread, depth=depth)

    @property
    def search(self) -> Search:
        """Where to look for contexts by program counter, symbol or binary."""
        from reven2.search import Search

        return Search(self)

    def refresh(self) -> int:
        """Take in what a recording that still runs has appended, and give the new number of
        transitions. An addition to the documented interface."""
        count = self._service.refresh()
        self._registers.clear()
        return count

    def resolve(
        self, expression: str, context: AnyMoment | None = None, *, thread: int | None = None
    ) -> Place:
        """What an expression means: `main+0x12`, `rsp+8`, `#4242`, `12%`, `parse.c:41`; see
        `reven2.place`. An addition to the documented interface.

        Parameters:
            expression: a moment or a place.
            context: the moment whose registers and memory are meant, and from which on an
                address is looked for (default: the first).
            thread: whose registers (default: those of the thread that runs).

        Raises:
            InvalidArgumentError (a ValueError): it cannot be understood, or names nothing or
                several things; the text says which.
            OutOfRangeError (an IndexError): a moment outside of the trace.
            MemoryReadError (a RuntimeError): it reads memory that cannot be read.
        """
        text(expression, "An expression", "pass a str, as 'main+0x12' or '#4242'")
        number = 0 if context is None else self._moment(context, "context")
        found = self._service.resolve(expression, number, thread=thread, wanted="place")
        return Place(self, found, number)

    def transition(self, transition_id: AnyMoment) -> Transition:
        """A transition by number.

        Parameters:
            transition_id: its number; also as people write it, `"#5"`, `"50%"` or `"last"`.

        Raises:
            OutOfRangeError (an IndexError): the trace has none of that number.
            InvalidArgumentError (a ValueError): text that is no moment.
        """
        transition_id = one_number(self, transition_id, "transition")
        if transition_id < 0 and -transition_id <= self.transition_count:
            raise OutOfRangeError(
                f"There is no transition #{transition_id}: count from 0, or use "
                f"transition('#{transition_id}') to count from the end."
            )
        if not 0 <= transition_id < self.transition_count:
            raise OutOfRangeError(
                f"There is no transition #{transition_id}: the trace has {self.transition_count}, "
                "counted from 0."
            )
        return Transition(self, transition_id)

    def transitions(
        self, start: AnyMoment | None = None, stop: AnyMoment | None = None
    ) -> NumberedTable[Transition]:
        """Iterate over transitions.

        Parameters:
            start: the first one (default: the trace's first).
            stop: the one after the last (default: the trace's end).

        Returns:
            An iterator that also knows its length, slices, and is a table as
            `memory_accesses` is.

        Raises:
            OutOfRangeError (an IndexError): a bound outside the trace.
        """
        numbers = self._range(start, stop, self.transition_count, "transition")
        return transition_results(self, numbers)

    def context_before(self, transition_id: AnyMoment) -> Context:
        """The context before a transition, by number.

        Raises:
            OutOfRangeError (an IndexError): the trace has no such transition.
        """
        return self.transition(transition_id).context_before()

    def context_after(self, transition_id: AnyMoment) -> Context:
        """The context after a transition, by number.

        Raises:
            OutOfRangeError (an IndexError): the trace has no such transition.
        """
        return self.transition(transition_id).context_after()

    def contexts(
        self, start: AnyMoment | None = None, stop: AnyMoment | None = None
    ) -> Numbered[Context]:
        """Iterate over contexts, numbered 0 … N.

        Parameters:
            start: the first one (default: the trace's first).
            stop: the one after the last (default: all that follow).

        Returns:
            An iterator that also knows its length and slices.

        Raises:
            OutOfRangeError (an IndexError): a bound outside the trace.
        """
        numbers = self._range(start, stop, self.transition_count + 1, "context")
        return Numbered(numbers, self._contexts_of, self._context)

    def memory_accesses(
        self,
        address: AnyAddress | None = None,
        size: int | None = None,
        from_transition: AnyMoment | None = None,
        to_transition: AnyMoment | None = None,
        is_forward: bool = True,
        operation: MemoryAccessOperation | str | None = None,
        fetch_count: int = 1000,
        address_range: MemoryRange | None = None,
    ) -> Results[MemoryAccess]:
        """The memory accesses that touch a range, or all of them.

        Memory that the kernel changes counts as written by the transition during which it
        does. Within a transition, accesses come in program order (backward: reversed).

        Parameters:
            address: first byte; an int is a linear address, a str an expression
                (`reven2.place`). Default: all of memory.
            size: bytes, at least 1; goes with `address`, unless that names a symbol.
            from_transition: where to start, included. Default: the first transition, or the
                last one going backward.
            to_transition: where to stop, excluded. Default: the end in that direction.
            is_forward: the direction.
            operation: reads or writes only; default: both.
            fetch_count: how many to fetch per query; matters for speed only.
            address_range: instead of `address` and `size`.

        Returns:
            A generator, which also gives all of them as a table: `to_pandas()`, or whatever
            takes an Arrow stream, such as `polars.DataFrame(accesses)`.

        Raises:
            MemoryReadError (a RuntimeError): the range is at no moment of the transitions
                asked for mapped.
            InvalidArgumentError (a ValueError): address without size, size without
                address, both a range and an address, an empty range.
            OutOfRangeError (an IndexError): a bound outside the trace.
        """
        if isinstance(address, MemoryRange) and size is None:
            address, address_range = None, address
        if address_range is not None:
            if address is not None or size is not None:
                raise InvalidArgumentError("Give address and size, or address_range, not both.")
            instance(address_range, MemoryRange, "address_range", "pass a MemoryRange")
            address, size = address_range.address, address_range.size
        if address is not None and size is None:
            size = self._size_of(address)
        if (address is None) != (size is None):
            raise InvalidArgumentError(
                "address and size go together: give both, as memory_accesses(0x1234, 8), or "
                "neither."
            )
        size = None if size is None else range_size(size)
        fetch_count = count_of(fetch_count, "fetch_count")
        is_forward = flag(is_forward, "is_forward")
        operation = None if operation is None else operation_of(operation)
        count = self.transition_count
        begin = None if from_transition is None else self._moment(from_transition, "transition")
        end = None if to_transition is None else self._moment(to_transition, "transition")
        if is_forward:
            start, stop = 0 if begin is None else begin, count if end is None else end
        else:
            start = 0 if end is None else end + 1
            stop = count if begin is None else begin + 1
        self._check_bound(start, count, "transition")
        self._check_bound(stop, count, "transition")
        low = 0
        if address is not None and size is not None:
            low = linear(address, self._context(start if is_forward else stop))
            if start < stop and not self._service.is_mapped(low, size, start, stop):
                raise MemoryReadError(
                    f"The {size} bytes at {low:#x} are not mapped between transitions "
                    f"#{start} and #{stop - 1}.",
                    low,
                )
        length = _WHOLE_MEMORY if size is None else size
        return access_results(
            self,
            low,
            length,
            start,
            stop,
            is_forward=is_forward,
            operation=operation,
            fetch_count=fetch_count,
        )

    def filter(
        self, processes: Iterable[Process] | None = None, ring_policy: RingPolicy = RingPolicy.All
    ) -> Iterator[ContextRange]:
        """The parts of the trace that some processes spend at some privilege levels. A trace
        of one program is one part in ring 3, or none.

        Parameters:
            processes: those that count, as `Ossi.executed_processes` or a context gives them;
                default: all.
            ring_policy: the privilege levels that count.

        Returns:
            A generator of ranges, in ascending order.
        """
        recorded = {(process.pid, process.name) for process in self._service.processes()}
        if not isinstance(ring_policy, RingPolicy):
            raise wrong_type("ring_policy", ring_policy, "pass reven2.filter.RingPolicy.R3Only")
        if processes is not None:
            processes = processes_of(processes)
            recorded &= {(process.pid, process.name) for process in processes}
        if recorded and ring_policy is not RingPolicy.R0Only:
            yield ContextRange(self.first_context, self.last_context)

    def strings(self, pattern: str = "") -> Results[String]:
        """The strings of 5 to 128 printable characters, UTF-8 or UTF-16, that the trace
        accesses. The first time, they are looked for in the whole trace, and kept beside it.

        Parameters:
            pattern: text that they contain, as it is (no regular expression). Default: all.

        Returns:
            A generator, in the order of their ids; also a table, as `memory_accesses`.
        """
        from reven2.string import string_results

        text(pattern, "A pattern")
        return string_results(self, pattern)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self is other or self._info.uuid == other._info.uuid

    def __hash__(self) -> int:
        return hash(self._info.uuid)

    def __repr__(self) -> str:
        return f"Trace({self._info.name!r}, {self.transition_count} transitions)"

    def _context(self, number: int) -> Context:
        """The context of that number, 0 … N."""
        if not 0 <= number <= self.transition_count:
            raise OutOfRangeError(
                f"There is no context {number}: the trace has {self.transition_count + 1}, "
                "counted from 0."
            )
        return Context(self, number)

    def _contexts_of(
        self, numbers: Sequence[int], first_page: int = 16, largest_page: int = 1024
    ) -> Iterator[Context]:
        """Contexts of these numbers; their registers are fetched page by page."""
        for part in growing(numbers, first_page, largest_page):
            batch = RegisterBatch(self._service, part)
            for index, number in enumerate(part):
                yield Context(self, number, batch, index)

    @staticmethod
    def _nearest(numbers: Iterable[int | None], is_forward: bool) -> int | None:
        found = [number for number in numbers if number is not None]
        if not found:
            return None
        return min(found) if is_forward else max(found)

    @property
    def _rvn(self) -> LowLevel:
        from reven2._client.low_level import LowLevel

        return LowLevel(self)

    def _moment(self, value: object, kind: MomentKind) -> int:
        """The number of a transition or context that is passed; it may be outside."""
        return moment_number(self, value, kind)

    def _size_of(self, address: object) -> int | None:
        """Bytes of the symbol that is passed as an address; None if it is none."""
        if isinstance(address, str):
            address = self.resolve(address)
        size = address.size if isinstance(address, Place | Symbol) else 0
        return size or None

    def _range(
        self,
        start: AnyMoment | None,
        stop: AnyMoment | None,
        count: int,
        what: MomentKind,
    ) -> range:
        begin = 0 if start is None else self._moment(start, what)
        end = count if stop is None else self._moment(stop, what)
        self._check_bound(begin, count, what)
        self._check_bound(end, count, what)
        return range(begin, max(begin, end))

    @staticmethod
    def _check_bound(number: int, count: int, what: str) -> None:
        if not 0 <= number <= count:
            raise OutOfRangeError(
                f"{what.capitalize()} {number} is outside the trace, which has {count}."
            )
