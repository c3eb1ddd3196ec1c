# SPDX-License-Identifier: Apache-2.0
"""Calls: every activation of a function. An addition to the documented interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from reven2._printable import escape, printable
from reven2._service import CallData, CallPage
from reven2._service.calls import CallKind
from reven2.errors import InvalidArgumentError
from reven2.ossi.ossi import Location, Ossi, Symbol

if TYPE_CHECKING:
    from reven2.trace import Context, Trace, Transition

__all__ = ["Call"]

_PAGE = 1000
_RANGES_LIMIT = 1 << 16


class Call:
    """One activation of a function, from its first context to the transition that left it.

    Not meant to be constructed directly: `Trace.calls`, `StackFrame.call`, `children` and
    `parent` give them. Calls are equal if they are the same activation. `str` gives
    `#105820 prog!main`, with the transition that called.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: CallData) -> None:
        self._trace, self._data = trace, data

    @property
    def id(self) -> int:
        """Number, in the order of beginning, over all threads, from 0."""
        return self._data.id

    @property
    def kind(self) -> CallKind:
        """`call`: by a call instruction. `tail`: by a jump in place of a call and a return.
        `signal`: a handler. `start`: what a thread or a stack began with. `unknown`: it was
        there before the trace began."""
        return self._data.kind

    @property
    def thread(self) -> int:
        """Number of its thread, from 1."""
        return self._data.thread

    @property
    def address(self) -> int:
        """The address that was entered; for an `unknown` one, where it was first seen."""
        return self._data.function

    @property
    def location(self) -> Location | None:
        """What `address` belongs to."""
        return self.first_context.ossi.location(self._data.function)

    @property
    def symbol(self) -> Symbol | None:
        """The function, None where there is no symbol."""
        location = self.location
        return None if location is None else location.symbol

    @property
    def caller(self) -> Location | None:
        """Where it was called from; None where that is not known."""
        call = self.call_transition
        return None if call is None else call.context_before().ossi.location()

    @property
    def call_transition(self) -> Transition | None:
        """The transition that created it; None where it is not known."""
        number = self._data.transition
        return None if number is None else self._trace.transition(number)

    @property
    def first_context(self) -> Context:
        """The first context inside: its arguments are still where the caller put them."""
        return self._trace._context(self._data.first_context)

    @property
    def end_transition(self) -> Transition | None:
        """The transition that left it for good: its `ret`, a jump that replaced it, a
        `longjmp` or unwinding that discarded it. None if it lasts to the end of the trace."""
        number = self._data.end_transition
        return None if number is None else self._trace.transition(number)

    @property
    def return_transition(self) -> Transition | None:
        """The transition that returned to the caller: its own `ret`, or that of the function
        that it jumped to in the end; of a signal handler, the `sigreturn`. After it, the
        return value is there. None if it did not return."""
        number = self._trace._service.frame_end(self._data.id)
        if number is None:
            return None
        end = self._trace.transition(number)
        if self._data.kind == "signal":
            return end
        instruction = end.instruction
        returns = instruction is not None and "ret" in instruction.mnemonic
        return end if returns else None

    @property
    def duration(self) -> int | None:
        """Transitions from the first one inside to the one that left it, both counted, those of
        other threads too. None if it lasts to the end of the trace."""
        end = self._data.end_transition
        return None if end is None else end + 1 - self._data.first_context

    @property
    def depth(self) -> int:
        """How many calls of its thread were active below it."""
        return self._data.depth

    @property
    def parent(self) -> Call | None:
        """The call that it was made in; None where it is not known."""
        number = self._data.parent
        return None if number is None else Call(self._trace, self._trace._service.call(number))

    def children(self) -> Iterator[Call]:
        """The calls that it made, in order."""
        service = self._trace._service
        return _pages(
            self._trace,
            lambda first: service.call_children(
                self._data.id, first=first, limit=_PAGE, forward=True
            ),
        )

    def format_as_html(self) -> str:
        """The same as `str`, with the transition as a link."""
        call = self.call_transition
        link = "" if call is None else f"{call.format_as_html()} "
        return f"{link}<code>{escape(self._name())}</code>"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def _name(self) -> str:
        location = self.location
        return f"{self._data.function:#x}" if location is None else str(location)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Call):
            return NotImplemented
        return self._data.id == other._data.id and self._trace == other._trace

    def __hash__(self) -> int:
        return hash(self._data.id)

    def __str__(self) -> str:
        number = self._data.transition
        return printable(self._name() if number is None else f"#{number} {self._name()}")

    def __repr__(self) -> str:
        return f"Call({str(self)!r})"


def calls_of(
    trace: Trace, what: Symbol | str | None, start: int, stop: int, is_forward: bool
) -> Iterator[Call]:
    """What `Trace.calls` gives."""
    service = trace._service
    if what is None:
        if not is_forward:
            raise InvalidArgumentError("Calls of every function only come forward.")
        return _pages(
            trace,
            lambda first: service.calls(
                start,
                stop,
                thread=None,
                shortest=0,
                deepest=(1 << 32) - 1,
                first=first,
                limit=_PAGE,
            ),
        )
    ranges = function_ranges(trace, what)
    return _of_ranges(trace, ranges, start, stop, is_forward)


def function_ranges(trace: Trace, what: Symbol | str) -> list[tuple[int, int]]:
    """Address ranges [low, high) of the entries of functions, ascending.

    Raises:
        InvalidArgumentError (a ValueError): no valid regular expression, or too many functions.
    """
    service, ossi = trace._service, Ossi(trace._service)
    symbols = [what] if isinstance(what, Symbol) else ossi.symbols(what)
    ids = {binary.path: binary._id for binary in ossi.executed_binaries()}
    ranges = {
        (entry.start, entry.start + 1)
        for symbol in symbols
        if symbol.binary.path in ids
        for entry in service.symbol_entries(ids[symbol.binary.path], symbol.rva)
    }
    if len(ranges) > _RANGES_LIMIT:
        raise InvalidArgumentError(
            f"{what!r} stands for {len(ranges)} functions: use a narrower pattern, or None for all."
        )
    return sorted(ranges)


def _of_ranges(
    trace: Trace, ranges: list[tuple[int, int]], start: int, stop: int, is_forward: bool
) -> Iterator[Call]:
    while start < stop:
        page = trace._service.calls_of(ranges, start, stop, forward=is_forward, limit=_PAGE)
        for data in page.calls:
            yield Call(trace, data)
        if page.next is None:
            return
        if is_forward:
            start = page.next
        else:
            stop = page.next


def _pages(trace: Trace, ask: Callable[[int], CallPage]) -> Iterator[Call]:
    first: int | None = 0
    while first is not None:
        page = ask(first)
        for data in page.calls:
            yield Call(trace, data)
        first = page.next
