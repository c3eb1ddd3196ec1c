# SPDX-License-Identifier: Apache-2.0
"""The heap: what was allocated where, from when to when, by whom, and what went wrong with it."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.declared import query

HeapErrorKind = Literal["overflow", "use-after-free", "double-free", "uninitialized"]


class HeapCallData(msgspec.Struct, frozen=True):
    """A call of a function that allocates or frees, or such a system call. `first_context` is
    the first in the function, `last_context` the first after it (None: it never returned).
    `return_address`: where its caller goes on, 0 if unknown."""

    function: str
    thread: int
    first_context: int
    last_context: int | None
    return_address: int


class AllocationData(msgspec.Struct, frozen=True):
    """A block of memory: the `size` bytes asked for from `address` on. `id` numbers them in the
    order in which they were made. `freed`: the call that freed it, None if none did.
    `end_context`: the first in which it is no more, None if it lasts to the end; it may have
    gone without a call, when its memory was given out again. `moved_from`: the block that
    realloc or mremap made it of."""

    id: int
    address: int
    size: int
    allocated: HeapCallData
    freed: HeapCallData | None
    end_context: int | None
    moved_from: int | None


class AllocationPage(msgspec.Struct, frozen=True):
    """Allocations by ascending id; `next`: id to go on with, None at the end."""

    allocations: list[AllocationData]
    next: int | None


class HeapErrorData(msgspec.Struct, frozen=True):
    """Something wrong that the program did at a transition.

    `address`, `size`, `is_write`: the access, of an uninitialized value the bytes that were
    never written, or what was freed (size 0). `allocation`: the id
    of the block beside, or in, which it lies, None for the stack and memory that never
    was of a block. `count`: how often the same instruction did the same to the same block.
    `branch`: of an uninitialized value, the conditional branch that it reaches. `thread`: who.
    """

    kind: HeapErrorKind
    transition: int
    thread: int
    pc: int
    address: int
    size: int
    is_write: bool
    allocation: int | None
    count: int
    branch: int | None


class HeapService(Protocol):
    """Queries on the heap. The first one looks through the whole trace."""

    @query(scans=True)
    def allocations(self, *, first: int, limit: int) -> AllocationPage:
        """Allocations whose id is `first` or more."""

    @query(slow=True)
    def allocation_at(
        self, address: int, context: int, *, was_freed: bool
    ) -> AllocationData | None:
        """The block that holds the address in a context; with `was_freed`, if there is none,
        the last one that did."""

    @query(slow=True)
    def live_allocations(self, context: int, *, first: int, limit: int) -> AllocationPage:
        """Those of a context, whose id is `first` or more."""

    @query(scans=True)
    def heap_errors(self, kind: HeapErrorKind, *, limit: int) -> list[HeapErrorData]:
        """What went wrong, in the order of the transitions; each instruction and block once."""
