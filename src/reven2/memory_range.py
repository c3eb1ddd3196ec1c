# SPDX-License-Identifier: Apache-2.0
"""Ranges of memory, sets of them, and maps from them to values."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from reven2._arguments import instance, integer, range_size
from reven2.address import LinearAddress, PhysicalAddress, _AbstractAddress
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2.trace import Context

__all__ = ["PAGE_SIZE", "MemoryRange", "MemoryRangeMap", "MemoryRangeSet"]

PAGE_SIZE = 4096
"""Bytes of a page of the recorded machine."""

Value = TypeVar("Value")


class MemoryRange:
    """The `size` bytes from an address on. `str`: `[ds:0x1000; 4096]`.

    Ranges only meet (overlap, merge, contain) when their addresses are of one kind and
    segment.

    Parameters:
        address: first byte; an int is a linear address.
        size: bytes, at least 1.

    Raises:
        InvalidArgumentError (a ValueError): no bytes, or beyond the end of the address space.
    """

    __slots__ = ("_address", "_size")

    def __init__(self, address: _AbstractAddress | int, size: int) -> None:
        if not isinstance(address, _AbstractAddress):
            address = LinearAddress(integer(address, "The address of a memory range"))
        size = range_size(size)
        if address.offset + size > 1 << 64:
            raise InvalidArgumentError(f"[{address}; {size}] goes beyond the end of memory.")
        self._address, self._size = address, size

    @property
    def address(self) -> _AbstractAddress:
        """Address of the first byte."""
        return self._address

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    def union(self, other: MemoryRange) -> MemoryRange | None:
        """The one range that covers both exactly; None if they neither touch nor overlap."""
        if not self._meets(other) or max(self._begin, other._begin) > min(self._end, other._end):
            return None
        return self._between(min(self._begin, other._begin), max(self._end, other._end))

    def intersection(self, other: MemoryRange) -> MemoryRange | None:
        """The bytes in both; None if there are none."""
        if not self._meets(other):
            return None
        begin, end = max(self._begin, other._begin), min(self._end, other._end)
        if begin >= end:
            return None
        return self._between(begin, end)

    def pages(self) -> Iterator[MemoryRange]:
        """The range cut at page boundaries."""
        begin = self._begin
        while begin < self._end:
            end = min((begin // PAGE_SIZE + 1) * PAGE_SIZE, self._end)
            yield self._between(begin, end)
            begin = end

    def translate(self, context: Context) -> Iterator[MemoryRange]:
        """The physical ranges behind it at a context, cut at page boundaries; pages that are
        not mapped are left out."""
        begin = self._address._linear(context)
        for page in MemoryRange(PhysicalAddress(begin), self._size).pages():
            if context._is_mapped(page._begin, page._size):
                yield page

    def __contains__(self, other: object) -> bool:
        if isinstance(other, _AbstractAddress):
            return (
                other._space() == self._address._space() and self._begin <= other.offset < self._end
            )
        if isinstance(other, MemoryRange):
            return self._meets(other) and self._begin <= other._begin and other._end <= self._end
        return False

    def format_as_html(self) -> str:
        """The same text as `str`, with a link where there is a server."""
        return f"[{self._address.format_as_html()}; {self._size}]"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MemoryRange):
            return NotImplemented
        return self._address == other._address and self._size == other._size

    def __hash__(self) -> int:
        return hash((self._address, self._size))

    def __str__(self) -> str:
        return f"[{self._address}; {self._size}]"

    def __repr__(self) -> str:
        return f"MemoryRange({self._address!r}, {self._size})"

    @property
    def _begin(self) -> int:
        return self._address.offset

    @property
    def _end(self) -> int:
        return self._address.offset + self._size

    def _meets(self, other: MemoryRange) -> bool:
        instance(other, MemoryRange, "The other range", "pass a MemoryRange")
        return self._address._space() == other._address._space()

    def _between(self, begin: int, end: int) -> MemoryRange:
        return MemoryRange(self._address + (begin - self._begin), end - begin)


class MemoryRangeMap(Generic[Value]):
    """A map from memory ranges that never overlap to values; iterates over
    `(range, value)` in ascending order, address kind by address kind.

    Where an added range overlaps one that is there, the common part gets
    `merge(old, new)`, and what is left of either gets `subtract(its value)`, or keeps its
    value where that is None.

    Parameters:
        items: `(range, value)` pairs to add, in this order.
        subtract: the value of what is left of a range when a part is taken out; None, as
            from `lambda value: None`, and the default leave it as it is.
        merge: the value of an overlap, of (old, new); by default the new one.
    """

    def __init__(
        self,
        items: Iterable[tuple[MemoryRange, Value]] = (),
        subtract: Callable[[Value], Value | None] | None = None,
        merge: Callable[[Value, Value], Value] | None = None,
    ) -> None:
        self._subtract = subtract
        self._merge = merge or (lambda old, new: new)
        self._spaces: dict[tuple[str, ...], _Space[Value]] = {}
        for memory_range, value in items:
            self.add(memory_range, value)

    def add(self, memory_range: MemoryRange, value: Value) -> None:
        """Map a range to a value, merging where others are in the way."""
        instance(memory_range, MemoryRange, "A key of the map", "pass a MemoryRange")
        space = self._spaces.setdefault(memory_range.address._space(), _Space())
        first, last = space.overlapping(memory_range)
        pieces: list[tuple[MemoryRange, Value]] = []
        free = memory_range._begin
        for old, old_value in zip(space.ranges[first:last], space.values[first:last], strict=True):
            common = old.intersection(memory_range)
            assert common is not None
            if free < common._begin:
                pieces.append((memory_range._between(free, common._begin), self._rest(value)))
            if old._begin < common._begin:
                pieces.append((old._between(old._begin, common._begin), self._rest(old_value)))
            pieces.append((common, self._merge(old_value, value)))
            if common._end < old._end:
                pieces.append((old._between(common._end, old._end), self._rest(old_value)))
            free = common._end
        if first == last:
            pieces.append((memory_range, value))
        elif free < memory_range._end:
            pieces.append((memory_range._between(free, memory_range._end), self._rest(value)))
        space.replace(first, last, pieces)

    def remove(self, memory_range: MemoryRange) -> None:
        """Take a range out; what is not there is ignored."""
        space = self._spaces.get(memory_range.address._space())
        if space is None:
            return
        first, last = space.overlapping(memory_range)
        pieces: list[tuple[MemoryRange, Value]] = []
        for old, value in zip(space.ranges[first:last], space.values[first:last], strict=True):
            if old._begin < memory_range._begin:
                pieces.append((old._between(old._begin, memory_range._begin), self._rest(value)))
            if memory_range._end < old._end:
                pieces.append((old._between(memory_range._end, old._end), self._rest(value)))
        space.replace(first, last, pieces)

    def at(self, address: _AbstractAddress) -> Value | None:
        """The value of the range that holds an address; None if none does."""
        space = self._spaces.get(address._space())
        if space is None:
            return None
        first, last = space.overlapping(MemoryRange(address, 1))
        return space.values[first] if first < last else None

    def overlapping(self, memory_range: MemoryRange) -> Iterator[tuple[MemoryRange, Value]]:
        """The ranges, whole, that overlap one, with their values."""
        space = self._spaces.get(memory_range.address._space())
        if space is not None:
            first, last = space.overlapping(memory_range)
            yield from zip(space.ranges[first:last], space.values[first:last], strict=True)

    def _rest(self, value: Value) -> Value:
        """The value of what is left of a range of this value."""
        rest = None if self._subtract is None else self._subtract(value)
        return value if rest is None else rest

    def __iter__(self) -> Iterator[tuple[MemoryRange, Value]]:
        for name in sorted(self._spaces):
            space = self._spaces[name]
            yield from zip(space.ranges, space.values, strict=True)

    def __len__(self) -> int:
        return sum(len(space.ranges) for space in self._spaces.values())

    def __contains__(self, other: object) -> bool:
        if isinstance(other, MemoryRange):
            covered = 0
            for old, _ in self.overlapping(other):
                common = old.intersection(other)
                covered += common.size if common else 0
            return covered == other.size
        if isinstance(other, _AbstractAddress):
            return MemoryRange(other, 1) in self
        return False

    def __repr__(self) -> str:
        return f"MemoryRangeMap({list(self)!r})"


class _Space(Generic[Value]):
    """Disjoint ranges of one address kind, ascending, beside their values."""

    def __init__(self) -> None:
        self.ranges: list[MemoryRange] = []
        self.values: list[Value] = []

    def overlapping(self, memory_range: MemoryRange) -> tuple[int, int]:
        """Indexes [first, last) of the ranges that overlap one."""
        first = bisect_right(self.ranges, memory_range._begin, key=lambda r: r._end)
        last = bisect_left(self.ranges, memory_range._end, key=lambda r: r._begin)
        return first, max(first, last)

    def replace(self, first: int, last: int, pieces: list[tuple[MemoryRange, Value]]) -> None:
        self.ranges[first:last] = [memory_range for memory_range, _ in pieces]
        self.values[first:last] = [value for _, value in pieces]


class MemoryRangeSet:
    """A set of bytes, kept as ranges: those that touch or overlap are merged. Iterates over
    the merged ranges in ascending order, address kind by address kind.

    Parameters:
        ranges: ranges to add.
    """

    def __init__(self, ranges: Iterable[MemoryRange] = ()) -> None:
        self._map: MemoryRangeMap[None] = MemoryRangeMap()
        for memory_range in ranges:
            self.add(memory_range)

    def add(self, memory_range: MemoryRange) -> None:
        """Add the bytes of a range."""
        instance(memory_range, MemoryRange, "A member of the set", "pass a MemoryRange")
        space = self._map._spaces.setdefault(memory_range.address._space(), _Space())
        first = bisect_left(space.ranges, memory_range._begin, key=lambda r: r._end)
        last = bisect_right(space.ranges, memory_range._end, key=lambda r: r._begin)
        merged = memory_range
        if first < last:
            merged = memory_range._between(
                min(memory_range._begin, space.ranges[first]._begin),
                max(memory_range._end, space.ranges[last - 1]._end),
            )
        space.replace(first, max(first, last), [(merged, None)])

    def remove(self, memory_range: MemoryRange) -> None:
        """Remove the bytes of a range; those not there are ignored."""
        self._map.remove(memory_range)

    def union(self, other: Iterable[MemoryRange]) -> MemoryRangeSet:
        """The bytes in either."""
        return MemoryRangeSet([*self, *other])

    def intersection(self, other: Iterable[MemoryRange]) -> MemoryRangeSet:
        """The bytes in both."""
        result = MemoryRangeSet()
        for memory_range in other:
            for mine, _ in self._map.overlapping(memory_range):
                common = mine.intersection(memory_range)
                if common is not None:
                    result.add(common)
        return result

    def difference(self, other: Iterable[MemoryRange]) -> MemoryRangeSet:
        """The bytes that are not in `other`."""
        result = MemoryRangeSet(self)
        for memory_range in other:
            result.remove(memory_range)
        return result

    def __or__(self, other: MemoryRangeSet) -> MemoryRangeSet:
        return self.union(other)

    def __and__(self, other: MemoryRangeSet) -> MemoryRangeSet:
        return self.intersection(other)

    def __sub__(self, other: MemoryRangeSet) -> MemoryRangeSet:
        return self.difference(other)

    def __contains__(self, other: object) -> bool:
        """Whether an address, or every byte of a range, is in the set."""
        return other in self._map

    def __iter__(self) -> Iterator[MemoryRange]:
        return (memory_range for memory_range, _ in self._map)

    def __len__(self) -> int:
        return len(self._map)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MemoryRangeSet):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"MemoryRangeSet({list(self)!r})"
