# SPDX-License-Identifier: Apache-2.0
"""Accesses and frees that no correct program makes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from reven import _engine
from reven.heap.blocks import Block, Heap
from reven.trace.stopping import Progress

__all__ = ["FREED", "OUTSIDE", "Found", "HeapTables", "has_earlier_heap"]

OUTSIDE, FREED = 0, 1
"""Kinds of what is found."""

_NO_BLOCK = (1 << 32) - 1
_PAGE = 4096
_UNWRITTEN, _WRITTEN, _MOVED = 0, 1, 2


class HeapTables:
    """A heap as the engine's check takes it.

    Parameters:
        heap: the trace's.
    """

    def __init__(self, heap: Heap) -> None:
        blocks = [block for block in heap.blocks if not block.is_mapping]
        # Blocks of several threads may be numbered otherwise than they came to be.
        blocks.sort(key=lambda block: block.first)
        self._blocks = blocks
        self._number = {block.id: number for number, block in enumerate(blocks)}
        self._heap = heap

    def check(
        self,
        trace: _engine.Trace,
        *,
        library_code: list[tuple[int, int]],
        find_unwritten: bool,
        progress: Progress,
    ) -> list[Found]:
        """What the engine finds.

        Parameters:
            trace: the trace.
            library_code: of the C library.
            find_unwritten: reads of bytes that were never written; else accesses outside of
                blocks and in freed ones.
            progress: as the engine calls it.
        """
        calls = self._heap.calls
        found = _engine.check_heap(
            trace,
            self._column("start"),
            np.array([block.stop - block.start for block in self._blocks], dtype=np.uint64),
            self._column("first"),
            self._column("end"),
            np.array([_contents(block) for block in self._blocks], dtype=np.uint8),
            np.array([self._moved_from(block) for block in self._blocks], dtype=np.uint32),
            np.array([call.thread for call in calls], dtype=np.uint32),
            np.array([call.enter for call in calls], dtype=np.uint64),
            np.array([call.leave for call in calls], dtype=np.uint64),
            library_code=library_code,
            from_the_beginning=not has_earlier_heap(trace),
            find_unwritten=find_unwritten,
            progress=progress,
        )
        rows = zip(
            found.kind.tolist(),
            found.is_write.tolist(),
            found.thread.tolist(),
            found.size.tolist(),
            found.block.tolist(),
            found.count.tolist(),
            found.transition.tolist(),
            found.pc.tolist(),
            found.address.tolist(),
            found.bytes.tolist(),
            strict=True,
        )
        return [self._found(*row) for row in rows]

    def _found(
        self,
        kind: int,
        is_write: int,
        thread: int,
        size: int,
        block: int,
        count: int,
        transition: int,
        pc: int,
        address: int,
        missing: int,
    ) -> Found:
        held = None if block == _NO_BLOCK else self._blocks[block]
        return Found(
            kind, bool(is_write), thread, size, held, count, transition, pc, address, missing
        )

    def _column(self, name: str) -> npt.NDArray[np.uint64]:
        return np.array([getattr(block, name) for block in self._blocks], dtype=np.uint64)

    def _moved_from(self, block: Block) -> int:
        return _NO_BLOCK if block.moved_from is None else self._number[block.moved_from.id]


class Found(NamedTuple):
    """What the engine's check found; `kind` and `missing` as its `HeapErrors`."""

    kind: int
    is_write: bool
    thread: int
    size: int
    block: Block | None
    times: int
    transition: int
    pc: int
    address: int
    missing: int


def has_earlier_heap(trace: _engine.Trace) -> bool:
    """Whether blocks may be older than the trace: it begins in the middle of the program, whose
    heap has more than the page that the system gives it at first."""
    return any(
        mapping.path == "[heap]" and mapping.first_context == 0 and mapping.size > _PAGE
        for mapping in trace.mappings()
    )


def _contents(block: Block) -> int:
    if block.allocated.role.zeroed:
        return _WRITTEN
    return _UNWRITTEN if block.moved_from is None else _MOVED
