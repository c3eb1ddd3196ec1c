# SPDX-License-Identifier: Apache-2.0
"""What transitions and contexts have in common: a place in a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, SupportsIndex

from reven2._arguments import integer

if TYPE_CHECKING:
    from reven2.trace._trace import Trace


class Moment:
    """A numbered place in a trace: ordered among its kind, hashable, with neighbours."""

    __slots__ = ("_id", "_trace")
    _trace: Trace
    _id: int

    def _at(self, number: int) -> Self:
        """The one of that number; raises OutOfRangeError (an IndexError)."""
        raise NotImplementedError

    def _comparable(self, other: object) -> bool:
        return type(self) is type(other) and self._trace == other._trace

    def __add__(self, offset: SupportsIndex) -> Self:
        return self._at(self._id + integer(offset, "What is added to a moment"))

    def __sub__(self, offset: SupportsIndex) -> Self:
        return self._at(self._id - integer(offset, "What is subtracted from a moment"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moment):
            return NotImplemented
        return self._id == other._id and self._comparable(other)

    def __hash__(self) -> int:
        return hash(self._id)

    def __lt__(self, other: Self) -> bool:
        return self._id < other._id if self._comparable(other) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self._id <= other._id if self._comparable(other) else NotImplemented

    def __gt__(self, other: Self) -> bool:
        return self._id > other._id if self._comparable(other) else NotImplemented

    def __ge__(self, other: Self) -> bool:
        return self._id >= other._id if self._comparable(other) else NotImplemented
