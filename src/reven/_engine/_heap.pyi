# SPDX-License-Identifier: Apache-2.0
"""Calls of the allocator, and wrong accesses to what it gave."""

from reven._engine import U8, U32, U64, Progress, Trace

class AllocatorCalls:
    """Columns of calls of functions, by ascending `enter`."""

    function: U32  # index in the list of functions
    thread: U32
    enter: U64  # first context in the function
    leave: U64  # first context after it; 2^64 - 1: it never returned
    argument0: U64
    argument1: U64
    argument2: U64
    result: U64
    stack_pointer: U64  # in `enter`: where the return address stands
    return_address: U64  # 0 if it never returned
    def __len__(self) -> int: ...

def allocator_calls(
    trace: Trace, functions: list[int], progress: Progress | None = None
) -> AllocatorCalls:
    """Calls of the functions whose entries these are, the outermost of each thread: what one
    calls of the others is part of it."""

class HeapErrors:
    """Columns of accesses that no correct program makes, by ascending transition."""

    kind: U8  # 0 beside every block, 1 in a freed block, 2 reads bytes that were never written
    is_write: U8
    thread: U32
    size: U32
    block: U32  # index of the block beside which, or in which; 2^32 - 1: none
    count: U32  # how often the instruction did so to the block
    transition: U64  # the first time
    pc: U64
    address: U64
    bytes: U64  # of kind 2: a bit for each byte of the access that was not written
    def __len__(self) -> int: ...

def check_heap(
    trace: Trace,
    address: U64,
    size: U64,
    first: U64,
    end: U64,
    contents: U8,
    moved_from: U32,
    span_thread: U32,
    span_enter: U64,
    span_leave: U64,
    *,
    library_code: list[tuple[int, int]],
    from_the_beginning: bool,
    find_unwritten: bool,
    limit: int = 100000,
    progress: Progress | None = None,
) -> HeapErrors:
    """Examine all accesses. A table of blocks by ascending `first`, which exist in the
    contexts [first, end); `contents`: 0 nothing was written to it, 1 all was, 2 as to the
    block `moved_from`. A table of spans [enter, leave) by ascending `enter` in which a thread
    is in the allocator. `library_code`: code whose vector loads may reach beyond what they
    need. `from_the_beginning`: there was no heap before the trace. Kinds 0 and 1, or with
    `find_unwritten` kind 2."""
