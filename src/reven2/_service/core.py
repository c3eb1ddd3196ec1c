# SPDX-License-Identifier: Apache-2.0
"""The queries that everything else builds on: transitions, registers, memory, symbols.

Columns are `bytes`: little-endian integers one after the other, of the width that
the field's name of the struct says; `column()` reads them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from reven2._service.declared import query
from reven2.arch._table import ARCHITECTURE

KIND_INSTRUCTION = 0
KIND_SIGNAL = 1
KIND_SWITCH = 2
KIND_END_SIGNAL = 3
KIND_INTERRUPT = 4

NO_INSTRUCTION = 0xFFFFFFFF
"""Entry of `TransitionPage.instruction` for a transition without instruction bytes."""


def column(data: bytes, code: Literal["Q", "I", "B"]) -> list[int]:
    """The integers of a column. `code`: Q for 64 bits, I for 32, B for 8."""
    view = memoryview(data).cast(code)
    if sys.byteorder == "big":  # pragma: no cover
        size = view.itemsize
        return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]
    return view.tolist()


class ImportData(msgspec.Struct, frozen=True):
    """Of a trace that was made of another tool's file: the file's `format`, and the
    registers that it has, each with the first context in which its value is known."""

    format: str
    registers: dict[str, int]


class TraceInfo(msgspec.Struct, frozen=True):
    """What the trace is. `uuid` tells traces apart; `kernel` is the recorded machine's
    kernel version, "" if unknown; `imported` None: it was recorded; `kind`: what was recorded;
    `features` of its processor."""

    uuid: str
    name: str
    path: str
    complete: bool
    kernel: str
    imported: ImportData | None = None
    kind: Literal["program", "machine"] = "program"
    architecture: str = ARCHITECTURE
    features: list[str] = []


class ThreadData(msgspec.Struct, frozen=True):
    id: int
    first_transition: int
    last_transition: int


class EventData(msgspec.Struct, frozen=True):
    """A transition that is no instruction. `signal` is 0 and `signal_name` "" for a
    switch; for an interrupt they are its vector and what that stands for ("" if the machine
    chose it), and only it has an `error_code` and a `handler`. `synchronous`: caused by the
    instruction at `pc`."""

    kind: int
    thread: int
    next_thread: int
    signal: int
    signal_name: str
    synchronous: bool
    pc: int
    error_code: int = 0
    handler: int = 0


class TransitionPage(msgspec.Struct, frozen=True):
    """Consecutive transitions. `instruction` indexes `code` and `address`, which hold
    each different instruction of the page once; `events` holds the transitions that are
    no instruction, by number."""

    first: int
    count: int
    pc: bytes  # u64
    kind: bytes  # u8
    thread: bytes  # u32
    instruction: bytes  # u32
    address: bytes  # u64
    code: list[bytes]
    events: dict[int, EventData]


class Disassembly(msgspec.Struct, frozen=True):
    """An instruction's text; `operands` is "" when it has none."""

    mnemonic: str
    operands: str


class OperandData(msgspec.Struct, frozen=True):
    """One explicit operand. `register`, `base`, `index` and `segment` are register names
    or ""; `size` is in bytes."""

    kind: Literal["register", "immediate", "memory"]
    size: int
    is_read: bool
    is_written: bool
    register: str = ""
    immediate: int = 0
    segment: str = ""
    base: str = ""
    index: str = ""
    scale: int = 1
    displacement: int = 0


class RegisterPage(msgspec.Struct, frozen=True):
    """Current thread and register view (see `reven2.arch.register`) of each asked context. All
    views are as long as the trace's register file asks for."""

    thread: bytes  # u32
    view: bytes

    def row(self, index: int) -> bytes:
        """The view of the context number `index` of those asked for."""
        size = self._view_size()
        return self.view[size * index : size * (index + 1)]

    def part(self, low: int, high: int) -> RegisterPage:
        """The contexts [low, high) of those asked for."""
        size = self._view_size()
        return RegisterPage(self.thread[4 * low : 4 * high], self.view[size * low : size * high])

    def _view_size(self) -> int:
        return len(self.view) // max(len(self.thread) // 4, 1)


class AccessPage(msgspec.Struct, frozen=True):
    """Memory accesses in the order asked for. `address` is the physical one, `linear` empty if
    all linear addresses are the same, as in the trace of a program. `next` is where to go on: the
    new `start` (forward) or `stop` (backward), None when there are no more."""

    transition: bytes  # u64
    address: bytes  # u64
    size: bytes  # u32
    is_write: bytes  # u8
    cause: bytes  # u8: 0 an instruction, else REVEN_CAUSE_… of the event stream
    next: int | None
    linear: bytes = b""  # u64


class DeviceAccessData(msgspec.Struct, frozen=True):
    """What an instruction moved from or to a device: `address` is a port's number or, if
    `is_memory_mapped`, a physical address. `size` in bytes."""

    transition: int
    address: int
    size: int
    value: int
    is_memory_mapped: bool
    is_write: bool


class TransitionIds(msgspec.Struct, frozen=True):
    """Transition numbers in the order asked for; `next` as in `AccessPage`."""

    transition: bytes  # u64
    next: int | None


class RangeData(msgspec.Struct, frozen=True):
    """Linear addresses [start, stop) that mean something during the contexts
    [first_context, last_context]."""

    start: int
    stop: int
    first_context: int
    last_context: int


class MappingData(msgspec.Struct, frozen=True):
    """A mapping: linear addresses [start, stop). `protection`: 1 read, 2 write, 4 execute;
    `path`: a file, a name such as "[stack]", or ""; `offset` in that file."""

    start: int
    stop: int
    protection: int
    offset: int
    path: str


class BinaryData(msgspec.Struct, frozen=True):
    """An executed file. `id` names it in other queries of this trace."""

    id: int
    path: str


class SymbolData(msgspec.Struct, frozen=True):
    """What stands at one address of a binary, by its best name. `rva` and `size` in bytes.
    `is_resolver`: code that chooses, when the program starts, which function the name stands
    for. `aliases`: its other names."""

    binary: BinaryData
    name: str
    rva: int
    size: int
    kind: Literal["function", "object", "plt"]
    demangled_name: str | None
    is_resolver: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of its names, the best first."""
        return (self.name, *self.aliases)


class SymbolPage(msgspec.Struct, frozen=True):
    """Symbols from a position on; `next`: position to go on with, None at the end."""

    symbols: list[SymbolData]
    next: int | None


class LocationData(msgspec.Struct, frozen=True):
    """What stands at an address. `rva` counts from `base_address`, that of the binary or,
    outside of any, of the named `region` (`[stack]`, a data file). `file` is an absolute
    path of the recorded machine."""

    binary: BinaryData | None
    symbol: SymbolData | None
    region: str
    rva: int
    base_address: int
    file: str | None
    line: int | None


class ProcessData(msgspec.Struct, frozen=True):
    """`name` as the kernel has it (at most 15 characters); `ppid` None if unknown."""

    name: str
    pid: int
    ppid: int | None


class CoreService(Protocol):
    """Transitions, registers, memory, accesses, symbols."""

    @query()
    def info(self) -> TraceInfo: ...

    @query()
    def transition_count(self) -> int: ...

    @query(slow=True, kept=False)
    def refresh(self) -> int:
        """Take in what a running recording appended; returns the new transition count."""

    @query()
    def threads(self) -> list[ThreadData]: ...

    @query()
    def transitions(self, start: int, stop: int) -> TransitionPage: ...

    @query()
    def disassemble(self, instructions: Sequence[tuple[int, bytes]]) -> list[Disassembly]:
        """Text of (address, bytes) each."""

    @query()
    def operands(self, address: int, code: bytes) -> list[OperandData]: ...

    @query()
    def registers(self, contexts: Sequence[int]) -> RegisterPage: ...

    @query()
    def thread_registers(self, thread: int, context: int) -> bytes | None:
        """View of `thread` at its own last moment not after `context`; None if it had not
        run yet."""

    @query()
    def read_memory(self, context: int, address: int, size: int) -> bytes:
        """Raises MemoryReadError."""

    @query()
    def read_known_memory(self, context: int, address: int, size: int) -> tuple[bytes, bytes]:
        """Data, and a byte per byte: 1 known, 0 unknown (data 0)."""

    @query()
    def mapped_ranges(self, context: int) -> list[RangeData]:
        """Merged mapped ranges at one context, ascending."""

    @query()
    def mappings(self, first_context: int, last_context: int) -> list[MappingData]:
        """What is mapped at one context or another of these, by ascending start."""

    @query()
    def is_mapped(self, address: int, size: int, first_context: int, last_context: int) -> bool:
        """Whether every byte is mapped at one context or another of these."""

    @query(slow=True)
    def accesses(
        self,
        start: int,
        stop: int,
        address: int,
        size: int,
        *,
        reads: bool,
        writes: bool,
        forward: bool,
        limit: int,
    ) -> AccessPage:
        """Accesses of transitions [start, stop) that touch [address, address+size); a few
        more than `limit`, for a transition's accesses stay together."""

    @query(scans=True)
    def device_accesses(self, start: int, stop: int, limit: int) -> list[DeviceAccessData]:
        """What transitions [start, stop) moved from and to devices, in order; a few more than
        `limit`, for a transition's stay together."""

    @query(slow=True)
    def find_pcs(
        self,
        ranges: Sequence[tuple[int, int]],
        start: int,
        stop: int,
        *,
        forward: bool,
        limit: int,
    ) -> TransitionIds:
        """Instructions executed in [start, stop) whose address lies in [low, high) of a range."""

    @query(slow=True)
    def find_register_change(
        self, context: int, offset: int, size: int, mask: int, forward: bool
    ) -> int | None:
        """Nearest context in which a field of the register view differs: at most 8 bytes, of
        which the bits of `mask` count, or up to 32, all of which count."""

    @query(slow=True)
    def find_memory_change(
        self, context: int, address: int, size: int, forward: bool
    ) -> int | None:
        """Nearest context in which a byte of the range differs."""

    @query(slow=True)
    def binaries(self) -> list[BinaryData]:
        """Files of which an instruction was executed."""

    @query(slow=True)
    def binary_bytes(self, path: str, offset: int, size: int) -> bytes | None:
        """Bytes of the trace's own copy of a mapped file: at most `size`, or 1 MiB; fewer at its
        end. None if the trace has no copy of a file that was there."""

    @query(slow=True)
    def binary_ranges(self, binary: int) -> list[RangeData]:
        """Where the binary's code was mapped, and when."""

    @query(slow=True)
    def symbols(
        self, binary: int, pattern: str, *, case_sensitive: bool, kind: str, start: int, limit: int
    ) -> SymbolPage:
        """Symbols of one binary that the regular expression finds by one of their names, plain
        or demangled; each once.
        `kind`: "function" (with PLT entries), "object", or "" for all."""

    @query(slow=True)
    def symbol_entries(self, binary: int, rva: int) -> list[RangeData]:
        """The absolute address of an offset for each time the binary was loaded."""

    @query(slow=True)
    def locate(self, context: int, address: int) -> LocationData | None: ...

    @query()
    def processes(self) -> list[ProcessData]: ...
