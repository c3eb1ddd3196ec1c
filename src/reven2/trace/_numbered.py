# SPDX-License-Identifier: Apache-2.0
"""Results that are numbered one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from reven2._tables.table import Batch, Column, Table

Item = TypeVar("Item")


class Numbered(Iterator[Item], Generic[Item]):
    """An iterator over numbered things. Like any generator it is used up by iterating;
    beyond that, `len()` counts what is left, and indexing and slicing take from what is
    left without using it up.
    """

    def __init__(
        self,
        numbers: range,
        generate: Callable[[range], Iterator[Item]],
        make: Callable[[int], Item],
    ) -> None:
        self._numbers, self._generate, self._make = numbers, generate, make
        self._used = 0
        self._running = self._run()

    def _repr_html_(self) -> str | None:
        """A table of the first ones, which are not used up by it."""
        from reven2._tables.html import MOST_ROWS, table

        return table(list(self[:MOST_ROWS]), len(self))

    def _run(self) -> Iterator[Item]:
        for item in self._generate(self._numbers):
            self._used += 1
            yield item

    def __iter__(self) -> Iterator[Item]:
        return self._running

    def __next__(self) -> Item:
        return next(self._running)

    def __len__(self) -> int:
        return len(self._numbers) - self._used

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> Numbered[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | Numbered[Item]:
        left = self._numbers[self._used :]
        if isinstance(index, slice):
            return Numbered(left[index], self._generate, self._make)
        return self._make(left[index])


class NumberedTable(Table, Numbered[Item]):
    """The same, also as a table: `to_pandas` and `__arrow_c_stream__` give what is left."""

    def __init__(
        self,
        numbers: range,
        generate: Callable[[range], Iterator[Item]],
        make: Callable[[int], Item],
        columns: Sequence[Column],
        batches: Callable[[range], Iterator[Batch]],
    ) -> None:
        super().__init__(numbers, generate, make)
        self._columns, self._batches_of = columns, batches

    def _batches(self) -> Iterator[Batch]:
        return self._batches_of(self._numbers[self._used :])

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> NumberedTable[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | NumberedTable[Item]:
        left = self._numbers[self._used :]
        if isinstance(index, slice):
            return NumberedTable(
                left[index], self._generate, self._make, self._columns, self._batches_of
            )
        return self._make(left[index])
