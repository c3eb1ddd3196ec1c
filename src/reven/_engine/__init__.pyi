# SPDX-License-Identifier: Apache-2.0
"""The native engine: receives, stores, decodes and scans traces.

Contexts are numbered 0 … N (context n is the one before transition n; context N
is the last). Long calls release the GIL, call `progress(done, total)` now and
then from the calling thread, and stop with KeyboardInterrupt when a signal
handler raised, or early when `progress` returns False.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from reven._engine._calls import Call as Call
from reven._engine._calls import CallPage as CallPage
from reven._engine._calls import Calls as Calls
from reven._engine._calls import CallTreeNode as CallTreeNode
from reven._engine._calls import Frame as Frame
from reven._engine._debug import DebugIndex as DebugIndex
from reven._engine._debug import DebugPlace as DebugPlace
from reven._engine._debug import DebugScope as DebugScope
from reven._engine._heap import AllocatorCalls as AllocatorCalls
from reven._engine._heap import HeapErrors as HeapErrors
from reven._engine._heap import allocator_calls as allocator_calls
from reven._engine._heap import check_heap as check_heap
from reven._engine._recording import MappedFile as MappedFile
from reven._engine._recording import Recording as Recording
from reven._engine._recording import RecordingStatus as RecordingStatus
from reven._engine._search import CodeSearch as CodeSearch
from reven._engine._search import CreatedMatches as CreatedMatches
from reven._engine._search import FoundStrings as FoundStrings
from reven._engine._search import MemorySearch as MemorySearch
from reven._engine._search import Strings as Strings
from reven._engine._search import ValueHits as ValueHits
from reven._engine._search import find_value as find_value
from reven._engine._taint import MAX_TAINT_TAGS as MAX_TAINT_TAGS
from reven._engine._taint import TAINT_KERNEL_WRITE as TAINT_KERNEL_WRITE
from reven._engine._taint import TAINT_OUTSIDE as TAINT_OUTSIDE
from reven._engine._taint import TAINT_SIGNAL_FRAME as TAINT_SIGNAL_FRAME
from reven._engine._taint import InstructionReads as InstructionReads
from reven._engine._taint import OriginFinder as OriginFinder
from reven._engine._taint import OriginHop as OriginHop
from reven._engine._taint import Taint as Taint
from reven._engine._taint import TaintAccesses as TaintAccesses
from reven._engine._taint import TaintItems as TaintItems
from reven._engine._taint import TaintWarning as TaintWarning

Progress = Callable[[int, int], bool | None]
U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]

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
KIND_INTERRUPT: Final = 4  # a machine's interrupt or exception goes to its handler

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
    signal: int  # 0 for a switch; an interrupt's vector
    error_code: int  # of an interrupt
    handler: int  # of an interrupt; 0 if unknown
    synchronous: bool  # caused by the instruction at `pc`
    pc: int

class Accesses:
    """Columns of memory accesses, in the order asked for."""

    transition: U64
    address: U64  # physical
    linear: U64  # of a program the same
    size: U32
    is_write: npt.NDArray[np.bool_]
    cause: U8  # REVEN_CAUSE_… of event_stream.h; 0: an instruction
    def __len__(self) -> int: ...

class DeviceAccess:
    """What an instruction moved from or to a device."""

    transition: int
    address: int  # of the port, or physical
    value: int
    size: int  # bytes
    is_memory_mapped: bool
    is_write: bool

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
    blocks: int
    bad_blocks: int
    alias_changes: int  # stores to the same page at another address
    outside_changes: int  # other processes and the kernel, dated when first seen
    file_changes: int  # others' writes to mapped files
    problems: list[str]  # the first ones, a line each

class Trace:
    """An open trace. Safe to use from several threads."""

    transition_count: int
    segment_count: int
    size_on_disk: int  # bytes, indexes included
    register_file_size: int  # bytes: a program's, or a machine's
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
        """Current thread and the register view (native/event_stream/registers.toml)."""
    def registers_at(self, contexts: U64) -> tuple[U32, U8]:
        """The same for many contexts: threads (n), views (n, size of one)."""
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
    def device_accesses(
        self, start: int, stop: int, limit: int = 1000, progress: Progress | None = None
    ) -> list[DeviceAccess]:
        """What transitions [start, stop) moved from and to devices, in order; a few more than
        `limit`, for a transition's stay together."""
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

def access_values(trace: Trace, start: int, stop: int) -> tuple[U64, U64, U32, U8, bytes]:
    """Accesses of transitions [start, stop) in program order with what they read or wrote:
    transition, address, size, whether it is a write, and the bytes of all one after the
    other. Memory changed by the kernel is a write, as in `Trace.accesses`."""

def thread_switches(trace: Trace, progress: Progress | None = None) -> tuple[U64, U32]:
    """First contexts, ascending, in which another thread runs, and which."""

def syscall_points(trace: Trace, progress: Progress | None = None) -> tuple[U64, U32]:
    """Transitions that are system calls, ascending, and their numbers."""

def signal_points(trace: Trace, progress: Progress | None = None) -> tuple[U64, U32]:
    """Transitions at which signals are delivered, ascending, and their numbers."""

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
