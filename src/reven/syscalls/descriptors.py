# SPDX-License-Identifier: Apache-2.0
"""Which file, pipe or socket a descriptor stands for at each system call, and at which position.

A trace has the calls and their results; what a descriptor was before the trace began it does
not say. Source: open(2), dup(2), lseek(2), read(2), pipe(2), socket(2), accept(2), fcntl(2),
memfd_create(2) and their siblings in the Linux man-pages.
"""

from __future__ import annotations

import os
import posixpath
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reven import _engine
from reven.ossi import syscall_name

__all__ = ["Descriptors", "OpenFile", "ReadMemory", "Transfer", "Usage", "socket_address"]

FileKind = Literal["file", "directory", "device", "pipe", "socket", "inherited", "anonymous"]
ReadMemory = Callable[[int, int, int], "bytes | None"]
"""(context, address, size): None where it is not known."""

_STANDARD = {0: "standard input", 1: "standard output", 2: "standard error"}
_MOST_PARTS = 1024
_LONGEST_PATH = 4096
_O_APPEND, _O_DIRECTORY = 0o2000, 0o200000
_AT_FDCWD = -100
_DUPLICATES = frozenset({0, 1030})  # F_DUPFD, F_DUPFD_CLOEXEC
_ANONYMOUS = {
    "eventfd": "eventfd",
    "eventfd2": "eventfd",
    "epoll_create": "epoll",
    "epoll_create1": "epoll",
    "timerfd_create": "timerfd",
    "signalfd": "signalfd",
    "signalfd4": "signalfd",
    "inotify_init": "inotify",
    "inotify_init1": "inotify",
    "pidfd_open": "pidfd",
    "userfaultfd": "userfaultfd",
    "io_uring_setup": "io_uring",
    "perf_event_open": "perf",
    "fanotify_init": "fanotify",
}
_READS = {
    "read": False,
    "pread64": True,
    "readv": False,
    "preadv": True,
    "preadv2": True,
    "recvfrom": False,
    "recvmsg": False,
}
_WRITES = {
    "write": False,
    "pwrite64": True,
    "writev": False,
    "pwritev": True,
    "pwritev2": True,
    "sendto": False,
    "sendmsg": False,
}
"""The calls that move bytes; whether they say at which position."""
_VECTORS = frozenset({"readv", "preadv", "preadv2", "writev", "pwritev", "pwritev2"})
_MESSAGES = frozenset({"recvmsg", "sendmsg"})
_SOCKET_CALLS = frozenset({"recvfrom", "recvmsg", "sendto", "sendmsg"})


@dataclass
class OpenFile:
    """What descriptors stand for: an open file description, as the kernel calls it.

    `opened`: the transition of the call that made it, None for what was there before the
    trace. `other`: the id of a pipe's or socket pair's other end. `received`, `sent`: bytes
    so far. `position`: of a file.
    """

    id: int
    kind: FileKind
    name: str
    opened: int | None
    other: int | None = None
    position: int = 0
    appends: bool = False
    received: int = 0
    sent: int = 0
    closed: int | None = None


class Transfer(NamedTuple):
    """Bytes that a system call moved. `offset`: the position in the file, or in the stream
    of that direction; None if it is not known. `parts`: where they stand in memory (address,
    size), in their order."""

    transition: int
    thread: int
    number: int
    descriptor: int
    file: int
    is_write: bool
    offset: int | None
    size: int
    parts: tuple[tuple[int, int], ...]

    def position_of(self, address: int) -> int | None:
        """The position of the byte that stands at an address."""
        done = 0
        for start, size in self.parts:
            if start <= address < start + size:
                return None if self.offset is None else self.offset + done + address - start
            done += size
        return None

    def address_of(self, position: int) -> int | None:
        """Where the byte of a position stands in memory."""
        if self.offset is None or not self.offset <= position < self.offset + self.size:
            return None
        left = position - self.offset
        for start, size in self.parts:
            if left < size:
                return start + left
            left -= size
        return None


class Usage(NamedTuple):
    """A descriptor that a system call was given or made: `descriptor` and the file's id."""

    descriptor: int
    file: int


@dataclass
class Descriptors:
    """Follows the system calls of a trace in their order. `folder`: the working directory, by which
    names are made absolute; "" if it is not known.

    `transfers` in order; `arguments` and `results`, by transition: what the first argument, and
    the descriptors that it made, stand for; `histories`: of each descriptor, from which context
    on it stands for what.
    """

    read_memory: ReadMemory
    folder: str = ""
    files: list[OpenFile] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    arguments: dict[int, OpenFile] = field(default_factory=dict)
    results: dict[int, list[Usage]] = field(default_factory=dict)
    histories: dict[int, list[tuple[int, OpenFile | None]]] = field(default_factory=dict)
    _table: dict[int, OpenFile] = field(default_factory=dict)

    def follow(self, calls: Iterable[_engine.Syscall]) -> None:
        for call in calls:
            name = syscall_name(call.number)
            if name is not None:
                self._take(name, call)

    def file_of(self, descriptor: int) -> OpenFile:
        """What a descriptor stands for now."""
        descriptor = _signed(descriptor)
        known = self._table.get(descriptor)
        if known is None:
            name = _STANDARD.get(descriptor, f"descriptor {descriptor}")
            known = self._table[descriptor] = self._new("inherited", name, None)
        return known

    def _take(self, name: str, call: _engine.Syscall) -> None:
        result = call.result
        if name in _TAKES_DESCRIPTOR:
            descriptor = _signed(call.arguments[0])
            if descriptor >= 0:
                self.arguments[call.transition] = self.file_of(descriptor)
        if name in _READS or name in _WRITES:
            self._move(name, call)
            return
        if name in _COPIES:
            self._copy(name, call)
            return
        if result is None or result < 0:
            if name == "close" and result is not None:
                return
            if name != "connect":
                return
        self._change(name, call, result if result is not None else -1)

    def _change(self, name: str, call: _engine.Syscall, result: int) -> None:
        arguments, at = call.arguments, call.transition
        if name in ("open", "openat", "openat2", "creat"):
            self._open(name, call, result)
        elif name == "close":
            closed = self._table.pop(_signed(arguments[0]), None)
            self._note(at + 1, _signed(arguments[0]), None)
            if closed is not None and closed not in self._table.values():
                closed.closed = at
        elif name == "close_range":
            for descriptor in [one for one in self._table if arguments[0] <= one <= arguments[1]]:
                del self._table[descriptor]
                self._note(at + 1, descriptor, None)
        elif name in ("dup", "dup2", "dup3") or (
            name == "fcntl" and _signed(arguments[1]) in _DUPLICATES
        ):
            self._give(at, result, self.file_of(arguments[0]))
        elif name == "chdir":
            self.folder = self._absolute(self._text(at, arguments[0]), self.folder)
        elif name == "fchdir":
            self.folder = self.file_of(arguments[0]).name
        elif name == "lseek":
            self.file_of(arguments[0]).position = result
        elif name in ("pipe", "pipe2", "socketpair"):
            self._pair(name, call)
        elif name == "socket":
            family = _family(_signed(arguments[0]))
            self._give(at, result, self._new("socket", f"{family} socket", at))
        elif name in ("accept", "accept4"):
            peer = self._address(at + 1, arguments[1], 128) if arguments[1] else ""
            listening = self.file_of(arguments[0])
            label = f"connection from {peer}" if peer else f"connection to {listening.name}"
            self._give(at, result, self._new("socket", label, at))
        elif name in ("connect", "bind"):
            peer = self._address(at, arguments[1], arguments[2])
            if peer:
                verb = "connection to" if name == "connect" else "socket bound to"
                self.file_of(arguments[0]).name = f"{verb} {peer}"
        elif name == "memfd_create":
            label = self._text(at, arguments[0])
            self._give(at, result, self._new("anonymous", f"memfd:{label}", at))
        elif name in _ANONYMOUS:
            self._give(at, result, self._new("anonymous", _ANONYMOUS[name], at))
        elif name in ("signalfd4", "signalfd") and _signed(arguments[0]) == -1:
            self._give(at, result, self._new("anonymous", "signalfd", at))

    def _open(self, name: str, call: _engine.Syscall, result: int) -> None:
        at, arguments = call.transition, call.arguments
        first = 0 if name in ("open", "creat") else 1
        path = self._text(at, arguments[first])
        flags = 0 if name == "creat" else arguments[first + 1]
        if name == "openat2":
            how = self.read_memory(at, arguments[2], 8)
            flags = int.from_bytes(how, "little") if how else 0
        if first and _signed(arguments[0]) != _AT_FDCWD:
            path = self._absolute(path, self.file_of(arguments[0]).name)
        else:
            path = self._absolute(path, self.folder)
        kind: FileKind = "directory" if flags & _O_DIRECTORY else "file"
        if path.startswith("/dev/"):
            kind = "device"
        opened = self._new(kind, path, at)
        opened.appends = bool(flags & _O_APPEND)
        self._give(at, result, opened)

    def _absolute(self, path: str, folder: str) -> str:
        return posixpath.normpath(posixpath.join(folder, path)) if path and folder else path

    def _pair(self, name: str, call: _engine.Syscall) -> None:
        at = call.transition
        numbers = self.read_memory(at + 1, call.arguments[0 if name != "socketpair" else 3], 8)
        if numbers is None:
            return
        kind: FileKind = "socket" if name == "socketpair" else "pipe"
        words = ("reading end", "writing end")
        if kind == "socket":
            words = ("one end", "the other end")
        label = "socket pair" if kind == "socket" else "pipe"
        ends = [self._new(kind, f"{word} of the {label} of #{at}", at) for word in words]
        ends[0].other, ends[1].other = ends[1].id, ends[0].id
        for descriptor, end in zip(struct.unpack("<2i", numbers), ends, strict=True):
            self._give(at, descriptor, end)

    def _move(self, name: str, call: _engine.Syscall) -> None:
        result = call.result
        if result is None or result < 0:
            return
        is_write = name in _WRITES
        file = self.file_of(call.arguments[0])
        if name in _SOCKET_CALLS and file.kind == "inherited":
            file.kind = "socket"
        is_stream = file.kind in ("pipe", "socket")
        has_offset = (_WRITES if is_write else _READS)[name]
        offset: int | None
        if has_offset and _signed64(call.arguments[3]) != -1:
            offset = call.arguments[3]
        elif is_stream:
            offset = file.sent if is_write else file.received
        elif is_write and file.appends:
            # Where the file ends only the kernel knows, if others wrote to it before.
            offset = file.position
            file.position += result
        else:
            offset = file.position
            file.position += result
        if is_write:
            file.sent += result
        else:
            file.received += result
        transfer = Transfer(
            call.transition,
            call.thread,
            call.number,
            _signed(call.arguments[0]),
            file.id,
            is_write,
            offset,
            result,
            self._parts(name, call, result),
        )
        self.transfers.append(transfer)

    def _copy(self, name: str, call: _engine.Syscall) -> None:
        """Bytes that the kernel moves from one descriptor to another."""
        result = call.result
        if result is None or result <= 0:
            return
        if name == "sendfile":
            target, source, at = call.arguments[0], call.arguments[1], call.arguments[2]
        else:
            source, at, target = call.arguments[0], call.arguments[1], call.arguments[2]
        if not at:
            self.file_of(source).position += result
            self.file_of(source).received += result
        file = self.file_of(target)
        file.position += result
        file.sent += result

    def _parts(self, name: str, call: _engine.Syscall, size: int) -> tuple[tuple[int, int], ...]:
        """Where the bytes stand that it moved."""
        if name not in _VECTORS and name not in _MESSAGES:
            return ((call.arguments[1], size),) if size else ()
        address, count = call.arguments[1], call.arguments[2]
        context = call.transition
        if name in _MESSAGES:
            header = self.read_memory(context, address, 32)
            if header is None:
                return ()
            address, count = struct.unpack_from("<QQ", header, 16)
        vector = self.read_memory(context, address, 16 * min(count, _MOST_PARTS))
        if vector is None:
            return ()
        parts = []
        for start, length in struct.iter_unpack("<QQ", vector):
            taken = min(length, size)
            if taken:
                parts.append((start, taken))
            size -= taken
        return tuple(parts)

    def _give(self, transition: int, descriptor: int, file: OpenFile) -> None:
        self._table[descriptor] = file
        self._note(transition + 1, descriptor, file)
        file.closed = None
        self.results.setdefault(transition, []).append(Usage(descriptor, file.id))

    def _note(self, context: int, descriptor: int, file: OpenFile | None) -> None:
        self.histories.setdefault(descriptor, []).append((context, file))

    def _new(self, kind: FileKind, name: str, opened: int | None) -> OpenFile:
        self.files.append(OpenFile(len(self.files), kind, name, opened))
        return self.files[-1]

    def _text(self, context: int, address: int) -> str:
        for size in (256, _LONGEST_PATH):
            data = self._as_much(context, address, size)
            end = data.find(0)
            if end >= 0:
                return os.fsdecode(data[:end])
        return ""

    def _as_much(self, context: int, address: int, size: int) -> bytes:
        """Up to `size` bytes, as far as a page boundary or what is known lets."""
        data = self.read_memory(context, address, size)
        if data is None:
            data = self.read_memory(context, address, min(size, -address % 4096 or 4096))
        return data or b""

    def _address(self, context: int, address: int, size: int) -> str:
        """A socket address in words."""
        data = self._as_much(context, address, min(size, 128)) if address else b""
        return socket_address(data)


def socket_address(data: bytes) -> str:
    """A sockaddr in words; "" if it is none."""
    if len(data) < 2:
        return ""
    family = int.from_bytes(data[:2], "little")
    if family == socket.AF_UNIX:
        path = data[2:]
        if path[:1] == b"\0":
            return "@" + os.fsdecode(path[1:].split(b"\0")[0])
        return os.fsdecode(path.split(b"\0")[0])
    port = int.from_bytes(data[2:4], "big")
    if family == socket.AF_INET and len(data) >= 8:
        return f"{socket.inet_ntop(socket.AF_INET, data[4:8])}:{port}"
    if family == socket.AF_INET6 and len(data) >= 24:
        return f"[{socket.inet_ntop(socket.AF_INET6, data[8:24])}]:{port}"
    return f"{_family(family)} address"


_COPIES = frozenset({"sendfile", "splice", "copy_file_range", "tee"})
_TAKES_DESCRIPTOR = frozenset(
    {
        *_READS,
        *_WRITES,
        *("close", "fstat", "lseek", "ioctl", "fcntl", "dup", "dup2", "dup3", "getdents64"),
        *("getdents", "fsync", "fdatasync", "ftruncate", "fallocate", "flock", "fadvise64"),
        *("connect", "bind", "listen", "accept", "accept4", "shutdown", "getsockname"),
        *("getpeername", "setsockopt", "getsockopt", "recvmmsg", "sendmmsg", "fchmod", "fchown"),
        *("fchdir", "fstatfs", "epoll_wait", "epoll_pwait", "epoll_ctl", "sendfile", "splice"),
        *("copy_file_range", "fgetxattr", "fsetxattr", "readahead", "timerfd_settime"),
    }
)


def _family(number: int) -> str:
    try:
        return socket.AddressFamily(number).name.removeprefix("AF_").lower()
    except ValueError:
        return f"family {number}"


def _signed(value: int) -> int:
    """An argument of type int."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _signed64(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
