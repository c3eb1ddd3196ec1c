# SPDX-License-Identifier: Apache-2.0
"""Find the contexts at which the program executes something, bytes in memory, and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from reven2._arguments import data as data_of
from reven2._arguments import flag, integer, text
from reven2._client.named import binaries_of, symbols_of
from reven2._service import RangeData, TransitionIds, ValuePage, column
from reven2._tables.table import LARGEST_PAGE, Batch, Column, Results, integers, windows
from reven2.address import AnyAddress, LinearAddress, linear
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError
from reven2.memhist import MemoryAccess, MemoryAccessOperation
from reven2.search_in_memory import Search as MemorySearch

if TYPE_CHECKING:
    from reven2._client.low_level import search_range
    from reven2.ossi.ossi import Binary, Symbol
    from reven2.trace import Context, Trace, Transition
    from reven2.trace._arguments import AnyMoment

__all__ = ["Search", "ValueHit"]

_FIRST_PAGE = 64
_LARGEST_PAGE = 16384
# Results lie far apart, so that fetching the registers of each is work of its own.
_FIRST_STATES, _LARGEST_STATES = 4, 64
_NO_REGISTER = 0xFF
_GENERAL = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
_CONTEXT_COLUMNS = (Column("transition", "uint64"),)
_VALUE_COLUMNS = (
    Column("transition", "uint64"),
    Column("kind", "category", ("register", "read", "write")),
    Column("register", "text"),
    Column("address", "uint64"),
    Column("size", "uint32"),
)


@dataclass(frozen=True)
class ValueHit:
    """A value comes into a register, or is read or written.

    Attributes:
        transition: when.
        register: the register, None if it is an access.
        access: the memory access, None if it is a register.
    """

    transition: Transition
    register: Register | None
    access: MemoryAccess | None

    def format_as_html(self) -> str:
        """What happens and when, for embedding in HTML."""
        what = self.register if self.access is None else self.access.virtual_address
        return f"{self.transition.format_as_html()} {what}"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __str__(self) -> str:
        return f"[{self.transition}]{self.register}" if self.access is None else str(self.access)


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
        address: AnyAddress,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
        is_forward: bool = True,
    ) -> Results[Context]:
        """Contexts before the execution of the instruction at an address.

        Parameters:
            address: a linear address, as an int, an address object, an expression
                (`reven2.place`) at the first context, or a symbol.
        """
        start, stop = self._bounds(from_context, to_context)
        pc = linear(address, self._trace._context(start))
        everywhen = [RangeData(pc, pc + 1, 0, self._trace.transition_count)]
        return self._contexts(everywhen, start, stop, is_forward)

    def symbol(
        self,
        symbol: Symbol | str,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
        is_forward: bool = True,
    ) -> Results[Context]:
        """Contexts at the entry of a symbol: before the execution of its first instruction.

        Parameters:
            symbol: as `Ossi.symbols` or a location gives it, or the whole name of one,
                `libc!write`: then all of that name.

        Raises:
            InvalidArgumentError (a ValueError): no symbol has that name.
        """
        start, stop = self._bounds(from_context, to_context)
        ranges: list[RangeData] = []
        for one in symbols_of(self._trace, symbol):
            binary = self._same_binary(one.binary)
            if binary is not None:
                ranges += self._service.symbol_entries(binary, one.rva)
        return self._contexts(ranges, start, stop, is_forward)

    def binary(
        self,
        binary: Binary | str,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
        is_forward: bool = True,
    ) -> Results[Context]:
        """Contexts before every execution of an instruction of a binary.

        Parameters:
            binary: as `Ossi.executed_binaries` or a location gives it, or the name of one,
                `libc` or `libc.so.6`, or its path.

        Raises:
            InvalidArgumentError (a ValueError): no executed binary has that name.
        """
        start, stop = self._bounds(from_context, to_context)
        ranges: list[RangeData] = []
        for one in binaries_of(self._trace, binary):
            number = self._same_binary(one)
            ranges += [] if number is None else self._service.binary_ranges(number)
        return self._contexts(ranges, start, stop, is_forward)

    def instruction(
        self,
        pattern: str,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
        is_forward: bool = True,
    ) -> Results[Context]:
        """Contexts before every execution of an instruction whose text fits. An addition to
        the documented interface.

        Parameters:
            pattern: regular expression that is searched for in the text of instructions as
                `str(instruction)` gives it: `^div `, `^call rax$`, `xmm0`.

        Raises:
            InvalidArgumentError (a ValueError): it is no regular expression, or takes too
                long.
        """
        text(pattern, "A pattern")
        start, stop = self._bounds(from_context, to_context)
        is_forward = flag(is_forward, "is_forward")

        def pages(is_table: bool) -> Iterator[TransitionIds]:
            limit = LARGEST_PAGE if is_table else _FIRST_PAGE
            for begin, end in windows(start, stop, is_forward):
                low, high = begin, end
                while low < high:
                    page = self._service.find_instructions(
                        pattern, low, high, forward=is_forward, limit=limit
                    )
                    yield page
                    if page.next is None:
                        break
                    low, high = (page.next, high) if is_forward else (low, page.next)
                    limit = max(limit, min(limit * 4, _LARGEST_PAGE))

        return self._results(pages)

    def memory(
        self,
        pattern: bytes | bytearray | str,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
    ) -> MemorySearch:
        """Where and when accessed memory holds a pattern: `memory(b"abc").matches()`.

        Parameters:
            pattern: the bytes, at least one; a str means its UTF-8 encoding.
            to_context: as for the others; the last context of the trace bounds nothing, so
                that a match which lives until then lasts until `Context after #N`.

        Raises:
            InvalidArgumentError (a ValueError): an empty pattern.
        """
        data = data_of(pattern)
        trace = self._trace
        contexts = trace._range(from_context, to_context, trace.transition_count + 1, "context")
        if contexts and contexts.stop == trace.transition_count:
            contexts = range(contexts.start, contexts.stop + 1)
        return MemorySearch(self._trace, data, contexts)

    def value(
        self,
        value: int,
        size: int | None = None,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
    ) -> Results[ValueHit]:
        """Where a value comes into a general or vector register, or is read from or written
        to memory, in order. An addition to the documented interface.

        A register counts each time that an instruction (or system call) writes it and it
        then holds the value, even if it did before.

        Parameters:
            value: the value; a negative one means its two's complement of that size.
            size: bytes. Given, the low bytes of registers are compared, and accesses of that
                size. Default: whole 64-bit and 128-bit registers, and accesses of any size.

        Raises:
            InvalidArgumentError (a ValueError): no size from 1 to 32, or a value that does
                not fit.
        """
        value = integer(value, "A value")
        size = None if size is None else integer(size, "The size of a value")
        if size is not None and not 1 <= size <= 32:
            raise InvalidArgumentError(f"A value has 1 to 32 bytes, not {size}.")
        width = size or (8 if value < 0 else 32)
        if not -(1 << 8 * width - 1) <= value < 1 << 8 * width:
            raise InvalidArgumentError(f"{value:#x} does not fit {width} bytes.")
        data = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
        start, stop = self._bounds(from_context, to_context)

        def pages(is_table: bool) -> Iterator[ValuePage]:
            for low, high in windows(start, stop):
                begin: int | None = low
                while begin is not None:
                    page = self._service.find_value(
                        data,
                        begin,
                        high,
                        size=size or 0,
                        limit=LARGEST_PAGE if is_table else _LARGEST_PAGE,
                    )
                    yield page
                    begin = page.next

        return Results(_VALUE_COLUMNS, pages, self._value_hits, _value_batch)

    def _value_hits(self, page: ValuePage) -> Iterator[ValueHit]:
        from reven2.trace import Transition

        write, read = MemoryAccessOperation.Write, MemoryAccessOperation.Read
        for number, register, address, size, is_write in zip(
            column(page.transition, "Q"),
            page.register,
            column(page.address, "Q"),
            column(page.size, "I"),
            page.is_write,
            strict=True,
        ):
            transition = Transition(self._trace, number)
            if register != _NO_REGISTER:
                name = _register_name(register, size)
                yield ValueHit(transition, Register.from_name(name), None)
                continue
            access = MemoryAccess(
                transition, LinearAddress(address), size, write if is_write else read
            )
            yield ValueHit(transition, None, access)

    def _search_range(
        self, from_context: Context | None, to_context: Context | None
    ) -> search_range:
        from reven2._client.low_level import contexts_as_range

        return contexts_as_range(self._trace, from_context, to_context)

    def _same_binary(self, binary: Binary) -> int | None:
        """The number of a binary in this trace, also of one that another trace gave."""
        if binary._service is self._service:
            return binary._id
        return next((d.id for d in self._service.binaries() if d.path == binary.path), None)

    def _bounds(
        self, from_context: AnyMoment | None, to_context: AnyMoment | None
    ) -> tuple[int, int]:
        """The same as transitions [start, stop): a context is before the one of its number."""
        numbers = self._trace._range(
            from_context, to_context, self._trace.transition_count + 1, "context"
        )
        return numbers.start, min(numbers.stop, self._trace.transition_count)

    def _contexts(
        self, ranges: Sequence[RangeData], start: int, stop: int, is_forward: bool
    ) -> Results[Context]:
        is_forward = flag(is_forward, "is_forward")

        def pages(is_table: bool) -> Iterator[TransitionIds]:
            first = LARGEST_PAGE if is_table else _FIRST_PAGE
            for begin, end, standing in _eras(ranges, start, stop, is_forward):
                low, high, limit = begin, end, first
                while low < high:
                    page = self._service.find_pcs(
                        standing, low, high, forward=is_forward, limit=limit
                    )
                    yield page
                    if page.next is None:
                        break
                    low, high = (page.next, high) if is_forward else (low, page.next)
                    limit = max(limit, min(limit * 4, _LARGEST_PAGE))

        return self._results(pages)

    def _results(self, pages: Callable[[bool], Iterator[TransitionIds]]) -> Results[Context]:
        def items(page: TransitionIds) -> Iterator[Context]:
            numbers = column(page.transition, "Q")
            return self._trace._contexts_of(numbers, _FIRST_STATES, _LARGEST_STATES)

        def batch(page: TransitionIds) -> Batch:
            return {"transition": integers(page.transition, "uint64")}

        return Results(_CONTEXT_COLUMNS, pages, items, batch)


def _register_name(number: int, size: int) -> str:
    """Name of a register by its place in `ValuePage.register`, of a size that is compared."""
    if number >= 16:
        return f"{'ymm' if size > 16 else 'xmm'}{number - 16}"
    if number >= 8:
        return f"r{number}" + {4: "d", 2: "w", 1: "b"}.get(size, "")
    name = _GENERAL[number]
    if size == 1:
        return f"{name[0]}l" if number < 4 else f"{name}l"
    return name if size == 2 else f"{'e' if size == 4 else 'r'}{name}"


def _value_batch(page: ValuePage) -> Batch:
    registers = integers(page.register, "uint8")
    sizes = integers(page.size, "uint32")
    is_access = registers == _NO_REGISTER
    keys, which = np.unique(np.where(is_access, 0, sizes << 8 | registers), return_inverse=True)
    names = [_register_name(int(key) & 0xFF, int(key) >> 8) if key else None for key in keys]
    return {
        "transition": integers(page.transition, "uint64"),
        "kind": np.where(is_access, 1 + integers(page.is_write, "uint8"), 0),
        "register": (which, names),
        "address": integers(page.address, "uint64"),
        "size": sizes,
    }


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
