# SPDX-License-Identifier: Apache-2.0
"""`vFile`: gdb reads files of the machine that was recorded, as far as the trace holds them.

Source: the gdb manual, "Host I/O Packets" and "File-I/O Remote Protocol Extension".
"""

from __future__ import annotations

import struct

from reven.bridges.gdb.packets import LARGEST_PACKET, escaped
from reven.bridges.gdb.process import Process

__all__ = ["HostFiles"]

_NO_ENTRY, _BAD_FILE, _INVALID, _TOO_MANY, _READ_ONLY = 2, 9, 22, 24, 30
_MOST_OPEN = 64
_WRITES = 0x3  # O_WRONLY, O_RDWR
_REGULAR_FILE = 0o100444


class HostFiles:
    """Files that a debugger has open."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._open: dict[int, bytes] = {}

    def answer(self, request: bytes) -> bytes:
        """The answer to what stands behind `vFile:`; empty: there is no such request."""
        name, _, rest = request.partition(b":")
        try:
            fields = rest.split(b",")
            if name == b"open":
                return self._open_file(_path(fields[0]), int(fields[1], 16))
            if name == b"close":
                return b"F0" if self._open.pop(int(fields[0], 16), None) is not None else _failed(9)
            if name == b"pread":
                handle, size, offset = (int(field, 16) for field in fields)
                return self._read(handle, size, offset)
            if name == b"fstat":
                data = self._open.get(int(fields[0], 16))
                return _failed(_BAD_FILE) if data is None else _status(len(data))
            if name in (b"stat", b"lstat"):
                data = self._process.file(_path(fields[0]))
                return _failed(_NO_ENTRY) if data is None else _status(len(data))
            if name == b"readlink":
                link = self._process.link(_path(fields[0]))
                return _failed(_NO_ENTRY) if link is None else _with(link.encode())
            if name == b"setfs":
                return b"F0"
            if name in (b"unlink", b"pwrite"):
                return _failed(_READ_ONLY)
        except (ValueError, IndexError):
            return _failed(_INVALID)
        return b""

    def _open_file(self, path: str, flags: int) -> bytes:
        if flags & _WRITES:
            return _failed(_READ_ONLY)
        if len(self._open) >= _MOST_OPEN:
            return _failed(_TOO_MANY)
        data = self._process.file(path)
        if data is None:
            return _failed(_NO_ENTRY)
        handle = next(number for number in range(3, 4 + _MOST_OPEN) if number not in self._open)
        self._open[handle] = data
        return b"F%x" % handle

    def _read(self, handle: int, size: int, offset: int) -> bytes:
        data = self._open.get(handle)
        if data is None:
            return _failed(_BAD_FILE)
        # Escaped, a byte may take two.
        return _with(data[offset : offset + min(size, LARGEST_PACKET // 2 - 64)])


def _path(field: bytes) -> str:
    return bytes.fromhex(field.decode("ascii")).decode(errors="surrogateescape")


def _failed(number: int) -> bytes:
    return b"F-1,%x" % number


def _with(data: bytes) -> bytes:
    return b"F%x;" % len(data) + escaped(data)


def _status(size: int) -> bytes:
    blocks = -(-size // 512)
    return _with(
        struct.pack(">7I3Q3I", 0, 0, _REGULAR_FILE, 1, 0, 0, 0, size, 4096, blocks, 0, 0, 0)
    )
