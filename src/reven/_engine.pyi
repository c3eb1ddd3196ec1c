# SPDX-License-Identifier: Apache-2.0
"""The native engine: receives, stores, decodes and scans traces.

Contexts are numbered 0 … N (context n is the one before transition n; context N
is the last). Long calls release the GIL, call `progress(done, total)` now and
then from the calling thread, and stop with KeyboardInterrupt when a signal
handler raised, or early when `progress` returns False.
"""

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Progress = Callable[[int, int], bool | None]
U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]

REGISTER_FILE_SIZE: Final[int]  # event_stream.h, 864
REGISTER_VIEW_SIZE: Final[int]  # register file, then u64 rflags: 872

class TraceError(Exception):
    """The trace cannot be used: missing, damaged, or of another version."""

class Cancelled(Exception):
    """A progress callback asked to stop."""

class UnknownMemory(Exception):
    """Some byte of the range is not mapped or was never recorded: args (address,)."""

# Kinds of transition.
KIND_INSTRUCTION: Final = 0
KIND_SIGNAL: Final = 1  # a signal is delivered to a handler
KIND_SWITCH: Final = 2  # another thread runs
KIND_END_SIGNAL: Final = 3  # a signal ends the process

class Transitions:
    """Columns for consecutive transitions."""

    first: int
    pc: U64
    kind: U8
    thread: U32  # the thread before the transition
    size: U8  # bytes of the instruction; of the faulting one for a synchronous signal; 0 = none
    code: U8  # shape (n, 15): instruction bytes, as for `size`
    def __len__(self) -> int: ...

class Event:
    """A transition that is no instruction."""

    kind: int
    thread: int  # before
    next_thread: int  # after
    signal: int  # 0 for a switch
    synchronous: bool  # caused by the instruction at `pc`
    pc: int

class Accesses:
    """Columns of memory accesses, in the order asked for."""

    transition: U64
    address: U64
    size: U32
    is_write: npt.NDArray[np.bool_]
    def __len__(self) -> int: ...

class Mapping:
    address: int
    size: int
    protection: int  # 1 read, 2 write, 4 execute
    file_offset: int
    path: str  # a file, a name such as "[stack]", or ""
    first_context: int  # first context with this mapping
    last_context: int  # last one (the trace's last while it still stands)

class Syscall:
    transition: int  # the `syscall` instruction
    thread: int
    number: int
    arguments: tuple[int, int, int, int, int, int]
    result: int | None  # negative errno; None: had not returned

class Thread:
    id: int  # the recorder's, from 1
    first_transition: int
    last_transition: int

class CheckResult:
    segments: int
    executions: int
    transitions: int
    loads: int
    bad_loads: int
    key_frames: int
    bad_key_frames: int
    problems: list[str]  # the first ones, a line each

class Trace:
    """An open trace. Safe to use from several threads."""

    transition_count: int
    segment_count: int
    size_on_disk: int  # bytes, indexes included
    indexed: bool  # the index covers every segment
    problem: str  # "" or what was left out at the end because it is torn or damaged

    def __init__(self, path: str, cache_bytes: int = ...) -> None:
        """Raises TraceError."""
    def refresh(self) -> int:
        """Take in what was appended since; returns the new transition count."""
    def transitions(self, start: int, stop: int) -> Transitions: ...
    def event(self, transition: int) -> Event | None:
        """None for an instruction. IndexError out of range."""
    def registers(self, context: int) -> tuple[int, bytes]:
        """Current thread and the register view (REGISTER_VIEW_SIZE bytes): the register
        file with rip filled in, then rflags as a u64."""
    def registers_at(self, contexts: U64) -> tuple[U32, U8]:
        """The same for many contexts: threads (n), views (n, REGISTER_VIEW_SIZE)."""
    def thread_registers(self, thread: int, context: int) -> bytes | None:
        """Register view of `thread` at its own last moment not after `context`;
        None if it had not run yet."""
    def read_memory(self, context: int, address: int, size: int) -> bytes:
        """Raises UnknownMemory."""
    def read_known_memory(self, context: int, address: int, size: int) -> tuple[bytes, bytes]:
        """Data, and a byte per byte: 1 known, 0 unknown (data 0)."""
    def accesses(
        self,
        start: int,
        stop: int,
        address: int = 0,
        size: int = 1 << 64,
        *,
        reads: bool = True,
        writes: bool = True,
        forward: bool = True,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> Accesses:
        """Accesses of transitions [start, stop) that touch [address, address+size), the
        first `limit` in the direction, never splitting a transition's accesses (so a
        few more than `limit` may come). Within a transition: program order, both
        directions reversed as a whole. Memory changed by the kernel counts as a write of the
        transition during which it happened. Continue from the last transition + 1."""
    def find_pcs(
        self,
        ranges: list[tuple[int, int]],
        start: int,
        stop: int,
        *,
        forward: bool = True,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> U64:
        """Transitions of [start, stop) that execute an instruction whose address lies in a
        range [low, high); the first `limit` in the direction."""
    def find_register_change(
        self,
        context: int,
        offset: int,
        size: int,
        mask: int,
        forward: bool,
        progress: Progress | None = None,
    ) -> int | None:
        """Nearest context (> or < `context`) in which (value & mask) of the register view's
        little-endian field [offset, offset+size) differs. Forward: first context
        holding another value. Backward: last context holding another value."""
    def find_memory_change(
        self, context: int, address: int, size: int, forward: bool, progress: Progress | None = None
    ) -> int | None:
        """The same for the bytes of a memory range."""
    def executed_ranges(self) -> list[tuple[int, int]]:
        """Merged address ranges of all instructions translated in the trace, ascending."""
    def mappings(self) -> list[Mapping]: ...
    def syscalls(self, start: int, stop: int, limit: int = 1000) -> list[Syscall]: ...
    def threads(self) -> list[Thread]: ...
    def build_index(self, progress: Progress | None = None, threads: int = 2) -> None:
        """Build what is missing of the index; queries do so by themselves when they need it."""
    def check(self, progress: Progress | None = None) -> CheckResult: ...

def execution_counts(trace: Trace, progress: Progress | None = None) -> tuple[U64, U64]:
    """Executed addresses, ascending, and how many transitions execute the instruction there."""

def thread_switches(trace: Trace, progress: Progress | None = None) -> tuple[U64, U32]:
    """First contexts, ascending, in which another thread runs, and which."""

def syscall_points(trace: Trace, progress: Progress | None = None) -> tuple[U64, U32]:
    """Transitions that are system calls, ascending, and their numbers."""

def signal_points(trace: Trace, progress: Progress | None = None) -> tuple[U64, U32]:
    """Transitions at which signals are delivered, ascending, and their numbers."""

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

InstructionReads = Callable[[int, bytes], list[tuple[int, int]]]
"""Ranges (offset, size) of the register file that the instruction with this address and
encoding reads. Taint asks it where a block is entered or left on the way."""

MAX_TAINT_TAGS: Final[int]
TAINT_KERNEL_WRITE: Final[int]
TAINT_SIGNAL_FRAME: Final[int]

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

class MappedFile:
    """A file that the recorded process mapped."""

    path: str
    address: int
    executable: bool

class DebugPlace:
    """A debugging information entry. `offset`: in .debug_info; `unit`: of its unit's header."""

    offset: int
    unit: int
    tag: int  # DW_TAG_…
    is_declaration: bool

class DebugScope:
    """A namespace or class, around the entries with offsets in [begin, end)."""

    begin: int
    end: int
    name: str  # qualified

class DebugIndex:
    """Where the named things of a binary's DWARF information are.

    Names of types and variables are qualified (`space::Type<int>`). The arguments are the
    contents of the sections, uncompressed; empty where there is none. `common_str`: .debug_str
    of the file that dwz moved common parts to."""

    unit_count: int
    damaged_unit_count: int  # left out

    def __init__(
        self,
        *,
        info: bytes,
        abbrev: bytes,
        str: bytes,
        line_str: bytes,
        str_offsets: bytes,
        addr: bytes,
        ranges: bytes,
        rnglists: bytes,
        common_str: bytes,
        progress: Progress | None = None,
    ) -> None: ...
    def types(self, name: str) -> list[DebugPlace]:
        """Definitions with that name; one of those that are the same in several units."""
    def functions(self, name: str) -> list[DebugPlace]:
        """By linkage name (`_ZN5space4callEv`, `main`); those with code first."""
    def variables(self, name: str) -> list[DebugPlace]:
        """Definitions outside of functions."""
    def unit_variables(self, unit: int) -> list[DebugPlace]: ...
    def scopes(self, unit: int) -> list[DebugScope]:
        """By ascending `begin`; [] for a damaged unit."""
    def function_at(self, address: int) -> DebugPlace | None:
        """The function, not inlined, whose code holds a virtual address of the file."""

class Call:
    """One activation of a function."""

    id: int
    parent: int | None
    kind: Literal["call", "tail", "signal", "start", "unknown"]
    thread: int
    transition: int | None
    first_context: int
    end_transition: int | None
    depth: int
    function: int
    return_address: int | None
    stack_pointer: int

class CallPage:
    calls: list[Call]
    next: int | None

class Frame:
    type: Literal["Call", "Interrupt", "Manual", "Damaged", "Unknown"]
    call: int | None  # id
    first_context: int
    creation_transition: int | None
    pc: int
    function: int | None
    stack_pointer: int

class CallTreeNode:
    parent: int | None  # index
    thread: int
    function: int
    kind: Literal["call", "tail", "signal", "start", "unknown"]
    first_call: int
    count: int
    total: int
    own: int

class Calls:
    """The calls of a trace, by an index of its own (calls.bin). Safe to use from several
    threads. Queries answer from what is built."""

    complete: bool  # the index covers every segment
    size_on_disk: int  # bytes

    def __init__(self, trace: Trace) -> None: ...
    def __len__(self) -> int: ...
    def build(
        self, functions: U64, stubs: U64, progress: Progress | None = None, threads: int = 2
    ) -> None:
        """Build what is missing. `functions`: addresses where functions begin, ascending;
        `stubs`: those of PLT stubs among them."""
    def call(self, id: int) -> Call:
        """IndexError if there is none."""
    def call_at(self, context: int) -> Call | None: ...
    def frames(self, context: int) -> list[Frame]:
        """The active stack, top first; at least one."""
    def stack_change(self, context: int, forward: bool) -> int | None: ...
    def calls(
        self,
        start: int,
        stop: int,
        *,
        thread: int | None = None,
        shortest: int = 0,
        deepest: int = ...,
        parent: int | None = None,
        first: int = 0,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> CallPage: ...
    def calls_of(
        self,
        functions: list[tuple[int, int]],
        start: int,
        stop: int,
        *,
        forward: bool = True,
        limit: int = 1000,
        progress: Progress | None = None,
    ) -> CallPage: ...
    def tree(
        self,
        start: int,
        stop: int,
        *,
        thread: int | None = None,
        deepest: int = ...,
        roots: list[tuple[int, int]] = ...,
        limit: int = 100000,
        progress: Progress | None = None,
    ) -> tuple[list[CallTreeNode], bool]: ...
    def step(self, transition: int, *, forward: bool, over: bool) -> int | None: ...

class RecordingStatus:
    transitions: int
    executions: int
    bytes_written: int
    threads: int
    finished: bool
    end_reason: int  # REVEN_END_… of event_stream.h; 0 while running or when the recorder died
    end_code: int  # exit status or signal number
    error: str  # "" or why writing failed (the trace keeps what was written before)

class Recording:
    """One trace being written: a thread receives a recorder's stream and appends segments.

    `connection` is the accepted Unix socket of the recorder, after reven_hello was
    read from it; the object sends reven_welcome and owns a duplicate of it."""

    def __init__(
        self,
        path: str,
        connection: int,
        *,
        max_transitions: int = 0,
        parent: Recording | None = None,
        template_count: int = 0,
    ) -> None:
        """`path`: an existing, empty trace directory. `parent`: the forked-from recording,
        whose templates 1 … `template_count` (of reven_hello) this one shares."""
    def status(self) -> RecordingStatus: ...
    def mapped_files(self) -> list[MappedFile]:
        """Files mapped since the last call."""
    def stop(self) -> None:
        """Ask the recorder to record no more; what has arrived is still written."""
    def wait(self, seconds: float) -> bool:
        """True once everything is written and closed."""

class _Store:
    """A trace directory as it is stored (docs/trace-format.md), to test and examine it."""

    template_count: int
    problem: str  # "" or what was left out because it is torn or damaged

    def __init__(self, path: str) -> None:
        """Raises TraceError."""
    @property
    def segments(self) -> list[tuple[int, int, int, int]]:
        """Of each: first execution, first transition, executions, transitions."""
    def refresh(self) -> bool:
        """Take in what was appended since; true if there are more segments."""
    def load(
        self, index: int
    ) -> tuple[bytes, list[int], list[bytes], list[tuple[int, int, int, bytes]]]:
        """Headers (u32 each), instructions completed and values of each execution; type,
        thread, position and payload of each control record. Raises TraceError."""
    def template(self, id: int) -> bytes:
        """Payload of a template's record. Raises TraceError."""
