# SPDX-License-Identifier: Apache-2.0
"""The blocks of memory that a trace allocates, from the calls that make and free them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from reven import _engine
from reven.heap.allocators import Allocator

__all__ = ["NEVER", "AllocatorCall", "BadFree", "Block", "Heap", "InCalls"]

NEVER = (1 << 64) - 1

_MMAP, _MUNMAP, _MREMAP = 9, 11, 25  # <asm/unistd_64.h>
_MAP_ANONYMOUS = 0x20
_MAP_FAILED = range(-4095, 0)
_PAGE = 4096


class AllocatorCall(NamedTuple):
    """A call of an allocating or freeing function; `leave`: NEVER if it did not return."""

    function: str
    role: Allocator
    thread: int
    enter: int
    leave: int
    return_address: int
    arguments: tuple[int, int, int]
    result: int

    @property
    def succeeded(self) -> bool:
        """Whether it returned memory."""
        if self.leave == NEVER:
            return False
        # posix_memalign returns an error number, an int.
        return self.result & 0xFFFFFFFF == 0 if self.role.out is not None else self.result != 0

    @property
    def size(self) -> int:
        """Bytes asked for."""
        size = 1
        for argument in self.role.size:
            size *= self.arguments[argument]
        return size


class Block:
    """An allocated block: [start, stop) exists in the contexts [first, end)."""

    __slots__ = (
        "allocated",
        "end",
        "first",
        "freed",
        "id",
        "is_mapping",
        "moved_from",
        "start",
        "stop",
    )

    def __init__(
        self, id: int, start: int, size: int, allocated: AllocatorCall, is_mapping: bool
    ) -> None:
        self.id, self.start, self.stop = id, start, start + size
        self.allocated, self.first = allocated, allocated.leave
        self.freed: AllocatorCall | None = None
        self.end = NEVER
        self.moved_from: Block | None = None
        self.is_mapping = is_mapping


class BadFree(NamedTuple):
    """A free of what is no block. `block`: the one that was there before, or that it lies
    in, None if there is none."""

    call: AllocatorCall
    address: int
    block: Block | None


class Heap:
    """All blocks of a trace.

    Parameters:
        calls: of the allocating functions, in the order of `enter`.
        syscalls: all system calls of the trace, in their order.
        read_pointer: reads an address in memory: (context, address).
    """

    def __init__(
        self,
        calls: Sequence[AllocatorCall],
        syscalls: Sequence[_engine.Syscall],
        read_pointer: Callable[[int, int], int | None],
    ) -> None:
        self.calls = calls
        self.is_inside = InCalls(calls)
        self.blocks: list[Block] = []
        self.bad_frees: list[BadFree] = []
        self._read_pointer = read_pointer
        self._live: dict[int, Block] = {}
        self._last: dict[int, Block] = {}
        for _, _, act, call in sorted(self._steps(syscalls), key=lambda step: step[:2]):
            act(call)
        self._columns: tuple[npt.NDArray[np.uint64], ...] = tuple(
            np.array([getattr(block, name) for block in self.blocks], dtype=np.uint64)
            for name in ("start", "stop", "first", "end")
        )

    def at(self, address: int, context: int, *, was_freed: bool) -> Block | None:
        """The block that holds an address in a context; with `was_freed`, if there is none,
        the last one that did."""
        start, stop, first, end = self._columns
        holds = (start <= address) & (address < stop) & (first <= context)
        found = np.flatnonzero(holds & (context < end))
        if not len(found) and was_freed:
            found = np.flatnonzero(holds)
        # What lies in a block of the heap may lie in a mapping besides: the youngest is meant.
        return self.blocks[int(found[-1])] if len(found) else None

    def live(self, context: int, first_id: int, limit: int) -> list[Block]:
        """Those of a context, from an id on."""
        _, _, first, end = self._columns
        found = np.flatnonzero((first <= context) & (context < end))
        at = int(np.searchsorted(found, first_id))
        return [self.blocks[int(number)] for number in found[at : at + limit]]

    def _steps(
        self, syscalls: Sequence[_engine.Syscall]
    ) -> Iterator[tuple[int, int, Callable[[AllocatorCall], None], AllocatorCall]]:
        """(context, order in it, what to do, with which call)."""
        for call in self.calls:
            if call.role.role in ("free", "resize"):
                yield call.enter, 1, self._free, call
            if call.role.role in ("allocate", "resize") and call.succeeded:
                yield call.leave, 0, self._allocate, call
        actions = {_MMAP: self._map, _MUNMAP: self._unmap, _MREMAP: self._remap}
        for syscall in syscalls:
            act = actions.get(syscall.number)
            if act is None or self.is_inside(syscall.thread, syscall.transition):
                continue
            if syscall.result is None or syscall.result in _MAP_FAILED:
                continue
            yield syscall.transition + 1, 2, act, _mapping_call(syscall)

    def _allocate(self, call: AllocatorCall) -> None:
        address: int | None = call.result
        if call.role.out is not None:
            address = self._read_pointer(call.leave, call.arguments[call.role.out])
        if not address:
            return
        old = self._live.get(address)
        if old is not None:
            old.end = call.enter
        block = Block(len(self.blocks), address, call.size, call, is_mapping=False)
        if call.role.role == "resize":
            moved = self._last.get(call.arguments[call.role.pointer])
            block.moved_from = moved if moved is not None and moved.freed is call else None
        self._add(block)

    def _free(self, call: AllocatorCall) -> None:
        address = call.arguments[call.role.pointer]
        if not address:
            return
        if call.role.role == "resize" and not call.result and (call.size or call.leave == NEVER):
            # A failed realloc leaves the block; one that never returned found it bad.
            if call.leave == NEVER and address not in self._live:
                self._bad(call, address)
            return
        block = self._live.get(address)
        if block is None or block.is_mapping:
            self._bad(call, address)
        else:
            self._end(block, call)

    def _bad(self, call: AllocatorCall, address: int) -> None:
        holder = next((one for one in self._live.values() if one.start < address < one.stop), None)
        self.bad_frees.append(BadFree(call, address, holder or self._last.get(address)))

    def _map(self, call: AllocatorCall) -> None:
        size = _whole_pages(call.arguments[1])
        self._unmap_range(call.result, call.result + size, call)
        if call.arguments[2] & _MAP_ANONYMOUS:
            self._add(Block(len(self.blocks), call.result, size, call, is_mapping=True))

    def _unmap(self, call: AllocatorCall) -> None:
        start = call.arguments[0]
        self._unmap_range(start, start + _whole_pages(call.arguments[1]), call)

    def _remap(self, call: AllocatorCall) -> None:
        old = self._live.get(call.arguments[0])
        if old is None or not old.is_mapping:
            return
        self._end(old, call)
        block = Block(len(self.blocks), call.result, call.arguments[2], call, is_mapping=True)
        block.moved_from = old
        self._add(block)

    def _unmap_range(self, start: int, stop: int, call: AllocatorCall) -> None:
        for block in [one for one in self._live.values() if one.is_mapping]:
            if start <= block.start and block.stop <= stop:
                self._end(block, call)

    def _add(self, block: Block) -> None:
        self.blocks.append(block)
        self._live[block.start] = block

    def _end(self, block: Block, call: AllocatorCall) -> None:
        block.freed, block.end = call, call.enter
        del self._live[block.start]
        self._last[block.start] = block


class InCalls:
    """Whether a thread is, at a transition, in a call of an allocating function."""

    def __init__(self, calls: Sequence[AllocatorCall]) -> None:
        self._calls: dict[int, list[AllocatorCall]] = {}
        for call in calls:
            self._calls.setdefault(call.thread, []).append(call)

    def __call__(self, thread: int, transition: int) -> bool:
        calls = self._calls.get(thread, [])
        at = bisect_right(calls, transition, key=lambda call: call.enter)
        return at > 0 and transition < calls[at - 1].leave


def _whole_pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


def _mapping_call(syscall: _engine.Syscall) -> AllocatorCall:
    name = {_MMAP: "mmap", _MUNMAP: "munmap", _MREMAP: "mremap"}[syscall.number]
    first, size, third, flags, *_ = syscall.arguments
    result = (syscall.result or 0) & NEVER
    return AllocatorCall(
        name,
        Allocator("allocate", (1,)),
        syscall.thread,
        syscall.transition,
        syscall.transition + 1,
        0,
        (first, size, flags if syscall.number == _MMAP else third),
        result,
    )
