# SPDX-License-Identifier: Apache-2.0
"""Find the contexts at which the program executes something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from reven2._service import RangeData, column
from reven2.address import _AbstractAddress, linear

if TYPE_CHECKING:
    from reven2.ossi.ossi import Binary, Symbol
    from reven2.trace import Context, Trace

__all__ = ["Search"]

_FIRST_PAGE = 64
_LARGEST_PAGE = 16384
# Results lie far apart, so that fetching the registers of each is work of its own.
_FIRST_STATES, _LARGEST_STATES = 4, 64


class Search:
    """Searches over a whole trace or a part of it. Each gives a generator of contexts in
    ascending order (descending when `is_forward` is False), each the one before an
    executed instruction; `reven2.util.collate` merges several.

    `from_context` and `to_context` bound a search: contexts from the first one up to, but
    without, the second one; the whole trace by default. Both, and `is_forward` (an addition
    to the documented interface), mean the same in all of them.

    Not meant to be constructed directly: it is `Trace.search`.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace, self._service = trace, trace._service

    def pc(
        self,
        address: int | _AbstractAddress,
        from_context: Context | int | None = None,
        to_context: Context | int | None = None,
        is_forward: bool = True,
    ) -> Iterator[Context]:
        """Contexts before the execution of the instruction at an address.

        Parameters:
            address: a linear address, as an int or an address object.
        """
        start, stop = self._bounds(from_context, to_context)
        pc = linear(address, self._trace._context(start))
        everywhen = [RangeData(pc, pc + 1, 0, self._trace.transition_count)]
        return self._contexts(everywhen, start, stop, is_forward)

    def symbol(
        self,
        symbol: Symbol,
        from_context: Context | int | None = None,
        to_context: Context | int | None = None,
        is_forward: bool = True,
    ) -> Iterator[Context]:
        """Contexts at the entry of a symbol: before the execution of its first instruction.

        Parameters:
            symbol: as `Ossi.symbols` or a location gives it.
        """
        start, stop = self._bounds(from_context, to_context)
        binary = self._same_binary(symbol.binary)
        ranges = [] if binary is None else self._service.symbol_entries(binary, symbol.rva)
        return self._contexts(ranges, start, stop, is_forward)

    def binary(
        self,
        binary: Binary,
        from_context: Context | int | None = None,
        to_context: Context | int | None = None,
        is_forward: bool = True,
    ) -> Iterator[Context]:
        """Contexts before every execution of an instruction of a binary.

        Parameters:
            binary: as `Ossi.executed_binaries` or a location gives it.
        """
        start, stop = self._bounds(from_context, to_context)
        number = self._same_binary(binary)
        ranges = [] if number is None else self._service.binary_ranges(number)
        return self._contexts(ranges, start, stop, is_forward)

    def _same_binary(self, binary: Binary) -> int | None:
        """The number of a binary in this trace, also of one that another trace gave."""
        if binary._service is self._service:
            return binary._id
        return next((d.id for d in self._service.binaries() if d.path == binary.path), None)

    def _bounds(
        self, from_context: Context | int | None, to_context: Context | int | None
    ) -> tuple[int, int]:
        """The same as transitions [start, stop): a context is before the one of its number."""
        numbers = self._trace._range(
            from_context, to_context, self._trace.transition_count + 1, "context"
        )
        return numbers.start, min(numbers.stop, self._trace.transition_count)

    def _contexts(
        self, ranges: Sequence[RangeData], start: int, stop: int, is_forward: bool
    ) -> Iterator[Context]:
        numbers = self._transitions(ranges, start, stop, is_forward)
        for page in numbers:
            yield from self._trace._contexts_of(page, _FIRST_STATES, _LARGEST_STATES)

    def _transitions(
        self, ranges: Sequence[RangeData], start: int, stop: int, is_forward: bool
    ) -> Iterator[list[int]]:
        """Pages of transitions that execute in the ranges while they are mapped."""
        for begin, end, standing in _eras(ranges, start, stop, is_forward):
            low, high, limit = begin, end, _FIRST_PAGE
            while low < high:
                page = self._service.find_pcs(standing, low, high, forward=is_forward, limit=limit)
                yield column(page.transition, "Q")
                if page.next is None:
                    break
                low, high = (page.next, high) if is_forward else (low, page.next)
                limit = min(limit * 4, _LARGEST_PAGE)


def _eras(
    ranges: Sequence[RangeData], start: int, stop: int, is_forward: bool
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Cut [start, stop) where a range appears or disappears: (begin, end, ranges then)."""
    cuts = {start, stop}
    for item in ranges:
        cuts.update(
            cut for cut in (item.first_context, item.last_context + 1) if start < cut < stop
        )
    order = sorted(cuts)
    eras = list(pairwise(order))
    for begin, end in eras if is_forward else reversed(eras):
        standing = [
            (item.start, item.stop)
            for item in ranges
            if item.first_context <= begin <= item.last_context
        ]
        if standing:
            yield begin, end, standing
