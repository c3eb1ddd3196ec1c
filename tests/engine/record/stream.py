# SPDX-License-Identifier: Apache-2.0
"""A recorder whose every block and value a test chooses: it speaks the live transport of
event_stream.h to a real recording."""

from __future__ import annotations

import mmap
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reven import _engine

REGISTER_FILE_SIZE = 864
KEY_FRAME, SWITCH, REGISTERS, REGISTER_PATCH, MEMORY, MAP = 2, 3, 4, 5, 6, 7
SYSCALL_EXIT, SIGNAL, END = 12, 13, 17
END_EXIT, END_SIGNAL, END_LIMIT = 1, 2, 5
RETIRED, NOT_RETIRED, REPEAT_END = 0, 1, 2
CUT, NOTHING = 62, 63
NO_NODE = 0xFFFFFFFF

NODE_CONSTANT, NODE_SLOT, NODE_REGISTER, NODE_UNARY, NODE_BINARY, NODE_SELECT = 1, 2, 3, 4, 5, 6
NODE_FLOW, NODE_REGISTER_THEN, NODE_INDEXED_THEN = 7, 8, 9
EVENT_SET_REGISTER, EVENT_LOAD, EVENT_EXIT = 1, 3, 7

PRODUCED, CONSUMED, WRITER_WAITS, SLOTS = 120, 184, 248, 376  # offsets in reven_ring_header
WELCOME = struct.Struct("<4IQ")
RING_LAYOUT = struct.Struct("<6Q2I")


def node(
    kind: int, size: int, op: int = 0, a: int = 0, b: int = 0, c: int = 0, immediate: int = 0
) -> bytes:
    return struct.pack("<BBH3IQ", kind, size, op, a, b, c, immediate)


@dataclass(frozen=True)
class Block:
    """A template: `slots` are the sizes of its recorded values, `exits` pairs of an
    instruction's index and a REVEN_EXIT_… flag. Instructions are four bytes each. Node 0 is
    a constant, then come those of the slots, then `nodes`; `sets` are register writes: offset,
    size, node."""

    address: int
    instructions: int = 1
    slots: Sequence[int] = ()
    exits: Sequence[tuple[int, int]] = ()
    nodes: Sequence[bytes] = ()
    sets: Sequence[tuple[int, int, int]] = ()

    @property
    def record_size(self) -> int:
        return sum(self.slots)

    def payload(self, number: int) -> bytes:
        """Of its REVEN_TEMPLATE record, with the id `number`."""
        nodes, events, offset = [node(NODE_CONSTANT, 8, immediate=64)], [], 0
        for size in self.slots:
            nodes.append(node(NODE_SLOT, size, a=offset, b=NO_NODE))
            events.append((0, EVENT_LOAD, 0, size, (0, len(nodes) - 1, NO_NODE, 0, 0, 0)))
            offset += size
        nodes += self.nodes
        for at, size, value in self.sets:
            fields = (NO_NODE, value, NO_NODE, NO_NODE, NO_NODE, NO_NODE)
            events.append((0, EVENT_SET_REGISTER, at, size, fields))
        for k, (instruction, flags) in enumerate(self.exits, 1):
            events.append((instruction, EVENT_EXIT, 0, 0, (NO_NODE, 0, NO_NODE, k, flags, 0)))
        events.sort(key=lambda event: event[0])
        head = (number, self.instructions, len(nodes), len(events), self.record_size)
        return b"".join(
            (
                struct.pack("<8I", *head, len(self.exits), 0, 0),
                *(
                    struct.pack("<QB15s", self.address + 4 * i, 4, b"\x0f\x1f\x40\x00")
                    for i in range(self.instructions)
                ),
                *nodes,
                *(struct.pack("<BB3H6I", e[1], 0, e[0], e[2], e[3], *e[4]) for e in events),
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
        welcome = WELCOME.unpack(self._socket.recv(WELCOME.size, socket.MSG_WAITALL))
        with Path(f"/proc/{welcome[2]}/fd/{welcome[3]}").open("r+b") as ring:
            self._ring = mmap.mmap(ring.fileno(), welcome[4])
        layout = RING_LAYOUT.unpack_from(self._ring)
        self._first_slot, self._slot_size, self._values, _, self._control, _, self._count, _ = (
            layout
        )
        self._executions = 0
        self._produced = 0

    @property
    def stop_asked(self) -> bool:
        return self._ring[52] != 0

    def _fill(self, slot: Slot) -> tuple[int, int, int, int]:
        while self._produced - self._read(CONSUMED) >= self._count:
            self._socket.settimeout(0.01)
            with suppress(TimeoutError):
                self._socket.recv(1)
        base = self._first_slot + self._produced % self._count * self._slot_size
        headers = b"".join(struct.pack("<I", i << 6 | k) for i, k, _ in slot.executions)
        values = b"".join(value for _, _, value in slot.executions)
        control = b"".join(
            struct.pack("<2I2Q", kind, thread, self._executions + after, len(payload))
            + payload
            + bytes(-len(payload) % 8)
            for kind, thread, after, payload in (
                *((1, 0, 0, block.payload(i)) for i, block in slot.templates.items()),
                *((r.type, r.thread, r.after, r.payload) for r in slot.records),
            )
        )
        for offset, part in ((0, headers), (self._values, values), (self._control, control)):
            self._ring[base + offset : base + offset + len(part)] = part
        return self._executions, len(slot.executions), len(values), len(control)

    def _read(self, offset: int) -> int:
        return int(struct.unpack_from("<Q", self._ring, offset)[0])

    def _describe(self, position: int, sizes: Iterable[int]) -> None:
        at = SLOTS + self._produced % self._count * 32
        struct.pack_into("<Q6I", self._ring, at, position, *sizes)

    def publish(self, slot: Slot) -> None:
        position, *sizes = self._fill(slot)
        self._describe(position, (*sizes, 0, 0, 0))
        self._produced += 1
        self._executions += len(slot.executions)
        struct.pack_into("<Q", self._ring, PRODUCED, self._produced)
        with suppress(BrokenPipeError):
            self._socket.send(b"\0")

    def die_filling(self, slot: Slot) -> None:
        """Dies with `slot` filled up to a key frame but not handed over."""
        position, *sizes = self._fill(slot)
        self._describe(position, (0, 0, 0, *sizes))
        self.close()

    def close(self) -> None:
        self._socket.close()
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
