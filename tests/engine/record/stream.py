# SPDX-License-Identifier: Apache-2.0
"""A recorder whose every block and value a test chooses: it speaks the live transport of
event_stream.h to a real recording."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reven import _engine
from reven.recorders.kit import (
    NO_NODE,
    EndReason,
    EventKind,
    Exit,
    NodeKind,
    RecordType,
    Ring,
    WriterGone,
    event,
    node,
    record,
)
from reven2.arch._table import REGISTER_FILE_SIZE

KEY_FRAME, SWITCH, REGISTERS = RecordType.KEY_FRAME, RecordType.SWITCH, RecordType.REGISTERS
REGISTER_PATCH, MEMORY, MAP = RecordType.REGISTER_PATCH, RecordType.MEMORY, RecordType.MAP
SYSCALL_EXIT, SIGNAL, END = RecordType.SYSCALL_EXIT, RecordType.SIGNAL, RecordType.END
END_EXIT, END_SIGNAL, END_LIMIT = EndReason.EXIT, EndReason.SIGNAL, EndReason.LIMIT
RETIRED, NOT_RETIRED, REPEAT_END = Exit.RETIRED, Exit.NOT_RETIRED, Exit.REPEAT_END
CUT, NOTHING = 62, 63

NODE_CONSTANT, NODE_SLOT, NODE_REGISTER = NodeKind.CONSTANT, NodeKind.SLOT, NodeKind.REGISTER
NODE_UNARY, NODE_BINARY, NODE_SELECT = NodeKind.UNARY, NodeKind.BINARY, NodeKind.SELECT
NODE_FLOW, NODE_REGISTER_THEN = NodeKind.FLOW, NodeKind.REGISTER_THEN
NODE_INDEXED_THEN = NodeKind.INDEXED_THEN


@dataclass(frozen=True)
class Block:
    """A template: `slots` are the sizes of its recorded values, `exits` pairs of an
    instruction's index and a REVEN_EXIT_… flag. Instructions are four bytes each. Node 0 is
    a constant, then come those of the slots, then `nodes`; `sets` are register writes: offset,
    size, node; `effects`: further events with their instruction's index."""

    address: int
    instructions: int = 1
    slots: Sequence[int] = ()
    exits: Sequence[tuple[int, int]] = ()
    nodes: Sequence[bytes] = ()
    sets: Sequence[tuple[int, int, int]] = ()
    effects: Sequence[tuple[int, bytes]] = ()

    @property
    def values_size(self) -> int:
        return sum(self.slots)

    def payload(self, number: int) -> bytes:
        """Of its REVEN_TEMPLATE record, with the id `number`."""
        nodes, offset = [node(NODE_CONSTANT, 8, immediate=64)], 0
        events: list[tuple[int, bytes]] = []
        for size in self.slots:
            nodes.append(node(NODE_SLOT, size, a=offset, b=NO_NODE))
            value = len(nodes) - 1
            events.append((0, event(EventKind.LOAD, 0, size=size, address=0, value=value)))
            offset += size
        nodes += self.nodes
        for at, size, value in self.sets:
            made = event(EventKind.SET_REGISTER, 0, offset=at, size=size, value=value)
            events.append((0, made))
        events += self.effects
        for k, (instruction, flags) in enumerate(self.exits, 1):
            made = event(EventKind.EXIT, instruction, value=0, x1=k, x2=flags)
            events.append((instruction, made))
        events.sort(key=lambda one: one[0])
        head = (number, self.instructions, len(nodes), len(events), self.values_size)
        return b"".join(
            (
                struct.pack("<8I", *head, len(self.exits), 0, 0),
                *(
                    struct.pack("<QB15s", self.address + 4 * i, 4, b"\x0f\x1f\x40\x00")
                    for i in range(self.instructions)
                ),
                *nodes,
                *(made for _, made in events),
            )
        )


@dataclass(frozen=True)
class Record:
    """A control record; `after` executions of its slot come before it."""

    type: int
    payload: bytes
    after: int = 0
    thread: int = 1


def key_frame(fill: int = 0, after: int = 0, thread: int = 1) -> Record:
    return Record(KEY_FRAME, bytes([fill]) * REGISTER_FILE_SIZE, after, thread)


def signal(ip: int, *, synchronous: bool, after: int) -> Record:
    return Record(SIGNAL, struct.pack("<2I2Q", 11, synchronous, ip, 0), after)


def switch(previous: int, to: int, after: int) -> Record:
    payload = struct.pack("<2IQ", previous, 0, 0x1000) + bytes(REGISTER_FILE_SIZE)
    return Record(SWITCH, payload, after, to)


def end(reason: int = END_EXIT, code: int = 0, *, ip: int = 0, after: int = 0) -> Record:
    return Record(END, struct.pack("<IiIIQ", reason, code, 0, 1, ip), after)


@dataclass
class Slot:
    """What a recorder hands over at once. An execution is (template id, exit, values)."""

    executions: Sequence[tuple[int, int, bytes]] = ()
    records: Sequence[Record] = (key_frame(),)
    templates: dict[int, Block] = field(default_factory=dict)


class Recorder:
    """Closing it is the recorder's death."""

    def __init__(self, directory: Path, **options: Any) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        writer, self._socket = socket.socketpair(socket.AF_UNIX)
        try:
            with writer:
                self.recording = _engine.Recording(str(directory), writer.fileno(), **options)
        except _engine.TraceError:
            self._socket.close()
            raise
        self._ring = Ring(self._socket)
        self._executions = 0

    @property
    def stop_asked(self) -> bool:
        return self._ring.stop_asked

    def _parts(self, slot: Slot) -> tuple[int, bytes, bytes, bytes]:
        headers = b"".join(struct.pack("<I", i << 6 | k) for i, k, _ in slot.executions)
        values = b"".join(value for _, _, value in slot.executions)
        control = b"".join(
            record(kind, thread, self._executions + after, payload)
            for kind, thread, after, payload in (
                *((1, 0, 0, block.payload(i)) for i, block in slot.templates.items()),
                *((r.type, r.thread, r.after, r.payload) for r in slot.records),
            )
        )
        return self._executions, headers, values, control

    def publish(self, slot: Slot) -> None:
        with suppress(WriterGone):
            self._ring.hand_over(*self._parts(slot))
        self._executions += len(slot.executions)

    def die_filling(self, slot: Slot) -> None:
        """Dies with `slot` filled up to a key frame but not handed over."""
        self._ring.leave(*self._parts(slot))
        self.close()

    def close(self) -> None:
        self._ring.close()

    def finish(self) -> _engine.RecordingStatus:
        self.close()
        assert self.recording.wait(60)
        return self.recording.status()


def write_trace(directory: Path, slots: Iterable[Slot], **options: Any) -> _engine.RecordingStatus:
    recorder = Recorder(directory, **options)
    for slot in slots:
        recorder.publish(slot)
    return recorder.finish()


def headers_of(store: _engine._Store, index: int) -> list[tuple[int, int]]:
    """Template id and exit of each execution of a segment."""
    headers = store.load(index)[0]
    return [(h >> 6, h & 63) for (h,) in struct.iter_unpack("<I", headers)]
