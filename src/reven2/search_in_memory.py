# SPDX-License-Identifier: Apache-2.0
"""Find bytes in memory over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reven2._service import column
from reven2._tables.table import windows
from reven2.address import LinearAddress, PhysicalAddress
from reven2.memhist import MemoryAccessOperation

if TYPE_CHECKING:
    from reven2._tables.table import Results
    from reven2.memhist import MemoryAccess
    from reven2.trace import Context, Trace, Transition

__all__ = ["Match", "Search"]

_PAGE = 256


class Match:
    """A slice of memory that equals the pattern during a part of the trace.

    Not meant to be constructed directly: `Search.matches` gives them.
    """

    def __init__(
        self, search: Search, match_id: int, address: int, creation: int | None, first: int
    ) -> None:
        self._search, self._id, self._address = search, match_id, address
        self._creation, self._first = creation, first
        self._last: int | None = None

    @property
    def id(self) -> int:
        """Number among the matches of its search, in the order in which it gives them."""
        return self._id

    @property
    def pattern(self) -> bytes:
        """The bytes that were searched for."""
        return self._search.pattern

    @property
    def size_byte(self) -> int:
        """Bytes."""
        return len(self._search.pattern)

    @property
    def virtual_start_address(self) -> LinearAddress:
        """Its first byte as the program sees it."""
        return LinearAddress(self._address)._of(self._search._trace)

    @property
    def virtual_end_address(self) -> LinearAddress:
        """The first byte after it as the program sees it."""
        return LinearAddress(self._address + self.size_byte)._of(self._search._trace)

    @property
    def physical_start_address(self) -> PhysicalAddress:
        """Its first byte; in a user program's trace, equal to the linear address."""
        return PhysicalAddress(self._address)._of(self._search._trace)

    @property
    def physical_end_address(self) -> PhysicalAddress:
        """The first byte after it."""
        return PhysicalAddress(self._address + self.size_byte)._of(self._search._trace)

    @property
    def known_mapped_context(self) -> Context:
        """A context where its linear address is mapped."""
        return self.first_context

    @property
    def first_context(self) -> Context:
        """The first context in which it matches."""
        return self._search._trace._context(self._first)

    @property
    def last_context(self) -> Context:
        """The last context in which it matches."""
        return self._search._trace._context(self._end())

    @property
    def creation_transition(self) -> Transition | None:
        """What made it match; None if it did when the search began."""
        if self._creation is None:
            return None
        return self._search._trace.transition(self._creation)

    @property
    def destruction_transition(self) -> Transition | None:
        """What ended the match; None if it lasts until the end of the search."""
        end = self._end()
        return None if end == self._search._last else self._search._trace.transition(end)

    def accesses(self) -> Results[MemoryAccess]:
        """The accesses that read a byte of it while it matches, in order."""
        return self._accesses(self._first, MemoryAccessOperation.Read)

    def format_as_html(self) -> str:
        """Its place and the contexts in which it matches, for embedding in HTML."""
        first, last = self.first_context, self.last_context
        return (
            f"{self.virtual_start_address.format_as_html()} "
            f"[{first.format_as_html()} - {last.format_as_html()}]"
        )

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __str__(self) -> str:
        """As documented, with the number of accesses counted, which takes its time."""
        return (
            f"id: {self._id} | @{self.virtual_start_address} "
            f"(mapped at {self.known_mapped_context}) | "
            f"[{self.first_context} - {self.last_context}] | {self.accesses().count()} access(es)"
        )

    def __repr__(self) -> str:
        return f"Match(id={self._id}, address={self.virtual_start_address!r})"

    def _end(self) -> int:
        """Number of the last context in which it matches."""
        if self._last is None:
            search = self._search
            change = search._trace._service.find_memory_change(
                self._first, self._address, self.size_byte, True
            )
            self._last = search._last if change is None else min(change - 1, search._last)
        return self._last

    def _accesses(
        self, start: int, operation: MemoryAccessOperation | None
    ) -> Results[MemoryAccess]:
        """Also those of the transition that ends the match, which it may read before."""
        trace = self._search._trace
        stop = min(self._end() + 1, self._search._last, trace.transition_count)
        return trace.memory_accesses(
            self._address, self.size_byte, start, max(start, stop), operation=operation
        )


class Search:
    """Where and when memory that the trace accesses holds a pattern.

    Not meant to be constructed directly: it is what `reven2.search.Search.memory` gives.
    """

    def __init__(self, trace: Trace, pattern: bytes, contexts: range) -> None:
        self._trace, self._pattern, self._contexts = trace, pattern, contexts

    @property
    def pattern(self) -> bytes:
        """The bytes that are searched for."""
        return self._pattern

    def matches(self) -> Iterator[Match]:
        """The matches: those that stand at the first context, by address, then those that a
        transition brings about, in order.

        Only memory that is accessed counts: what stood before, or came with the mapping of a
        file, is a match if a byte of it is read or written while it matches. The zeros that
        new memory consists of are no matches before something is written there.

        Returns:
            A generator.

        Raises:
            InvalidArgumentError (a ValueError): an empty pattern, or one too long.
        """
        return self._found()

    @property
    def _last(self) -> int:
        """Number of the last context of the search."""
        return self._contexts[-1]

    def _found(self) -> Iterator[Match]:
        number = 0
        for address, creation, is_access in self._candidates():
            first = self._contexts.start if creation is None else creation + 1
            match = Match(self, number, address, creation, first)
            if is_access or next(match._accesses(first, None), None) is not None:
                number += 1
                yield match

    def _candidates(self) -> Iterator[tuple[int, int | None, bool]]:
        """Address, the transition that creates it, whether that accesses it."""
        if not self._contexts:
            return
        service, start, stop = self._trace._service, self._contexts.start, self._last
        next_address: int | None = 0
        while next_address is not None:
            standing = service.standing_matches(
                self._pattern, start, stop, first=next_address, limit=_PAGE
            )
            for address in column(standing.address, "Q"):
                yield address, None, False
            next_address = standing.next
        for low, high in windows(start, stop):
            begin: int | None = low
            while begin is not None:
                created = service.created_matches(self._pattern, begin, high, limit=_PAGE)
                yield from zip(
                    column(created.address, "Q"),
                    column(created.transition, "Q"),
                    (not mapped for mapped in created.is_mapping),
                    strict=True,
                )
                begin = created.next
