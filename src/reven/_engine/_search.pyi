# SPDX-License-Identifier: Apache-2.0
"""Strings, and searches for bytes, instructions and values."""

from reven._engine import U8, U32, U64, Progress, Trace

class FoundStrings:
    """Columns of strings, by ascending number."""

    id: U64
    address: U64
    size: U32  # bytes in memory
    is_utf16: U8
    first_access: U64  # transitions
    last_access: U64
    text: list[str]
    def __len__(self) -> int: ...

class Strings:
    """The strings that a trace accesses. Makes its index (docs/string-index-format.md) when it
    is first asked. Safe to use from several threads."""

    def __init__(self, trace: Trace, most_pages: int = ...) -> None:
        """`most_pages`: of memory that making the index keeps, some 20 KB each."""
    def find(
        self, pattern: str, first: int = 0, limit: int = 1000, progress: Progress | None = None
    ) -> FoundStrings:
        """Those that contain `pattern`, numbers from `first` on."""
    def count(self, progress: Progress | None = None) -> int: ...

class CreatedMatches:
    """Columns of occurrences, by ascending transition."""

    transition: U64
    address: U64
    is_mapping: U8  # contents of a new mapping, which is no access
    def __len__(self) -> int: ...

class MemorySearch:
    """Byte patterns in memory. Safe to use from several threads."""

    def __init__(self, trace: Trace) -> None: ...
    def find(
        self,
        pattern: bytes,
        context: int,
        address: int,
        size: int,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> U64:
        """Occurrences inside [address, address+size) at a context, of known bytes."""
    def standing(
        self,
        pattern: bytes,
        context: int,
        stop: int,
        first: int = 0,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> U64:
        """Occurrences from address `first` on at a context, where the segments of transitions
        [context, stop) access memory nearby (to 8 bytes)."""
    def created(
        self,
        pattern: bytes,
        start: int,
        stop: int,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> CreatedMatches:
        """Occurrences that transitions of [start, stop) bring about."""

class CodeSearch:
    """The different instructions that the trace has now."""

    instructions: list[tuple[int, bytes]]  # address, code; ascending
    def __init__(self, trace: Trace) -> None: ...
    def find(
        self,
        numbers: list[int],
        start: int,
        stop: int,
        *,
        forward: bool = True,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> U64:
        """Transitions of [start, stop) that execute one of these instructions."""

class ValueHits:
    """Columns of where a value occurs, by ascending transition."""

    transition: U64
    register: U8  # general ones in encoding order, then vectors; 255: a memory access
    address: U64
    size: U32
    is_write: U8
    def __len__(self) -> int: ...

def find_value(
    trace: Trace,
    value: bytes,
    start: int,
    stop: int,
    *,
    general_width: int,
    vector_width: int,
    access_size: int,
    limit: int = 1000,
    progress: Progress | None = None,
) -> ValueHits:
    """Where a value (little endian, zero extended) comes into a register, of which the low
    bytes of that width count (0: none), or passes in an access of that size (0: any)."""
