# SPDX-License-Identifier: Apache-2.0
"""Where data goes, and where it came from."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from reven._engine import U8, U32, U64, Progress, Trace

InstructionReads = Callable[[int, bytes], list[tuple[int, int]]]
"""Ranges (offset, size) of the register file that the instruction with this address and
encoding reads. Taint asks it where a block is entered or left on the way."""

MAX_TAINT_TAGS: Final[int]
TAINT_KERNEL_WRITE: Final[int]
TAINT_SIGNAL_FRAME: Final[int]
TAINT_OUTSIDE: Final[int]

class TaintItems:
    """Columns of tainted data. Of memory, the first byte and a number of bytes; of registers,
    the first bit in the register view and a number of bits. `before` and `after`, in the
    taint's direction: a bit for each tag."""

    is_memory: U8
    address: U64
    size: U32
    before: npt.NDArray[np.uint16]
    after: npt.NDArray[np.uint16]
    def __len__(self) -> int: ...

class TaintAccesses:
    """Columns of transitions that touch tainted data, with their items one after the other."""

    transition: U64
    changes: U8
    item_count: U32
    items: TaintItems
    next: int | None  # transition to go on with, of what was reached
    reached: int  # context, when this was made
    finished: bool
    def __len__(self) -> int: ...

class TaintWarning:
    transition: int
    address: int
    size: int
    kind: int  # TAINT_…

class Taint:
    """A taint between two contexts: forward from `first`, backward from `last`.

    `seeds`: tag, whether it is memory, address, size (as in TaintItems)."""

    reached: int  # context up to which results are there
    finished: bool
    access_count: int
    change_count: int

    def __init__(
        self,
        trace: Trace,
        seeds: list[tuple[int, bool, int, int]],
        tag_count: int,
        first: int,
        last: int,
        forward: bool,
        reads: InstructionReads | None = None,
    ) -> None:
        """Raises ValueError for impossible seeds, IndexError for contexts out of range."""
    def run(self, progress: Progress | None = None) -> None:
        """Go through the trace; once. Others may ask for results meanwhile. Raises Cancelled."""
    def accesses(
        self, start: int, limit: int, changes_only: bool, progress: Progress | None = None
    ) -> TaintAccesses:
        """From transition `start` on in the direction, as far as was reached."""
    def state(
        self, context: int, address: int = 0, limit: int = 1000, progress: Progress | None = None
    ) -> TaintItems:
        """What is tainted in a context: registers, and at most `limit` ranges of memory from
        `address` on; with another address than 0, memory only. IndexError if it was not
        reached."""
    def warnings(self, start: int, limit: int) -> list[TaintWarning]: ...

class OriginHop:
    """A step back towards where a value came from. Places: whether it is memory, address and
    size, as in TaintItems."""

    kind: int  # HopKind of native/engine/taint_origin.h, from 1
    transition: int  # that gave `after` its value
    after: tuple[bool, int, int]
    before: tuple[bool, int, int] | None  # what it came from; None: it ends here
    context: int  # in which `before` is
    others: list[tuple[bool, int, int]]

class OriginFinder:
    def __init__(self, trace: Trace, reads: InstructionReads | None = None) -> None: ...
    def find(
        self,
        context: int,
        place: tuple[bool, int, int],
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> list[OriginHop]:
        """The steps back from a place in a context; the last one may not be the end."""
