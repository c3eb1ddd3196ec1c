# SPDX-License-Identifier: Apache-2.0
"""Strings that the recorded program accessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reven2._printable import escape, printable
from reven2._service import StringPage, column
from reven2._tables.table import LARGEST_PAGE, Batch, Column, Results, integers
from reven2.address import LinearAddress
from reven2.memory_range import MemoryRange
from reven2.types import Encoding

if TYPE_CHECKING:
    from reven2.memhist import MemoryAccess
    from reven2.trace import Trace, Transition

__all__ = ["String"]

_PAGE = 64, 4096
_COLUMNS = (
    Column("id", "uint64"),
    Column("data", "text"),
    Column("address", "uint64"),
    Column("size", "uint32"),
    Column("encoding", "category", ("utf-8", "utf-16")),
    Column("first_access", "uint64"),
    Column("last_access", "uint64"),
)


class String:
    """A text of 5 to 128 printable characters that stood at an address while an instruction,
    or the kernel, accessed it. What stands there at other times is another string; the same
    text that comes back is the same one.

    Not meant to be constructed directly: ask `Trace.strings`.
    """

    __slots__ = (
        "_address", "_data", "_encoding", "_first_access", "_id", "_last_access", "_size",
        "_trace",
    )  # fmt: skip

    def __init__(
        self,
        trace: Trace,
        id: int,
        data: str,
        address: int,
        size: int,
        encoding: Encoding,
        first_access: int,
        last_access: int,
    ) -> None:
        self._trace, self._id, self._data = trace, id, data
        self._address, self._size, self._encoding = address, size, encoding
        self._first_access, self._last_access = first_access, last_access

    @property
    def id(self) -> int:
        """Number in the trace: tells apart equal strings at other places."""
        return self._id

    @property
    def data(self) -> str:
        """The text."""
        return self._data

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, without a terminator."""
        return self._size

    @property
    def address(self) -> LinearAddress:
        """Its first byte."""
        return LinearAddress(self._address)._of(self._trace)

    @property
    def address_range(self) -> MemoryRange:
        """The memory that it takes."""
        return MemoryRange(self.address, self._size)

    @property
    def encoding(self) -> Encoding:
        """How its characters are stored."""
        return self._encoding

    @property
    def first_access(self) -> Transition:
        """The transition that first wrote a part of it, or read it where it stood before."""
        return self._trace.transition(self._first_access)

    @property
    def last_access(self) -> Transition:
        """The last transition that accessed it while it stood there."""
        return self._trace.transition(self._last_access)

    def memory_accesses(
        self,
        from_transition: Transition | int | None = None,
        to_transition: Transition | int | None = None,
    ) -> Results[MemoryAccess]:
        """The accesses to its memory from its first to its last one, in order. Should
        something else have stood there in between, the accesses to that are among them.

        Parameters:
            from_transition: where to start, included. Default: `first_access`.
            to_transition: where to stop, excluded. Default: after `last_access`.

        Returns:
            A generator.

        Raises:
            OutOfRangeError (an IndexError): a bound outside the trace.
        """
        return self._trace.memory_accesses(
            self._address,
            self._size,
            self._first_access if from_transition is None else from_transition,
            self._last_access + 1 if to_transition is None else to_transition,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, String):
            return NotImplemented
        return self._id == other._id and self._trace == other._trace

    def __hash__(self) -> int:
        return hash(self._id)

    def format_as_html(self) -> str:
        """The text and where and when it was first accessed, for embedding in HTML; the
        latter are links where there is a server."""
        return (
            f"<code>{escape(self._data)}</code> at {self.address.format_as_html()} "
            f"({self.first_access.format_as_html()})"
        )

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __str__(self) -> str:
        return printable(self._data)

    def __repr__(self) -> str:
        return (
            f"String(id={self._id}, address={self.address!r}, size={self._size}, "
            f"data={self._data!r})"
        )


def string_results(trace: Trace, pattern: str) -> Results[String]:
    """The strings of a trace that contain a text."""

    def pages(is_table: bool) -> Iterator[StringPage]:
        first: int | None = 0
        limit, largest = _PAGE
        while first is not None:
            page = trace._service.strings(
                pattern, first=first, limit=LARGEST_PAGE if is_table else limit
            )
            yield page
            first, limit = page.next, min(limit * 4, largest)

    def items(page: StringPage) -> Iterator[String]:
        for id, data, address, size, is_utf16, first, last in zip(
            column(page.id, "Q"),
            page.text,
            column(page.address, "Q"),
            column(page.size, "I"),
            page.is_utf16,
            column(page.first_access, "Q"),
            column(page.last_access, "Q"),
            strict=True,
        ):
            encoding = Encoding.Utf16 if is_utf16 else Encoding.Utf8
            yield String(trace, id, data, address, size, encoding, first, last)

    def batch(page: StringPage) -> Batch:
        return {
            "id": integers(page.id, "uint64"),
            "data": page.text,
            "address": integers(page.address, "uint64"),
            "size": integers(page.size, "uint32"),
            "encoding": integers(page.is_utf16, "uint8"),
            "first_access": integers(page.first_access, "uint64"),
            "last_access": integers(page.last_access, "uint64"),
        }

    return Results(_COLUMNS, pages, items, batch)
