# SPDX-License-Identifier: Apache-2.0
"""Say what ran: templates, executions and control records, cut into slots."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from reven.recorders.kit.constants import (
    EXIT_BITS,
    KEY_INTERVAL,
    SLOT_EXECUTIONS,
    Cause,
    EndReason,
    MapKind,
    RecordType,
)
from reven.recorders.kit.template import Template
from reven.recorders.kit.transport import Ring

_RECORD = struct.Struct("<2I2Q")
_MEMORY = struct.Struct("<Q2I")
_MAP = struct.Struct("<2Q2IQ")
_END = struct.Struct("<IiIIQ")
_RANGE = struct.Struct("<2Q")
_MOST_RANGES = 4096  # of one KERNEL_READ record
_LARGEST_PART = 1 << 16  # bytes of one MEMORY record

Registers = Callable[[], tuple[int, bytes]]
"""Gives the number of the thread that runs, from 1, and its register file."""


def record(type_: int, thread: int, position: int, payload: bytes) -> bytes:
    """A control record with its padding."""
    return b"".join(
        (_RECORD.pack(type_, thread, position, len(payload)), payload, bytes(-len(payload) % 8))
    )


class EventStream:
    """A recorder's stream. It begins slots and makes key frames by itself.

    examples/recorder.py is a whole recorder made with it.
    """

    def __init__(self, ring: Ring, registers: Registers) -> None:
        """`registers` is asked for key frames: what holds before the next execution."""
        self._ring = ring
        self._registers = registers
        self._templates = 0
        self._first = 0
        self._executions = 0
        self._headers = bytearray()
        self._values = bytearray()
        self._control = bytearray()
        self._key_frame()

    @property
    def stop_asked(self) -> bool:
        """Whether the writer wants no more."""
        return self._ring.stop_asked

    @property
    def position(self) -> int:
        """Number of executions so far."""
        return self._first + self._executions

    def template(self, block: Template) -> int:
        """Describe a block. Its id for `execute`."""
        self._templates += 1
        self._record(RecordType.TEMPLATE, block.payload(self._templates))
        return self._templates

    def execute(self, template: int, values: bytes = b"", exit_: int = 0) -> None:
        """A block ran, to its end or up to a side exit.

        `values`: as many bytes as its template's `values_size`. Call it before what
        `registers` gives changes. Raises WriterGone.
        """
        if (
            self._executions == SLOT_EXECUTIONS
            or len(self._values) + len(values) > self._ring.values_size
        ):
            self._hand_over()
        elif self._executions and self._executions % KEY_INTERVAL == 0:
            self._key_frame()
        self._headers += (template << EXIT_BITS | exit_).to_bytes(4, "little")
        self._values += values
        self._executions += 1

    def map(
        self,
        address: int,
        size: int,
        *,
        protection: int,
        kind: MapKind,
        name: str = "",
        file_offset: int = 0,
    ) -> None:
        """A mapping begins. `protection`: 1 read + 2 write + 4 execute; `name`: a path, or
        such as "[stack]"."""
        head = _MAP.pack(address, size, protection, kind, file_offset)
        self._record(RecordType.MAP, head + name.encode("utf-8", "surrogateescape"))

    def memory(self, address: int, data: bytes, cause: Cause) -> None:
        """Memory changes without an instruction."""
        for at in range(0, len(data), _LARGEST_PART):
            part = data[at : at + _LARGEST_PART]
            self._record(RecordType.MEMORY, _MEMORY.pack(address + at, cause, 0) + part)

    def kernel_read(self, ranges: Sequence[tuple[int, int]]) -> None:
        """The kernel read memory, addresses and sizes, for a system call of the running
        thread."""
        for at in range(0, len(ranges), _MOST_RANGES):
            part = ranges[at : at + _MOST_RANGES]
            self._record(RecordType.KERNEL_READ, b"".join(_RANGE.pack(*one) for one in part))

    def snapshot_end(self) -> None:
        """What was mapped and in memory at the start is complete."""
        self._record(RecordType.SNAPSHOT_END, b"")

    def end(self, reason: EndReason, code: int = 0, ip: int = 0) -> None:
        """The recording ends: hand over what there is. Raises WriterGone."""
        thread, _ = self._registers()
        self._record(RecordType.END, _END.pack(reason, code, 0, thread, ip))
        self._flush()

    def _record(self, type_: RecordType, payload: bytes) -> None:
        thread, registers = self._registers()
        # With room for a key frame, so that one always fits.
        size = 2 * _RECORD.size + len(payload) + 8 + len(registers)
        if len(self._control) + size > self._ring.control_size:
            self._hand_over()
        self._control += record(type_, thread, self.position, payload)

    def _key_frame(self) -> None:
        thread, registers = self._registers()
        if len(self._control) + _RECORD.size + len(registers) > self._ring.control_size:
            self._hand_over()  # which begins with one
            return
        self._control += record(RecordType.KEY_FRAME, thread, self.position, registers)

    def _hand_over(self) -> None:
        self._flush()
        self._key_frame()

    def _flush(self) -> None:
        self._ring.hand_over(self._first, self._headers, self._values, self._control)
        self._first += self._executions
        self._executions = 0
        self._headers.clear()
        self._values.clear()
        self._control.clear()
