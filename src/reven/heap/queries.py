# SPDX-License-Identifier: Apache-2.0
"""`HeapService`: what a trace allocates, and what it does wrong with it."""

from __future__ import annotations

import re

from reven import _engine
from reven.heap.allocators import PATTERN, allocator, title
from reven.heap.blocks import NEVER, AllocatorCall, Block, Heap
from reven.trace.core import CoreQueries
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._service.heap import AllocationData, AllocationPage, HeapCallData

__all__ = ["HeapQueries"]

_SYMBOLS = 1000
_ALL = 1 << 62


class HeapQueries(CoreQueries):
    """See `reven2._service.heap`."""

    def allocations(self, *, first: int, limit: int) -> AllocationPage:
        return _page(self._heap().blocks[first : first + limit + 1], limit)

    def allocation_at(
        self, address: int, context: int, *, was_freed: bool
    ) -> AllocationData | None:
        block = self._heap().at(address, context, was_freed=was_freed)
        return None if block is None else _data(block)

    def live_allocations(self, context: int, *, first: int, limit: int) -> AllocationPage:
        return _page(self._heap().live(context, first, limit + 1), limit)

    def _heap(self) -> Heap:
        self._need_instructions("allocations cannot be found in it")
        return self._kept("heap", self._make_heap)

    def _make_heap(self) -> Heap:
        names = self._allocator_entries()
        entries = sorted(names)
        trace = self._trace()
        with translated():
            found = _engine.allocator_calls(trace, entries, keep_going)
            syscalls = trace.syscalls(0, trace.transition_count, _ALL)
        calls = [
            self._call(names[entries[function]], *row)
            for function, *row in zip(
                found.function.tolist(),
                found.thread.tolist(),
                found.enter.tolist(),
                found.leave.tolist(),
                found.return_address.tolist(),
                found.argument0.tolist(),
                found.argument1.tolist(),
                found.argument2.tolist(),
                found.result.tolist(),
                found.stack_pointer.tolist(),
                strict=True,
            )
        ]
        return Heap(calls, syscalls, self._pointer_at)

    def _allocator_entries(self) -> dict[int, str]:
        """Names of the allocating functions by the addresses of their entries."""
        names: dict[int, str] = {}
        for binary in self.binaries():
            page = self.symbols(
                binary.id, PATTERN, case_sensitive=True, kind="function", start=0, limit=_SYMBOLS
            )
            for symbol in page.symbols:
                # A name by which another binary's function is called has no code of its own.
                fitting = [name for name in symbol.names if re.search(PATTERN, name)]
                if symbol.kind != "function" or not fitting:
                    continue
                # Of several names of one function, the simplest.
                simplest = min(fitting, key=lambda name: (len(name), name))
                for entry in self.symbol_entries(binary.id, symbol.rva):
                    names[entry.start] = simplest
        return names

    def _call(
        self,
        name: str,
        thread: int,
        enter: int,
        leave: int,
        return_address: int,
        argument0: int,
        argument1: int,
        argument2: int,
        result: int,
        stack_pointer: int,
    ) -> AllocatorCall:
        role = allocator(name)
        assert role is not None
        if not return_address:
            return_address = self._pointer_at(enter, stack_pointer) or 0
        arguments = argument0, argument1, argument2
        return AllocatorCall(
            title(name), role, thread, enter, leave, return_address, arguments, result
        )

    def _pointer_at(self, context: int, address: int) -> int | None:
        data, known = self.read_known_memory(context, address, 8)
        return int.from_bytes(data, "little") if all(known) else None


def _page(blocks: list[Block], limit: int) -> AllocationPage:
    following = blocks[limit].id if len(blocks) > limit else None
    return AllocationPage([_data(block) for block in blocks[:limit]], following)


def _data(block: Block) -> AllocationData:
    return AllocationData(
        id=block.id,
        address=block.start,
        size=block.stop - block.start,
        allocated=_call_data(block.allocated),
        freed=None if block.freed is None else _call_data(block.freed),
        end_context=None if block.end == NEVER else block.end,
        moved_from=None if block.moved_from is None else block.moved_from.id,
    )


def _call_data(call: AllocatorCall) -> HeapCallData:
    return HeapCallData(
        function=call.function,
        thread=call.thread,
        first_context=call.enter,
        last_context=None if call.leave == NEVER else call.leave,
        return_address=call.return_address,
    )
