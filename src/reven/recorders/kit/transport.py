# SPDX-License-Identifier: Apache-2.0
"""The live transport of docs/event-stream.md: greeting, ring, slots."""

from __future__ import annotations

import mmap
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from reven.recorders.kit.constants import HELLO_MAGIC, STREAM_VERSION, StreamKind
from reven.recorders.kit.registers import ARCHITECTURE, MACHINE_FILE_SIZE, REGISTER_FILE_SIZE

_HELLO = struct.Struct("<7I2H")
_WELCOME = struct.Struct("<4IQ")
_LAYOUT = struct.Struct("<6Q2I")  # reven_ring_header, up to `stop`
_STOP, _PRODUCED, _CONSUMED, _WRITER_WAITS, _RECORDER_WAITS, _SLOTS = 52, 120, 184, 248, 312, 376
_SLOT = struct.Struct("<Q6I")


Bytes = bytes | bytearray


class WriterGone(Exception):
    """The writer has refused, or ended."""


def say_hello(
    connection: socket.socket,
    recorder: str,
    program: str,
    command: Sequence[str],
    *,
    features: Sequence[str] = (),
    kind: StreamKind = StreamKind.PROGRAM,
) -> None:
    """Greet the writer. `recorder`: name and version; `program`, `command`: the path and the
    argument vector of what is recorded; `features`: of the processor that it sees."""
    processor = " ".join((ARCHITECTURE, *features))
    text = b"".join(
        word.encode("utf-8", "surrogateescape") + b"\0"
        for word in (recorder, program, processor, *command)
    )
    size = REGISTER_FILE_SIZE if kind is StreamKind.PROGRAM else MACHINE_FILE_SIZE
    hello = (HELLO_MAGIC, STREAM_VERSION, os.getpid(), os.getppid(), 0, 0, len(text), kind, size)
    connection.sendall(_HELLO.pack(*hello) + text)


class Ring:
    """The slots that a writer shares with its recorder, from the recorder's side."""

    def __init__(self, connection: socket.socket) -> None:
        """Take the writer's welcome. Raises WriterGone if it wants no recording."""
        self._socket = connection
        welcome = connection.recv(_WELCOME.size, socket.MSG_WAITALL)
        if len(welcome) < _WELCOME.size or not _WELCOME.unpack(welcome)[1]:
            raise WriterGone
        _, _, writer, ring, size = _WELCOME.unpack(welcome)
        with Path(f"/proc/{writer}/fd/{ring}").open("r+b") as file:
            self._ring = mmap.mmap(file.fileno(), size)
        layout = _LAYOUT.unpack_from(self._ring)
        self._first_slot, self._slot_size, self._values, self.values_size = layout[:4]
        self._control, self.control_size, self._count, _ = layout[4:]
        self._produced = 0

    @property
    def stop_asked(self) -> bool:
        """Whether the writer wants no more."""
        return bool(self._ring[_STOP])

    def hand_over(
        self, first_execution: int, headers: Bytes, values: Bytes, control: Bytes
    ) -> None:
        """Give the writer a slot. Waits for a free one; raises WriterGone."""
        sizes = self._fill(headers, values, control)
        self._describe(first_execution, (*sizes, 0, 0, 0))
        self._produced += 1
        struct.pack_into("<Q", self._ring, _PRODUCED, self._produced)
        # Python cannot exchange the flag as one step, so the writer is always woken; where
        # no more bytes fit, some wait already.
        try:
            self._socket.send(b"\0", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except BlockingIOError:
            pass
        except OSError:
            raise WriterGone from None

    def leave(self, first_execution: int, headers: Bytes, values: Bytes, control: Bytes) -> None:
        """Fill a slot, but only note how far: what a recorder leaves behind that dies."""
        sizes = self._fill(headers, values, control)
        self._describe(first_execution, (0, 0, 0, *sizes))

    def close(self) -> None:
        """Let go of the ring and the connection: the end of the stream."""
        self._socket.close()
        self._ring.close()

    def _fill(self, headers: Bytes, values: Bytes, control: Bytes) -> tuple[int, int, int]:
        self._wait()
        base = self._first_slot + self._produced % self._count * self._slot_size
        for offset, part in ((0, headers), (self._values, values), (self._control, control)):
            self._ring[base + offset : base + offset + len(part)] = part
        return len(headers) // 4, len(values), len(control)

    def _describe(self, first_execution: int, sizes: Sequence[int]) -> None:
        at = _SLOTS + self._produced % self._count * _SLOT.size
        _SLOT.pack_into(self._ring, at, first_execution, *sizes)

    def _wait(self) -> None:
        while not self._free():
            struct.pack_into("<I", self._ring, _RECORDER_WAITS, 1)
            if self._free():
                break
            # The writer looks at the flag after it has freed a slot, with no lock between
            # the two sides in Python; the time limit only bounds what a lost wake-up costs.
            self._socket.settimeout(0.05)
            try:
                gone = not self._socket.recv(1)
            except TimeoutError:
                continue
            except OSError:
                gone = True
            if gone:
                raise WriterGone
        self._socket.settimeout(None)
        struct.pack_into("<I", self._ring, _RECORDER_WAITS, 0)

    def _free(self) -> bool:
        consumed: int = struct.unpack_from("<Q", self._ring, _CONSUMED)[0]
        free: bool = self._produced - consumed < self._count
        return free
