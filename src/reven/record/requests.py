# SPDX-License-Identifier: Apache-2.0
"""Requests to a recording that runs, from a process of its own: `reven mark`.

The recording is found by the recorder's command line, which an ancestor of this process
has; it is asked at the socket that recorders report to.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

__all__ = ["REQUEST_MAGIC", "Request", "ask_recording", "receive_request"]

REQUEST_MAGIC = 0x5245514D
"""Instead of that of reven_hello; then the process that asks, and the text's size."""
_HEADER = struct.Struct("<3I")
_OPTION = b"--reven-socket="
_LONGEST_TEXT = 1000
_MOST_ANCESTORS = 64
_SECONDS = 10.0


class Request:
    """What is asked for, and the ancestors of who asks, the nearest first."""

    def __init__(self, text: str, ancestors: list[int]) -> None:
        self.text, self.ancestors = text, ancestors


def ask_recording(text: str) -> bool:
    """Send a request, and wait until it is met. False: this process is not being recorded."""
    path = next((found for pid in _ancestors(os.getpid()) if (found := _socket_of(pid))), None)
    if path is None:
        return False
    data = text.encode("utf-8", "surrogateescape")[:_LONGEST_TEXT]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(path)
        connection.sendall(_HEADER.pack(REQUEST_MAGIC, os.getpid(), len(data)) + data)
        return connection.recv(1) == b"\1"
    return False


def receive_request(connection: socket.socket) -> Request | None:
    """Read a request; None if the other side asks for nothing, and nothing was read."""
    connection.settimeout(_SECONDS)
    try:
        start = connection.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL)
        if start != REQUEST_MAGIC.to_bytes(4, "little"):
            return None
        _, pid, size = _HEADER.unpack(connection.recv(_HEADER.size, socket.MSG_WAITALL))
        data = connection.recv(min(size, _LONGEST_TEXT), socket.MSG_WAITALL)
    except (OSError, struct.error):
        return None
    return Request(data.decode("utf-8", "replace"), _ancestors(pid))


def _ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid > 1 and len(found) < _MOST_ANCESTORS:
        try:
            # The name, in brackets, may hold anything.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            break
        pid = int(fields[1])
        found.append(pid)
    return found


def _socket_of(pid: int) -> str | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    for word in words:
        if word.startswith(_OPTION):
            return os.fsdecode(word.removeprefix(_OPTION))
    return None
